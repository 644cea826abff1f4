"""How meters are doing: when they last read, and how complete their last days are."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

import numpy as np

from meters.days import Ints
from meters.grid import Cadence
from meters.models import Meter, Register
from meters.profiles import DayTotals, last_reading_ends, read_totals
from meters.zones import DAY, Zone

# Many meters deliver once a day, so a day's silence is no news yet.
LATE, SILENT = DAY, 3 * DAY


class State(StrEnum):
    """How fresh a meter's readings are."""

    FRESH = "up to date"
    LATE = "late"
    SILENT = "silent"
    EMPTY = "no readings yet"
    REMOVED = "removed"


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
    registers = [register for meter in meters for register in meter.registers.all()]
    states = _states(meters, now)
    lasts = {key: last for key, (_, last, _) in states.items()}
    counts = _recent_counts(registers, {m.pk: m for m in meters}, lasts, now, days)
    found = {}
    for key, (state, last, own) in states.items():
        found[key] = MeterHealth(state, last, *(sum(counts[pk][i] for pk in own) for i in range(3)))
    return found


def states(meters: Sequence[Meter], now: int) -> dict[int, tuple[State, int | None]]:
    """Say of each meter its state and when its latest interval ends [s], by one question.

    Parameters and the key are those of `health`, which also counts the last days.
    """
    return {key: (state, last) for key, (state, last, _) in _states(meters, now).items()}


def _states(meters: Sequence[Meter], now: int) -> dict[int, tuple[State, int | None, list[int]]]:
    """Say of each meter its state, when its latest interval ends, and its registers."""
    owned = {meter.pk: [one.pk for one in meter.registers.all()] for meter in meters}
    keys = [pk for own in owned.values() for pk in own]
    ends = last_reading_ends(keys) if keys else {}
    found = {}
    for meter in meters:
        own = owned[meter.pk]
        last = max((ends[pk] for pk in own if pk in ends), default=None)
        found[meter.pk] = (_state(meter, last, now), last, own)
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
    meters: dict[int, Meter],
    lasts: dict[int, int | None],
    now: int,
    days: int,
) -> dict[int, tuple[int, int, int]]:
    """Count each register's intervals of the last whole local days, up to the present."""
    if not registers:
        return {}
    totals = read_totals([r.pk for r in registers], now // DAY - days - 1, now // DAY + 1)
    edges = {
        place: _last_days(place, now, days) for place in {meter.zone for meter in meters.values()}
    }
    found = {}
    for register in registers:
        meter = meters[register.meter_id]
        own, last = totals.of_register(register.pk), lasts[meter.pk]
        found[register.pk] = _count(register, own, meter, edges[meter.zone], last, now)
    return found


def _last_days(place: Zone, now: int, days: int) -> Ints:
    """Return where the last whole local days and today begin, and the present, at the end."""
    start = place.midnight(place.date_at(now) - timedelta(days=days))
    starts, _ = place.day_starts(start, now)
    return np.concatenate((starts[starts < now], [now])).astype(np.int64)


def _count(
    register: Register, own: DayTotals, meter: Meter, days: Ints, last_end: int | None, now: int
) -> tuple[int, int, int]:
    """Count one register's intervals: that are there, that should be, and that are passed over.

    It is done day by day, so that readings which nobody expects, such as those after a meter's
    removal, make up for no gap elsewhere.
    """
    validity = meter.validity
    own = own.starting_in(int(days[0]), now)
    if len(own):
        cadence = Cadence.of_days(own.day, own.first, own.interval, meter.zone)
    else:
        cadence = Cadence.steady(register.interval or 900)
    expected = cadence.count(days, validity.since, validity.until, now)
    day = np.searchsorted(days, own.first, side="right") - 1
    there = np.minimum(np.bincount(day, weights=own.count, minlength=len(expected)), expected)
    passed = 0
    if last_end is not None and there.sum() < expected.sum():
        due = cadence.count(days, validity.since, validity.until, min(last_end, now))
        passed = int((due - np.minimum(there, due)).sum())
    return int(there.sum()), int(expected.sum()), passed
