"""What is odd right now, in words: meters that are silent, and days far off their usual."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from analytics.energies import Energies
from analytics.pages.cards import named_within
from analytics.pages.oddities import OddDay
from meters.dates import dated, weekday
from meters.health import MeterHealth, State
from meters.models import Meter, Register
from meters.templatetags.units import energy, figure, local

MOST_NAMED = 8


def odd_now(
    meters: Sequence[Meter],
    healths: Mapping[int, MeterHealth],
    days: Sequence[OddDay],
    energies: Energies,
) -> dict[str, Any]:
    """Say what is odd right now: meters that are silent, and days far off their usual."""
    silent = [meter for meter in meters if healths[meter.pk].state is State.SILENT]
    # Whoever fell silent last can be mended soonest.
    silent.sort(key=lambda meter: -(healths[meter.pk].last_end or 0))
    since = _("No readings since {moment}.")
    items = [
        {
            "title": meter.name,
            "words": since.format(moment=local(healths[meter.pk].last_end, meter.zone)),
            "kind": "error",
            "state": State.SILENT.label,
            "url": meter.get_absolute_url(),
        }
        for meter in silent[:MOST_NAMED]
    ]
    registers = {one.pk: one for one in energies.registers}
    items += [_odd_day(one, registers[one.register]) for one in days[:MOST_NAMED]]
    more = []
    if (left := len(silent) - MOST_NAMED) > 0:
        more.append(
            ngettext(
                "{count} more meter is silent.", "{count} more meters are silent.", left
            ).format(count=figure(left))
        )
    if (left := len(days) - MOST_NAMED) > 0:
        more.append(
            ngettext(
                "{count} more had a day far off its usual.",
                "{count} more had a day far off their usual.",
                left,
            ).format(count=figure(left))
        )
    return {"rows": items, "more": more}


def _odd_day(one: OddDay, register: Register) -> dict[str, str]:
    day = date(1970, 1, 1) + timedelta(days=one.day)
    if one.is_weekend:
        basis = _("median of {count} weekend days before")
    else:
        basis = _("median of {count} working days before")
    if one.usual > 0 and one.energy >= one.usual:
        words = _("{day}: {what} of {energy} kWh, {ratio} times the usual {usual} kWh ({basis}).")
    elif one.usual > 0:
        words = _("{day}: {what} of {energy} kWh instead of the usual {usual} kWh ({basis}).")
    else:
        words = _("{day}: {what} of {energy} kWh, where there was nothing before ({basis}).")
    query = urlencode({"start": day, "end": day + timedelta(days=1)})
    return {
        "title": register.meter.name,
        "words": words.format(
            day=_("{weekday} {date}").format(weekday=weekday(day), date=dated(day, "no_year")),
            what=named_within(register.code.direction),
            energy=energy(one.energy),
            ratio=figure(one.energy / one.usual, 1) if one.usual > 0 else "",
            usual=energy(one.usual),
            basis=basis.format(count=one.days),
        ),
        "kind": "warning",
        "state": _("unusual"),
        "url": f"{register.meter.get_absolute_url()}?{query}",
    }
