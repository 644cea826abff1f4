"""All that is told of one load, in one go: what page, API and report show alike."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date

from analytics.methods.anomalies import Anomaly, anomalies
from analytics.methods.correlation import (
    Correlation,
    Habit,
    Portmanteau,
    autocorrelation,
    daily_habit,
    ljung_box,
    partial_autocorrelation,
    weekly_habit,
)
from analytics.methods.data_quality import DataQuality, data_quality
from analytics.methods.duration import DurationCurve, Histogram, duration_curve, histogram
from analytics.methods.echo import Echo, echo, ranked
from analytics.methods.grouping import By, Grouping, group
from analytics.methods.heat import CalendarMap, HeatMap, calendar_map, heat_map
from analytics.methods.key_figures import KeyFigures, key_figures
from analytics.methods.load import Load
from analytics.methods.pattern import Pattern, decompose, without_daily
from analytics.methods.spectrum import Spectrum, spectrum
from meters.days import Floats
from meters.grid import Resolution
from meters.zones import DAY

# A week and a day, so that the week's peak is seen whole.
LAG_DAYS = 8
PARTIAL_LAGS = 200
WEEKS = Resolution.parse("P1W")


@dataclass(frozen=True, eq=False)
class Analysis:
    """All that is told of one load.

    Attributes
    ----------
    groups
        By each of `By`.
    weeks
        By the calendar's weeks.
    partial
        Partial autocorrelation at the lags 0 to 200 or fewer.
    portmanteau
        Whether the values of the first day depend on their past at all.
    weekly
        Of what the daily pattern leaves.
    echo
        Of a rhythm within the day; None where none is proved.
    """

    load: Load
    figures: KeyFigures
    groups: Mapping[By, Grouping]
    weeks: Grouping
    heat: HeatMap
    calendar: CalendarMap
    duration: DurationCurve
    histogram: Histogram
    correlation: Correlation
    partial: Floats
    portmanteau: Portmanteau | None
    daily: Habit
    weekly: Habit
    echo: Echo | None
    spectrum: Spectrum
    pattern: Pattern
    anomalies: list[Anomaly]
    quality: DataQuality


def analyse(
    load: Load,
    *,
    holidays: Collection[date] = (),
    limit: float | None = None,
    may_be_negative: bool = False,
    corrections: int | None = None,
) -> Analysis:
    """Tell all that can be told of one load.

    Parameters
    ----------
    holidays
        Dates that count with the Sundays.
    limit
        What the connection can carry [kW].
    may_be_negative
        Whether the register counts in both directions.
    corrections
        How many readings were corrected.
    """
    lags = LAG_DAYS * DAY // load.interval
    correlation = autocorrelation(load, lags)
    pattern = decompose(load)
    return Analysis(
        load=load,
        figures=key_figures(load),
        groups={by: group(load, by, holidays) for by in By},
        weeks=group(load, WEEKS),
        heat=heat_map(load),
        calendar=calendar_map(load),
        duration=duration_curve(load),
        histogram=histogram(load),
        correlation=correlation,
        partial=partial_autocorrelation(correlation, PARTIAL_LAGS),
        portmanteau=ljung_box(correlation, min(DAY // load.interval or 1, len(load) // 5)),
        daily=daily_habit(correlation),
        weekly=weekly_habit(autocorrelation(without_daily(load, pattern), lags)),
        echo=echo(autocorrelation(ranked(load), lags)),
        spectrum=spectrum(load),
        pattern=pattern,
        anomalies=anomalies(load, limit=limit, may_be_negative=may_be_negative),
        quality=data_quality(load, corrections),
    )
