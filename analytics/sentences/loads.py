"""What each figure of the analysis says, in one or two plain sentences computed from the data.

A sentence claims no more than the figure proves, and says what is missing where it can't be told.
"""

from typing import NamedTuple

import numpy as np

from analytics.methods.analysis import Analysis
from analytics.methods.duration import Histogram
from analytics.methods.grouping import By, Grouping
from analytics.methods.heat import CalendarMap, Cell, HeatMap
from analytics.methods.load import Load
from analytics.sentences.habits import (
    of_daily_habit,
    of_echo,
    of_partial,
    of_pattern,
    of_portmanteau,
    of_spectrum,
    of_weekly_habit,
)
from analytics.sentences.key_figures import (
    of_annual,
    of_base_load,
    of_load_factor,
    of_night,
    of_peak,
    of_weekdays,
)
from analytics.sentences.trust import of_anomalies, of_quality
from analytics.sentences.words import NOTHING, kilowatt_hours
from meters.language import N_, _, _n
from meters.wording import clock, day, figure, percent, power


class _Ranking(NamedTuple):
    """What is said of groups: where all are alike, and where they differ."""

    alike: str
    ranked: str


# Of groups that are told by their energy.
RANKINGS = {
    "day": _Ranking(
        N_("All are alike: {value} a day on average."),
        N_("Highest is {highest} with {high} a day on average, lowest {lowest} with {low}."),
    ),
    "month": _Ranking(
        N_("All are alike: {value} a month on average."),
        N_("Highest is {highest} with {high} a month on average, lowest {lowest} with {low}."),
    ),
    "season": _Ranking(
        N_("All are alike: {value} a season on average."),
        N_("Highest is {highest} with {high} a season on average, lowest {lowest} with {low}."),
    ),
}
# Of times of day, and pieces of the calendar, which differ in length: by mean power.
RANKING = _Ranking(
    N_("All are alike: {value} on average."),
    N_("Highest is {highest} with {high} on average, lowest {lowest} with {low}."),
)
OCCURRENCES = {By.WEEKDAY: "day", By.DAY_TYPE: "day", By.MONTH: "month", By.SEASON: "season"}


def sentences(analysis: Analysis) -> dict[str, str]:
    """Say what each figure of an analysis says, by the figure's name."""
    figures, zone = analysis.figures, analysis.load.zone
    return {
        **{f"groups-{by}": of_grouping(found) for by, found in analysis.groups.items()},
        "weeks": of_grouping(analysis.weeks),
        "heat": of_heat_map(analysis.heat),
        "calendar": of_calendar(analysis.calendar),
        "duration": of_duration(analysis.load),
        "histogram": of_histogram(analysis.histogram),
        "base-load": of_base_load(figures),
        "peak": of_peak(figures, zone),
        "load-factor": of_load_factor(figures),
        "night": of_night(figures),
        "weekdays": of_weekdays(figures),
        "annual": of_annual(figures.annual),
        "daily-habit": of_daily_habit(analysis.daily),
        "weekly-habit": of_weekly_habit(analysis.weekly),
        "echo": of_echo(analysis.echo),
        "partial": of_partial(analysis.partial, analysis.correlation),
        "ljung-box": of_portmanteau(analysis.portmanteau, analysis.correlation),
        "spectrum": of_spectrum(analysis.spectrum),
        "pattern": of_pattern(analysis.pattern),
        "anomalies": of_anomalies(analysis.anomalies, analysis.load),
        "quality": of_quality(analysis.quality, zone),
    }


def of_grouping(grouping: Grouping) -> str:
    """Name the highest and the lowest group."""
    occurrence = OCCURRENCES.get(By(grouping.by)) if grouping.by in set(By) else None
    if occurrence is None:
        ranking, values, write = RANKING, grouping.power.mean, power
    else:
        ranking, values, write = RANKINGS[occurrence], grouping.energy.mean, kilowatt_hours
    known = np.flatnonzero(~np.isnan(values))
    if grouping.by not in set(By):
        # A day or week that the range cuts would be compared by the hours of it that are left.
        whole = np.flatnonzero(grouping.energy.count)
        known = whole if len(whole) > 1 else known
    if len(known) < 2:
        return _("Too little is known to compare.") if len(grouping) else _(NOTHING)
    if np.ptp(values[known]) == 0:
        return _(ranking.alike).format(value=write(float(values[known[0]])))
    high, low = known[np.argmax(values[known])], known[np.argmin(values[known])]
    return _(ranking.ranked).format(
        highest=grouping.labels[high],
        high=write(float(values[high])),
        lowest=grouping.labels[low],
        low=write(float(values[low])),
    )


