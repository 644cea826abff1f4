"""Where a meter's stored readings have holes, told by what its days say of themselves.

A day's row counts its readings, so that only the days that lack some are opened: of a meter whose
years are complete not one value is read.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ingestion.models import ReadingRevision
from meters.days import Ints
from meters.gaps import ENDED, Expected, Stretch, stretches
from meters.grid import Cadence
from meters.models import Meter, Register
from meters.profiles import (
    first_readings,
    last_reading_ends,
    read_chosen_days,
    read_totals,
)
from meters.zones import DAY

# Holes that are no further apart are one gap [s]: one question serves them.
TOGETHER = DAY
NONE: Ints = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Found:
    """What one register lacks.

    Attributes
    ----------
    stretches
        Oldest first.
    start, end
        From when to when it is expected to read, ``[start, end)`` [s].
    own_end
        Where its own latest reading ends [s].
    latest
        Where the latest reading of any register of its meter ends [s].
    deleted
        Instants that somebody has deleted by hand, where the register lacks anything [s].
    """

    register: Register
    stretches: tuple[Stretch, ...]
    start: int
    end: int
    own_end: int
    latest: int
    deleted: Ints

    def goes_on(self, stretch: Stretch) -> bool:
        """Whether the register has sent nothing since, though its meter has."""
        return stretch.end > self.own_end

    def expects(self, start: int, stop: int) -> bool:
        """Whether all of ``[start, stop)`` [s] is expected to be there."""
        inside = self.start <= start and stop <= self.end
        return inside and not np.any((self.deleted >= start) & (self.deleted < stop))


def find_gaps(meters: Sequence[Meter]) -> list[Found]:
    """Find what meters lack, with six questions to the database in all.

    A register is expected to read from its first reading on, for as long as any register of its
    meter does; one that lags a month behind the others has ended. What somebody has deleted by hand
    is not missing.

    Parameters
    ----------
    meters
        With their registers prefetched.

    Returns
    -------
    Of each register that holds readings, also of those that lack nothing.
    """
    keys = [one.pk for meter in meters for one in meter.registers.all()]
    firsts = first_readings(keys) if keys else {}
    if not firsts:
        return []
    ends = last_reading_ends(keys)
    totals = read_totals(keys, min(firsts.values()) // DAY - 1, max(ends.values()) // DAY + 1)
    found, lacking = [], {}
    for meter in meters:
        own = [one for one in meter.registers.all() if one.pk in firsts]
        latest = max((ends[one.pk] for one in own), default=0)
        for one in own:
            end = latest if ends[one.pk] > latest - ENDED else ends[one.pk]
            start, end = max(firsts[one.pk], meter.validity.since), min(end, meter.validity.until)
            found.append(Found(one, (), start, end, ends[one.pk], latest, NONE))
            if start >= end:
                continue
            days = totals.of_register(one.pk)
            cadence = Cadence.of_days(days.day, days.first, days.interval, meter.zone)
            due = Expected(cadence, start, end, meter.zone)
            holds_more = start > firsts[one.pk] or end < ends[one.pk]
            lacks = due.lacking_days(days.day, days.count, holds_more=holds_more)
            if len(lacks):
                lacking[one.pk] = due, lacks
    return _opened(found, lacking)


def _opened(found: list[Found], lacking: dict[int, tuple[Expected, Ints]]) -> list[Found]:
    """Open the days that lack something, and say what that is."""
    if not lacking:
        return found
    table = read_chosen_days(
        np.repeat(list(lacking), [len(days) for _, days in lacking.values()]),
        np.concatenate([days for _, days in lacking.values()]),
    )
    deleted = _deleted(list(lacking))

    def opened(one: Found) -> Found:
        if one.register.pk not in lacking:
            return one
        due, days = lacking[one.register.pk]
        own, gone = table.of_register(one.register.pk), deleted.get(one.register.pk, NONE)
        there = np.concatenate((own.instants[own.present], gone))
        holes = stretches(*due.instants(days), there, TOGETHER)
        return replace(one, stretches=tuple(holes), deleted=gone)

    return [opened(one) for one in found]


def _deleted(registers: Sequence[int]) -> dict[int, Ints]:
    """Say which instants somebody has deleted by hand, by register."""
    acts = ReadingRevision.objects.filter(
        register__in=registers, act=ReadingRevision.Act.DELETE
    ).order_by("register")
    found: dict[int, list[int]] = {}
    for one in acts:
        found.setdefault(one.register_id, []).extend(
            int(when.timestamp()) for when, _, _ in one.readings()
        )
    return {register: np.array(when, dtype=np.int64) for register, when in found.items()}
