"""A file of readings in the upstream's shape, stored as a run of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from ingestion.jobs import now
from ingestion.lease import Lease
from ingestion.models import LEASE, Run
from ingestion.parsing import Asked, Parsed, parse, raw_text
from ingestion.record import NOTHING, Counts
from ingestion.registers import UnknownMeterError
from ingestion.results import MeterResult, RunResult
from ingestion.services import finish
from ingestion.store import Context, Stored, retried, store
from meters.models import Meter


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
    muid = file.muid or _only_muid(file.rows)
    asked = Asked(
        now=now(),
        muid=muid,
        start=int(file.start.timestamp()) if file.start else None,
        stop=int(file.stop.timestamp()) if file.stop else None,
    )
    parsed = parse(file.rows, asked)
    if keep:
        return _ingest(file, parsed, muid, worker, keep=True)
    with transaction.atomic():
        result = _ingest(file, parsed, muid, worker, keep=False)
        transaction.set_rollback(True)
    return result


def _ingest(
    file: RowsFile, parsed: Parsed, muid: UUID | None, worker: str, *, keep: bool
) -> RunResult:
    run = Run.objects.create(
        trigger=Run.Trigger.FILE,
        state=Run.State.RUNNING,
        started_at=timezone.now(),
        worker=worker,
        lease_until=timezone.now() + LEASE,
        attempts=1,
        only=[file.muid] if file.muid else [],
        start=file.start,
        stop=file.stop,
        meters=len({key.muid for key in parsed.batch.keys}),
    )
    try:
        if not keep:
            # Nobody else sees this run, so there is nothing to hold.
            return _store(run, file, parsed, muid)
        with Lease(run):
            return _store(run, file, parsed, muid)
    except UnknownMeterError as error:
        return finish(run, error=str(error))
    except KeyboardInterrupt:
        finish(run, error="Broken off by hand. Nothing was stored.")
        raise


def _store(run: Run, file: RowsFile, parsed: Parsed, muid: UUID | None) -> RunResult:
    def work() -> Stored:
        with transaction.atomic():
            _see_to_meters(file, {key.muid for key in parsed.batch.keys})
            return store(
                parsed.batch,
                rejections=parsed.rejections,
                raw=lambda row: raw_text(file.rows[row]),
                context=Context(run=run, asked=muid),
            )

    stored = retried(work)
    error = ""
    if stored.counts.rejected and stored.counts.total == stored.counts.rejected:
        error = "Not one reading of the file could be stored."
    results, nameless = _by_meter(stored)
    return finish(run, results, error=error, nameless=nameless)


def _see_to_meters(file: RowsFile, muids: set[UUID]) -> None:
    """Make the meters that are missing, where that is wished for."""
    if file.register_zone is not None:
        Meter.objects.bulk_create(
            [
                Meter(muid=muid, name=f"Meter {str(muid)[:8]}", timezone=file.register_zone)
                for muid in sorted(muids)
            ],
            ignore_conflicts=True,
        )
    elif file.muid and not Meter.objects.filter(muid=file.muid).exists():
        raise UnknownMeterError(f"There is no meter {file.muid} here. Register it first.")


def _by_meter(stored: Stored) -> tuple[list[MeterResult], Counts]:
    """Lay out what was stored by the meters there are, and what belongs to none of them."""
    names = dict(Meter.objects.filter(muid__in=stored.by_meter).values_list("muid", "name"))
    results = [
        MeterResult(muid, names[muid], counts, tuple(stored.warnings.get(muid, ())), is_done=True)
        for muid, counts in stored.by_meter.items()
        if muid in names
    ]
    rejected = stored.counts.rejected - sum(result.counts.rejected for result in results)
    return results, Counts(rejected=rejected) if rejected else NOTHING


def _only_muid(rows: Sequence[Any]) -> UUID | None:
    """Find the one meter that all rows are of, which lets the whole page be read at once."""
    try:
        muids = {row["tags"]["muid"] for row in rows}
        return UUID(muids.pop()) if len(muids) == 1 else None
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
