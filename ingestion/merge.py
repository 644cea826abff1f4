"""New readings against stored ones: what is new, corrected, unchanged or can't be.

Everything is done for all registers of a batch at once, in arrays sorted by register and instant.
A *group* is the readings of one register on one local day, which is one row of the store.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from ingestion.batch import Reason
from ingestion.intervals import PROOF
from ingestion.layout import Incoming, RegisterDays
from meters.days import DayTable, Floats, Ints, Mask, Qualities, ranges
from meters.zones import Zone


@dataclass(frozen=True)
class Replaced:
    """What stood in the slots that are written over: r rows of the store, c slots in all.

    Attributes
    ----------
    rows
        Which row of `Merged.changed` each belongs to, shape ``(r,)``.
    lengths
        How many slots of it are written over, shape ``(r,)``.
    slots, values, qualities
        The slots and what was in them, NaN and 0 where nothing was, shape ``(c,)``. Empty slots of
        rows that are new are left out, unless `merge` was to list them.
    """

    rows: Ints
    lengths: Ints
    slots: Ints
    values: Floats
    qualities: Qualities


@dataclass(frozen=True)
class Merged:
    """What a batch does to the store.

    Attributes
    ----------
    changed
        The rows to write, whole.
    is_new
        Which of them are not stored yet, shape ``(len(changed),)``.
    replaced
        What stood in the slots that are written over.
    registers
        The registers of the batch, rising; the counts below have its shape.
    refused
        Position in the batch, reason and words of readings that don't fit their day.
    repeated, conflicting
        Readings that the batch holds twice: with the same value, with another one.
    intervals
        Registers whose latest readings show another interval than they are known for [s].
    """

    changed: DayTable
    is_new: Mask
    replaced: Replaced
    registers: Ints
    new: Ints
    corrected: Ints
    unchanged: Ints
    refused: list[tuple[int, Reason, str]]
    repeated: int
    conflicting: int
    intervals: dict[int, int]

    def beside(self, rest: Ints, unchanged: Ints) -> "Merged":
        """Add what was not merged, for it is known to change nothing.

        Parameters
        ----------
        rest
            Where in the batch the readings were that have been merged.
        unchanged
            The registers of the others, one for each reading.
        """
        keys, each = np.unique(unchanged, return_counts=True)
        registers = np.union1d(self.registers, keys)

        def grown(counts: Ints, at: Ints) -> Ints:
            found = np.zeros(len(registers), dtype=np.int64)
            found[np.searchsorted(registers, at)] = counts
            return found

        return replace(
            self,
            registers=registers,
            new=grown(self.new, self.registers),
            corrected=grown(self.corrected, self.registers),
            unchanged=grown(self.unchanged, self.registers) + grown(each, keys),
            refused=[(int(rest[at]), reason, words) for at, reason, words in self.refused],
        )


def merge(
    incoming: Incoming,
    stored: DayTable,
    zone: Zone,
    *,
    known: Mapping[int, int | None],
    default_interval: int = 900,
    list_new: bool = False,
) -> Merged:
    """Work out what a batch changes, without changing anything.

    Parameters
    ----------
    incoming
        The readings; their meters are all in `zone`. One of quality 0 empties its slot.
    stored
        The stored rows of the registers and local days that occur.
    zone
        Where a local day begins and ends.
    known
        The interval that each register is known for [s], None where nothing is known.
    default_interval
        Taken where nothing else says [s].
    list_new
        Whether `Merged.replaced` also lists the slots of rows that are new.
    """
    readings, order, repeated, conflicting = _sorted_once(incoming)
    groups = RegisterDays.of(readings, stored, zone)
    stored = groups.settle(readings, stored, known, default_interval)
    kept = groups.fits(readings)
    refused = [(int(order[at]), reason, words) for at, reason, words in groups.refused]
    refused += [
        (int(order[at]), Reason.MISALIGNED, groups.misaligned(readings, int(at)))
        for at in np.flatnonzero(~kept & ~groups.spoken_for)
    ]
    if not kept.all():
        readings, groups = readings.take(kept), groups.only(kept)
    return _compare(
        readings,
        groups,
        stored,
        refused=refused,
        repeated=repeated,
        conflicting=conflicting,
        known=known,
        list_new=list_new,
    )


def _sorted_once(incoming: Incoming) -> tuple[Incoming, Ints, int, int]:
    """Order readings by register and instant; of two for one instant the last to arrive stays.

    Returns
    -------
    readings
        In order, each instant of a register once.
    order
        Where in the batch each of them was.
    repeated, conflicting
        How many came again with the same value, and with another one.
    """
    readings, order = incoming.in_order()
    register, instants = readings.register, readings.instants
    same = (register[1:] == register[:-1]) & (instants[1:] == instants[:-1])
    if not same.any():
        return readings, order, 0, 0
    values, qualities = readings.values, readings.qualities
    differs = (values[1:] != values[:-1]) | (qualities[1:] != qualities[:-1])
    last = np.concatenate((~same, [True]))
    again, otherwise = int((same & ~differs).sum()), int((same & differs).sum())
    return readings.take(last), order[last], again, otherwise


def _compare(
    readings: Incoming,
    groups: RegisterDays,
    stored: DayTable,
    *,
    refused: list[tuple[int, Reason, str]],
    repeated: int,
    conflicting: int,
    known: Mapping[int, int | None],
    list_new: bool,
) -> Merged:
    """Lay readings and stored rows into the same slots, and compare slot by slot."""
    has = groups.row >= 0
    slots = groups.slots
    slot, _ = groups.slot(readings)
    offsets = np.concatenate(([0], np.cumsum(slots))).astype(np.int64)
    flat = np.repeat(offsets[:-1], groups.sizes) + slot

    total = int(offsets[-1])
    values, qualities = np.full(total, np.nan), np.zeros(total, dtype=np.int16)
    if has.any():
        before = stored.take(groups.row[has])
        place = np.repeat(offsets[:-1][has], slots[has]) + ranges(slots[has])
        values[place], qualities[place] = before.values, before.qualities

    old_values, old_qualities = values[flat], qualities[flat]
    was_there = old_qualities > 0
    differs = was_there & ((old_values != readings.values) | (old_qualities != readings.qualities))
    arrives = ~was_there & (readings.qualities > 0)
    values[flat], qualities[flat] = readings.values, readings.qualities

    owner = np.repeat(np.arange(len(groups)), groups.sizes)
    is_changed = np.zeros(len(groups), dtype=bool)
    is_changed[owner[differs | arrives]] = True
    written_over = differs | (arrives & (has[owner] | list_new))
    whole = DayTable(
        groups.register,
        groups.day,
        groups.first,
        groups.interval,
        slots,
        values,
        qualities,
        np.zeros(len(groups), dtype=np.int64),
    )
    position = np.cumsum(is_changed) - 1
    rows, lengths = np.unique(position[owner[written_over]], return_counts=True)
    registers = readings.register
    begins = np.flatnonzero(np.diff(registers, prepend=registers[:1] - 1))

    def per_register(mask: Mask) -> Ints:
        return np.add.reduceat(mask.astype(np.int64), begins) if len(begins) else begins

    return Merged(
        changed=whole if is_changed.all() else whole.take(is_changed),
        is_new=~has[is_changed],
        replaced=Replaced(
            rows.astype(np.int64),
            lengths.astype(np.int64),
            slot[written_over],
            old_values[written_over],
            old_qualities[written_over],
        ),
        registers=registers[begins],
        new=per_register(arrives),
        corrected=per_register(differs),
        unchanged=per_register(~arrives & ~differs),
        refused=refused,
        repeated=repeated,
        conflicting=conflicting,
        intervals=_changed_intervals(whole, known),
    )


def _changed_intervals(days: DayTable, known: Mapping[int, int | None]) -> dict[int, int]:
    """Find registers whose last telling day here is cut otherwise than they are known for."""
    telling = np.flatnonzero(days.neighbours >= PROOF)
    shown = dict(zip(days.register[telling].tolist(), days.interval[telling].tolist(), strict=True))
    return {
        register: interval
        for register, interval in shown.items()
        if known.get(register) != interval
    }
