"""What of a tenant needs somebody's attention now."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum

from django.db.models import Count, Sum
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ingestion.models import Feed, Gap, Run, Source
from meters.health import State, states
from meters.models import Meter
from meters.wording import figure, local
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
    said
        What the record says of it, in the record's words.
    """

    level: Level
    kind: str
    title: str
    words: str
    path: str
    said: str = ""

    @property
    def in_full(self) -> str:
        """The words, and what the record says."""
        return f"{self.words} {self.said}".rstrip()


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
    title = ngettext("One run waits for a worker", "{count} runs wait for a worker", count)
    words = _("The oldest for {minutes} minutes. Is a worker running, and does it reach its queue?")
    yield Item(
        Level.CRITICAL,
        "backlog",
        title.format(count=figure(count)),
        words.format(minutes=figure(minutes)),
        oldest.get_absolute_url(),
    )


def _failing(now: datetime) -> Iterator[Item]:
    for source in Source.objects.filter(is_active=True):
        health = source_health(source, now)
        if health.keeps_failing:
            yield Item(
                Level.CRITICAL,
                "source",
                _("Source {name} keeps failing").format(name=source.name),
                _("Its last {count} runs failed.").format(count=health.streak),
                reverse("ingestion:runs") + "?show=failed",
                health.error,
            )


def _given_up() -> Iterator[Item]:
    count = Feed.objects.given_up().count()
    if count:
        title = ngettext("One meter is given up", "{count} meters are given up", count)
        yield Item(
            Level.WARNING,
            "given-up",
            title.format(count=figure(count)),
            _("Again and again they could not be read, while their source answered."),
            reverse("ingestion:runs"),
        )


def _missing(now: datetime) -> Iterator[Item]:
    lately = Gap.objects.filter(state=Gap.State.GIVEN_UP, ended_at__gte=now - LOST_READINGS)
    sums = lately.aggregate(gaps=Count("pk"), missing=Sum("missing"))
    if sums["gaps"]:
        title = ngettext(
            "One gap was given up lately", "{count} gaps were given up lately", sums["gaps"]
        )
        words = _(
            "Their source was asked for {missing} intervals again and again, and has none of them."
        )
        yield Item(
            Level.WARNING,
            "gap",
            title.format(count=figure(sums["gaps"])),
            words.format(missing=figure(sums["missing"])),
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
        latest = local(found[meter.pk][1], tenant.timezone)
        yield Item(
            Level.WARNING,
            "meter",
            _("Meter {name} is silent").format(name=meter.name),
            _("Its latest reading ends on {moment}.").format(moment=latest),
            meter.get_absolute_url(),
        )
    others = len(silent) - MOST_NAMED
    if others > 0:
        title = ngettext("{count} more meter is silent", "{count} more meters are silent", others)
        yield Item(
            Level.WARNING,
            "meter",
            title.format(count=figure(others)),
            _("The list of meters shows the state of each."),
            reverse("analytics:meters"),
        )


def _letters(now: datetime) -> Iterator[Item]:
    lost = Letter.objects.filter(given_up_at__gte=now - LOST_MAIL).exclude(error=UNWANTED)
    count, last = lost.count(), lost.first()
    if last is not None:
        title = ngettext("{count} mail could not be sent", "{count} mails could not be sent", count)
        yield Item(
            Level.WARNING,
            "mail",
            title.format(count=figure(count)),
            _("The last one after {count} attempts:").format(count=last.attempts),
            reverse("notices:mine"),
            last.error,
        )


def _clock(now: datetime) -> Iterator[Item]:
    watch = Watch.objects.first()
    if watch and watch.looked_at and now - watch.looked_at > WATCH_TOO_LATE:
        minutes = int((now - watch.looked_at).total_seconds() // 60)
        words = _("Nothing has been looked at for {minutes} minutes. Is the scheduler running?")
        yield Item(
            Level.CRITICAL,
            "schedule",
            _("The schedule stands still"),
            words.format(minutes=figure(minutes)),
            reverse("notices:attention"),
        )
