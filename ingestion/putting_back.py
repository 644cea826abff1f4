"""A run whose readings the database had no room for: it waits, and says so."""

import structlog
from django.db import DatabaseError
from django.db.models import F
from django.utils import timezone

from config.databasefaults import fault_of, stores_nothing
from ingestion.models import Run

log = structlog.get_logger(__name__)


def put_back(run: Run, error: DatabaseError) -> bool:
    """Queue a run again whose readings find no room; it is offered anew half a minute later.

    The piece that was being stored is undone as a whole, and what was stored before stays, so
    whoever takes the run up goes on there. The attempt counts neither
    against the run nor against the meter that was in hand: no worker has died of it.

    Returns
    -------
    False where this is no such error, or nothing at all can be written. Then the lease runs out.
    """
    if not stores_nothing(error):
        return False
    fault = fault_of(error)
    words = f"{fault.words}. It goes on by itself." if fault else ""
    try:
        done = Run.objects.filter(pk=run.pk, worker=run.worker, state=Run.State.RUNNING).update(
            state=Run.State.QUEUED,
            worker="",
            lease_until=None,
            offered_at=timezone.now(),
            attempts=F("attempts") - 1,
            strikes=0,
            error=words,
        )
    except DatabaseError:
        log.warning("run can't even be put back", run=run.pk)
        return False
    log.error("run waits", run=run.pk, words=words)
    return bool(done)
