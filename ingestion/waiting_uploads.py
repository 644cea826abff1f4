"""Large files that people have brought, stored by a worker: a request would last for minutes."""

import structlog
from celery.exceptions import SoftTimeLimitExceeded
from django.db import InterfaceError, OperationalError, transaction
from django.utils import timezone

from ingestion.deliveries import take_in_for
from ingestion.doors.table import DoorError
from ingestion.inbox import Upload
from ingestion.lease import Lease, LostLeaseError
from ingestion.models import Run
from ingestion.results import RunResult
from ingestion.retrying import retried
from ingestion.services import MOST_ATTEMPTS, finish
from ingestion.uploads import delivery_of

log = structlog.get_logger(__name__)

GONE = (
    "The file is gone: nobody stored it in time, or a meter was erased that it might have held. "
    "Upload it again."
)


def store_waiting(run: Run, *, worker: str) -> RunResult | None:
    """Do the run of an upload that waits; None where somebody else has it.

    Everything is stored and the file let go of, or nothing; where the process dies, the run's lease
    runs out, and whoever takes it up begins with the file anew.

    Raises
    ------
    LostLeaseError
        Another worker has taken the run over in the meantime. Nothing was stored.
    """
    if not Run.objects.claim(run.pk, worker, timezone.now()):
        return None
    run.refresh_from_db()
    if run.attempts > MOST_ATTEMPTS:
        return _end(run, f"{MOST_ATTEMPTS} workers have died over this file; their log tells more.")
    try:
        with Lease(run):
            return retried(lambda: _store(run))
    except DoorError as error:
        return _end(run, f"{error} Nothing was stored.")
    except SoftTimeLimitExceeded:
        words = "It took longer than a worker's time limit. Split the file, for example by year."
        return _end(run, words)
    except (OperationalError, InterfaceError, LostLeaseError):
        raise
    except Exception as error:
        # Tried again it would fail again, and the run would stay open for ever.
        log.exception("upload failed", run=run.pk)
        kind = type(error).__name__
        return _end(run, f"An unexpected error ({kind}); the worker's log tells more.")


def _store(run: Run) -> RunResult:
    with transaction.atomic():
        # Held: an erasure that empties the inbox meanwhile waits, and then finds what was stored.
        held = Upload.objects.select_for_update(of=("self",)).filter(run=run).first()
        if held is None:
            return finish(run, error=GONE)
        result = take_in_for(run, delivery_of(held))
        held.stored_at = timezone.now()
        held.save(update_fields=["stored_at"])
        held.forget()
    return result


def _end(run: Run, words: str) -> RunResult:
    """Close a run that has come to nothing, and let go of its file."""
    with transaction.atomic():
        result = finish(run, error=words)
        for held in Upload.objects.filter(run=run):
            held.forget()
    return result
