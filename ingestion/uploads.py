"""What a person sees of a file before it is stored, and the storing of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any
from uuid import UUID

import numpy as np
from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from ingestion.batch import Batch, Rejection
from ingestion.deliveries import (
    Delivery,
    names_of_meters,
    take_in,
    take_in_at_once,
    unknown_meters,
)
from ingestion.doors.brought import Brought, Opened, open_file, take_out
from ingestion.doors.columns import Column, ColumnWish, Plan, Role, Wishes, parse_code, parse_unit
from ingestion.doors.proposal import Proposal, propose
from ingestion.doors.table import DoorError, Table, cell_text, is_empty
from ingestion.files import asked_of
from ingestion.inbox import WAITING, Upload
from ingestion.models import Run
from ingestion.record import Counts
from ingestion.results import RunResult
from meters.dates import dated
from meters.models import Meter
from meters.obis import ObisCode
from meters.qualities import Quality
from meters.wording import figure
from meters.zones import Zone, zone

SHOWN_ROWS, SHOWN_REFUSALS, SAMPLES, MOST_COLUMNS_SHOWN = 8, 20, 3, 60
# A request reads so many cells: more than a year of quarter-hours of several registers has. Of what
# goes on behind them the beginning is looked at, and a worker stores it.
LOOKED_AT = 200_000


@dataclass(frozen=True)
class ShownColumn:
    """A column of the file, what it is taken for, and what was said of it."""

    index: int
    name: str
    samples: tuple[str, ...]
    column: Column
    said: dict[str, str]


@dataclass(frozen=True)
class ShownReading:
    """One of the first readings, as it would be stored."""

    row: int
    start: int
    zone: str
    meter: str
    code: ObisCode
    value: float
    quality: Quality


@dataclass(frozen=True)
class Preview:
    """What would happen if the file were stored now.

    Attributes
    ----------
    problems
        What keeps it from being stored, in words.
    assumed
        What was found out or taken for granted, in words.
    changes
        Which changes of the clock the readings cross, and how many of them lie there, in words.
    counts
        What storing would do; None where it can't be stored.
    strangers
        Meters that are named and that there are not.
    looked_at
        How many rows of the file all this is about; None where it is about all of it.
    """

    kind: str = ""
    problems: tuple[str, ...] = ()
    assumed: tuple[str, ...] = ()
    columns: tuple[ShownColumn, ...] = ()
    more_columns: int = 0
    readings: tuple[ShownReading, ...] = ()
    changes: tuple[str, ...] = ()
    counts: Counts | None = None
    refused: tuple[Rejection, ...] = ()
    strangers: tuple[UUID, ...] = field(default=())
    looked_at: int | None = None

    @property
    def can_be_stored(self) -> bool:
        return self.counts is not None and self.counts.total > self.counts.rejected


def preview(upload: Upload, *, worker: str) -> Preview:
    """Read a file as it would be read, store it, and take everything back.

    Of a large file only the beginning.
    """
    try:
        opened = _open(upload, most=LOOKED_AT)
    except DoorError as error:
        return Preview(problems=(str(error),))
    found = Preview(kind=str(opened.kind), looked_at=_rows_of(opened) if opened.is_cut else None)
    plan: Plan | None = None
    try:
        wishes = wishes_of(upload.choices)
        if opened.table is not None:
            proposal = propose(opened.table, wishes)
            plan = proposal.plan
            found = _with_columns(found, opened.table, proposal, upload.choices)
            if found.problems:
                return found
        brought = take_out(opened, plan, asked_of(wishes.muid))
    except DoorError as error:
        return replace(found, problems=(str(error),))
    batch = brought.parsed.batch
    delivery = _delivery(upload, brought, wishes.muid)
    result = take_in(delivery, worker=worker, keep=False)
    problems = (result.run.error,) if result.run.error else ()
    return replace(
        found,
        assumed=found.assumed + brought.remarks,
        problems=problems,
        readings=tuple(_first_readings(batch)),
        changes=tuple(_clock_changes(batch, _place(plan, batch))),
        counts=result.counts if result.counts.total else None,
        refused=(result.refused or tuple(brought.parsed.rejections))[:SHOWN_REFUSALS],
        strangers=tuple(unknown_meters(delivery)[:SHOWN_REFUSALS]),
    )


def store_upload(upload: Upload, *, worker: str) -> RunResult | Run:
    """Store a file and let go of it, in one transaction; once, however often that is asked for.

    Returns
    -------
    What was done; where it was done before, the run of then. The run is still to be done where the
    file is so large that a worker is to do it.

    Raises
    ------
    DoorError
        The file can't be read as its choices say. Nothing was stored. The text is English; that
        of `preview` is the reader's.
    """
    # What is refused is put on record, and so in English, whoever has brought it.
    with translation.override("en"), transaction.atomic():
        held = Upload.objects.select_for_update(of=("self",)).get(pk=upload.pk)
        if held.run is not None:
            return held.run
        opened = _open(held, most=LOOKED_AT)
        if opened.is_cut:
            return _queued(held, opened)
        result = take_in_at_once(delivery_of(held, opened), worker=worker)
        held.run, held.stored_at = result.run, timezone.now()
        held.save(update_fields=["run", "stored_at"])
        held.forget()
    return result


def _queued(held: Upload, opened: Opened) -> Run:
    """Leave a file to a worker, if its beginning can be read as its choices say."""
    wishes = wishes_of(held.choices)
    if opened.table is not None:
        propose(opened.table, wishes).settled()
    held.run = Run.objects.create(
        trigger=Run.Trigger.UPLOAD,
        name=held.name,
        person=held.person.get_username(),
        only=[wishes.muid] if wishes.muid else [],
        bytes=held.size,
    )
    held.expires_at = timezone.now() + WAITING
    held.save(update_fields=["run", "expires_at"])
    return held.run


def delivery_of(upload: Upload, opened: Opened | None = None) -> Delivery:
    """Take the readings out of a file, as its choices say.

    Raises
    ------
    DoorError
        It can't be read like that.
    """
    wishes = wishes_of(upload.choices)
    opened = opened or _open(upload)
    plan = None if opened.table is None else propose(opened.table, wishes).settled()
    return _delivery(upload, take_out(opened, plan, asked_of(wishes.muid)), wishes.muid)


def wishes_of(choices: dict[str, Any]) -> Wishes:
    """Turn what was chosen on the page into wishes.

    Raises
    ------
    DoorError
        A code or unit of a column can't be read.
    """
    quality = choices.get("quality")
    return Wishes(
        zone=choices.get("timezone") or None,
        mark=choices.get("mark") or None,
        interval=int(choices["interval"]) if choices.get("interval") else None,
        decimal=choices.get("decimal") or None,
        order=choices.get("order") or None,
        muid=UUID(choices["meter"]) if choices.get("meter") else None,
        quality=Quality[quality.upper()] if quality else None,
        power=bool(choices.get("power")),
        by_index={
            int(index): ColumnWish(
                Role(said["role"]) if said.get("role") else None,
                parse_code(said["register"]) if said.get("register") else "",
                UUID(said["meter"]) if said.get("meter") else None,
                parse_unit(said.get("unit", "")),
            )
            for index, said in choices.get("columns", {}).items()
        },
        names=names_of_meters(),
    )


def _open(upload: Upload, most: int | None = None) -> Opened:
    return open_file(upload.content(), sheet=upload.choices.get("sheet") or None, most=most)


def _rows_of(opened: Opened) -> int:
    """Say up to which row of the file, as people count them, it was read."""
    return opened.table.numbers[-1] if opened.table else len(opened.rows)


def _delivery(upload: Upload, brought: Brought, only: UUID | None) -> Delivery:
    return Delivery(
        brought.parsed,
        brought.raw,
        trigger=Run.Trigger.UPLOAD,
        name=upload.name,
        size=upload.size,
        person=upload.person.get_username(),
        asked=brought.asked,
        only=only,
    )


def _with_columns(
    found: Preview, table: Table, proposal: Proposal, choices: dict[str, Any]
) -> Preview:
    said = choices.get("columns", {})
    columns = proposal.plan.columns
    return replace(
        found,
        problems=proposal.problems,
        assumed=proposal.assumed,
        columns=tuple(
            ShownColumn(
                one.index,
                one.name,
                _samples(table, proposal.plan.first, one.index),
                one,
                said.get(str(one.index), {}),
            )
            for one in columns[:MOST_COLUMNS_SHOWN]
        ),
        more_columns=max(len(columns) - MOST_COLUMNS_SHOWN, 0),
    )


def _samples(table: Table, first: int, index: int) -> tuple[str, ...]:
    rows = table.rows[first : first + 50]
    cells = [row[index] for row in rows if index < len(row) and not is_empty(row[index])]
    return tuple(cell_text(cell)[:40] for cell in cells[:SAMPLES])


def _first_readings(batch: Batch) -> Sequence[ShownReading]:
    meters = {
        muid: (name, place)
        for muid, name, place in Meter.objects.filter(
            muid__in={key.muid for key in batch.keys}
        ).values_list("muid", "name", "timezone")
    }
    shown = []
    for at in range(min(len(batch), SHOWN_ROWS)):
        key = batch.keys[int(batch.index[at])]
        name, place = meters.get(key.muid, (str(key.muid), "UTC"))
        shown.append(
            ShownReading(
                int(batch.row[at]) + 1,
                int(batch.instants[at]),
                place,
                name,
                ObisCode.parse(key.obis),
                float(batch.values[at]),
                Quality(int(batch.qualities[at])),
            )
        )
    return shown


def _clock_changes(batch: Batch, place: Zone | None) -> Sequence[str]:
    """Say how the readings stand around each change of the clock that they cross."""
    if place is None or not len(batch):
        return ()
    first, last = int(batch.instants.min()), int(batch.instants.max()) + 1
    return [
        _change(batch, place, after.start, forward=after.offset > before.offset)
        for before, after in pairwise(place.segments(first, last))
    ]


def _change(batch: Batch, place: Zone, at: int, *, forward: bool) -> str:
    (start, end, *_more), _days = place.day_starts(at, at + 1)
    inside = (batch.instants >= start) & (batch.instants < end)
    most = np.bincount(batch.index[inside]).max() if inside.any() else 0
    words = (
        _(
            "{day} in {zone}, clocks go forward: times that no clock showed are refused. The day "
            "has {hours} hours, and {number} readings of a register begin on it."
        )
        if forward
        else _(
            "{day} in {zone}, clocks go back: the hour that is shown twice is told apart by the "
            "order of the rows. The day has {hours} hours, and {number} readings of a register "
            "begin on it."
        )
    )
    hours = (end - start) / 3600
    return words.format(
        day=dated(place.date_at(at), "long"),
        zone=place,
        hours=figure(hours, 0 if hours % 1 == 0 else 1),
        number=figure(int(most)),
    )


def _place(plan: Plan | None, batch: Batch) -> Zone | None:
    """Whose clock the file shows; that of its meters where its times carry offsets."""
    if plan is not None and plan.zone:
        return zone(plan.zone)
    muids = {key.muid for key in batch.keys}
    zones = set(Meter.objects.filter(muid__in=muids).values_list("timezone", flat=True))
    return zone(zones.pop()) if len(zones) == 1 else None
