"""The one function behind every page and endpoint that shows readings: registers on a grid."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from meters.days import DayTable, Ints
from meters.grid import Cadence, Grid, Resolution, ResolutionError
from meters.language import _
from meters.measures import Measure, measure_of, usual_measure
from meters.models import Register
from meters.profiles import DayTotals, read_days, read_next_days, read_totals
from meters.qualities import NAMES, Quality
from meters.series import Buckets, Series, Statistic
from meters.zones import DAY, Zone


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
    statistic, unit
        What is said of each bucket, in which unit; each register's usual ones where None.
    qualities
        Only readings of these qualities count; all where empty.
    """

    start: int
    end: int
    resolution: Resolution
    zone: Zone
    now: int
    statistic: str | None = None
    unit: str | None = None
    qualities: frozenset[Quality] = frozenset()

    @property
    def grid(self) -> Grid:
        return Grid(self.start, self.end, self.resolution, self.zone)

    def measure(self, register: Register) -> Measure:
        """Say how a register is given.

        Raises
        ------
        MeasureError
            It can't be given as it was asked for.
        """
        return measure_of(register.code, self.statistic, self.unit)


@dataclass(frozen=True, slots=True)
class RegisterReadings:
    """One register on a grid.

    Attributes
    ----------
    unit
        In which its values are given.
    resets
        When a cumulative register began anew, was reset or exchanged, within the range [s].
    """

    register: Register
    buckets: Buckets
    unit: str
    resets: tuple[int, ...] = ()


class TooFineError(ResolutionError):
    """A grid finer than a register.

    Attributes
    ----------
    fits
        The finest resolution that fits all registers asked for.
    """

    def __init__(self, asked: Resolution, register: Register, interval: int) -> None:
        self.fits = Resolution.of_seconds(interval)
        words = _(
            "{asked} is finer than the register {register}, which reads every {minutes} minutes "
            "here; {fits} is the finest that fits."
        )
        super().__init__(
            words.format(
                asked=asked, register=register.obis, minutes=interval // 60, fits=self.fits
            )
        )


def usual_statistic(register: Register) -> Statistic:
    """Say what a bucket of this register tells: a sum of energy, a mean of power, …"""
    return usual_measure(register.code).statistic


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
    TooFineError
        The grid is finer than a register was in this range.
    MeasureError
        A register can't be given in the statistic or the unit that is asked for.
    """
    grid = query.grid
    by_days = grid.is_whole_days
    found = _from_totals([r for r in registers if by_days and _has_totals(r, query)], query, grid)
    found |= _from_values([r for r in registers if r.pk not in found], query, grid)
    return [found[register.pk] for register in registers]


def _has_totals(register: Register, query: Query) -> bool:
    measure = query.measure(register)
    from_sums = measure.statistic is Statistic.SUM or (
        measure.statistic is Statistic.MEAN and measure.per_hour
    )
    return (
        from_sums
        and not query.qualities
        and register.code.is_summable
        and register.meter.timezone == query.zone.name
    )


def _from_values(
    registers: Sequence[Register], query: Query, grid: Grid
) -> dict[int, RegisterReadings]:
    if not registers:
        return {}
    # A row is kept under its local date; one day more on each side covers every zone.
    table = read_days(
        [register.pk for register in registers], query.start // DAY - 1, query.end // DAY + 1
    )
    series = {
        register.pk: Series.of_days(
            table.of_register(register.pk), register.meter.zone, register.interval or 900
        )
        for register in registers
    }
    coarsest = max(registers, key=lambda register: series[register.pk].cadence.finest)
    interval = series[coarsest.pk].cadence.finest
    if query.resolution.seconds < interval:
        raise TooFineError(query.resolution, coarsest, interval)
    cumulative = [r for r in registers if usual_statistic(r) is Statistic.ADVANCE]
    resets: dict[int, tuple[int, ...]] = {}
    for pk, states in _with_next_states({r.pk: series[r.pk] for r in cumulative}, query).items():
        series[pk], fell = states.advances()
        inside = (fell >= query.start) & (fell < query.end)
        resets[pk] = tuple(fell[inside].tolist())
    return {
        register.pk: RegisterReadings(
            register,
            _resampled(register, series[register.pk], query, grid),
            query.measure(register).unit,
            resets.get(register.pk, ()),
        )
        for register in registers
    }


def _resampled(register: Register, series: Series, query: Query, grid: Grid) -> Buckets:
    """Roll one register's readings up, and give them as they were asked for."""
    measure = query.measure(register)
    if query.qualities:
        series = series.of_qualities(query.qualities)
    statistic = measure.statistic
    if measure.per_hour and statistic is Statistic.MEAN:
        # Mean power is the energy by the time in which it ran, however long each interval was.
        statistic = usual_statistic(register)
    elif measure.per_hour:
        series, measure = series.as_power(), replace(measure, per_hour=False)
    buckets = series.resample(grid, statistic, now=query.now, validity=register.meter.validity)
    return given_as(buckets, measure)


