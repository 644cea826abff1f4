"""The usual set of synthetic meters: one seed, one place, people's names for them."""

from __future__ import annotations

from dataclasses import replace
from uuid import NAMESPACE_URL, uuid5

import numpy as np

from ingestion.simulator.synthetic import KINDS, Kind, SyntheticMeter

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
) -> list[SyntheticMeter]:
    """Synthetic meters of one place: households first, then photovoltaics, then constant loads.

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

    Returns
    -------
    list of SyntheticMeter
        The first household has about 1 % of its readings missing and 1 % estimated, so that
        gaps can be seen; the others are complete.
    """
    counts = dict(zip(KINDS, (households, photovoltaics, constants), strict=True))
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


def _meter(common: SyntheticMeter, kind: Kind, number: int) -> SyntheticMeter:
    muid = uuid5(NAMESPACE, f"{common.seed}/{kind}/{number}")
    rng = np.random.Generator(np.random.PCG64(muid.int))
    street = f"{STREETS[number % len(STREETS)]} {1 + 2 * (number // len(STREETS)) + number % 2}"
    if kind == "household":
        scale, step, name = round(rng.uniform(0.6, 1.6), 2), 0.0001, f"Household {street}"
    elif kind == "photovoltaics":
        scale, step = round(rng.uniform(4.0, 14.0), 1), 0.001
        name = f"Photovoltaics {street}, {scale} kWp"
    else:
        scale, step, name = round(rng.uniform(0.5, 2.0), 2), 0.0001, f"Telecom cabinet {street}"
    gaps = 0.01 if kind == "household" and number == 0 else 0.0
    return replace(
        common,
        muid=str(muid),
        kind=kind,
        name=name,
        scale=scale,
        step=step,
        obis="",
        missing_share=gaps,
        estimated_share=gaps,
    )
