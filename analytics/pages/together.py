"""Several meters as one, as charts: import, export, and import less export."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from analytics.energies import Energies, Span
from analytics.figures.curves import Curve, energy_bars, load_curve, runs_of
from analytics.figures.roles import role_of
from analytics.pages.cards import Chart, straddling_words
from analytics.period import Period
from analytics.resolutions import energy_by, local_pieces, quantity_of
from meters.combining import Combined, net
from meters.days import Floats, Ints, Mask
from meters.grid import Grid, Resolution
from meters.language import N_
from meters.models import Register
from meters.obis import Direction
from meters.series import Buckets, Statistic
from meters.summing import expected_of
from meters.templatetags.units import figure
from meters.zones import DAY

HOUR = 3600

DIRECTIONS = (Direction.IMPORT, Direction.EXPORT)
# Where more than this share of the intervals is missing, the sum lies visibly too low.
MOST_MISSING = 0.1
ESTIMATES = {"estimated", "substituted", "provisional"}
# How a curve of production is called, and which role it has.
PRODUCTION, PRODUCTION_ROLE = N_("Production"), "comparison"
# So many bars are told apart.
MOST_DAYS, MOST_WEEKS = 62, 366


def finest_common(registers: Sequence[Register]) -> int:
    """Return the shortest time that holds whole intervals of all registers [s]; an hour at most."""
    common = math.lcm(*{one.interval or 900 for one in registers})
    return common if HOUR % common == 0 else HOUR


def day_grid(period: Period) -> Grid:
    return Grid(period.start, period.end, Resolution.parse("P1D"), period.zone)


def from_days(energies: Energies, span: Span, grid: Grid, now: int) -> list[Combined]:
    """Put all registers together by day, each by its own local days.

    Parameters
    ----------
    grid
        The days of the page's zone.
    now
        The present [s].
    """
    found = []
    # A date that does not exist in the page's zone has no bucket: it counts in the one before.
    dates = grid.edges[:-1] + grid.zone.offsets(grid.edges[:-1])
    days = np.arange(span[0], span[1] + 1)
    where = np.maximum(np.searchsorted(dates // DAY, days, side="right") - 1, 0)
    n = len(grid)
    for direction in DIRECTIONS:
        own = energies.of(direction)
        energy, count = energies.days(direction, span)
        if not count.any():
            continue
        counted = np.bincount(where, count, minlength=n).astype(np.int64)
        values = np.bincount(where, np.nan_to_num(energy), n).astype(np.float64)
        buckets = Buckets(
            edges=grid.edges,
            values=np.where(counted > 0, values, np.nan),
            count=counted,
            expected=expected_of(energies.totals, own, grid, now),
            qualities={"unspecified": counted},
            statistic=Statistic.SUM,
        )
        found.append(Combined(direction, len(own), buckets, own[0].code.unit))
    return found


def coarser(parts: Sequence[Combined], period: Period) -> tuple[list[Combined], str]:
    """Add days up to bars of which there are not too many; say of which length."""
    text = "P1D" if period.days <= MOST_DAYS else "P1W" if period.days <= MOST_WEEKS else "P1M"
    grid = Grid(period.start, period.end, Resolution.parse(text), period.zone)
    return [replace(one, buckets=_added_up(one.buckets, grid)) for one in parts], text


def _added_up(days: Buckets, grid: Grid) -> Buckets:
    n = len(grid)
    where = grid.locate(days.edges[:-1])

    def added(numbers: Ints) -> Ints:
        return np.bincount(where, numbers, minlength=n).astype(np.int64)

    count = added(days.count)
    values = np.bincount(where, np.nan_to_num(days.values), minlength=n)
    return Buckets(
        edges=grid.edges,
        values=np.where(count > 0, values, np.nan),
        count=count,
        expected=added(days.expected),
        qualities={name: added(number) for name, number in days.qualities.items()},
        statistic=Statistic.SUM,
    )


def with_net(parts: Sequence[Combined]) -> list[Combined]:
    """Add import less export, where there are both."""
    return [*parts, net(parts)] if len(parts) > 1 else list(parts)


def power(buckets: Buckets, last_end: int | None) -> Floats:
    """Turn energy [kWh] into mean power [kW] over each bucket.

    Parameters
    ----------
    last_end
        When the latest reading of all ends [s]: the bucket in which it lies lasts until then.
    """
    ends = buckets.edges[1:]
    if last_end is not None:
        ends = np.where(buckets.edges[:-1] < last_end, np.minimum(ends, last_end), ends)
    mean: Floats = buckets.values * 3600.0 / (ends - buckets.edges[:-1])
    return mean


def curve_chart(
    key: str,
    title: str,
    parts: Sequence[Combined],
    period: Period,
    last_end: int | None,
    notes: Sequence[str] = (),
    production: Combined | None = None,
) -> Chart:
    """Draw mean power over time: import, export and net, and what is produced behind them."""
    shown = with_net(parts)
    resolution = _resolution(shown[0].buckets, period)
    # Where nothing is fed in, net is import: it lies below, so that both are seen.
    curves = [
        Curve(_label(one), role_of(one.direction), "kW", one.buckets, power(one.buckets, last_end))
        for one in sorted(shown, key=lambda one: one.direction is not Direction.NET)
    ]
    legend = _legend(shown)
    if production is not None:
        drawn = power(production.buckets, last_end)
        label = _(PRODUCTION)
        curves.insert(0, Curve(label, PRODUCTION_ROLE, "kW", production.buckets, drawn))
        legend.append({"role": PRODUCTION_ROLE, "label": label})
        parts = [*parts, production]
    gaps = _gaps(parts)
    if any(ESTIMATES & set(one.buckets.qualities) for one in shown):
        legend.append({"role": "estimated", "label": _("Estimated")})
    if gaps:
        legend.append({"role": "missing", "label": _("Readings missing")})
    straddling = sum(one.buckets.straddling for one in parts)
    if straddling:
        notes = [*notes, straddling_words(straddling)]
    return Chart(
        key,
        title,
        quantity_of(_("Mean power"), resolution) + f" · {period.words}",
        load_curve(curves, period.zone, resolution, gaps),
        legend=legend,
        notes=[*_missing_words(parts), *notes],
    )


def bars_chart(
    key: str, by_days: Sequence[Combined], period: Period, production: Combined | None = None
) -> Chart:
    """Draw energy by day, or by week or month where the range is long."""
    parts, resolution = coarser(by_days, period)
    curves = [
        Curve(_label(one), role_of(one.direction), "kWh", one.buckets, one.buckets.values)
        for one in parts
    ]
    legend = _legend(parts)
    if production is not None:
        [made], _resolution = coarser([production], period)
        label = _(PRODUCTION)
        curves.append(Curve(label, PRODUCTION_ROLE, "kWh", made.buckets, made.buckets.values))
        legend.append({"role": PRODUCTION_ROLE, "label": label})
    return Chart(
        key,
        energy_by(resolution),
        f"{local_pieces(resolution)} · {period.words}",
        energy_bars(curves, period.zone, resolution),
        size="low",
        legend=legend if len(legend) > 1 else [],
    )


def _resolution(buckets: Buckets, period: Period) -> str:
    """Name the resolution of buckets by the usual length of one."""
    lengths = np.diff(buckets.edges)
    usual = int(np.median(lengths))
    return "P1D" if usual >= 20 * 3600 else str(Resolution.of_seconds(usual))


def _label(one: Combined) -> str:
    return one.direction.label


def _legend(parts: Sequence[Combined]) -> list[dict[str, str]]:
    return [{"role": role_of(one.direction), "label": _label(one)} for one in parts]


def lacking(parts: Sequence[Combined]) -> Mask:
    """Say of each bucket whether so much is missing that its sum lies too low."""
    count = sum(one.buckets.count for one in parts)
    expected = sum(one.buckets.expected for one in parts)
    mask: Mask = np.asarray(count < (1 - MOST_MISSING) * np.asarray(expected))
    return mask


def _gaps(parts: Sequence[Combined]) -> list[tuple[int, int]]:
    edges = parts[0].buckets.edges
    return [(int(edges[begin]), int(edges[end])) for begin, end in runs_of(lacking(parts))]


def _missing_words(parts: Sequence[Combined]) -> list[str]:
    """Say how much of the curve is missing."""
    count = sum(int(one.buckets.count.sum()) for one in parts)
    expected = sum(int(one.buckets.expected.sum()) for one in parts)
    missing = sum(
        int(np.maximum(one.buckets.expected - one.buckets.count, 0).sum()) for one in parts
    )
    if not missing or count >= expected:
        return []
    if lacking(parts).any():
        words = ngettext(
            "{missing} of {expected} intervals is missing; where more than a tenth is, the curve "
            "lies too low and is shaded.",
            "{missing} of {expected} intervals are missing; where more than a tenth is, the curve "
            "lies too low and is shaded.",
            missing,
        )
    else:
        words = ngettext(
            "{missing} of {expected} intervals is missing.",
            "{missing} of {expected} intervals are missing.",
            missing,
        )
    return [words.format(missing=figure(missing), expected=figure(expected))]
