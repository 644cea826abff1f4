"""The latest reading of registers."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from meters.profiles import read_last_days
from meters.qualities import NAMES


@dataclass(frozen=True, slots=True)
class Latest:
    """A register's latest stored interval.

    Attributes
    ----------
    start, end
        ``[start, end)`` [s].
    value
        In the register's unit.
    quality
        Its name.
    """

    start: int
    end: int
    value: float
    quality: str


def latest_readings(registers: Sequence[int]) -> dict[int, Latest]:
    """Read the latest interval of each register that has any, with one question.

    Parameters
    ----------
    registers
        Primary keys.
    """
    if not registers:
        return {}
    table = read_last_days(registers)
    found = {}
    for row, register in enumerate(table.register.tolist()):
        slots = table.row_slots(row)
        at = slots.start + int(np.flatnonzero(table.present[slots])[-1])
        start = int(table.instants[at])
        found[register] = Latest(
            start,
            start + int(table.interval[row]),
            float(table.values[at]),
            NAMES[int(table.qualities[at])],
        )
    return found
