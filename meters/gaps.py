"""Where readings are missing that a register should have."""

from dataclasses import dataclass

import numpy as np

from meters.days import Ints
from meters.grid import Cadence
from meters.series import Series


@dataclass(frozen=True, slots=True)
class Gap:
    """Intervals in a row that are missing.

    Attributes
    ----------
    start, end
        ``[start, end)`` [s].
    missing
        How many intervals that is.
    """

    start: int
    end: int
    missing: int


def expected_instants(cadence: Cadence, start: int, end: int) -> tuple[Ints, Ints]:
    """Say when the intervals that lie within ``[start, end)`` [s] should begin.

    Returns
    -------
    instants, intervals
        Where each begins and how long it is [s], shapes ``(n,)``.
    """
    instants, lengths = [], []
    last = len(cadence.since) - 1
    for at in range(last + 1):
        interval, phase = int(cadence.interval[at]), int(cadence.phase[at])
        begin = start if at == 0 else max(start, int(cadence.since[at]))
        until = end - interval + 1
        if at < last:
            until = min(until, int(cadence.since[at + 1]))
        piece = np.arange(begin + (phase - begin) % interval, until, interval, dtype=np.int64)
        instants.append(piece)
        lengths.append(np.full(len(piece), interval, dtype=np.int64))
    return np.concatenate(instants), np.concatenate(lengths)


def gaps(series: Series, start: int, end: int, excused: Ints | None = None) -> list[Gap]:
    """Find what is missing of one register in ``[start, end)`` [s], oldest first.

    Parameters
    ----------
    excused
        Instants at which nothing is expected although the register reads, in any order [s].
    """
    instants, lengths = expected_instants(series.cadence, start, end)
    is_there = np.isin(instants, series.instants)
    if excused is not None:
        is_there |= np.isin(instants, excused)
    missing = np.flatnonzero(~is_there)
    if not len(missing):
        return []
    return [
        Gap(int(instants[one[0]]), int(instants[one[-1]] + lengths[one[-1]]), len(one))
        for one in np.split(missing, np.flatnonzero(np.diff(missing) > 1) + 1)
    ]
