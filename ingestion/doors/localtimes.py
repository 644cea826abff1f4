"""Local times without offset, as instants: by the order in which they stand, or not at all.

Where clocks go back, an hour is shown twice. A series that rises or falls strictly and shows that
hour twice says by its order which is which: its times step back exactly once (or, falling, forward
once). Anything less is refused; so is a time that the clock never showed. Elsewhere a local time is
an instant, whatever stands around it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from meters.days import Ints, Mask
from meters.language import _
from meters.zones import DAY, Zone

# Around a change of the clock a series has to be in order so far to each side [s].
AROUND = DAY // 2


class Trouble(IntEnum):
    """Why a local time is no instant."""

    NONE = 0
    NEVER = 1
    TWICE = 2
    EITHER = 3

    def words(self, zone: str) -> str:
        words = {
            Trouble.NONE: "",
            Trouble.NEVER: _("the clock of {zone} never showed it: clocks went forward over it"),
            Trouble.TWICE: _(
                "the clock of {zone} showed it twice, and the order of the rows does not tell "
                "which is meant; write the offset"
            ),
            Trouble.EITHER: _(
                "beside a change of the clock of {zone} it can be read in two ways, and the order "
                "of the rows does not tell which is meant; write the offset"
            ),
        }
        return words[self].format(zone=zone)


@dataclass(frozen=True)
class Resolved:
    """What n local times are.

    Attributes
    ----------
    instants
        Seconds since 1970, shape ``(n,)``; meaningless where there is trouble.
    trouble
        A `Trouble` each, shape ``(n,)``.
    """

    instants: Ints
    trouble: npt.NDArray[np.int8]


def resolve_starts(walls: Ints, zone: Zone) -> Resolved:
    """Find the instants of local times that belong to one series, in the order of the file.

    Parameters
    ----------
    walls
        What the clock showed, as seconds since 1970-01-01T00:00 on that clock, shape ``(n,)``.
    zone
        Whose clock it was.
    """
    shown = _Shown.of(walls, zone)
    trouble = np.where(shown.never, Trouble.NEVER, Trouble.NONE).astype(np.int8)
    trouble[shown.twice] = Trouble.TWICE
    instants = shown.first.copy()
    for change in _near_changes(walls[shown.twice], zone):
        around = np.flatnonzero((np.abs(walls - change) <= AROUND) & ~shown.never)
        _settle(around, [shown], instants, trouble)
    return Resolved(instants, trouble)


def resolve_ends(walls: Ints, interval: int, zone: Zone) -> Resolved:
    """Find when intervals start whose END is written in local time.

    The end of the last interval before a change of the clock is written in two ways: 03:00 of the
    old time or 02:00 of the new. Around a change both are tried, and what holds either way, or in
    the one way that gives a series in order, is taken.

    Parameters
    ----------
    walls
        As for `resolve_starts`, of the ends.
    interval
        Length of an interval [s].
    """
    old = _Shown.of(walls - interval, zone)
    new = _Shown.of(walls, zone).moved(-interval)
    same = (old.first == old.last) & (new.first == new.last) & (old.first == new.first)
    same &= ~old.never & ~new.never
    trouble = np.where(same, Trouble.NONE, Trouble.EITHER).astype(np.int8)
    trouble[old.never & new.never] = Trouble.NEVER
    instants = old.first.copy()
    for change in _near_changes(walls[~same], zone):
        around = np.flatnonzero(np.abs(walls - change) <= AROUND)
        _settle(around, [old, new], instants, trouble)
    return Resolved(instants, trouble)


@dataclass(frozen=True)
class _Shown:
    """When a clock may have shown n local times: at `first` or at `last`, or `never`."""

    walls: Ints
    first: Ints
    last: Ints
    never: Mask

    @classmethod
    def of(cls, walls: Ints, zone: Zone) -> "_Shown":
        # No clock changes twice within two days, so the offsets a day before and a day after are
        # the only ones that count.
        early = walls - zone.offsets(walls - DAY)
        late = walls - zone.offsets(walls + DAY)
        is_early = early + zone.offsets(early) == walls
        is_late = late + zone.offsets(late) == walls
        return cls(
            walls,
            np.where(is_early, early, late),
            np.where(is_late, late, early),
            ~is_early & ~is_late,
        )

    @property
    def twice(self) -> Mask:
        found: Mask = ~self.never & (self.first != self.last)
        return found

    def moved(self, seconds: int) -> "_Shown":
        return _Shown(self.walls, self.first + seconds, self.last + seconds, self.never)


def _near_changes(walls: Ints, zone: Zone) -> list[int]:
    """Return the changes of the clock near some local times, as local times [s]."""
    if not len(walls):
        return []
    segments = zone.segments(int(walls.min()) - 2 * DAY, int(walls.max()) + 2 * DAY)
    found = [segment.start + segment.offset for segment in segments[1:]]
    return [change for change in found if (np.abs(walls - change) <= AROUND).any()]


def _settle(
    around: Ints, ways: Sequence[_Shown], instants: Ints, trouble: npt.NDArray[np.int8]
) -> None:
    """Settle the times around one change by their order, where it leaves one reading alone.

    Parameters
    ----------
    around
        Their places, in the order of the file.
    ways
        The ways in which they may be meant; each is tried rising and falling.
    instants, trouble
        What is written to.
    """
    # Elsewhere in the file there may be other times of the same day: then there is no one order.
    if not len(around) or around[-1] - around[0] + 1 != len(around):
        return
    tried: list[tuple[Ints, Ints]] = []
    certain = np.ones(len(around), dtype=bool)
    for way in ways:
        if way.never[around].any():
            continue
        found = list(_in_order(way.first[around], way.last[around]))
        tried += found
        # Where no time stands twice, a step back may as well be two rows that were swapped.
        twice = way.twice[around]
        if found and twice.any() and len(np.unique(way.walls[around][twice])) == twice.sum():
            certain &= ~twice
    if not tried:
        return
    low = np.min([first for first, _ in tried], axis=0)
    high = np.max([last for _, last in tried], axis=0)
    certain &= low == high
    settled = around[certain]
    instants[settled] = low[certain]
    trouble[settled] = Trouble.NONE


def _in_order(first: Ints, last: Ints) -> Iterator[tuple[Ints, Ints]]:
    """Yield the bounds of each instant in a series that rises strictly, and in one that falls.

    A direction in which no choice between first and last gives a series in order is left out.
    """
    rising = _bounds(first.tolist(), last.tolist())
    if rising is not None:
        yield rising
    falling = _bounds((-last).tolist(), (-first).tolist())
    if falling is not None:
        yield -falling[1], -falling[0]


def _bounds(first: list[int], last: list[int]) -> tuple[Ints, Ints] | None:
    """Return the least and the greatest that each can be while all rise strictly."""
    least, greatest = [], []
    before = -(2**62)
    for early, late in zip(first, last, strict=True):
        if late <= before:
            return None
        before = early if early > before else late
        least.append(before)
    after = 2**62
    for early, late in zip(reversed(first), reversed(last), strict=True):
        after = late if late < after else early
        greatest.append(after)
    return np.array(least, dtype=np.int64), np.array(greatest[::-1], dtype=np.int64)
