"""What the page of one meter shows: its load curve, its days, a usual day, and facts."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import numpy as np

from analytics.cards import ROLES, Chart
from analytics.figures import (
    Curve,
    energy_bars,
    load_curve,
    mean_power,
    runs_of,
    spark,
    typical_day_curve,
)
from analytics.overview import STATE_KINDS
from analytics.period import Period, read_period
from analytics.statistics import base_load, peak, typical_day
from meters.health import health
from meters.models import Meter, Register
from meters.obis import Direction
from meters.profiles import first_reading, read_days, read_totals
from meters.readings import RegisterReadings, TooFineError, readings
from meters.series import Series
from meters.templatetags.units import THIN, Amount, change_in_words, energy, figure, local
from meters.zones import DAY, epoch_day

MOST_GAPS_NAMED = 4
NAMES = {
    "PT1M": "1 minute",
    "PT5M": "5 minutes",
    "PT10M": "10 minutes",
    "PT15M": "15 minutes",
    "PT30M": "30 minutes",
    "PT1H": "hours",
    "P1D": "days",
    "P1W": "weeks",
    "P1M": "months",
    "P1Y": "years",
}


def meter_page(meter: Meter, parameters: Mapping[str, str], now: int) -> dict[str, Any]:
    """Put the page of one meter together, as the template takes it.

    Parameters
    ----------
    meter
        With its registers.
    parameters
        Of the address.
    now
        The present [s].
    """
    registers = list(meter.registers.all())
    for register in registers:
        register.meter = meter
    keys = [register.pk for register in registers]
    state = health([meter], now)[meter.pk]
    period = read_period(
        parameters,
        zone=meter.zone,
        now=now,
        first=first_reading(keys) if keys else None,
        last_end=state.last_end,
        finest=min((register.interval or 900 for register in registers), default=900),
    )
    try:
        found = readings(registers, period.query)
    except TooFineError as error:
        # What the register is known for today need not be what it was in the range.
        warnings = (*period.warnings, str(error)) if period.chosen else period.warnings
        period = replace(period, resolution=error.fits, chosen="", warnings=warnings)
        found = readings(registers, period.query)
    main = [one for one in found if one.register.is_main_energy]
    series = _series(meter, [one.register for one in main], period)
    return {
        "meter": meter,
        "period": period,
        "state": state,
        "state_kind": STATE_KINDS[state.state],
        "tiles": _tiles(meter, main, series, period),
        "charts": _charts(found, main, series, period) if state.last_end else [],
        "registers": registers,
        "api_query": urlencode(
            {
                "start": meter.zone.at(period.start).isoformat(),
                "end": meter.zone.at(period.end).isoformat(),
                "resolution": str(period.resolution),
            }
        ),
    }


def _series(meter: Meter, registers: Sequence[Register], period: Period) -> dict[int, Series]:
    """Read the raw intervals of the period, for what can't be told from buckets."""
    if not registers or period.days > 3 * 366:
        return {}
    table = read_days(
        [register.pk for register in registers], period.start // DAY - 1, period.end // DAY + 1
    )
    return {
        register.pk: Series.of_days(table.of_register(register.pk), meter.zone).within(
            period.start, period.end
        )
        for register in registers
    }


def _tiles(
    meter: Meter,
    main: Sequence[RegisterReadings],
    series: Mapping[int, Series],
    period: Period,
) -> list[dict[str, Any]]:
    tiles = [_energy_tile(meter, one, period) for one in main[:2]]
    if main:
        one = main[0]
        own = series.get(one.register.pk)
        highest, base = (peak(own), base_load(own)) if own is not None else (None, None)
        tiles.append(
            {
                "label": "Peak power",
                "figure": figure(highest.power, 2) if highest else "–",
                "unit": "kW",
                "change": local(highest.instant, meter.zone) if highest else "",
            }
        )
        if len(tiles) < 3 and one.register.code.direction is Direction.IMPORT:
            tiles.append(
                {
                    "label": "Base load",
                    "figure": figure(base, 3),
                    "unit": "kW",
                    "change": "exceeded 95 % of a usual day" if base is not None else "",
                }
            )
    tiles.append(_completeness_tile(main, period))
    return tiles


