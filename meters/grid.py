"""Buckets of time: a range cut at the marks of a local clock or calendar.

A grid knows its edges and how many intervals each bucket should hold; it knows nothing of values.
"""

import re
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
import numpy.typing as npt

from meters.language import _
from meters.zones import DAY, Instants, Zone

EPOCH = date(1970, 1, 1).toordinal()
CALENDAR = {"P1D": DAY, "P1W": 7 * DAY, "P1M": 30 * DAY, "P1Y": 365 * DAY}
# The resolutions that are offered, from fine to coarse; others that divide a day are understood.
OFFERED = ("PT5M", "PT15M", "PT30M", "PT1H", "P1D", "P1W", "P1M", "P1Y")


class ResolutionError(ValueError):
    """A text that is no resolution, or one that cannot serve here."""


@dataclass(frozen=True, slots=True)
class Resolution:
    """The length of a bucket as an ISO 8601 duration.

    Attributes
    ----------
    text
        For instance ``PT15M``, ``PT1H``, ``P1D``, ``P1W``, ``P1M``, ``P1Y``.
    seconds
        Length [s]; nominal for the calendar's (a month counts 30 days), which sort by it.
    """

    text: str
    seconds: int

    @property
    def is_calendar(self) -> bool:
        """Whether the bucket is a day or longer, of a length the calendar decides."""
        return self.text in CALENDAR

    @classmethod
    def parse(cls, text: str) -> "Resolution":
        """Read an ISO 8601 duration.

        Raises
        ------
        ResolutionError
            It is none, or it does not divide a day; the text lists what is offered.
        """
        if text in CALENDAR:
            return cls(text, CALENDAR[text])
        match = re.fullmatch(r"PT(?:([1-9]\d?)H)?(?:([1-9]\d{0,3})M)?", text, re.ASCII)
        seconds = 0
        if match and text != "PT":
            hours, minutes = (int(group or 0) for group in match.groups())
            seconds = hours * 3600 + minutes * 60
        if not seconds or DAY % seconds:
            words = _("“{text}” is not a resolution; write one of {offered}.")
            raise ResolutionError(words.format(text=text[:20], offered=", ".join(OFFERED)))
        if seconds == DAY:
            return cls("P1D", DAY)
        return cls.of_seconds(seconds)

    @classmethod
    def of_seconds(cls, seconds: int) -> "Resolution":
        """Name a length [s] of whole minutes."""
        hours, minutes = divmod(seconds // 60, 60)
        return cls(
            "PT" + (f"{hours}H" if hours else "") + (f"{minutes}M" if minutes else ""), seconds
        )

    def __str__(self) -> str:
        return self.text


def finest_for(seconds: int, length: int, most: int) -> Resolution:
    """Choose the finest resolution that a register and a cap on points allow.

    It is the register's own interval or one of those offered that holds whole intervals: a quarter
    of an hour would hold now one, now two intervals of ten minutes.

    Parameters
    ----------
    seconds
        The register's interval [s].
    length
        Length of the range [s].
    most
        Greatest number of buckets.
    """
    offered = [Resolution.parse(text) for text in OFFERED]
    fitting = [one for one in offered if one.seconds > seconds and one.seconds % seconds == 0]
    for resolution in (Resolution.of_seconds(seconds), *fitting):
        if length / resolution.seconds <= most:
            return resolution
    return offered[-1]


@dataclass(frozen=True, slots=True)
class Cadence:
    """How often a register reads: pieces of time, each with one interval and phase.

    Attributes
    ----------
    since
        First instant of each piece [s], rising, shape ``(k,)``; the first piece reaches back
        without end, the last one forward.
    interval
        Length of an interval [s], shape ``(k,)``.
    phase
        Where intervals begin: instants congruent to it modulo `interval` [s], shape ``(k,)``.
    """

    since: Instants
    interval: Instants
    phase: Instants

    @classmethod
    def steady(cls, interval: int, phase: int = 0) -> "Cadence":
        """Describe a register that has never changed."""
        return cls(*(np.array([x], dtype=np.int64) for x in (0, interval, phase % interval)))

    @classmethod
    def of_days(cls, days: Instants, first: Instants, interval: Instants, place: Zone) -> "Cadence":
        """Read the cadence off stored days, each valid until the next one that differs.

        Parameters
        ----------
        days
            The local date of each stored day [days since 1970-01-01], rising, shape ``(n,)``,
            n ≥ 1.
        first, interval
            The instant of the day's first slot [s] and the length of its slots [s].
        place
            In whose local days they are kept.
        """
        phase = first % interval
        change = np.empty(len(days), dtype=bool)
        change[0] = True
        change[1:] = (interval[1:] != interval[:-1]) | (phase[1:] != phase[:-1])
        # The day begins at its midnight, which may lie before its first slot: hourly readings on
        # UTC's hours begin three quarters of an hour into Kathmandu's day. No slot of the cadence
        # before is expected there any more. Only a few days change it, so one by one will do.
        since = first[change].astype(np.int64)
        for at, day in enumerate(days[change].tolist()):
            since[at] = min(since[at], place.midnight(date.fromordinal(EPOCH + day)))
        return cls(since, interval[change].astype(np.int64), phase[change])

    @property
    def finest(self) -> int:
        """The shortest interval [s]."""
        return int(self.interval.min())

    def count(self, edges: Instants, lower: int, upper: int, now: int) -> npt.NDArray[np.int64]:
        """Count the intervals that should be there in each bucket.

        Parameters
        ----------
        edges
            Edges of n buckets [s], shape ``(n + 1,)``.
        lower, upper
            Validity of the meter, ``[lower, upper)`` [s].
        now
            The present [s]: an interval is expected once it has ended.

        Returns
        -------
        Shape ``(n,)``.
        """
        total = np.zeros(len(edges) - 1, dtype=np.int64)
        for i, (interval, phase) in enumerate(zip(self.interval, self.phase, strict=True)):
            begin = lower if i == 0 else max(lower, int(self.since[i]))
            end = upper if i + 1 == len(self.since) else min(upper, int(self.since[i + 1]))
            end = min(end, now - int(interval) + 1)
            if end <= begin:
                continue
            # Intervals that start before x: ceil((x − phase) / interval).
            before = -((phase - np.clip(edges, begin, end)) // interval)
            total += np.diff(before)
        return total


@dataclass(frozen=True)
class Grid:
    """The buckets of ``[start, end)`` at one resolution in one zone.

    Buckets begin on the local clock's and calendar's marks and are clipped to the range: weeks on
    Monday, months and years on the 1st. A clock hour that is repeated in full in autumn is two
    buckets of one hour.

    Attributes
    ----------
    start, end
        The range [s], half-open.
    """

    start: int
    end: int
    resolution: Resolution
    zone: Zone

    @cached_property
    def edges(self) -> Instants:
        """Edges of the buckets [s], strictly rising, shape ``(n + 1,)``."""
        if self.end <= self.start:
            return np.array([self.start], dtype=np.int64)
        inner, labels = self.zone.marks(self.start, self.end, min(self.resolution.seconds, DAY))
        if self.resolution.text in {"P1W", "P1M", "P1Y"}:
            inner = inner[self._period_begins(labels)]
        inner = inner[inner > self.start]
        return np.concatenate(([self.start], inner, [self.end])).astype(np.int64)

    def _period_begins(self, labels: Instants) -> npt.NDArray[np.bool_]:
        """Say of each day whether a new week, month or year begins with it."""
        days = labels // DAY
        if not len(days):
            return np.zeros(0, dtype=bool)
        # The day before the first one may not exist; then its period is that of the date before.
        days = np.concatenate(([days[0] - 1], days))
        if self.resolution.text == "P1W":
            period = (days + 3) // 7  # 1970-01-01 was a Thursday
        else:
            unit = "datetime64[M]" if self.resolution.text == "P1M" else "datetime64[Y]"
            period = days.astype("datetime64[D]").astype(unit).astype(np.int64)
        begins: npt.NDArray[np.bool_] = period[1:] != period[:-1]
        return begins

    def __len__(self) -> int:
        return len(self.edges) - 1

    @property
    def most_buckets(self) -> int:
        """An upper bound of the number of buckets that needs no edges to be made."""
        return (self.end - self.start) // self.resolution.seconds + 8 + self._cut_short

    @property
    def _cut_short(self) -> int:
        """How many changes of the clock break a bucket in two, as at 00:01 in St. John's."""
        step = self.resolution.seconds
        if self.resolution.is_calendar:
            return 0
        segments = self.zone.segments(self.start, self.end)
        return sum((segment.start + segment.offset) % step > 0 for segment in segments[1:])

    def locate(self, instants: Instants) -> npt.NDArray[np.int64]:
        """Return the bucket in which each instant lies, −1 or n outside the range."""
        return (np.searchsorted(self.edges, instants, side="right") - 1).astype(np.int64)

    @property
    def is_whole_days(self) -> bool:
        """Whether the range begins and ends where local days do, in buckets of days."""
        if not self.resolution.is_calendar or self.end <= self.start:
            return False
        starts, _ = self.zone.day_starts(self.start, self.end)
        return bool(starts[0] == self.start and starts[-1] == self.end)
