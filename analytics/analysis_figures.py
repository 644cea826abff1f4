"""Figures of the analysis page, as Plotly's JSON: what `analytics` has found, drawn.

As in `analytics.figures`, a trace says its role and the style sheet its colour.
"""

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from analytics.analysis import Analysis
from analytics.correlation import Correlation
from analytics.data_quality import DataQuality
from analytics.duration import DurationCurve, Histogram
from analytics.figures import Figure, as_json, numbers
from analytics.grouping import WEEKDAYS, Bands, Grouping
from analytics.heat import CalendarMap, HeatMap
from analytics.load import HOUR
from analytics.pattern import Pattern
from analytics.spectrum import Spectrum
from meters.days import Floats, Ints
from meters.zones import DAY

# More groups than these are drawn as a line with its band, fewer as bars.
MOST_BARS = 31
# A map of more cells is drawn with longer times of day: nobody sees them, and each is to be sent.
MOST_CELLS = 40_000
# Above this quantile all cells of a map have the brightest colour, so that one peak does not leave
# the others dark.
BRIGHTEST = 0.98


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


def _band_bars(labels: Sequence[str], bands: Bands, role: str, unit: str) -> go.Figure:
    figure = go.Figure()
    figure.add_bar(
        x=list(labels),
        y=numbers(bands.mean),
        name="Mean",
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
        hovertemplate=f"mean %{{y:.3~f}} {unit}<br>%{{customdata}}",
    )
    figure.add_scatter(
        x=list(labels),
        y=numbers(bands.median),
        name="Median",
        mode="markers",
        marker={"symbol": "line-ew-open", "size": 12, "line": {"width": 2}},
        meta={"role": "comparison"},
        hoverinfo="skip",
    )
    return figure


def _band_line(labels: Sequence[str], bands: Bands, role: str, unit: str) -> go.Figure:
    figure = go.Figure()
    # A category has no end, so the last step is drawn to its middle.
    for name, values, style in (
        ("10 %", bands.low, {"line": {"width": 0}, "hoverinfo": "skip"}),
        ("90 %", bands.high, {"line": {"width": 0}, "fill": "tonexty", "hoverinfo": "skip"}),
        ("Median", bands.median, {"line": {"dash": "3px,2px"}, "hoverinfo": "skip"}),
        ("Mean", bands.mean, {}),
    ):
        figure.add_scatter(
            x=list(labels),
            y=numbers(values),
            name=name,
            mode="lines",
            line={"shape": "hvh", **style.pop("line", {})},
            meta={"role": role},
            **style,
        )
    figure.update_traces(
        customdata=_band_words(bands, unit),
        hovertemplate=f"mean %{{y:.3~f}} {unit}<br>%{{customdata}}",
        selector={"name": "Mean"},
    )
    return figure


def _band_words(bands: Bands, unit: str) -> list[str]:
    """Say of each group what the bar's height does not."""
    found = zip(
        bands.median.tolist(), bands.low.tolist(), bands.high.tolist(), bands.count.tolist(),
        strict=True,
    )  # fmt: skip
    return [
        f"median {median:.3g}, 10–90 % {low:.3g} to {high:.3g} {unit}, of {count:,}"
        if count
        else "nothing known"
        for median, low, high, count in found
    ]


def heat(found: HeatMap) -> Figure:
    """Draw mean power by day, from left to right, and time of day, from midnight upwards."""
    power, interval = _coarser(found)
    times = [_clock(second) for second in range(0, power.shape[1] * interval, interval)]
    known = power[~np.isnan(power)]
    top = float(np.quantile(known, BRIGHTEST)) if len(known) else 1.0
    low = min(float(known.min()), 0.0) if len(known) else 0.0
    figure = go.Figure()
    figure.add_heatmap(
        x=_dates(found.days),
        y=times,
        z=_matrix(power.T),
        zmin=low,
        zmax=max(top, low + 1e-9),
        colorbar={"title": {"text": "kW"}},
        hovertemplate="%{x|%a %-d %b %Y}, %{y}<br>%{z:.3~f} kW<extra></extra>",
    )
    marks = [time for time in ("00:00", "06:00", "12:00", "18:00") if time in times]
    figure.update_layout(
        xaxis={"type": "date", "showgrid": False},
        yaxis={"type": "category", "tickvals": marks, "ticktext": marks, "showgrid": False},
    )
    return as_json(figure)


