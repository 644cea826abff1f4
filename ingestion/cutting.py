"""Day rows of one register cut anew, where its zone's days begin elsewhere than when they were cut.

Nothing is lost: every reading stands afterwards at the same instant with the same value, in the row
of the local day in which it starts.
"""

from dataclasses import dataclass

import numpy as np

from ingestion.intervals import LENGTHS, first_slot, slot_count
from meters.days import DayTable, Floats, Ints, Mask, Qualities
from meters.zones import DAY, Zone


class UncuttableError(ValueError):
    """Readings that are to share a day have no length of interval in common."""


@dataclass(frozen=True)
class Cut:
    """What cutting anew does to the rows of one register.

    Attributes
    ----------
    days
        The rows as they are to be, for the days concerned.
    gone
        Days whose rows hold nothing any more, since 1970-01-01.
    twice
        Instants [s] that stood in two rows with different readings; of each the older reading,
        which gave way: instant, value, quality.
    mixed
        How many of the days hold intervals of several lengths, and are kept in the shortest.
    """

    days: DayTable
    gone: Ints
    twice: tuple[Ints, Floats, Qualities]
    mixed: int


def is_cut_rightly(day: Ints, first: Ints, interval: Ints, slots: Ints, zone: Zone) -> Mask:
    """Say of each row whether its slots are those of its local day.

    Parameters
    ----------
    day, first, interval, slots
        As in `DayTable`, shape ``(k,)``.
    """
    if not len(day):
        return np.zeros(0, dtype=bool)
    begins, ends = _bounds(day, zone)
    right: Mask = (first >= begins) & (first < begins + interval)
    right &= (first < ends) & (slots == slot_count(first, ends, interval))
    return right


def _bounds(day: Ints, zone: Zone) -> tuple[Ints, Ints]:
    """Return where local days begin and end [s]; alike for a date that the zone has skipped."""
    low, high = int(day.min()), int(day.max())
    starts, dates = zone.day_starts((low - 2) * DAY, (high + 3) * DAY)
    numbers = dates.astype(np.int64)
    at = np.searchsorted(numbers, day)
    there = numbers[np.minimum(at, len(numbers) - 1)] == day
    return starts[at], np.where(there, starts[np.minimum(at + 1, len(starts) - 1)], starts[at])


def days_of(instants: Ints, zone: Zone) -> Ints:
    """Return the local day in which each instant lies, since 1970-01-01."""
    if not len(instants):
        return np.zeros(0, dtype=np.int64)
    starts, dates = zone.day_starts(int(instants.min()), int(instants.max()) + 1)
    return dates.astype(np.int64)[np.searchsorted(starts, instants, side="right") - 1]


def cut_anew(table: DayTable, zone: Zone) -> Cut | None:
    """Cut the rows of one register by its zone's days; None where all of them are already.

    Raises
    ------
    UncuttableError
        Some readings can't share a day.
    """
    right = is_cut_rightly(table.day, table.first, table.interval, table.slots, zone)
    if right.all():
        return None
    row = np.repeat(np.arange(len(table)), table.slots)[table.present]
    day = days_of(table.instants[table.present], zone)
    wrong = table.day[~right]
    concerned = np.union1d(wrong, day[~right[row]])
    sources = np.isin(table.day, concerned)
    readings = _pooled(table, sources, zone)
    instants, values, qualities, row, twice = readings
    day = days_of(instants, zone)
    # A day of which everything was deleted keeps its row, as long as there is such a day.
    empty = table.day[sources & (table.counts == 0)]
    begins, ends = _bounds(empty, zone) if len(empty) else (empty, empty)
    wanted = np.union1d(day, empty[begins < ends])
    rows, mixed = [], 0
    for one in wanted.tolist():
        own = slice(*np.searchsorted(day, [one, one + 1]))
        origins = np.unique(row[own])
        if not len(origins):
            origins = np.flatnonzero(table.day == one)
        interval, phase, is_mixed = _interval_of(table, origins, instants[own], one)
        mixed += is_mixed
        rows.append(
            _laid_out(one, interval, phase, instants[own], values[own], qualities[own], zone)
        )
    return Cut(
        _joined(int(table.register[0]), rows),
        np.setdiff1d(table.day[sources], wanted),
        twice,
        mixed,
    )


def _pooled(
    table: DayTable, sources: Mask, zone: Zone
) -> tuple[Ints, Floats, Qualities, Ints, tuple[Ints, Floats, Qualities]]:
    """Gather the readings of rows, each instant once: of two the one that was written later."""
    each = np.repeat(np.arange(len(table)), table.slots)
    at = np.flatnonzero(table.present & sources[each])
    order = at[np.lexsort((table.version[each[at]], table.instants[at]))]
    instants = table.instants[order]
    last = np.concatenate((instants[1:] != instants[:-1], [True])) if len(order) else order == 0
    values, qualities = table.values[order], table.qualities[order]
    older = np.flatnonzero(~last)
    differs = (values[older] != values[older + 1]) | (qualities[older] != qualities[older + 1])
    gave_way = older[differs]
    twice = instants[gave_way], values[gave_way], qualities[gave_way]
    return instants[last], values[last], qualities[last], each[order][last], twice


def _interval_of(table: DayTable, origins: Ints, instants: Ints, day: int) -> tuple[int, int, bool]:
    """Choose interval and phase of a day [s]: those of the rows that its readings come from.

    Where these differ it is the longest of theirs in which all readings fit, so that cutting back
    gives what was there before; else what they have in common.
    """
    lengths, firsts = table.interval[origins], table.first[origins]
    for interval in sorted(set(lengths.tolist()), reverse=True):
        phases = set((firsts[lengths == interval] % interval).tolist())
        if len(instants):
            phases = {int(instants[0]) % interval}
        if len(phases) == 1 and not ((instants - min(phases)) % interval).any():
            return interval, min(phases), False
    common = int(np.gcd.reduce(np.concatenate((lengths, firsts - firsts[0], np.diff(instants)))))
    fitting = LENGTHS[common % LENGTHS == 0]
    if not len(fitting):
        date = np.datetime64(day, "D")
        raise UncuttableError(
            f"The readings that would share {date} start at times that no length of interval has "
            "in common."
        )
    return int(fitting.max()), int(instants[0]) % int(fitting.max()), True


def _laid_out(
    day: int,
    interval: int,
    phase: int,
    instants: Ints,
    values: Floats,
    qualities: Qualities,
    zone: Zone,
) -> tuple[int, int, int, Floats, Qualities]:
    begins, ends = _bounds(np.array([day]), zone)
    length = np.array([interval])
    first = first_slot(begins, length, phase)
    n = int(slot_count(first, ends, length)[0])
    slots = (instants - first[0]) // interval
    row_values, row_qualities = np.full(n, np.nan), np.zeros(n, dtype=np.int16)
    row_values[slots], row_qualities[slots] = values, qualities
    return day, int(first[0]), interval, row_values, row_qualities


def _joined(register: int, rows: list[tuple[int, int, int, Floats, Qualities]]) -> DayTable:
    if not rows:
        return DayTable.empty()
    day, first, interval, values, qualities = zip(*rows, strict=True)
    k = len(rows)
    return DayTable(
        np.full(k, register, dtype=np.int64),
        np.array(day, dtype=np.int64),
        np.array(first, dtype=np.int64),
        np.array(interval, dtype=np.int64),
        np.array([len(one) for one in values], dtype=np.int64),
        np.concatenate(values),
        np.concatenate(qualities),
        np.zeros(k, dtype=np.int64),
    )
