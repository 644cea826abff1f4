"""People and their API tokens: the operators' in public, each tenant's in its own schema."""

from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.contrib.auth.models import AbstractUser, BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from knox.models import AbstractAuthToken, AuthTokenManager

from accounts.origins import LONGEST, checked_origin
from accounts.scopes import Scope, every_scope, ordered


class UserManager(BaseUserManager["User"]):
    def administrators(self) -> models.QuerySet["User"]:
        """Those who may do everything and can sign in; of them one has to be left."""
        able = self.filter(is_staff=True, is_superuser=True, is_active=True)
        return able.exclude(password__startswith=UNUSABLE_PASSWORD_PREFIX)

    def get_by_natural_key(self, username: str | None) -> "User":
        # An address differs by case from nobody else's.
        return self.get(email__iexact=username)

    def create_user(self, email: str, password: str | None = None, **extra: Any) -> "User":
        user = self.model(email=self.normalize_email(email), **extra)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **extra: Any) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **extra)


class User(AbstractUser):  # type: ignore[django-manager-missing]
    """A person, who signs in with an e-mail address."""

    username = None  # type: ignore[assignment]
    email = models.EmailField(gettext_lazy("e-mail address"), unique=True)
    language = models.CharField(
        max_length=10,
        blank=True,
        # Also of the database: processes of the version before know nothing of it.
        db_default="",
        choices=settings.LANGUAGES,
        help_text="Of pages and mails; the browser's, or the tenant's, where none is chosen.",
    )
    invited_at = models.DateTimeField(
        null=True, editable=False, help_text="Of the last invitation; empty once it was accepted."
    )
    invited_by = models.CharField(max_length=254, blank=True, db_default="", editable=False)
    link_sent_at = models.DateTimeField(
        null=True, editable=False, help_text="Of the last link to choose another password."
    )
    # Part of what a session is checked against: raising it ends them all.
    sessions_ended = models.PositiveIntegerField(default=0, db_default=0, editable=False)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects: ClassVar[UserManager] = UserManager()  # type: ignore[assignment]

    class Meta:
        ordering = ["email"]
        constraints = [
            models.UniqueConstraint(
                Lower("email"),
                name="one_account_per_address",
                violation_error_message="Somebody already signs in with this address.",
            )
        ]

    def __str__(self) -> str:
        return self.get_full_name() or self.email

    @property
    def is_invited(self) -> bool:
        """Whether an invitation waits for its answer."""
        return self.invited_at is not None and not self.has_usable_password()

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        # Django's own, of the password alone, until sessions are ended for the first time: those
        # that began before the number was there go on.
        if not self.sessions_ended:
            return str(super()._get_session_auth_hash(secret=secret))  # type: ignore[misc]
        return salted_hmac(
            "accounts.models.User.sessions",
            f"{self.sessions_ended}:{self.password}",
            secret=secret,
            algorithm="sha256",
        ).hexdigest()


class TokenQuerySet(models.QuerySet["ApiToken"]):
    def lasting(self) -> "TokenQuerySet":
        """Those that people and commands have made, without browsers' short-lived ones."""
        return self.filter(for_browser=False)

    def live_in_browsers(self) -> "TokenQuerySet":
        return self.filter(for_browser=True, expiry__gt=timezone.now())


class TokenManager(AuthTokenManager.from_queryset(TokenQuerySet)):  # type: ignore[misc]
    """The library's, whose `create` returns the token with its secret."""


class ApiToken(AbstractAuthToken):  # type: ignore[misc]
    """A program's key to the API, stored as a hash: the token itself is shown once, when made.

    `token_key`, the first characters of the token, names it to people and in the log.
    """

    name = models.CharField(max_length=100, blank=True, help_text="What the token is for.")
    scopes = ArrayField(
        models.CharField(max_length=10, choices=Scope.choices),
        default=every_scope,
        help_text="What it may be used for, as far as its person may.",
    )
    last_used_at = models.DateTimeField(
        "last used", null=True, blank=True, editable=False, help_text="To the minute."
    )
    for_browser = models.BooleanField(
        default=False, editable=False, help_text="Made by a program for a browser; short-lived."
    )
    origins = ArrayField(
        models.CharField(max_length=LONGEST),
        default=list,
        blank=True,
        help_text="A browser's token: the pages that it is good for, all where empty.",
    )
    # Revoking a token ends those that were made with it.
    parent = models.ForeignKey(
        "self", models.CASCADE, null=True, blank=True, editable=False, related_name="children"
    )

    objects: ClassVar[TokenManager] = TokenManager()

    class Meta:
        ordering = ["-created"]
        verbose_name = "API token"

    def __str__(self) -> str:
        return f"{self.token_key}… {self.name}".strip()

    @property
    def has_expired(self) -> bool:
        return self.expiry is not None and self.expiry <= timezone.now()

    @property
    def scopes_in_words(self) -> str:
        return ", ".join(one.label.lower() for one in ordered(self.scopes)) or _("none")


