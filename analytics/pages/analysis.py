"""What the analysis of one meter shows: what it probably measures, and the figures that say so."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from analytics.analysed import read_analysed
from analytics.corrected import count_corrected
from analytics.figures import groups as group_figures
from analytics.figures import habits as habit_figures
from analytics.figures import maps as map_figures
from analytics.figures.roles import role_of
from analytics.methods.analysis import Analysis, analyse
from analytics.methods.annual import Annual
from analytics.methods.key_figures import KeyFigures
from analytics.methods.load import Load
from analytics.pages.cards import Chart
from analytics.pages.grouping_card import grouping_card
from analytics.period import Period
from analytics.sentences.loads import sentences
from meters.models import Meter
from meters.wording import energy, figure, local
from meters.zones import Zone

MOST_ODD = 50
# What of `sentences` is told in a list.
FACTS = ("annual", "base-load", "peak", "load-factor", "night", "weekdays")

Said = Mapping[str, str]


def analysis_page(
    meter: Meter, parameters: Mapping[str, str], now: int, *, only_grouping: bool = False
) -> dict[str, Any]:
    """Put the analysis of one meter together, as the template takes it.

    Parameters
    ----------
    meter
        With its registers.
    parameters
        Of the address: the range, ``register``, ``group``, ``every`` and ``of``.
    now
        The present [s].
    only_grouping
        Whether just the grouping is shown anew.
    """
    analysed, period = read_analysed(meter, parameters, now)
    register = analysed.chosen(parameters.get("register", ""))
    context: dict[str, Any] = {
        "meter": meter,
        "period": period,
        "register": register,
        "choices": analysed.choices,
        "refused": analysed.refused,
    }
    if register is None:
        return context
    load, role = analysed.loads[register.pk], role_of(register.code.direction)
    holidays = analysed.holidays(load)
    context["grouping"] = grouping_card(load, role, period, parameters, holidays)
    if only_grouping:
        return context
    told = analyse(
        load,
        holidays=holidays.dates,
        may_be_negative=role == "net",
        corrections=count_corrected([register], load.start, load.end)[register.pk],
    )
    said = sentences(told)
    return context | {
        "argument": analysed.argument,
        "tiles": _tiles(told.figures, load),
        "facts": [said[name] for name in FACTS if said[name]],
        "maps": _maps(told, said, period),
        "distribution": _distribution(told, said, role),
        "memory": _memory(told, said, role),
        "pattern": _pattern(told, said, role),
        "odd": _odd(told, said),
        "quality": _quality(told, said, role),
    }


def _tiles(figures: KeyFigures, load: Load) -> list[dict[str, Any]]:
    annual, peak = figures.annual, figures.peak
    return [
        {
            "label": _("A year comes to"),
            "figure": energy(annual.energy if annual else None),
            "unit": "kWh",
            "change": _annual_words(annual),
        },
        {
            "label": _("Base load"),
            "figure": figure(figures.base_load, 3),
            "unit": "kW",
            "change": _("exceeded 95 % of a usual day") if figures.base_load is not None else "",
        },
        {
            "label": _("Peak power"),
            "figure": figure(peak.power if peak else None, 2),
            "unit": "kW",
            "change": local(peak.instant, load.zone) if peak else "",
        },
        {
            "label": _("Load factor"),
            "figure": figure(None if figures.load_factor is None else 100 * figures.load_factor, 1),
            "unit": "%",
            "change": _("mean power of the peak's"),
        },
    ]


def _annual_words(annual: Annual | None) -> str:
    if annual is None or annual.is_measured:
        return _("measured, the last 365 days") if annual else ""
    if annual.low is None or annual.high is None:
        return _("too little is known to say how surely")
    words = _("{low} to {high} if other weeks are like these")
    return words.format(low=energy(annual.low), high=energy(annual.high))


def _maps(told: Analysis, said: Said, period: Period) -> list[Chart]:
    charts = [
        Chart(
            "heat",
            _("Every day, every hour"),
            _("Mean power by day and local time of day") + f" · {period.words}",
            map_figures.heat(told.heat),
            sentence=said["heat"],
            size="high",
        )
    ]
    if len(told.calendar.mondays) > 2:
        charts.append(
            Chart(
                "calendar",
                _("Calendar"),
                _("Energy of each local day, weeks from left to right"),
                map_figures.calendar(told.calendar),
                sentence=said["calendar"],
                size="low",
            )
        )
    return charts


def _distribution(told: Analysis, said: Said, role: str) -> list[Chart]:
    return [
        Chart(
            "duration",
            _("Load-duration curve"),
            _("For what part of the time power is at least so high"),
            group_figures.duration(told.duration, role),
            sentence=said["duration"],
            size="low",
        ),
        Chart(
            "histogram",
            _("How often which power"),
            _("Share of all intervals"),
            group_figures.histogram(told.histogram, role),
            sentence=said["histogram"],
            size="low",
        ),
    ]


def _memory(told: Analysis, said: Said, role: str) -> list[Chart]:
    charts = []
    if len(told.correlation) > 1:
        charts += [
            Chart(
                "correlation",
                _("Autocorrelation"),
                _("How a value resembles the one so much later, and how far chance alone would go"),
                habit_figures.correlogram(told.correlation, role),
                sentence=f"{said['daily-habit']} {said['echo']} {said['weekly-habit']}",
                legend=[
                    {"role": role, "label": _("Autocorrelation")},
                    {"role": "comparison", "label": _("Bartlett's band, 95 %")},
                ],
                notes=[said["ljung-box"]],
            ),
            Chart(
                "partial",
                _("Partial autocorrelation"),
                _("What each lag adds to those before it"),
                habit_figures.partial_correlogram(told, role),
                sentence=said["partial"],
                size="low",
            ),
        ]
    if len(told.spectrum.lengths):
        charts.append(
            Chart(
                "spectrum",
                _("Periods"),
                _("What share of the variance a sinusoid of each period explains"),
                habit_figures.periodogram(told.spectrum, role),
                sentence=said["spectrum"],
                size="low",
                legend=[
                    {"role": role, "label": _("Share")},
                    {"role": "comparison", "label": _("Chance stays below")},
                ],
            )
        )
    return charts


def _pattern(told: Analysis, said: Said, role: str) -> dict[str, Any]:
    found = told.pattern
    chart = Chart(
        "pattern",
        _("The usual day"),
        _("Mean power by local time of day and kind of day"),
        group_figures.weekly_pattern(found, role),
        sentence=said["pattern"],
        legend=[
            {"role": role, "label": _("Monday to Friday")},
            {"role": "net", "label": _("Saturday")},
            {"role": "comparison", "label": _("Sunday")},
        ],
    )
    parts = (
        (_("Time of day"), found.by_day),
        (_("Day of the week"), found.by_week),
        (_("What is left"), found.rest),
    )
    return {
        "chart": chart,
        "shares": [
            {
                "label": label,
                "explained": figure(100 * share.explained, 1),
                "held_out": figure(100 * share.held_out, 1),
            }
            for label, share in parts
            if share is not None
        ],
    }


def _odd(told: Analysis, said: Said) -> dict[str, Any]:
    zone = told.load.zone
    return {
        "rows": [
            {
                "kind": one.kind.words,
                "start": one.start,
                "when": _when(one.start, one.end, zone),
                "reason": one.reason,
            }
            for one in told.anomalies[-MOST_ODD:][::-1]
        ],
        "count": len(told.anomalies),
        "sentence": said["anomalies"],
    }


def _when(start: int, end: int, zone: Zone) -> str:
    until = local(end, zone)
    if zone.date_at(start) == zone.date_at(end):
        until = f"{zone.at(end):%H:%M}"
    return _("{first} to {last}").format(first=local(start, zone), last=until)


def _quality(told: Analysis, said: Said, role: str) -> Chart:
    return Chart(
        "quality",
        _("Completeness by month"),
        _("Share of the intervals that were measured, or estimated"),
        group_figures.completeness(told.quality, role),
        sentence=said["quality"],
        size="low",
        legend=[
            {"role": role, "label": _("Measured")},
            {"role": "estimated", "label": _("Estimated")},
        ],
    )
