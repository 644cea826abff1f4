"""What the words in a figure are made of: dates that Plotly writes, lags and short numbers."""

import math

from analytics.methods.load import HOUR
from meters.language import N_, _
from meters.wording import figure
from meters.zones import DAY

# Formats of d3, by which Plotly writes dates in hovers, with names from the page's language.
DAY_FORMAT = N_("%a %-d %b %Y")
WEEK_FORMAT = N_("week of %-d %b %Y")


def short(value: float, figures: int = 3) -> str:
    """Write a number with so many figures that count, and no zeros behind them."""
    if not value or not math.isfinite(value):
        return figure(value)
    most = figures - 1 - math.floor(math.log10(abs(value)))
    rounded = round(value, most)
    return figure(rounded, next(n for n in range(max(most, 0) + 1) if round(rounded, n) == rounded))


def lag(seconds: float) -> str:
    """Write how much later something is: 15 min, 6 h, 7 d."""
    if seconds >= 2 * DAY:
        return f"{short(seconds / DAY, 3)} d"
    if seconds >= HOUR:
        return f"{short(seconds / HOUR, 6)} h"
    return f"{short(seconds / 60, 6)} min"


def estimated(label: str) -> str:
    """Name the part of a curve that is estimated."""
    return _("{label}, estimated").format(label=label)


def of_intervals(count: int, expected: int) -> str:
    """Say how many intervals are there of those that should be."""
    words = _("{count} of {expected} intervals")
    return words.format(count=figure(count), expected=figure(expected))
