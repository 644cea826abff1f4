"""What a page is made of: cards with a chart, its sentence and its legend."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from meters.wording import figure

Legend = Sequence[dict[str, str]]


@dataclass(frozen=True)
class Chart:
    """A chart as the template takes it.

    Attributes
    ----------
    sentence
        What the chart shows, in plain words with its figures.
    size
        ``low`` or ``high``; otherwise the usual height.
    notes
        What is to be known about it, below.
    """

    id: str
    title: str
    subtitle: str
    figure: dict[str, Any]
    sentence: str = ""
    size: str = ""
    legend: Legend = ()
    notes: Sequence[str] = ()


def completeness_tile(count: int, expected: int, missing: int) -> dict[str, Any]:
    """Say what share of the intervals is there, and how many are missing."""
    words = f"{figure(missing)} of {figure(expected)} intervals missing" if missing else ""
    return {
        "label": "Complete",
        "figure": figure(100 * min(count / expected, 1), 1) if expected else "–",
        "unit": "%",
        "change": words or ("nothing missing" if expected else ""),
    }
