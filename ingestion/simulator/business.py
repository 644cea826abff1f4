"""Consumption of a business: its branch's standard profile, its own hours, and machines that cycle.

A standard profile is the mean of many customers and smoother than any of them, so each business
blends its branch's profile with the sharper edges of its own opening hours.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from ingestion.simulator.localtime import DAY, Instants, LocalClock
from ingestion.simulator.sun import Floats
from meters.standard_profiles import expected, weekdays

STEP = 300
"""Time step of the model [s]."""

ANNUAL = 20_000.0
"""Consumption of a business of scale 1 [kWh a year]."""

BRANCHES = {
    # Usual opening and closing [h], last weekday on which it is open, and how likely it is drawn.
    "g0": (7.5, 18.5, 5, 0.24),
    "g1": (8.0, 17.5, 4, 0.30),
    "g2": (14.0, 23.0, 6, 0.08),
    "g3": (6.0, 20.0, 6, 0.08),
    "g4": (8.0, 19.0, 5, 0.20),
    "g5": (3.5, 15.0, 5, 0.10),
}
"""Branches by their BDEW profile."""

HOLIDAYS = {(1, 1), (5, 1), (12, 25), (12, 26)}
"""Months and days of the public holidays that all of Central Europe keeps."""

CHILLED = ("g3", "g4", "g5")
"""Branches with cold rooms, whose compressors run day and night."""


@dataclass(frozen=True)
class Traits:
    """What distinguishes one business from the next."""

    branch: str
    own: float
    opens: float
    closes: float
    last_day: int
    base: float
    noise: float
    compressor: float
    christmas: bool
    holiday: bool

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Traits:
        """Draw a business."""
        names = list(BRANCHES)
        branch = str(rng.choice(names, p=[BRANCHES[name][3] for name in names]))
        opens, closes, last_day, _ = BRANCHES[branch]
        return cls(
            branch=branch,
            own=rng.uniform(0.2, 0.8),
            opens=opens + rng.uniform(-1.0, 1.0),
            closes=closes + rng.uniform(-1.5, 0.75),
            last_day=last_day,
            base=rng.uniform(0.06, 0.35),
            noise=rng.uniform(0.03, 0.15),
            compressor=rng.uniform(0.08, 0.3) if branch in CHILLED else rng.uniform(0.0, 0.05),
            christmas=bool(rng.random() < 0.5),
            holiday=bool(rng.random() < 0.25),
        )


def power(
    clock: LocalClock,
    instants: Instants,
    traits: np.random.Generator,
    chance: np.random.Generator,
    regularity: float = 1.0,
) -> Floats:
    """Consumption of one business of scale 1 over a year.

    Parameters
    ----------
    clock : LocalClock
        Of the year.
    instants : numpy.ndarray of int64, shape (n,)
        Starts of the steps of `STEP` seconds [s since 1970-01-01T00:00Z].
    traits, chance : numpy.random.Generator
        For what the business is (the same every year) and for what happens in this one.
    regularity : float
        How well it keeps its hours [-]: 1 to some minutes, 0 to two hours.

    Returns
    -------
    numpy.ndarray of float64, shape (n,)
        Mean power of each step [W].
    """
    who = Traits.draw(traits)
    local = clock.to_local(instants)
    days = local // DAY
    first, count = int(days[0]), int(days[-1] - days[0]) + 1
    dates = np.arange(first, first + count)
    closed = _closed(dates, who, chance)
    spread = 0.12 + 2.0 * (1.0 - regularity)
    opens = who.opens + chance.normal(0, spread, count)
    closes = np.maximum(who.closes + chance.normal(0, spread, count), opens + 1.0)
    is_open = ~closed & (weekdays(dates) <= who.last_day)
    at = days - first
    hour = local % DAY / 3600
    # Half an hour from the first light switched on to everybody at work.
    open_share = np.clip((hour - opens[at]) / 0.5, 0, 1) * np.clip((closes[at] - hour) / 0.5, 0, 1)
    own = who.base + (1.0 - who.base) * open_share * is_open[at]
    shape = expected(who.branch, local, as_sunday=closed[at])
    load = (1 - who.own) * shape + who.own * own / own.mean()
    load *= np.clip(chance.normal(1, 0.05, count), 0.7, 1.3)[at]
    load *= np.maximum(1 + who.noise * chance.standard_normal(len(local)), 0.3)
    load += who.compressor * (2.2 * _compressors(len(local), chance) - 1.0)
    watts: Floats = np.maximum(load, 0.02) * (ANNUAL * 1000 / 8760)
    return watts


def _closed(dates: Instants, who: Traits, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Public holidays, and the days on which this business alone is closed."""
    closed = np.zeros(len(dates), bool)
    summer, length = int(rng.integers(190, 230)), int(rng.integers(7, 16))
    if who.holiday and who.last_day < 6:
        closed[summer : summer + length] = True
    for number, day in enumerate(dates.tolist()):
        there = date.fromordinal(day + date(1970, 1, 1).toordinal())
        if (there.month, there.day) in HOLIDAYS:
            closed[number] = True
        elif who.christmas and there.month == 12:
            closed[number] = there.day >= 24
    return closed


def _compressors(size: int, rng: np.random.Generator) -> Floats:
    """Share of compressors that run, between 0 and 1: two of their own period."""
    running = np.zeros(size)
    for period in rng.uniform(5, 14, 2):
        phase = np.cumsum(rng.normal(1.0, 0.15, size)) / period
        running += 0.5 * (phase % 1.0 < 0.45)
    return running
