"""What the page of one meter shows: its load curve, its days, a usual day, and facts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from analytics.figures.curves import spark, typical_day_curve
from analytics.figures.roles import role_of
from analytics.fitting import read_fitting
from analytics.methods.key_figures import base_load, peak
from analytics.methods.load import Load
from analytics.methods.statistics import typical_day
from analytics.pages.cards import Chart, completeness_tile, days_before, named_within
from analytics.pages.meter.choice import TIMES, Choice, offered, read_choice
from analytics.pages.meter.comparison import compare
from analytics.pages.meter.curve_card import bars_chart, curve_card, curve_of
from analytics.pages.meter.zoom import is_whole, read_zoom
from analytics.pages.meter_rows import STATE_KINDS
from analytics.period import Period, read_period
from meters.health import MeterHealth, health
from meters.models import Meter, Register
from meters.obis import Direction
from meters.profiles import first_reading, read_days, read_totals
from meters.readings import RegisterReadings, readings
from meters.series import Series
from meters.templatetags.units import Amount, change_in_words, energy, figure, local
from meters.zones import DAY, epoch_day


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
    asked = _asked(meter, parameters, now)
    found, period = read_fitting(asked.registers, asked.period)
    main = [one for one in found if one.register.is_main_energy]
    loads = _loads(meter, [one.register for one in main], period)
    shown = main or found
    asked = replace(asked, period=period, view=period if asked.is_whole else asked.view)
    find = parameters.get("find", "")
    meters, more = offered(meter, asked.choice, find)
    card = _card(asked, parameters, shown if asked.is_whole else None)
    curve = card["curve"]
    return {
        **card,
        "state_kind": STATE_KINDS[asked.state.state],
        "tiles": _tiles(meter, main, loads, period),
        "charts": [curve.chart, *_charts(main, loads, period)] if curve else [],
        "times": {value: _(label) for value, label in TIMES.items()},
        "meters": meters,
        "find": find,
        "can_search": more or bool(find),
    }


def meter_card(meter: Meter, parameters: Mapping[str, str], now: int) -> dict[str, Any]:
    """Put the card of the curve together alone, for a page that has the rest already."""
    return _card(_asked(meter, parameters, now), parameters, None)


@dataclass(frozen=True)
class _Asked:
    """What the address asks for.

    Attributes
    ----------
    period, view
        The page's range, and the stretch of it that the curve shows.
    choice
        What the curve is compared with.
    """

    meter: Meter
    registers: Sequence[Register]
    state: MeterHealth
    period: Period
    view: Period
    choice: Choice

    @property
    def is_whole(self) -> bool:
        return is_whole(self.view, self.period)


def _asked(meter: Meter, parameters: Mapping[str, str], now: int) -> _Asked:
    registers = list(meter.registers.all())
    for register in registers:
        register.meter = meter
    keys = [register.pk for register in registers]
    state = health([meter], now)[meter.pk]
    finest = min((register.interval or 900 for register in registers), default=900)
    period = read_period(
        parameters,
        zone=meter.zone,
        now=now,
        first=first_reading(keys) if keys else None,
        last_end=state.last_end,
        finest=finest,
    )
    choice = read_choice(parameters.get("compare", ""), meter)
    view, warning = read_zoom(parameters.get("zoom", ""), period, finest)
    period = replace(
        period,
        warnings=tuple(filter(None, (*period.warnings, choice.warning, warning))),
        kept=(("compare", choice.text),) if choice else (),
    )
    if is_whole(view, period):
        view = period
    return _Asked(meter, registers, state, period, view, choice)


def _card(
    asked: _Asked, parameters: Mapping[str, str], shown: Sequence[RegisterReadings] | None
) -> dict[str, Any]:
    """Put together what depends on the stretch that is shown.

    Parameters
    ----------
    shown
        The registers of the curve over it; read where None.
    """
    view = asked.view
    if shown is None:
        main = [one for one in asked.registers if one.is_main_energy]
        shown, view = read_fitting(main or asked.registers, view)
    comparison = compare(asked.choice, shown, asked.period, view)
    page = parameters.get("page", "1") if parameters.get("table") else None
    has_curve = shown and asked.state.last_end
    return {
        "meter": asked.meter,
        "facts": [(one.obis, _described(one)) for one in asked.registers],
        "state": asked.state,
        "period": asked.period,
        "choice": asked.choice,
        "curve": curve_card(asked.meter, shown, asked.period, view, comparison, page)
        if has_curve
        else None,
    }


def _described(register: Register) -> str:
    """Say what a register counts, and how often it is read."""
    label = register.code.label
    if not register.interval:
        return label
    minutes = register.interval // 60
    return ngettext("{label}, every minute", "{label}, every {minutes} minutes", minutes).format(
        label=label, minutes=minutes
    )


def _loads(meter: Meter, registers: Sequence[Register], period: Period) -> dict[int, Load]:
    """Read the raw intervals of the period, for what can't be told from buckets."""
    if not registers or period.days > 3 * 366:
        return {}
    table = read_days(
        [register.pk for register in registers], period.start // DAY - 1, period.end // DAY + 1
    )
    return {
        register.pk: Load.of(
            Series.of_days(table.of_register(register.pk), meter.zone).within(
                period.start, period.end
            ),
            meter.zone,
            register.code,
        )
        for register in registers
    }


