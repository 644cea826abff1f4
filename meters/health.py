"""How meters are doing: when they last read, and how complete their last days are."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

import numpy as np

from meters.grid import Cadence
from meters.models import Meter, Register
from meters.profiles import last_reading_ends, read_totals
from meters.zones import DAY

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
        Intervals of the last days that are there, and that should be.
    """

    state: State
    last_end: int | None
    count: int
    expected: int

    @property
    def completeness(self) -> float | None:
        """The share of expected intervals that is there [0, 1]; None where none is expected."""
        return min(self.count / self.expected, 1.0) if self.expected else None


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
    keys = [register.pk for register in registers]
    ends = last_reading_ends(keys) if keys else {}
    counts = _recent_counts(registers, {m.pk: m for m in meters}, now, days)
    found = {}
    for meter in meters:
        own = [register.pk for register in meter.registers.all()]
        last = max((ends[pk] for pk in own if pk in ends), default=None)
        count, expected = (sum(counts[pk][i] for pk in own) for i in (0, 1))
        found[meter.pk] = MeterHealth(_state(meter, last, now), last, count, expected)
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
    registers: Sequence[Register], meters: dict[int, Meter], now: int, days: int
) -> dict[int, tuple[int, int]]:
    """Count each register's intervals of the last whole local days, up to the present."""
    if not registers:
        return {}
    totals = read_totals([r.pk for r in registers], now // DAY - days - 1, now // DAY + 1)
    found = {}
    for register in registers:
        meter = meters[register.meter_id]
        start = meter.zone.midnight(meter.zone.date_at(now) - timedelta(days=days))
        own = totals.of_register(register.pk)
        inside = own.first >= start
        cadence = (
            Cadence.of_days(own.first[inside], own.first[inside], own.interval[inside])
            if inside.any()
            else Cadence.steady(register.interval or 900)
        )
        edges = np.array([start, now], dtype=np.int64)
        validity = meter.validity
        expected = cadence.count(edges, validity.since, validity.until, now)
        found[register.pk] = int(own.count[inside].sum()), int(expected[0])
    return found
