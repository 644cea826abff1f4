"""Figures of how a load is distributed: by groups, by power, by kind of day, by month.

As in `analytics.figures.curves`, a trace says its role and the style sheet its colour.
"""

import itertools
from collections.abc import Sequence

import numpy as np

from analytics.figures.curves import numbers
from analytics.figures.drawing import Drawing, Figure, as_json
from analytics.figures.writing import short
from analytics.methods.data_quality import DataQuality
from analytics.methods.duration import DurationCurve, Histogram
from analytics.methods.grouping import Bands, Grouping
from analytics.methods.load import HOUR
from analytics.methods.pattern import Pattern
from meters.language import _
from meters.wording import figure as number

# More groups than these are drawn as a line with its band, fewer as bars.
MOST_BARS = 31


def grouped(grouping: Grouping, role: str, *, energy: bool) -> Figure:
    """Draw a grouping: the mean of each group, its median, and where the middle 80 % lie."""
    bands, unit = (grouping.energy, "kWh") if energy else (grouping.power, "kW")
    if len(grouping) > MOST_BARS:
        figure = _band_line(grouping.labels, bands, role, unit)
    else:
        figure = _band_bars(grouping.labels, bands, role, unit)
    figure.update_layout(
        xaxis={"type": "category", "tickangle": 0},
        yaxis={"title": {"text": unit}, "rangemode": "tozero"},
    )
    return as_json(figure)


def _band_bars(labels: Sequence[str], bands: Bands, role: str, unit: str) -> Drawing:
    figure = Drawing()
    figure.add_bar(
        x=list(labels),
        y=numbers(bands.mean),
        name=_("Mean"),
        meta={"role": role},
        error_y={
            "type": "data",
            "symmetric": False,
            "array": numbers(np.maximum(bands.high - bands.mean, 0)),
            "arrayminus": numbers(np.maximum(bands.mean - bands.low, 0)),
            "thickness": 1,
            "width": 3,
        },
        customdata=_band_words(bands, unit),
        hovertemplate=_mean_words(unit),
    )
    figure.add_scatter(
        x=list(labels),
        y=numbers(bands.median),
        name=_("Median"),
        mode="markers",
        marker={"symbol": "line-ew-open", "size": 12, "line": {"width": 2}},
        meta={"role": "comparison"},
        hoverinfo="skip",
    )
    return figure


def _band_line(labels: Sequence[str], bands: Bands, role: str, unit: str) -> Drawing:
    figure = Drawing()
    mean = _("Mean")
    for name, values, line, fill in (
        ("10 %", bands.low, {"width": 0}, None),
        ("90 %", bands.high, {"width": 0}, "tonexty"),
        (_("Median"), bands.median, {"dash": "3px,2px"}, None),
        (mean, bands.mean, {}, None),
    ):
        figure.add_scatter(
            x=list(labels),
            y=numbers(values),
            name=name,
            mode="lines",
            line={"shape": "hvh", **line},
            fill=fill,
            hoverinfo="skip" if name != mean else None,
            meta={"role": role},
        )
    figure.update_traces(
        customdata=_band_words(bands, unit),
        hovertemplate=_mean_words(unit),
        name=mean,
    )
    return figure


def _mean_words(unit: str) -> str:
    return _("mean {value}").format(value=f"%{{y:.3~f}} {unit}") + "<br>%{customdata}"


def _band_words(bands: Bands, unit: str) -> list[str]:
    """Say of each group what the bar's height does not."""
    found = zip(
        bands.median.tolist(), bands.low.tolist(), bands.high.tolist(), bands.count.tolist(),
        strict=True,
    )  # fmt: skip
    words, nothing = (
        _("median {median}, 10–90 % {low} to {high} {unit}, of {count}"),
        _("nothing known"),
    )
    return [
        words.format(
            median=short(median), low=short(low), high=short(high), unit=unit, count=number(count)
        )
        if count
        else nothing
        for median, low, high, count in found
    ]


