"""The watch: look at all meters and sources, and write letters about what is ripe to be told.

One look is one transaction: what is seen, what counts as told and the letters that tell it are
written together or not at all. A worker that is killed neither loses a letter nor writes it twice;
sending is another matter, see `notices.sending`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from ingestion.models import Source
from meters.health import State, states
from meters.models import Meter
from notices.events import Event, write_letters
from notices.models import Heard, Letter, Trouble, Watch
from notices.patience import Course, Patience, is_time, look
from notices.sources import source_health
from tenants.models import Tenant

Kind = Trouble.Kind
HOUR = timedelta(hours=1)
# What is silent has been so for three days already, and a source has failed for half an hour: what
# comes on top only keeps a message from being sent about what is just being mended.
PATIENCE = {
    Kind.SILENT: Patience(before=HOUR, after=HOUR),
    Kind.FAILING: Patience(before=timedelta(0), after=timedelta(minutes=30)),
}
GATHER, GAP = timedelta(minutes=10), HOUR
# Letters that were sent, or given up, are forgotten after so long.
KEPT = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look came to.

    Attributes
    ----------
    open
        How much trouble there is.
    events
        What was told by it.
    letters
        How many letters were written.
    """

    open: int
    events: tuple[Event, ...] = ()
    letters: int = 0


@dataclass(frozen=True, slots=True)
class Sight:
    """What a look shows of one meter or source; neither bad nor well is in between.

    Attributes
    ----------
    watched
        False where it is paused, removed or has nothing yet: then there is no trouble.
    last_end
        When a meter's latest interval ends [s].
    words
        What a source's last run said.
    """

    thing: Meter | Source
    bad: bool = False
    well: bool = False
    watched: bool = True
    last_end: int | None = None
    words: str = ""


def watch(tenant: Tenant, now: datetime) -> Looked | None:
    """Look at all meters and sources of the tenant, inside which this is called.

    Returns
    -------
    None where another worker is just looking.
    """
    Watch.objects.get_or_create(one=True)
    with transaction.atomic():
        held = Watch.objects.select_for_update(skip_locked=True).first()
        if held is None:
            return None
        known = list(Trouble.objects.select_related("meter", "source"))
        sights: dict[Key, Sight] = {
            **{(Kind.SILENT, key): sight for key, sight in _meters(now).items()},
            **{(Kind.FAILING, key): sight for key, sight in _sources(now).items()},
        }
        courses = _seen(known, sights, now)
        events = _ripe(courses, sights, now, held.told_at)
        letters = write_letters(tenant, events, now) if events else 0
        held.looked_at = now
        held.told_at = now if events else held.told_at
        held.save()
        _keep(known, courses, events, now)
        Letter.objects.filter(Q(sent_at__lt=now - KEPT) | Q(given_up_at__lt=now - KEPT)).delete()
    return Looked(Trouble.objects.count(), tuple(events), letters)


Key = tuple[str, int]


def _meters(now: datetime) -> dict[int, Sight]:
    meters = list(Meter.objects.all().with_registers().select_related("feed__source"))
    found, heard = {}, set(Heard.objects.values_list("meter", flat=True))
    fresh = []
    for key, (state, last) in states(meters, int(now.timestamp())).items():
        if state == State.FRESH and key not in heard:
            fresh.append(Heard(meter_id=key))
        found[key] = (state, last)
    Heard.objects.bulk_create(fresh, ignore_conflicts=True)
    return {
        meter.pk: Sight(
            meter,
            bad=found[meter.pk][0] == State.SILENT and meter.pk in heard,
            well=found[meter.pk][0] == State.FRESH,
            watched=found[meter.pk][0] not in {State.REMOVED, State.EMPTY} and _is_fed(meter),
            last_end=found[meter.pk][1],
        )
        for meter in meters
    }


def _is_fed(meter: Meter) -> bool:
    """Whether readings are to be expected: a meter without a source may be sent them."""
    feed = getattr(meter, "feed", None)
    return feed is None or (feed.is_active and feed.source.is_active)


def _sources(now: datetime) -> dict[int, Sight]:
    found = {}
    for source in Source.objects.all():
        health = source_health(source, now)
        found[source.pk] = Sight(
            source,
            bad=health.keeps_failing,
            well=health.works,
            watched=source.is_active,
            words=health.error,
        )
    return found


def _seen(known: Iterable[Trouble], sights: dict[Key, Sight], now: datetime) -> dict[Key, Course]:
    """Say how each trouble stands after this look."""
    before = {key_of(trouble): trouble.course for trouble in known}
    found: dict[Key, Course] = {}
    for key, sight in sights.items():
        course = before.get(key)
        if not sight.watched:
            continue
        # While a told source fails a first time again it is not well; nor need it be bad.
        after = look(course, bad=sight.bad, well=sight.well, now=now)
        if after is not None:
            found[key] = after
    return found


def _ripe(
    courses: dict[Key, Course], sights: dict[Key, Sight], now: datetime, last_told: datetime | None
) -> list[Event]:
    """Return what is to be told now: all that is ripe, or nothing yet."""
    ripe = {key: course.ripe_at(PATIENCE[Kind(key[0])]) for key, course in courses.items()}
    times = {key: at for key, at in ripe.items() if at is not None and at <= now}
    if not is_time(list(times.values()), now=now, last_told=last_told, gather=GATHER, gap=GAP):
        return []
    events = []
    for key in times:
        sight, course = sights[key], courses[key]
        events.append(Event.about(sight.thing, course, sight.last_end, sight.words))
    return sorted(events, key=lambda event: (event.kind, event.source, event.name))


def _keep(
    known: Iterable[Trouble], courses: dict[Key, Course], events: list[Event], now: datetime
) -> None:
    """Write down how things stand: what was told as told, and what is over no more."""
    told = {event.key for event in events}
    before = {key_of(trouble): trouble for trouble in known}
    over = [
        trouble.pk
        for key, trouble in before.items()
        if key not in courses or (key in told and trouble.told_at)
    ]
    Trouble.objects.filter(pk__in=over).delete()
    begun, changed = [], []
    for key, course in courses.items():
        trouble = before.get(key)
        told_at = now if key in told else course.told_at
        if trouble is None:
            kind, number = key
            thing = {"meter_id" if kind == Kind.SILENT else "source_id": number}
            begun.append(Trouble(kind=kind, seen_at=course.seen_at, told_at=told_at, **thing))
        elif (trouble.told_at, trouble.well_at) != (told_at, course.well_at):
            trouble.told_at, trouble.well_at = told_at, course.well_at
            changed.append(trouble)
    Trouble.objects.bulk_create(begun)
    # What is over is gone already; an update of it finds nothing.
    Trouble.objects.bulk_update(changed, ["told_at", "well_at"], batch_size=1_000)


def key_of(trouble: Trouble) -> Key:
    return trouble.kind, trouble.meter_id or trouble.source_id or 0
