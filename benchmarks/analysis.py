"""The analysis of a load of one year at a quarter-hour, against statsmodels, pandas and scipy.

Both sides do the same work on the same year with gaps, in turns within one run. Nothing here needs
a database.
"""

import time
from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy.signal import lombscargle
from statsmodels.tsa.stattools import acf, pacf

from analytics.methods.analysis import LAG_DAYS, PARTIAL_LAGS, analyse
from analytics.methods.correlation import autocorrelation, partial_autocorrelation
from analytics.methods.grouping import By, group
from analytics.methods.load import Load
from analytics.methods.spectrum import spectrum
from benchmarks.report import Report
from meters.zones import zone

DAYS = 366
PER_DAY = 96
LAGS = LAG_DAYS * PER_DAY
TURNS = 7
# The textbook periodogram takes the length times the frequencies: this many of them are timed.
FREQUENCIES = 200


def run(report: Report) -> None:
    load = _year()
    report.notes.append(
        f"The whole analysis of a meter-year at a quarter-hour: "
        f"{_medians(lambda: analyse(_again(load)))[0]:.0f} ms."
    )
    ours, theirs = _medians(lambda: autocorrelation(load, LAGS), lambda: _acf(load))
    report.cost("autocorrelation of 8 days, with bands", "ms per year", ours, theirs)
    known = autocorrelation(load, LAGS)
    ours, theirs = _medians(
        lambda: partial_autocorrelation(known, PARTIAL_LAGS), lambda: _pacf(load)
    )
    report.cost("partial autocorrelation of 200 lags", "ms per year", ours, theirs)
    ours, theirs = _medians(lambda: group(_again(load), By.HOUR), lambda: _pandas(load))
    report.cost("group a year by local hour, with bands", "ms per year", ours, theirs)
    ours, theirs = _medians(lambda: spectrum(load), lambda: _lomb_scargle(load))
    # Ours looks at every frequency, several times over.
    theirs *= (len(load) / 2) / FREQUENCIES
    report.cost("periods of a year with gaps (scipy's time scaled up)", "ms per year", ours, theirs)


def _year() -> Load:
    rng = np.random.default_rng(5)
    t = np.arange(DAYS * PER_DAY)
    power = rng.gamma(2, 0.2, len(t)) * (1.5 + np.sin(2 * np.pi * t / PER_DAY))
    for begin in rng.integers(0, len(t), 40):
        power[begin : begin + rng.integers(1, 60)] = np.nan
    # Midnight of 1 January 2024 in Zurich.
    return Load(1_704_063_600, 900, power, ~np.isnan(power), zone("Europe/Zurich"))


def _again(load: Load) -> Load:
    """Return the load without what it has worked out before."""
    return Load(load.start, load.interval, load.power, load.measured, load.zone)


def _acf(load: Load) -> None:
    acf(load.power, nlags=LAGS, missing="conservative", alpha=0.05, result_object=False)


def _pacf(load: Load) -> None:
    # It has none of a series with gaps; they are filled with the mean.
    filled = np.where(load.known, load.power, np.nanmean(load.power))
    pacf(filled, nlags=PARTIAL_LAGS, result_object=False)


def _pandas(load: Load) -> None:
    index = pd.to_datetime(load.instants, unit="s", utc=True).tz_convert(load.zone.name)
    series = pd.Series(load.power, index=index)
    by_hour = series.groupby(index.hour)
    by_hour.agg(["mean", "median", "count"])
    by_hour.quantile(np.array([0.1, 0.9]))
    hourly = (series / 4).resample("1h").sum(min_count=4)
    each = hourly.groupby(hourly.index.hour)  # type: ignore[attr-defined]
    each.agg(["mean", "median", "count"])
    each.quantile(np.array([0.1, 0.9]))


def _lomb_scargle(load: Load) -> None:
    known = load.known
    angular = 2 * np.pi * np.linspace(1e-4, 0.49, FREQUENCIES)
    lombscargle(np.flatnonzero(known).astype(float), load.power[known], angular, floating_mean=True)


def _medians(*sides: Callable[[], object]) -> list[float]:
    """Time both sides in turns; medians [ms]."""
    for side in sides:
        side()
    taken: list[list[float]] = [[] for _ in sides]
    for _ in range(TURNS):
        for times, side in zip(taken, sides, strict=True):
            begin = time.perf_counter()
            side()
            times.append((time.perf_counter() - begin) * 1e3)
    return [float(np.median(times)) for times in taken]
