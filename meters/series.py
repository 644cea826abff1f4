"""The readings of one register as arrays, and how they roll up to a grid of buckets.

Conservation holds: for energy, the sum over the buckets of any grid equals the sum over the raw
intervals that start within its range.
"""

import math
from collections.abc import Collection
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from meters.days import DayTable, Floats, Ints, Mask, Qualities, exact_sums
from meters.grid import Cadence, Grid, Resolution, ResolutionError
from meters.language import _
from meters.qualities import NAMES, worse
from meters.zones import Zone

FAR_FUTURE = 2**40


class Statistic(StrEnum):
    """What a bucket says of the values in it."""

    SUM = "sum"
    MEAN = "mean"
    MIN = "min"
    MAX = "max"
    ADVANCE = "advance"


@dataclass(frozen=True, slots=True)
class Validity:
    """From when to when a meter is in use: ``[since, until)`` [s]."""

    since: int = 0
    until: int = FAR_FUTURE


@dataclass(frozen=True)
class Buckets:
    """Values on a grid of n buckets.

    Attributes
    ----------
    edges
        Edges of the buckets [s], shape ``(n + 1,)``.
    values
        The statistic in the register's unit; NaN where the bucket is empty, shape ``(n,)``.
    count, expected
        Intervals that are there, and that should be, shape ``(n,)``.
    qualities
        For each quality that occurs, how many intervals of each bucket have it, shape ``(n,)``.
    straddling
        How many intervals reach beyond the end of the bucket in which they start and are counted.
    covered
        How long the intervals of each bucket are together [s], shape ``(n,)``; None where that is
        not known.
    is_computed
        Whether also a value of one interval alone is not as it was stored, for it is given in
        another unit.
    """

    edges: Ints
    values: Floats
    count: Ints
    expected: Ints
    qualities: dict[str, Ints]
    statistic: Statistic
    straddling: int = 0
    covered: Ints | None = None
    is_computed: bool = False

    def __len__(self) -> int:
        return len(self.values)

    @property
    def total(self) -> float | None:
        """The sum over all buckets, None where nothing is there or sums mean nothing."""
        if self.statistic not in {Statistic.SUM, Statistic.ADVANCE} or not self.count.any():
            return None
        return math.fsum(self.values[self.count > 0])


