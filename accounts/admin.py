"""People and tokens, in both admin sites: each shows those of its own schema."""

from typing import Any, cast

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, Permission
from django.db.models import ManyToManyField, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from accounts.cors import allow_origin, disallow_origin
from accounts.models import Act, AllowedOrigin, ApiToken, User
from accounts.sites import OwnModelsSite, operators_site, tenant_site
from accounts.tokens import log_change, revoke_token


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
        ("Person", {"fields": ["first_name", "last_name", "language"]}),
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


SHOWN = ("token_key", "name", "user", "scopes_in_words", "created", "last_used_at", "expiry")


class ApiTokenAdmin(admin.ModelAdmin[ApiToken]):
    """Tokens can be seen and ended here."""

    list_display = (*SHOWN, "for_browser")
    list_filter = ["for_browser"]
    list_select_related = ["user"]
    search_fields = ["token_key", "name", "user__email"]
    fields = (*SHOWN, "for_browser", "origins")
    readonly_fields = tuple(one for one in fields if one not in {"name", "expiry"})

    @admin.display(description="Scopes")
    def scopes_in_words(self, token: ApiToken) -> str:
        return token.scopes_in_words

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("digest")

    def save_model(self, request: HttpRequest, obj: ApiToken, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        log_change(obj, by=request.user.get_username())

    def delete_model(self, request: HttpRequest, obj: ApiToken) -> None:
        revoke_token(token=obj, by=request.user.get_username())

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[ApiToken]) -> None:
        for token in queryset:
            revoke_token(token=token, by=request.user.get_username())


@admin.register(ApiToken, site=operators_site)
class OperatorsTokenAdmin(ApiTokenAdmin):
    """Operators' are made by `create_token`, which shows them once."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


@admin.register(ApiToken, site=tenant_site)
class TenantTokenAdmin(ApiTokenAdmin):
    """A tenant's are made on the page that shows them once."""

    def add_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return redirect("accounts:tokens")


@admin.register(AllowedOrigin, site=tenant_site)
class AllowedOriginAdmin(admin.ModelAdmin[AllowedOrigin]):
    """Whose pages may ask the API from a browser."""

    list_display = ["origin", "note", "added_at"]
    search_fields = ["origin", "note"]
    readonly_fields = ["added_at"]

    def save_model(self, request: HttpRequest, obj: AllowedOrigin, form: Any, change: bool) -> None:
        allow_origin(obj, by=request.user.get_username())

    def delete_model(self, request: HttpRequest, obj: AllowedOrigin) -> None:
        disallow_origin(obj, by=request.user.get_username())

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[AllowedOrigin]) -> None:
        for one in queryset:
            self.delete_model(request, one)


@admin.register(Group, site=operators_site)
@admin.register(Group, site=tenant_site)
class PeopleGroupAdmin(OwnPermissions, GroupAdmin):
    """Groups of people, each with its permissions."""


@admin.register(Act, site=operators_site)
@admin.register(Act, site=tenant_site)
class ActAdmin(admin.ModelAdmin[Act]):
    """Who did what: to be read, by nobody to be changed."""

    list_display = ["at", "by", "what", "about", "detail"]
    list_filter = ["what"]
    search_fields = ["by", "about", "detail"]
    date_hierarchy = "at"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Act | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Act | None = None) -> bool:
        return False
