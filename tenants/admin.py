"""The operators' admin: tenants and domains. It is routed on the bare domain alone."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from accounts.sites import operators_site
from tenants.lifecycle import (
    GRACE,
    LifecycleError,
    call_off_deletion,
    order_deletion,
    resume,
    suspend,
)
from tenants.models import Domain, Tenant


class DomainInline(admin.TabularInline[Domain, Tenant]):
    model = Domain
    extra = 0

    def get_formset(self, *args: Any, **kwargs: Any) -> Any:
        # Without a domain nobody gets in any more.
        return super().get_formset(*args, **{"min_num": 1, "validate_min": True} | kwargs)


@admin.register(Tenant, site=operators_site)
class TenantAdmin(admin.ModelAdmin[Tenant]):
    """Tenants are made by `create_tenant`, which also makes their first sign-in."""

    list_display = ["name", "schema_name", "address", "timezone", "language", "state", "created_at"]
    search_fields = ["name", "schema_name", "domains__domain"]
    readonly_fields = [
        *("schema_name", "epoch", "created_at"),
        *("suspended_at", "suspended_why", "delete_at"),
    ]
    inlines = [DomainInline]
    actions = ["suspend_chosen", "resume_chosen", "order_deletion_of_chosen", "call_off_of_chosen"]

    @admin.display(description="State")
    def state(self, tenant: Tenant) -> str:
        return tenant.state_in_words

    @admin.action(
        description="Suspend: pages, API and tasks rest, data stays", permissions=["change"]
    )
    def suspend_chosen(self, request: HttpRequest, chosen: QuerySet[Tenant]) -> None:
        self._each(request, chosen, suspend, "suspended")

    @admin.action(description="Resume what was suspended", permissions=["change"])
    def resume_chosen(self, request: HttpRequest, chosen: QuerySet[Tenant]) -> None:
        self._each(request, chosen, resume, "served again")

    @admin.action(description=f"Suspend, and delete in {GRACE.days} days", permissions=["change"])
    def order_deletion_of_chosen(self, request: HttpRequest, chosen: QuerySet[Tenant]) -> None:
        self._each(
            request, chosen, order_deletion, f"suspended, to be deleted in {GRACE.days} days"
        )

    @admin.action(description="Keep what was to be deleted", permissions=["change"])
    def call_off_of_chosen(self, request: HttpRequest, chosen: QuerySet[Tenant]) -> None:
        self._each(request, chosen, call_off_deletion, "kept, and suspended until it is resumed")

    def _each(
        self, request: HttpRequest, chosen: QuerySet[Tenant], do: Callable[..., object], done: str
    ) -> None:
        by = request.user.get_username()
        for tenant in chosen:
            try:
                do(tenant, by=by)
            except LifecycleError as error:
                self.message_user(request, str(error), messages.ERROR)
            else:
                self.message_user(request, f"{tenant.name} is {done}.")

    @admin.display(description="Address")
    def address(self, tenant: Tenant) -> str:
        domain = tenant.get_primary_domain()
        return domain.domain if domain else "–"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Tenant | None = None) -> bool:
        # Deleting a row would leave its schema behind, nameless and full.
        return False


@admin.register(Domain, site=operators_site)
class DomainAdmin(admin.ModelAdmin[Domain]):
    list_display = ["domain", "tenant_link", "is_primary"]
    search_fields = ["domain", "tenant__name"]
    list_select_related = ["tenant"]

    def has_delete_permission(self, request: HttpRequest, obj: Domain | None = None) -> bool:
        """Keep the only domain of a tenant; it is changed instead. Several go one by one."""
        if obj is not None and not obj.tenant.domains.exclude(pk=obj.pk).exists():
            return False
        return super().has_delete_permission(request, obj)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        return {
            name: action
            for name, action in super().get_actions(request).items()
            if name != "delete_selected"
        }

    @admin.display(description="Tenant")
    def tenant_link(self, domain: Domain) -> str:
        url = reverse("admin:tenants_tenant_change", args=[domain.tenant_id])
        return format_html('<a href="{}">{}</a>', url, domain.tenant)