@dataclass(frozen=True)
class Series:
    """The readings of one register, in order of time; n readings.

    Attributes
    ----------
    instants
        Start of each interval [s], strictly rising, shape ``(n,)``.
    intervals
        Length of each interval [s], shape ``(n,)``.
    values
        In the register's unit, finite, shape ``(n,)``.
    qualities
        One `Quality` each, never 0, shape ``(n,)``.
    cadence
        How often the register should read.
    """

    instants: Ints
    intervals: Ints
    values: Floats
    qualities: Qualities
    cadence: Cadence

    def __len__(self) -> int:
        return len(self.instants)

    @classmethod
    def of_days(cls, table: DayTable, place: Zone, default_interval: int = 900) -> "Series":
        """Read one register's series off its stored days, the local days of its meter's zone."""
        if not len(table):
            none = np.zeros(0, dtype=np.int64)
            return cls(
                none, none, np.zeros(0), none.astype(np.int16), Cadence.steady(default_interval)
            )
        there = table.present
        return cls(
            table.instants[there],
            np.repeat(table.interval, table.slots)[there],
            table.values[there],
            table.qualities[there],
            Cadence.of_days(table.day, table.first, table.interval, place),
        )

    def within(self, start: int, end: int) -> "Series":
        """Return the readings whose intervals start in ``[start, end)``."""
        low, high = np.searchsorted(self.instants, [start, end])
        part = slice(int(low), int(high))
        return Series(
            self.instants[part],
            self.intervals[part],
            self.values[part],
            self.qualities[part],
            self.cadence,
        )

    def of_qualities(self, qualities: Collection[int]) -> "Series":
        """Return the readings that have one of some qualities."""
        return self._where(np.isin(self.qualities, list(qualities)))

    def as_power(self) -> "Series":
        """Give energy of intervals as their mean power: kWh become kW."""
        return replace(self, values=self.values * 3600 / self.intervals)

    def _where(self, chosen: Mask) -> "Series":
        return Series(
            self.instants[chosen],
            self.intervals[chosen],
            self.values[chosen],
            self.qualities[chosen],
            self.cadence,
        )

    def advances(self) -> tuple["Series", Ints]:
        """Turn the states of a cumulative register into the advances between them.

        Each advance starts at its earlier state and lasts until the later one, also across a gap:
        what ran up in a gap is known as one sum and is not spread over intervals that nobody
        measured. A state below the one before it is a reset or another meter, not a huge negative
        advance.

        Returns
        -------
        series
            The advances, at most n − 1 of them.
        resets
            The instants of states that are lower than the one before [s].
        """
        if len(self) < 2:
            return self.within(0, 0), np.zeros(0, dtype=np.int64)
        steps = np.diff(self.values)
        forward = steps >= 0
        series = Series(
            self.instants[:-1][forward],
            np.diff(self.instants)[forward],
            steps[forward],
            # An advance is as good as the worse of its two states.
            worse(self.qualities[:-1], self.qualities[1:])[forward],
            self.cadence,
        )
        return series, self.instants[1:][~forward]

    def resample(
        self,
        grid: Grid,
        statistic: Statistic,
        *,
        now: int,
        validity: Validity | None = None,
    ) -> Buckets:
        """Roll the readings up to a grid; each counts in the bucket in which it starts.

        Parameters
        ----------
        grid
            The buckets; none may be finer than the register's intervals.
        statistic
            What to say of each bucket. `ADVANCE` sums: the series must hold advances.
        now
            The present [s]; intervals that have not ended are not expected.
        validity
            From when to when the meter is in use; for ever where None.

        Raises
        ------
        ResolutionError
            The grid is finer than the register.
        """
        check_fineness(grid.resolution, self.cadence)
        validity = validity or Validity()
        edges = grid.edges
        part = self.within(grid.start, grid.end)
        # Both rise, so each bucket is a stretch of readings.
        begins = np.searchsorted(part.instants, edges)
        count = np.diff(begins)
        straddling = int((part.instants + part.intervals > np.repeat(edges[1:], count)).sum())
        return Buckets(
            edges=edges,
            values=_reduce(part.values, begins[:-1], count, statistic),
            count=count,
            expected=self.cadence.count(edges, validity.since, validity.until, now),
            qualities=_quality_counts(part.qualities, begins),
            statistic=statistic,
            straddling=straddling,
            covered=_stretch_sums(part.intervals, begins),
        )


def check_fineness(resolution: Resolution, cadence: Cadence) -> None:
    """Refuse buckets shorter than the intervals that should fill them."""
    if resolution.seconds < cadence.finest:
        fits = Resolution.of_seconds(cadence.finest)
        words = _(
            "“{asked}” is finer than the register, which reads every {minutes} minutes; the finest "
            "resolution that fits is {fits}."
        )
        raise ResolutionError(
            words.format(asked=resolution, minutes=cadence.finest // 60, fits=fits)
        )


def _reduce(values: Floats, begins: Ints, count: Ints, statistic: Statistic) -> Floats:
    """Say the statistic of each bucket, a stretch of values."""
    result = np.full(len(count), np.nan)
    filled: Mask = count > 0
    if not filled.any():
        return result
    starts = begins[filled]
    match statistic:
        case Statistic.SUM | Statistic.ADVANCE:
            result[filled] = exact_sums(values, starts)
        case Statistic.MEAN:
            result[filled] = exact_sums(values, starts) / count[filled]
        case Statistic.MIN:
            result[filled] = np.minimum.reduceat(values, starts)
        case Statistic.MAX:
            result[filled] = np.maximum.reduceat(values, starts)
    return result


def _quality_counts(qualities: Qualities, begins: Ints) -> dict[str, Ints]:
    occurring = np.flatnonzero(np.bincount(qualities))
    return {
        NAMES[quality]: _stretch_sums(qualities == quality, begins)
        for quality in occurring.tolist()
    }


def _stretch_sums(numbers: Ints | Mask, begins: Ints) -> Ints:
    """Add up whole numbers between each of `begins` and the next one."""
    sums = np.concatenate(([0], np.cumsum(numbers, dtype=np.int64)))
    return np.diff(sums[begins])
