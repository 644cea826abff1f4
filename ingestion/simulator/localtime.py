"""Local clock time for whole arrays of instants: zoneinfo answers one instant at a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

Instants = NDArray[np.int64]

DAY = 86_400


@dataclass(frozen=True, eq=False)
class LocalClock:
    """The UTC offsets of one zone over one local calendar year.

    Attributes
    ----------
    start, stop : int
        The year's half-open range [s since 1970-01-01T00:00Z]: local New Year to the next one.
    changes : numpy.ndarray of int64, shape (n,)
        Instants at which the offset changes [s since 1970-01-01T00:00Z].
    offsets : numpy.ndarray of int64, shape (n + 1,)
        Offset from UTC before, between and after the changes [s], east positive.
    """

    start: int
    stop: int
    changes: Instants
    offsets: Instants

    def to_local(self, instants: Instants) -> Instants:
        """Local clock readings [s since 1970-01-01T00:00 local] of UTC instants [s]."""
        local: Instants = instants + self._offset(instants)
        return local

    def to_utc(self, local: Instants) -> Instants:
        """UTC instants [s] of local clock readings [s since 1970-01-01T00:00 local].

        A reading that spring skips comes out an hour later on the clock, and one that autumn
        repeats as its second pass: an appliance runs once either way.
        """
        first_guess = local - self._offset(local)
        instants: Instants = local - self._offset(first_guess)
        return instants

    def _offset(self, instants: Instants) -> Instants:
        return self.offsets[np.searchsorted(self.changes, instants, side="right")]


def local_year(instant: int, timezone: str) -> int:
    """The local calendar year in which a UTC instant [s] lies."""
    return datetime.fromtimestamp(instant, ZoneInfo(timezone)).year


@lru_cache(maxsize=256)
def year_clock(timezone: str, year: int) -> LocalClock:
    """The clock of one local calendar year, New Year to New Year."""
    zone = ZoneInfo(timezone)
    start = int(datetime(year, 1, 1, tzinfo=zone).timestamp())
    stop = int(datetime(year + 1, 1, 1, tzinfo=zone).timestamp())
    changes: list[int] = []
    offsets = [_offset_at(start - DAY, zone)]
    # Offsets are looked at once a day and the change is then bisected; a zone that changed
    # there and back within 24 hours would be missed, and the zone database holds no such year
    # since 1970. A day each side is looked at too, so that `to_utc` is right at the year's ends.
    for left in range(start - DAY, stop + DAY, DAY):
        after = _offset_at(left + DAY, zone)
        if after != offsets[-1]:
            changes.append(_bisect_change(left, left + DAY, zone))
            offsets.append(after)
    return LocalClock(start, stop, np.array(changes, np.int64), np.array(offsets, np.int64))


def _offset_at(instant: int, zone: ZoneInfo) -> int:
    offset = datetime.fromtimestamp(instant, UTC).astimezone(zone).utcoffset()
    return 0 if offset is None else int(offset.total_seconds())


def _bisect_change(left: int, right: int, zone: ZoneInfo) -> int:
    before = _offset_at(left, zone)
    while right - left > 1:
        middle = (left + right) // 2
        if _offset_at(middle, zone) == before:
            left = middle
        else:
            right = middle
    return right
