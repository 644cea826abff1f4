"""Which model makes the power of which kind of meter, and what of it flows in and what out."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ingestion.simulator import business, charging, heat_pump, household, photovoltaics
from ingestion.simulator.localtime import Instants, LocalClock, year_clock
from ingestion.simulator.meter import Kind, SyntheticMeter
from ingestion.simulator.sun import Floats

CONSTANT_POWER = 350.0
"""Power of a constant load of scale 1 [W], about that of a small telecom cabinet."""

ROOFS = (3.0, 12.0)
"""Range of a prosumer's own photovoltaics [kWp]."""


def generator(seed: int, whose: str, purpose: str, year: int) -> np.random.Generator:
    """Random numbers that depend on nothing but these four."""
    # Python's own hash of a string differs from process to process.
    digest = hashlib.sha256(f"{seed}/{whose}/{purpose}/{year}".encode()).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest[:16])))


@dataclass(frozen=True, eq=False)
class Year:
    """What a model is given: a meter's year and its random numbers.

    Attributes
    ----------
    traits, chance : numpy.random.Generator
        For what the meter is (the same every year) and for what happens in this one.
    """

    meter: SyntheticMeter
    number: int
    instants: Instants
    clock: LocalClock
    traits: np.random.Generator
    chance: np.random.Generator

    def generator(self, purpose: str, *, of_region: bool = False) -> np.random.Generator:
        """More random numbers, of this meter or of everybody in its region."""
        meter = self.meter
        region = f"{meter.timezone}/{meter.latitude:.0f}/{meter.longitude:.0f}"
        return generator(meter.seed, region if of_region else meter.muid, purpose, self.number)

    def finer(self, step: int) -> Instants:
        """Starts of a model's own steps [s]."""
        stop = self.instants[-1] + self.meter.interval
        return np.arange(self.instants[0], stop, step, dtype=np.int64)


Model = Callable[[Year], Floats]


def powers(meter: SyntheticMeter, number: int, instants: Instants) -> tuple[Floats, Floats | None]:
    """Mean power of each interval of a local calendar year [W].

    Returns
    -------
    main, second : numpy.ndarray of float64, shape (n,)
        Of the meter's register `obis` and of its `second_obis`, if it has one. A meter that counts
        both directions nets within each step of the model, and both may be above 0 in an interval.
    """
    traits = generator(meter.seed, meter.muid, "traits", 0)
    chance = generator(meter.seed, meter.muid, "chance", number)
    clock = year_clock(meter.timezone, number)
    watts = MODELS[meter.kind](Year(meter, number, instants, clock, traits, chance))
    if meter.second_obis is None:
        return _means(watts, len(instants)), None
    main, second = np.maximum(watts, 0.0), np.maximum(-watts, 0.0)
    return _means(main, len(instants)), _means(second, len(instants))


def _means(watts: Floats, size: int) -> Floats:
    found: Floats = watts.reshape(size, -1).mean(axis=1)
    return found


def _constant(year: Year) -> Floats:
    size = len(year.instants)
    slow = np.repeat(year.chance.normal(0, 0.003, size // 96 + 1), 96)[:size]
    noise = 1 + slow + 0.006 * year.chance.standard_normal(size)
    found: Floats = year.meter.scale * CONSTANT_POWER * noise
    return found


def _household(year: Year) -> Floats:
    meter = year.meter
    watts = household.power(
        year.clock,
        year.finer(household.STEP),
        year.traits,
        year.chance,
        meter.latitude,
        meter.longitude,
        household.Habits(meter.regularity, meter.activity, meter.base),
    )
    return watts * meter.scale


def _roof(year: Year, traits: np.random.Generator, chance: np.random.Generator) -> Floats:
    """Feed-in of 1 kWp [W]."""
    meter = year.meter
    weather = year.generator("weather", of_region=True)
    where = meter.latitude, meter.longitude
    finer = year.finer(photovoltaics.STEP)
    return photovoltaics.power(year.clock, finer, traits, chance, weather, *where)


def _photovoltaics(year: Year) -> Floats:
    return _roof(year, year.traits, year.chance) * year.meter.scale - year.meter.standby


def _made_by_roof(year: Year, prosumer: str) -> Floats:
    """What the roof of a prosumer makes [W], whoever counts it."""
    seed = year.meter.seed
    traits = generator(seed, prosumer, "roof", 0)
    size = traits.uniform(*ROOFS)
    return size * _roof(year, traits, generator(seed, prosumer, "roof", year.number))


def _prosumer(year: Year) -> Floats:
    """What the household uses less what its roof makes [W]; below 0 where it feeds in."""
    made = _made_by_roof(year, year.meter.muid)
    used = _household(year)
    return used - np.repeat(made, photovoltaics.STEP // household.STEP)


def _production(year: Year) -> Floats:
    return _made_by_roof(year, year.meter.roof_of)


def _business(year: Year) -> Floats:
    finer = year.finer(business.STEP)
    regularity = year.meter.regularity
    watts = business.power(year.clock, finer, year.traits, year.chance, regularity)
    return watts * year.meter.scale


def _heat_pump(year: Year) -> Floats:
    weather = year.generator("temperature", of_region=True)
    finer = year.finer(heat_pump.STEP)
    latitude = year.meter.latitude
    watts = heat_pump.power(year.clock, finer, year.traits, year.chance, weather, latitude)
    return watts * year.meter.scale


def _charging(year: Year) -> Floats:
    finer = year.finer(charging.STEP)
    meter = year.meter
    return charging.power(
        year.clock, finer, year.traits, year.chance, meter.scale, meter.regularity
    )


MODELS: dict[Kind, Model] = {
    "household": _household,
    "photovoltaics": _photovoltaics,
    "constant": _constant,
    "prosumer": _prosumer,
    "business": _business,
    "heat_pump": _heat_pump,
    "charging": _charging,
    "production": _production,
}
