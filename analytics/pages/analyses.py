"""What the list of analyses shows: of each meter what it probably measures, and key figures."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from analytics.analysed import Analysed, read_newest
from analytics.methods.key_figures import KeyFigures, key_figures
from analytics.methods.load import Load
from meters.health import states
from meters.models import Meter
from meters.templatetags.units import energy, figure
from meters.wording import day
from meters.zones import epoch_day

# Eight whole weeks show habits, and take a hundredth of a second; a year takes five times as long.
DAYS = 56
HOURS_A_DAY = 24


@dataclass(frozen=True)
class AnalysisRow:
    """One line of the table.

    Attributes
    ----------
    title, confidence
        What the meter probably measures, and how sure that is [0, 1]; empty and None where there
        is nothing to tell it from.
    why_not
        Why there is nothing to tell; empty where there is.
    until
        The last local day that was looked at.
    figures
        Of its main register.
    """

    meter: Meter
    title: str = ""
    confidence: float | None = None
    why_not: str = ""
    until: str = ""
    figures: KeyFigures | None = None

    @property
    def mean_day(self) -> str:
        """Energy of a day on average [kWh]."""
        mean = self.figures.mean_power if self.figures else None
        return "" if mean is None else energy(HOURS_A_DAY * mean)

    @property
    def base_load(self) -> str:
        base = self.figures.base_load if self.figures else None
        return "" if base is None else figure(base, 3)

    @property
    def peak(self) -> str:
        peak = self.figures.peak if self.figures else None
        return "" if peak is None else figure(peak.power, 2)


def analysis_rows(meters: Sequence[Meter], now: int) -> list[AnalysisRow]:
    """Analyse the latest weeks of meters for a table, with two questions to the database in all.

    Parameters
    ----------
    meters
        With their registers.
    now
        The present [s].
    """
    ends = {pk: end for pk, (_state, end) in states(meters, now).items() if end is not None}
    read = [meter for meter in meters if meter.pk in ends]
    found = {one.meter.pk: one for one in read_newest(read, ends, DAYS)} if read else {}
    return [
        _row(found[meter.pk], ends[meter.pk])
        if meter.pk in found
        else AnalysisRow(meter, why_not=_("No readings yet."))
        for meter in meters
    ]


def _row(analysed: Analysed, end: int) -> AnalysisRow:
    meter, load = analysed.meter, _main_load(analysed)
    if load is None:
        words = _("It counts nothing that has a load: neither energy by intervals nor power.")
        return AnalysisRow(meter, why_not=words)
    first = analysed.argument.first
    return AnalysisRow(
        meter,
        first.title,
        first.confidence,
        until=day(epoch_day(meter.zone.date_at(end - 1))),
        figures=key_figures(load),
    )


def _main_load(analysed: Analysed) -> Load | None:
    register = analysed.chosen("")
    return analysed.loads[register.pk] if register else None
