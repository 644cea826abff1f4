"""Where readings are missing that a register should have."""

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
    """

    cadence: Cadence
    start: int
    end: int
    zone: Zone

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
        due = self.cadence.count(edges, self.start, self.end, self.end)
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
        edges, numbers = self._days()
        chosen = np.searchsorted(numbers, days)
        blocks = np.split(chosen, np.flatnonzero(np.diff(chosen) > 1) + 1) if len(chosen) else []
        pieces = [
            self._between(
                max(int(edges[block[0]]), self.start), min(int(edges[block[-1] + 1]), self.end)
            )
            for block in blocks
        ]
        if not pieces:
            none = np.zeros(0, dtype=np.int64)
            return none, none
        return np.concatenate([p[0] for p in pieces]), np.concatenate([p[1] for p in pieces])

    def _days(self) -> tuple[Ints, Ints]:
        edges, days = self.zone.day_starts(self.start, self.end)
        return edges, days.astype(np.int64)

    def _between(self, start: int, end: int) -> tuple[Ints, Ints]:
        """Say which intervals should begin in ``[start, end)``, and end before all is over."""
        cadence, found, lengths = self.cadence, [], []
        last = len(cadence.since) - 1
        for at in range(last + 1):
            interval, phase = int(cadence.interval[at]), int(cadence.phase[at])
            begin = start if at == 0 else max(start, int(cadence.since[at]))
            until = min(end, self.end - interval + 1)
            if at < last:
                until = min(until, int(cadence.since[at + 1]))
            piece = np.arange(begin + (phase - begin) % interval, until, interval, dtype=np.int64)
            found.append(piece)
            lengths.append(np.full(len(piece), interval, dtype=np.int64))
        return np.concatenate(found), np.concatenate(lengths)


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
