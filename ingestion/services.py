"""Ingestion: a run in, what was stored out. Tasks and commands only call what stands here."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from ingestion.client import Client, Endpoint, UpstreamError
from ingestion.lease import Lease
from ingestion.models import Feed, Outcome, Run, Source
from ingestion.parsing import Asked, parse, raw_text
from ingestion.store import Counts, Stored, UnknownMeterError, store
from ingestion.windows import windows
from meters.models import Meter
from meters.profiles import last_reading_end

log = structlog.get_logger(__name__)

FIRST_BACKFILL = timedelta(days=31)
NOTHING = Counts()


@dataclass(frozen=True, slots=True)
class MeterResult:
    """What a run did to one meter; the command prints it, the page shows it."""

    muid: UUID
    name: str
    counts: Counts = NOTHING
    warnings: tuple[str, ...] = ()
    error: str = ""


@dataclass(frozen=True, slots=True)
class RunResult:
    """What a run did."""

    run: Run
    meters: tuple[MeterResult, ...] = ()

    @property
    def counts(self) -> Counts:
        return sum((meter.counts for meter in self.meters), start=NOTHING)

    @property
    def failed(self) -> bool:
        return self.run.state != Run.State.SUCCEEDED


# Told after each piece that is stored: the meter so far, and the share of the whole run [0, 1].
Progress = Callable[[MeterResult, float], None]


def no_progress(_result: MeterResult, _share: float) -> None:
    """Nobody watches."""


def plan_run(
    *,
    source: Source,
    trigger: Run.Trigger,
    only: Sequence[UUID] = (),
    start: datetime | None = None,
    stop: datetime | None = None,
) -> Run:
    """Put a sweep of a source on record; whoever looks for work takes it up.

    Parameters
    ----------
    source
        Which upstream to ask.
    trigger
        What made the run.
    only
        The meters to ask for; all that the source feeds where empty.
    start, stop
        The window; where None each meter goes on from what is stored, up to the present.
    """
    with transaction.atomic():
        run = Run.objects.create(
            source=source, trigger=trigger, only=list(only), start=start, stop=stop
        )
        if not only and start is None and stop is None:
            Source.objects.filter(pk=source.pk).update(
                next_sweep_at=timezone.now() + timedelta(minutes=source.sweep_minutes)
            )
    return run


def plan_due(now: datetime) -> list[int]:
    """Plan the sweeps that are due in this tenant; return all runs that wait for a worker."""
    for source in Source.objects.due(now):
        plan_run(source=source, trigger=Run.Trigger.SCHEDULE)
    return list(Run.objects.waiting(now).order_by("created_at").values_list("pk", flat=True))


def execute_run(run: Run, *, worker: str, progress: Progress = no_progress) -> RunResult | None:
    """Do a run that waits, meter by meter; None where somebody else has it.

    A meter's failure is its own: the others are still asked. Where the process dies, the run's
    lease runs out, and whoever takes it up goes on with the meters that are not done.
    """
    if not Run.objects.claim(run.pk, worker, timezone.now()):
        return None
    run.refresh_from_db()
    source = run.source
    if source is None:
        return _finish(run, [], error="The source of this run has been deleted.")
    feeds = Feed.objects.filter(source=source).select_related("meter").order_by("pk")
    feeds = feeds.filter(meter__muid__in=run.only) if run.only else feeds.filter(is_active=True)
    Run.objects.filter(pk=run.pk).update(meters=feeds.count())
    todo = list(feeds.exclude(last_run=run))
    endpoint = Endpoint(source.address, source.measurement, source.token, source.limit)
    results: list[MeterResult] = []
    with Lease(run, worker) as lease, Client(endpoint) as client:
        for feed in todo:
            job = _Job(run, source, feed, client, lease)
            for result, share in job.work():
                progress(result, (len(results) + share) / len(todo))
            results.append(job.result)
        Run.objects.filter(pk=run.pk).update(
            requests=F("requests") + client.usage.requests,
            bytes=F("bytes") + client.usage.bytes,
            retries=F("retries") + client.usage.retries,
        )
    return _finish(run, results)


@dataclass
class _Job:
    """One meter within a run."""

    run: Run
    source: Source
    feed: Feed
    client: Client
    lease: Lease
    result: MeterResult = field(init=False)

    def __post_init__(self) -> None:
        self.result = MeterResult(self.feed.meter.muid, self.feed.meter.name)

    def work(self) -> Any:
        """Ask and store piece by piece; yield the result so far and the share that is done."""
        meter = self.feed.meter
        start, stop = self._window()
        try:
            if start < stop:
                asked = Asked(_now(), meter.muid, measurement=self.source.measurement)
                for piece in windows(
                    self.client, asked, meter.muid, start, stop, self.source.interval
                ):
                    self.lease.check()
                    self._add(
                        store(
                            piece.batch,
                            rejections=piece.rejections,
                            raw=piece.raw,
                            run=self.run,
                            default_interval=self.source.interval,
                        ),
                        piece.warnings,
                    )
                    yield self.result, (piece.stop - start) / (stop - start)
        except (UpstreamError, UnknownMeterError) as error:
            self.result = replace(self.result, error=str(error))
        self._record()
        yield self.result, 1.0

    def _window(self) -> tuple[int, int]:
        """Say what to ask for, in whole seconds: the run's window, or from what is stored on."""
        meter, source = self.feed.meter, self.source
        stop = int(self.run.stop.timestamp()) if self.run.stop else _now()
        if self.run.start:
            return int(self.run.start.timestamp()), stop
        stored = last_reading_end(meter)
        if stored is not None:
            start = stored - source.reread_hours * 3600
        else:
            since = source.backfill_from or timezone.now() - FIRST_BACKFILL
            start = int(since.timestamp())
        return max(start, meter.validity.since), min(stop, meter.validity.until)

    def _add(self, stored: Stored, warnings: Sequence[str]) -> None:
        told = [text for texts in stored.warnings.values() for text in texts]
        self.result = replace(
            self.result,
            counts=self.result.counts + stored.counts,
            warnings=tuple(dict.fromkeys([*self.result.warnings, *told, *warnings])),
        )

    def _record(self) -> None:
        """Say on the feed how it went, and keep the outcome where it is worth a look."""
        error, warnings = self.result.error, list(self.result.warnings)
        with transaction.atomic():
            if error or warnings:
                Outcome.objects.update_or_create(
                    run=self.run,
                    meter=self.feed.meter,
                    defaults={"error": error, "warnings": warnings},
                )
            self.feed.last_run, self.feed.last_error = self.run, error
            changed = ["last_run", "last_error"]
            if not error:
                self.feed.last_success_at = timezone.now()
                changed.append("last_success_at")
            self.feed.save(update_fields=changed)


