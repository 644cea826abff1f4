"""Heat maps: day by time of day, and week by weekday, on the local clock and calendar."""

import itertools
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from analytics.methods.load import Load
from analytics.methods.pattern import times_of_day
from meters.days import Ints
from meters.zones import DAY

Matrix = npt.NDArray[np.float64]


class Cell(IntEnum):
    """What a cell of the map of days says."""

    OUTSIDE = 0
    """No slot of the load begins there."""
    MISSING = 1
    KNOWN = 2
    DOUBLED = 3
    """The clock showed this time twice, in autumn: the cell is the mean of both."""
    SKIPPED = 4
    """The clock never showed this time, in spring: nothing is missing."""


@dataclass(frozen=True, eq=False)
class HeatMap:
    """Mean power by local day and time of day; d days, p times of day.

    Attributes
    ----------
    days
        Local dates [days since 1970-01-01], without a hole, shape ``(d,)``.
    interval
        Length of a time of day [s]; the first begins at midnight. A slot stands where it begins.
    power
        [kW], NaN where nothing is known, shape ``(d, p)``.
    cells
        What each is: a `Cell`, shape ``(d, p)``.
    """

    days: Ints
    interval: int
    power: Matrix
    cells: npt.NDArray[np.int8]

    @property
    def marks(self) -> list[tuple[int, int, Cell]]:
        """The cells to which a clock change gave two values or none: row, column, which."""
        rows, columns = np.nonzero(self.cells >= Cell.DOUBLED)
        return [
            (row, column, Cell(self.cells[row, column]))
            for row, column in zip(rows.tolist(), columns.tolist(), strict=True)
        ]


@dataclass(frozen=True, eq=False)
class CalendarMap:
    """Energy by local day, as weeks; w weeks.

    Attributes
    ----------
    mondays
        With which each week begins [days since 1970-01-01], without a hole, shape ``(w,)``.
    energy
        Energy of what is known of each day, Monday first [kWh], NaN where nothing is, shape
        ``(w, 7)``.
    completeness
        The share of each day's slots that is known, 0 also outside the load, shape ``(w, 7)``. A
        day that the range cuts is incomplete.
    """

    mondays: Ints
    energy: Matrix
    completeness: Matrix


def heat_map(load: Load) -> HeatMap:
    """Lay a load out as days by times of day.

    A day of 25 hours has two values for each time of its repeated hour: the map shows their mean
    and says so. A day of 23 hours has none for its skipped hour, which is not missing either.
    """
    times, per_day = times_of_day(load)
    if not len(load):
        nothing = np.zeros((0, per_day))
        return HeatMap(load.day, load.interval, nothing, nothing.astype(np.int8))
    first = int(load.day[0])
    days = np.arange(first, int(load.day[-1]) + 1)
    cell = (load.day - first) * per_day + times
    size = len(days) * per_day
    slots = np.bincount(cell, minlength=size)
    known = np.bincount(cell, weights=load.known, minlength=size)
    sums = np.bincount(cell, weights=np.where(load.known, load.power, 0.0), minlength=size)
    power = np.full(size, np.nan)
    np.divide(sums, known, out=power, where=known > 0)
    cells = np.full(size, Cell.OUTSIDE, dtype=np.int8)
    for begin, end in _skipped(load):
        # Cells that lie in it whole, which those of an odd length seldom do.
        row, second = divmod(begin - first * DAY, DAY)
        low = row * per_day - (-second // load.interval)
        row, second = divmod(end - first * DAY, DAY)
        cells[low : row * per_day + second // load.interval] = Cell.SKIPPED
    cells[slots > 0] = Cell.MISSING
    cells[known > 0] = Cell.KNOWN
    cells[(known > 0) & (slots > 1)] = Cell.DOUBLED
    shape = (len(days), per_day)
    return HeatMap(days, min(load.interval, DAY), power.reshape(shape), cells.reshape(shape))


def _skipped(load: Load) -> list[tuple[int, int]]:
    """Find what the local clock never showed: ranges of seconds since 1970-01-01T00:00 local."""
    pieces = load.zone.segments(load.start, load.end)
    return [
        (after.start + before.offset, after.start + after.offset)
        for before, after in itertools.pairwise(pieces)
        if after.offset > before.offset
    ]


def calendar_map(load: Load) -> CalendarMap:
    """Lay a load's daily energy out as weeks by weekdays."""
    if not len(load):
        nothing = np.zeros((0, 7))
        return CalendarMap(np.zeros(0, dtype=np.int64), nothing, nothing)
    # 1970-01-05 was a Monday.
    first = (int(load.day[0]) + 3) // 7 * 7 - 3
    weeks = (int(load.day[-1]) - first) // 7 + 1
    at = load.day - first
    known = np.bincount(at, weights=load.known, minlength=7 * weeks)
    sums = np.bincount(at, weights=np.where(load.known, load.energies, 0.0), minlength=7 * weeks)
    energy = np.where(known > 0, sums, np.nan)
    starts, dates = load.zone.day_starts(load.start, int(load.instants[-1]) + 1)
    length = np.full(7 * weeks, float(DAY))
    length[dates.astype(np.int64) - first] = np.diff(starts)
    completeness = np.minimum(known * load.interval / length, 1.0)
    shape = (weeks, 7)
    return CalendarMap(
        first + 7 * np.arange(weeks, dtype=np.int64),
        energy.reshape(shape),
        completeness.reshape(shape),
    )
