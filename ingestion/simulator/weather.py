"""Outdoor temperature of a region: seasons, spells of some days, and the day's own course."""

from __future__ import annotations

import math

import numpy as np

from ingestion.simulator.localtime import DAY, Instants, LocalClock
from ingestion.simulator.sun import Floats

DAYS = 368
"""Days that are drawn for each year, whatever its length, so that every meter has the same ones."""


def temperature(
    clock: LocalClock, instants: Instants, rng: np.random.Generator, latitude: float
) -> Floats:
    """Outdoor temperature [°C] at each instant, shape (n,).

    Ours, set to the order of magnitude of Central European stations: a yearly mean of 10 °C at
    47° with 0.6 K a degree of latitude, 9.5 K either side over the year, spells of some days of
    3.6 K, a day's course of 2 K in winter and 5 K in summer with its highest point at 15:00.

    Parameters
    ----------
    clock : LocalClock
        Of the year.
    instants : numpy.ndarray of int64, shape (n,)
        UTC [s since 1970-01-01T00:00Z].
    rng : numpy.random.Generator
        Of the region and the year.
    latitude : float
        Place [°], north positive.
    """
    local = clock.to_local(instants)
    days = (local - local[0] // DAY * DAY) / DAY
    fresh = math.sqrt(1 - 0.75**2) * rng.standard_normal(DAYS)
    spells = np.empty(DAYS)
    value = float(rng.standard_normal())
    for day in range(DAYS):
        value = 0.75 * value + float(fresh[day])
        spells[day] = value
    cold = np.cos(2 * np.pi * (days - 20) / 365.25) * math.copysign(1.0, latitude)
    course = np.cos(2 * np.pi * (days % 1.0 - 15 / 24))
    mean = 10.0 - 0.6 * (abs(latitude) - 47.0)
    found: Floats = mean - 9.5 * cold + 3.6 * np.interp(days, np.arange(DAYS) + 0.5, spells)
    found += (3.5 - 1.5 * cold) * course
    return found
