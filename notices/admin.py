"""Trouble and letters in a tenant's admin, to be looked at."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.sites import tenant_site
from ingestion.admin import ReadOnlyAdmin
from notices.models import Letter, Trouble


@admin.register(Trouble, site=tenant_site)
class TroubleAdmin(ReadOnlyAdmin):
    list_display = ["__str__", "seen_at", "told_at", "well_at"]
    list_filter = ["kind"]
    list_select_related = ["meter", "source"]


@admin.register(Letter, site=tenant_site)
class LetterAdmin(ReadOnlyAdmin):
    list_display = ["subject", "user", "created_at", "state", "attempts", "sent_at", "error"]
    list_select_related = ["user"]
    date_hierarchy = "created_at"
    fields = [
        *("subject", "user", "created_at", "state", "due_at", "attempts", "sent_at"),
        *("given_up_at", "error", "events"),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("user")
