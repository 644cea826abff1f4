"""Sites, meters and registers in a tenant's admin. Ingestion adds its part to the meters' page."""

import time
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html

from accounts.sites import tenant_site
from meters.health import MeterHealth, health
from meters.models import Meter, Register, Site
from meters.obis import ObisCode, ObisError
from meters.templatetags.units import local


@admin.register(Site, site=tenant_site)
class SiteAdmin(admin.ModelAdmin[Site]):
    list_display = ["name", "address"]
    search_fields = ["name", "address"]


class RegisterForm(forms.ModelForm[Register]):
    def clean_obis(self) -> str:
        # One notation already here: the same code in two of them would not be seen to be the same.
        try:
            return str(ObisCode.parse(self.cleaned_data["obis"]))
        except ObisError as error:
            raise forms.ValidationError(str(error)) from None


class RegisterInline(admin.TabularInline[Register, Meter]):
    model = Register
    form = RegisterForm
    extra = 0
    fields = ["obis", "measurement", "meaning", "interval_text"]
    readonly_fields = ["meaning", "interval_text"]

    @admin.display(description="What it counts")
    def meaning(self, register: Register) -> str:
        return f"{register.code.label} [{register.code.unit}]" if register.obis else "–"

    @admin.display(description="Interval")
    def interval_text(self, register: Register) -> str:
        return f"{register.interval // 60} min" if register.interval else "not known yet"

    def has_delete_permission(self, request: HttpRequest, obj: Meter | None = None) -> bool:
        # A register takes its readings with it.
        return False


@admin.register(Meter, site=tenant_site)
class MeterAdmin(admin.ModelAdmin[Meter]):
    list_display = ["name", "muid", "site", "timezone", "last_reading", "completeness"]
    list_filter = ["site", "timezone"]
    list_select_related = ["site"]
    search_fields = ["name", "muid", "metering_point", "site__name"]
    autocomplete_fields = ["site"]
    inlines = [RegisterInline]
    list_per_page = 50
    readonly_fields = ["last_reading", "completeness"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Meter]:
        return super().get_queryset(request).prefetch_related("registers")

    def has_delete_permission(self, request: HttpRequest, obj: Meter | None = None) -> bool:
        # A meter that is gone gets a date of removal; its readings stay.
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Meter | None = None) -> list[str]:
        fixed = ["muid"] if obj else []
        return [*fixed, *self.readonly_fields]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        response = super().changelist_view(request, extra_context)
        if hasattr(response, "context_data") and "cl" in response.context_data:
            # One question for all meters of the page, not two for each.
            shown = list(response.context_data["cl"].result_list)
            found = health(shown, int(time.time()))
            for meter in shown:
                meter.health = found[meter.pk]
            response.context_data["cl"].result_list = shown
        return response

    def _health(self, meter: Meter) -> MeterHealth | None:
        if meter._state.adding:  # noqa: SLF001 - its documented name
            return None
        known = getattr(meter, "health", None)
        return known or health([meter], int(time.time()))[meter.pk]

    @admin.display(description="Last reading")
    def last_reading(self, meter: Meter) -> str:
        found = self._health(meter)
        if found is None or found.last_end is None:
            return "none yet"
        return f"until {local(found.last_end, meter.zone)}"

    @admin.display(description="Complete (30 days)")
    def completeness(self, meter: Meter) -> str:
        found = self._health(meter)
        if found is None or found.completeness is None:
            return "–"
        return format_html(
            "{} %, {} of {} intervals",
            f"{100 * found.completeness:.1f}",
            found.count,
            found.expected,
        )
