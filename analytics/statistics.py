"""Descriptions of a series: what a usual day looks like, base load and peak."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from meters.series import Series
from meters.zones import DAY, Zone


@dataclass(frozen=True, slots=True)
class Peak:
    """The interval of the highest mean power."""

    power: float
    """[kW]"""
    instant: int
    """Start of the interval [s]."""


def powers(series: Series) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return the mean power of each interval [kW] of a register of energy [kWh], shape ``(n,)``."""
    return series.values * 3600.0 / series.intervals


def peak(series: Series) -> Peak | None:
    """Find the interval of the highest mean power; None of an empty series."""
    if not len(series):
        return None
    power = powers(series)
    at = int(np.argmax(power))
    return Peak(float(power[at]), int(series.instants[at]))


def base_load(series: Series) -> float | None:
    """Return the base load [kW]: the median over days of each day's 5 % quantile of power.

    A single quiet hour, or one day away from home, does not move it. None of an empty series.
    """
    if not len(series):
        return None
    frame = pd.DataFrame({"day": series.instants // DAY, "power": powers(series)})
    return float(frame.groupby("day")["power"].quantile(0.05).median())


def typical_day(series: Series, zone: Zone) -> pd.DataFrame:
    """Describe the usual day by local time of day, apart for weekdays and weekends.

    Parameters
    ----------
    series
        Energy of intervals [kWh].
    zone
        On whose clock the day is told. Intervals of the repeated autumn hour count with those that
        carry the same wall time.

    Returns
    -------
    One row for each kind of day and time of day, with the columns ``weekend`` (bool), ``minute``
    (after local midnight), ``mean``, ``low`` and ``high`` (10 and 90 % quantiles) [kW] and ``days``
    (how many intervals were averaged).
    """
    local = series.instants + zone.offsets(series.instants)
    frame = pd.DataFrame(
        {
            # 1970-01-01 was a Thursday: day 2 of the epoch was a Saturday.
            "weekend": (local // DAY + 3) % 7 >= 5,
            "minute": local % DAY // 60,
            "power": powers(series),
        }
    )
    grouped = frame.groupby(["weekend", "minute"])["power"]
    return pd.DataFrame(
        {
            "mean": grouped.mean(),
            "low": grouped.quantile(0.1),
            "high": grouped.quantile(0.9),
            "days": grouped.count(),
        }
    ).reset_index()
