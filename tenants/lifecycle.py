"""What becomes of a tenant: suspended and resumed, moved to another domain, deleted.

Each is done whole or not at all, by operators alone, and put on record in public. How a tenant is
made stands in `tenants.onboarding`, how it is taken along in `tenants.archive`.
"""

from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from redis import Redis
from redis.exceptions import RedisError

from accounts.acts import record
from accounts.models import Act
from accounts.throttling import counters_of
from tenants.hosts import checked_host
from tenants.models import Domain, Tenant
from tenants.schema import in_public

log = structlog.get_logger(__name__)

# A tenant that is to be deleted can be had back for so long, where nothing else is said.
GRACE = timedelta(days=30)


class LifecycleError(ValueError):
    """It can't be done; the text says why and what to do instead."""


def suspend(tenant: Tenant, *, by: str, why: str = "") -> None:
    """Let a tenant's pages, API and tasks rest. Its data stays; a run that is under way ends.

    Parameters
    ----------
    why
        Shown on its pages.
    """
    with in_public(), transaction.atomic():
        found = _locked(tenant)
        if found.is_suspended:
            raise LifecycleError(
                f"{found.slug} has been suspended since {_day(found.suspended_at)}."
            )
        found.suspended_at, found.suspended_why = timezone.now(), why[:200]
        found.save(update_fields=["suspended_at", "suspended_why"])
        record(Act.What.TENANT_SUSPENDED, found.slug, by=by, detail=why)


def resume(tenant: Tenant, *, by: str) -> None:
    """Serve a tenant again. What its meters have missed is fetched from where they stopped."""
    with in_public(), transaction.atomic():
        found = _locked(tenant)
        if not found.is_suspended:
            raise LifecycleError(f"{found.slug} is at work; nothing to resume.")
        if found.delete_at is not None:
            raise LifecycleError(
                f"{found.slug} is to be deleted on {_day(found.delete_at)}. Keep it first: "
                f"manage.py delete_tenant {found.slug} --call-off"
            )
        found.suspended_at, found.suspended_why = None, ""
        found.save(update_fields=["suspended_at", "suspended_why"])
        record(Act.What.TENANT_RESUMED, found.slug, by=by)


def change_domain(tenant: Tenant, domain: str, *, by: str, keep_others: bool = False) -> Domain:
    """Have a tenant answer on another domain.

    Parameters
    ----------
    keep_others
        It goes on answering on those that it has; otherwise they are free at once.

    Raises
    ------
    LifecycleError
        It is no name of a host, or another tenant's.
    """
    try:
        name = checked_host(domain)
    except ValueError as error:
        raise LifecycleError(str(error)) from None
    with in_public():
        try:
            with transaction.atomic():
                found = _locked(tenant)
                before = sorted(found.domains.values_list("domain", flat=True))
                if keep_others:
                    found.domains.update(is_primary=False)
                else:
                    found.domains.exclude(domain=name).delete()
                made: Domain = Domain.objects.update_or_create(
                    domain=name, tenant=found, defaults={"is_primary": True}
                )[0]
                detail = f"from {', '.join(before) or 'none'} to {name}"
                record(Act.What.DOMAIN_CHANGED, found.slug, by=by, detail=detail)
        except IntegrityError:
            raise LifecycleError(f"The domain {name} belongs to another tenant.") from None
    return made


def order_deletion(tenant: Tenant, *, by: str, grace: timedelta = GRACE) -> datetime:
    """Suspend a tenant and have it deleted once the grace is over; return when that is."""
    with in_public(), transaction.atomic():
        found = _locked(tenant)
        if found.delete_at is not None:
            raise LifecycleError(
                f"{found.slug} is to be deleted on {_day(found.delete_at)} already."
            )
        now = timezone.now()
        found.delete_at = now + grace
        if not found.is_suspended:
            found.suspended_at, found.suspended_why = now, ""
        found.save(update_fields=["delete_at", "suspended_at", "suspended_why"])
        detail = f"due {found.delete_at.isoformat(timespec='seconds')}"
        record(Act.What.DELETION_ORDERED, found.slug, by=by, detail=detail)
        return found.delete_at


def call_off_deletion(tenant: Tenant, *, by: str) -> None:
    """Keep a tenant that was to be deleted. It stays suspended until it is resumed."""
    with in_public(), transaction.atomic():
        found = _locked(tenant)
        if found.delete_at is None:
            raise LifecycleError(f"{found.slug} is not to be deleted.")
        found.delete_at = None
        found.save(update_fields=["delete_at"])
        record(Act.What.DELETION_CALLED_OFF, found.slug, by=by)


def delete(tenant: Tenant, *, by: str) -> None:
    """Delete a suspended tenant: its schema and all in it, its domains, what is cached of it.

    The record of operators' acts keeps its short name, and that it was deleted.

    Raises
    ------
    LifecycleError
        It is at work: somebody may be reading.
    """
    with in_public(), transaction.atomic():
        found = _locked(tenant)
        if not found.is_suspended:
            raise LifecycleError(f"{found.slug} is at work. Suspend it before you delete it.")
        slug, schema = found.slug, found.schema_name
        found.delete(force_drop=True)
        record(Act.What.TENANT_DELETED, slug, by=by)
    forget(schema)


def delete_due(now: datetime, *, by: str) -> list[str]:
    """Delete the tenants whose grace is over; return their short names."""
    with in_public():
        due = list(Tenant.objects.filter(delete_at__lte=now).order_by("delete_at"))
    for tenant in due:
        delete(tenant, by=by)
    return [tenant.slug for tenant in due]


def forget(schema: str) -> None:
    """Remove what is cached of a schema, and the counters of its requests.

    A later tenant of the same name must not find them.
    """
    redis = Redis.from_url(str(settings.CACHES["default"]["LOCATION"]), socket_connect_timeout=2)
    try:
        for own in (f"{schema}:*", f"{counters_of(schema)}*"):
            for key in redis.scan_iter(match=own, count=1000):
                redis.delete(key)
    except RedisError as error:
        log.warning("cached entries of a deleted tenant expire by themselves", words=str(error))


def _locked(tenant: Tenant) -> Tenant:
    """Read a tenant anew and keep others from changing it meanwhile."""
    found = Tenant.objects.select_for_update().filter(pk=tenant.pk).first()
    if found is None:
        raise LifecycleError(f"{tenant.slug} is no longer there.")
    return found


def _day(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC" if moment else "–"
