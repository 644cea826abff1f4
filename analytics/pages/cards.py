"""What a page is made of: cards with a chart, its sentence and its legend."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from meters.language import spoken
from meters.obis import Direction
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
    if missing:
        words = ngettext(
            "{missing} of {expected} intervals missing",
            "{missing} of {expected} intervals missing",
            missing,
        ).format(missing=figure(missing), expected=figure(expected))
    else:
        words = _("nothing missing") if expected else ""
    return {
        "label": _("Complete"),
        "figure": figure(100 * min(count / expected, 1), 1) if expected else "–",
        "unit": "%",
        "change": words,
    }


def straddling_words(count: int) -> str:
    """Say how many intervals lie in two pieces of a curve."""
    return ngettext(
        "{count} interval reaches beyond the piece in which it starts and is counted there.",
        "{count} intervals reach beyond the piece in which they start and are counted there.",
        count,
    ).format(count=figure(count))


def days_before(days: int) -> str:
    """Name the range of as many days before one, as it stands behind “more than”."""
    return ngettext("the day before", "the {days} days before", days).format(days=days)


def named_within(direction: Direction) -> str:
    """Name a direction within a sentence or a title: English writes it small there."""
    return direction.label.lower() if spoken() == "en" else direction.label
