"""What a curve is compared with, drawn onto its figure as lines or bars of their own."""

import html
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from analytics.figures.curves import doubtful, numbers, steps
from analytics.figures.drawing import Figure
from analytics.figures.writing import estimated, of_intervals
from analytics.methods.aligning import Rolled
from meters.dates import dated
from meters.days import Floats, Ints
from meters.language import _
from meters.localtime import iso
from meters.series import Buckets
from meters.zones import Days, Zone

# The second line is told from the first by its strokes.
DASHES = ("solid", "dot", "dashdot", "longdash")


@dataclass(frozen=True, slots=True)
class Line:
    """A register to compare with, on a load curve.

    Attributes
    ----------
    starts
        Where each bucket stands on the curve [s], shape ``(n,)``; −1 where it has no place.
    values
        What is drawn, in `unit`, shape ``(n,)``.
    is_elsewhen
        Whether its buckets are of another time than the one at which they stand.
    stored_unit
        Of the buckets' own values.
    """

    label: str
    unit: str
    stored_unit: str
    buckets: Buckets
    starts: Ints
    values: Floats
    resolution: str
    is_elsewhen: bool

    def beside(self, edges: Ints) -> Ints:
        """Say which bucket stands where each one of a grid begins; −1 where none does."""
        placed = np.flatnonzero(self.starts >= 0)
        found = np.full(len(edges) - 1, -1, dtype=np.int64)
        _, here, there = np.intersect1d(
            edges[:-1], self.starts[placed], assume_unique=True, return_indices=True
        )
        found[here] = placed[there]
        return found


@dataclass(frozen=True, slots=True)
class Bars:
    """A register to compare with, among bars of energy."""

    label: str
    unit: str
    rolled: Rolled
    is_elsewhen: bool


def add_lines(figure: Figure, lines: Sequence[Line], zone: Zone) -> Figure:
    """Draw lines behind a load curve; the hover tells each bucket's own local time."""
    for number, line in enumerate(lines):
        starts = line.starts
        ends = starts + np.diff(line.buckets.edges)
        there = (line.buckets.count > 0) & (starts >= 0)
        uncertain = there & doubtful(line.buckets)
        own = moments(line.buckets.edges[:-1], zone) if line.is_elsewhen else None
        # The library would take markup in a name for its own.
        label = html.escape(line.label)
        parts = [(label, there & ~uncertain, {"role": "comparison"})]
        if uncertain.any():
            meta = {"role": "estimated", "of": "comparison"}
            parts.append((estimated(label), uncertain, meta))
        for name, mask, meta in parts:
            x, y, which = steps(starts, ends, line.values, mask)
            style: dict[str, Any] = {"shape": "hv"}
            if meta["role"] == "comparison" and number:
                style["dash"] = DASHES[number % len(DASHES)]
            words = [f" · {own[i]}" for i in which.tolist()] if own else None
            figure["data"].append(
                {
                    "type": "scatter",
                    "mode": "lines",
                    "x": x,
                    "y": y,
                    "name": name,
                    "line": style,
                    "meta": {**meta, "resolution": line.resolution},
                    "zorder": -1,
                    "customdata": words,
                    "hovertemplate": f"%{{y:.3~f}} {line.unit}"
                    + ("%{customdata}" if words else ""),
                }
            )
    return figure


def add_bars(figure: Figure, bars: Sequence[Bars]) -> Figure:
    """Draw bars beside those of the range; the hover tells which days each holds."""
    if not figure["data"]:
        return figure
    first = figure["data"][0]
    for one in bars:
        buckets = one.rolled.buckets
        words = []
        for days, count, expected in zip(
            days_in_words(one.rolled.first, one.rolled.last),
            buckets.count.tolist(),
            buckets.expected.tolist(),
            strict=True,
        ):
            told = [days] if one.is_elsewhen and days else []
            if count < expected:
                told.append(of_intervals(count, expected))
            words.append("".join(f" · {part}" for part in told))
        figure["data"].append(
            {
                "type": "bar",
                "x": first["x"],
                "y": numbers(buckets.values),
                "name": html.escape(one.label),
                "meta": {"role": "comparison"},
                **{key: first[key] for key in ("xperiod", "xperiodalignment") if key in first},
                "customdata": words,
                "hovertemplate": f"%{{y:,.2f}} {one.unit}%{{customdata}}",
            }
        )
    return figure


def moments(instants: Ints, zone: Zone) -> list[str]:
    """Write instants as people read them, with their offset: Wed 1 Feb 2023, 00:15 +01:00."""
    dates: dict[str, str] = {}
    found = []
    for text in iso(instants, zone):
        day = dates.get(text[:10]) or dates.setdefault(text[:10], _day(text[:10]))
        found.append(f"{day}, {text[11:16]} {text[19:].replace('-', chr(0x2212))}")
    return found


def _day(text: str) -> str:
    return dated(date.fromisoformat(text), "weekday_short")


def days_in_words(first: Days, last: Days) -> list[str]:
    """Write stretches of days: Wed 1 Feb 2023, or 1 Feb 2023 to 7 Feb 2023; empty where none."""
    words = []
    for begin, end in zip(first, last, strict=True):
        if np.isnat(begin):
            words.append("")
        elif begin == end:
            words.append(_day(str(begin)))
        else:
            first_day, last_day = (date.fromisoformat(str(day)) for day in (begin, end))
            words.append(
                _("{first} to {last}").format(
                    first=dated(first_day, "short"), last=dated(last_day, "short")
                )
            )
    return words