def _coarser(found: HeatMap) -> tuple[Floats, int]:
    """Take several times of day together where the map has more cells than anybody sees."""
    power, interval = found.power, found.interval
    while power.size > MOST_CELLS and power.shape[1] % 2 == 0 and interval < HOUR:
        pairs = power.reshape(len(power), -1, 2)
        there = (~np.isnan(pairs)).sum(axis=2)
        sums = np.nansum(pairs, axis=2)
        power = np.full(sums.shape, np.nan)
        np.divide(sums, there, out=power, where=there > 0)
        interval *= 2
    return power, interval


def calendar(found: CalendarMap) -> Figure:
    """Draw the energy of each day, weeks from left to right and weekdays downwards."""
    figure = go.Figure()
    dates = found.mondays[:, None] + np.arange(7)
    words = [
        [
            f"{np.datetime64(int(day), 'D').item():%a %-d %b %Y}"
            + (f", {share:.0%} known" if 0 < share < 0.995 else "")
            for day, share in zip(days, shares, strict=True)
        ]
        for days, shares in zip(dates.T.tolist(), found.completeness.T.tolist(), strict=True)
    ]
    figure.add_heatmap(
        x=_dates(found.mondays),
        y=[day[:3] for day in WEEKDAYS],
        z=_matrix(found.energy.T),
        xgap=2,
        ygap=2,
        zmin=min(0.0, float(np.nanmin(found.energy, initial=0.0))),
        colorbar={"title": {"text": "kWh"}},
        customdata=words,
        hovertemplate="%{customdata}<br>%{z:.3~f} kWh<extra></extra>",
    )
    figure.update_layout(
        xaxis={"type": "date", "showgrid": False},
        yaxis={"type": "category", "autorange": "reversed", "showgrid": False},
    )
    return as_json(figure)


def duration(found: DurationCurve, role: str) -> Figure:
    """Draw for what part of the time power is at least so high."""
    figure = go.Figure()
    figure.add_scatter(
        x=numbers(found.share * 100),
        y=numbers(found.power),
        mode="lines",
        fill="tozeroy",
        line={"shape": "hv"},
        meta={"role": role},
        name="Power",
        hovertemplate="at least %{y:.3~f} kW for %{x:.1f} % of the time<extra></extra>",
    )
    figure.update_layout(
        hovermode="closest",
        xaxis={"title": {"text": "% of the time"}, "range": [0, 100]},
        yaxis={"title": {"text": "kW"}},
    )
    return as_json(figure)


def histogram(found: Histogram, role: str) -> Figure:
    """Draw how often which power occurs, as the share of all known slots."""
    total = int(found.counts.sum()) + found.zeros
    edges = found.edges
    figure = go.Figure()
    figure.add_bar(
        x=numbers((edges[1:] + edges[:-1]) / 2),
        y=numbers(found.counts / max(total, 1) * 100),
        width=numbers(np.diff(edges)),
        name="Share",
        meta={"role": role},
        customdata=[f"{a:.3g} to {b:.3g}" for a, b in itertools.pairwise(edges)],
        hovertemplate="%{customdata} kW: %{y:.2f} %<extra></extra>",
    )
    figure.update_layout(
        hovermode="closest",
        bargap=0,
        xaxis={"title": {"text": "kW"}},
        yaxis={"title": {"text": "% of intervals"}, "rangemode": "tozero"},
    )
    return as_json(figure)


def correlogram(found: Correlation, role: str) -> Figure:
    """Draw the autocorrelation by lag, over Bartlett's band."""
    lags = np.arange(1, len(found))
    days = lags * found.interval / DAY
    band = found.band[1:]
    figure = go.Figure()
    figure.add_scatter(
        x=[*numbers(days), *numbers(days[::-1])],
        y=[*numbers(band), *numbers(-band[::-1])],
        fill="toself",
        mode="none",
        name="Bartlett's band, 95 %",
        hoverinfo="skip",
        meta={"role": "comparison"},
    )
    figure.add_scatter(
        x=numbers(days),
        y=numbers(found.values[1:]),
        mode="lines",
        name="Autocorrelation",
        meta={"role": role},
        customdata=[
            f"after {_lag(seconds)}: band ±{width:.3f}"
            for seconds, width in zip((lags * found.interval).tolist(), band.tolist(), strict=True)
        ],
        hovertemplate="%{y:.3f} %{customdata}<extra></extra>",
    )
    figure.update_layout(
        xaxis={"title": {"text": "lag in days"}, "dtick": 1, "range": [0, float(days[-1])]},
        yaxis={"title": {"text": "correlation"}, "rangemode": "normal", "zeroline": True},
    )
    return as_json(figure)


