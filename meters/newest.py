"""The newest readings of registers in a range, with no more days read than they fill."""

from collections.abc import Sequence

import numpy as np

from meters.days import DayTable
from meters.models import Register
from meters.profiles import read_newest_days
from meters.rowtext import Rows
from meters.zones import DAY, FIRST_INSTANT, LAST_INSTANT

# Days that may hold nothing of the range: those that its end cuts, in whatever zone.
BESIDE = 3
# How much further back is looked where days have been emptier than expected.
FURTHER = 4


def newest_rows(registers: Sequence[Register], start: int, stop: int, limit: int) -> Rows:
    """Read the newest rows of ``[start, stop)`` [s], at most `limit` of them.

    Parameters
    ----------
    registers
        Whose readings share the rows; at least one.
    """
    start, stop = max(start, FIRST_INSTANT), min(stop, LAST_INSTANT)
    keys = [register.pk for register in registers]
    interval = min(register.interval or 900 for register in registers)
    days = limit * interval // DAY + BESIDE
    while True:
        # A row is kept under its local date; a day more on each side covers every zone.
        table = read_newest_days(keys, start // DAY - 1, stop // DAY + 1, days)
        since = _complete_since(table, days)
        rows = Rows.of_days(table, keys, start if since is None else max(start, since), stop)
        if since is None or since <= start or len(rows) >= limit:
            return rows.first(limit)
        days *= FURTHER


def _complete_since(table: DayTable, most: int) -> int | None:
    """Say from which instant on all is there [s]; None where nothing was left behind."""
    _, firsts, numbers = np.unique(table.register, return_index=True, return_counts=True)
    cut = firsts[numbers == most]
    return int(table.first[cut].max()) if len(cut) else None
