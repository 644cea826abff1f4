"""Ingestion: a run in, what was stored out. Tasks and commands only call what stands here."""

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from ingestion.breaker import Breaker
from ingestion.client import Client, Endpoint
from ingestion.collector import collected_between
from ingestion.failing import all_excused
from ingestion.fields import UndecryptableError
from ingestion.forerun import Forerun, most_at_once
from ingestion.jobs import Job
from ingestion.lease import HandOverError, Lease, LostLeaseError
from ingestion.models import Feed, Outcome, Run, Source
from ingestion.pace import Pace
from ingestion.record import NOTHING, Counts
from ingestion.results import MeterResult, Progress, RunResult, no_progress
from meters.models import Register
from meters.profiles import last_reading_ends

log = structlog.get_logger(__name__)

# After so many meters in a row for which nobody answered, the others are not asked: they would
# wait for the same time-outs one after the other.
MOST_UNREACHABLE = 3
# A run whose workers die again and again would keep its source from ever being swept again.
MOST_ATTEMPTS = 10
# A meter at which so many workers in a row have died is left out, or its run would never end.
MOST_STRIKES = 6
# So many meters are looked up at a time.
AT_ONCE = 200


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
        with transaction.atomic():
            if Source.objects.take(source, now):
                Run.objects.create(source=source, trigger=Run.Trigger.SCHEDULE)
    return list(Run.objects.waiting(now).order_by("queued_at", "pk").values_list("pk", flat=True))


def execute_run(
    run: Run,
    *,
    worker: str,
    progress: Progress = no_progress,
    sleep: Callable[[float], None] = time.sleep,
    seconds: float | None = None,
) -> RunResult | None:
    """Do a run that waits, meter by meter; None where somebody else has it.

    A meter's failure is its own: the others are still asked. Where the process dies, the run's
    lease runs out, and whoever takes it up goes on with the meters that are not done.

    Parameters
    ----------
    run
        What is to be done.
    worker
        Who does it, by a name that nobody else has.
    progress
        Is told after each piece.
    sleep
        Waits a number of seconds before the upstream is asked again.
    seconds
        After how long to hand the run over [s]: it is queued again, behind the others, and goes
        on where it was left. None where it may go on to the end.

    Raises
    ------
    LostLeaseError
        Another worker has taken the run over in the meantime, or somebody has cancelled it.
    """
    if not Run.objects.claim(run.pk, worker, timezone.now()):
        return None
    run.refresh_from_db()
    error = _obstacle(run)
    if error:
        return finish(run, error=error)
    results: list[MeterResult] = []
    try:
        with Lease(run, seconds=seconds) as lease, collected_between() as collect:
            # Not a comprehension: what is done so far is told also where it is broken off.
            for result in _each_meter(run, lease, progress, sleep):
                results.append(result)
                collect()
    except HandOverError as place:
        return hand_over(run, results, place)
    except KeyboardInterrupt:
        finish(run, results, error="Broken off by hand. What was stored stays.")
        raise
    return finish(run, results)


def rehearse_run(
    *,
    source: Source,
    only: Sequence[UUID] = (),
    start: datetime | None = None,
    stop: datetime | None = None,
    progress: Progress = no_progress,
) -> RunResult:
    """Do all that a run would do, and undo each piece at once: nothing of it is kept.

    Parameters
    ----------
    source, only, start, stop
        As for `plan_run`.
    progress
        Is told after each piece.
    """
    run = Run(source=source, trigger=Run.Trigger.COMMAND, only=list(only), start=start, stop=stop)
    try:
        results = list(_each_meter(run, None, progress))
    except UndecryptableError as error:
        run.state, run.error = Run.State.FAILED, str(error)
        return RunResult(run)
    errors = [result.error for result in results if result.error]
    run.meters, run.failed = len(results), len(errors)
    run.state, run.error = _verdict(run.meters, errors)
    return RunResult(run, tuple(results))


