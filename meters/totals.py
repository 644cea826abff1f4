"""Totals of billing periods, by register: sums of energy, and the states of cumulative registers.

Periods begin and end with local days, so they are put together from days: what holds of a sum over
days holds of them, across every change of the clock.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from meters.days import DayTable, Floats, Ints, Qualities
from meters.grid import Resolution
from meters.models import Register
from meters.profiles import read_days, read_next_days
from meters.qualities import NAMES, Quality
from meters.readings import Query, RegisterReadings, readings, usual_statistic
from meters.series import Statistic
from meters.zones import DAY, Zone

DAILY = Resolution("P1D", DAY)
# What nobody has measured, but somebody has put in its place.
ESTIMATES = {one.label for one in (Quality.SUBSTITUTED, Quality.ESTIMATED, Quality.PROVISIONAL)}


@dataclass(frozen=True, slots=True)
class State:
    """A reading of a cumulative register.

    Attributes
    ----------
    at
        When it was read [s].
    value
        In the register's unit.
    """

    at: int
    value: float
    quality: str


@dataclass(frozen=True, slots=True)
class States:
    """The readings of a cumulative register in order of time, shapes ``(n,)``."""

    instants: Ints
    values: Floats
    qualities: Qualities

    def at(self, place: int) -> State:
        return State(
            int(self.instants[place]),
            float(self.values[place]),
            NAMES[int(self.qualities[place])],
        )

    def end_before(self, end: int) -> bool:
        """Whether there are some, but none that was read at the end [s] or later."""
        return len(self.instants) > 0 and int(self.instants[-1]) < end

    def followed_by(self, later: "States") -> "States":
        return States(
            np.concatenate((self.instants, later.instants)),
            np.concatenate((self.values, later.values)),
            np.concatenate((self.qualities, later.qualities)),
        )


@dataclass(frozen=True, slots=True)
class PeriodTotal:
    """One register in one period ``[start, end)`` [s].

    Attributes
    ----------
    total
        The sum of its intervals, or the advance of its states, in the register's unit; None where
        there are none, and where values of this register don't add up.
    count, expected
        Intervals (of a cumulative register, advances) that are there, and intervals that should be
        by now.
    completeness
        The share of expected intervals that is there [0, 1], day by day: what nobody expects makes
        up for no gap. None where none is expected.
    qualities
        How many have which quality.
    opening, closing
        Of a cumulative register: the first state of the period, and the first one at its end or
        after; where there is none yet, the latest of the period.
    """

    start: int
    end: int
    total: float | None
    count: int
    expected: int
    completeness: float | None
    qualities: dict[str, int]
    opening: State | None = None
    closing: State | None = None

    @property
    def estimated(self) -> float | None:
        """The share of readings that were estimated or substituted [0, 1]; None without any."""
        number = sum(n for name, n in self.qualities.items() if name in ESTIMATES)
        return number / self.count if self.count else None


@dataclass(frozen=True, slots=True)
class RegisterTotals:
    """One register in every period.

    Attributes
    ----------
    statistic
        What the totals are: a sum, or an advance; None where values don't add up.
    resets
        When a cumulative register fell, as after a reset or an exchange [s].
    straddling
        How many intervals reach over midnight; each counts in the day in which it starts.
    """

    register: Register
    statistic: Statistic | None
    periods: tuple[PeriodTotal, ...]
    resets: tuple[int, ...]
    straddling: int


def totals(
    registers: Sequence[Register], edges: Ints, zone: Zone, now: int
) -> list[RegisterTotals]:
    """Add registers up over periods.

    Parameters
    ----------
    registers
        Each with its meter.
    edges
        Where periods begin, and where the last one ends [s]: each where a local day of the zone
        begins, or the first and the last anywhere; rising, shape ``(n + 1,)``.
    now
        The present [s]: an interval is expected once it has ended.
    """
    query = Query(int(edges[0]), int(edges[-1]), DAILY, zone, now)
    states = _states([r for r in registers if usual_statistic(r) is Statistic.ADVANCE], query)
    return [
        _of_register(one, edges, states.get(one.register.pk)) for one in readings(registers, query)
    ]


def _of_register(one: RegisterReadings, edges: Ints, states: States | None) -> RegisterTotals:
    buckets = one.buckets
    adds_up = buckets.statistic in {Statistic.SUM, Statistic.ADVANCE}
    cuts = np.searchsorted(buckets.edges, edges)
    assert np.array_equal(buckets.edges[cuts], edges), "periods begin and end with days"
    periods = []
    for begin, end in zip(cuts[:-1].tolist(), cuts[1:].tolist(), strict=True):
        days = slice(begin, end)
        count, expected = buckets.count[days], buckets.expected[days]
        there, due = int(np.minimum(count, expected).sum()), int(expected.sum())
        start, stop = int(buckets.edges[begin]), int(buckets.edges[end])
        counted = {name: int(number[days].sum()) for name, number in buckets.qualities.items()}
        opening, closing = (None, None) if states is None else _ends(states, start, stop)
        periods.append(
            PeriodTotal(
                start=start,
                end=stop,
                total=(
                    math.fsum(buckets.values[days][count > 0]) if adds_up and count.any() else None
                ),
                count=int(count.sum()),
                expected=due,
                completeness=there / due if due else None,
                qualities={name: number for name, number in counted.items() if number},
                opening=opening,
                closing=closing,
            )
        )
    statistic = buckets.statistic if adds_up else None
    return RegisterTotals(one.register, statistic, tuple(periods), one.resets, buckets.straddling)


def _states(registers: Sequence[Register], query: Query) -> dict[int, States]:
    """Read the states of cumulative registers, and of each the first ones after the range.

    Of the range they are read a second time: `readings` has kept the advances alone.
    """
    if not registers:
        return {}
    keys = [register.pk for register in registers]
    last = query.end // DAY + 1
    table = read_days(keys, query.start // DAY - 1, last)
    found = {key: _of_days(table.of_register(key), query.start) for key in keys}
    still_open = [key for key, one in found.items() if one.end_before(query.end)]
    later = read_next_days(still_open, last) if still_open else DayTable.empty()
    for key in still_open:
        found[key] = found[key].followed_by(_of_days(later.of_register(key), query.start))
    return found


def _of_days(table: DayTable, start: int) -> States:
    there = table.present & (table.instants >= start)
    return States(table.instants[there], table.values[there], table.qualities[there])


def _ends(states: States, start: int, end: int) -> tuple[State | None, State | None]:
    """Find the states with which the advances of ``[start, end)`` begin and end."""
    first, after = np.searchsorted(states.instants, [start, end]).tolist()
    if first == after:
        return None, None
    return states.at(first), states.at(min(after, len(states.instants) - 1))
