"""Meters to argue about: synthetic ones of every kind, noise, and shuffled readings, by seed.

The two spaces of parameters have no seed, place or year in common; sizes, lengths and intervals
overlap, for both are to be like the world.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import numpy as np

from analytics.hypothesis import Kind, RegisterLoad
from analytics.methods.load import Load
from ingestion.simulator import meter as simulated
from ingestion.simulator.meter import SyntheticMeter
from ingestion.simulator.synthetic import readings
from meters.days import Floats
from meters.obis import ObisCode
from meters.zones import zone


@dataclass(frozen=True)
class Space:
    """Where, when and from which seed on meters are drawn."""

    first_seed: int
    years: tuple[int, ...]
    places: tuple[tuple[str, float, float], ...]
    noises: tuple[str, ...]


TRAINING = Space(
    1,
    (2019, 2020, 2021),
    (
        ("Europe/Zurich", 47.4, 8.5),
        ("Europe/Berlin", 52.5, 13.4),
        ("Europe/Berlin", 50.8, 6.1),
        ("Europe/Vienna", 48.2, 16.4),
        ("Europe/Madrid", 40.4, -3.7),
    ),
    ("normal", "uniform", "walk", "shuffled"),
)
PROOF = Space(
    500_000,
    (2022, 2023, 2024),
    (
        ("Europe/Berlin", 48.1, 11.6),
        ("Europe/Zurich", 46.2, 6.1),
        ("Europe/Paris", 45.8, 4.8),
        ("Europe/Warsaw", 52.2, 21.0),
        ("Europe/Copenhagen", 55.7, 12.6),
        ("Europe/Rome", 45.1, 7.7),
    ),
    ("lognormal", "pink", "bursts", "walk", "shuffled"),
)


@dataclass(frozen=True, eq=False)
class Case:
    """One meter, and what it truly is."""

    kind: Kind
    name: str
    registers: tuple[RegisterLoad, ...]
    longitude: float


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


# Smallest and largest scale of each kind.
SIZES: dict[simulated.Kind, tuple[float, float]] = {
    "household": (0.5, 2.0),
    "prosumer": (0.5, 2.0),
    "photovoltaics": (0.6, 90.0),
    "business": (0.15, 25.0),
    "heat_pump": (0.6, 3.0),
    "charging": (0.5, 2.0),
    "constant": (0.03, 20.0),
}
KINDS: dict[Kind, simulated.Kind] = {
    Kind.HOUSEHOLD: "household",
    Kind.PROSUMER: "prosumer",
    Kind.BUSINESS: "business",
    Kind.FEED_IN: "photovoltaics",
    Kind.HEAT_PUMP: "heat_pump",
    Kind.CHARGING: "charging",
    Kind.CONSTANT: "constant",
}


def draw(space: Space, number: int, kind: Kind, days: float | None = None) -> Case:
    """Draw one meter of a kind, and a stretch of its readings.

    Parameters
    ----------
    number
        Which one; another number gives another meter.
    days
        How long the stretch is; drawn between 10 and 400 where None.
    """
    seed = space.first_seed + number
    rng = np.random.Generator(np.random.PCG64([seed, list(Kind).index(kind)]))
    zone_name, latitude, longitude = space.places[rng.integers(len(space.places))]
    model = KINDS[kind]
    # What a household feeds in beyond its own need is photovoltaic feed-in, too.
    surplus = kind is Kind.FEED_IN and rng.random() < 0.3
    model = "prosumer" if surplus else model
    scale = _log_uniform(rng, *SIZES[model])
    is_large = model == "business" or scale > 10
    meter = SyntheticMeter(
        muid=str(UUID(int=int(rng.integers(2**62)), version=4)),
        kind=model,
        name=f"{kind} {seed}",
        timezone=zone_name,
        seed=seed,
        scale=scale,
        interval=int(rng.choice([900, 300, 1800, 3600], p=[0.7, 0.1, 0.1, 0.1])),
        step=float(rng.choice([0.001, 0.01] if is_large else [0.0001, 0.00025, 0.001])),
        latitude=latitude + rng.uniform(-1, 1),
        longitude=longitude + rng.uniform(-1, 1),
        missing_share=float(rng.choice([0.0, 0.0, 0.01, 0.05])),
        regularity=1.0 if rng.random() < 0.3 else rng.uniform(0, 1),
        activity=1.0 if rng.random() < 0.4 else rng.uniform(0.2, 1),
        base=_log_uniform(rng, 0.3, 1.6),
        standby=float(rng.uniform(1, 15)) if model == "photovoltaics" and rng.random() < 0.4 else 0,
    )
    length = _log_uniform(rng, 10, 400) if days is None else days
    begin = datetime(int(rng.choice(space.years)), 1, 1, tzinfo=UTC)
    begin += timedelta(days=int(rng.integers(365)))
    one_register = kind is Kind.PROSUMER and rng.random() < 0.3
    registers = loads_of(meter, begin, begin + timedelta(days=length))
    if surplus or one_register:
        registers = registers[1:] if surplus else registers[:1]
    return Case(kind, meter.name, registers, meter.longitude)


def loads_of(meter: SyntheticMeter, start: datetime, stop: datetime) -> tuple[RegisterLoad, ...]:
    """Readings of a synthetic meter, as the analysis takes them."""
    found = readings(meter, start, stop)
    parts = [(meter.obis, found.values)]
    if found.second is not None and meter.second_obis is not None:
        parts.append((meter.second_obis, found.second))
    return tuple(
        RegisterLoad(
            ObisCode.parse(code),
            _load(found.instants, values, meter.interval, meter.timezone),
        )
        for code, values in parts
    )


def _load(instants: np.ndarray, values: Floats, interval: int, timezone: str) -> Load:
    first = int(instants[0])
    power = np.full(int(instants[-1] - first) // interval + 1, np.nan)
    power[(instants - first) // interval] = values * 3600 / interval
    return Load(first, interval, power, ~np.isnan(power), zone(timezone))


def shuffled(case: Case, rng: np.random.Generator) -> Case:
    """The same values in any order."""
    registers = []
    order: np.ndarray | None = None
    for one in case.registers:
        if order is None:
            order = rng.permutation(len(one.load))
        load = one.load
        power = load.power[order]
        registers.append(
            RegisterLoad(
                one.code,
                Load(load.start, load.interval, power, ~np.isnan(power), load.zone),
            )
        )
    name = f"shuffled {case.name}"
    return Case(Kind.CANNOT_TELL, name, tuple(registers), case.longitude)


def noise(space: Space, number: int) -> Case:
    """Draw a series that no meter of these kinds has."""
    rng = np.random.Generator(np.random.PCG64([space.first_seed + number, 99]))
    family = str(rng.choice(space.noises))
    if family == "shuffled":
        # A constant load is the same in any order.
        kinds = [kind for kind in KINDS if kind is not Kind.CONSTANT]
        return shuffled(draw(space, number, kinds[rng.integers(len(kinds))]), rng)
    size = int(_log_uniform(rng, 10, 400) * 96)
    values = NOISES[family](rng, size) * _log_uniform(rng, 0.05, 5.0)
    zone_name, _, longitude = space.places[rng.integers(len(space.places))]
    instants = 1_600_000_200 + 900 * np.arange(size)
    load = _load(instants, values / 4, 900, zone_name)
    code = ObisCode.parse(simulated.IMPORT if rng.random() < 0.7 else simulated.EXPORT)
    return Case(Kind.CANNOT_TELL, family, (RegisterLoad(code, load),), longitude)


def _walk(rng: np.random.Generator, size: int) -> Floats:
    """A random walk, reflected at nought."""
    return np.abs(np.cumsum(rng.standard_normal(size))) / 20


def _pink(rng: np.random.Generator, size: int) -> Floats:
    """Noise of which each octave has the same power."""
    spectrum = np.fft.rfft(rng.standard_normal(size))
    spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum)))
    values = np.fft.irfft(spectrum, size)
    return np.abs(values / values.std() + rng.uniform(0, 3))


def _bursts(rng: np.random.Generator, size: int) -> Floats:
    """Nothing, but for a value now and then."""
    return np.where(rng.random(size) < rng.uniform(0.05, 0.5), rng.exponential(1, size), 0.0)


NOISES: dict[str, Callable[[np.random.Generator, int], Floats]] = {
    "normal": lambda rng, n: np.maximum(1 + rng.uniform(0.1, 1) * rng.standard_normal(n), 0),
    "uniform": lambda rng, n: rng.random(n),
    "lognormal": lambda rng, n: rng.lognormal(0, rng.uniform(0.2, 1.5), n),
    "walk": _walk,
    "pink": _pink,
    "bursts": _bursts,
}
