"""What somebody decides about the queue: pause, resume, cancel, try again."""

from dataclasses import dataclass

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from ingestion.breaker import close
from ingestion.models import Feed, Outcome, Run, Source
from ingestion.services import plan_run


class SteeringError(ValueError):
    """It can't be done; the text says why."""


@dataclass(frozen=True, slots=True)
class Retried:
    """What is tried again: the runs, and how many meters they ask for."""

    runs: tuple[Run, ...]
    meters: int


def pause_source(*, source: Source, person: str) -> int:
    """Stop the sweeps of a source until it is resumed.

    A sweep under way is taken from its worker, which stores nothing more, and waits in the queue;
    what it has stored stays. What somebody asks for by hand is still done.

    Returns
    -------
    How many sweeps wait for the source to be resumed.
    """
    with transaction.atomic():
        Source.objects.filter(pk=source.pk).update(is_active=False, paused_by=person)
        sweeps = Run.objects.filter(source=source, state__in=Run.OPEN, trigger__in=Run.AUTOMATIC)
        # Without its name in the run no worker can store anything for it.
        return sweeps.update(state=Run.State.QUEUED, worker="", lease_until=None, attempts=0)


def resume_source(*, source: Source) -> None:
    """Let the sweeps of a source go on: at once, and from where each meter's readings end."""
    Source.objects.filter(pk=source.pk).update(
        is_active=True, paused_by="", next_sweep_at=timezone.now()
    )
    close(source)


def cancel_run(*, run: Run, person: str) -> Run:
    """End a run that waits or is under way; what it has stored stays.

    Raises
    ------
    SteeringError
        It has ended, or it is a file, which is stored in one go.
    """
    if run.trigger in Run.BROUGHT:
        raise SteeringError(_("What was brought to us is stored in one go and can't be cancelled."))
    failed = Outcome.objects.filter(run=run).exclude(error="").count()
    ended = Run.objects.filter(pk=run.pk, state__in=Run.OPEN).update(
        state=Run.State.CANCELLED,
        # On record, and so in English.
        error=f"Cancelled by {person}. What was stored stays.",
        # Without its name in the run no worker can store anything for it.
        worker="",
        lease_until=None,
        finished_at=timezone.now(),
        failed=failed,
    )
    run.refresh_from_db()
    if not ended:
        words = _("{run} has ended already: {state}.")
        raise SteeringError(words.format(run=run, state=run.get_state_display()))
    return run


def retry_run(*, run: Run) -> Run:
    """Do a run again that failed, failed in part or was cancelled: its failed meters, or all of it.

    Raises
    ------
    SteeringError
        There is nothing to do again.
    """
    if run.source is None or run.trigger in Run.BROUGHT:
        raise SteeringError(_("Its readings came from no source that could be asked again."))
    if run.state not in Run.AGAIN:
        words = _("{run} can't be done again: {state}.")
        raise SteeringError(words.format(run=run, state=run.get_state_display()))
    only = run.only
    if run.state == Run.State.PARTIAL:
        failed = Outcome.objects.filter(run=run).exclude(error="")
        only = list(failed.values_list("meter__muid", flat=True))
    return plan_run(
        source=run.source, trigger=Run.Trigger.ADMIN, only=only, start=run.start, stop=run.stop
    )


def retry_meters(*, feeds: QuerySet[Feed]) -> Retried:
    """Ask again at once for meters that keep failing, and let sweeps ask for them as usual."""
    by_source: dict[int, list[Feed]] = {}
    for feed in feeds.select_related("source", "meter").order_by("source", "pk"):
        by_source.setdefault(feed.source_id, []).append(feed)
    with transaction.atomic():
        runs = [
            plan_run(
                source=some[0].source,
                trigger=Run.Trigger.ADMIN,
                only=[feed.meter.muid for feed in some],
            )
            for some in by_source.values()
        ]
        chosen = [feed.pk for some in by_source.values() for feed in some]
        Feed.objects.filter(pk__in=chosen).update(failures=0, retry_at=None, given_up_at=None)
    return Retried(tuple(runs), len(chosen))
