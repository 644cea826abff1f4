"""Which slot of which day each reading of a batch belongs in.

How long the intervals of a day are is settled in this order: the stored row, where two of its
neighbouring slots are filled; else what the register is known for, unless the readings clearly show
something else; else what the readings show; else the source's default. Inside one day the odd ones
are refused, for energy is never spread over intervals that were not measured.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from ingestion.batch import Reason
from meters.days import DayTable, Floats, Ints, Mask, Qualities
from meters.zones import Zone

# The lengths of interval [s] that are understood: the whole minutes that divide an hour.
LENGTHS = np.array([60, 120, 180, 240, 300, 360, 600, 720, 900, 1200, 1800, 3600])
FAR = 2**62


@dataclass(frozen=True)
class Incoming:
    """n readings of known registers, in the order in which they arrived; shapes ``(n,)``."""

    register: Ints
    instants: Ints
    values: Floats
    qualities: Qualities

    def __len__(self) -> int:
        return len(self.instants)

    def take(self, index: Ints | Mask) -> "Incoming":
        return Incoming(
            self.register[index], self.instants[index], self.values[index], self.qualities[index]
        )


@dataclass
class RegisterDays:
    """The g register-days of sorted readings."""

    register: Ints
    day: Ints
    begins: Ints
    ends: Ints
    sizes: Ints
    # Which stored row is this group's, −1 where there is none.
    row: Ints
    # Where the slots of this day begin, how long they are and how many; see `settle`.
    first: Ints
    interval: Ints
    slots: Ints
    refused: list[tuple[int, Reason, str]] = field(default_factory=list)
    spoken_for: Mask = field(default_factory=lambda: np.zeros(0, dtype=bool))

    @classmethod
    def of(cls, readings: Incoming, stored: DayTable, zone: Zone) -> "RegisterDays":
        n = len(readings)
        if not n:
            none = np.zeros(0, dtype=np.int64)
            return cls(none, none, none, none, none, none, none, none, none)
        starts, days = zone.day_starts(
            int(readings.instants.min()), int(readings.instants.max()) + 1
        )
        local = np.searchsorted(starts, readings.instants, side="right") - 1
        first = np.ones(n, dtype=bool)
        first[1:] = (readings.register[1:] != readings.register[:-1]) | (local[1:] != local[:-1])
        at = np.flatnonzero(first)
        register, local = readings.register[at], local[at]
        day = days.astype(np.int64)[local]
        # Dates fit below 2^20 days; so one number orders register and day.
        key = (register << 20) + day
        stored_key = (stored.register << 20) + stored.day
        row = np.searchsorted(stored_key, key)
        found = row < len(stored_key)
        found[found] = stored_key[row[found]] == key[found]
        unsettled = np.zeros(len(at), dtype=np.int64)
        return cls(
            register,
            day,
            starts[local],
            starts[local + 1],
            np.diff(np.concatenate((at, [n]))),
            np.where(found, row, -1),
            unsettled,
            unsettled,
            unsettled,
            spoken_for=np.zeros(n, dtype=bool),
        )

    def __len__(self) -> int:
        return len(self.register)

    @property
    def offsets(self) -> Ints:
        return np.concatenate(([0], np.cumsum(self.sizes))).astype(np.int64)

    def settle(
        self,
        readings: Incoming,
        stored: DayTable,
        known: Mapping[int, int | None],
        default: int,
    ) -> DayTable:
        """Decide each group's slots; return the stored rows, re-cut where they must be."""
        if not len(self):
            return stored
        registers = np.unique(self.register)
        of_register = np.zeros(len(registers), dtype=np.int64)
        for i, register in enumerate(registers):
            low, high = np.searchsorted(readings.register, [register, register + 1])
            of_register[i] = known.get(int(register)) or shown_interval(
                readings.instants[low:high], default, proof=1
            )
        offsets = self.offsets
        has = self.row >= 0
        self.interval = of_register[np.searchsorted(registers, self.register)]
        self.interval[has] = stored.interval[self.row[has]]
        phase = readings.instants[offsets[:-1]] % self.interval
        self.first = first_slot(self.begins, self.interval, phase)
        self.slots = slot_count(self.first, self.ends, self.interval)
        # A stored row keeps its own slots, whatever the zone database says today.
        self.first[has] = stored.first[self.row[has]]
        self.slots[has] = stored.slots[self.row[has]]

        steps = np.full(len(readings), FAR, dtype=np.int64)
        same = readings.register[1:] == readings.register[:-1]
        steps[1:][same] = np.diff(readings.instants)[same]
        shortest = np.minimum.reduceat(steps, offsets[:-1])
        odd = ~np.logical_and.reduceat(self.fits(readings), offsets[:-1])
        odd |= shortest < self.interval
        # Nothing stored, and not once two readings as close as the register is known for.
        odd |= ~has & (self.sizes >= 4) & (shortest > self.interval)
        for group in np.flatnonzero(odd):
            part = slice(int(offsets[group]), int(offsets[group + 1]))
            stored = self._settle_one(int(group), part, readings, stored)
        return stored

    def _settle_one(
        self, group: int, part: slice, readings: Incoming, stored: DayTable
    ) -> DayTable:
        """Settle a group whose readings don't simply follow what is known."""
        instants = readings.instants[part]
        row = int(self.row[group])
        fallback = int(self.interval[group])
        if row < 0:
            interval = shown_interval(instants, fallback)
            self._lay_out(group, interval, common_phase(instants, interval))
            return stored
        slots = stored.row_slots(row)
        present = stored.present[slots]
        if (present[1:] & present[:-1]).any():
            step = shown_interval(instants, fallback)
            if step < fallback:
                words = (
                    f"readings come every {step // 60} minutes on a day that is stored in "
                    f"intervals of {fallback // 60} minutes"
                )
                self.refused += [
                    (at, Reason.INTERVAL, words) for at in range(part.start, part.stop)
                ]
                self.spoken_for[part] = True
            return stored
        # The stored readings stand too far apart to say how long their intervals are.
        before = stored.instants[slots][present]
        together = np.union1d(before, instants)
        interval = shown_interval(together, fallback)
        phase = common_phase(together, interval)
        if ((before - phase) % interval).any():
            return stored
        self._lay_out(group, interval, phase)
        return _recut(stored, row, int(self.first[group]), interval, int(self.slots[group]))

    def _lay_out(self, group: int, interval: int, phase: int) -> None:
        one = slice(group, group + 1)
        self.interval[group] = interval
        self.first[one] = first_slot(self.begins[one], self.interval[one], phase)
        self.slots[one] = slot_count(self.first[one], self.ends[one], self.interval[one])

    def slot(self, readings: Incoming) -> tuple[Ints, Ints]:
        """Return each reading's slot, and how far behind the slot's start it begins [s]."""
        since = readings.instants - np.repeat(self.first, self.sizes)
        slot, behind = np.divmod(since, np.repeat(self.interval, self.sizes))
        return slot, behind

    def fits(self, readings: Incoming) -> Mask:
        """Say of each reading whether it starts where a slot of its day does."""
        slot, behind = self.slot(readings)
        inside = (slot >= 0) & (slot < np.repeat(self.slots, self.sizes))
        fitting: Mask = ~self.spoken_for & (behind == 0) & inside
        return fitting

    def misaligned(self, readings: Incoming, at: int) -> str:
        """Say in words why a reading doesn't fit its day."""
        group = int(np.searchsorted(self.offsets, at, side="right")) - 1
        minutes = int(self.interval[group]) // 60
        behind = int((readings.instants[at] - self.first[group]) % self.interval[group])
        if not behind:
            return "the reading lies outside the slots of its stored day, which wants re-cutting"
        return (
            f"the interval starts {behind // 60} min {behind % 60} s after one of the day's "
            f"{minutes}-minute intervals does"
        )

    def only(self, kept: Mask) -> "RegisterDays":
        """Drop refused readings, and the groups that are left without any."""
        if kept.all():
            return self
        owner = np.repeat(np.arange(len(self)), self.sizes)[kept]
        alive, sizes = np.unique(owner, return_counts=True)
        return RegisterDays(
            self.register[alive],
            self.day[alive],
            self.begins[alive],
            self.ends[alive],
            sizes.astype(np.int64),
            self.row[alive],
            self.first[alive],
            self.interval[alive],
            self.slots[alive],
        )


