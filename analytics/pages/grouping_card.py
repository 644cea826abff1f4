"""The card that groups a meter's load: by hour, weekday, season or any interval."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from analytics.figures import groups as group_figures
from analytics.methods.grouping import By, group, read_by
from analytics.methods.load import Load
from analytics.pages.cards import Chart
from analytics.period import Period
from analytics.public_holidays import PublicHolidays
from analytics.sentences.loads import of_grouping
from meters.grid import ResolutionError

# What one chooses, and the title of the chart.
GROUPS = {
    "hour": ("Hour of the day", "By hour of the day"),
    "time": ("Time of day, every interval", "By time of day, every interval"),
    "weekday": ("Weekday", "By weekday"),
    "day_type": (
        "Working day, Saturday, Sunday or holiday",
        "By working day, Saturday, Sunday or holiday",
    ),
    "P1W": ("Week", "By week"),
    "P1M": ("Month", "By month"),
    "month": ("Month of the year", "By month of the year"),
    "season": ("Season", "By season"),
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
        warning, asked = f"{error} Grouped by hour instead.", USUAL_GROUP
        found = group(load, read_by(asked))
    options = [(value, label, value == asked) for value, (label, _) in GROUPS.items()]
    title = GROUPS[asked][1] if asked in GROUPS else f"By pieces of {asked}"
    if of_energy:
        subtitle = f"Energy of each, with the middle 80 % · {period.words}"
    else:
        subtitle = f"Mean power, with the middle 80 % · {period.words}"
    chart = Chart(
        "grouping",
        title,
        subtitle,
        group_figures.grouped(found, role, energy=of_energy),
        sentence=of_grouping(found),
        notes=[holidays.words] if found.by == By.DAY_TYPE else [],
    )
    return GroupingCard(chart, options, every, of_energy, warning)