def _finish(run: Run, results: Sequence[MeterResult], error: str = "") -> RunResult:
    """Close a run; its state also counts what an earlier attempt at it has done."""
    failed = Outcome.objects.filter(run=run).exclude(error="").count()
    run.refresh_from_db()
    if not error and failed and failed >= run.meters:
        # One sentence is enough where every meter failed alike.
        errors = {result.error for result in results if result.error}
        error = errors.pop() if len(errors) == 1 else "No meter could be read."
    run.state = Run.State.PARTIAL if failed else Run.State.SUCCEEDED
    if error:
        run.state = Run.State.FAILED
    run.error, run.failed = error, failed
    run.finished_at, run.lease_until = timezone.now(), None
    run.save(update_fields=["state", "error", "failed", "finished_at", "lease_until"])
    log.info(
        "run finished",
        run=run.pk,
        state=run.state,
        new=run.new,
        corrected=run.corrected,
        unchanged=run.unchanged,
        rejected=run.rejected,
    )
    return RunResult(run, tuple(results))


def ingest_rows(
    rows: Sequence[Any],
    *,
    muid: UUID | None = None,
    start: datetime | None = None,
    stop: datetime | None = None,
    register_meters: bool = False,
    timezone_name: str = "Europe/Zurich",
) -> RunResult:
    """Store the rows of a file, as a run of its own.

    Parameters
    ----------
    rows
        In the upstream's shape.
    muid
        Take this meter's rows alone; every meter's where None.
    start, stop
        Take this window alone.
    register_meters
        Make meters that the rows name and the tenant does not have; else that is an error.
    timezone_name
        The zone of meters that are made.
    """
    asked = Asked(
        now=_now(),
        muid=muid or _only_muid(rows),
        start=int(start.timestamp()) if start else None,
        stop=int(stop.timestamp()) if stop else None,
    )
    parsed = parse(rows, asked)
    if register_meters:
        for key in {key.muid for key in parsed.batch.keys}:
            Meter.objects.get_or_create(
                muid=key, defaults={"name": f"Meter {str(key)[:8]}", "timezone": timezone_name}
            )
    run = Run.objects.create(
        trigger=Run.Trigger.FILE,
        state=Run.State.RUNNING,
        started_at=timezone.now(),
        start=start,
        stop=stop,
        meters=len({key.muid for key in parsed.batch.keys}),
    )
    try:
        stored = store(
            parsed.batch,
            rejections=parsed.rejections,
            raw=lambda row: raw_text(rows[row]),
            run=run,
        )
    except UnknownMeterError as error:
        return _finish(run, [], error=str(error))
    names = dict(Meter.objects.filter(muid__in=stored.by_meter).values_list("muid", "name"))
    return _finish(
        run,
        [
            MeterResult(key, names.get(key, str(key)), counts, tuple(stored.warnings.get(key, ())))
            for key, counts in stored.by_meter.items()
        ],
    )


def _only_muid(rows: Sequence[Any]) -> UUID | None:
    """Find the one meter that all rows are of, which lets the whole page be read at once."""
    try:
        muids = {row["tags"]["muid"] for row in rows}
        return UUID(muids.pop()) if len(muids) == 1 else None
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def _now() -> int:
    return int(datetime.now(UTC).timestamp())
