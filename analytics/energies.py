"""Energy of many registers by local day, and sums of a period beside the same part of another.

A day counts under its local date: the one of the meter's own zone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from meters.days import DayTable, Floats, Ints, Mask
from meters.models import Register
from meters.obis import Direction
from meters.profiles import DayTotals, read_chosen_days, read_totals_within
from meters.templatetags.units import Amount
from meters.zones import DAY

# Local days, both included, as days since 1970-01-01.
Span = tuple[int, int]


@dataclass(frozen=True)
class Energies:
    """Day totals of main energy registers within spans of days."""

    registers: Sequence[Register]
    totals: DayTotals

    @classmethod
    def read(cls, registers: Sequence[Register], *spans: Span) -> "Energies":
        return cls(registers, read_totals_within(([one.pk for one in registers], spans)))

    @classmethod
    def of_totals(
        cls, registers: Sequence[Register], totals: DayTotals, *spans: Span
    ) -> "Energies":
        """Choose what is needed of totals that were read of more registers or days."""
        return cls(registers, totals.of_registers([one.pk for one in registers]).within(*spans))

    def reading(self, span: Span) -> "Energies":
        """Leave out the registers that have no reading within a span of days."""
        there = self.by_register(span)
        return Energies([one for one in self.registers if one.pk in there], self.totals)

    def keys(self, direction: Direction) -> list[int]:
        return [one.pk for one in self.of(direction)]

    def of(self, direction: Direction) -> list[Register]:
        return self._by_direction.get(direction, [])

    @cached_property
    def _by_direction(self) -> dict[Direction, list[Register]]:
        found: dict[Direction, list[Register]] = {}
        for one in self.registers:
            found.setdefault(one.code.direction, []).append(one)
        return found

    @cached_property
    def _first_day(self) -> int:
        return int(self.totals.day.min()) if len(self.totals) else 0

    @cached_property
    def _energy(self) -> Floats:
        return np.nan_to_num(self.totals.total)

    @cached_property
    def _of_direction(self) -> dict[Direction, tuple[Floats, Ints]]:
        """Of each direction the sum of each day over all registers, and its readings."""
        since, totals = self._first_day, self.totals
        found = {}
        for direction in (Direction.IMPORT, Direction.EXPORT):
            own = np.isin(totals.register, self.keys(direction))
            where = totals.day[own] - since
            energy = np.bincount(where, self._energy[own]).astype(np.float64)
            count = np.bincount(where, totals.count[own]).astype(np.int64)
            found[direction] = energy, count
        return found

    def days(self, direction: Direction, span: Span) -> tuple[Floats, Ints]:
        """Sum each day over all registers: energy [kWh], NaN without any, and readings."""
        first, last = span[0] - self._first_day, span[1] - self._first_day
        energy, count = np.zeros(last - first + 1), np.zeros(last - first + 1, dtype=np.int64)
        known = self._of_direction[direction]
        inside = slice(max(first, 0), min(last + 1, len(known[1])))
        if inside.start < inside.stop:
            into = slice(inside.start - first, inside.stop - first)
            energy[into], count[into] = (of_day[inside] for of_day in known)
        return np.where(count > 0, energy, np.nan), count

    def sum(self, direction: Direction, span: Span) -> Amount:
        """Sum a span of days [kWh]; nothing where it ends before it begins."""
        if span[1] < span[0]:
            return Amount(0.0, 0)
        energy, count = self.days(direction, span)
        return Amount(float(np.nansum(energy)), int(count.sum()))

    def by_register(self, span: Span) -> dict[int, float]:
        """Sum each register over a span of days [kWh]; those without readings are left out."""
        keys, where = self._rows
        inside = (self.totals.day >= span[0]) & (self.totals.day <= span[1])
        inside &= self.totals.count > 0
        sums = np.bincount(where[inside], self._energy[inside], minlength=len(keys))
        there = np.bincount(where[inside], minlength=len(keys)) > 0
        return dict(zip(keys[there].tolist(), sums[there].tolist(), strict=True))

    @cached_property
    def _rows(self) -> tuple[Ints, Ints]:
        """Which registers have rows, and whose each row is."""
        new = np.diff(self.totals.register, prepend=-1) != 0
        return self.totals.register[new], np.cumsum(new) - 1


@dataclass(frozen=True)
class Parts:
    """The values of a few local days, to compare a day that is not over yet.

    Attributes
    ----------
    table
        The days of all registers.
    keys
        Of each slot of the table its register and its local time of day as one number.
    """

    table: DayTable
    keys: Ints

    @classmethod
    def read(cls, registers: Sequence[Register], days: Sequence[int]) -> "Parts":
        pks = np.array(sorted(one.pk for one in registers), dtype=np.int64)
        wanted = np.array(sorted(set(days)), dtype=np.int64)
        table = read_chosen_days(np.repeat(pks, len(wanted)), np.tile(wanted, len(pks)))
        return cls(table, _times(table, registers))

    def like(self, direction_keys: Sequence[int], day: int, pattern: int) -> Amount:
        """Sum what registers read on a day at those times of day that they read on another [kWh].

        Parameters
        ----------
        day
            What is summed.
        pattern
            The day that says which times of day are meant, each register for itself.
        """
        own = np.isin(self.table.register, direction_keys)
        given = self._present(own & (self.table.day == pattern))
        there = self._present(own & (self.table.day == day))
        there = there[np.isin(self.keys[there], self.keys[given])]
        return Amount(float(self.table.values[there].sum()), len(there))

    def _present(self, rows: Mask) -> Ints:
        return np.flatnonzero(np.repeat(rows, self.table.slots) & self.table.present)


def _times(table: DayTable, registers: Sequence[Register]) -> Ints:
    names = {one.pk: one.meter.timezone for one in registers}
    zones = {one.meter.timezone: one.meter.zone for one in registers}
    of_row = np.array([names[pk] for pk in table.register.tolist()], dtype=object)
    offsets = np.zeros(len(table.instants), dtype=np.int64)
    for name, zone in zones.items():
        here = np.repeat(of_row == name, table.slots) if len(zones) > 1 else slice(None)
        offsets[here] = zone.offsets(table.instants[here])
    times = (table.instants + offsets) % DAY
    # Counted in steps that all of them share, and registers from 0 on, so that the numbers stay as
    # small as they can be: numpy looks small ones up in a table.
    occurring = np.zeros(DAY, dtype=bool)
    occurring[times] = True
    step = int(np.gcd.reduce(np.flatnonzero(occurring), initial=DAY))
    place = np.cumsum(np.diff(table.register, prepend=-1) != 0)
    numbers: Ints = np.repeat(place * (DAY // step), table.slots) + times // step
    return numbers


def against(
    energies: Energies, parts: Parts, direction: Direction, now: Span, before: Span, like: int
) -> tuple[Amount, Amount]:
    """Sum a span of days, and the same part of the span before it [kWh].

    Parameters
    ----------
    now
        The span, whose last day may not be over yet.
    before
        The one before; of the day `like`, its last one, counts what lies at those times of day that
        are read on the last day of `now`. Later than its end is no such day: then it counts whole.
    """
    current = energies.sum(direction, now)
    if like > before[1]:
        return current, energies.sum(direction, before)
    whole = energies.sum(direction, (before[0], like - 1))
    part = parts.like(energies.keys(direction), like, now[1])
    return current, Amount(whole.value + part.value, whole.count + part.count)
