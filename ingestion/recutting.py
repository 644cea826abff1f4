"""Stored days cut anew: where the zone database has changed, or a meter's zone was a mistake."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

import numpy as np
from django.db import connection, transaction
from django.utils import timezone

from ingestion.cutting import Cut, cut_anew, days_of, is_cut_rightly
from ingestion.intervals import first_slot
from ingestion.models import ReadingRevision
from ingestion.retrying import retried
from ingestion.writing import write_days
from meters.days import Ints
from meters.models import Meter, Register
from meters.profiles import read_days
from meters.zones import Zone, zone

# Days since 1970-01-01 between which everything is stored.
FIRST_DAY, LAST_DAY = 0, 60_000
TWICE = "Two readings of one instant stood in two days; the one written later stayed."


@dataclass(frozen=True, slots=True)
class Recut:
    """What cutting one meter anew did, or would do.

    Attributes
    ----------
    days
        Day rows that were cut anew or are gone.
    revisions
        Revisions that were moved or divided.
    mixed
        Days that now hold intervals of several lengths, kept in slots of the shortest.
    twice
        Readings that stood in two rows; the older ones are kept as revisions.
    """

    meter: Meter
    timezone: str
    days: int = 0
    revisions: int = 0
    mixed: int = 0
    twice: int = 0


def recut_meter(*, meter: Meter, timezone: str | None = None, keep: bool = True) -> Recut:
    """Cut the stored days of one meter anew, in one transaction; without need nothing is written.

    Parameters
    ----------
    meter
        The meter.
    timezone
        The zone that the meter is to have from now on; None keeps its own.
    keep
        False for a rehearsal: everything is done, then undone.

    Raises
    ------
    UncuttableError
        Some readings can't share a day. Nothing was changed.
    ZoneError
        There is no such zone.
    """

    def work() -> Recut:
        with transaction.atomic():
            done = _recut(meter, timezone)
            if not keep:
                transaction.set_rollback(True)
            return done

    return retried(work)


def meters_to_recut(chosen: Sequence[Meter]) -> Iterator[Meter]:
    """Find the meters of which days are cut otherwise than their zone says."""
    for meter in chosen:
        for register in meter.registers.all():
            if not is_cut_rightly(*_shape_of(register.pk), meter.zone).all():
                yield meter
                break


def _shape_of(register: int) -> tuple[Ints, Ints, Ints, Ints]:
    """Read how a register's days are cut, without their values."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT day - DATE '1970-01-01', extract(epoch FROM first)::bigint, \"interval\", "
            'cardinality("values") FROM daily_profile WHERE register_id = %s ORDER BY day',
            [register],
        )
        rows = np.array(cursor.fetchall(), dtype=np.int64).reshape(-1, 4)
    return rows[:, 0], rows[:, 1], rows[:, 2], rows[:, 3]


def _recut(meter: Meter, timezone: str | None) -> Recut:
    # The meter is locked along with its registers, as the store does it: whoever waits to write
    # its readings finds the new zone.
    registers = list(
        Register.objects.filter(meter=meter)
        .select_related("meter")
        .select_for_update(of=("self", "meter"))
        .order_by("pk")
    )
    current = Meter.objects.select_for_update().get(pk=meter.pk)
    place = zone(timezone or current.timezone)
    if current.timezone != place.name:
        Meter.objects.filter(pk=meter.pk).update(timezone=place.name)
    days = revisions = mixed = twice = 0
    for register in registers:
        cut = cut_anew(read_days([register.pk], FIRST_DAY, LAST_DAY), place)
        if cut is None:
            continue
        revisions += _move_revisions(register, place)
        _write(register, cut)
        days += len(cut.days) + len(cut.gone)
        mixed += cut.mixed
        twice += len(cut.twice[0])
    return Recut(current, place.name, days, revisions, mixed, twice)


