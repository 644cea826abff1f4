"""Consumption of a household: what runs by itself, what people switch on, and when they are in.

Everything is a rectangle of power on a timeline of minutes: fridges cycle, the kettle boils for
three minutes, a washing machine heats and then turns. Times are local clock times, so habits keep
their hour across a change of the clocks. The powers and durations are nameplate orders of
magnitude; `CALIBRATION` brings an average household's year to 3,500 kWh.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ingestion.simulator.localtime import DAY, Instants, LocalClock
from ingestion.simulator.sun import Floats, sun_path

STEP = 60
"""Time step of the model [s]."""

CALIBRATION = 1.214
"""Factor on every power [-], found by averaging 60 meters over 2021 to 2024 at 47.4° north."""

Booleans = NDArray[np.bool_]


class Timeline:
    """Rectangles of power added up on a grid of minutes."""

    def __init__(self, clock: LocalClock, start: int, minutes: int) -> None:
        self._clock, self._start = clock, start
        self._steps: Floats = np.zeros(minutes + 1)

    def add(self, local: Floats, minutes: Floats | float, watts: Floats | float) -> None:
        """Add runs of `minutes` at `watts`, each beginning at a local clock time [s]."""
        instants = self._clock.to_utc(local.astype(np.int64))
        last = len(self._steps) - 1
        begin = (instants - self._start) // STEP
        end = begin + np.maximum(np.rint(minutes), 0).astype(np.int64)
        np.add.at(self._steps, np.clip(begin, 0, last), watts)
        np.subtract.at(self._steps, np.clip(end, 0, last), watts)

    def power(self) -> Floats:
        """Mean power of each minute [W]."""
        return np.cumsum(self._steps[:-1])


@dataclass(frozen=True)
class Traits:
    """What distinguishes one household from the next; times in minutes after midnight."""

    wake: float
    bed: float
    back: float
    dinner: float
    standby: float
    pump: float
    lights: float
    home_office: float
    washes: float
    has_dryer: bool

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Traits:
        """Draw a household."""
        return cls(
            wake=float(np.clip(rng.normal(400, 9), 380, 420)),
            bed=rng.uniform(1340, 1400),
            back=rng.uniform(1010, 1070),
            dinner=rng.uniform(1105, 1150),
            standby=rng.uniform(55, 105),
            pump=rng.uniform(30, 55),
            lights=rng.uniform(100, 200),
            home_office=rng.choice([0.05, 0.2, 0.4, 0.6]),
            washes=rng.uniform(0.6, 1.4),
            has_dryer=bool(rng.random() < 0.6),
        )


@dataclass(frozen=True)
class Habits:
    """How a household differs from the usual one.

    Attributes
    ----------
    regularity
        The share of what people do that they do at their usual hour, the rest being at any [-].
    activity
        The share of the usual doings that there are, each at its usual power [-].
    base
        Factor on what runs by itself [-].
    """

    regularity: float = 1.0
    activity: float = 1.0
    base: float = 1.0


USUAL = Habits()


def power(
    clock: LocalClock,
    instants: Instants,
    traits: np.random.Generator,
    chance: np.random.Generator,
    latitude: float,
    longitude: float,
    habits: Habits = USUAL,
) -> Floats:
    """Consumption of one household of scale 1 over a year.

    Parameters
    ----------
    clock : LocalClock
        Of the year.
    instants : numpy.ndarray of int64, shape (n,)
        Starts of the minutes [s since 1970-01-01T00:00Z].
    traits, chance : numpy.random.Generator
        For what the household is (the same every year) and for what happens in this one.
    latitude, longitude : float
        Place [°], for the hour at which it gets dark.
    habits : Habits
        How this household differs from the usual one.

    Returns
    -------
    numpy.ndarray of float64, shape (n,)
        Mean power of each minute [W].
    """
    who = Traits.draw(traits)
    local = clock.to_local(instants[[0, -1]])
    midnights = np.arange(local[0] // DAY, local[1] // DAY + 1).astype(np.float64) * DAY
    away = _away(midnights, chance)
    running = Timeline(clock, int(instants[0]), len(instants))
    presence = Timeline(clock, int(instants[0]), len(instants))
    by_itself = Timeline(clock, int(instants[0]), len(instants))
    _by_itself(by_itself, who, midnights, away, chance, latitude)
    _by_people(running, presence, who, midnights, away, chance, habits)
    quarter_hours = instants[::15]
    elevation = sun_path(quarter_hours, latitude, longitude).elevation
    dark = np.repeat(np.clip((4.0 - elevation) / 9.0, 0.0, 1.0), 15)[: len(instants)]
    watts = running.power() + habits.base * by_itself.power()
    watts += presence.power() * who.lights * dark
    watts += 5.0 * chance.standard_normal(len(instants), dtype=np.float32)
    return CALIBRATION * np.maximum(watts, 1.0)


def _weekend(midnights: Floats) -> Booleans:
    # 1970-01-01 was a Thursday, so day 0 counts as weekday 3.
    return (midnights.astype(np.int64) // DAY + 3) % 7 >= 5


def _away(midnights: Floats, rng: np.random.Generator) -> Booleans:
    """Days on which nobody is at home: a summer holiday, perhaps a short one, a few weekends."""
    away = np.zeros(len(midnights), bool)
    summer, short = int(rng.integers(183, 226)), int(rng.choice([44, 100, 278]))
    summer_days, short_days = int(rng.integers(7, 16)), int(rng.integers(4, 9))
    if rng.random() < 0.85:
        away[summer : summer + summer_days] = True
    if rng.random() < 0.5:
        away[short : short + short_days] = True
    weekend, trip = _weekend(midnights), rng.random(len(midnights)) < 0.07
    saturdays = np.flatnonzero(weekend[:-1] & weekend[1:] & trip[1:])
    away[saturdays] = away[saturdays + 1] = True
    return away


def _by_itself(
    running: Timeline,
    who: Traits,
    midnights: Floats,
    away: Booleans,
    rng: np.random.Generator,
    latitude: float,
) -> None:
    days = len(midnights)
    cold = np.cos(2 * np.pi * (np.arange(days) - 20) / 365.25) * np.sign(latitude or 1.0)
    standby = who.standby * np.where(away, 0.8, 1.0) * rng.normal(1.0, 0.015, days)
    heating = who.pump * np.clip(0.45 + 0.9 * cold + rng.normal(0, 0.12, days), 0.0, 1.2)
    running.add(midnights, 1440, standby + heating)
    for watts, period in ((rng.uniform(75, 100), 47.0), (rng.uniform(60, 85), 61.0)):
        count = int(days * 1440 / period * 1.1)
        cycles = np.cumsum(rng.normal(period, 0.09 * period, count)) - period
        warm = 1.0 - 0.14 * cold[np.minimum(cycles // 1440, days - 1).astype(np.int64)]
        # Each start is set on the continuous minute count, not on a day's clock: a compressor
        # knows no midnight and no summer time.
        running.add(midnights[0] + cycles * STEP, 0.36 * period * warm, watts)


def _by_people(
    running: Timeline,
    presence: Timeline,
    who: Traits,
    midnights: Floats,
    away: Booleans,
    rng: np.random.Generator,
    habits: Habits,
) -> None:
    days = len(midnights)
    weekend = _weekend(midnights)
    in_all_day = weekend | (rng.random(days) < who.home_office)

    def around(minute: Floats | float, spread: float) -> Floats:
        spread_out: Floats = minute + rng.normal(0, spread, days)
        if habits.regularity == 1.0:
            # No more random numbers than are needed: the regular household is older than the other.
            return spread_out
        any_hour = rng.uniform(0, 1440, days)
        return np.where(rng.random(days) < habits.regularity, spread_out, any_hour)

    def run(
        chosen: Booleans, minute: Floats, minutes: float, watts: float, jitter: float = 0.15
    ) -> None:
        lengths = minutes * np.clip(rng.normal(1, jitter, days), 0.5, 1.6)
        powers = watts * np.clip(rng.normal(1, 0.08, days), 0.7, 1.3)
        chosen = chosen & ~away
        if habits.activity < 1.0:
            chosen &= rng.random(days) < habits.activity
        running.add((midnights + minute * STEP)[chosen], lengths[chosen], powers[chosen])

    def some(probability: Floats | float) -> Booleans:
        return rng.random(days) < probability

    everyone = np.ones(days, bool)
    wake = around(np.where(weekend, who.wake + 95, who.wake), 6) + weekend * rng.normal(0, 30, days)
    leave, back = around(wake + 65, 7), around(who.back, 22)
    bed = np.minimum(around(who.bed, 18) + 20 * weekend, 1439)
    for chosen, begin, end in (
        (in_all_day, wake, bed),
        (~in_all_day, wake, leave),
        (~in_all_day, back, bed),
    ):
        # Whoever keeps no hours may be back before they have left.
        chosen = chosen & ~away & (end > begin)
        when, minutes = (midnights + begin * STEP)[chosen], (end - begin)[chosen]
        presence.add(when, minutes, 1.0)
        running.add(when, minutes, 75.0)

    run(everyone, around(wake + 12, 5), 3.5, 2000)
    run(everyone, around(wake + 18, 5), 5, 1300)
    run(some(0.6), around(wake + 22, 6), 5, 950)
    run(some(0.6), around(wake + 16, 6), 6, 1400)
    run(in_all_day & ~weekend, around(540, 15), 470, 80)
    run(in_all_day & some(0.75), around(720, 18), 22, 1300, 0.25)
    run(some(0.4), around(960, 60), 3, 2000)

    dinner = around(who.dinner, 16)
    cooks = some(0.88)
    run(cooks, dinner, 34, 1450, 0.25)
    oven = cooks & some(0.3)
    run(oven, dinner - 5, 12, 2300)
    run(oven, dinner + 8, 30, 850)
    run(some(0.85), dinner + 45, 150, 140, 0.2)

    dishes = some(0.55)
    begin = around(dinner + 75, 25)
    run(dishes, begin, 16, 1950, 0.05)
    run(dishes, begin + 16, 45, 80, 0.05)
    run(dishes, begin + 61, 12, 1950, 0.05)

    washes = some(np.where(weekend, 0.5, 0.22) * who.washes)
    begin = np.where(weekend, around(620, 70), around(1100, 40))
    run(washes, begin, 19, 2000, 0.1)
    run(washes, begin + 19, 60, 170, 0.1)
    run(washes, begin + 80, 8, 320, 0.1)
    if who.has_dryer:
        run(washes & some(0.7), begin + 95, 85, 680)
    run(weekend & some(0.4), around(630, 40), 25, 900)
