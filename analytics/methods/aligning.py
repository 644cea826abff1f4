"""Buckets of one range laid upon another, by what the clock on the wall shows.

A quarter-hour from 10:00 stands on a quarter-hour from 10:00, whatever the clocks did between the
two ranges. An hour that only one of the ranges has (it is repeated in autumn, left out in spring)
has no counterpart: it is not drawn rather than drawn twice or beside its place.
"""

import itertools
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from meters.days import Floats, Ints, Mask
from meters.localtime import wall
from meters.series import Buckets, Statistic
from meters.zones import DAY, Days, Zone


def shifted(instant: int, zone: Zone, days: int) -> int:
    """Return the instant with the same wall time, days later or earlier (below 0) [s].

    Of a time that the clock shows twice, the first; one that it leaves out, as if it had not yet
    been changed.
    """
    local = datetime.fromtimestamp(instant + zone.offset_at(instant) + days * DAY, UTC)
    return int(local.replace(tzinfo=zone.info).timestamp())


def laid_over(starts: Ints, zone: Zone, days: int, begin: int, end: int) -> Ints:
    """Say where instants stand in ``[begin, end)`` so many days later by the clock on the wall.

    Parameters
    ----------
    starts
        Instants [s], shape ``(n,)``.

    Returns
    -------
    Instants [s], shape ``(n,)``; −1 where the range has no such time.
    """
    if not days:
        found = starts.copy()
    else:
        walls = starts + zone.offsets(starts) + days * DAY
        found = instants_of(walls, _repeated(starts, zone), zone, begin - DAY, end + DAY)
    return np.where((found >= begin) & (found < end), found, -1)


def instants_of(walls: Ints, repeated: Mask, zone: Zone, begin: int, end: int) -> Ints:
    """Return when the clock shows wall times within ``[begin, end)``.

    Parameters
    ----------
    walls
        Wall times as seconds since 1970-01-01T00:00 local, shape ``(n,)``.
    repeated
        Whether the second time is meant, of a time that the clock shows twice, shape ``(n,)``.

    Returns
    -------
    Instants [s], shape ``(n,)``; −1 where the clock does not show it, or not a second time.
    """
    found = np.full(len(walls), -1, dtype=np.int64)
    seen = np.zeros(len(walls), dtype=np.int64)
    for piece in zone.segments(begin, end):
        instants = walls - piece.offset
        there = (instants >= piece.start) & (instants < piece.end)
        hit = there & (seen == repeated)
        found[hit] = instants[hit]
        seen += there
    return found


def _repeated(instants: Ints, zone: Zone) -> Mask:
    """Say whether the clock has shown an instant's wall time before."""
    found = np.zeros(len(instants), dtype=bool)
    if not len(instants):
        return found
    pieces = zone.segments(int(instants[0]) - 2 * DAY, int(instants[-1]) + 1)
    for before, after in itertools.pairwise(pieces):
        back = before.offset - after.offset
        found |= (instants >= after.start) & (instants < after.start + back)
    return found


@dataclass(frozen=True)
class Rolled:
    """Days of another range, added up in the buckets of this one.

    Attributes
    ----------
    buckets
        On this range's edges.
    first, last
        Which days of the other range each bucket holds, shape ``(n,)``; NaT where none.
    """

    buckets: Buckets
    first: Days
    last: Days


def rolled(
    days: Buckets, zone: Zone, edges: Ints, shift: int, *, by_date: bool = False
) -> tuple[Rolled, int]:
    """Add the days of another range up in the buckets of this one.

    Parameters
    ----------
    days
        One bucket for each local day of the other range.
    edges
        Of this range's n buckets, whole days in the same zone [s], shape ``(n + 1,)``.
    shift
        How many days later the other range's days stand.
    by_date
        A day stands under its date a year later, in the same month whatever the shift.

    Returns
    -------
    rolled
    left
        How many days have no place in this range.
    """
    starts, dates = zone.day_starts(int(edges[0]), int(edges[-1]))
    bucket_of = np.searchsorted(edges, starts[:-1], side="right") - 1
    own = wall(days.edges[:-1], zone).astype("datetime64[D]")
    target = _a_year_later(own) if by_date else own + np.timedelta64(shift, "D")
    at = np.minimum(np.searchsorted(dates, target), len(dates) - 1)
    there = dates[at] == target
    where = np.where(there, bucket_of[at], -1)
    n = len(edges) - 1

    def add(amounts: Ints) -> Ints:
        sums = np.bincount(where[there], amounts[there], n)
        return sums.astype(np.int64)

    count = add(days.count)
    buckets = Buckets(
        edges=edges,
        values=_reduced(days, where, count),
        count=count,
        expected=add(days.expected),
        qualities={name: add(counts) for name, counts in days.qualities.items()},
        statistic=days.statistic,
    )
    first = np.full(n, np.datetime64("NaT"), dtype="datetime64[D]")
    last = first.copy()
    placed, at_first = np.unique(where[there], return_index=True)
    first[placed] = own[there][at_first]
    last[where[there]] = own[there]
    return Rolled(buckets, first, last), int((~there).sum())


def _reduced(days: Buckets, where: Ints, count: Ints) -> Floats:
    """Say of each bucket what its days say."""
    n = len(count)
    filled = (where >= 0) & (days.count > 0)
    at, values = where[filled], days.values[filled]
    if days.statistic is Statistic.MAX:
        result = np.full(n, -np.inf)
        np.maximum.at(result, at, values)
    elif days.statistic is Statistic.MIN:
        result = np.full(n, np.inf)
        np.minimum.at(result, at, values)
    elif days.statistic is Statistic.MEAN:
        sums = np.bincount(at, values * days.count[filled], n)
        result = np.divide(sums, count, out=np.zeros(n), where=count > 0)
    else:
        result = np.bincount(at, values, n).astype(np.float64)
    result[count == 0] = np.nan
    return result


def _a_year_later(days: Days) -> Days:
    """Return the same dates a year later; the 29 February of a leap year stays in February."""
    months = days.astype("datetime64[M]")
    behind = days - months.astype("datetime64[D]")
    later = months + np.timedelta64(12, "M")
    longest = (later + np.timedelta64(1, "M")).astype("datetime64[D]") - later.astype(
        "datetime64[D]"
    )
    found: Days = later.astype("datetime64[D]") + np.minimum(behind, longest - np.timedelta64(1))
    return found
