"""Series of a file: how long their intervals are, and when each of them starts."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from ingestion.doors.clock import Wall
from ingestion.doors.columns import Plan
from ingestion.doors.localtimes import Trouble, resolve_ends, resolve_starts
from ingestion.doors.table import DoorError
from ingestion.intervals import LENGTHS, PROOF, finer_runs, shown_interval
from meters.days import Floats, Ints
from meters.language import _
from meters.zones import Zone


@dataclass
class Moments:
    """The times of rows that belong together, in the order of the file.

    Rows without a value are among them: they, too, tell the order by which a repeated hour is
    understood.

    Attributes
    ----------
    rows
        In the table.
    walls, offsets
        What the clock showed [s], and its offset [s]; None where the text does not say.
    """

    rows: list[int] = field(default_factory=list)
    walls: list[int] = field(default_factory=list)
    offsets: list[int | None] = field(default_factory=list)

    def add(self, row: int, wall: Wall) -> int:
        """Add the time of a row, and return its place."""
        self.rows.append(row)
        self.walls.append(wall.seconds)
        self.offsets.append(wall.offset)
        return len(self.rows) - 1


@dataclass
class Values:
    """The values of one register, each with the place of its time in `Moments`.

    Attributes
    ----------
    values
        In the register's unit; where `per_hour` is set, mean power in the unit of an hour's energy.
    """

    places: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    qualities: list[int] = field(default_factory=list)
    per_hour: list[bool] = field(default_factory=list)

    def add(self, place: int, value: float, quality: int, *, per_hour: bool) -> None:
        self.places.append(place)
        self.values.append(value)
        self.qualities.append(quality)
        self.per_hour.append(per_hour)

    def converted(self, span: int | None) -> Floats:
        """Return the values; what was mean power as the energy of its interval."""
        values = np.array(self.values, dtype=np.float64)
        if span is not None:
            values[np.array(self.per_hour, dtype=bool)] *= span / 3600
        return values


def span_of(moments: Moments, plan: Plan, *, power: bool) -> int | None:
    """Say how long intervals are [s]; None where nobody needs to know.

    Parameters
    ----------
    power
        Whether there is mean power to be turned into energy.

    Raises
    ------
    DoorError
        It has to be known, and the times do not show it.
    """
    if plan.mark != "end" and not power:
        return None
    if plan.interval is not None:
        return plan.interval
    times = np.unique(
        np.array(moments.walls, dtype=np.int64)
        - np.array([offset or 0 for offset in moments.offsets], dtype=np.int64)
    )
    found = shown_interval(times, 0)
    if not found:
        raise DoorError(_unknown_length(by_end=plan.mark == "end"))
    other = _other_length(times, found)
    if other:
        words = _two_lengths(by_end=plan.mark == "end")
        raise DoorError(words.format(one=found // 60, other=other // 60))
    return found


def _unknown_length(*, by_end: bool) -> str:
    if by_end:
        return _(
            "The times don't show how long the intervals are, which is needed to tell when they "
            "start. Name the interval."
        )
    return _(
        "The times don't show how long the intervals are, which is needed to turn power into "
        "energy. Name the interval."
    )


def _two_lengths(*, by_end: bool) -> str:
    if by_end:
        return _(
            "There are intervals of {one} and of {other} minutes, and one length is needed to "
            "tell when they start. Name the interval, or split the file."
        )
    return _(
        "There are intervals of {one} and of {other} minutes, and one length is needed to turn "
        "power into energy. Name the interval, or split the file."
    )


def _other_length(times: Ints, usual: int) -> int:
    """Find another length that several intervals in a row have [s]."""
    for run in finer_runs(times, usual):
        return int(times[run][1] - times[run][0])
    steps = np.diff(times)
    for length in LENGTHS[usual < LENGTHS]:
        same = np.convolve(steps == length, np.ones(PROOF, dtype=np.int64), mode="valid")
        if len(steps) >= PROOF and (same == PROOF).any():
            return int(length)
    return 0


def starts_of(
    moments: Moments, plan: Plan, zone: Zone | None, span: int | None
) -> tuple[Ints, Mapping[int, str]]:
    """Find when each interval starts.

    Returns
    -------
    The instants [s], and for those that could not be found, by their places, why.
    """
    walls = np.array(moments.walls, dtype=np.int64)
    said = np.array([offset is not None for offset in moments.offsets])
    offsets = np.array([offset or 0 for offset in moments.offsets], dtype=np.int64)
    shift = span if plan.mark == "end" and span is not None else 0
    instants = walls - offsets - shift
    trouble: dict[int, str] = {}
    open_ones = np.flatnonzero(~said)
    if zone is not None and len(open_ones):
        local = walls[open_ones]
        found = resolve_ends(local, shift, zone) if shift else resolve_starts(local, zone)
        instants[open_ones] = found.instants
        for at in np.flatnonzero(found.trouble):
            words = Trouble(int(found.trouble[at])).words(zone.name)
            trouble[int(open_ones[at])] = words
    return instants, trouble
