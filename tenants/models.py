import uuid
import zoneinfo
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import connection, models
from django_tenants.models import DomainMixin, TenantMixin
from django_tenants.utils import schema_exists, tenant_context

from tenants.blueprint import make_schema
from tenants.hosts import checked_host
from tenants.schema import current_schema, in_public


def validate_timezone(name: str) -> None:
    if name not in zoneinfo.available_timezones():
        raise ValidationError(
            f"“{name}” is not a time zone of the IANA database; an example is Europe/Zurich."
        )


class TenantQuerySet(models.QuerySet["Tenant"]):
    def at_work(self) -> "TenantQuerySet":
        """Those that are served, by name."""
        return self.filter(suspended_at=None).order_by("schema_name")

    def named(self, name: str) -> "Tenant":
        """Find a tenant by its short name, its schema or one of its domains."""
        try:
            # First, for another tenant's domain may read like a short name.
            return self.get(schema_name=name.replace("-", "_"))
        except self.model.DoesNotExist:
            return self.get(domains__domain=name.lower().rstrip("."))

    def here(self) -> "Tenant":
        """Return the tenant that the connection is in."""
        schema = current_schema()
        with in_public():
            return self.get(schema_name=schema)


class Tenant(TenantMixin):  # type: ignore[misc]
    """An energy utility or community: a name, a schema of its own and the domains it answers on."""

    name = models.CharField(max_length=100)
    timezone = models.CharField(
        max_length=64,
        default="Europe/Zurich",
        validators=[validate_timezone],
        help_text="The zone of the tenant's days where no meter says otherwise.",
    )
    language = models.CharField(
        max_length=10,
        default="en",
        # Also of the database: processes of the version before know nothing of it.
        db_default="en",
        choices=settings.LANGUAGES,
        help_text="Of its mails and pages, for whoever has chosen no other.",
    )
    # Part of every ETag. A restore renews it, for the versions of rows begin anew there.
    epoch = models.UUIDField(default=uuid.uuid4, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    # What becomes of a tenant is written by `tenants.lifecycle` alone.
    suspended_at = models.DateTimeField(
        null=True, editable=False, help_text="Since then pages, API and tasks rest; data stays."
    )
    suspended_why = models.CharField(
        max_length=200, blank=True, db_default="", editable=False, help_text="Shown on its pages."
    )
    delete_at = models.DateTimeField(
        null=True, editable=False, help_text="Then it is deleted, with everything that it has."
    )

    objects = TenantQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def slug(self) -> str:
        """The short name that commands take and the subdomain carries."""
        return str(self.schema_name).replace("_", "-")

    @property
    def is_suspended(self) -> bool:
        return self.suspended_at is not None

    @property
    def state_in_words(self) -> str:
        """Say whether it is served: ``at work``, ``suspended since 2024-03-01: why``, …"""
        if self.delete_at is not None:
            return f"to be deleted on {self.delete_at:%Y-%m-%d}"
        if self.suspended_at is not None:
            why = f": {self.suspended_why}" if self.suspended_why else ""
            return f"suspended since {self.suspended_at:%Y-%m-%d}{why}"
        return "at work"

    def create_schema(
        self, check_if_exists: bool = False, sync_schema: bool = True, verbosity: int = 1
    ) -> bool:
        """Make the schema with its tables; return whether there was none."""
        if check_if_exists and schema_exists(self.schema_name):
            return False
        make_schema(self.schema_name)
        return True

    def enter(self) -> None:
        """Set the connection to the tenant's schema; somebody else has to leave it."""
        connection.set_tenant(self)  # type: ignore[attr-defined]

    @contextmanager
    def entered(self) -> Iterator["Tenant"]:
        """Work inside the tenant's schema, and return to where the connection was before."""
        with tenant_context(self):
            yield self


class Domain(DomainMixin):  # type: ignore[misc]
    """An address that a tenant answers on."""

    def clean(self) -> None:
        # Written in any other way, no request would ever match it.
        try:
            self.domain: str = checked_host(self.domain)
        except ValueError as error:
            raise ValidationError({"domain": str(error)}) from None


class UpstreamTurn(models.Model):
    """When the next request to an upstream may go out, for all tenants that share its patience.

    Written by `ingestion.pace`, under a name that tells neither host nor token.
    """

    key = models.CharField(max_length=32, primary_key=True)
    next_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.key
