"""People and tokens, in both admin sites: each shows those of its own schema."""

from typing import Any, cast

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, Permission
from django.db.models import ManyToManyField
from django.http import HttpRequest

from accounts.models import ApiToken, User
from accounts.sites import OwnModelsSite, operators_site, tenant_site


class OwnPermissions(admin.ModelAdmin):  # type: ignore[type-arg]
    """Offer the permissions of this site's models alone; a tenant learns of no other's."""

    def formfield_for_manytomany(
        self, db_field: ManyToManyField[Any, Any], request: HttpRequest | None = None, **kwargs: Any
    ) -> Any:
        if db_field.related_model is Permission:
            site = cast("OwnModelsSite", self.admin_site)
            kwargs["queryset"] = Permission.objects.filter(site.permissions())
        return super().formfield_for_manytomany(db_field, request, **kwargs)  # type: ignore[arg-type]


@admin.register(User, site=operators_site)
@admin.register(User, site=tenant_site)
class PersonAdmin(OwnPermissions, UserAdmin):  # type: ignore[type-arg]
    ordering = ["email"]
    list_display = ["email", "first_name", "last_name", "is_staff", "is_active", "last_login"]
    list_filter = ["is_staff", "is_active"]
    search_fields = ["email", "first_name", "last_name"]
    fieldsets = [
        (None, {"fields": ["email", "password"]}),
        ("Person", {"fields": ["first_name", "last_name"]}),
        (
            "Permissions",
            {"fields": ["is_active", "is_staff", "is_superuser", "groups", "user_permissions"]},
        ),
        ("Dates", {"fields": ["last_login", "date_joined"]}),
    ]
    add_fieldsets = [
        (
            None,
            {"classes": ["wide"], "fields": ["email", "usable_password", "password1", "password2"]},
        )
    ]
    readonly_fields = ["last_login", "date_joined"]


@admin.register(ApiToken, site=operators_site)
@admin.register(ApiToken, site=tenant_site)
class ApiTokenAdmin(admin.ModelAdmin[ApiToken]):
    """Tokens can be seen and ended here; they are made where they can be shown once."""

    list_display = ["token_key", "name", "user", "created", "expiry"]
    list_select_related = ["user"]
    fields = ["token_key", "name", "user", "created", "expiry"]
    readonly_fields = ["token_key", "user", "created"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("digest")


@admin.register(Group, site=operators_site)
@admin.register(Group, site=tenant_site)
class PeopleGroupAdmin(OwnPermissions, GroupAdmin):
    """Groups of people, each with its permissions."""
