"""Time zones as numpy needs them: offsets, local days and clock marks of whole arrays of instants.

Instants are int64 seconds since 1970-01-01T00:00Z. A local day is a half-open range of instants
that begins when the zone's calendar first shows its date, so days follow each other without hole or
overlap whatever the clocks do: 23, 24 or 25 hours in Zurich, a day without midnight in Beirut, no
30 December 2011 at all in Apia.
"""

import difflib
import zoneinfo
from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property, lru_cache
from importlib import metadata

import numpy as np
import numpy.typing as npt

from meters.language import _

Instants = npt.NDArray[np.int64]
Days = npt.NDArray[np.datetime64]

DAY = 86_400
# Readings outside these years are absurd, and zone arithmetic need not reach further.
FIRST_YEAR, LAST_YEAR = 1990, 2100
FIRST_INSTANT = int(datetime(FIRST_YEAR, 1, 1, tzinfo=UTC).timestamp())
LAST_INSTANT = int(datetime(LAST_YEAR + 1, 1, 1, tzinfo=UTC).timestamp())

# One zone database in the process: the pinned tzdata package, not whatever the system has.
zoneinfo.reset_tzpath(to=())
# A zone that was made before this line would stay as the system has it.
zoneinfo.ZoneInfo.clear_cache()


class ZoneError(ValueError):
    """A name that is no IANA time zone."""


