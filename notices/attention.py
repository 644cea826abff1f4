"""What of a tenant needs somebody's attention now."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum

from django.db.models import Count, Sum
from django.urls import reverse

from ingestion.models import Feed, Gap, Run, Source
from meters.health import State, states
from meters.models import Meter
from meters.templatetags.units import local
from notices.models import UNWANTED, Letter, Watch
from notices.sources import source_health
from tenants.models import Tenant

# A worker is woken at once, and by each dispatch again.
WAITS_TOO_LONG = timedelta(minutes=5)
# The watch looks every five minutes.
WATCH_TOO_LATE = timedelta(minutes=20)
# A mail that could not be sent is news for so long.
LOST_MAIL = timedelta(days=3)
# Readings that will never come are news for so long.
LOST_READINGS = timedelta(days=7)
MOST_NAMED = 20


class Level(IntEnum):
    """How bad it is; the number is what monitoring takes as an exit code."""

    OK = 0
    WARNING = 1
    CRITICAL = 2


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that needs attention.

    Attributes
    ----------
    kind
        A word for programs.
    path
        Where it is looked at.
    """

    level: Level
    kind: str
    title: str
    words: str
    path: str


@dataclass(frozen=True, slots=True)
class Attention:
    """All that needs attention, the worst first."""

    items: tuple[Item, ...]

    @property
    def level(self) -> Level:
        return max((item.level for item in self.items), default=Level.OK)


def attention(tenant: Tenant, now: datetime) -> Attention:
    """Look at everything in the tenant, inside which this is called."""
    items = [
        *_backlog(now),
        *_failing(now),
        *_given_up(),
        *_missing(now),
        *_silent(tenant, now),
        *_letters(now),
        *_clock(now),
    ]
    return Attention(tuple(sorted(items, key=lambda item: -item.level)))


def _backlog(now: datetime) -> Iterator[Item]:
    waiting = Run.objects.waiting(now).filter(created_at__lt=now - WAITS_TOO_LONG)
    count, oldest = waiting.count(), waiting.order_by("created_at").first()
    if oldest is None:
        return
    minutes = int((now - oldest.created_at).total_seconds() // 60)
    some = f"{count:,} runs wait" if count > 1 else "One run waits"
    yield Item(
        Level.CRITICAL,
        "backlog",
        f"{some} for a worker",
        f"The oldest for {minutes:,} minutes. Is a worker running, and does it reach its queue?",
        oldest.get_absolute_url(),
    )


def _failing(now: datetime) -> Iterator[Item]:
    for source in Source.objects.filter(is_active=True):
        health = source_health(source, now)
        if health.keeps_failing:
            yield Item(
                Level.CRITICAL,
                "source",
                f"Source {source.name} keeps failing",
                f"Its last {health.streak} runs failed. {health.error}",
                reverse("ingestion:runs") + "?show=failed",
            )


def _given_up() -> Iterator[Item]:
    count = Feed.objects.given_up().count()
    if count:
        what = "One meter is" if count == 1 else f"{count:,} meters are"
        yield Item(
            Level.WARNING,
            "given-up",
            f"{what} given up",
            "Again and again they could not be read, while their source answered.",
            reverse("ingestion:runs"),
        )


def _missing(now: datetime) -> Iterator[Item]:
    lately = Gap.objects.filter(state=Gap.State.GIVEN_UP, ended_at__gte=now - LOST_READINGS)
    sums = lately.aggregate(gaps=Count("pk"), missing=Sum("missing"))
    if sums["gaps"]:
        some = "One gap was" if sums["gaps"] == 1 else f"{sums['gaps']:,} gaps were"
        yield Item(
            Level.WARNING,
            "gap",
            f"{some} given up lately",
            f"Their source was asked for {sums['missing']:,} intervals again and again, and has "
            "none of them.",
            reverse("record:gaps") + "?show=given_up",
        )


def _silent(tenant: Tenant, now: datetime) -> Iterator[Item]:
    meters = list(
        Meter.objects.all()
        .with_registers()
        .filter(feed__is_active=True, feed__source__is_active=True)
    )
    found = states(meters, int(now.timestamp()))
    silent = [meter for meter in meters if found[meter.pk][0] == State.SILENT]
    for meter in silent[:MOST_NAMED]:
        yield Item(
            Level.WARNING,
            "meter",
            f"Meter {meter.name} is silent",
            f"Its latest reading ends on {local(found[meter.pk][1], tenant.timezone)}.",
            meter.get_absolute_url(),
        )
    if len(silent) > MOST_NAMED:
        yield Item(
            Level.WARNING,
            "meter",
            f"{len(silent) - MOST_NAMED:,} more meters are silent",
            "The list of meters shows the state of each.",
            reverse("analytics:meters"),
        )


def _letters(now: datetime) -> Iterator[Item]:
    lost = Letter.objects.filter(given_up_at__gte=now - LOST_MAIL).exclude(error=UNWANTED)
    count, last = lost.count(), lost.first()
    if last is not None:
        yield Item(
            Level.WARNING,
            "mail",
            f"{count:,} mail{'s' if count > 1 else ''} could not be sent",
            f"The last one after {last.attempts} attempts: {last.error}",
            reverse("notices:mine"),
        )


def _clock(now: datetime) -> Iterator[Item]:
    watch = Watch.objects.first()
    if watch and watch.looked_at and now - watch.looked_at > WATCH_TOO_LATE:
        minutes = int((now - watch.looked_at).total_seconds() // 60)
        yield Item(
            Level.CRITICAL,
            "schedule",
            "The schedule stands still",
            f"Nothing has been looked at for {minutes:,} minutes. Is the scheduler running?",
            reverse("notices:attention"),
        )