def _tiles(
    meter: Meter,
    main: Sequence[RegisterReadings],
    loads: Mapping[int, Load],
    period: Period,
) -> list[dict[str, Any]]:
    tiles = [_energy_tile(meter, one, period) for one in main[:2]]
    if main:
        one = main[0]
        own = loads.get(one.register.pk)
        highest, base = (peak(own), base_load(own)) if own is not None else (None, None)
        tiles.append(
            {
                "label": _("Peak power"),
                "figure": figure(highest.power, 2) if highest else "–",
                "unit": "kW",
                "change": local(highest.instant, meter.zone) if highest else "",
            }
        )
        if len(tiles) < 3 and one.register.code.direction is Direction.IMPORT:
            tiles.append(
                {
                    "label": _("Base load"),
                    "figure": figure(base, 3),
                    "unit": "kW",
                    "change": _("exceeded 95 % of a usual day") if base is not None else "",
                }
            )
    tiles.append(_completeness_tile(main, period))
    return tiles


def _energy_tile(meter: Meter, one: RegisterReadings, period: Period) -> dict[str, Any]:
    direction = one.register.code.direction
    total = one.buckets.total
    start, _end = period.before
    before = read_totals(
        [one.register.pk], epoch_day(meter.zone.date_at(start)), epoch_day(period.first_day) - 1
    )
    change = change_in_words(
        Amount(total or 0.0, int(one.buckets.count.sum())),
        Amount(float(np.nansum(before.total)), int(before.count.sum())),
        days_before(period.days),
    )
    return {
        "label": direction.label,
        "figure": energy(total),
        "unit": one.register.code.unit,
        "change": change,
        "spark": spark(one.buckets.values[:: max(1, len(one.buckets) // 120)].tolist()),
        "role": role_of(direction),
    }


def _completeness_tile(main: Sequence[RegisterReadings], period: Period) -> dict[str, Any]:
    count = sum(int(one.buckets.count.sum()) for one in main)
    expected = sum(int(one.buckets.expected.sum()) for one in main)
    return completeness_tile(count, expected, max(expected - count, 0))


def _charts(
    main: Sequence[RegisterReadings], loads: Mapping[int, Load], period: Period
) -> list[Chart]:
    """Draw what stands below the curve: the energy of each day or week, and a usual day."""
    charts = []
    if period.days > 1 and main and not period.resolution.is_calendar:
        query = period.with_resolution("P1D" if period.days <= 62 else "P1W")
        daily = readings([one.register for one in main], query)
        bars = [curve_of(one, as_power=False) for one in daily]
        charts.append(bars_chart("bars", bars, period, str(query.resolution)))
    for one in main:
        own = loads.get(one.register.pk)
        if own is not None and own.count and period.days >= 7:
            charts.append(_typical_chart(one.register, own, period))
    return charts


def _typical_chart(register: Register, load: Load, period: Period) -> Chart:
    code = register.code
    role = role_of(code.direction)
    words = _("Mean power by local time, with the range of 80 % of weekdays")
    return Chart(
        f"typical-{register.pk}",
        _("A usual day, {direction}").format(direction=named_within(code.direction)),
        f"{words} · {period.words}",
        typical_day_curve(typical_day(load), role),
        size="low",
        legend=[
            {"role": role, "label": _("Weekdays")},
            {"role": "comparison", "label": _("Weekends")},
        ],
    )
