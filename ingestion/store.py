"""The one writer of stored readings: a batch in, one transaction, what changed out.

Killed anywhere, the old state or the new one stands. Registers are locked in order, so that writers
of the same meters follow each other; only days that changed are written.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any
from uuid import UUID

import numpy as np
from django.db import connection, transaction

from ingestion.batch import Batch, Reason, Rejection
from ingestion.comparing import StoredDays
from ingestion.hand import ByHand, sign
from ingestion.layout import Incoming
from ingestion.lookback import Held, Past, past_of, worth_keeping
from ingestion.merge import Merged
from ingestion.models import Run
from ingestion.record import (
    MOST_KEPT,
    NOTHING,
    Counts,
    as_uuid,
    grow,
    record_outcomes,
    record_rejections,
)
from ingestion.registers import (
    MOST_REGISTERS,
    LockedRegister,
    UnknownMeterError,
    hold_meter,
    learn_intervals,
    locked_registers,
)
from ingestion.retrying import retried
from ingestion.writing import keep_replaced, write_days
from meters.language import _
from meters.obis import ObisCode
from meters.zones import zone


@dataclass(frozen=True)
class Stored:
    """What one call of `store` did.

    Attributes
    ----------
    counts
        Over all meters.
    by_meter
        For each meter, by muid.
    warnings
        For each meter, what was odd, in words.
    rows_written
        Day rows written.
    refused
        Every reading that was refused, before and here.
    """

    counts: Counts = NOTHING
    by_meter: dict[UUID, Counts] = field(default_factory=dict)
    warnings: dict[UUID, list[str]] = field(default_factory=dict)
    rows_written: int = 0
    refused: Sequence[Rejection] = ()


@dataclass(frozen=True)
class Context:
    """What a batch is stored for: it decides what is put on record, not what is stored.

    Attributes
    ----------
    run
        The run that brings it; its counts grow in the same transaction.
    asked
        The meter that was asked for, to which all refused readings are put down; where None, each
        is put down to the meter that it names.
    remarks
        What was odd about the answer, in words; needs `asked`.
    untold
        Readings of the same meter and run that were unchanged so far and made no outcome yet.
    window
        From when to when the meter was asked for [s]; None where nobody was asked.
    spent
        What the run has spent on this batch, by the name of its counter.
    place
        At which feed the run is then, and up to when that has been read [s].
    keep
        False for a rehearsal: everything is done, then undone.
    by_hand
        Who does it and why, where it is a person and no source. A reading of quality 0 empties its
        slot then, and what doesn't fit is an error.
    """

    run: Run | None = None
    asked: UUID | None = None
    remarks: Sequence[str] = ()
    untold: Counts = NOTHING
    window: tuple[int, int] | None = None
    spent: Mapping[str, int] = field(default_factory=dict)
    place: tuple[int, int] | None = None
    keep: bool = True
    by_hand: ByHand | None = None


def store(
    batch: Batch,
    *,
    rejections: Sequence[Rejection] = (),
    raw: Callable[[int], str] = str,
    default_interval: int = 900,
    context: Context | None = None,
) -> Stored:
    """Merge a batch into the stored readings, in one transaction.

    Parameters
    ----------
    batch
        The readings; their registers are made where they are missing, their meters are not.
    rejections
        What parsing has refused already; recorded in the same transaction.
    raw
        Gives the raw text of a row of the payload, for readings that are refused here.
    default_interval
        Length of intervals where nothing else says it [s].
    context
        What it is stored for.

    Raises
    ------
    UnknownMeterError
        A meter of the batch does not exist here.
    LostLeaseError
        The run has been taken over by another worker. Nothing was stored.
    MisfitError
        Something done by hand doesn't fit the intervals of its day. Nothing was stored.
    """
    return retried(
        lambda: _Storing(context or Context(), default_interval).store(batch, rejections, raw)
    )


class _Storing:
    """One transaction that stores a batch."""

    def __init__(self, context: Context, default_interval: int) -> None:
        self.context, self.default_interval = context, default_interval
        self.counts: dict[UUID, Counts] = {}
        self.warnings: dict[UUID, list[str]] = {}
        self.written = 0
        self.past = Past()

    def store(
        self, batch: Batch, rejections: Sequence[Rejection], raw: Callable[[int], str]
    ) -> Stored:
        context = self.context
        refused = list(rejections)
        with transaction.atomic():
            batch, registers, beyond = _with_registers(batch, raw)
            batch, misnamed = _of_measurement(batch, registers, raw)
            refused += [*beyond, *misnamed]
            self._hold_asked(batch)
            for name in sorted({register.timezone for register in registers}):
                part, where = _of_zone(batch, registers, name)
                merged = self._merge(part, name, registers)
                self._write(merged, registers)
                self._add_up(merged, registers)
                refused += [
                    refusal(batch, int(where[at]), reason, words, raw)
                    for at, reason, words in merged.refused
                ]
            total = self._put_down(refused)
            if context.run is not None:
                self._record(context.run, total)
            if not context.keep:
                transaction.set_rollback(True)
        return Stored(total, self.counts, self.warnings, self.written, refused)

    def _hold_asked(self, batch: Batch) -> None:
        """See that what is put down to the meter asked for is not written after its erasure."""
        asked = self.context.asked
        locked = {key.muid for key in batch.keys}
        if asked is not None and asked not in locked and not hold_meter(asked):
            raise UnknownMeterError(f"There is no meter {asked} here. Register it first.")

    def _merge(self, part: Incoming, name: str, registers: Sequence[LockedRegister]) -> Merged:
        """Merge what came, but for what corrections by hand hold off."""
        here = [register for register in registers if register.timezone == name]
        stored = StoredDays.of(part, zone(name), here, self.default_interval)
        if (by_hand := self.context.by_hand) is not None:
            merged = stored.merged(list_new=True)
            by_hand.check(merged)
            return merged
        merged = stored.merged_rest()
        # Asked only where something is written over: an unchanged repeat costs nothing.
        self.past = past_of(merged)
        if self.past.by_hand:
            stored, held = stored.holding_off(self.past.by_hand)
            self._tell(held, registers)
            merged = stored.merged()
        return replace(merged, replaced=worth_keeping(merged, self.past))

    def _tell(self, held: Held, registers: Sequence[LockedRegister]) -> None:
        muids = {register.pk: register.muid for register in registers}
        for register, words in held.in_words():
            self._warn(muids[register], words)

    @cached_property
    def version(self) -> int:
        # Taken after the locks, so that the versions of one register rise in the order of its
        # writes; and only where something is written.
        with connection.cursor() as cursor:
            cursor.execute("SELECT nextval('reading_version')")
            return int(cursor.fetchone()[0])

    def _write(self, merged: Merged, registers: Sequence[LockedRegister]) -> None:
        changed = merged.changed
        self.written += len(changed)
        if len(changed):
            summable_keys = [r.pk for r in registers if ObisCode.parse(r.obis).is_summable]
            summable = np.isin(changed.register, summable_keys)
            write_days(changed, merged.is_new, summable, self.version)
            keep_replaced(merged, self.version, self.context.run)
        if self.context.by_hand is not None:
            # What is mended in an old day says nothing of today's intervals.
            if len(changed):
                sign(self.version, registers, self.context.by_hand)
            return
        learn_intervals(merged.intervals)

    def _add_up(self, merged: Merged, registers: Sequence[LockedRegister]) -> None:
        muids = {register.pk: register.muid for register in registers}
        for i, register in enumerate(merged.registers):
            self._count(
                muids[int(register)],
                Counts(int(merged.new[i]), int(merged.corrected[i]), int(merged.unchanged[i])),
            )
        if merged.conflicting and len(merged.registers):
            # A batch holds one meter in all but bulk imports; there the first carries the warning.
            self._warn(
                muids[int(merged.registers[0])],
                f"{merged.conflicting:,} readings came twice with different values; the last one "
                "holds.",
            )

    def _count(self, muid: UUID, more: Counts) -> None:
        self.counts[muid] = self.counts.get(muid, NOTHING) + more

    def _warn(self, muid: UUID, words: str) -> None:
        self.warnings.setdefault(muid, []).append(words)

    def _put_down(self, refused: Sequence[Rejection]) -> Counts:
        """Count and keep what was refused; return what there is in all."""
        asked, run = self.context.asked, self.context.run
        nameless = 0
        for rejection in refused:
            muid = asked or as_uuid(rejection.muid)
            if muid is None:
                nameless += 1
            else:
                self._count(muid, Counts(rejected=1))
        dropped = record_rejections(refused, run, asked)
        if asked is not None:
            for words in self.context.remarks:
                self._warn(asked, words)
            if dropped:
                self._warn(
                    asked,
                    f"More than {MOST_KEPT:,} readings of one run were refused; the others are "
                    "counted, but their text is not kept.",
                )
        return sum(self.counts.values(), start=Counts(rejected=nameless))

    def _record(self, run: Run, total: Counts) -> None:
        context = self.context
        asked, spent = context.asked, context.spent
        grown = {name: getattr(total, name) for name in Counts.__slots__}
        grow(run, {**grown, **spent}, asked=context.window, place=context.place)
        told = dict(self.counts)
        if asked is not None:
            told[asked] = told.get(asked, NOTHING)
            if told[asked].is_news or self.warnings.get(asked):
                told[asked] += self.context.untold
        record_outcomes(run, told, self.warnings)


def _with_registers(
    batch: Batch, raw: Callable[[int], str]
) -> tuple[Batch, list[LockedRegister], list[Rejection]]:
    """Lock the registers of a batch, and refuse readings of those that find no room."""
    found = locked_registers(batch.keys)
    registers = [register for register in found if register is not None]
    if len(registers) == len(found):
        return batch, registers, []
    kept, beyond = batch.without([register is None for register in found])
    words = _(
        "the meter has {most} registers, the most that one may have, and none of them has this "
        "code. Check what sends it"
    ).format(most=MOST_REGISTERS)
    return kept, registers, [refusal(batch, int(at), Reason.CODE, words, raw) for at in beyond]


def _of_measurement(
    batch: Batch, registers: Sequence[LockedRegister], raw: Callable[[int], str]
) -> tuple[Batch, list[Rejection]]:
    """Refuse readings that came under another measurement than their register's.

    Power [W] under the code of an energy register would take the place of its energy [kWh].
    """
    odd = np.array(
        [key.measurement != one.measurement for key, one in zip(batch.keys, registers, strict=True)]
    )
    if not odd.any():
        return batch, []
    is_odd = odd[batch.index]
    refused = []
    for at in np.flatnonzero(is_odd):
        place = int(batch.index[at])
        words = _("the reading came as {came}, but those of its register come as {others}").format(
            came=batch.keys[place].measurement, others=registers[place].measurement
        )
        refused.append(refusal(batch, int(at), Reason.CODE, words, raw))
    return batch.taken(np.flatnonzero(~is_odd)), refused


def _of_zone(batch: Batch, registers: Sequence[LockedRegister], name: str) -> tuple[Incoming, Any]:
    """Choose the readings of meters in one zone, in order, and say where in the batch they are."""
    keys = np.array([register.pk for register in registers], dtype=np.int64)
    here = np.array([register.timezone == name for register in registers])
    incoming = Incoming(keys[batch.index], batch.instants, batch.values, batch.qualities)
    if here.all():
        return incoming.in_order()
    where = np.flatnonzero(here[batch.index])
    part, order = incoming.take(where).in_order()
    return part, where[order]


def refusal(
    batch: Batch, at: int, reason: Reason, words: str, raw: Callable[[int], str]
) -> Rejection:
    key = batch.keys[int(batch.index[at])]
    instant = np.datetime64(int(batch.instants[at]), "s")
    row = int(batch.row[at])
    return Rejection(reason, words, raw(row), str(key.muid), key.obis, f"{instant}Z", row + 1)
