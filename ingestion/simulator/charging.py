"""Charging of an electric car: rare blocks of constant, high power, and nothing between them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ingestion.simulator.household import Timeline
from ingestion.simulator.localtime import DAY, Instants, LocalClock
from ingestion.simulator.sun import Floats
from meters.standard_profiles import weekdays

STEP = 60
"""Time step of the model [s]."""

RATINGS = (3_700.0, 7_400.0, 11_000.0, 22_000.0)
"""What wall boxes draw [W]: 16 A and 32 A on one phase, 16 A and 32 A on three (IEC 61851-1)."""

TAPER = 12.0
"""Minutes at the end of a charge in which a full battery takes a third of the power."""

PLACES = {
    # Arrival [h], its spread [h], chance of charging on a weekday and at the weekend, likelihood.
    "home": (18.0, 1.6, 1.0, 0.8, 0.55),
    "timer": (22.5, 0.15, 1.0, 1.0, 0.25),
    "work": (8.4, 0.7, 1.0, 0.03, 0.20),
}


@dataclass(frozen=True)
class Traits:
    """What distinguishes one wall box from the next."""

    place: str
    rating: float
    arrival: float
    often: float
    typical: float
    standby: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Traits:
        """Draw a wall box and its car."""
        names = list(PLACES)
        place = str(rng.choice(names, p=[PLACES[name][4] for name in names]))
        return cls(
            place=place,
            rating=float(rng.choice(RATINGS, p=[0.2, 0.15, 0.55, 0.1])),
            arrival=PLACES[place][0] + float(rng.normal(0, 0.5)),
            often=rng.uniform(0.2, 0.85),
            typical=rng.uniform(5.0, 18.0),
            standby=rng.uniform(1.0, 7.0),
        )


def power(
    clock: LocalClock,
    instants: Instants,
    traits: np.random.Generator,
    chance: np.random.Generator,
    scale: float = 1.0,
    regularity: float = 1.0,
) -> Floats:
    """Consumption of one wall box over a year.

    Parameters
    ----------
    clock : LocalClock
        Of the year.
    instants : numpy.ndarray of int64, shape (n,)
        Starts of the minutes [s since 1970-01-01T00:00Z].
    traits, chance : numpy.random.Generator
        For what the wall box is (the same every year) and for what happens in this one.
    scale : float
        How much each charge takes [-].
    regularity : float
        How well its user keeps hours [-]: 1 as the place has it, 0 with five hours more of spread.

    Returns
    -------
    numpy.ndarray of float64, shape (n,)
        Mean power of each minute [W].
    """
    who = Traits.draw(traits)
    local = clock.to_local(instants[[0, -1]])
    dates = np.arange(local[0] // DAY, local[1] // DAY + 1)
    _, spread, weekday, weekend, _ = PLACES[who.place]
    often = who.often * np.where(weekdays(dates) < 5, weekday, weekend)
    charges = chance.random(len(dates)) < often
    hours = who.arrival + (spread + 5.0 * (1.0 - regularity)) * chance.standard_normal(len(dates))
    energy = np.clip(scale * who.typical * chance.lognormal(0, 0.55, len(dates)), 1.0, 70.0)
    # A car is gone for a week or two a year.
    away = int(chance.integers(150, 240))
    charges[away : away + int(chance.integers(5, 15))] = False
    begin = (dates * DAY + hours * 3600)[charges]
    minutes = energy[charges] * 60_000 / who.rating
    running = Timeline(clock, int(instants[0]), len(instants))
    running.add(begin, minutes, who.rating)
    running.add(begin + minutes * 60, TAPER, who.rating / 3)
    # One car: where the next charge was to begin before the last has ended, it follows its own.
    watts = np.minimum(running.power(), who.rating)
    watts *= 1 + 0.006 * chance.standard_normal(len(instants))
    return np.maximum(watts, 0.0) + who.standby
