"""The usual set of synthetic meters: one seed, one place, people's names for them."""

from __future__ import annotations

from dataclasses import replace
from uuid import NAMESPACE_URL, UUID, uuid5

import numpy as np

from ingestion.simulator.meter import Kind, SyntheticMeter

NAMESPACE = uuid5(NAMESPACE_URL, "https://lastgang.example/simulator")

STREETS = (
    "Lindenweg",
    "Bachstrasse",
    "Kirchgasse",
    "Sonnenrain",
    "Mühlehalde",
    "Rosenweg",
    "Bergstrasse",
    "Im Feld",
    "Seeblick",
    "Ahornweg",
    "Alte Landstrasse",
    "Wiesengrund",
)


LABELS: dict[Kind, str] = {
    "household": "Household",
    "photovoltaics": "Photovoltaics",
    "constant": "Telecom cabinet",
    "prosumer": "Prosumer",
    "business": "Business",
    "heat_pump": "Heat pump",
    "charging": "Wall box",
    "production": "Production",
}
"""With which a meter's name begins, before its street."""

_FIRST_STREET: dict[Kind, int] = {
    "prosumer": 6,
    "production": 6,
    "business": 9,
    "heat_pump": 2,
    "charging": 3,
}
# Photovoltaics stand on the roofs of the households of the same number, and heat pumps and wall
# boxes beside some others; prosumers live elsewhere, each with the production of the same number.


def default_meters(
    seed: int,
    timezone: str,
    latitude: float,
    longitude: float,
    households: int,
    photovoltaics: int,
    constants: int,
    *,
    interval: int = 900,
    prosumers: int = 0,
    businesses: int = 0,
    heat_pumps: int = 0,
    chargers: int = 0,
    productions: int = 0,
) -> list[SyntheticMeter]:
    """Synthetic meters of one place, in the order of the parameters.

    Parameters
    ----------
    seed : int
        Another seed gives other meters with other readings.
    timezone : str
        IANA name.
    latitude, longitude : float
        Place [°], north and east positive.
    households, photovoltaics, constants : int
        How many of each kind. The n-th of a kind is the same whatever these numbers are.
    interval : int
        Length of an interval [s].
    prosumers, businesses, heat_pumps, chargers : int
        Likewise.
    productions : int
        Likewise; the n-th counts what the roof of the n-th prosumer makes.

    Returns
    -------
    list of SyntheticMeter
        The first household has about 1 % of its readings missing and 1 % estimated, so that
        gaps can be seen; the others are complete.
    """
    counts: dict[Kind, int] = {
        "household": households,
        "photovoltaics": photovoltaics,
        "constant": constants,
        "prosumer": prosumers,
        "business": businesses,
        "heat_pump": heat_pumps,
        "charging": chargers,
        "production": productions,
    }
    common = SyntheticMeter(
        muid="",
        kind="constant",
        name="",
        timezone=timezone,
        seed=seed,
        interval=interval,
        latitude=latitude,
        longitude=longitude,
    )
    return [_meter(common, kind, n) for kind, count in counts.items() for n in range(count)]


# Smallest and largest scale, its digits, and the step of the register [kWh].
_SIZES: dict[Kind, tuple[float, float, int, float]] = {
    "household": (0.6, 1.6, 2, 0.0001),
    "photovoltaics": (4.0, 14.0, 1, 0.001),
    "constant": (0.5, 2.0, 2, 0.0001),
    "prosumer": (0.7, 1.6, 2, 0.0001),
    "business": (0.5, 3.0, 2, 0.001),
    "heat_pump": (0.7, 1.5, 2, 0.00025),
    "charging": (0.7, 1.5, 2, 0.001),
    # As fine as its prosumer's, so that rounding never lets more flow out than was made.
    "production": (1.0, 1.0, 0, 0.0001),
}


def _muid(seed: int, kind: Kind, number: int) -> UUID:
    return uuid5(NAMESPACE, f"{seed}/{kind}/{number}")


def _meter(common: SyntheticMeter, kind: Kind, number: int) -> SyntheticMeter:
    muid = _muid(common.seed, kind, number)
    rng = np.random.Generator(np.random.PCG64(muid.int))
    at = _FIRST_STREET.get(kind, 0) + number
    street = f"{STREETS[at % len(STREETS)]} {1 + 2 * (at // len(STREETS)) + at % 2}"
    low, high, digits, step = _SIZES[kind]
    scale, name = round(rng.uniform(low, high), digits), f"{LABELS[kind]} {street}"
    if kind == "photovoltaics":
        name += f", {scale} kWp"
    gaps = 0.01 if kind == "household" and number == 0 else 0.0
    return replace(
        common,
        muid=str(muid),
        kind=kind,
        name=name,
        scale=scale,
        step=step,
        obis="",
        roof_of=str(_muid(common.seed, "prosumer", number)) if kind == "production" else "",
        missing_share=gaps,
        estimated_share=gaps,
    )
