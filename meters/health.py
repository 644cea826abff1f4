"""How meters are doing: when they last read, and how complete their last days are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

import numpy as np

from meters.cadences import cadences_of, expected_alike
from meters.days import Ints
from meters.language import N_, _
from meters.models import Meter, Register
from meters.profiles import DayTotals, last_reading_ends, read_totals
from meters.zones import DAY, Zone

# Many meters deliver once a day, so a day's silence is no news yet.
LATE, SILENT = DAY, 3 * DAY


class State(StrEnum):
    """How fresh a meter's readings are."""

    FRESH = N_("up to date")
    LATE = N_("late")
    SILENT = N_("silent")
    EMPTY = N_("no readings yet")
    REMOVED = N_("removed")

    @property
    def label(self) -> str:
        """What a page calls it, in the language that is spoken."""
        return _(self.value)


@dataclass(frozen=True, slots=True)
class MeterHealth:
    """How one meter is doing.

    Attributes
    ----------
    last_end
        When the latest stored interval ends [s]; None where there is none.
    count, expected
        Intervals of the last days that are there, of those that should be, and that should be.
    missing
        How many intervals of the last days are missing although later ones are there.
    """

    state: State
    last_end: int | None
    count: int
    expected: int
    missing: int = 0

    @property
    def is_incomplete(self) -> bool:
        """Whether there are gaps: what has not come yet is late, and no gap."""
        return self.missing > 0

    @property
    def completeness(self) -> float | None:
        """The share of expected intervals that is there [0, 1]; None where none is expected."""
        return self.count / self.expected if self.expected else None


def health(meters: Sequence[Meter], now: int, days: int = 30) -> dict[int, MeterHealth]:
    """Say of each meter how it is doing, with two questions to the database in all.

    Parameters
    ----------
    meters
        With their registers prefetched.
    now
        The present [s].
    days
        How many days back completeness looks.

    Returns
    -------
    By primary key of the meter.
    """
    keys = [register.pk for meter in meters for register in meter.registers.all()]
    known = states(meters, now)
    totals = read_totals(keys, *days_looked_at(now, days)) if keys else None
    return health_of(meters, known, totals, now, days)


def days_looked_at(now: int, days: int = 30) -> tuple[int, int]:
    """Say whose totals completeness is told from: first and last local day, in every zone."""
    return now // DAY - days - 1, now // DAY + 1


def health_of(
    meters: Sequence[Meter],
    known: Mapping[int, tuple[State, int | None]],
    totals: DayTotals | None,
    now: int,
    days: int = 30,
) -> dict[int, MeterHealth]:
    """Say what `health` does, from what has been read.

    Parameters
    ----------
    known
        What `states` says of the meters.
    totals
        Of all their registers, of `days_looked_at` and maybe of other days; None without registers.
    """
    registers = registers_of(meters)
    counts = np.zeros((len(registers), 3), dtype=np.int64)
    if totals is not None:
        lasts = {key: last for key, (_, last) in known.items()}
        counts = _recent_counts(registers, lasts, totals, now, days)
    summed: dict[int, Ints] = {}
    for register, own in zip(registers, counts, strict=True):
        summed[register.meter_id] = summed.get(register.meter_id, 0) + own
    nothing = np.zeros(3, dtype=np.int64)
    return {
        key: MeterHealth(state, last, *summed.get(key, nothing).tolist())
        for key, (state, last) in known.items()
    }


def registers_of(meters: Sequence[Meter]) -> list[Register]:
    """List the registers of meters, each with its meter."""
    found = []
    for meter in meters:
        for register in meter.registers.all():
            register.meter = meter
            found.append(register)
    return found


def states(meters: Sequence[Meter], now: int) -> dict[int, tuple[State, int | None]]:
    """Say of each meter its state and when its latest interval ends [s], by one question.

    Parameters and the key are those of `health`, which also counts the last days.
    """
    owned = {meter.pk: [one.pk for one in meter.registers.all()] for meter in meters}
    keys = [pk for own in owned.values() for pk in own]
    ends = last_reading_ends(keys) if keys else {}
    found = {}
    for meter in meters:
        last = max((ends[pk] for pk in owned[meter.pk] if pk in ends), default=None)
        found[meter.pk] = (_state(meter, last, now), last)
    return found


def _state(meter: Meter, last_end: int | None, now: int) -> State:
    if meter.validity.until <= now:
        return State.REMOVED
    if last_end is None:
        return State.EMPTY
    if now - last_end <= LATE:
        return State.FRESH
    return State.LATE if now - last_end <= SILENT else State.SILENT


def _recent_counts(
    registers: Sequence[Register],
    lasts: Mapping[int, int | None],
    totals: DayTotals,
    now: int,
    days: int,
) -> Ints:
    """Count each register's intervals of the last whole local days, up to the present.

    Returns
    -------
    Of each register those that are there, that should be, and that are passed over, shape
    ``(k, 3)``.
    """
    by_zone: dict[Zone, list[int]] = {}
    for place, register in enumerate(registers):
        by_zone.setdefault(register.meter.zone, []).append(place)
    counts = np.zeros((len(registers), 3), dtype=np.int64)
    for zone, places in by_zone.items():
        edges = _last_days(zone, now, days)
        recent = totals.starting_in(int(edges[0]), now)
        counts[places] = _counts([registers[at] for at in places], lasts, recent, edges, now)
    return counts


def _last_days(place: Zone, now: int, days: int) -> Ints:
    """Return where the last whole local days and today begin, and the present, at the end."""
    start = place.midnight(place.date_at(now) - timedelta(days=days))
    starts, _ = place.day_starts(start, now)
    return np.concatenate((starts[starts < now], [now])).astype(np.int64)


def _counts(
    registers: Sequence[Register],
    lasts: Mapping[int, int | None],
    totals: DayTotals,
    days: Ints,
    now: int,
) -> Ints:
    """Count intervals of registers in one zone.

    It is done day by day, so that readings which nobody expects, such as those after a meter's
    removal, make up for no gap elsewhere.

    Parameters
    ----------
    totals
        Of these registers, and maybe of others, all within these days.
    days
        Where local days begin, and the present, at the end [s], shape ``(n + 1,)``.
    """
    cadences = cadences_of(totals, registers)
    kinds, which = expected_alike(cadences, registers, days, [now] * len(registers))
    expected = kinds[which]
    there = np.minimum(_by_day(registers, totals, days), expected)
    # What has not come yet is passed over by nothing; without any reading all is yet to come.
    ends = [min(lasts[one.meter_id] or 0, now) for one in registers]
    kinds, which = expected_alike(cadences, registers, days, ends)
    passed = np.maximum(kinds[which] - there, 0)
    return np.stack([one.sum(axis=1) for one in (there, expected, passed)], axis=1)


def _by_day(registers: Sequence[Register], totals: DayTotals, days: Ints) -> Ints:
    """Count the readings of registers by day, shape ``(k, n)``."""
    keys = np.array([one.pk for one in registers], dtype=np.int64)
    order, n = np.argsort(keys), len(days) - 1
    place = np.minimum(np.searchsorted(keys[order], totals.register), len(keys) - 1)
    row = order[place]
    own = keys[row] == totals.register
    day = np.searchsorted(days, totals.first[own], side="right") - 1
    weights = totals.count[own]
    counted = np.bincount(row[own] * n + day, weights=weights, minlength=len(keys) * n)
    return counted.reshape(len(keys), n).astype(np.int64)
