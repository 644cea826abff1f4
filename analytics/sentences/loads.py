"""What each figure of the analysis says, in one or two plain sentences computed from the data.

A sentence claims no more than the figure proves, and says what is missing where it can't be told.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from analytics.methods.analysis import Analysis
from analytics.methods.annual import Annual
from analytics.methods.anomalies import Anomaly, Kind, has_usual_days
from analytics.methods.data_quality import DataQuality
from analytics.methods.duration import Histogram
from analytics.methods.grouping import By, Grouping
from analytics.methods.heat import CalendarMap, Cell, HeatMap
from analytics.methods.key_figures import KeyFigures
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
from meters.wording import THIN, clock, day, energy, figure, listed, local, percent, power
from meters.zones import Zone

NOTHING = "There are no readings to tell it from."
KINDS = {
    Kind.SPIKE: ("spike", "spikes"),
    Kind.DROP: ("drop", "drops"),
    Kind.FROZEN: ("stretch of frozen values", "stretches of frozen values"),
    Kind.NO_BASE_LOAD: ("stretch without the base load", "stretches without the base load"),
    Kind.IMPOSSIBLE: ("stretch of impossible values", "stretches of impossible values"),
}
# How the groups that are told by their energy are named in a sentence.
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
        # Times of day, and pieces of the calendar, which differ in length: by mean power.
        values, write = grouping.power.mean, power
        per = "on average"
    else:
        values, per = grouping.energy.mean, f"a {occurrence} on average"

        def write(value: float | None) -> str:
            return f"{energy(value)}{THIN}kWh"

    known = np.flatnonzero(~np.isnan(values))
    if grouping.by not in set(By):
        # A day or week that the range cuts would be compared by the hours of it that are left.
        whole = np.flatnonzero(grouping.energy.count)
        known = whole if len(whole) > 1 else known
    if len(known) < 2:
        return "Too little is known to compare." if len(grouping) else NOTHING
    if np.ptp(values[known]) == 0:
        return f"All are alike: {write(float(values[known[0]]))} {per}."
    high, low = known[np.argmax(values[known])], known[np.argmin(values[known])]
    return (
        f"Highest is {grouping.labels[high]} with {write(float(values[high]))} {per}, lowest "
        f"{grouping.labels[low]} with {write(float(values[low]))}."
    )


def of_heat_map(heat: HeatMap) -> str:
    """Say when it was highest, and what the clock did."""
    if not (heat.cells >= Cell.KNOWN).any() or np.isnan(heat.power).all():
        return NOTHING
    row, column = np.unravel_index(np.nanargmax(heat.power), heat.power.shape)
    when = f"{day(int(heat.days[row]))} at {clock(int(column) * heat.interval)}"
    highest = power(float(heat.power[row, column]))
    words = [f"Of {figure(len(heat.days))} days the highest moment is {when} with {highest}."]
    for cell, what in (
        (Cell.DOUBLED, "twice, and the map shows the mean of both"),
        (Cell.SKIPPED, "not at all"),
    ):
        for changed in np.flatnonzero((heat.cells == cell).any(axis=1)).tolist():
            columns = np.flatnonzero(heat.cells[changed] == cell)
            begin, end = int(columns[0]), int(columns[-1]) + 1
            hours = f"{clock(begin * heat.interval)} to {clock(end * heat.interval)}"
            words.append(f"On {day(int(heat.days[changed]))} the clock showed {hours} {what}.")
    return " ".join(words)


def of_calendar(calendar: CalendarMap) -> str:
    """Name the days of most and least energy, of those that are complete."""
    values = np.where(calendar.completeness > 0.999, calendar.energy, np.nan).ravel()
    whole = np.flatnonzero(~np.isnan(values))
    if len(whole) < 2:
        return "Fewer than two days are complete, so there is nothing to compare."
    first = int(calendar.mondays[0])
    high, low = whole[np.argmax(values[whole])], whole[np.argmin(values[whole])]
    return (
        f"Of {figure(len(whole))} complete days, {day(first + int(high))} had the most energy with "
        f"{energy(float(values[high]))}{THIN}kWh and {day(first + int(low))} the least with "
        f"{energy(float(values[low]))}{THIN}kWh."
    )


def of_duration(load: Load) -> str:
    """Say what power is reached half of the time, and a twentieth of it."""
    known = load.power[load.known]
    if not len(known):
        return NOTHING
    half, seldom = (float(q) for q in np.quantile(known, [0.5, 0.95]))
    if half == 0:
        return (
            f"Half of the time or longer there is no power, and for {percent(0.05)} of the time "
            f"it is {power(seldom)} or more."
        )
    return (
        f"Half of the time the power is {power(half)} or more, and for {percent(0.05)} of the time "
        f"{power(seldom)} or more."
    )


def of_histogram(histogram: Histogram) -> str:
    """Name the commonest range of power, and zeros that are many."""
    total = int(histogram.counts.sum()) + histogram.zeros
    if not total:
        return NOTHING
    zeros = ""
    if histogram.zeros:
        zeros = f"The power is exactly 0 in {percent(histogram.zeros / total, 1)} of the intervals"
        if histogram.zeros == total:
            return f"{zeros}."
    at = int(np.argmax(histogram.counts))
    low, high = float(histogram.edges[at]), float(histogram.edges[at + 1])
    share = percent(int(histogram.counts[at]) / (total - histogram.zeros))
    where = f"between {power(low)} and {power(high)}"
    if zeros:
        return f"{zeros}; of the others, {share} lie {where}, more than in any other bar."
    return f"The commonest power lies {where}, in {share} of the intervals."


def of_base_load(figures: KeyFigures) -> str:
    """Say what is never switched off."""
    if figures.mean_power is None:
        return NOTHING
    if figures.base_load is None:
        return "The base load shows only in readings of an hour or less."
    if figures.base_load == 0:
        return "There is no base load: on a usual day the power falls to 0."
    if figures.mean_power <= 0:
        return f"The base load is {power(figures.base_load)}."
    share = percent(min(figures.base_load / figures.mean_power, 1.0))
    return (
        f"The base load is {power(figures.base_load)}: on a usual day the power is higher for "
        f"{percent(0.95)} of the time. It makes up {share} of the energy."
    )


def of_peak(figures: KeyFigures, zone: Zone) -> str:
    """Say how high and when the peak was."""
    if figures.peak is None:
        return NOTHING
    return f"The peak was {power(figures.peak.power)}, on {local(figures.peak.instant, zone)}."


def of_load_factor(figures: KeyFigures) -> str:
    """Say how evenly the load runs."""
    if figures.load_factor is None or figures.full_load_hours is None:
        return "Without any power there is no load factor."
    return (
        f"The mean power is {percent(figures.load_factor, 1)} of the peak (load factor "
        f"{figures.load_factor:.2f}): the peak would give the same energy in "
        f"{figure(figures.full_load_hours)}{THIN}h."
    )


def of_night(figures: KeyFigures) -> str:
    """Compare the night's share of the energy with its share of the time."""
    if figures.night_share is None or figures.night_time is None:
        return "What the night takes can't be told."
    return (
        f"Between 22:00 and 06:00 falls {percent(figures.night_share)} of the energy, in "
        f"{percent(figures.night_time)} of the time."
    )


