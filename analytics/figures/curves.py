"""Figures: what a chart shows, as Plotly's JSON. How it looks is the style sheet's business.

Traces carry a role (import, export, comparison, …) instead of a colour. The x of a load curve are
instants in UTC, and ``layout.meta`` names the zone in which the page writes them, so that a day of
25 hours is 25 hours wide and its two hours from 02:00 stand side by side.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analytics.figures.drawing import Drawing, Figure, as_json
from analytics.figures.writing import DAY_FORMAT, WEEK_FORMAT, estimated, of_intervals
from meters.days import Floats, Ints, Mask
from meters.language import _
from meters.localtime import wall
from meters.qualities import VOUCHED
from meters.series import Buckets
from meters.wording import figure as number
from meters.zones import DAY, Days, Zone


@dataclass(frozen=True, slots=True)
class Curve:
    """One register on a chart.

    Attributes
    ----------
    label
        What the legend and the hover call it.
    role
        Which of the series' colours it has, for instance ``import``.
    unit
        Of `values`.
    """

    label: str
    role: str
    unit: str
    buckets: Buckets
    values: Floats


def mean_power(buckets: Buckets) -> Floats:
    """Turn energy [kWh] into mean power [kW] over the intervals that were measured."""
    power = np.full(len(buckets), np.nan)
    if buckets.covered is not None:
        np.divide(buckets.values * 3600.0, buckets.covered, out=power, where=buckets.covered > 0)
    return power


def utc(instants: Ints) -> list[str]:
    """Write instants for Plotly, whose axes take UTC."""
    return [f"{text}Z" for text in np.datetime_as_string(instants.astype("datetime64[s]"))]


def numbers(values: Floats, digits: int = 6) -> list[float | None]:
    """Write numbers for JSON, with None where there is none."""
    rounded = np.round(values, digits).tolist()
    return [None if value != value else value for value in rounded]


def runs_of(mask: Mask) -> list[tuple[int, int]]:
    """Find the stretches ``[begin, end)`` in which a mask holds."""
    edges = np.diff(np.concatenate(([0], mask.astype(np.int8), [0])))
    begins, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    return list(zip(begins.tolist(), ends.tolist(), strict=True))


def steps(
    starts: Ints, ends: Ints, values: Floats, mask: Mask
) -> tuple[list[str], list[float | None], Ints]:
    """Draw each stretch of buckets as steps that end where its last bucket ends, then a gap.

    Parameters
    ----------
    starts, ends
        Where each bucket stands [s], rising, shape ``(n,)``.
    mask
        Which buckets are drawn, shape ``(n,)``.

    Returns
    -------
    x, y
        The points of the line.
    which
        The bucket of each point.
    """
    chosen = np.flatnonzero(mask)
    if not len(chosen):
        return [], [], chosen
    apart = (np.diff(chosen) > 1) | (starts[chosen[1:]] != ends[chosen[:-1]])
    instants: list[Ints] = []
    heights: list[Floats] = []
    which: list[Ints] = []
    for run in np.split(chosen, np.flatnonzero(apart) + 1):
        # The closing point lies a second before the end, so that the pointer finds the last bucket
        # there and not the one that follows the gap.
        last = run[-1]
        instants.append(np.concatenate((starts[run], [ends[last] - 1, ends[last] - 1])))
        heights.append(np.concatenate((values[run], [values[last], np.nan])))
        which.append(np.concatenate((run, [last, last])))
    return (
        utc(np.concatenate(instants)),
        numbers(np.concatenate(heights)),
        np.concatenate(which),
    )


def load_curve(
    curves: Sequence[Curve], zone: Zone, resolution: str, gaps: Sequence[tuple[int, int]] = ()
) -> Figure:
    """Draw registers over time: steps, broken and shaded where readings are missing.

    Parameters
    ----------
    curves
        All on the same grid.
    gaps
        Ranges of instants without readings [s].
    """
    figure = Drawing()
    for curve in curves:
        there = curve.buckets.count > 0
        uncertain = doubtful(curve.buckets)
        parts = [(curve.label, there & ~uncertain, {"role": curve.role})]
        if uncertain.any():
            meta = {"role": "estimated", "of": curve.role}
            parts.append((estimated(curve.label), uncertain, meta))
        for name, mask, meta in parts:
            edges = curve.buckets.edges
            x, y, _which = steps(edges[:-1], edges[1:], curve.values, mask)
            figure.add_scatter(
                x=x,
                y=y,
                name=name,
                line={"shape": "hv"},
                mode="lines",
                meta=meta,
                hovertemplate=f"%{{y:.3~f}} {curve.unit}",
            )
    if curves:
        edges = curves[0].buckets.edges
        figure.update_layout(
            meta={"timezone": zone.name, "resolution": resolution},
            xaxis={"range": utc(edges[[0, -1]])},
            yaxis={"title": {"text": curves[0].unit}},
            shapes=[*_gap_shapes(gaps), *_clock_shapes(edges, zone)] or None,
            annotations=_clock_notes(edges, zone) or None,
        )
    return as_json(figure)


def doubtful(buckets: Buckets) -> Mask:
    """Find the buckets with intervals that nobody vouches for: estimated, substituted, …"""
    return _measured(buckets) < buckets.count


def _measured(buckets: Buckets) -> Ints:
    """Count the intervals of each bucket that somebody vouches for."""
    vouched = np.zeros(len(buckets), dtype=np.int64)
    for quality in VOUCHED:
        vouched += buckets.qualities.get(quality.label, 0)
    return vouched


def _gap_shapes(gaps: Sequence[tuple[int, int]]) -> list[dict[str, Any]]:
    shapes = []
    for begin, end in gaps:
        x0, x1 = utc(np.array([begin, end]))
        shapes.append({"name": "missing", "x0": x0, "x1": x1})
    return shapes


def _clock_changes(edges: Ints, zone: Zone) -> list[tuple[str, str]]:
    """Find where the clock changes, for ranges short enough to show it: instant and words."""
    if edges[-1] - edges[0] > 62 * DAY:
        return []
    pieces = zone.segments(int(edges[0]), int(edges[-1]))
    found = []
    for before, after in itertools.pairwise(pieces):
        minutes = (after.offset - before.offset) // 60
        amount = f"{abs(minutes) // 60} h" if minutes % 60 == 0 else f"{abs(minutes)} min"
        words = _("Clocks forward {amount}") if minutes > 0 else _("Clocks back {amount}")
        found.append((utc(np.array([after.start]))[0], words.format(amount=amount)))
    return found


def _clock_shapes(edges: Ints, zone: Zone) -> list[dict[str, Any]]:
    return [{"name": "dst", "x0": x, "x1": x} for x, _words in _clock_changes(edges, zone)]


def _clock_notes(edges: Ints, zone: Zone) -> list[dict[str, Any]]:
    return [{"name": "dst", "x": x, "text": words} for x, words in _clock_changes(edges, zone)]


# How wide a bar is, and how the hover names it.
PERIODS = {
    "P1W": (7 * DAY * 1000, WEEK_FORMAT),
    "P1M": ("M1", "%B %Y"),
    "P1Y": ("M12", "%Y"),
}


def energy_bars(curves: Sequence[Curve], zone: Zone, resolution: str = "P1D") -> Figure:
    """Draw energy by day, week, month or year as bars that start at zero.

    A bucket that the range cuts short stands where its whole week or month does.
    """
    figure = Drawing()
    period, hover = PERIODS.get(resolution, (None, DAY_FORMAT))
    for curve in curves:
        buckets = curve.buckets
        days = wall(buckets.edges[:-1], zone).astype("datetime64[D]")
        dates = np.datetime_as_string(_period_starts(days, resolution))
        figure.add_bar(
            x=list(dates),
            y=numbers(curve.values),
            name=curve.label,
            meta={"role": curve.role},
            xperiod=period,
            xperiodalignment="middle" if period else None,
            customdata=_bar_words(buckets),
            hovertemplate=f"%{{y:,.2f}} {curve.unit}%{{customdata}}",
        )
    figure.update_layout(
        barmode="group",
        xaxis={"type": "date", "hoverformat": _(hover)},
        yaxis={"title": {"text": curves[0].unit if curves else ""}, "rangemode": "tozero"},
    )
    return as_json(figure)


def _period_starts(days: Days, resolution: str) -> Days:
    """Return the first day of the week, month or year in which each day lies."""
    if resolution == "P1W":
        # 1970-01-01 was a Thursday.
        weekday = (days.astype(np.int64) + 3) % 7
        mondays: Days = days - weekday.astype("timedelta64[D]")
        return mondays
    unit = {"P1M": "datetime64[M]", "P1Y": "datetime64[Y]"}.get(resolution, "datetime64[D]")
    starts: Days = days.astype(unit).astype("datetime64[D]")
    return starts


def _bar_words(buckets: Buckets) -> list[str]:
    """Say of each bar what its height does not: what is missing, what is estimated."""
    words = []
    estimated = buckets.count - _measured(buckets)
    for count, expected, doubtful in zip(
        buckets.count.tolist(), buckets.expected.tolist(), estimated.tolist(), strict=True
    ):
        told = []
        if count < expected:
            told.append(of_intervals(count, expected))
        if doubtful:
            told.append(_("{number} estimated").format(number=number(doubtful)))
        words.append("".join(f" · {one}" for one in told))
    return words


def typical_day_curve(table: pd.DataFrame, role: str) -> Figure:
    """Draw what `statistics.typical_day` found: weekdays with their 10–90 % band, and weekends."""
    figure = Drawing()
    for part, name, color in ((False, _("Weekdays"), role), (True, _("Weekends"), "comparison")):
        rows = table[table["weekend"] == part]
        if not len(rows):
            continue
        hours = [*(rows["minute"] / 60.0), 24.0]
        # One point more, so that the last step ends at midnight.
        mean, low, high = (
            [*rows[column].round(6), round(float(rows[column].iloc[-1]), 6)]
            for column in ("mean", "low", "high")
        )
        if not part:
            x, top = _corners(hours, high)
            bottom = _corners(hours, low)[1]
            figure.add_scatter(
                x=[*x, *x[::-1]],
                y=[*top, *bottom[::-1]],
                fill="toself",
                mode="none",
                hoverinfo="skip",
                name=_("10 to 90 %"),
                meta={"role": color},
            )
        minutes = [int(hour * 60) for hour in hours]
        figure.add_scatter(
            x=hours,
            y=mean,
            customdata=[f"{minute // 60:02}:{minute % 60:02}" for minute in minutes],
            name=name,
            mode="lines",
            line={"shape": "hv"},
            meta={"role": color},
            hovertemplate="%{customdata}  %{y:.3~f} kW",
        )
    figure.update_layout(
        xaxis={
            "range": [0, 24],
            "tickvals": [0, 6, 12, 18, 24],
            "ticktext": [f"{hour:02}:00" for hour in (0, 6, 12, 18, 24)],
            "tickangle": 0,
            "title": {"text": _("local time")},
        },
        yaxis={"title": {"text": "kW"}},
    )
    return as_json(figure)


def _corners(x: Sequence[float], y: Sequence[float]) -> tuple[list[float], list[float]]:
    """Spell out the corners of steps that hold from one x to the next."""
    return [x[0], *np.repeat(x[1:], 2).tolist()], [*np.repeat(y[:-1], 2).tolist(), y[-1]]


def spark(values: Sequence[float | None]) -> dict[str, str] | None:
    """Write a small curve as SVG paths in a box of 100 × 32; None where nothing is to be seen."""
    known = [value for value in values if value is not None and not np.isnan(value)]
    if len(known) < 2:
        return None
    top = max(*known, 1e-12)
    last = len(values) - 1
    points = [
        f"{i / last * 100:.1f} {31 - max(value, 0) / top * 30:.1f}"
        for i, value in enumerate(values)
        if value is not None and not np.isnan(value)
    ]
    line = "L".join(points)
    first, end = points[0].split()[0], points[-1].split()[0]
    return {"line": f"M{line}", "area": f"M{first} 32L{line}L{end} 32Z"}