def given_as(buckets: Buckets, measure: Measure) -> Buckets:
    """Give sums in another unit, or as the mean power of the time that their intervals last."""
    if measure.factor == 1.0 and not measure.per_hour and buckets.statistic is measure.statistic:
        return buckets
    values = buckets.values * measure.factor
    if measure.per_hour:
        assert buckets.covered is not None
        hours = buckets.covered / 3600
        values = np.divide(values, hours, out=np.full(len(values), np.nan), where=hours > 0)
    return replace(buckets, values=values, statistic=measure.statistic, is_computed=True)


def _with_next_states(series: dict[int, Series], query: Query) -> dict[int, Series]:
    """Add the state with which the last advance of the range ends, however late it was read.

    An advance that runs over a gap would else be in an answer or not, as the range happens to end.
    """
    last = query.end // DAY + 1
    still_open = [
        pk for pk, one in series.items() if len(one) and int(one.instants[-1]) < query.end
    ]
    table = read_next_days(still_open, last) if still_open else DayTable.empty()
    return {
        pk: _joined(one, Series.of_days(table.of_register(pk), query.zone))
        for pk, one in series.items()
    }


def _joined(series: Series, later: Series) -> Series:
    return Series(
        np.concatenate((series.instants, later.instants)),
        np.concatenate((series.intervals, later.intervals)),
        np.concatenate((series.values, later.values)),
        np.concatenate((series.qualities, later.qualities)),
        series.cadence,
    )


def _from_totals(
    registers: Sequence[Register], query: Query, grid: Grid
) -> dict[int, RegisterReadings]:
    if not registers:
        return {}
    totals = read_totals(
        [register.pk for register in registers], query.start // DAY - 1, query.end // DAY + 1
    )
    mixed = _mixed_days(totals)
    # Also the day before: were it cut by another zone database, it could reach into the range.
    starts, _ = query.zone.day_starts(query.start - 1, query.end)
    found = {}
    for register in registers:
        own = totals.of_register(register.pk)
        if _fits_days(own, starts):
            measure = query.measure(register)
            buckets = given_as(_sum_days(register, own, mixed, query, grid), measure)
            found[register.pk] = RegisterReadings(register, buckets, measure.unit)
    return found


def _fits_days(totals: DayTotals, starts: Ints) -> bool:
    """Say whether what day rows say of themselves is all that there is to know.

    Where an interval straddles midnight the answer tells so, and that is seen only in the values.
    Nor is there a total where the register's code was corrected after the row was written, and a
    row that was cut by another zone database may hold more than its day does today.
    """
    inside = (totals.first >= starts[0]) & (totals.first < starts[-1])
    first, interval, count = totals.first[inside], totals.interval[inside], totals.count[inside]
    day = np.searchsorted(starts, first, side="right") - 1
    length = starts[day + 1] - first
    fits = (first == starts[day]) & (length % interval == 0) & (count * interval <= length)
    fits &= (count == 0) | ~np.isnan(totals.total[inside])
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
    count, quality, interval = (
        totals.count[inside],
        totals.quality[inside],
        totals.interval[inside],
    )
    where, n = grid.locate(first), len(grid)
    if len(totals):
        cadence = Cadence.of_days(totals.day, totals.first, totals.interval, register.meter.zone)
    else:
        cadence = Cadence.steady(register.interval or 900)
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
        covered=np.bincount(where, weights=count * interval, minlength=n).astype(np.int64),
    )
