"""Stored readings in memory: many registers' days as columns, in the order of the store's key.

A row is one register's local calendar day. Its slots begin at `first` and follow each other every
`interval` seconds, so a row carries its own instants and never depends on the zone database.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from meters.digests import Digests, digests

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Qualities = npt.NDArray[np.int16]
Mask = npt.NDArray[np.bool_]


def ranges(lengths: Ints) -> Ints:
    """Return 0, 1, …, n−1 for each length n, one after another, shape ``(sum(lengths),)``."""
    total = int(lengths.sum())
    if total == 0:
        return np.zeros(0, dtype=np.int64)
    ends = np.cumsum(lengths)
    return np.arange(total, dtype=np.int64) - np.repeat(ends - lengths, lengths)


def exact_sums(values: Floats, starts: Ints) -> Floats:
    """Add up the stretches of an array that begin at `starts`, each up to the next one.

    The sums are kept in extended precision and rounded once, so that a day of 1.8299 kWh does not
    come out as 1.8298999999999999.
    """
    if len(starts) == len(values):
        return values.copy()
    return np.add.reduceat(values.astype(np.longdouble), starts).astype(np.float64)


@dataclass(frozen=True)
class DayTable:
    """k rows of `DailyProfile` as columns, sorted by register and day; s slots in all.

    Attributes
    ----------
    register
        Primary keys of registers, shape ``(k,)``.
    day
        Local calendar days, as days since 1970-01-01, shape ``(k,)``.
    first
        Instants of each row's slot 0 [s], shape ``(k,)``.
    interval
        Length of each row's slots [s], shape ``(k,)``.
    slots
        Number of each row's slots, ≥ 1, shape ``(k,)``.
    values
        One value per slot in the register's unit, NaN where missing, shape ``(s,)``.
    qualities
        One `Quality` per slot, 0 where missing, shape ``(s,)``.
    version
        The version of each row, shape ``(k,)``.
    """

    register: Ints
    day: Ints
    first: Ints
    interval: Ints
    slots: Ints
    values: Floats
    qualities: Qualities
    version: Ints

    @classmethod
    def empty(cls) -> "DayTable":
        none = np.zeros(0, dtype=np.int64)
        return cls(
            none, none, none, none, none, none.astype(np.float64), none.astype(np.int16), none
        )

    def __len__(self) -> int:
        return len(self.register)

    @cached_property
    def offsets(self) -> Ints:
        """Where each row's slots begin, and where the last one's end, shape ``(k + 1,)``."""
        return np.concatenate(([0], np.cumsum(self.slots))).astype(np.int64)

    @cached_property
    def instants(self) -> Ints:
        """The start of every slot [s], shape ``(s,)``."""
        return np.repeat(self.first, self.slots) + ranges(self.slots) * np.repeat(
            self.interval, self.slots
        )

    @cached_property
    def present(self) -> Mask:
        """Whether each slot holds a reading, shape ``(s,)``."""
        return self.qualities > 0

    @cached_property
    def counts(self) -> Ints:
        """Number of readings of each row, shape ``(k,)``."""
        if not len(self):
            return np.zeros(0, dtype=np.int64)
        return np.add.reduceat(self.present.astype(np.int64), self.offsets[:-1])

    @cached_property
    def totals(self) -> Floats:
        """Sum of each row's values in the register's unit, NaN of an empty row, shape ``(k,)``."""
        if not len(self):
            return np.zeros(0)
        sums = exact_sums(np.where(self.present, self.values, 0.0), self.offsets[:-1])
        return np.where(self.counts > 0, sums, np.nan)

    @cached_property
    def only_qualities(self) -> Ints:
        """The one quality that all readings of a row have, 0 where they differ, shape ``(k,)``."""
        if not len(self):
            return np.zeros(0, dtype=np.int64)
        rows = self.offsets[:-1]
        lowest = np.minimum.reduceat(np.where(self.present, self.qualities, 999), rows)
        highest = np.maximum.reduceat(self.qualities, rows)
        return np.where(lowest == highest, highest, 0).astype(np.int64)

    @cached_property
    def neighbours(self) -> Ints:
        """How often two slots of a row that follow each other hold readings, shape ``(k,)``."""
        if not len(self):
            return np.zeros(0, dtype=np.int64)
        pairs = self.present.copy()
        pairs[1:] &= self.present[:-1]
        pairs[self.offsets[:-1]] = False
        return np.add.reduceat(pairs.astype(np.int64), self.offsets[:-1])

    @cached_property
    def digests(self) -> Digests:
        """Each row named by its readings, shape ``(k,)``; see `meters.digests`."""
        there = self.present
        return digests(
            self.register,
            self.day,
            self.counts,
            self.instants[there],
            self.values[there],
            self.qualities[there],
        )

    def row_slots(self, row: int) -> slice:
        """Return where the slots of one row lie."""
        return slice(int(self.offsets[row]), int(self.offsets[row + 1]))

    def take(self, rows: Sequence[int] | Ints | Mask) -> "DayTable":
        """Choose rows by position or by mask, in their order."""
        index = np.asarray(rows)
        if index.dtype == bool:
            index = np.flatnonzero(index)
        index = index.astype(np.int64)
        slots = self.slots[index]
        flat = np.repeat(self.offsets[:-1][index], slots) + ranges(slots)
        return DayTable(
            self.register[index],
            self.day[index],
            self.first[index],
            self.interval[index],
            slots,
            self.values[flat],
            self.qualities[flat],
            self.version[index],
        )

    def of_register(self, register: int) -> "DayTable":
        """Choose one register's rows."""
        low, high = np.searchsorted(self.register, [register, register + 1])
        if low == 0 and high == len(self):
            return self
        return self.take(np.arange(low, high))
