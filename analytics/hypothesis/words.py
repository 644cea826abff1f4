"""What a rule has read, and figures as the hypothesis writes them beyond `meters.wording`."""

from __future__ import annotations

from dataclasses import dataclass

from babel import Locale

from meters import wording
from meters.language import _, spoken
from meters.wording import THIN, figure


@dataclass(frozen=True, slots=True)
class Reading:
    """What a rule has measured: a figure to weigh, and one plain sentence that tells it."""

    value: float
    sentence: str


def energy(kilowatt_hours: float) -> str:
    """Write an energy with its unit."""
    return f"{wording.energy(kilowatt_hours)}{THIN}kWh"


def percent(share: float) -> str:
    """Write a share; what is not quite all or nothing is not written as all or nothing."""
    text = wording.percent(share, 0 if share in {0.0, 1.0} else 1)
    if text == wording.percent(1, 1):
        almost_all = _("over {share}").format(share=wording.percent(0.999, 1))
        return almost_all if share < 1 else wording.percent(1)
    if text == wording.percent(0, 1):
        return _("under {share}").format(share=wording.percent(0.001, 1))
    return text


def clock(hours: float) -> str:
    """Write a time of day [h] as 11:37."""
    minutes = round(hours * 60) % 1440
    return f"{minutes // 60:02}:{minutes % 60:02}"


def longitude(degrees: float) -> str:
    """Write a longitude, such as 9.1° E."""
    words = _("{degrees}° W") if degrees < 0 else _("{degrees}° E")
    return words.format(degrees=figure(abs(degrees), 1)).replace(" ", THIN)


def city(zone: str, name: str) -> str:
    """Write the place that a time zone is named after as the language does: Zürich.

    Parameters
    ----------
    zone
        Its name, such as ``Europe/Zurich``.
    name
        Of the place, where the language has none of its own.
    """
    return str(Locale.parse(spoken()).time_zones.get(zone, {}).get("city", name))