def duration(found: DurationCurve, role: str) -> Figure:
    """Draw for what part of the time power is at least so high."""
    figure = Drawing()
    figure.add_scatter(
        x=numbers(found.share * 100),
        y=numbers(found.power),
        mode="lines",
        fill="tozeroy",
        line={"shape": "hv"},
        meta={"role": role},
        name=_("Power"),
        hovertemplate=_("at least {power} for {share} of the time").format(
            power="%{y:.3~f} kW", share="%{x:.1f} %"
        )
        + "<extra></extra>",
    )
    figure.update_layout(
        hovermode="closest",
        xaxis={"title": {"text": _("% of the time")}, "range": [0, 100]},
        yaxis={"title": {"text": "kW"}},
    )
    return as_json(figure)


def histogram(found: Histogram, role: str) -> Figure:
    """Draw how often which power occurs, as the share of all known slots."""
    total = int(found.counts.sum()) + found.zeros
    edges = found.edges
    figure = Drawing()
    figure.add_bar(
        x=numbers((edges[1:] + edges[:-1]) / 2),
        y=numbers(found.counts / max(total, 1) * 100),
        width=numbers(np.diff(edges)),
        name=_("Share"),
        meta={"role": role},
        customdata=[
            _("{first} to {last}").format(first=short(a), last=short(b))
            for a, b in itertools.pairwise(edges.tolist())
        ],
        hovertemplate="%{customdata} kW: %{y:.2f} %<extra></extra>",
    )
    figure.update_layout(
        hovermode="closest",
        bargap=0,
        xaxis={"title": {"text": "kW"}},
        yaxis={"title": {"text": _("% of intervals")}, "rangemode": "tozero"},
    )
    return as_json(figure)


def weekly_pattern(found: Pattern, role: str) -> Figure:
    """Draw the usual working day, Saturday and Sunday that the daily and weekly pattern make."""
    figure = Drawing()
    weekly = np.nan_to_num(found.weekly)
    hours = np.arange(len(found.daily)) * found.interval / HOUR
    x = [*hours.tolist(), 24.0]
    for name, days, style in (
        (_("Monday to Friday"), slice(0, 5), {"meta": {"role": role}}),
        (_("Saturday"), slice(5, 6), {"meta": {"role": "net"}}),
        (_("Sunday"), slice(6, 7), {"meta": {"role": "comparison"}}),
    ):
        values = found.daily + weekly[days].mean(axis=0)
        figure.add_scatter(
            x=x,
            y=numbers(np.append(values, values[-1:])),
            name=name,
            mode="lines",
            line={"shape": "hv"},
            hovertemplate="%{y:.3~f} kW",
            **style,
        )
    marks = [0, 6, 12, 18, 24]
    figure.update_layout(
        xaxis={
            "range": [0, 24],
            "tickvals": marks,
            "ticktext": [f"{mark:02}:00" for mark in marks],
            "title": {"text": _("local time")},
            "hoverformat": ".2f",
        },
        yaxis={"title": {"text": "kW"}, "rangemode": "tozero"},
    )
    return as_json(figure)


def completeness(found: DataQuality, role: str) -> Figure:
    """Draw what share of each month's slots was measured, and what share is estimated."""
    figure = Drawing()
    labels = [month.name for month in found.months]
    measured = [(m.known - m.estimated) / m.expected for m in found.months]
    estimated = [m.estimated / m.expected for m in found.months]
    for name, values, meta in (
        (_("Measured"), measured, {"role": role}),
        (_("Estimated"), estimated, {"role": "estimated", "of": role}),
    ):
        figure.add_bar(
            x=labels,
            y=[round(100 * value, 2) for value in values],
            name=name,
            meta=meta,
            hovertemplate="%{y:.1f} %",
        )
    figure.update_layout(
        barmode="stack",
        xaxis={"type": "category"},
        yaxis={"title": {"text": _("% of the intervals")}, "range": [0, 100]},
    )
    return as_json(figure)
