"""People and tokens, in both admin sites: each shows those of its own schema."""

from http import HTTPStatus
from typing import Any, cast

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.forms import UserChangeForm
from django.contrib.auth.models import Group, Permission
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import ManyToManyField, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from accounts.acts import record
from accounts.cors import allow_origin, disallow_origin
from accounts.models import Act, AllowedOrigin, ApiToken, User
from accounts.people import PeopleError, check_not_last
from accounts.roles import role_of
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


class PersonForm(UserChangeForm[User]):
    """A person, of whom one that may do everything has to be left."""

    def clean(self) -> dict[str, Any]:
        told = super().clean() or {}
        stays = all(told.get(one) for one in ("is_active", "is_staff", "is_superuser"))
        if not stays:
            with transaction.atomic():
                try:
                    check_not_last(self.instance)
                except PeopleError as error:
                    raise ValidationError(str(error)) from None
        return told


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
    form = PersonForm

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        if change and "is_active" in form.changed_data and not obj.is_active:
            obj.sessions_ended += 1
        super().save_model(request, obj, form, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        # Once the groups and permissions are there as well, of which the role is made.
        super().save_related(request, form, formsets, change)
        person, by = form.instance, request.user.get_username()
        role = role_of(User.objects.get(pk=person.pk))
        words = role.value if role else "own permissions"
        if not change:
            record(Act.What.PERSON_ADDED, person.email, by=by, detail=f"as {words}")
        elif RIGHTS & set(form.changed_data):
            record(Act.What.ROLE_CHANGED, person.email, by=by, detail=f"to {words}")
        if change and "is_active" in form.changed_data:
            what = Act.What
            done = what.PERSON_REACTIVATED if person.is_active else what.PERSON_DEACTIVATED
            record(done, person.email, by=by)

    def user_change_password(
        self,
        request: HttpRequest,
        id: str,  # noqa: A002 - the library's
        form_url: str = "",
    ) -> HttpResponse:
        response = super().user_change_password(request, id, form_url)
        if request.method == "POST" and response.status_code == HTTPStatus.FOUND:
            person = User.objects.get(pk=id)
            record(Act.What.PASSWORD_RESET, person.email, by=request.user.get_username())
        return response

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        if obj is not None and _is_last(obj):
            return False
        return super().has_delete_permission(request, obj)

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        record(Act.What.PERSON_DELETED, obj.email, by=request.user.get_username())
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        with transaction.atomic():
            kept = User.objects.administrators().exclude(pk__in=queryset.values("pk"))
            if not kept.select_for_update().exists():
                raise PermissionDenied("Somebody has to be left who may do everything.")
            for person in queryset:
                self.delete_model(request, person)


# What an account may do hangs on these fields.
RIGHTS = {"is_staff", "is_superuser", "groups", "user_permissions"}


def _is_last(person: User) -> bool:
    found = set(User.objects.administrators().values_list("pk", flat=True))
    return found == {person.pk}


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
