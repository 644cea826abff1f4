"""Where readings are missing that a register should have."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from meters.days import Ints
from meters.grid import Cadence
from meters.zones import Zone

# Nothing is expected from a register after so long a silence while others of its meter go on [s].
ENDED = 31 * 86_400


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of time in which a register lacks intervals.

    Attributes
    ----------
    start, end
        From where the first of them begins to where the last one ends [s].
    missing
        How many are missing. Others between them may be there.
    """

    start: int
    end: int
    missing: int


@dataclass(frozen=True)
class Expected:
    """When a register should read.

    Attributes
    ----------
    cadence
        How often.
    start, end
        From when to when, ``[start, end)`` [s].
    zone
        In whose local days its readings are kept.
    now
        Nothing is expected that has not ended by then [s]; by the `end` where None.
    """

    cadence: Cadence
    start: int
    end: int
    zone: Zone
    now: int | None = None

    def lacking_days(self, day: Ints, count: Ints, *, holds_more: bool) -> Ints:
        """Find the local days that can't be complete, by what their rows say of themselves.

        Parameters
        ----------
        day
            Days that are stored, as days since 1970-01-01, rising, shape ``(k,)``.
        count
            How many readings each holds, shape ``(k,)``.
        holds_more
            Whether some of these readings lie outside the range. Days that it cuts are then among
            those that can't be trusted.

        Returns
        -------
        Days since 1970-01-01, rising.
        """
        edges, numbers = self._days()
        due = self.cadence.count(edges, self.start, self.end, self._over)
        there = np.zeros(len(numbers), dtype=np.int64)
        place = np.searchsorted(numbers, day)
        known = (place < len(numbers)) & (day >= numbers[0])
        there[place[known]] = count[known]
        lacks = there < due
        if holds_more:
            lacks[0] |= bool(edges[0] < self.start)
            lacks[-1] |= bool(edges[-1] > self.end)
        return numbers[lacks]

    def instants(self, days: Ints) -> tuple[Ints, Ints]:
        """Say when the intervals of some local days should begin.

        Returns
        -------
        instants, intervals
            Where each begins and how long it is [s], rising, shapes ``(n,)``.
        """
        pieces = [self._between(start, end) for start, end in self._blocks(days)]
        if not pieces:
            none = np.zeros(0, dtype=np.int64)
            return none, none
        return np.concatenate([p[0] for p in pieces]), np.concatenate([p[1] for p in pieces])

    def whole_days(self, days: Ints) -> list[Stretch]:
        """Put all that is due on some local days together, without naming each interval.

        Parameters
        ----------
        days
            On which nothing is there, as days since 1970-01-01, rising.

        Returns
        -------
        A stretch for each row of days on end, none where nothing is due.
        """
        found = []
        for start, end in self._blocks(days):
            due = [piece for piece in self._pieces(start, end) if len(piece)]
            if due:
                number = sum(map(len, due))
                found.append(Stretch(due[0].start, due[-1][-1] + due[-1].step, number))
        return found

    @property
    def _over(self) -> int:
        return self.end if self.now is None else self.now

    def _days(self) -> tuple[Ints, Ints]:
        edges, days = self.zone.day_starts(self.start, self.end)
        return edges, days.astype(np.int64)

    def _blocks(self, days: Ints) -> list[tuple[int, int]]:
        """Say from when to when days on end last, as far as the register is expected to read."""
        edges, numbers = self._days()
        chosen = np.searchsorted(numbers, days)
        blocks = np.split(chosen, np.flatnonzero(np.diff(chosen) > 1) + 1) if len(chosen) else []
        return [
            (max(int(edges[block[0]]), self.start), min(int(edges[block[-1] + 1]), self.end))
            for block in blocks
        ]

    def _between(self, start: int, end: int) -> tuple[Ints, Ints]:
        """Say which intervals should begin in ``[start, end)``, and end before all is over."""
        found, lengths = [], []
        for due in self._pieces(start, end):
            piece = np.arange(due.start, due.stop, due.step, dtype=np.int64)
            found.append(piece)
            lengths.append(np.full(len(piece), due.step, dtype=np.int64))
        return np.concatenate(found), np.concatenate(lengths)

    def _pieces(self, start: int, end: int) -> Iterator[range]:
        """Say the same of each piece of the cadence: its instants, an interval apart."""
        cadence = self.cadence
        last = len(cadence.since) - 1
        for at in range(last + 1):
            interval, phase = int(cadence.interval[at]), int(cadence.phase[at])
            begin = start if at == 0 else max(start, int(cadence.since[at]))
            until = min(end, self._over - interval + 1)
            if at < last:
                until = min(until, int(cadence.since[at + 1]))
            yield range(begin + (phase - begin) % interval, until, interval)


def stretches(instants: Ints, intervals: Ints, there: Ints, together: int = 0) -> list[Stretch]:
    """Put missing intervals together that are near each other.

    Parameters
    ----------
    instants, intervals
        What is expected: where each interval begins, rising, and how long it is [s].
    there
        The instants of which nothing is missing, in any order [s].
    together
        How much time between two missing intervals still makes them one stretch [s].
    """
    missing = np.flatnonzero(~np.isin(instants, there))
    if not len(missing):
        return []
    begins, ends = instants[missing], instants[missing] + intervals[missing]
    cuts = np.flatnonzero(begins[1:] - ends[:-1] > together) + 1
    return [
        Stretch(int(begins[some[0]]), int(ends[some[-1]]), len(some))
        for some in np.split(np.arange(len(missing)), cuts)
    ]
