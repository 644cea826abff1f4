"""Loads and series for the tests of the analysis."""

from datetime import UTC, datetime

import numpy as np

from analytics.methods.load import Load
from meters.grid import Cadence
from meters.series import Series
from meters.zones import Zone, zone

ZURICH = zone("Europe/Zurich")
DAY = 86_400


def at(*parts: int) -> int:
    """Return an instant [s] of a moment in UTC."""
    return int(datetime(*parts, tzinfo=UTC).timestamp())  # type: ignore[arg-type,misc]


# Monday, 1 January 2024, 00:00 in Zurich.
START = at(2023, 12, 31, 23)


def series(values: np.ndarray, interval: int = 900, start: int = START, quality: int = 1) -> Series:
    """Make a series of energies [kWh] that follow each other."""
    n = len(values)
    return Series(
        start + interval * np.arange(n, dtype=np.int64),
        np.full(n, interval),
        np.asarray(values, dtype=float),
        np.full(n, quality, dtype=np.int16),
        Cadence.steady(interval, start),
    )


def joined(*parts: Series) -> Series:
    """Put series one after another."""
    return Series(
        np.concatenate([part.instants for part in parts]),
        np.concatenate([part.intervals for part in parts]),
        np.concatenate([part.values for part in parts]),
        np.concatenate([part.qualities for part in parts]),
        parts[0].cadence,
    )


def load(power: np.ndarray, interval: int = 900, start: int = START, place: Zone = ZURICH) -> Load:
    """Make a load of powers [kW]; NaN is a gap."""
    power = np.asarray(power, dtype=float)
    return Load(start, interval, power, ~np.isnan(power), place)


def with_gaps(power: np.ndarray, share: float, seed: int = 1) -> np.ndarray:
    """Leave out stretches of up to a day until a share of the values is missing."""
    rng = np.random.default_rng(seed)
    power = power.astype(float).copy()
    while np.isnan(power).mean() < share:
        begin = rng.integers(len(power))
        power[begin : begin + rng.integers(1, 96)] = np.nan
    return power
