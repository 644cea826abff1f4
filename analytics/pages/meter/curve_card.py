"""The card of a meter's curve: what is drawn and said of it, the table behind, the files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode

import numpy as np
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from analytics.figures.compared import add_bars, add_lines
from analytics.figures.curves import Curve, doubtful, energy_bars, load_curve, mean_power, runs_of
from analytics.figures.roles import ROLES, role_of
from analytics.pages.cards import Chart, straddling_words
from analytics.pages.meter.comparison import Comparison
from analytics.pages.meter.table import Table, table_of
from analytics.pages.meter.zoom import controls, is_whole, zoom_text
from analytics.period import Period
from analytics.resolutions import energy_by, lacking, local_pieces, quantity_of
from meters.api.serving import MOST_IN_SHEET
from meters.models import Meter, Register
from meters.readings import Query, RegisterReadings
from meters.templatetags.units import figure, local

MOST_GAPS_NAMED = 4
FILES = {"csv": "CSV", "xlsx": "XLSX", "parquet": "Parquet"}


@dataclass(frozen=True)
class CurveCard:
    """The card as the template takes it.

    Attributes
    ----------
    zoom
        Which stretch is shown, as it stands in the address; empty for the whole range.
    steps
        Where one can go from here: `analytics.pages.meter.zoom.controls`.
    table
        Where it is asked for.
    stamp
        The stretch, for the name of a file.
    api_path
        Gives what is shown, for a program.
    files
        For what is shown, and for what it is compared with: its name, and links by format.
    """

    chart: Chart
    zoom: str
    steps: Sequence[Mapping[str, str]]
    table: Table | None
    stamp: str
    api_path: str
    files: Sequence[tuple[str, Sequence[tuple[str, str]]]]


def curve_card(
    meter: Meter,
    shown: Sequence[RegisterReadings],
    period: Period,
    view: Period,
    comparison: Comparison | None,
    page: str | None,
) -> CurveCard:
    """Put the card together.

    Parameters
    ----------
    shown
        The registers of the curve, over `view`; one at least.
    period
        The page's range.
    view
        The stretch of it that is shown.
    page
        Which page of the table is asked for; None where the table is not.
    """
    as_power = not view.resolution.is_calendar
    curves = [curve_of(one, as_power=as_power) for one in shown]
    chart = _curve_chart(shown, view) if as_power else bars_chart("curve", curves, view)
    registers = [one.register for one in shown]
    finest = min(one.interval or 900 for one in registers)
    path = _path(meter, registers, view.query)
    points = len(shown) * len(shown[0].buckets)
    files = [("", _files(path, points))]
    table = None
    if comparison:
        chart = _compared(chart, comparison)
        if comparison.pairs:
            path_there = _path(
                comparison.choice.meter or meter, comparison.registers, comparison.query
            )
            files.append((comparison.name, _files(path_there, points)))
    if page is not None:
        labels = [curve.label for curve in curves]
        table = table_of(shown, labels, comparison, view.zone, page, as_power=as_power)
    return CurveCard(
        # One height for all that can take its place, so that nothing jumps.
        replace(chart, size=""),
        "" if is_whole(view, period) else zoom_text(view),
        controls(view, period, finest),
        table,
        view.stamp,
        path,
        files,
    )


def _path(meter: Meter, registers: Sequence[Register], query: Query) -> str:
    """Write the API's address of registers of a meter on a grid."""
    parameters = {
        "start": query.zone.at(query.start).isoformat(),
        "end": query.zone.at(query.end).isoformat(),
        "resolution": str(query.resolution),
    }
    if query.zone.name != meter.timezone:
        parameters["timezone"] = query.zone.name
    others = len(registers) < len(meter.registers.all())
    chosen = [("register", one.obis) for one in registers] if others else []
    address = reverse("api:meter-readings", args=[meter.muid])
    return f"{address}?{urlencode([*parameters.items(), *chosen])}"


def _files(path: str, points: int) -> list[tuple[str, str]]:
    return [
        (label, f"{path}&format={form}")
        for form, label in FILES.items()
        if form != "xlsx" or points <= MOST_IN_SHEET
    ]


