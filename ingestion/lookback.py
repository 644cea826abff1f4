"""What revisions say to a batch: which days have a past, and which corrections by hand hold.

A correction by hand **holds** against a source that goes on sending what it replaced: each sweep
reads the last days again, and would otherwise undo by morning what somebody mended in the evening.
It gives way as soon as the source sends anything else, for then the source has mended it, too, and
knows better. What counts as replaced is the source's last word before the first of the acts by hand
that followed each other: whoever corrects a correction still holds off the same value.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from django.db import connection

from ingestion.layout import Incoming
from ingestion.merge import Merged, Replaced
from ingestion.models import ReadingRevision
from meters.days import DayTable

# A register and a local day, as days since 1970-01-01.
Key = tuple[int, int]
# A register and the start of an interval [s]; what the source last said there.
Slot = tuple[int, int]
Words = tuple[float, int]


@dataclass(frozen=True)
class Past:
    """What is known of the days that a batch touches.

    Attributes
    ----------
    days
        Days of which something has been replaced before.
    by_hand
        Those of them on which something was done by hand.
    """

    days: frozenset[Key] = frozenset()
    by_hand: frozenset[Key] = frozenset()


@dataclass
class Held:
    """What corrections by hand did to a batch; counts by register.

    Attributes
    ----------
    kept
        How many readings were held off.
    given_up
        How many corrections gave way to something new.
    """

    kept: dict[int, int] = field(default_factory=dict)
    given_up: dict[int, int] = field(default_factory=dict)

    def in_words(self) -> Iterator[tuple[int, str]]:
        """Tell it of each register."""
        for register, n in self.kept.items():
            words = f"{n:,} reading{'s' * (n != 1)} came as before a correction by hand, which"
            yield register, f"{words} holds until something new comes."
        for register, n in self.given_up.items():
            words = f"{n:,} correction{'s' * (n != 1)} by hand gave way"
            yield register, f"{words}, for something new came."


def past_of(merged: Merged) -> Past:
    """Ask what has been replaced before on the days that are written over."""
    rows = merged.replaced.rows
    if not len(rows):
        return Past()
    register, day = merged.changed.register[rows], merged.changed.day[rows]
    with connection.cursor() as cursor:
        # All days between, for which an index serves, rather than a join with those concerned.
        cursor.execute(
            "SELECT register_id, day - DATE '1970-01-01', bool_or(act <> '') "
            "FROM ingestion_readingrevision WHERE register_id = ANY(%s) "
            "AND day BETWEEN DATE '1970-01-01' + %s AND DATE '1970-01-01' + %s GROUP BY 1, 2",
            [np.unique(register).tolist(), int(day.min()), int(day.max())],
        )
        found = {(register, day): by_hand for register, day, by_hand in cursor.fetchall()}
    days = found.keys() & set(zip(register.tolist(), day.tolist(), strict=True))
    return Past(frozenset(days), frozenset(key for key in days if found[key]))


def hold_off(incoming: Incoming, stored: DayTable, days: frozenset[Key]) -> tuple[Incoming, Held]:
    """Let what corrections by hand hold against look like what is stored.

    Parameters
    ----------
    incoming
        A source's readings.
    stored
        The rows that they are compared with.
    days
        On which something was done by hand.
    """
    said, held = last_words(days), Held()
    stands = _standing(stored, days)
    values, qualities = incoming.values.copy(), incoming.qualities.copy()
    registers = np.array(sorted({register for register, _ in said}), dtype=np.int64)
    instants = np.array(sorted({instant for _, instant in said}), dtype=np.int64)
    mine = np.isin(incoming.instants, instants) & np.isin(incoming.register, registers)
    for at in np.flatnonzero(mine).tolist():
        slot = int(incoming.register[at]), int(incoming.instants[at])
        if slot not in said or slot not in stands:
            continue
        came = float(values[at]), int(qualities[at])
        if came == said[slot]:
            values[at], qualities[at] = stands[slot]
            held.kept[slot[0]] = held.kept.get(slot[0], 0) + 1
        elif came != stands[slot]:
            held.given_up[slot[0]] = held.given_up.get(slot[0], 0) + 1
    return Incoming(incoming.register, incoming.instants, values, qualities), held


def last_words(days: Iterable[Key]) -> dict[Slot, Words]:
    """Return the source's last word on each slot that was since written by hand alone."""
    wanted = sorted(days)
    day_of = np.array([day for _, day in wanted], dtype="datetime64[D]").tolist()
    found = ReadingRevision.objects.filter(
        register__in={register for register, _ in wanted}, day__in=set(day_of)
    ).order_by("version", "pk")
    said: dict[Slot, Words] = {}
    for revision in found:
        first = int(revision.first.timestamp())
        for slot, value, quality in zip(
            revision.slots, revision.values, revision.qualities, strict=True
        ):
            key = revision.register_id, first + slot * revision.interval
            if revision.act:
                said.setdefault(key, (value, quality))
            else:
                said.pop(key, None)
    return said


def _standing(stored: DayTable, days: frozenset[Key]) -> dict[Slot, Words]:
    keys = zip(stored.register.tolist(), stored.day.tolist(), strict=True)
    table = stored.take([row for row, key in enumerate(keys) if key in days])
    slots = zip(
        np.repeat(table.register, table.slots).tolist(), table.instants.tolist(), strict=True
    )
    return dict(
        zip(slots, zip(table.values.tolist(), table.qualities.tolist(), strict=True), strict=True)
    )


def worth_keeping(merged: Merged, past: Past) -> Replaced:
    """Leave out empty slots of days of which nothing was ever replaced.

    Most readings are new and come in order; a row of revisions for each would be more rows than
    there are readings. But once something of a day has been replaced, what arrived later must be
    told apart from what had been there.
    """
    replaced, table = merged.replaced, merged.changed
    if not len(replaced.rows):
        return replaced
    begins = np.cumsum(replaced.lengths) - replaced.lengths
    kept = np.maximum.reduceat(replaced.qualities, begins) > 0
    if past.days:
        keys = zip(
            table.register[replaced.rows].tolist(), table.day[replaced.rows].tolist(), strict=True
        )
        kept |= np.array([key in past.days for key in keys])
    if kept.all():
        return replaced
    each = np.repeat(kept, replaced.lengths)
    return Replaced(
        replaced.rows[kept],
        replaced.lengths[kept],
        replaced.slots[each],
        replaced.values[each],
        replaced.qualities[each],
    )
