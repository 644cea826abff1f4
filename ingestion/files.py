"""A file of readings in the upstream's shape, stored as a run of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from ingestion.deliveries import Delivery, take_in
from ingestion.doors.brought import only_muid
from ingestion.jobs import now
from ingestion.parsing import Asked, parse, raw_text
from ingestion.results import RunResult


@dataclass(frozen=True)
class RowsFile:
    """What is to be stored of a file.

    Attributes
    ----------
    rows
        In the upstream's shape.
    muid
        Take this meter's rows alone; every meter's where None.
    start, stop
        Take this window alone.
    register_zone
        Make meters that the rows name and the tenant does not have, in this time zone; where None
        that is an error.
    """

    rows: Sequence[Any]
    muid: UUID | None = None
    start: datetime | None = None
    stop: datetime | None = None
    register_zone: str | None = None


def ingest_file(file: RowsFile, *, worker: str, keep: bool = True) -> RunResult:
    """Store the rows of a file.

    Parameters
    ----------
    file
        What is to be stored.
    worker
        Who does it.
    keep
        False for a rehearsal: everything is done, then undone.
    """
    muid = file.muid or only_muid(file.rows)
    delivery = Delivery(
        parse(file.rows, asked_of(muid, file.start, file.stop)),
        raw=lambda row: raw_text(file.rows[row]),
        asked=muid,
        only=file.muid,
        start=file.start,
        stop=file.stop,
        register_zone=file.register_zone,
    )
    return take_in(delivery, worker=worker, keep=keep)


def asked_of(
    muid: UUID | None = None, start: datetime | None = None, stop: datetime | None = None
) -> Asked:
    """Say what a file may hold, at this moment."""
    return Asked(
        now=now(),
        muid=muid,
        start=int(start.timestamp()) if start else None,
        stop=int(stop.timestamp()) if stop else None,
    )
