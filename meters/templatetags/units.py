"""Figures as people read them: thin spaces, the right number of digits, local time."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime

from django import template

from meters.zones import Zone, zone

register = template.Library()

THIN = "\u2009"
MINUS = "\u2212"


@register.filter
def figure(value: float | None, digits: int = 0) -> str:
    """Write a number with thin spaces between thousands; a dash where there is none."""
    if value is None or not math.isfinite(value):
        return "–"
    text = f"{abs(value):,.{digits}f}".replace(",", THIN)
    return f"{MINUS}{text}" if value < 0 and text.strip("0.") else text


@register.filter
def energy(value: float | None) -> str:
    """Write kWh with as many digits as the amount deserves."""
    if value is None or not math.isfinite(value):
        return "–"
    # By what is shown, not by what is: 999.96 is shown as a thousand.
    limits = ((3, 1), (2, 100), (1, 1000))
    digits = next((digits for digits, limit in limits if round(abs(value), digits) < limit), 0)
    return figure(value, digits)


@dataclass(frozen=True, slots=True)
class Amount:
    """A sum and how many intervals it was made of."""

    value: float
    count: int


def change_in_words(now: Amount | None, before: Amount | None, period: str) -> str:
    """Say how a sum changed against the period before, with its sign in words.

    Nothing is said where one of the two periods has over a tenth fewer readings than the other:
    today so far is no less than yesterday.
    """
    if now is None or before is None or not now.count or not before.count:
        return ""
    if not 0.9 <= now.count / before.count <= 1.1:
        return ""
    difference = now.value - before.value
    if abs(difference) < 1e-9:
        return f"the same as {period}"
    if before.value == 0:
        return f"nothing in {period}"
    # A net register counts below zero, too: more is what lies higher.
    share = difference / abs(before.value) * 100
    if abs(share) < 0.5:
        return f"about the same as {period}"
    if abs(share) > 300 and now.value / before.value > 0:
        return f"{now.value / before.value:.1f} times {period}"
    return f"{abs(share):.0f}{THIN}% {'more' if share > 0 else 'less'} than {period}"


@register.filter
def local(value: datetime | int | None, place: Zone | str = "UTC") -> str:
    """Write a moment in a zone: 3 March 2024, 14:15."""
    if value is None:
        return "–"
    where = zone(place) if isinstance(place, str) else place
    instant = value if isinstance(value, int) else int(value.timestamp())
    moment = where.at(instant)
    return f"{moment.day} {moment:%b %Y, %H:%M}"


@register.filter
def iso(value: datetime | int | None) -> str:
    """Write a moment for machines."""
    if value is None:
        return ""
    moment = datetime.fromtimestamp(value, UTC) if isinstance(value, int) else value
    return moment.isoformat(timespec="seconds")
