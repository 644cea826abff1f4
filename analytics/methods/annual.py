"""What a year would come to, and how far that may be off.

Of a full year the estimate is what was measured, and only gaps make it uncertain. Of less it is the
mean of whole weeks carried on for a year, with Student's interval for the mean of weeks. Whole
weeks, for they hold every weekday once, and what one week has the next tends to have less than one
day and the next do. That interval knows nothing of seasons that were not seen, so they are named.

Why not a bootstrap of blocks (H. R. Künsch, The jackknife and the bootstrap for general stationary
observations, Ann. Stat. 17, 1989): in 3,000 trials of four weeks, its 95 % percentile interval held
the truth in 80 % and Student's in 94 %; where each week resembles the one before (correlation 0.3)
in 68 % and 89 %.
"""

import math
from dataclasses import dataclass

import numpy as np

from analytics.methods.grouping import KNOWN_ENOUGH, SEASONS, months_of
from analytics.methods.load import HOUR, Load
from analytics.methods.quantiles import means_by_group
from meters.days import Floats
from meters.zones import DAY

YEAR = 365
WEEK = 7 * DAY
LEAST_WEEKS = 2


@dataclass(frozen=True, slots=True)
class Annual:
    """The energy of 365 days.

    Attributes
    ----------
    energy
        [kWh]
    low, high
        Where it lies with 95 % confidence [kWh] if the weeks that were measured are like those of
        the rest of the year; None of less than two whole weeks.
    is_measured
        Whether it rests on a full year, the last 365 days, of which `KNOWN_ENOUGH` is known.
    weeks
        How many whole weeks the interval rests on.
    unseen
        Seasons of which less than a week is known, as `grouping.SEASONS` names them: in English.
    """

    energy: float
    low: float | None
    high: float | None
    is_measured: bool
    weeks: int
    unseen: tuple[str, ...]


def annual_estimate(load: Load) -> Annual | None:
    """Estimate the energy of a year; None where less than a day is known."""
    if load.count * load.interval < DAY:
        return None
    if load.days >= YEAR:
        last = load.within(load.end - YEAR * DAY, load.end)
        if last.completeness >= KNOWN_ENOUGH:
            return _of_full_year(last)
    weeks = _weekly_powers(load)
    # Of less than a week what is known is all there is to go by.
    power = float(weeks.mean()) if len(weeks) else float(load.power[load.known].mean())
    return _annual(load, power, len(weeks), _student(weeks), is_measured=False)


def _of_full_year(load: Load) -> Annual:
    """Fill each month's gaps with its own mean; the uncertainty is that of what is filled."""
    month = months_of(load.day) % 12
    means, count = means_by_group(load.power[load.known], month[load.known], 12)
    slots, known = np.bincount(month, minlength=12), count > 0
    power = float((means[known] * slots[known]).sum() / slots[known].sum())
    weeks = _weekly_powers(load)
    missing = 1 - load.completeness
    half = None
    if len(weeks) >= LEAST_WEEKS:
        # As many weeks as are missing, each off by as much as weeks differ.
        half = 1.96 * float(weeks.std(ddof=1)) * math.sqrt(missing * WEEK / DAY / YEAR)
    return _annual(load, power, len(weeks), half, is_measured=True)


def _annual(
    load: Load, power: float, weeks: int, half: float | None, *, is_measured: bool
) -> Annual:
    hours = YEAR * DAY / HOUR
    return Annual(
        energy=power * hours,
        low=None if half is None else (power - half) * hours,
        high=None if half is None else (power + half) * hours,
        is_measured=is_measured,
        weeks=weeks,
        unseen=_unseen(load),
    )


def _weekly_powers(load: Load) -> Floats:
    """Return the mean power of each whole week from the first slot on that is known well enough."""
    slots = WEEK // load.interval
    if not slots or len(load) < slots:
        return np.zeros(0)
    weeks = load.power[: len(load) // slots * slots].reshape(-1, slots)
    weeks = weeks[(~np.isnan(weeks)).mean(axis=1) >= KNOWN_ENOUGH]
    means: Floats = np.nanmean(weeks, axis=1) if len(weeks) else np.zeros(0)
    return means


def _student(weeks: Floats) -> float | None:
    """Return half the width of the 95 % interval for the mean of weeks [kW]."""
    if len(weeks) < LEAST_WEEKS:
        return None
    from scipy.special import stdtrit

    spread = float(weeks.std(ddof=1)) / math.sqrt(len(weeks))
    return float(stdtrit(len(weeks) - 1, 0.975)) * spread


def _unseen(load: Load) -> tuple[str, ...]:
    season = (months_of(load.day[load.known]) + 1) % 12 // 3
    lasting = np.bincount(season, minlength=len(SEASONS)) * load.interval
    return tuple(
        name for name, known in zip(SEASONS, lasting.tolist(), strict=True) if known < WEEK
    )
