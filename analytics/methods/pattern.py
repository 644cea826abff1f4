r"""Daily pattern, weekly pattern and remainder, and how much of the variance each explains.

The parts are taken off one after another: first the mean of each time of day on the local clock,
then what the weekday adds to it, then the rest. Each is nested in the one before, so their sums of
squares add up to the whole, with gaps as without.

How much a pattern explains of the data that it was made of flatters it: 672 means of four weeks
explain a quarter of pure noise. So each share comes with the one that is left when every value is
told from the others of its group alone.

References
----------
.. [1] R. A. Fisher, Statistical Methods for Research Workers, 1925: sequential (type I) analysis of
   variance.
.. [2] D. M. Allen, The relationship between variable selection and data augmentation and a method
   for prediction, Technometrics 16, 1974, 125–127: the sum of squares of values left out.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from analytics.methods.load import Load
from meters.days import Floats, Ints
from meters.zones import DAY

WEEKDAYS = 7


@dataclass(frozen=True, slots=True)
class Share:
    """How much of the variance one part explains.

    Attributes
    ----------
    explained
        Share of the sum of squares, from 0 to 1; the three parts add up to 1.
    held_out
        The share that the part adds when each value is told from the other values of its time of
        day (and weekday) only; 0 where it would only make things worse. This is what is proved.
    """

    explained: float
    held_out: float


@dataclass(frozen=True, eq=False)
class Pattern:
    """A load taken apart; p times of day, n slots.

    Attributes
    ----------
    interval
        Length of a time of day [s]; the first begins at local midnight.
    mean
        Mean power of all known slots [kW].
    daily
        Mean power by time of day [kW], NaN where none is known, shape ``(p,)``.
    weekly
        What each weekday, Monday first, adds to `daily` [kW], shape ``(7, p)``. NaN throughout
        where the load has less than two weeks.
    remainder
        What both leave of each slot [kW], NaN where it is not known, shape ``(n,)``.
    by_day, by_week, rest
        Their shares; None where nothing is known, or nothing varies.
    """

    interval: int
    mean: float
    daily: Floats
    weekly: npt.NDArray[np.float64]
    remainder: Floats
    by_day: Share | None
    by_week: Share | None
    rest: Share | None


def times_of_day(load: Load) -> tuple[Ints, int]:
    """Number each slot by its time of day on the local clock, and say how many there are.

    Slots of both autumn hours carry the numbers that their wall time has.
    """
    interval = min(load.interval, DAY)
    return load.second // interval, -(-DAY // interval)


def weekdays(load: Load) -> Ints:
    """Number each slot's local weekday from Monday, 0, to Sunday, 6."""
    # 1970-01-01 was a Thursday.
    return (load.day + 3) % WEEKDAYS


def decompose(load: Load) -> Pattern:
    """Take a load apart into daily pattern, weekly pattern and remainder."""
    time, count = times_of_day(load)
    known = load.known
    mean = float(load.power[known].mean()) if known.any() else np.nan
    values = load.power[known] - mean
    daily = _Means(time[known], count, values)
    after_day = values - daily.fitted
    week_long_enough = load.days >= 2 * WEEKDAYS
    weekly = _Means(
        weekdays(load)[known] * count + time[known] if week_long_enough else time[known],
        WEEKDAYS * count if week_long_enough else count,
        values,
    )
    after_week = values - weekly.fitted
    remainder = np.full(len(load), np.nan)
    remainder[known] = after_week
    total = _squares(values)
    shares: list[Share | None] = [None, None, None]
    # What rounding leaves of a constant is no variance.
    if total > (1e-9 * abs(mean)) ** 2 * len(values):
        left = [total, _squares(after_day), _squares(after_week), 0.0]
        held = [total, *np.minimum.accumulate([min(daily.held_out, total), weekly.held_out]), 0.0]
        shares = [
            Share((left[i] - left[i + 1]) / total, float(held[i] - held[i + 1]) / total)
            for i in range(3)
        ]
    deviations = np.full((WEEKDAYS, count), np.nan)
    if week_long_enough:
        deviations = weekly.means.reshape(WEEKDAYS, count) - daily.means
    return Pattern(
        load.interval, mean, daily.means + mean, deviations, remainder, shares[0], shares[1],
        shares[2],
    )  # fmt: skip


def without_daily(load: Load, pattern: Pattern) -> Load:
    """Return what the daily pattern leaves of a load: in it weeks show, and days no longer do."""
    times, _ = times_of_day(load)
    return replace(load, power=load.power - pattern.daily[times])


def _squares(values: Floats) -> float:
    # Not a product of matrices, which wakes a thread on every core.
    return float(np.square(values).sum())


class _Means:
    """Means by group, what they make of each value, and of values that were left out."""

    def __init__(self, group: Ints, groups: int, values: Floats) -> None:
        counts = np.bincount(group, minlength=groups)
        sums = np.bincount(group, weights=values, minlength=groups)
        self.means = np.full(groups, np.nan)
        np.divide(sums, counts, out=self.means, where=counts > 0)
        self.fitted = self.means[group]
        # Told from the others of its group; alone in it, from nothing: the mean of all, 0.
        others = counts[group] - 1
        told = np.zeros(len(values))
        np.divide(sums[group] - values, others, out=told, where=others > 0)
        self.held_out = _squares(values - told)
        """Sum of squares of what values that were left out are missed by [kW²] [2]_."""
