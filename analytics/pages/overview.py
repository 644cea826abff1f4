"""What the overview of a tenant shows: energy in and out, meters by state, what is odd."""

import calendar
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from analytics.energies import Energies, Parts, Span, against
from analytics.pages.cards import Chart, days_before
from analytics.pages.meter_rows import INCOMPLETE, filters, is_in, main_registers, rows_of
from analytics.pages.odd_now import odd_now
from analytics.pages.oddities import NEWS_DAYS, USUAL_DAYS, odd_days
from analytics.pages.site.roles import behind_connections
from analytics.pages.together import bars_chart, curve_chart, day_grid, finest_common, from_days
from analytics.period import MONTH, WEEK, YEAR, YESTERDAY, Period, read_period
from meters.combining import Combined
from meters.grid import finest_for
from meters.health import (
    MeterHealth,
    State,
    days_looked_at,
    health_of,
    registers_of,
    states,
)
from meters.models import Meter, Register
from meters.obis import Direction
from meters.profiles import DayTotals, read_totals_within
from meters.readings import TooFineError
from meters.summing import summed
from meters.templatetags.units import change_in_words, energy, figure, percent
from meters.zones import DAY, Zone, epoch_day

DIRECTIONS = {Direction.IMPORT: "import", Direction.EXPORT: "export"}
MOST_ROWS = 10
# Each is compared with as many days before it; before all there is comes nothing.
OFFERED = (YESTERDAY, WEEK, MONTH, YEAR)
# Above so many values the curve is drawn by day: those of a thousand meters and a month would be
# 2.7 million.
MOST_VALUES = 1_000_000
MOST_POINTS = 3_000
STATE_LINKS = {
    "fresh": "ok",
    "late": "warning",
    "silent": "error",
    INCOMPLETE: "warning",
    "empty": "idle",
}


@dataclass(frozen=True)
class _Now:
    """What the present day and the range are measured by: spans of local days, and where they lie.

    Attributes
    ----------
    today
        As days since 1970-01-01.
    month, month_before
        Up to today, and up to the same day of the month before, which may have had no such day.
    shown, shown_before
        The range, and as many days before it.
    """

    today: int
    month: Span
    month_before: Span
    like: int
    shown: Span
    shown_before: Span

    @classmethod
    def of(cls, period: Period) -> "_Now":
        day = period.zone.date_at(period.now)
        today = epoch_day(day)
        last_month = date(day.year, day.month, 1) - timedelta(days=1)
        length = calendar.monthrange(last_month.year, last_month.month)[1]
        month_began = epoch_day(last_month) + 1
        first, last = epoch_day(period.first_day), epoch_day(period.last_day)
        n = last - first + 1
        return cls(
            today,
            (month_began, today),
            (month_began - length, month_began - length + min(day.day, length) - 1),
            month_began - length + day.day - 1 if day.day <= length else month_began,
            (first, last),
            (first - n, first - 1),
        )

    @property
    def recent(self) -> Span:
        """What today, this month and the usual days are told from."""
        usual = self.today - NEWS_DAYS - USUAL_DAYS
        return min(self.month_before[0], usual, self.today - 1), self.today

    @property
    def summed(self) -> list[Span]:
        """Days of which energy is told."""
        return [self.recent, (self.shown_before[0], self.shown[1])]

    @property
    def opened(self) -> list[int]:
        """Days whose values are looked at: those that may be cut short, and their counterparts."""
        return [self.today, self.today - 1, self.like, self.shown[1], self.shown_before[1]]


def overview(
    meters: Sequence[Meter], zone: Zone, parameters: Mapping[str, str], now: int
) -> dict[str, Any]:
    """Put the overview together, as the template takes it, with four questions to the database.

    Parameters
    ----------
    meters
        All of the tenant, with their registers.
    zone
        The tenant's.
    parameters
        Of the address.
    now
        The present [s].
    """
    known = states(meters, now)
    last = max((end for _, end in known.values() if end), default=None)
    period = read_period(
        {key: parameters[key] for key in ("range", "start", "end") if key in parameters},
        zone=zone,
        now=now,
        first=None,
        last_end=last,
        offered=OFFERED,
    )
    spans = _Now.of(period)
    registers = main_registers(meters)
    totals = _totals(meters, registers, spans, now)
    healths = health_of(meters, known, totals, now)
    energies = Energies.of_totals(registers, totals, *spans.summed)
    parts = Parts.read(registers, spans.opened)
    # What is produced behind a site's connection is counted there as far as it leaves the site.
    behind = behind_connections(meters, registers)
    counted = Energies([one for one in registers if one.meter_id not in behind], energies.totals)
    reading = counted.reading(spans.shown)
    by_days = from_days(reading, spans.shown, day_grid(period), now)
    rows = rows_of(meters, healths, energies, spans.shown)
    return {
        "period": period,
        "tiles": _tiles(period, spans, counted, parts),
        "states": _states(healths),
        "completeness": _completeness(healths),
        "charts": _charts(
            reading.registers, period, by_days, last, _unread(counted.registers, reading)
        ),
        "odd": odd_now(meters, healths, odd_days(energies.totals, spans.today), energies),
        "rows": sorted(rows, key=lambda row: -row.size)[:MOST_ROWS]
        if len(rows) > MOST_ROWS
        else rows,
    }


