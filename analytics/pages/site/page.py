"""What the page of a site shows: the meters of one connection point together."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import numpy as np
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from analytics.energies import Energies, Parts, Span, against
from analytics.figures.curves import spark
from analytics.figures.roles import role_of
from analytics.fitting import read_fitting
from analytics.pages.cards import completeness_tile, days_before
from analytics.pages.meter_rows import main_registers, rows_of
from analytics.pages.site.balance import Balance, balance
from analytics.pages.site.roles import Roles, roles_of
from analytics.pages.together import bars_chart, curve_chart, finest_common
from analytics.period import Period, read_period
from meters.combining import Combine, Combined, combined, net
from meters.health import health
from meters.models import Meter, Register, Site
from meters.obis import Direction
from meters.profiles import first_reading, last_reading_ends
from meters.readings import RegisterReadings, readings
from meters.templatetags.units import change_in_words, energy, figure
from meters.wording import listed
from meters.zones import Zone, epoch_day

SPARK_POINTS = 120


def site_page(
    site: Site, meters: Sequence[Meter], tenant_zone: Zone, parameters: Mapping[str, str], now: int
) -> dict[str, Any]:
    """Put the page of a site together, as the template takes it.

    Parameters
    ----------
    meters
        Of the site, with their registers.
    tenant_zone
        On whose clock the page is where its meters are in several zones.
    parameters
        Of the address.
    now
        The present [s].
    """
    zones = {meter.zone for meter in meters}
    registers = main_registers(meters)
    keys = [one.pk for one in registers]
    ends = last_reading_ends(keys) if keys else {}
    period = read_period(
        parameters,
        zone=zones.pop() if len(zones) == 1 else tenant_zone,
        now=now,
        first=first_reading(keys) if keys else None,
        last_end=max(ends.values(), default=None),
        finest=finest_common(registers),
    )
    found, period = read_fitting(registers, period)
    context: dict[str, Any] = {"site": site, "meters": meters, "period": period, "charts": []}
    states = health(meters, now)
    span = epoch_day(period.first_day), epoch_day(period.last_day)
    before = span[0] - period.days, span[0] - 1
    energies = Energies.read(registers, before, span)
    context["rows"] = rows_of(meters, states, energies, span)
    read = {one.meter_id for one in registers}
    context["apart"] = _words_apart([one for one in meters if one.pk not in read])
    if not ends:
        return context
    daily = readings(registers, period.with_resolution("P1D"))
    roles = roles_of(meters, registers)
    parts, produced = _together(found, roles)
    daily_parts, daily_produced = _together(daily, roles)
    counted = Energies([one for one in registers if _counts(one, roles)], energies.totals)
    compared = Parts.read(registers, [span[1], before[1]])
    changes = _changes(counted, compared, span, before, period)
    used = balance(roles, daily, period, min(ends.values()) if len(ends) == len(keys) else 0)
    last = max(ends.values())
    return context | {
        "tiles": _tiles(parts, produced, changes),
        "balance": used,
        "balance_tiles": _balance_tiles(used),
        "charts": [
            curve_chart("curve", _("Load curve"), parts, period, last, _notes(roles), produced),
            bars_chart("bars", daily_parts, period, daily_produced),
        ],
        "api_query": _api_query(site, roles, period),
    }


def _counts(register: Register, roles: Roles | str) -> bool:
    """Whether a register counts for import and export of the site.

    Where the meter at the connection is known, what others produce behind it is counted there as
    far as it leaves the site, and must not be counted twice.
    """
    return isinstance(roles, str) or register.meter_id == roles.connection.pk


def _together(
    found: Sequence[RegisterReadings], roles: Roles | str
) -> tuple[list[Combined], Combined | None]:
    """Put registers together: import and export of the site, and production apart."""
    parts = combined([one for one in found if _counts(one.register, roles)], Combine.SUM)
    if isinstance(roles, str):
        return parts, None
    made = {one.pk for one in roles.production}
    [produced] = combined([one for one in found if one.register.meter_id in made], Combine.SUM)
    return parts, produced


def _notes(roles: Roles | str) -> list[str]:
    if isinstance(roles, str):
        return []
    words = _(
        "Import and export are counted at the connection by {connection}, production by {names}."
    )
    names = listed([one.name for one in roles.production])
    return [words.format(connection=roles.connection.name, names=names)]


def _changes(
    energies: Energies, parts: Parts, span: Span, before: Span, period: Period
) -> dict[Direction, str]:
    words = days_before(period.days)
    return {
        direction: change_in_words(
            *against(energies, parts, direction, span, before, before[1]), words
        )
        for direction in (Direction.IMPORT, Direction.EXPORT)
    }


def _tiles(
    parts: Sequence[Combined], produced: Combined | None, changes: Mapping[Direction, str]
) -> list[dict[str, Any]]:
    tiles = [_energy_tile(one, changes.get(one.direction, "")) for one in parts]
    if len(parts) > 1:
        one = net(parts)
        total = one.buckets.total
        # Of meters of which nobody knows where they stand only the figures are known.
        words = _("import less export of all meters")
        if produced is not None and (total or 0) >= 0:
            words = _("on balance drawn from the grid")
        elif produced is not None:
            words = _("on balance fed into the grid")
        tiles.append(_energy_tile(one, words if total is not None else ""))
    parts = [*parts, produced] if produced is not None else parts
    count = sum(int(one.buckets.count.sum()) for one in parts)
    expected = sum(int(one.buckets.expected.sum()) for one in parts)
    missing = sum(
        int(np.maximum(one.buckets.expected - one.buckets.count, 0).sum()) for one in parts
    )
    tiles.append(completeness_tile(count, expected, missing))
    return tiles


def _energy_tile(one: Combined, change: str) -> dict[str, Any]:
    buckets = one.buckets
    shown = buckets.values[:: max(1, len(buckets) // SPARK_POINTS)]
    label = _("Net") if one.direction is Direction.NET else one.direction.label
    return {
        "label": label,
        "figure": energy(buckets.total),
        "unit": one.unit,
        "change": change,
        "spark": spark(shown.tolist()) if one.direction is not Direction.NET else None,
        "role": role_of(one.direction),
    }


def _balance_tiles(used: Balance | None) -> list[dict[str, str]]:
    if used is None or used.result is None or used.result.consumption is None:
        return []
    one = used.result
    shares = [
        (_("Self-consumption"), one.consumption, _("of the production was used on site")),
        (_("Self-sufficiency"), one.sufficiency, _("of the use came from the production")),
    ]
    tiles = [
        {"label": label, "figure": figure(100 * share, 1), "unit": "%", "change": words}
        for label, share, words in shares
        if share is not None
    ]
    amounts = [(_("Production"), one.produced), (_("Used in all"), one.used)]
    return tiles + [
        {"label": label, "figure": energy(amount), "unit": "kWh", "change": ""}
        for label, amount in amounts
    ]


def _api_query(site: Site, roles: Roles | str, period: Period) -> str:
    which = {"site": site.name}
    if isinstance(roles, Roles):
        which = {"meter": str(roles.connection.muid)}
    return urlencode(
        {
            **which,
            "combine": "sum",
            "start": period.zone.at(period.start).isoformat(),
            "end": period.zone.at(period.end).isoformat(),
            "resolution": str(period.resolution),
            "timezone": period.zone.name,
        }
    )


def _words_apart(meters: Sequence[Meter]) -> str:
    """Name the meters that count no energy by intervals, and so add nothing to the figures."""
    if not meters:
        return ""
    return ngettext(
        "{names} counts no energy by intervals and adds nothing to these figures.",
        "{names} count no energy by intervals and add nothing to these figures.",
        len(meters),
    ).format(names=", ".join(one.name for one in meters))
