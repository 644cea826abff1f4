"""What the queue does. A task takes identifiers and calls a service; it decides nothing."""

import structlog
from celery import shared_task
from django.db import DatabaseError
from django.utils import timezone

from ingestion.lease import LostLeaseError, worker_name
from ingestion.models import KeptAnswer, Run, Upload
from ingestion.services import execute_run, plan_due
from tenants.models import Tenant
from tenants.schema import in_public
from tenants.tasks import TenantTask

log = structlog.get_logger(__name__)


class OperatorsTask(TenantTask):
    """Works for the installation: it begins in public and enters tenants by itself."""

    abstract = True
    operators = True


@shared_task(name="ingestion.dispatch", base=OperatorsTask, expires=55)
def dispatch() -> int:
    """Ask each tenant what is due, and wake workers for it. Runs every minute.

    The runs table is the record of work: a message that gets lost is sent again by the next call.
    """
    woken = 0
    with in_public():
        tenants = list(Tenant.objects.order_by("schema_name"))
    for tenant in tenants:
        with tenant.entered():
            try:
                for run in plan_due(timezone.now()):
                    ingest_run.delay(run)
                    woken += 1
            except DatabaseError:
                # A tenant whose schema is not in order keeps nobody else waiting.
                log.exception("tenant can't be asked what is due")
    return woken


@shared_task(name="ingestion.tidy_inboxes", base=OperatorsTask, expires=600)
def tidy_inboxes() -> int:
    """Let go of uploads that nobody stored and of answers that nobody asks for again."""
    with in_public():
        tenants = list(Tenant.objects.order_by("schema_name"))
    gone = 0
    for tenant in tenants:
        with tenant.entered():
            try:
                now = timezone.now()
                gone += Upload.objects.expired(now).delete()[1].get("ingestion.Upload", 0)
                KeptAnswer.objects.filter(expires_at__lte=now).delete()
            except DatabaseError:
                log.exception("tenant can't be tidied")
    return gone


# The dispatcher sends a message each minute for as long as a run waits; older ones are let go.
@shared_task(name="ingestion.ingest_run", expires=120)
def ingest_run(run: int) -> str:
    """Do one run of the tenant that the message came from."""
    try:
        planned = Run.objects.get(pk=run)
    except Run.DoesNotExist:
        log.warning("run is gone", run=run)
        return "gone"
    try:
        result = execute_run(planned, worker=worker_name())
    except LostLeaseError as error:
        log.warning("lease lost", run=run, words=str(error))
        return "lost"
    return "taken" if result is None else str(result.run.state)
