"""Figures as people read them: thin spaces, the right number of digits, local time."""

import math
from collections.abc import Sequence
from datetime import date, datetime, timedelta

from meters.dates import dated
from meters.language import _, spoken
from meters.zones import DAY, Zone, zone

THIN = "\u2009"
MINUS = "\u2212"
EPOCH = date(1970, 1, 1)
DECIMAL_MARK = {"en": ".", "de": ","}


def figure(value: float | None, digits: int = 0) -> str:
    """Write a number with thin spaces between thousands; a dash where there is none."""
    if value is None or not math.isfinite(value):
        return "–"
    whole, _dot, rest = f"{abs(value):,.{digits}f}".partition(".")
    text = whole.replace(",", THIN) + (DECIMAL_MARK.get(spoken(), ".") + rest if rest else "")
    return f"{MINUS}{text}" if value < 0 and text.strip("0.,") else text


def counted(number: int) -> str:
    """Write a whole number into a sentence that programs and terminals show as well: 1,000."""
    return f"{number:,}" if spoken() == "en" else figure(number)


def energy(value: float | None) -> str:
    """Write kWh with as many digits as the amount deserves."""
    if value is None or not math.isfinite(value):
        return "–"
    # By what is shown, not by what is: 999.96 is shown as a thousand.
    limits = ((3, 1), (2, 100), (1, 1000))
    digits = next((digits for digits, limit in limits if round(abs(value), digits) < limit), 0)
    return figure(value, digits)


def power(value: float | None) -> str:
    """Write kW with its unit and three figures that count; in W below 1 kW."""
    if value is None or not math.isfinite(value):
        return "–"
    if round(abs(value) * 1e3) < 1000:
        watts = value * 1e3
        return f"{figure(watts, 0 if not watts or round(abs(watts), 1) >= 10 else 1)}{THIN}W"
    digits = next((d for d, limit in ((2, 10), (1, 100)) if round(abs(value), d) < limit), 0)
    return f"{figure(value, digits)}{THIN}kW"


def percent(share: float | None, digits: int = 0) -> str:
    """Write a share from 0 to 1 as per cent."""
    return "–" if share is None else f"{figure(100 * share, digits)}{THIN}%"


def lasting(seconds: float) -> str:
    """Write how long something lasts: ``45 min``, ``3 h 15 min``, ``7 days``, ``2.5 days``."""
    if seconds >= 2 * DAY:
        days = figure(seconds / DAY, 0 if seconds % DAY == 0 else 1)
        return _("{number} days").format(number=days).replace(" ", THIN)
    hours, minutes = divmod(round(seconds / 60), 60)
    parts = [f"{hours}{THIN}h"] if hours else []
    if minutes or not hours:
        parts.append(f"{minutes}{THIN}min")
    return " ".join(parts)


def listed(words: Sequence[str]) -> str:
    """Put words in a row: a, b and c."""
    if len(words) == 1:
        return words[0]
    return _("{first} and {last}").format(first=", ".join(words[:-1]), last=words[-1])


def clock(seconds: int) -> str:
    """Write a time of day, given as seconds after midnight: 18:15; the day's end is 24:00."""
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}"


def day(number: int) -> str:
    """Write a date, given as days since 1970-01-01: 3 Mar 2024."""
    return dated(EPOCH + timedelta(days=number), "short")


def local(value: datetime | int | None, place: Zone | str = "UTC") -> str:
    """Write a moment in a zone: 3 Mar 2024, 14:15."""
    if value is None:
        return "–"
    where = zone(place) if isinstance(place, str) else place
    instant = value if isinstance(value, int) else int(value.timestamp())
    return dated(where.at(instant), "moment")
