"""Consumption of a heat pump: the colder it is outside, the longer its compressor runs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ingestion.simulator.household import Timeline
from ingestion.simulator.localtime import DAY, Instants, LocalClock
from ingestion.simulator.sun import Floats
from ingestion.simulator.weather import temperature

STEP = 60
"""Time step of the model [s]."""

HEATING_LIMIT = 15.0
"""Outdoor temperature above which no room is heated [°C], as in VDI 3807 and VDI 4655."""

LOCKED = ((11.0, 12.5), (17.0, 18.5))
"""Local hours in which a network operator may lock heat pumps, where it does [h]."""


@dataclass(frozen=True)
class Traits:
    """What distinguishes one heat pump from the next."""

    rating: float
    design: float
    run: float
    modulates: bool
    setback: float
    locked: bool
    water: float
    water_hour: float
    standby: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Traits:
        """Draw a heat pump."""
        return cls(
            rating=rng.uniform(1500, 3200),
            design=rng.uniform(0.6, 0.95),
            run=rng.uniform(15, 45),
            modulates=bool(rng.random() < 0.4),
            setback=float(rng.choice([1.0, 0.85, 0.6])),
            locked=bool(rng.random() < 0.3),
            water=rng.uniform(25, 60),
            water_hour=float(rng.choice([3.0, 13.0, 20.0])) + rng.uniform(-1, 1),
            standby=rng.uniform(5, 25),
        )


def power(
    clock: LocalClock,
    instants: Instants,
    traits: np.random.Generator,
    chance: np.random.Generator,
    weather: np.random.Generator,
    latitude: float,
) -> Floats:
    """Consumption of one heat pump of scale 1 over a year.

    Parameters
    ----------
    clock : LocalClock
        Of the year.
    instants : numpy.ndarray of int64, shape (n,)
        Starts of the minutes [s since 1970-01-01T00:00Z].
    traits, chance, weather : numpy.random.Generator
        For what the heat pump is (the same every year), for what happens in this one, and for the
        temperature of its region.
    latitude : float
        Place [°], north positive.

    Returns
    -------
    numpy.ndarray of float64, shape (n,)
        Mean power of each minute [W].
    """
    who = Traits.draw(traits)
    quarter_hours = instants[::15]
    outside = temperature(clock, quarter_hours, weather, latitude)
    hour = clock.to_local(quarter_hours) % DAY / 3600
    # The share of its rating that the house needs: all that it was designed for at -12 °C.
    need = who.design * np.clip((HEATING_LIMIT - outside) / (HEATING_LIMIT + 12), 0, 1)
    need *= np.where((hour >= 22) | (hour < 5), who.setback, 1.0)
    if who.setback < 1:
        need *= np.where((hour >= 5) & (hour < 7), 1.25, 1.0)
    need[need < 0.03] = 0.0
    running = Timeline(clock, int(instants[0]), len(instants))
    _heat(running, who, clock.to_local(quarter_hours[:1]), need, chance)
    _heat_water(running, who, clock.to_local(instants[[0, -1]]), chance)
    watts = np.minimum(running.power(), who.rating * 1.1)
    if who.locked:
        now = clock.to_local(instants) % DAY / 3600
        for begin, end in LOCKED:
            watts[(now >= begin) & (now < end)] = 0.0
    watts *= 1 + 0.02 * chance.standard_normal(len(instants))
    return np.maximum(watts, 0.0) + who.standby


def _heat(
    running: Timeline, who: Traits, begin: Instants, need: Floats, rng: np.random.Generator
) -> None:
    """Run the compressor so that its mean is what is needed: on and off, or turned down."""
    lowest = 0.3 if who.modulates else 1.0
    at, minutes = 0.0, len(need) * 15.0
    lengths = np.clip(rng.normal(1, 0.15, 200_000), 0.5, 1.6)
    starts, runs, powers = [], [], []
    for length in lengths:
        if at >= minutes:
            break
        wanted = float(need[int(at // 15)])
        if wanted <= 0:
            at += 15.0
            continue
        level = max(wanted, lowest)
        run = who.run * float(length)
        starts.append(at)
        runs.append(run)
        powers.append(level * who.rating)
        at += max(run, run * level / wanted)
    # The compressor knows no clock: its minutes are counted through from the year's begin.
    running.add(float(begin[0]) + np.array(starts) * 60.0, np.array(runs), np.array(powers))


def _heat_water(running: Timeline, who: Traits, local: Instants, rng: np.random.Generator) -> None:
    midnights = np.arange(local[0] // DAY, local[1] // DAY + 1) * DAY
    hours = who.water_hour + rng.normal(0, 0.3, len(midnights))
    minutes = who.water * np.clip(rng.normal(1, 0.3, len(midnights)), 0.2, 2.0)
    running.add(midnights + hours * 3600, minutes, who.rating)
