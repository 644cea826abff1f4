"""Heat maps, as Plotly's JSON: day by time of day, and week by weekday."""

from typing import Any

import numpy as np
from babel.dates import get_day_names

from analytics.figures.curves import numbers
from analytics.figures.drawing import Drawing, Figure, as_json
from analytics.figures.writing import DAY_FORMAT
from analytics.methods.heat import CalendarMap, HeatMap
from analytics.methods.load import HOUR
from meters.dates import dated
from meters.days import Floats, Ints
from meters.language import _, spoken
from meters.wording import percent

# A map of more cells is drawn with longer times of day: nobody sees them, and each is to be sent.
MOST_CELLS = 40_000
# Above this quantile all cells of a map have the brightest colour, so that one peak does not leave
# the others dark.
BRIGHTEST = 0.98


def heat(found: HeatMap) -> Figure:
    """Draw mean power by day, from left to right, and time of day, from midnight upwards."""
    power, interval = _coarser(found)
    times = [_clock(second) for second in range(0, power.shape[1] * interval, interval)]
    known = power[~np.isnan(power)]
    top = float(np.quantile(known, BRIGHTEST)) if len(known) else 1.0
    low = min(float(known.min()), 0.0) if len(known) else 0.0
    figure = Drawing()
    figure.add_heatmap(
        x=_dates(found.days),
        y=times,
        z=_matrix(power.T),
        zmin=low,
        zmax=max(top, low + 1e-9),
        colorbar={"title": {"text": "kW"}},
        hovertemplate=f"%{{x|{_(DAY_FORMAT)}}}, %{{y}}<br>%{{z:.3~f}} kW<extra></extra>",
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
    figure = Drawing()
    dates = found.mondays[:, None] + np.arange(7)
    words = [
        [_day_words(day, share) for day, share in zip(days, shares, strict=True)]
        for days, shares in zip(dates.T.tolist(), found.completeness.T.tolist(), strict=True)
    ]
    figure.add_heatmap(
        x=_dates(found.mondays),
        y=_weekdays(),
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


def _day_words(day: int, share: float) -> str:
    """Name a day, and say how much of it is known where that is not all."""
    words = dated(np.datetime64(day, "D").item(), "weekday_short")
    if 0 < share < 0.995:
        return _("{day}, {share} known").format(day=words, share=percent(share))
    return words


def _weekdays() -> list[str]:
    """Name the days of the week as shortly as the language does, Monday first."""
    names = get_day_names("abbreviated", context="stand-alone", locale=spoken())
    return [names[day] for day in range(7)]


def _dates(days: Ints) -> list[str]:
    return [str(day) for day in days.astype("datetime64[D]")]


def _matrix(values: Any) -> list[list[float | None]]:
    return [numbers(row, 4) for row in values]


def _clock(second: int) -> str:
    return f"{second // HOUR:02}:{second // 60 % 60:02}"