def _compared(chart: Chart, comparison: Comparison) -> Chart:
    """Add what the curve is compared with."""
    drawn = add_bars(chart.figure, comparison.bars)
    drawn = add_lines(drawn, comparison.lines, comparison.query.zone)
    legend = list(chart.legend)
    if comparison.pairs and not any(item["role"] in ROLES.values() for item in legend):
        legend.insert(0, _legend_of_first(chart))
    labels = [one.label for one in comparison.lines] + [one.label for one in comparison.bars]
    legend += [{"role": "comparison", "label": label} for label in labels]
    return replace(
        chart,
        figure=drawn,
        sentence=comparison.sentence,
        legend=legend,
        notes=[*chart.notes, *comparison.notes],
    )


def _legend_of_first(chart: Chart) -> dict[str, str]:
    first = chart.figure["data"][0]
    return {"role": first["meta"]["role"], "label": first["name"]}


def curve_of(one: RegisterReadings, *, as_power: bool) -> Curve:
    code = one.register.code
    role = role_of(code.direction)
    label = code.direction.label if one.register.is_main_energy else code.label
    if as_power and code.is_summable:
        unit = code.unit.removesuffix("h")
        return Curve(label, role, unit, one.buckets, mean_power(one.buckets))
    return Curve(label, role, code.unit, one.buckets, one.buckets.values)


def _curve_chart(shown: Sequence[RegisterReadings], period: Period) -> Chart:
    curves = [curve_of(one, as_power=True) for one in shown]
    gaps = _gaps(shown[0])
    notes = _gap_words(gaps, shown[0], period)
    straddling = sum(one.buckets.straddling for one in shown)
    if straddling:
        notes.append(straddling_words(straddling))
    quantity = _("Mean power") if curves[0].unit == "kW" else curves[0].label
    return Chart(
        "curve",
        _("Load curve"),
        f"{quantity_of(quantity, str(period.resolution))} · {period.words}",
        load_curve(curves, period.zone, str(period.resolution), gaps),
        legend=_curve_legend(curves, gaps),
        notes=notes,
    )


def bars_chart(key: str, curves: Sequence[Curve], period: Period, resolution: str = "") -> Chart:
    resolution = resolution or str(period.resolution)
    incomplete = int((curves[0].buckets.count < curves[0].buckets.expected).sum())
    notes = []
    if incomplete:
        notes.append(lacking(incomplete, len(curves[0].buckets), resolution))
    return Chart(
        key,
        energy_by(resolution),
        f"{local_pieces(resolution)}, {period.zone.name} · {period.words}",
        energy_bars(curves, period.zone, resolution),
        size="low",
        legend=_legend(curves),
        notes=notes,
    )


def _legend(curves: Sequence[Curve]) -> list[dict[str, str]]:
    """Name the curves, where there are several."""
    return [{"role": c.role, "label": c.label} for c in curves] if len(curves) > 1 else []


def _curve_legend(curves: Sequence[Curve], gaps: Sequence[tuple[int, int]]) -> list[dict[str, str]]:
    legend = _legend(curves)
    if any(doubtful(curve.buckets).any() for curve in curves):
        legend.append({"role": "estimated", "label": _("Estimated")})
    if gaps:
        legend.append({"role": "missing", "label": _("No readings")})
    return legend


def _gaps(one: RegisterReadings) -> list[tuple[int, int]]:
    """Find the ranges in which readings should be and none is [s]."""
    buckets = one.buckets
    missing = (buckets.count == 0) & (buckets.expected > 0)
    return [(int(buckets.edges[begin]), int(buckets.edges[end])) for begin, end in runs_of(missing)]


def _gap_words(gaps: Sequence[tuple[int, int]], one: RegisterReadings, period: Period) -> list[str]:
    """Say which readings are missing, the longest gaps first."""
    longest = sorted(gaps, key=lambda gap: gap[0] - gap[1])[:MOST_GAPS_NAMED]
    words = []
    for begin, end in sorted(longest):
        where = slice(*np.searchsorted(one.buckets.edges, [begin, end]))
        count = int(one.buckets.expected[where].sum())
        told = ngettext(
            "No readings from {first} to {last} ({count} interval).",
            "No readings from {first} to {last} ({count} intervals).",
            count,
        )
        first, last = local(begin, period.zone), local(end, period.zone)
        words.append(told.format(first=first, last=last, count=figure(count)))
    if left := len(gaps) - len(longest):
        told = ngettext("{count} more gap is shorter.", "{count} more gaps are shorter.", left)
        words.append(told.format(count=figure(left)))
    return words