def of_heat_map(heat: HeatMap) -> str:
    """Say when it was highest, and what the clock did."""
    if not (heat.cells >= Cell.KNOWN).any() or np.isnan(heat.power).all():
        return _(NOTHING)
    row, column = np.unravel_index(np.nanargmax(heat.power), heat.power.shape)
    words = [
        _n(
            "The highest moment is {day} at {time} with {power}.",
            "Of {number} days the highest moment is {day} at {time} with {power}.",
            len(heat.days),
        ).format(
            number=figure(len(heat.days)),
            day=day(int(heat.days[row])),
            time=clock(int(column) * heat.interval),
            power=power(float(heat.power[row, column])),
        )
    ]
    for cell, what in (
        (
            Cell.DOUBLED,
            _(
                "On {day} the clock showed {begin} to {end} twice, and the map shows the mean of "
                "both."
            ),
        ),
        (Cell.SKIPPED, _("On {day} the clock showed {begin} to {end} not at all.")),
    ):
        for changed in np.flatnonzero((heat.cells == cell).any(axis=1)).tolist():
            columns = np.flatnonzero(heat.cells[changed] == cell)
            words.append(
                what.format(
                    day=day(int(heat.days[changed])),
                    begin=clock(int(columns[0]) * heat.interval),
                    end=clock((int(columns[-1]) + 1) * heat.interval),
                )
            )
    return " ".join(words)


def of_calendar(calendar: CalendarMap) -> str:
    """Name the days of most and least energy, of those that are complete."""
    values = np.where(calendar.completeness > 0.999, calendar.energy, np.nan).ravel()
    whole = np.flatnonzero(~np.isnan(values))
    if len(whole) < 2:
        return _("Fewer than two days are complete, so there is nothing to compare.")
    if np.ptp(values[whole]) == 0:
        return _("All {number} complete days are alike: {value}.").format(
            number=figure(len(whole)), value=kilowatt_hours(float(values[whole[0]]))
        )
    first = int(calendar.mondays[0])
    high, low = whole[np.argmax(values[whole])], whole[np.argmin(values[whole])]
    return _(
        "Of {number} complete days, {highest} had the most energy with {high} and {lowest} the "
        "least with {low}."
    ).format(
        number=figure(len(whole)),
        highest=day(first + int(high)),
        high=kilowatt_hours(float(values[high])),
        lowest=day(first + int(low)),
        low=kilowatt_hours(float(values[low])),
    )


def of_duration(load: Load) -> str:
    """Say what power is reached half of the time, and a twentieth of it."""
    known = load.power[load.known]
    if not len(known):
        return _(NOTHING)
    half, seldom = (float(q) for q in np.quantile(known, [0.5, 0.95]))
    if half == 0:
        words = _(
            "Half of the time or longer there is no power, and for {share} of the time it is "
            "{seldom} or more."
        )
    else:
        words = _(
            "Half of the time the power is {half} or more, and for {share} of the time {seldom} "
            "or more."
        )
    return words.format(half=power(half), share=percent(0.05), seldom=power(seldom))


def of_histogram(histogram: Histogram) -> str:
    """Name the commonest range of power, and zeros that are many."""
    total = int(histogram.counts.sum()) + histogram.zeros
    if not total:
        return _(NOTHING)
    zeros = percent(histogram.zeros / total, 1)
    if histogram.zeros == total:
        return _("The power is exactly 0 in {zeros} of the intervals.").format(zeros=zeros)
    at = int(np.argmax(histogram.counts))
    low, high = float(histogram.edges[at]), float(histogram.edges[at + 1])
    share = percent(int(histogram.counts[at]) / (total - histogram.zeros))
    if histogram.zeros:
        words = _(
            "The power is exactly 0 in {zeros} of the intervals; of the others, {share} lie "
            "between {low} and {high}, more than in any other bar."
        )
    else:
        words = _("The commonest power lies between {low} and {high}, in {share} of the intervals.")
    return words.format(zeros=zeros, share=share, low=power(low), high=power(high))
