"""What is stored of registers within a range, and what is missing of it.

Told by what day rows say of themselves: only days that lack something, are cut by the range or hold
several qualities are opened.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from meters.days import DayTable, Ints, Mask
from meters.gaps import Expected, Stretch, stretches
from meters.grid import Cadence
from meters.models import Register
from meters.profiles import DayTotals, read_chosen_days, read_totals
from meters.qualities import NAMES
from meters.zones import DAY

NONE: Ints = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Coverage:
    """What is there of one register.

    Attributes
    ----------
    first, last
        Where its first and its last reading within the range begin [s]; None where there is none.
    count
        How many readings there are.
    expected
        How many intervals should be there by now.
    qualities
        How many readings have which quality.
    gaps
        Where intervals are missing, oldest first, as long as they can be.
    """

    register: Register
    first: int | None
    last: int | None
    count: int
    expected: int
    qualities: dict[str, int]
    gaps: tuple[Stretch, ...]

    @property
    def missing(self) -> int:
        """How many of the intervals that should be there are not."""
        return sum(gap.missing for gap in self.gaps)

    @property
    def completeness(self) -> float | None:
        """The share of expected intervals that is there [0, 1]; None where none is expected."""
        return (self.expected - self.missing) / self.expected if self.expected else None


@dataclass(frozen=True, slots=True)
class _Look:
    """What one register's day rows say, and which of its days are to be opened."""

    register: Register
    rows: DayTotals
    due: Expected
    expected: int
    lacking: Ints
    opened: Mask


def coverage(registers: Sequence[Register], start: int, end: int, now: int) -> list[Coverage]:
    """Say what is there of registers in ``[start, end)`` [s], with two questions in all.

    What counts, and what is expected, is the same as of `readings`.

    Parameters
    ----------
    registers
        Each with its meter.
    now
        The present [s]: an interval is expected once it has ended.
    """
    if not registers:
        return []
    keys = [register.pk for register in registers]
    # A row is kept under its local date; a day more on each side covers every zone.
    totals = read_totals(keys, start // DAY - 1, end // DAY + 1)
    looks = [_look(one, totals.of_register(one.pk), start, end, now) for one in registers]
    table = DayTable.empty()
    if any(look.opened.any() for look in looks):
        table = read_chosen_days(
            np.concatenate([look.rows.register[look.opened] for look in looks]),
            np.concatenate([look.rows.day[look.opened] for look in looks]),
        )
    return [_seen(look, table.of_register(look.register.pk), start, end) for look in looks]


def _look(register: Register, rows: DayTotals, start: int, end: int, now: int) -> _Look:
    meter, validity = register.meter, register.meter.validity
    if len(rows):
        cadence = Cadence.of_days(rows.day, rows.first, rows.interval, meter.zone)
    else:
        cadence = Cadence.steady(register.interval or 900)
    edges = np.array([start, end], dtype=np.int64)
    expected = int(cadence.count(edges, validity.since, validity.until, now)[0])
    since, until = max(start, validity.since), min(end, validity.until)
    due = Expected(cadence, since, until, meter.zone, now)
    lacking = NONE
    if since < until:
        lacking = due.lacking_days(rows.day, rows.count, holds_more=True)
    return _Look(register, rows, due, expected, lacking, _to_open(rows, lacking, start, end))


def _to_open(rows: DayTotals, lacking: Ints, start: int, end: int) -> Mask:
    """Choose the rows of which more is to be known than what they say of themselves."""
    holds = rows.count > 0
    # No local day lasts two of UTC's, so a row that begins so long before the end lies within.
    within = (rows.first >= start) & (rows.first <= end - 2 * DAY)
    opened: Mask = holds & (~within | (rows.quality == 0) | np.isin(rows.day, lacking))
    # Where the first reading and the last one are is seen only in the values.
    filled = np.flatnonzero(holds & within)
    opened[filled[:1]] = opened[filled[-1:]] = True
    return opened


def _seen(look: _Look, table: DayTable, start: int, end: int) -> Coverage:
    """Put together what the opened days hold and what the others say of themselves."""
    inside = table.present & (table.instants >= start) & (table.instants < end)
    instants = table.instants[inside]
    closed = look.rows.count * ~look.opened
    numbers = np.bincount(table.qualities[inside], minlength=len(NAMES))
    numbers += np.bincount(look.rows.quality, weights=closed, minlength=len(NAMES)).astype(np.int64)
    return Coverage(
        register=look.register,
        first=int(instants[0]) if len(instants) else None,
        last=int(instants[-1]) if len(instants) else None,
        count=len(instants) + int(closed.sum()),
        expected=look.expected,
        qualities={NAMES[quality]: int(n) for quality, n in enumerate(numbers) if quality and n},
        gaps=_gaps(look, table),
    )


def _gaps(look: _Look, table: DayTable) -> tuple[Stretch, ...]:
    if not len(look.lacking):
        return ()
    partly = np.isin(look.lacking, look.rows.day[look.rows.count > 0])
    there = table.instants[table.present]
    found = stretches(*look.due.instants(look.lacking[partly]), there)
    found += look.due.whole_days(look.lacking[~partly])
    return tuple(_joined(sorted(found, key=lambda one: one.start)))


def _joined(found: list[Stretch]) -> list[Stretch]:
    """Join stretches between which nothing lies."""
    joined: list[Stretch] = []
    for one in found:
        if joined and one.start <= joined[-1].end:
            last = joined[-1]
            joined[-1] = Stretch(last.start, max(last.end, one.end), last.missing + one.missing)
        else:
            joined.append(one)
    return joined