@lru_cache(maxsize=1)
def database_version() -> str:
    """Return the version of the zone database, for instance ``2026.6``."""
    return metadata.version("tzdata")


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch ``[start, end)`` of instants during which the clock has one offset [s]."""

    start: int
    end: int
    offset: int


@dataclass(frozen=True)
class Zone:
    """A time zone of the IANA database. Make one with `zone`, which keeps them.

    Attributes
    ----------
    name
        IANA name, for instance ``Europe/Zurich``.
    """

    name: str
    info: zoneinfo.ZoneInfo = field(repr=False, compare=False)

    def __str__(self) -> str:
        return self.name

    def offset_at(self, instant: int) -> int:
        """Return the offset from UTC [s] at one instant."""
        delta = datetime.fromtimestamp(instant, self.info).utcoffset() or timedelta()
        return int(delta.total_seconds())

    @cached_property
    def _transitions(self) -> tuple[list[int], list[int]]:
        """All changes of the clock between `FIRST_YEAR` and `LAST_YEAR`: instants and offsets.

        The standard library does not tell a zone's transitions; they are found by sampling and
        bisection. Two that cancel within the sampling step would be missed; none is that close.
        """
        step = 7 * DAY
        start, end = FIRST_INSTANT, LAST_INSTANT
        at, offsets = [start], [self.offset_at(start)]
        for sample in range(start + step, end + step, step):
            if self.offset_at(sample) != offsets[-1]:
                low, high = sample - step, sample
                while high - low > 1:
                    middle = (low + high) // 2
                    if self.offset_at(middle) == offsets[-1]:
                        low = middle
                    else:
                        high = middle
                at.append(high)
                offsets.append(self.offset_at(high))
        return at, offsets

    @cached_property
    def _tables(self) -> tuple[Instants, Instants]:
        at, offsets = self._transitions
        return np.array(at, dtype=np.int64), np.array(offsets, dtype=np.int64)

    def offsets(self, instants: Instants) -> Instants:
        """Return the offset from UTC [s] at each instant."""
        at, offsets = self._tables
        index = np.searchsorted(at, instants, side="right") - 1
        return offsets[np.maximum(index, 0)]

    def segments(self, start: int, end: int) -> list[Segment]:
        """Cut ``[start, end)`` where the clock changes."""
        at, offsets = self._transitions
        index = max(bisect_right(at, start) - 1, 0)
        found = []
        while start < end:
            until = min(at[index + 1], end) if index + 1 < len(at) else end
            found.append(Segment(start, until, offsets[index]))
            start, index = until, index + 1
        return found

    def marks(self, start: int, end: int, step: int) -> tuple[Instants, Instants]:
        """Return the instants in ``[start, end)`` at which a new clock period of `step` begins.

        A period is what the clock shows rounded down to `step`. One that the clock shows in part
        twice (a day of 25 hours; Lord Howe's hour of 90 minutes) stays one period; one that is
        repeated in full (the two autumn hours) is two.

        Parameters
        ----------
        start, end
            Range of instants [s].
        step
            Length of the period on the clock [s]; a divisor of a day.

        Returns
        -------
        instants, labels
            Where each period begins, and its local wall time as seconds since 1970-01-01T00:00
            local, rounded down to `step`.
        """
        # Begun two days early: whether a label is new depends on what the clock has shown before.
        segments = self.segments(start - 2 * DAY, end)
        instants, labels = [], []
        shown = -(2**62)
        before: Segment | None = None
        for segment in segments:
            here = segment.start
            if before is not None and segment.offset - before.offset <= -step:
                shown = -(2**62)
            first = -(-(here + segment.offset) // step) * step
            local = np.arange(first, segment.end + segment.offset, step, dtype=np.int64)
            at = local - segment.offset
            floor = (here + segment.offset) // step * step
            if floor != first:
                # The clock jumped into the middle of a period.
                local, at = np.insert(local, 0, floor), np.insert(at, 0, here)
            new = local > shown
            instants.append(at[new])
            labels.append(local[new])
            if len(local):
                shown = max(shown, int(local[-1]))
            before = segment
        all_instants, all_labels = np.concatenate(instants), np.concatenate(labels)
        inside = all_instants >= start
        return all_instants[inside], all_labels[inside]

    def day_starts(self, start: int, end: int) -> tuple[Instants, Days]:
        """Return the local days that meet ``[start, end)``, and one more.

        Returns
        -------
        starts
            First instant of each day, shape ``(n + 1,)``; the last is where the last day ends.
        days
            The dates, ``datetime64[D]``, shape ``(n,)``.
        """
        if start > FIRST_INSTANT and end < LAST_INSTANT:
            instants, labels = self._days
        else:
            instants, labels = self.marks(start - 2 * DAY, end + 3 * DAY, DAY)
        first = int(np.searchsorted(instants, start, side="right")) - 1
        last = int(np.searchsorted(instants, max(end, start + 1), side="left"))
        days = (labels[first:last] // DAY).astype("datetime64[D]")
        return instants[first : last + 1], days

    @cached_property
    def _days(self) -> tuple[Instants, Instants]:
        """All local days of the years that readings can be of, as `marks` tells them."""
        return self.marks(FIRST_INSTANT - 2 * DAY, LAST_INSTANT + 3 * DAY, DAY)

    def midnight(self, day: date) -> int:
        """Return the instant at which a date begins, or would have begun had it existed."""
        # fold=0 of a midnight that does not exist counts with the offset before the change, which
        # gives the change itself; of a midnight that happens twice it gives the first.
        return int(datetime(day.year, day.month, day.day, tzinfo=self.info).timestamp())

    def date_at(self, instant: int) -> date:
        """Return the local day in which an instant lies."""
        _, days = self.day_starts(instant, instant + 1)
        found: date = days[0].item()
        return found

    def at(self, instant: int) -> datetime:
        """Return an instant as local time with its offset."""
        return datetime.fromtimestamp(instant, self.info)


@lru_cache(maxsize=1024)
def zone(name: str) -> Zone:
    """Find a zone by its IANA name.

    Raises
    ------
    ZoneError
        There is none; the text names the closest one.
    """
    if name not in known_zones():
        close = difflib.get_close_matches(name, known_zones(), n=1, cutoff=0.5)
        example = close[0] if close else "Europe/Zurich"
        words = (
            _("“{name}” is not a time zone of the IANA database; did you mean {example}?")
            if close
            else _("“{name}” is not a time zone of the IANA database; an example is {example}.")
        )
        raise ZoneError(words.format(name=name[:60], example=example))
    return Zone(name, zoneinfo.ZoneInfo(name))


@lru_cache(maxsize=1)
def known_zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


def epoch_day(day: date) -> int:
    """Return a date as days since 1970-01-01."""
    return (day - date(1970, 1, 1)) // timedelta(days=1)
