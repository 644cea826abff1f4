"""Which slot of which day each reading of a batch belongs in.

How long the intervals of a day are is settled in this order: the stored row, where neighbouring
slots are filled (two, of the length that the register is known for; else more); else what the day's
readings, stored and new, clearly show; else what the register is known for, or what the batch as a
whole shows, or the source's default; and where the day's readings don't fit that, the longest
intervals in which all of them do. A day that is not settled is cut anew as more readings trickle
in, and a register is known for a length only once neighbouring readings have shown it. Inside a
settled day the odd ones are refused, for energy is never spread over intervals that were not
measured.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from ingestion.batch import Reason
from ingestion.intervals import (
    LENGTHS,
    PROOF,
    common_phase,
    finer_runs,
    first_slot,
    settled_interval,
    shown_interval,
    slot_count,
)
from meters.days import DayTable, Floats, Ints, Mask, Qualities
from meters.language import _
from meters.zones import Zone

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

    def reversed(self) -> "Incoming":
        return Incoming(
            np.ascontiguousarray(self.register[::-1]),
            np.ascontiguousarray(self.instants[::-1]),
            np.ascontiguousarray(self.values[::-1]),
            np.ascontiguousarray(self.qualities[::-1]),
        )

    def in_order(self) -> tuple["Incoming", Ints]:
        """Order them by register and instant; those of one instant stay as they arrived.

        Returns
        -------
        The readings, and where among these each of them was.
        """
        n = len(self)
        registers, steps = np.diff(self.register), np.diff(self.instants)
        if ((registers > 0) | ((registers == 0) & (steps >= 0))).all():
            return self, np.arange(n)
        if not registers.any() and (steps < 0).all():
            # A page of one meter comes newest first, most often.
            return self.reversed(), np.arange(n - 1, -1, -1)
        order = np.lexsort((self.instants, self.register))
        return self.take(order), order


def local_days(readings: Incoming, zone: Zone) -> tuple[Ints, Ints, Ints, Ints]:
    """Find where in sorted readings, of which there are some, each register-day begins.

    Returns
    -------
    at
        Place of the first reading of each, shape ``(g,)``.
    starts, ends, days
        When its day begins and ends [s], and the day since 1970-01-01, shape ``(g,)``.
    """
    starts, days = zone.day_starts(int(readings.instants.min()), int(readings.instants.max()) + 1)
    if readings.register[0] == readings.register[-1]:
        # One register: its days are found in its readings, not each reading among the days.
        bounds = np.searchsorted(readings.instants, starts)
        local = np.flatnonzero(np.diff(bounds))
        at = bounds[local]
    else:
        of_reading = np.searchsorted(starts, readings.instants, side="right") - 1
        first = np.diff(readings.register, prepend=-1) != 0
        first[1:] |= np.diff(of_reading) != 0
        at = np.flatnonzero(first)
        local = of_reading[at]
    return at, starts[local], starts[local + 1], days.astype(np.int64)[local]


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
    # What `slot` found, for as long as no slots have changed since.
    placed: tuple[Ints, Ints] | None = None

    @classmethod
    def of(cls, readings: Incoming, stored: DayTable, zone: Zone) -> "RegisterDays":
        if not len(readings):
            none = np.zeros(0, dtype=np.int64)
            return cls(none, none, none, none, none, none, none, none, none)
        at, starts, ends, day = local_days(readings, zone)
        register = readings.register[at]
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
            starts,
            ends,
            np.diff(at, append=len(readings)),
            np.where(found, row, -1),
            unsettled,
            unsettled,
            unsettled,
            spoken_for=np.zeros(len(readings), dtype=bool),
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
        expected, known_for = self._expected(readings, known, default)
        offsets = self.offsets
        has = self.row >= 0
        self.interval = expected.copy()
        self.interval[has] = stored.interval[self.row[has]]
        phase = readings.instants[offsets[:-1]] % self.interval
        self.first = first_slot(self.begins, self.interval, phase)
        self.slots = slot_count(self.first, self.ends, self.interval)
        # A stored row keeps its own slots, whatever the zone database says today.
        self.first[has] = stored.first[self.row[has]]
        self.slots[has] = stored.slots[self.row[has]]

        pairs, held = np.zeros(len(self), dtype=np.int64), np.zeros(len(self), dtype=np.int64)
        pairs[has], held[has] = stored.neighbours[self.row[has]], stored.counts[self.row[has]]
        proven = (pairs >= PROOF) | ((pairs > 0) & (self.interval == known_for))
        steps = np.full(len(readings), FAR, dtype=np.int64)
        same = readings.register[1:] == readings.register[:-1]
        steps[1:][same] = np.diff(readings.instants)[same]
        # The step from the day before counts only where there is no other.
        steps[offsets[:-1][self.sizes > 1]] = FAR
        shortest = np.minimum.reduceat(steps, offsets[:-1])
        odd = ~np.logical_and.reduceat(self.fits(readings), offsets[:-1])
        # Not once two readings as close as they should be.
        odd |= ~has & (shortest > self.interval) & (shortest < FAR)
        odd |= has & (pairs == 0) & (held + self.sizes > PROOF)
        # The length that the days of this batch before a day have shown.
        lately: dict[int, int] = {}
        for group in np.flatnonzero(odd):
            part = slice(int(offsets[group]), int(offsets[group + 1]))
            if not proven[group]:
                register = int(self.register[group])
                supposed = int(expected[group])
                is_known = register in lately or known_for[group] == supposed
                interval, clear = self._settle_one(
                    int(group),
                    readings.instants[part],
                    stored,
                    supposed=lately.get(register, supposed),
                    known=is_known,
                )
                if clear:
                    lately[register] = interval
            self._refuse_finer(int(group), part, readings.instants[part])
        self._refuse_askew(stored, known_for, steps)
        return self._recut(stored)

    def _refuse_askew(self, stored: DayTable, known_for: Ints, steps: Ints) -> None:
        """Refuse the first few readings of a day that stand askew to the days stored before it.

        A stray one would else settle the day, and the right ones that come after it be refused. A
        day that shows its own beginnings of intervals, by readings that follow each other, is
        believed: meters are exchanged. A zone's change may move hourly readings by half an hour.
        """
        offsets = self.offsets
        follows = steps == np.repeat(self.interval, self.sizes)
        shown = np.add.reduceat(follows.astype(np.int64), offsets[:-1]) >= PROOF
        before = np.flatnonzero(stored.neighbours >= PROOF)
        keys = (stored.register[before] << 20) + stored.day[before]
        place = np.searchsorted(keys, (self.register << 20) + self.day) - 1
        is_asked = (self.row < 0) & (place >= 0) & (self.interval == known_for) & ~shown
        asked = np.flatnonzero(is_asked)
        last = before[place[asked]]
        same = stored.register[last] == self.register[asked]
        same &= stored.interval[last] == self.interval[asked]
        asked, last = asked[same], last[same]
        by = (self.first[asked] - stored.first[last]) % np.minimum(self.interval[asked], 1800)
        for group, seconds in zip(asked[by > 0].tolist(), by[by > 0].tolist(), strict=True):
            words = _(
                "the interval starts {after} min {seconds} s after those of the days stored before "
                "do"
            ).format(after=seconds // 60, seconds=seconds % 60)
            part = slice(int(offsets[group]), int(offsets[group + 1]))
            alone = np.flatnonzero(~self.spoken_for[part]) + part.start
            self.refused += [(int(at), Reason.MISALIGNED, words) for at in alone]
            self.spoken_for[part] = True

    def _expected(
        self, readings: Incoming, known: Mapping[int, int | None], default: int
    ) -> tuple[Ints, Ints]:
        """Say of each group what is expected, and what its register is known for, 0 if nothing."""
        registers = np.unique(self.register)
        expected, known_for = np.zeros_like(registers), np.zeros_like(registers)
        for i, register in enumerate(registers):
            known_for[i] = known.get(int(register)) or 0
            low, high = np.searchsorted(readings.register, [register, register + 1])
            expected[i] = known_for[i] or shown_interval(
                readings.instants[low:high], default, proof=1
            )
        place = np.searchsorted(registers, self.register)
        return expected[place], known_for[place]

    def _settle_one(
        self, group: int, instants: Ints, stored: DayTable, *, supposed: int, known: bool
    ) -> tuple[int, bool]:
        """Settle a day that nothing proves yet, from all its readings, stored and new.

        Returns
        -------
        The interval that holds, and whether the day clearly shows it.
        """
        row = int(self.row[group])
        if row < 0:
            interval, clear = settled_interval(instants, supposed, known=known)
            self._lay_out(group, interval, common_phase(instants, interval))
            return interval, clear
        slots = stored.row_slots(row)
        before = stored.instants[slots][stored.present[slots]]
        together = np.union1d(before, instants)
        interval, clear = settled_interval(together, supposed, known=known)
        phase = common_phase(together, interval)
        if ((before - phase) % interval).any():
            # What is stored is never thrown out; the slots must be short enough for all.
            interval, clear = int(stored.interval[row]), False
            phase = int(stored.first[row])
            common = int(np.gcd.reduce(np.diff(together)))
            if common in LENGTHS and common < interval:
                interval, phase = common, int(together[0])
        self._lay_out(group, interval, phase % interval)
        if len(before) and (before[0] < self.first[group] or before[-1] >= self.ends[group]):
            # Cut by another zone database than today's, it must stay as it is.
            self.first[group], self.interval[group] = stored.first[row], stored.interval[row]
            self.slots[group] = stored.slots[row]
            self.placed = None
            return int(self.interval[group]), False
        return interval, clear

    def _recut(self, stored: DayTable) -> DayTable:
        """Lay stored rows out in the slots that their groups were given."""
        has = self.row >= 0
        row = self.row[has]
        first, interval, slots = stored.first.copy(), stored.interval.copy(), stored.slots.copy()
        first[row], interval[row], slots[row] = self.first[has], self.interval[has], self.slots[has]
        pairs = (first, stored.first), (interval, stored.interval), (slots, stored.slots)
        if all(np.array_equal(new, old) for new, old in pairs):
            return stored
        offsets = np.concatenate(([0], np.cumsum(slots))).astype(np.int64)
        values = np.full(offsets[-1], np.nan)
        qualities = np.zeros(offsets[-1], dtype=np.int16)
        there = stored.present
        owner = np.repeat(np.arange(len(stored)), stored.slots)[there]
        place = offsets[owner] + (stored.instants[there] - first[owner]) // interval[owner]
        values[place], qualities[place] = stored.values[there], stored.qualities[there]
        return replace(
            stored, first=first, interval=interval, slots=slots, values=values, qualities=qualities
        )

    def _refuse_finer(self, group: int, part: slice, instants: Ints) -> None:
        """Refuse readings that follow each other faster than their day's, also those that fit."""
        interval = int(self.interval[group])
        for run in finer_runs(instants, interval):
            step = int(instants[run.start + 1] - instants[run.start])
            words = _(
                "readings come every {step} minutes on a day whose intervals have {minutes} minutes"
            ).format(step=step // 60, minutes=interval // 60)
            refused = slice(part.start + run.start, part.start + run.stop)
            # Two runs of different lengths share the reading where they meet.
            alone = np.flatnonzero(~self.spoken_for[refused]) + refused.start
            self.refused += [(int(at), Reason.INTERVAL, words) for at in alone]
            self.spoken_for[refused] = True

    def _lay_out(self, group: int, interval: int, phase: int) -> None:
        one = slice(group, group + 1)
        self.interval[group] = interval
        self.placed = None
        self.first[one] = first_slot(self.begins[one], self.interval[one], phase)
        self.slots[one] = slot_count(self.first[one], self.ends[one], self.interval[one])

    def slot(self, readings: Incoming) -> tuple[Ints, Ints]:
        """Return each reading's slot, and how far behind the slot's start it begins [s]."""
        if self.placed is None or len(self.placed[0]) != len(readings):
            since = readings.instants - np.repeat(self.first, self.sizes)
            self.placed = np.divmod(since, np.repeat(self.interval, self.sizes))
        return self.placed

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
            return _("the reading lies outside the slots of its stored day, which wants re-cutting")
        words = _(
            "the interval starts {after} min {seconds} s after one of the day's {minutes}-minute "
            "intervals does"
        )
        return words.format(after=behind // 60, seconds=behind % 60, minutes=minutes)

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