def of_weekdays(figures: KeyFigures) -> str:
    """Compare weekdays with weekends."""
    ratio = figures.weekday_ratio
    if figures.mean_power is None:
        return NOTHING
    if ratio is None:
        return "Weekdays and weekends can't be compared: one of them has no energy."
    if 0.95 <= ratio <= 1.05:
        return f"Weekdays and weekends are about alike (ratio {ratio:.2f})."
    words = "more" if ratio > 1 else "less"
    return (
        f"A weekday has {percent(abs(ratio - 1))} {words} energy than a day of the weekend "
        f"(ratio {ratio:.2f})."
    )


def of_annual(annual: Annual | None) -> str:
    """Say what a year comes to, how sure that is, and what was not seen."""
    if annual is None:
        return "Less than a day is known, too little to tell a year from."
    amount = f"{energy(annual.energy)}{THIN}kWh"
    spread = ""
    if annual.low is not None and annual.high is not None and annual.high > annual.low:
        step = _step((annual.high - annual.low) / 2)
        amount = f"{_rounded(annual.energy, step)}{THIN}kWh"
        spread = (
            f" ({percent(0.95)} sure: {_rounded(annual.low, step)} to "
            f"{_rounded(annual.high, step)}{THIN}kWh)"
        )
    if annual.is_measured:
        return f"The last 365 days came to {amount}{spread}."
    words = f"A year of such weeks would come to {amount}{spread}"
    if not spread:
        words += ", and less than two whole weeks can't say how sure that is"
    if annual.unseen:
        words += f". {listed(annual.unseen)} {_was(annual.unseen)} not seen and may differ"
    return f"{words}."


def _step(half: float) -> float:
    """Choose the digit to which an estimate is given: the second one of its uncertainty."""
    return float(10 ** (np.floor(np.log10(half)) - 1)) if half > 0 else 0.001


def _rounded(value: float, step: float) -> str:
    digits = max(int(-np.floor(np.log10(step))), 0)
    return figure(round(value / step) * step, digits)


def _was(words: Sequence[str]) -> str:
    return "was" if len(words) == 1 else "were"


def of_anomalies(found: Sequence[Anomaly], load: Load) -> str:
    """Count what is odd, and tell the latest."""
    if not load.count:
        return NOTHING
    if not found and not has_usual_days(load):
        return (
            "Nothing impossible was found. What is usual, and so what is odd, shows in a week or "
            "more of readings of an hour or less."
        )
    if not found:
        return "Nothing odd was found."
    counts = Counter(one.kind for one in found)
    kinds = [f"{figure(n)} {KINDS[kind][n > 1]}" for kind, n in sorted(counts.items())]
    latest = max(found, key=lambda one: one.start)
    when = local(latest.start, load.zone)
    verb, which = ("are", "The latest") if len(found) > 1 else ("is", "It")
    return f"There {verb} {listed(kinds)}. {which} began on {when}: {latest.reason}"


def of_quality(quality: DataQuality, zone: Zone) -> str:
    """Say what is missing, what is estimated and what was corrected."""
    if quality.completeness is None:
        return NOTHING
    missing = quality.expected - quality.known
    total = figure(quality.expected)
    if missing:
        complete = percent(quality.completeness, 1)
        words = [f"{figure(missing)} of {total} intervals are missing ({complete} complete)."]
        longest = quality.holes[0]
        words.append(
            f"The longest gap is from {local(longest.start, zone)} to {local(longest.end, zone)} "
            f"({figure(longest.slots)} interval{'s' if longest.slots > 1 else ''})."
        )
    else:
        words = [f"All {total} intervals are there."]
    if quality.estimated and quality.estimated_share is not None:
        share = percent(quality.estimated_share, 1)
        words.append(f"{figure(quality.estimated)} of those there ({share}) are estimated.")
    if quality.corrections == 1:
        words.append("1 reading was corrected after it had first come.")
    elif quality.corrections:
        count = figure(quality.corrections)
        words.append(f"{count} readings were corrected after they had first come.")
    elif quality.corrections == 0:
        words.append("No reading was corrected after it had first come.")
    return " ".join(words)