def partial_correlogram(told: Analysis, role: str) -> Figure:
    """Draw the partial autocorrelation at the lags 1, 2, … over the band of white noise."""
    values, white = told.partial, told.correlation.white
    hours = np.arange(1, len(values)) * told.correlation.interval / HOUR
    figure = go.Figure()
    figure.add_bar(
        x=numbers(hours),
        y=numbers(values[1:]),
        name="Partial autocorrelation",
        meta={"role": role},
        hovertemplate="%{y:.3f} after %{x:.2f} h<extra></extra>",
    )
    for sign in (-1, 1):
        figure.add_scatter(
            x=[0.0, float(hours[-1])],
            y=[sign * white] * 2,
            mode="lines",
            line={"dash": "3px,2px", "width": 1},
            meta={"role": "comparison"},
            hoverinfo="skip",
            name="White noise, 95 %",
        )
    figure.update_layout(
        hovermode="closest",
        xaxis={"title": {"text": "lag in hours"}},
        yaxis={"title": {"text": "correlation"}, "rangemode": "normal", "zeroline": True},
    )
    return as_json(figure)


def periodogram(found: Spectrum, role: str) -> Figure:
    """Draw what share of the variance a sinusoid of each period explains."""
    figure = go.Figure()
    hours = found.lengths / HOUR
    for values, name, style in (
        (found.shares, "Share of the variance", {"meta": {"role": role}}),
        (
            found.limits,
            "Chance stays below",
            {"meta": {"role": "comparison"}, "line": {"dash": "3px,2px", "width": 1}},
        ),
    ):
        figure.add_scatter(
            x=numbers(hours),
            y=numbers(values * 100),
            mode="lines",
            name=name,
            hovertemplate="%{y:.2f} %",
            **style,
        )
    ticks = [t for t in (1, 2, 3, 4, 6, 8, 12, 24, 48, 168, 730, 8760) if _within(t, hours)]
    figure.update_layout(
        xaxis={
            "type": "log",
            "title": {"text": "period"},
            "tickvals": ticks,
            "ticktext": [_lag(t * HOUR) for t in ticks],
            "hoverformat": ".1f",
        },
        # Where chance alone gives more than what is there, its limit leaves the picture.
        yaxis={
            "title": {"text": "% of the variance"},
            "range": [0, float(found.shares.max(initial=0.01)) * 115],
        },
    )
    return as_json(figure)


def _within(value: float, values: Floats) -> bool:
    return bool(len(values) and values.min() <= value <= values.max())


def weekly_pattern(found: Pattern, role: str) -> Figure:
    """Draw the usual working day, Saturday and Sunday that the daily and weekly pattern make."""
    figure = go.Figure()
    weekly = np.nan_to_num(found.weekly)
    hours = np.arange(len(found.daily)) * found.interval / HOUR
    x = [*hours.tolist(), 24.0]
    for name, days, style in (
        ("Monday to Friday", slice(0, 5), {"meta": {"role": role}}),
        ("Saturday", slice(5, 6), {"meta": {"role": "net"}}),
        ("Sunday", slice(6, 7), {"meta": {"role": "comparison"}}),
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
            "title": {"text": "local time"},
            "hoverformat": ".2f",
        },
        yaxis={"title": {"text": "kW"}, "rangemode": "tozero"},
    )
    return as_json(figure)


def completeness(found: DataQuality, role: str) -> Figure:
    """Draw what share of each month's slots was measured, and what share is estimated."""
    figure = go.Figure()
    labels = [month.name for month in found.months]
    measured = [(m.known - m.estimated) / m.expected for m in found.months]
    estimated = [m.estimated / m.expected for m in found.months]
    for name, values, meta in (
        ("Measured", measured, {"role": role}),
        ("Estimated", estimated, {"role": "estimated", "of": role}),
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
        yaxis={"title": {"text": "% of the intervals"}, "range": [0, 100]},
    )
    return as_json(figure)


def _dates(days: Ints) -> list[str]:
    return np.datetime_as_string(days.astype("datetime64[D]")).tolist()


def _matrix(values: Any) -> list[list[float | None]]:
    return [numbers(row, 4) for row in values]


def _clock(second: int) -> str:
    return f"{second // HOUR:02}:{second // 60 % 60:02}"


def _lag(seconds: float) -> str:
    if seconds >= 2 * DAY:
        return f"{seconds / DAY:g} d"
    if seconds >= HOUR:
        return f"{seconds / HOUR:g} h"
    return f"{seconds / 60:g} min"
