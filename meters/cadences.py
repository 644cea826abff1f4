"""How often many registers read, told from their stored days at once."""

from collections.abc import Sequence

import numpy as np

from meters.days import DayTable, Ints
from meters.grid import Cadence
from meters.models import Register
from meters.profiles import DayTotals


def cadences_of(table: DayTable | DayTotals, registers: Sequence[Register]) -> list[Cadence]:
    """Read the cadence of each register off its days.

    Parameters
    ----------
    table
        The stored days of these registers, and maybe of others.
    registers
        Each with its meter.

    Returns
    -------
    One for each register. Those that read alike share one object, for mostly nearly all do; what
    is worked out of a cadence needs then be worked out once.
    """
    keys = [one.pk for one in registers]
    begins = np.searchsorted(table.register, keys)
    ends = np.searchsorted(table.register, keys, side="right")
    phase = table.first % table.interval
    # How often it has changed by each row, over all registers.
    changes = np.cumsum((np.diff(table.interval) != 0) | (np.diff(phase) != 0))
    changes = np.concatenate(([0, 0], changes))
    changed = changes[ends] > changes[np.minimum(begins + 1, len(table))]
    steady: dict[tuple[int, int], Cadence] = {}
    shared: dict[object, Cadence] = {}
    found = []
    for register, begin, end, is_changed in zip(
        registers, begins.tolist(), ends.tolist(), changed.tolist(), strict=True
    ):
        if is_changed:
            rows = slice(begin, end)
            cadence = Cadence.of_days(
                table.day[rows], table.first[rows], table.interval[rows], register.meter.zone
            )
            # The first piece reaches back without end, wherever its first row lies.
            key = tuple(
                part.tobytes() for part in (cadence.since[1:], cadence.interval, cadence.phase)
            )
            found.append(shared.setdefault(key, cadence))
            continue
        reads = (register.interval or 900, 0)
        if begin < end:
            reads = int(table.interval[begin]), int(phase[begin])
        if reads not in steady:
            steady[reads] = Cadence.steady(*reads)
        found.append(steady[reads])
    return found


def expected_alike(
    cadences: Sequence[Cadence], registers: Sequence[Register], edges: Ints, until: Sequence[int]
) -> tuple[Ints, Ints]:
    """Count the intervals that should be there of registers, once for all that are alike.

    Parameters
    ----------
    cadences
        Of each register; the same object where they are alike.
    edges
        Edges of n buckets [s], shape ``(n + 1,)``.
    until
        Of each register when intervals have ended that are expected [s].

    Returns
    -------
    expected, which
        Of each kind its counts, shape ``(m, n)``, and of which kind each register is.
    """
    kinds: dict[object, int] = {}
    expected: list[Ints] = []
    which = []
    for cadence, register, end in zip(cadences, registers, until, strict=True):
        validity = register.meter.validity
        key = (id(cadence), validity.since, validity.until, end)
        if key not in kinds:
            kinds[key] = len(expected)
            expected.append(cadence.count(edges, validity.since, validity.until, end))
        which.append(kinds[key])
    counts = np.array(expected, dtype=np.int64).reshape(len(expected), len(edges) - 1)
    return counts, np.array(which, dtype=np.int64)
