"""Feed-in of a roof: the sun, one region's clouds, a tilted field of panels and an inverter."""

from __future__ import annotations

import math

import numpy as np

from ingestion.simulator.localtime import DAY, Instants, LocalClock
from ingestion.simulator.sun import Floats, clear_sky, on_tilted_plane, sun_path

STEP = 300
"""Time step of the model [s]; shorter than a cloud's passage, a divisor of every interval."""

PERFORMANCE_RATIO = 0.74
"""Share of the nominal output left after heat, dirt, cables and conversion [-]."""

INVERTER_RATIO = 0.9
"""Nominal power of the inverter per nominal power of the panels [W/Wp]."""

START_UP = 0.004
"""Share of the nominal power below which an inverter stays off [-]."""

DAYS_MEMORY = 0.29
"""Correlation of one day's fineness with the next one's [-]: a first-order process, as V. A.
Graham, K. G. T. Hollands and T. E. Unny model it, Solar Energy 40 (2), pp. 83-92, 1988."""

LONGEST_YEAR = 367
"""Days that are drawn for each year: a leap year's, and one more that its last interval may reach
into. Fixed, so that meters of different intervals draw the same sky."""


def power(
    clock: LocalClock,
    instants: Instants,
    traits: np.random.Generator,
    chance: np.random.Generator,
    weather: np.random.Generator,
    latitude: float,
    longitude: float,
) -> Floats:
    """Feed-in of one installation of 1 kWp over a year.

    Parameters
    ----------
    clock : LocalClock
        Of the year.
    instants : numpy.ndarray of int64, shape (n,)
        Starts of the steps of `STEP` seconds [s since 1970-01-01T00:00Z].
    traits, chance, weather : numpy.random.Generator
        For the roof (the same every year), for its own clouds, and for the sky of its region:
        neighbours given an equal `weather` have their fine days together.
    latitude, longitude : float
        Place [°], north and east positive.

    Returns
    -------
    numpy.ndarray of float64, shape (n,)
        Mean power of each step [W per kWp]; exactly 0 while the sun is down.
    """
    towards_equator = 180.0 if latitude >= 0 else 0.0
    tilt = float(np.clip(traits.normal(28, 8), 5, 50))
    azimuth = towards_equator + float(np.clip(traits.normal(0, 28), -80, 80))
    path = sun_path(instants + STEP // 2, latitude, longitude)
    sky = clear_sky(path) * _clear_sky_index(clock, instants, weather, chance, latitude)
    panels = on_tilted_plane(path, sky, tilt, azimuth) * PERFORMANCE_RATIO
    running = np.where(panels > START_UP * 1000, panels, 0.0)
    return np.minimum(running, INVERTER_RATIO * 1000)


def _clear_sky_index(
    clock: LocalClock,
    instants: Instants,
    weather: np.random.Generator,
    chance: np.random.Generator,
    latitude: float,
) -> Floats:
    """Irradiance as a share of the clear sky's [-], for each step.

    A day's mean comes from a first-order autoregressive process over the days (fine and dull
    spells last), winter being the duller half; within the day a second process lets clouds pass,
    strongest on days that are neither clear nor overcast.
    """
    local = clock.to_local(instants)
    day = local // DAY - local[0] // DAY
    slot = local % DAY // STEP
    slots, days = DAY // STEP, LONGEST_YEAR
    fineness = _autoregressive(weather.standard_normal((days, 1)), DAYS_MEMORY)[:, 0]
    winter = np.cos(2 * np.pi * (np.arange(days) - 10) / 365.25) * math.copysign(1, latitude)
    rank = np.array([0.5 * (1 + math.erf(z / math.sqrt(2))) for z in fineness - 0.45 * winter])
    mean = np.minimum(0.13 + 1.0 * rank**1.12, 1.0)
    spread = 0.62 * np.sqrt(mean * (1.0 - mean)) * (1 - 0.6 * (mean < 0.4))
    # Clouds are drawn for every slot of a 24-hour clock and then looked up, so that a day of 23
    # or 25 hours changes nothing for the days after it.
    memory = math.exp(-STEP / 1500)
    shared = _autoregressive(weather.standard_normal((slots, days)), memory).T
    own = _autoregressive(chance.standard_normal((slots, days)), memory).T
    passing = 0.8 * shared + 0.6 * own
    index = np.clip(mean[:, None] + spread[:, None] * passing, 0.06, 1.03)
    looked_up: Floats = index[day, slot]
    return looked_up


def _autoregressive(noise: Floats, memory: float) -> Floats:
    """AR(1) along the first axis, of unit variance from its first value on."""
    out = np.empty_like(noise)
    out[0] = noise[0]
    fresh = math.sqrt(1 - memory * memory)
    for i in range(1, len(noise)):
        out[i] = memory * out[i - 1] + fresh * noise[i]
    return out
