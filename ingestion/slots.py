"""The intervals of one register in a range: those that are stored, and those that could be."""

from dataclasses import dataclass

import numpy as np

from ingestion.intervals import first_slot, slot_count
from meters.days import DayTable, Floats, Ints, Mask, Qualities
from meters.models import Register
from meters.profiles import read_days, read_last_days


@dataclass(frozen=True)
class Slots:
    """n intervals of one register, in order; shapes ``(n,)``.

    Attributes
    ----------
    instants, interval
        When each starts, and how long it is [s].
    values, qualities
        What is stored there: NaN and 0 for nothing.
    version
        The newest version of the stored days that were read, 0 where there are none.
    """

    instants: Ints
    interval: Ints
    values: Floats
    qualities: Qualities
    version: int

    def __len__(self) -> int:
        return len(self.instants)

    def only(self, mask: Mask) -> "Slots":
        return Slots(
            self.instants[mask],
            self.interval[mask],
            self.values[mask],
            self.qualities[mask],
            self.version,
        )


def slots_of(register: Register, start: int, end: int) -> Slots:
    """Lay out the intervals that start in ``[start, end)`` [s], day by day.

    A stored day has its own intervals; of a day of which nothing is stored they are taken to be as
    the register is known, in step with the latest day.
    """
    place = register.meter.zone
    starts, days = place.day_starts(start, end)
    # A day that another zone database had cut may lie beside its date, hence one more.
    numbers = days.astype(np.int64)
    stored = read_days([register.pk], int(numbers[0]) - 1, int(numbers[-1]) + 1)
    known = {int(day): row for row, day in enumerate(stored.day)}
    interval, phase = _usual(register)
    parts: list[Slots] = []
    for day, begins, ends in zip(numbers.tolist(), starts[:-1], starts[1:], strict=True):
        if day not in known:
            parts.append(_empty(int(begins), int(ends), interval, phase))
    parts.append(_stored(stored))
    instants = np.concatenate([part.instants for part in parts])
    order = np.argsort(instants, kind="stable")
    joined = Slots(
        instants[order],
        np.concatenate([part.interval for part in parts])[order],
        np.concatenate([part.values for part in parts])[order],
        np.concatenate([part.qualities for part in parts])[order],
        0,
    )
    within = joined.only((joined.instants >= start) & (joined.instants < end))
    touched = np.isin(stored.day, numbers)
    version = int(stored.version[touched].max(initial=0))
    return Slots(within.instants, within.interval, within.values, within.qualities, version)


def _usual(register: Register) -> tuple[int, int | None]:
    """Say how long the intervals usually are, and when they begin, modulo that [s]."""
    interval = register.interval or 900
    latest = read_last_days([register.pk])
    if len(latest) and int(latest.interval[0]) == interval:
        return interval, int(latest.first[0]) % interval
    return interval, None


def _empty(begins: int, ends: int, interval: int, phase: int | None) -> Slots:
    one, lengths = np.array([begins]), np.array([interval])
    first = first_slot(one, lengths, begins % interval if phase is None else phase)
    n = int(slot_count(first, np.array([ends]), lengths)[0])
    return Slots(
        int(first[0]) + np.arange(n, dtype=np.int64) * interval,
        np.full(n, interval, dtype=np.int64),
        np.full(n, np.nan),
        np.zeros(n, dtype=np.int16),
        0,
    )


def _stored(table: DayTable) -> Slots:
    return Slots(
        table.instants,
        np.repeat(table.interval, table.slots),
        np.where(table.present, table.values, np.nan),
        table.qualities,
        0,
    )