def shown_interval(instants: Ints, fallback: int, *, proof: int = 3) -> int:
    """Say how long the intervals of readings are, from how far apart they stand.

    Parameters
    ----------
    instants
        Starts of intervals [s], rising.
    fallback
        The length [s] that stays where the readings don't clearly show another.
    proof
        How many steps there must be, most of them of one length, to show another.
    """
    steps = np.diff(instants)
    if len(steps) < proof:
        return fallback
    lengths, counts = np.unique(steps, return_counts=True)
    usual = int(lengths[np.argmax(counts)])
    return usual if usual in LENGTHS and counts.max() * 2 > len(steps) else fallback


def common_phase(instants: Ints, interval: int) -> int:
    """Return where most of the readings start, modulo the interval [s]."""
    phases, counts = np.unique(instants % interval, return_counts=True)
    return int(phases[np.argmax(counts)])


def first_slot(begins: Ints, interval: Ints, phase: Ints | int) -> Ints:
    """Return the first instant of each day that is congruent to the phase [s]."""
    return begins + (phase - begins) % interval


def slot_count(first: Ints, ends: Ints, interval: Ints) -> Ints:
    """Return how many intervals of each day start before it ends, at least 1."""
    counts: Ints = np.maximum(-((first - ends) // interval), 1)
    return counts


def _recut(stored: DayTable, row: int, first: int, interval: int, n: int) -> DayTable:
    """Lay one stored row out in other slots, in which all its readings fit."""
    old = stored.row_slots(row)
    present = stored.present[old]
    place = (stored.instants[old][present] - first) // interval
    values, qualities = np.full(n, np.nan), np.zeros(n, dtype=np.int16)
    values[place] = stored.values[old][present]
    qualities[place] = stored.qualities[old][present]

    def changed(column: Ints, value: int) -> Ints:
        column = column.copy()
        column[row] = value
        return column

    return DayTable(
        stored.register,
        stored.day,
        changed(stored.first, first),
        changed(stored.interval, interval),
        changed(stored.slots, n),
        np.concatenate((stored.values[: old.start], values, stored.values[old.stop :])),
        np.concatenate((stored.qualities[: old.start], qualities, stored.qualities[old.stop :])),
        stored.version,
    )
