"""What a register's day has held, state by state, told from its revisions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

import numpy as np

from ingestion.models import ReadingRevision
from meters.models import Register
from meters.profiles import read_days
from meters.qualities import Quality
from meters.zones import epoch_day


@dataclass(frozen=True)
class State:
    """What a day held from one write on, up to the next one that replaced something.

    Attributes
    ----------
    readings
        By the start of each interval [s]; what is missing is left out.
    made_by
        The revisions of the write that made this state; none for the first state that is known.
    """

    readings: dict[int, tuple[float, Quality]]
    made_by: tuple[ReadingRevision, ...] = ()

    @property
    def version(self) -> int | None:
        return self.made_by[0].version if self.made_by else None


@dataclass(frozen=True, slots=True)
class Change:
    """What one write did to one interval; None where it held, or holds, nothing."""

    before: tuple[float, Quality] | None
    after: tuple[float, Quality] | None
    revision: ReadingRevision

    @property
    def was(self) -> dict[str, object]:
        return _shown(self.before)

    @property
    def became(self) -> dict[str, object]:
        return _shown(self.after)


def _shown(reading: tuple[float, Quality] | None) -> dict[str, object]:
    value, quality = reading or (None, Quality.MISSING)
    return {"value": value, "quality": quality.label}


def history(register: Register, day: date) -> list[State]:
    """Tell every state of a day since before the first time that something of it was replaced.

    From there on each state is exact, deletions and late arrivals included. Before that readings
    only arrived: the first state holds all of them, and an earlier one was a part of it.

    Returns
    -------
    The states, the oldest first; the last one is what is stored.
    """
    revisions = list(
        ReadingRevision.objects.filter(register=register, day=day)
        .select_related("author", "run__source")
        .order_by("version", "pk")
    )
    readings = _stored(register, day)
    states: list[State] = []
    for made_by in reversed(_by_version(revisions)):
        states.append(State(dict(readings), made_by))
        for revision in made_by:
            for when, value, quality in revision.readings():
                if value is None:
                    readings.pop(int(when.timestamp()), None)
                else:
                    readings[int(when.timestamp())] = value, quality
    states.append(State(readings))
    return states[::-1]


def changes_of(states: Sequence[State], instant: int) -> list[Change]:
    """Tell what happened to one interval, the latest first."""
    found = []
    for before, after in pairwise(states):
        for revision in after.made_by:
            if any(int(when.timestamp()) == instant for when, _, _ in revision.readings()):
                old, new = before.readings.get(instant), after.readings.get(instant)
                found.append(Change(old, new, revision))
    return found[::-1]


def _by_version(revisions: Sequence[ReadingRevision]) -> list[tuple[ReadingRevision, ...]]:
    groups: dict[int, list[ReadingRevision]] = {}
    for revision in revisions:
        groups.setdefault(revision.version, []).append(revision)
    return [tuple(group) for _, group in sorted(groups.items())]


def _stored(register: Register, day: date) -> dict[int, tuple[float, Quality]]:
    number = epoch_day(day)
    table = read_days([register.pk], number, number)
    there = np.flatnonzero(table.present)
    return {
        int(table.instants[at]): (float(table.values[at]), Quality(int(table.qualities[at])))
        for at in there
    }
