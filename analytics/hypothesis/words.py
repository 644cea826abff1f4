"""What a rule has read, and figures as the hypothesis writes them beyond `meters.wording`."""

from __future__ import annotations

from dataclasses import dataclass

from meters import wording
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
        return f"over {figure(99.9, 1)}{THIN}%" if share < 1 else wording.percent(1)
    if text == wording.percent(0, 1):
        return f"under {figure(0.1, 1)}{THIN}%"
    return text


def clock(hours: float) -> str:
    """Write a time of day [h] as 11:37."""
    minutes = round(hours * 60) % 1440
    return f"{minutes // 60:02}:{minutes % 60:02}"


def coordinate(degrees: float, positive: str, negative: str, digits: int = 0) -> str:
    """Write a longitude or latitude, such as 9° E."""
    return f"{abs(degrees):.{digits}f}°{THIN}{negative if degrees < 0 else positive}"
