"""Figures of how a load resembles its own past, as Plotly's JSON."""

import numpy as np

from analytics.figures.curves import numbers
from analytics.figures.drawing import Drawing, Figure, as_json
from analytics.figures.writing import lag
from analytics.methods.analysis import Analysis
from analytics.methods.correlation import Correlation
from analytics.methods.load import HOUR
from analytics.methods.spectrum import Spectrum
from meters.days import Floats
from meters.language import _
from meters.wording import figure as number
from meters.zones import DAY


def correlogram(found: Correlation, role: str) -> Figure:
    """Draw the autocorrelation by lag, over Bartlett's band."""
    lags = np.arange(1, len(found))
    days = lags * found.interval / DAY
    band = found.band[1:]
    figure = Drawing()
    figure.add_scatter(
        x=[*numbers(days), *numbers(days[::-1])],
        y=[*numbers(band), *numbers(-band[::-1])],
        fill="toself",
        mode="none",
        name=_("Bartlett's band, 95 %"),
        hoverinfo="skip",
        meta={"role": "comparison"},
    )
    figure.add_scatter(
        x=numbers(days),
        y=numbers(found.values[1:]),
        mode="lines",
        name=_("Autocorrelation"),
        meta={"role": role},
        customdata=[
            _("after {lag}: band ±{band}").format(lag=lag(seconds), band=number(width, 3))
            for seconds, width in zip((lags * found.interval).tolist(), band.tolist(), strict=True)
        ],
        hovertemplate="%{y:.3f} %{customdata}<extra></extra>",
    )
    figure.update_layout(
        xaxis={"title": {"text": _("lag in days")}, "dtick": 1, "range": [0, float(days[-1])]},
        yaxis={"title": {"text": _("correlation")}, "rangemode": "normal", "zeroline": True},
    )
    return as_json(figure)


def partial_correlogram(told: Analysis, role: str) -> Figure:
    """Draw the partial autocorrelation at the lags 1, 2, … over the band of white noise."""
    values, white = told.partial, told.correlation.white
    hours = np.arange(1, len(values)) * told.correlation.interval / HOUR
    figure = Drawing()
    figure.add_bar(
        x=numbers(hours),
        y=numbers(values[1:]),
        name=_("Partial autocorrelation"),
        meta={"role": role},
        hovertemplate=_("{value} after {lag}").format(value="%{y:.3f}", lag="%{x:.2f} h")
        + "<extra></extra>",
    )
    for sign in (-1, 1):
        figure.add_scatter(
            x=[0.0, float(hours[-1])],
            y=[sign * white] * 2,
            mode="lines",
            line={"dash": "3px,2px", "width": 1},
            meta={"role": "comparison"},
            hoverinfo="skip",
            name=_("White noise, 95 %"),
        )
    figure.update_layout(
        hovermode="closest",
        xaxis={"title": {"text": _("lag in hours")}},
        yaxis={"title": {"text": _("correlation")}, "rangemode": "normal", "zeroline": True},
    )
    return as_json(figure)


def periodogram(found: Spectrum, role: str) -> Figure:
    """Draw what share of the variance a sinusoid of each period explains."""
    figure = Drawing()
    hours = found.lengths / HOUR
    for values, name, style in (
        (found.shares, _("Share of the variance"), {"meta": {"role": role}}),
        (
            found.limits,
            _("Chance stays below"),
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
            "title": {"text": _("period")},
            "tickvals": ticks,
            "ticktext": [lag(t * HOUR) for t in ticks],
            "hoverformat": ".1f",
        },
        # Where chance alone gives more than what is there, its limit leaves the picture.
        yaxis={
            "title": {"text": _("% of the variance")},
            "range": [0, float(found.shares.max(initial=0.01)) * 115],
        },
    )
    return as_json(figure)


def _within(value: float, values: Floats) -> bool:
    return bool(len(values) and values.min() <= value <= values.max())