def _obstacle(run: Run) -> str:
    """Say in words why a run can't be done at all, or nothing."""
    if run.trigger in Run.BROUGHT:
        return "The process that stored this file has died. Store the file again."
    if run.source is None:
        return "The source of this run has been deleted."
    if run.attempts > MOST_ATTEMPTS:
        return f"The workers of this run have died {MOST_ATTEMPTS} times; their log tells more."
    try:
        run.source.token  # noqa: B018 - opening it is the trial
    except UndecryptableError as error:
        return str(error)
    return ""


def _feeds(run: Run) -> QuerySet[Feed]:
    feeds = Feed.objects.filter(source=run.source).select_related("meter").order_by("pk")
    if run.only:
        feeds = feeds.filter(meter__muid__in=run.only)
        return feeds.filter(is_active=True) if run.trigger == Run.Trigger.REPAIR else feeds
    feeds = feeds.filter(is_active=True)
    if run.trigger != Run.Trigger.SCHEDULE:
        return feeds
    # Meters that keep failing are asked less often. Those that this run has asked stay its own.
    is_time = Q(retry_at__isnull=True) | Q(retry_at__lte=run.created_at)
    return feeds.filter(is_time | Q(last_run=run))


def _note_place(run: Run, todo: Sequence[Feed], meters: int) -> None:
    """Note how many meters there are, and how many workers in a row have died at the next one."""
    first = todo[0].pk if todo else None
    if run.at_feed != first:
        run.at_feed, run.at_time, run.strikes = first, None, 0
    if run.attempts > 1:
        # The worker before this one has died, and here is where it was.
        run.strikes += 1
    Run.objects.filter(pk=run.pk, worker=run.worker).update(
        meters=meters, at_feed=run.at_feed, at_time=run.at_time, strikes=run.strikes
    )


def hand_over(run: Run, results: Sequence[MeterResult], place: HandOverError) -> RunResult:
    """Queue a run again, behind those that wait, to be gone on with where it is.

    Raises
    ------
    LostLeaseError
        Another worker has taken the run over.
    """
    held = Run.objects.filter(pk=run.pk, worker=run.worker)
    until = place.until
    if not held.update(
        state=Run.State.QUEUED,
        worker="",
        lease_until=None,
        queued_at=timezone.now(),
        attempts=0,
        strikes=0,
        at_feed=place.feed,
        at_time=None if until is None else datetime.fromtimestamp(until, UTC),
    ):
        raise LostLeaseError(run.pk)
    run.refresh_from_db()
    log.info("run handed over", run=run.pk, feed=place.feed)
    return RunResult(run, tuple(results))


