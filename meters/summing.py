"""The energy of very many registers as one curve, added up as whole arrays.

`meters.readings` and `meters.combining` tell each register before they put them together, with the
quality of each bucket; that takes about a millisecond for each. Here days that begin at the same
instant and have the same slots are added up slot by slot first, so that a thousand registers cost
little more than what their values weigh.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from meters.cadences import cadences_of, expected_alike
from meters.combining import Combined
from meters.days import DayTable, Floats, Ints
from meters.grid import Grid
from meters.models import Register
from meters.obis import Direction
from meters.profiles import DayTotals, read_days
from meters.qualities import NAMES
from meters.readings import Query, TooFineError
from meters.series import Buckets, Statistic
from meters.zones import DAY

DIRECTIONS = (Direction.IMPORT, Direction.EXPORT)


def summed(registers: Sequence[Register], query: Query) -> list[Combined]:
    """Add up registers of interval energy on one grid, by direction, with one question.

    What comes out is what `meters.combining.combined` makes of the sums that `meters.readings`
    tells; energy to the last digits of a float.

    Parameters
    ----------
    registers
        Main energy registers, each with its meter.
    query
        The grid; what it says of statistics, units and qualities is not looked at.

    Raises
    ------
    TooFineError
        The grid is finer than a register was in this range.
    """
    grid = query.grid
    # A row is kept under its local date; one day more on each side covers every zone.
    table = read_days([one.pk for one in registers], query.start // DAY - 1, query.end // DAY + 1)
    _check_fineness(registers, table, query)
    found = []
    for direction in DIRECTIONS:
        own = [one for one in registers if one.code.direction is direction]
        if own:
            rows = np.flatnonzero(np.isin(table.register, [one.pk for one in own]))
            buckets = _buckets(table, rows, own, grid, query.now)
            found.append(Combined(direction, len(own), buckets, own[0].code.unit))
    return found


def _check_fineness(registers: Sequence[Register], table: DayTable, query: Query) -> None:
    inside = (table.first < query.end) & (table.first + table.slots * table.interval > query.start)
    if not inside.any():
        return
    intervals = np.where(inside, table.interval, 0)
    coarsest = int(np.argmax(intervals))
    interval = int(intervals[coarsest])
    if query.resolution.seconds < interval:
        pk = int(table.register[coarsest])
        raise TooFineError(
            query.resolution, next(one for one in registers if one.pk == pk), interval
        )


def _buckets(
    table: DayTable, rows: Ints, registers: Sequence[Register], grid: Grid, now: int
) -> Buckets:
    n = len(grid)
    energy: Floats = np.zeros(n)
    count: Ints = np.zeros(n, dtype=np.int64)
    qualities: dict[str, Ints] = {}
    straddling = 0
    for alike in _alike(table, rows):
        first, interval = int(table.first[alike[0]]), int(table.interval[alike[0]])
        starts = first + interval * np.arange(int(table.slots[alike[0]]), dtype=np.int64)
        inside = np.flatnonzero((starts >= grid.start) & (starts < grid.end))
        if not len(inside):
            continue
        where = grid.locate(starts[inside])
        slots = table.offsets[alike][:, None] + inside
        present = table.qualities[slots] > 0
        values = np.where(present, table.values[slots], 0.0).sum(axis=0)
        there = present.sum(axis=0)
        energy += np.bincount(where, weights=values, minlength=n)
        count += np.bincount(where, weights=there, minlength=n).astype(np.int64)
        reaches_over = starts[inside] + interval > grid.edges[where + 1]
        straddling += int(there[reaches_over].sum())
        _count_qualities(qualities, table.qualities[slots], where, n)
    return Buckets(
        edges=grid.edges,
        values=np.where(count > 0, energy, np.nan),
        count=count,
        expected=expected_of(table, registers, grid, now),
        qualities=qualities,
        statistic=Statistic.SUM,
        straddling=straddling,
    )


def _alike(table: DayTable, rows: Ints) -> Iterator[Ints]:
    """Give rows in groups that have the same slots."""
    if not len(rows):
        return
    shape = (table.interval[rows] << 20) + table.slots[rows]
    _, by_shape = np.unique(shape, return_inverse=True)
    _, group = np.unique((table.first[rows] << 12) + by_shape, return_inverse=True)
    order = np.argsort(group, kind="stable")
    ends = np.cumsum(np.bincount(group))
    for begin, end in zip([0, *ends[:-1].tolist()], ends.tolist(), strict=True):
        yield rows[order[begin:end]]


def _count_qualities(qualities: dict[str, Ints], slots: Ints, where: Ints, n: int) -> None:
    """Count the readings of each quality in each bucket; `slots` has a row for each register."""
    for quality in np.flatnonzero(np.bincount(slots.ravel(), minlength=len(NAMES))):
        if quality:
            there = np.bincount(where, weights=(slots == quality).sum(axis=0), minlength=n)
            name = NAMES[int(quality)]
            qualities[name] = qualities.get(name, 0) + there.astype(np.int64)


def expected_of(
    table: DayTable | DayTotals, registers: Sequence[Register], grid: Grid, now: int
) -> Ints:
    """Count the intervals that should be there of all registers; many have the same cadence.

    Parameters
    ----------
    table
        The stored days of these registers, and maybe of others.
    now
        The present [s]: an interval is expected once it has ended.

    Returns
    -------
    For each bucket of the grid, shape ``(n,)``.
    """
    cadences = cadences_of(table, registers)
    kinds, which = expected_alike(cadences, registers, grid.edges, [now] * len(cadences))
    expected: Ints = np.bincount(which, minlength=len(kinds)) @ kinds
    return expected