def _write(register: Register, cut: Cut) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('reading_version')")
        version = int(cursor.fetchone()[0])
        concerned = [*cut.gone.tolist(), *cut.days.day.tolist()]
        # Deleted and written rather than updated: which row was which day's no longer matters.
        cursor.execute(
            "DELETE FROM daily_profile WHERE register_id = %s "
            "AND day = ANY(SELECT DATE '1970-01-01' + unnest(%s::int[]))",
            [register.pk, concerned],
        )
    k = len(cut.days)
    if k:
        summable = np.full(k, register.code.is_summable)
        write_days(cut.days, np.ones(k, dtype=bool), summable, version)
    _keep_twice(register, cut, version)


def _keep_twice(register: Register, cut: Cut, version: int) -> None:
    """Keep readings that gave way to one of the same instant."""
    instants, values, qualities = cut.twice
    row = np.searchsorted(cut.days.first, instants, side="right") - 1
    for at in np.unique(row):
        mine = row == at
        first, interval = int(cut.days.first[at]), int(cut.days.interval[at])
        ReadingRevision.objects.create(
            register=register,
            day=_date(int(cut.days.day[at])),
            first=datetime.fromtimestamp(first, UTC),
            interval=interval,
            slots=((instants[mine] - first) // interval).tolist(),
            values=values[mine].tolist(),
            qualities=qualities[mine].tolist(),
            version=version,
            recorded_at=timezone.now(),
            reason=TWICE,
        )


def _date(day: int) -> date:
    found: date = np.datetime64(day, "D").item()
    return found


def _move_revisions(register: Register, place: Zone) -> int:
    """Put each revision to the local days in which its slots begin; return how many moved.

    One that covers two days now is divided; what one write has replaced on one day is one revision,
    so cutting back joins it again. The first part keeps its number.
    """
    stored = {one.pk: one for one in ReadingRevision.objects.filter(register=register)}
    parts: dict[tuple[object, ...], ReadingRevision] = {}
    for pk in sorted(stored):
        for part in _divided(stored[pk], place):
            key = (part.day, part.version, part.first, part.interval)
            found = parts.get(key)
            parts[key] = part if found is None else _together(found, part)
    kept = {part.pk for part in parts.values() if part.pk}
    moved = 0
    for part in parts.values():
        before = stored.get(part.pk)
        if before is not None and _same(before, part):
            continue
        moved += 1
        part.save(force_insert=part.pk is None, force_update=part.pk is not None)
    ReadingRevision.objects.filter(pk__in=stored.keys() - kept).delete()
    return moved


def _divided(revision: ReadingRevision, place: Zone) -> Iterator[ReadingRevision]:
    interval = revision.interval
    slots = np.array(revision.slots, dtype=np.int64)
    instants = int(revision.first.timestamp()) + slots * interval
    day = days_of(instants, place)
    values, qualities = np.array(revision.values), np.array(revision.qualities)
    for part, one in enumerate(np.unique(day).tolist()):
        mine = day == one
        starts, _ = place.day_starts(int(instants[mine][0]), int(instants[mine][0]) + 1)
        first = int(
            first_slot(starts[:1], np.array([interval]), int(instants[mine][0]) % interval)[0]
        )
        yield ReadingRevision(
            pk=revision.pk if part == 0 else None,
            register_id=revision.register_id,
            day=_date(one),
            run_id=revision.run_id,
            first=datetime.fromtimestamp(first, UTC),
            interval=interval,
            slots=((instants[mine] - first) // interval).tolist(),
            values=values[mine].tolist(),
            qualities=qualities[mine].tolist(),
            version=revision.version,
            recorded_at=revision.recorded_at,
            act=revision.act,
            author_id=revision.author_id,
            reason=revision.reason,
        )


def _together(one: ReadingRevision, other: ReadingRevision) -> ReadingRevision:
    """Join two parts of what one write has replaced."""
    by_slot = {
        slot: (value, quality)
        for part in (one, other)
        for slot, value, quality in zip(part.slots, part.values, part.qualities, strict=True)
    }
    one.pk = min(filter(None, (one.pk, other.pk)), default=None)
    one.slots = sorted(by_slot)
    one.values = [by_slot[slot][0] for slot in one.slots]
    one.qualities = [by_slot[slot][1] for slot in one.slots]
    return one


def _same(one: ReadingRevision, other: ReadingRevision) -> bool:
    return (one.day, one.first, one.slots) == (other.day, other.first, other.slots)