def _each_meter(
    run: Run,
    lease: Lease | None,
    progress: Progress,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[MeterResult]:
    """Read one meter after the other; the next ones are asked for meanwhile."""
    source = run.source
    assert source is not None
    endpoint = Endpoint(
        source.address, source.measurement, source.token, source.limit, source.key_header
    )
    # A rehearsal leaves no trace, so it neither heeds what others have met nor adds to it.
    breaker = Breaker(source, by_hand=run.trigger not in Run.AUTOMATIC) if lease else None
    unreachable: list[str] = []
    pace = Pace(source, check=lease.check, sleep=sleep) if lease else Pace(source, sleep=sleep)

    def may_begin() -> bool:
        return not (lease and lease.is_over) and not (breaker and not breaker.is_closed)

    # Where a worker has died, it has to be seen at which meter.
    most = 1 if run.attempts > 1 else most_at_once(source)
    forerun = Forerun(
        _jobs(run, source, lease),
        lambda: Client(endpoint, sleep=sleep, turn=pace.turn),
        most=most,
        may_begin=may_begin,
    )
    with pace, forerun:
        for job, done, count in forerun:
            if lease and not job.is_begun and (lease.is_ending or (done and lease.is_over)):
                raise HandOverError(job.feed.pk, job.read_until)
            if job.feed.pk == run.at_feed and run.strikes >= MOST_STRIKES:
                words = (
                    f"{MOST_STRIKES} workers in a row have died at this meter; their log tells why."
                )
                progress(job.skip(words, excused=False), (done + 1) / count)
            elif not job.is_begun and (obstacle := _objection(unreachable, breaker)):
                progress(job.skip(obstacle), (done + 1) / count)
            else:
                for result, share in forerun.work(job):
                    progress(result, (done + share) / count)
                unreachable = [*unreachable, job.result.error] if job.unreachable else []
                if breaker and job.requests:
                    breaker.heard(job.result.error, of_source=job.of_source)
            yield job.result


def _objection(unreachable: Sequence[str], breaker: Breaker | None) -> str:
    """Say in words why the source is not asked for the next meter; empty where it is."""
    if len(unreachable) >= MOST_UNREACHABLE:
        return unreachable[-1]
    return breaker.objection() if breaker else ""


def _jobs(run: Run, source: Source, lease: Lease | None) -> Iterator[tuple[Job, int, int]]:
    """Lay out what is to be done: each job, how many come before it, and how many there are.

    Some meters are looked up at a time, so that the first of 10,000 does not wait for the others
    each time that a run is taken up.
    """
    feeds = _feeds(run)
    todo = feeds.exclude(last_run=run) if lease else feeds
    count, done = todo.count(), 0
    some = list(todo[:AT_ONCE])
    if lease:
        _note_place(run, some, feeds.count())
    while some:
        ends = {} if run.start else _stored_ends([feed.pk for feed in some])
        for feed in some:
            job = Job(run, source, feed, ends.get(feed.pk), lease)
            if feed.pk == run.at_feed and run.at_time:
                job.read_until = int(run.at_time.timestamp())
            yield job, done, count
            done += 1
        some = list(todo.filter(pk__gt=some[-1].pk)[:AT_ONCE]) if len(some) == AT_ONCE else []


def _stored_ends(meters: Sequence[int]) -> dict[int, int]:
    """Say of each meter up to when it has been read [s].

    A register that lags behind the others of its meter by more than a sweep looks back has a gap:
    it is asked for as other gaps are, else each sweep would read everything since.
    """
    owner = dict(Register.objects.filter(meter__in=meters).values_list("pk", "meter_id"))
    ends: dict[int, int] = {}
    if owner:
        for register, end in last_reading_ends(list(owner)).items():
            ends[owner[register]] = max(end, ends.get(owner[register], end))
    return ends


def finish(
    run: Run, results: Sequence[MeterResult] = (), *, error: str = "", nameless: Counts = NOTHING
) -> RunResult:
    """Close a run; its state also counts what an earlier attempt at it has done.

    Raises
    ------
    LostLeaseError
        Another worker has taken the run over.
    """
    failures = list(
        Outcome.objects.filter(run=run).exclude(error="").values_list("error", flat=True)
    )
    held = Run.objects.filter(pk=run.pk, worker=run.worker)
    meters = held.values_list("meters", flat=True).first() or 0
    state, words = _verdict(meters, failures)
    if state == Run.State.FAILED:
        all_excused(run)
    closed = held.update(
        state=Run.State.FAILED if error else state,
        error=error or words,
        failed=len(failures),
        finished_at=timezone.now(),
        lease_until=None,
    )
    if not closed:
        raise LostLeaseError(run.pk)
    run.refresh_from_db()
    log.info(
        "run finished",
        run=run.pk,
        state=run.state,
        new=run.new,
        corrected=run.corrected,
        unchanged=run.unchanged,
        rejected=run.rejected,
    )
    return RunResult(run, tuple(results), nameless)


def _verdict(meters: int, errors: Sequence[str]) -> tuple[Run.State, str]:
    """Say how a run of so many meters went, given the errors of those that failed."""
    if not errors:
        return Run.State.SUCCEEDED, ""
    if len(errors) < meters:
        return Run.State.PARTIAL, ""
    # One sentence is enough where every meter failed alike.
    return Run.State.FAILED, errors[0] if len(set(errors)) == 1 else "No meter could be read."
