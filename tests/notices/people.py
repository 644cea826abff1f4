"""What tests of notices build with: meters as fresh or silent as need be, and mails."""

from datetime import UTC, datetime, timedelta
from typing import Any

from accounts.models import User
from ingestion.models import Feed, Run, Source
from meters.models import DailyProfile, Meter
from notices.models import Letter
from notices.sending import Sent, send_due
from notices.watching import Looked, watch
from tenants.models import Tenant
from tests.ingestion.plant import make_source
from tests.meters.stored import Readings, make_meter, make_register, write

NOW = datetime(2024, 6, 15, 12, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def deliver(meter: Meter, until: datetime) -> None:
    """Let a meter have readings up to a moment."""
    register = meter.registers.first() or make_register(meter)
    DailyProfile.objects.filter(register=register).delete()
    end = seconds(until)
    write(register, Readings.steady(end - 2 * 86_400, end))


def meters_of(source: Source, count: int, until: datetime, **more: Any) -> list[Meter]:
    found = []
    for number in range(count):
        meter = make_meter(name=f"Meter {number:02}", timezone="UTC", **more)
        Feed.objects.create(meter=meter, source=source)
        deliver(meter, until)
        found.append(meter)
    return found


def upstream(name: str = "Grid operator") -> Source:
    return make_source("https://meters.example.com", name=name)


def ran(source: Source, state: Run.State, at: datetime, error: str = "") -> Run:
    run = Run.objects.create(
        source=source, trigger=Run.Trigger.SCHEDULE, state=state, error=error, finished_at=at
    )
    Run.objects.filter(pk=run.pk).update(created_at=at)
    return run


def looked(tenant: Tenant, at: datetime) -> Looked:
    found = watch(tenant, at)
    assert found is not None
    return found


def every(tenant: Tenant, minutes: int, start: datetime, stop: datetime) -> int:
    """Look every so many minutes within ``[start, stop)``; return how many letters there were."""
    letters, at = 0, start
    while at < stop:
        letters += looked(tenant, at).letters
        at += timedelta(minutes=minutes)
    return letters


def send(tenant: Tenant, at: datetime) -> Sent:
    return send_due(tenant, clock=lambda: at)


def person(email: str, **more: Any) -> User:
    return User.objects.create_user(email, **more)


def subjects() -> list[str]:
    return list(Letter.objects.order_by("pk").values_list("subject", flat=True))