def _energy_tile(meter: Meter, one: RegisterReadings, period: Period) -> dict[str, Any]:
    direction = one.register.code.direction
    total = one.buckets.total
    start, _ = period.before
    before = read_totals(
        [one.register.pk], epoch_day(meter.zone.date_at(start)), epoch_day(period.first_day) - 1
    )
    change = change_in_words(
        Amount(total or 0.0, int(one.buckets.count.sum())),
        Amount(float(np.nansum(before.total)), int(before.count.sum())),
        f"the {period.days} days before" if period.days > 1 else "the day before",
    )
    return {
        "label": direction.label.capitalize(),
        "figure": energy(total),
        "unit": one.register.code.unit,
        "change": change,
        "spark": spark(one.buckets.values[:: max(1, len(one.buckets) // 120)].tolist()),
        "role": ROLES.get(direction, "net"),
    }


def _completeness_tile(main: Sequence[RegisterReadings], period: Period) -> dict[str, Any]:
    count = sum(int(one.buckets.count.sum()) for one in main)
    expected = sum(int(one.buckets.expected.sum()) for one in main)
    missing = max(expected - count, 0)
    words = f"{figure(missing)} of {figure(expected)} intervals missing" if missing else ""
    return {
        "label": "Complete",
        "figure": figure(100 * min(count / expected, 1), 1) if expected else "–",
        "unit": "%",
        "change": words or ("nothing missing" if expected else ""),
    }


def _curve(one: RegisterReadings, *, as_power: bool) -> Curve:
    code = one.register.code
    role = ROLES.get(code.direction, "net")
    label = code.direction.label.capitalize() if one.register.is_main_energy else code.label
    if as_power and code.is_summable:
        unit = code.unit.removesuffix("h")
        return Curve(label, role, unit, one.buckets, mean_power(one.buckets))
    return Curve(label, role, code.unit, one.buckets, one.buckets.values)


def _charts(
    found: Sequence[RegisterReadings],
    main: Sequence[RegisterReadings],
    series: Mapping[int, Series],
    period: Period,
) -> list[Chart]:
    shown = main or found
    if not shown:
        return []
    charts = []
    if period.resolution.is_calendar:
        charts.append(_bars_chart("curve", [_curve(one, as_power=False) for one in shown], period))
    else:
        charts.append(_curve_chart(shown, period))
        if period.days > 1 and main:
            query = period.with_resolution("P1D" if period.days <= 62 else "P1W")
            daily = readings([one.register for one in main], query)
            bars = [_curve(one, as_power=False) for one in daily]
            charts.append(_bars_chart("bars", bars, period, str(query.resolution)))
    for one in main:
        own = series.get(one.register.pk)
        if own is not None and len(own) and period.days >= 7:
            charts.append(_typical_chart(one.register, own, period))
    return charts


def _curve_chart(shown: Sequence[RegisterReadings], period: Period) -> Chart:
    curves = [_curve(one, as_power=True) for one in shown]
    gaps = _gaps(shown[0])
    notes = _gap_words(gaps, shown[0], period)
    straddling = sum(one.buckets.straddling for one in shown)
    if straddling:
        notes.append(
            f"{figure(straddling)} intervals reach beyond the piece in which they start and are "
            "counted there."
        )
    quantity = "Mean power" if curves[0].unit == "kW" else curves[0].label
    return Chart(
        "curve",
        "Load curve",
        f"{quantity} of {_name(str(period.resolution))} · {period.words}",
        load_curve(curves, period.zone, str(period.resolution), gaps),
        legend=_curve_legend(curves, gaps),
        notes=notes,
    )


def _bars_chart(key: str, curves: Sequence[Curve], period: Period, resolution: str = "") -> Chart:
    resolution = resolution or str(period.resolution)
    incomplete = int((curves[0].buckets.count < curves[0].buckets.expected).sum())
    name = _name(resolution)
    notes = []
    if incomplete:
        notes.append(f"{incomplete} of {len(curves[0].buckets)} {name} lack readings.")
    return Chart(
        key,
        f"Energy by {name.removesuffix('s')}",
        f"Local {name}, {period.zone.name} · {period.words}",
        energy_bars(curves, period.zone, resolution),
        size="low",
        legend=_legend(curves),
        notes=notes,
    )


def _typical_chart(register: Register, series: Series, period: Period) -> Chart:
    code = register.code
    role = ROLES.get(code.direction, "net")
    return Chart(
        f"typical-{register.pk}",
        f"A usual day, {code.direction.label.lower()}",
        f"Mean power by local time, with the range of 80 % of weekdays · {period.words}",
        typical_day_curve(typical_day(series, period.zone), role),
        size="low",
        legend=[
            {"role": role, "label": "Weekdays"},
            {"role": "comparison", "label": "Weekends"},
        ],
    )


def _name(resolution: str) -> str:
    return NAMES.get(resolution, resolution)


def _legend(curves: Sequence[Curve]) -> list[dict[str, str]]:
    """Name the curves, where there are several."""
    return [{"role": c.role, "label": c.label} for c in curves] if len(curves) > 1 else []


def _curve_legend(curves: Sequence[Curve], gaps: Sequence[tuple[int, int]]) -> list[dict[str, str]]:
    legend = _legend(curves)
    if any({"estimated", "substituted", "provisional"} & set(c.buckets.qualities) for c in curves):
        legend.append({"role": "estimated", "label": "Estimated"})
    if gaps:
        legend.append({"role": "missing", "label": "No readings"})
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
        words.append(
            f"No readings from {local(begin, period.zone)} to {local(end, period.zone)} "
            f"({figure(count)} interval{'s' if count != 1 else ''})."
        )
    if len(gaps) > len(longest):
        words.append(f"{len(gaps) - len(longest)}{THIN}more gaps are shorter.")
    return words
