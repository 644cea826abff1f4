"""The sun over a meter: its elevation, sunrise and sunset, and where on earth a feed-in would be.

pvlib is imported where it is used: with scipy it costs a process 65 MB and most of a second.

References
----------
.. [1] J. W. Spencer, "Fourier series representation of the position of the sun", Search 2 (5),
   p. 172, 1971, as pvlib has it (declination, equation of time).
.. [2] tzdata, `zone.tab`: the principal place of each time zone.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import numpy as np

from meters.days import Floats, Mask
from meters.zones import DAY, Instants

YEAR = 365.2422
"""Length of the tropical year [days]."""
NEW_YEAR = 1_672_531_200
"""2023-01-01T00:00Z, from which days are counted through [s]."""
HORIZON = -0.833
"""Elevation of the sun's middle at sunrise and sunset: refraction and half its width [°]."""

ROOF_ERROR = 5.0
"""How far a roof's direction moves the longitude that its energy's centre tells [°], one standard
deviation: as `python -m benchmarks hypothesis` finds it for roofs that face south give or take 28°.
A roof to the east or west is further off."""


@dataclass(frozen=True, slots=True)
class Place:
    """A place on earth [°], north and east positive."""

    name: str
    latitude: float
    longitude: float


@dataclass(frozen=True, eq=False)
class Sun:
    """The sun at a place, at each of n instants.

    Attributes
    ----------
    elevation
        Above the horizon [°], shape ``(n,)``.
    solar_hour
        Time by a sundial [h], 12 where the sun is highest, shape ``(n,)``.
    half_day
        From sunrise to noon [h], shape ``(n,)``; 0 in the polar night, 12 on a polar day.
    """

    place: Place
    elevation: Floats
    solar_hour: Floats
    half_day: Floats

    @property
    def is_up(self) -> Mask:
        """Whether it is between sunrise and sunset."""
        found: Mask = self.elevation > HORIZON
        return found


@lru_cache(maxsize=512)
def place_of(zone: str) -> Place | None:
    """Return the place that a time zone is named after; None of zones without one, such as UTC."""
    for line in (files("tzdata") / "zoneinfo" / "zone.tab").read_text("utf-8").splitlines():
        if line.startswith("#"):
            continue
        _, coordinates, name, *_ = line.split("\t")
        if name == zone:
            found = re.fullmatch(r"([+-]\d{4,6})([+-]\d{5,7})", coordinates)
            assert found
            label = name.rpartition("/")[2].replace("_", " ")
            return Place(label, _degrees(found[1], 2), _degrees(found[2], 3))
    return None


def _degrees(text: str, digits: int) -> float:
    """Read ±DDMM, ±DDMMSS or, with three digits, ±DDDMM and ±DDDMMSS."""
    whole, rest = text[1 : 1 + digits], text[1 + digits :]
    value = int(whole) + int(rest[:2]) / 60 + int(rest[2:] or 0) / 3600
    return -value if text[0] == "-" else value


def _day_of_year(instants: Instants) -> Floats:
    found: Floats = 1 + (instants - NEW_YEAR) / DAY % YEAR
    return found


def equation_of_time(instants: Instants) -> Floats:
    """How far a sundial is ahead of the mean sun [min] ([1]_), shape ``(n,)``."""
    from pvlib.solarposition import equation_of_time_spencer71

    found: Floats = equation_of_time_spencer71(_day_of_year(instants))
    return found


def sun_over(instants: Instants, place: Place) -> Sun:
    """Tell where the sun stands at each instant [s UTC] ([1]_), good to some tenths of a degree."""
    from pvlib import solarposition

    declination = solarposition.declination_spencer71(_day_of_year(instants))
    hours = instants % DAY / 3600 + place.longitude / 15 + equation_of_time(instants) / 60
    phi = math.radians(place.latitude)
    angle = np.radians(15 * (hours - 12))
    zenith = solarposition.solar_zenith_analytical(phi, angle, declination)
    sine = math.sin(math.radians(HORIZON)) - math.sin(phi) * np.sin(declination)
    cosine = np.clip(sine / (math.cos(phi) * np.cos(declination)), -1, 1)
    return Sun(place, 90 - np.degrees(zenith), hours % 24, np.degrees(np.arccos(cosine)) / 15)


@dataclass(frozen=True, slots=True)
class Longitude:
    """The longitude that a feed-in's centre of energy tells.

    Attributes
    ----------
    centre
        Mean time of day of the energy [h UTC], by the middles of the intervals.
    equation
        Mean equation of time, weighted by the energy [min].
    degrees
        Longitude [°], east positive.
    by_chance, placement
        One standard deviation [°] from day to day, and for not knowing to which moment a value
        belongs.
    error
        Both, and `ROOF_ERROR` for the roof's direction [°].
    """

    centre: float
    equation: float
    degrees: float
    by_chance: float
    placement: float
    error: float


def longitude(
    middles: Instants, energy: Floats, interval: int, *, interpolated: bool
) -> Longitude | None:
    """Tell the longitude at which the sun stands highest when half of the energy has come.

    The centre is taken about the time of day at which there is least energy, so that a place whose
    night lies at noon UTC has its day in one piece.

    Parameters
    ----------
    middles
        Middles of the intervals [s UTC], shape ``(n,)``.
    energy
        Of each, in any unit, shape ``(n,)``.
    interval
        Their length [s].
    interpolated
        Whether the values were interpolated from hourly ones, which may have stood for the hour
        before, around or after their moment.

    Returns
    -------
    None where there is no energy on five days.
    """
    seconds = middles % DAY
    by_hour = np.bincount(seconds // 3600, weights=energy, minlength=24)
    # The middle of the emptiest half of the day.
    halves = [np.roll(by_hour, -hour)[:12].sum() for hour in range(24)]
    cut = int((np.argmin(halves) + 6) % 24) * 3600
    after = (seconds - cut) % DAY
    days = (middles - cut) // DAY
    first = int(days.min())
    weights = np.bincount(days - first, weights=energy)
    moments = np.bincount(days - first, weights=energy * after)
    sunny = weights > 0
    if np.count_nonzero(sunny) < 5:
        return None
    total = float(weights.sum())
    centre = float(moments.sum()) / total
    equation = float((equation_of_time(middles) * energy).sum()) / total
    # The error of a weighted mean, each day being one draw.
    each = moments[sunny] / weights[sunny] - centre
    share = weights[sunny] / total
    by_chance = math.sqrt(float((share**2 * each**2).sum())) / 240
    hours = (centre + cut) / 3600 % 24
    degrees = 15 * (12 - hours - equation / 60)
    # A value may belong anywhere within the hour before and after, or within its interval: the
    # standard deviation of an even choice is its width over the root of twelve.
    placement = 15 * (1 if interpolated else interval / 3600) / math.sqrt(12)
    return Longitude(
        hours,
        equation,
        (degrees + 180) % 360 - 180,
        by_chance,
        placement,
        math.hypot(by_chance, ROOF_ERROR, placement),
    )