def _totals(
    meters: Sequence[Meter], registers: Sequence[Register], spans: _Now, now: int
) -> DayTotals:
    """Read what the energy of main registers and the completeness of all are told from, at once."""
    main = [one.pk for one in registers]
    others = {one.pk for one in registers_of(meters)} - set(main)
    recent = days_looked_at(now)
    return read_totals_within((main, [*spans.summed, recent]), (sorted(others), [recent]))


def _tiles(period: Period, spans: _Now, energies: Energies, parts: Parts) -> list[dict[str, Any]]:
    """Energy in and out of today, this month and the range, each beside the same part before."""
    n = period.days
    before = _("the week before") if n == 7 else days_before(n)
    today, yesterday = (spans.today, spans.today), (spans.today - 1, spans.today - 1)
    columns = [
        (_("Today"), _("yesterday by then"), today, yesterday, spans.today - 1),
        (_("This month"), _("last month by then"), spans.month, spans.month_before, spans.like),
        (_range_label(period), before, spans.shown, spans.shown_before, spans.shown_before[1]),
    ]
    tiles = []
    for label, words, now, earlier, like in columns:
        lines = []
        for direction, role in DIRECTIONS.items():
            if not energies.keys(direction):
                continue
            total, compared = against(energies, parts, direction, now, earlier, like)
            lines.append(
                {
                    "label": direction.label,
                    "role": role,
                    "figure": energy(total.value if total.count else None),
                    "unit": "kWh",
                    "change": change_in_words(total, compared, words)
                    if total.count
                    else _("no readings yet"),
                }
            )
        tiles.append({"label": label, "lines": lines})
    return tiles


def _range_label(period: Period) -> str:
    """Say which days the range is, where it is not the one that ends with the latest readings."""
    if not period.preset or period.days == 1:
        return period.words
    return ngettext("{days} day", "{days} days", period.days).format(days=period.days)


def _states(healths: Mapping[int, MeterHealth]) -> list[dict[str, Any]]:
    """Count meters by state, each a link to those meters."""
    found, labels = [], filters()
    for name, kind in STATE_LINKS.items():
        count = sum(is_in(one, name) for one in healths.values())
        if count or name == "fresh":
            url = f"{reverse('analytics:meters')}?{urlencode({'state': name})}"
            found.append({"label": labels[name], "kind": kind, "count": figure(count), "url": url})
    return found


def _completeness(healths: Mapping[int, MeterHealth]) -> str:
    in_use = [one for one in healths.values() if one.state in {State.FRESH, State.LATE}]
    count, expected = sum(one.count for one in in_use), sum(one.expected for one in in_use)
    if not expected:
        return ""
    words = _("{share} of the intervals of the last 30 days are there.")
    return words.format(share=percent(min(count / expected, 1), 1))


def _charts(
    registers: Sequence[Register],
    period: Period,
    by_days: list[Combined],
    last_end: int | None,
    unread: str,
) -> list[Chart]:
    """The curve of all meters together, as fine as it is quick, and their days as bars."""
    curve = _fine(registers, period) or by_days
    if not curve:
        return []
    notes = [unread] if unread else []
    if curve is by_days and not period.resolution.is_calendar:
        notes.append(_("Shorter ranges are drawn finer."))
    return [
        curve_chart("curve", _("Load curve of all meters"), curve, period, last_end, notes),
        bars_chart("energy", by_days, period),
    ]


def _unread(registers: Sequence[Register], reading: Energies) -> str:
    """Say how many meters are left out of the curve: they have not read at all in the range."""
    every = {one.meter_id for one in registers}
    silent = len(every - {one.meter_id for one in reading.registers})
    if not silent:
        return ""
    return ngettext(
        "{silent} of {all} meters has no readings in this range.",
        "{silent} of {all} meters have no readings in this range.",
        silent,
    ).format(silent=figure(silent), all=figure(len(every)))


def _fine(registers: Sequence[Register], period: Period) -> list[Combined]:
    """Read the curve by intervals, where that is not too much."""
    interval = finest_common(registers)
    length = period.end - period.start
    resolution = finest_for(interval, length, MOST_POINTS)
    if resolution.seconds >= DAY or len(registers) * length // interval > MOST_VALUES:
        return []
    try:
        return summed(registers, period.with_resolution(str(resolution)))
    except TooFineError:
        # What registers are known for today need not be what they were in the range.
        return []
