"""Local times without offset, as instants: by the order in which they stand, or not at all.

Where clocks go back, an hour is shown twice. A series that rises or falls strictly and shows that
hour twice says by its order which is which: its times step back exactly once (or, falling, forward
once). Anything less is refused; so is a time that the clock never showed. Elsewhere a local time is
an instant, whatever stands around it.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from meters.days import Ints, Mask
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
        return {
            Trouble.NONE: "",
            Trouble.NEVER: f"the clock of {zone} never showed it: clocks went forward over it",
            Trouble.TWICE: f"the clock of {zone} showed it twice, and the order of the rows does "
            "not tell which is meant; write the offset",
            Trouble.EITHER: f"beside a change of the clock of {zone} it can be read in two ways, "
            "and the order of the rows does not tell which is meant; write the offset",
        }[self]


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
    early, late, is_early, is_late = _candidates(walls, zone)
    trouble = np.zeros(len(walls), dtype=np.int8)
    trouble[~is_early & ~is_late] = Trouble.NEVER
    instants = np.where(is_early, early, late)
    twice = is_early & is_late & (early != late)
    if twice.any():
        trouble[twice] = Trouble.TWICE
        for change in _changes(early[twice], late[twice]):
            _by_order(walls, twice, change, early, late, instants, trouble)
    return Resolved(instants, trouble)


def resolve_ends(walls: Ints, interval: int, zone: Zone) -> Resolved:
    """Find when intervals start whose END is written in local time.

    The end of the last interval before a change of the clock is written in two ways: 03:00 of the
    old time or 02:00 of the new. Both are tried for all times around the change, and the one that
    gives a series in order is taken.

    Parameters
    ----------
    walls
        As for `resolve_starts`, of the ends.
    interval
        Length of an interval [s].
    """
    before = resolve_starts(walls - interval, zone)
    after = resolve_starts(walls, zone)
    after_instants = after.instants - interval
    same = (before.trouble == 0) & (after.trouble == 0) & (before.instants == after_instants)
    trouble = np.where(same, 0, Trouble.EITHER).astype(np.int8)
    instants = before.instants.copy()
    for change in _near_changes(walls[~same], zone):
        around = np.abs(walls - change) <= AROUND
        choices = [
            found
            for found, when in ((before, before.instants), (after, after_instants))
            if not found.trouble[around].any() and _in_order(np.flatnonzero(around), when)
        ]
        if len(choices) == 1:
            chosen = choices[0]
            shift = 0 if chosen is before else interval
            instants[around] = chosen.instants[around] - shift
            trouble[around] = 0
        else:
            never = around & ~same & (before.trouble == Trouble.NEVER)
            trouble[never & (after.trouble != 0)] = Trouble.NEVER
    return Resolved(instants, trouble)


def _candidates(walls: Ints, zone: Zone) -> tuple[Ints, Ints, Mask, Mask]:
    """Return the instants at which the clock may have shown each time, and whether it did.

    No clock changes twice within two days, so the offsets a day before and a day after are the only
    ones that count.
    """
    early = walls - zone.offsets(walls - DAY)
    late = walls - zone.offsets(walls + DAY)
    is_early = early + zone.offsets(early) == walls
    is_late = late + zone.offsets(late) == walls
    return early, late, is_early, is_late


def _changes(early: Ints, late: Ints) -> list[tuple[int, int]]:
    """Tell apart the changes of the clock to which repeated times belong.

    Returns
    -------
    For each the first and the last of the local times that stand in the file, by their early
    instants; the late ones lie one repetition behind.
    """
    instants = np.unique(early)
    gaps = np.flatnonzero(np.diff(instants) > DAY)
    firsts = np.concatenate(([0], gaps + 1))
    lasts = np.concatenate((gaps, [len(instants) - 1]))
    return [(int(instants[a]), int(instants[b])) for a, b in zip(firsts, lasts, strict=True)]


def _by_order(
    walls: Ints,
    twice: Mask,
    change: tuple[int, int],
    early: Ints,
    late: Ints,
    instants: Ints,
    trouble: npt.NDArray[np.int8],
) -> None:
    """Settle the repeated times of one change, where the order of the rows does it."""
    here = twice & (early >= change[0]) & (early <= change[1])
    inside = np.flatnonzero(here)
    low, high = walls[inside].min(), walls[inside].max()
    around = np.flatnonzero((walls >= low - AROUND) & (walls <= high + AROUND))
    # The rows around it stand together, and these within them. Where no time stands there twice,
    # a step back may as well be two rows that were swapped.
    together = around[-1] - around[0] + 1 == len(around)
    together &= inside[-1] - inside[0] + 1 == len(inside)
    if not together or len(np.unique(walls[inside])) == len(inside):
        return
    steps = np.diff(walls[inside])
    for sign, first, second in ((1, early, late), (-1, late, early)):
        wraps = np.flatnonzero(sign * steps <= 0)
        if len(wraps) != 1:
            continue
        cut = int(wraps[0]) + 1
        tried = instants.copy()
        tried[inside[:cut]], tried[inside[cut:]] = first[inside[:cut]], second[inside[cut:]]
        rest = around[(trouble[around] == 0) | here[around]]
        if (sign * np.diff(tried[rest]) > 0).all() and _says_direction(inside, rest, steps, sign):
            instants[inside] = tried[inside]
            trouble[inside] = Trouble.NONE
            return


def _says_direction(inside: Ints, rest: Ints, steps: Ints, sign: int) -> bool:
    """Tell whether it is certain that the series rises (or falls).

    Two times alone, or one written twice and nothing beside it, would do for both.
    """
    return len(rest) > len(inside) or int((sign * steps > 0).sum()) > 1


def _near_changes(walls: Ints, zone: Zone) -> list[int]:
    """Return the changes of the clock near some local times, as local times [s]."""
    if not len(walls):
        return []
    segments = zone.segments(int(walls.min()) - 2 * DAY, int(walls.max()) + 2 * DAY)
    found = [segment.start + segment.offset for segment in segments[1:]]
    return [change for change in found if (np.abs(walls - change) <= AROUND).any()]


def _in_order(index: Ints, instants: Ints) -> bool:
    """Tell whether rows stand together and rise or fall strictly."""
    if len(index) < 2 or index[-1] - index[0] + 1 != len(index):
        return False
    steps = np.diff(instants[index])
    return bool((steps > 0).all() or (steps < 0).all())
