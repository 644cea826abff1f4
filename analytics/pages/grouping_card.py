"""The card that groups a meter's load: by hour, weekday, season or any interval."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from analytics.figures import groups as group_figures
from analytics.methods.grouping import By, group, read_by
from analytics.methods.load import Load
from analytics.pages.cards import Chart
from analytics.period import Period
from analytics.public_holidays import PublicHolidays
from analytics.sentences.loads import of_grouping
from meters.grid import ResolutionError
from meters.language import N_

# What one chooses, and the title of the chart.
GROUPS = {
    "hour": (N_("Hour of the day"), N_("By hour of the day")),
    "time": (N_("Time of day, every interval"), N_("By time of day, every interval")),
    "weekday": (N_("Day of the week"), N_("By weekday")),
    "day_type": (
        N_("Working day, Saturday, Sunday or holiday"),
        N_("By working day, Saturday, Sunday or holiday"),
    ),
    "P1W": (N_("Week"), N_("By week")),
    "P1M": (N_("Month"), N_("By month")),
    "month": (N_("Month of the year"), N_("By month of the year")),
    "season": (N_("Season"), N_("By season")),
}
USUAL_GROUP = "hour"


@dataclass(frozen=True)
class GroupingCard:
    """The grouping, and what can be chosen there."""

    chart: Chart
    options: Sequence[tuple[str, str, bool]]
    every: str
    of_energy: bool
    warning: str = ""


def grouping_card(
    load: Load,
    role: str,
    period: Period,
    parameters: Mapping[str, str],
    holidays: PublicHolidays,
) -> GroupingCard:
    """Group a load as the address asks.

    Parameters
    ----------
    parameters
        ``group``, or ``every`` for a length of one's own; ``of`` says whether power or energy.
    """
    every = parameters.get("every", "").strip()
    asked = every or parameters.get("group", USUAL_GROUP)
    of_energy = parameters.get("of", "power") == "energy"
    warning = ""
    try:
        found = group(load, read_by(asked), holidays.dates)
    except ResolutionError as error:
        warning = " ".join((str(error), _("Grouped by hour instead.")))
        asked = USUAL_GROUP
        found = group(load, read_by(asked))
    options = [(value, _(label), value == asked) for value, (label, _title) in GROUPS.items()]
    if asked in GROUPS:
        title = _(GROUPS[asked][1])
    else:
        title = _("By pieces of {length}").format(length=asked)
    if of_energy:
        subtitle = _("Energy of each, with the middle 80 %")
    else:
        subtitle = _("Mean power, with the middle 80 %")
    chart = Chart(
        "grouping",
        title,
        f"{subtitle} · {period.words}",
        group_figures.grouped(found, role, energy=of_energy),
        sentence=of_grouping(found),
        notes=[holidays.words] if found.by == By.DAY_TYPE else [],
    )
    return GroupingCard(chart, options, every, of_energy, warning)