class AllowedOrigin(models.Model):
    """An address in the web whose pages may ask the API from a browser (CORS)."""

    origin = models.CharField(
        max_length=LONGEST,
        unique=True,
        help_text=gettext_lazy(
            "Scheme and host, and the port where it is not the usual one, such as "
            "https://dashboard.example.com."
        ),
        error_messages={"unique": gettext_lazy("This origin is allowed already.")},
    )
    note = models.CharField(
        max_length=100, blank=True, help_text=gettext_lazy("Whose pages these are.")
    )
    added_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["origin"]

    def __str__(self) -> str:
        return self.origin

    def clean(self) -> None:
        try:
            self.origin = checked_origin(self.origin)
        except ValueError as error:
            raise ValidationError({"origin": str(error)}) from None


class Act(models.Model):
    """Who did what: acts that change who may do what, and what becomes of a tenant.

    A tenant's are in its schema, the operators' in public. Written by `accounts.acts.record` alone
    and changed by nobody.
    """

    class What(models.TextChoices):
        TENANT_MADE = "tenant made", gettext_lazy("Tenant made")
        TENANT_SUSPENDED = "tenant suspended", gettext_lazy("Tenant suspended")
        TENANT_RESUMED = "tenant resumed", gettext_lazy("Tenant resumed")
        DOMAIN_CHANGED = "domain changed", gettext_lazy("Domain changed")
        TENANT_EXPORTED = "tenant exported", gettext_lazy("Tenant exported")
        TENANT_RESTORED = "tenant restored", gettext_lazy("Tenant restored")
        DELETION_ORDERED = "deletion ordered", gettext_lazy("Deletion ordered")
        DELETION_CALLED_OFF = "deletion called off", gettext_lazy("Deletion called off")
        TENANT_DELETED = "tenant deleted", gettext_lazy("Tenant deleted")
        TOKEN_MADE = "token made", gettext_lazy("Token made")
        TOKEN_CHANGED = "token changed", gettext_lazy("Token changed")
        TOKEN_REVOKED = "token revoked", gettext_lazy("Token revoked")
        ORIGIN_ALLOWED = "origin allowed", gettext_lazy("Origin allowed")
        ORIGIN_REMOVED = "origin removed", gettext_lazy("Origin removed")
        PASSWORD_RESET = "password reset", gettext_lazy("Password reset")
        PASSWORD_CHANGED = "password changed", gettext_lazy("Password changed")
        PASSWORD_LINK_SENT = "password link sent", gettext_lazy("Password link sent")
        PERSON_INVITED = "person invited", gettext_lazy("Person invited")
        INVITATION_RENEWED = "invitation renewed", gettext_lazy("Invitation renewed")
        INVITATION_ACCEPTED = "invitation accepted", gettext_lazy("Invitation accepted")
        PERSON_ADDED = "person added", gettext_lazy("Person added")
        ROLE_CHANGED = "role changed", gettext_lazy("Role changed")
        PERSON_DEACTIVATED = "person deactivated", gettext_lazy("Person deactivated")
        PERSON_REACTIVATED = "person reactivated", gettext_lazy("Person reactivated")
        PERSON_DELETED = "person deleted", gettext_lazy("Person deleted")
        SESSIONS_ENDED = "sessions ended", gettext_lazy("Sessions ended")
        KEYS_ROTATED = "keys rotated", gettext_lazy("Keys rotated")

    at = models.DateTimeField(default=timezone.now)
    by = models.CharField(max_length=254, help_text="A person's address, or the command.")
    what = models.CharField(max_length=40, choices=What.choices)
    about = models.CharField(max_length=254, help_text="A tenant, a person, a token, an origin.")
    detail = models.TextField(blank=True)

    class Meta:
        ordering = ["-at", "-pk"]

    def __str__(self) -> str:
        return f"{self.get_what_display()}: {self.about}"
