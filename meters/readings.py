"""The one function behind every page and endpoint that shows readings: registers on a grid."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from meters.days import Ints
from meters.grid import Cadence, Grid, Resolution
from meters.models import Register
from meters.obis import Aggregation
from meters.profiles import DayTotals, read_days, read_totals
from meters.qualities import NAMES
from meters.series import Buckets, Series, Statistic, check_fineness
from meters.zones import DAY, Zone

# What is said of a bucket where nobody asks for something else.
USUAL = {
    Aggregation.SUM: Statistic.SUM,
    Aggregation.MEAN: Statistic.MEAN,
    Aggregation.MAX: Statistic.MAX,
    Aggregation.MIN: Statistic.MIN,
    Aggregation.ADVANCE: Statistic.ADVANCE,
    # Stored and shown, not summed: what the value counts is not known.
    Aggregation.NONE: Statistic.MEAN,
}


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked of registers.

    Attributes
    ----------
    start, end
        The range ``[start, end)`` [s].
    resolution
        Length of the buckets.
    zone
        On whose clock and calendar buckets begin.
    now
        The present [s].
    """

    start: int
    end: int
    resolution: Resolution
    zone: Zone
    now: int

    @property
    def grid(self) -> Grid:
        return Grid(self.start, self.end, self.resolution, self.zone)


@dataclass(frozen=True, slots=True)
class RegisterReadings:
    """One register on a grid."""

    register: Register
    buckets: Buckets


def usual_statistic(register: Register) -> Statistic:
    """Say what a bucket of this register tells: a sum of energy, a mean of power, …"""
    return USUAL[register.code.aggregation]


def readings(registers: Sequence[Register], query: Query) -> list[RegisterReadings]:
    """Read registers on one grid, each with its usual statistic.

    Whole days of energy are added up from what the day rows say of themselves; everything else is
    rolled up from the values. Both give the same.

    Parameters
    ----------
    registers
        Each with its meter.

    Raises
    ------
    ResolutionError
        The grid is finer than a register.
    """
    grid = query.grid
    by_days = grid.is_whole_days
    found = _from_totals([r for r in registers if by_days and _has_totals(r, query)], query, grid)
    found |= _from_values([r for r in registers if r.pk not in found], query, grid)
    return [RegisterReadings(register, found[register.pk]) for register in registers]


def _has_totals(register: Register, query: Query) -> bool:
    return register.code.is_summable and register.meter.timezone == query.zone.name


def _from_values(registers: Sequence[Register], query: Query, grid: Grid) -> dict[int, Buckets]:
    if not registers:
        return {}
    # A row is kept under its local date; one day more on each side covers every zone. A cumulative
    # register's last advance ends with the next state, which may stand one day later.
    table = read_days(
        [register.pk for register in registers], query.start // DAY - 1, query.end // DAY + 2
    )
    found = {}
    for register in registers:
        series = Series.of_days(table.of_register(register.pk), register.interval or 900)
        statistic = usual_statistic(register)
        if statistic is Statistic.ADVANCE:
            series, _ = series.advances()
        found[register.pk] = series.resample(
            grid, statistic, now=query.now, validity=register.meter.validity
        )
    return found


def _from_totals(registers: Sequence[Register], query: Query, grid: Grid) -> dict[int, Buckets]:
    if not registers:
        return {}
    totals = read_totals(
        [register.pk for register in registers], query.start // DAY - 1, query.end // DAY + 1
    )
    mixed = _mixed_days(totals)
    starts, _ = query.zone.day_starts(query.start, query.end)
    found = {}
    for register in registers:
        own = totals.of_register(register.pk)
        if _fits_days(own, starts):
            found[register.pk] = _sum_days(register, own, mixed, query, grid)
    return found


def _fits_days(totals: DayTotals, starts: Ints) -> bool:
    """Say whether every day's intervals begin and end where the day does.

    Where one straddles midnight the answer tells so, and that is seen only in the values.
    """
    inside = (totals.first >= starts[0]) & (totals.first < starts[-1])
    first, interval = totals.first[inside], totals.interval[inside]
    day = np.searchsorted(starts, first, side="right") - 1
    fits = (first == starts[day]) & ((starts[day + 1] - first) % interval == 0)
    return bool(fits.all())


def _mixed_days(totals: DayTotals) -> dict[tuple[int, int], dict[str, int]]:
    """Count the qualities of days whose readings differ in quality; most have none such."""
    mixed = np.flatnonzero((totals.quality == 0) & (totals.count > 0))
    if not len(mixed):
        return {}
    table = read_days(
        [int(pk) for pk in np.unique(totals.register[mixed])],
        int(totals.day[mixed].min()),
        int(totals.day[mixed].max()),
    )
    wanted = set(zip(totals.register[mixed].tolist(), totals.day[mixed].tolist(), strict=True))
    found = {}
    for row, key in enumerate(zip(table.register.tolist(), table.day.tolist(), strict=True)):
        if key in wanted:
            counts = np.bincount(table.qualities[table.row_slots(row)], minlength=len(NAMES))
            found[key] = {NAMES[q]: int(n) for q, n in enumerate(counts) if q and n}
    return found


def _sum_days(
    register: Register,
    totals: DayTotals,
    mixed: dict[tuple[int, int], dict[str, int]],
    query: Query,
    grid: Grid,
) -> Buckets:
    inside = (totals.first >= query.start) & (totals.first < query.end)
    first, day = totals.first[inside], totals.day[inside]
    count, quality = totals.count[inside], totals.quality[inside]
    where, n = grid.locate(first), len(grid)
    if len(totals):
        cadence = Cadence.of_days(totals.first, totals.first, totals.interval)
    else:
        cadence = Cadence.steady(register.interval or 900)
    check_fineness(query.resolution, cadence)
    counted = np.bincount(where, weights=count, minlength=n).astype(np.int64)
    energy = np.nan_to_num(totals.total[inside])
    values = np.bincount(where, weights=energy, minlength=n).astype(np.float64)
    values[counted == 0] = np.nan
    qualities = {
        NAMES[int(q)]: np.bincount(
            where[quality == q], weights=count[quality == q], minlength=n
        ).astype(np.int64)
        for q in np.unique(quality)
        if q
    }
    for at in np.flatnonzero((quality == 0) & (count > 0)):
        for name, number in mixed.get((register.pk, int(day[at])), {}).items():
            qualities.setdefault(name, np.zeros(n, dtype=np.int64))[where[at]] += number
    validity = register.meter.validity
    return Buckets(
        edges=grid.edges,
        values=values,
        count=counted,
        expected=cadence.count(grid.edges, validity.since, validity.until, query.now),
        qualities=qualities,
        statistic=Statistic.SUM,
    )
