"""What the queue does. A task takes identifiers and calls a service; it decides nothing."""

from collections.abc import Sequence
from contextlib import suppress

import structlog
from celery import shared_task
from django.conf import settings
from django.db import DatabaseError, transaction
from django.utils import timezone
from kombu.exceptions import OperationalError as BrokerError
from structlog.contextvars import bind_contextvars

from ingestion.dispatching import in_turn, offers, with_work
from ingestion.gapkeeping import settle
from ingestion.lease import LostLeaseError, worker_name
from ingestion.models import Gap, KeptAnswer, Run, Source, Upload
from ingestion.putting_back import put_back
from ingestion.repair import repair_due
from ingestion.retention import tidy
from ingestion.services import execute_run, plan_due
from ingestion.waiting_uploads import store_waiting
from tenants.fanout import in_each_tenant
from tenants.models import Tenant
from tenants.schema import in_public
from tenants.tasks import OperatorsTask

log = structlog.get_logger(__name__)


# Messages are worked on in the order of their priority: a dispatch never waits behind runs.
RUNS = 6


@shared_task(name="ingestion.upkeep", base=OperatorsTask, expires=800)
def upkeep() -> int:
    """Have each tenant ask for its gaps, and remove what it has kept long enough.

    Runs four times an hour.
    """

    def send() -> None:
        repair_gaps.delay()
        tidy_record.delay()

    return in_each_tenant(send)


@shared_task(name="ingestion.repair_gaps", expires=800)
def repair_gaps() -> int:
    """See to the gaps of the tenant that the message came from, and plan to ask for those due."""
    runs = repair_due(now=timezone.now())
    ingest_soon(runs)
    return len(runs)


@shared_task(name="ingestion.tidy_record", expires=800)
def tidy_record() -> int:
    """Remove what is too old in the tenant that the message came from, and say how much that was.

    Uploads that nobody stored and answers that nobody asks for again go as well.
    """
    now = timezone.now()
    uploads = Upload.objects.expired(now).delete()[1].get("ingestion.Upload", 0)
    KeptAnswer.objects.filter(expires_at__lte=now).delete()
    return uploads + sum(one.rows for one in tidy(now=now))


@shared_task(name="ingestion.dispatch", base=OperatorsTask, expires=60, priority=0)
def dispatch() -> int:
    """Ask each tenant what is due, and wake workers for it. Runs every quarter of a minute.

    The runs table is the record of work: a message that gets lost is sent again by a later call.
    """
    with in_public():
        tenants = {tenant.schema_name: tenant for tenant in Tenant.objects.at_work()}
        busy = list(with_work(list(tenants), timezone.now()))
    offered = {}
    for schema in busy:
        with tenants[schema].entered():
            try:
                plan_due(timezone.now())
                offered[schema] = offers(timezone.now(), settings.INGESTION_SHARE)
            except DatabaseError:
                # A tenant whose schema is not in order keeps nobody else waiting.
                log.exception("tenant can't be asked what is due")
    chosen = in_turn(offered)
    for schema, run in chosen:
        ingest_run.apply_async((run,), headers={"_schema_name": schema})
    return len(chosen)


# A run that waits is offered again and again; older messages are let go.
@shared_task(name="ingestion.ingest_run", expires=120, priority=RUNS)
def ingest_run(run: int) -> str:
    """Do a slice of one run of the tenant that the message came from, and wake for the next."""
    # Until the task is over, failures included: see `config.celery`.
    bind_contextvars(run=run)
    try:
        planned = Run.objects.get(pk=run)
    except Run.DoesNotExist:
        log.warning("run is gone", run=run)
        return "gone"
    try:
        if planned.trigger == Run.Trigger.UPLOAD:
            result = store_waiting(planned, worker=worker_name())
        else:
            result = execute_run(planned, worker=worker_name(), seconds=settings.INGESTION_SLICE)
    except LostLeaseError as error:
        log.warning("lease lost", run=run, words=str(error))
        return "lost"
    except DatabaseError as error:
        if not put_back(planned, error):
            raise
        return "waits"
    if result is None:
        return "taken"
    if Gap.objects.filter(asking=planned).exists():
        settle(now=timezone.now())
    wake()
    return str(result.run.state)


def ingest_soon(runs: Sequence[Run]) -> None:
    """Wake a worker for each run, once the runs are on record.

    Where nobody can be woken the dispatcher finds the runs by itself: they stand in the database,
    and that Redis is gone is told once by whoever sends (`config.outages`).
    """

    def send() -> None:
        with suppress(BrokerError):
            for run in runs:
                ingest_run.delay(run.pk)

    # Not a `partial`: Django logs the function by its name, which a partial lacks.
    transaction.on_commit(send, robust=True)


def look_soon() -> None:
    """Have all stored readings of the tenant looked at for gaps, without waiting for tomorrow.

    That it is due is on record: where nobody can be woken it is done within a quarter of an hour.
    """
    Source.objects.update(gaps_looked_at=None, gaps_at=None)

    def send() -> None:
        with suppress(BrokerError):
            repair_gaps.delay()

    transaction.on_commit(send, robust=True)


def wake() -> None:
    """Offer the tenant's next runs at once, without waiting for the dispatcher."""
    try:
        for _, run in offers(timezone.now(), settings.INGESTION_SHARE):
            ingest_run.delay(run)
    except BrokerError:
        # What is done is done; the dispatcher finds the runs by itself.
        log.warning("no worker could be woken")
