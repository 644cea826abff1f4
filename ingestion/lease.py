"""A worker's hold on a run, kept alive while it works."""

import os
import socket
import threading
import time
import uuid

from django.db import Error, connection
from django.utils import timezone
from django_tenants.utils import schema_context

from config.ending import told_ago
from ingestion.models import LEASE, Run
from tenants.schema import current_schema

# Three beats may be missed before the lease runs out.
BEAT = LEASE.total_seconds() / 3.5
# So long a worker that is to end waits for the piece that is under way [s]; then it breaks off.
# Far less than what it is given to end in (k8s/base/worker.yaml).
PATIENCE = 20.0


class LostLeaseError(RuntimeError):
    """The run has been taken over by another worker, or by somebody's will; this one stops."""

    def __init__(self, run: int | None) -> None:
        super().__init__(f"Run {run} has been taken over by another worker, cancelled or paused.")


class HandOverError(Exception):
    """The worker's time for this run is over; it goes on later where it was left.

    Attributes
    ----------
    feed
        The feed at which to go on.
    until
        Up to when that one has been read [s]; None where it has not been begun.
    """

    def __init__(self, feed: int, until: int | None = None) -> None:
        super().__init__(f"Feed {feed} is to go on from {until}.")
        self.feed, self.until = feed, until


class LeavingError(Exception):
    """The worker has to end, and nobody waits any more for what is under way."""


def worker_name() -> str:
    """Name this process and this moment, so that no two attempts share a name."""
    return f"{socket.gethostname()[:40]}:{os.getpid()}:{uuid.uuid4().hex[:8]}"


class Lease:
    """Extend a run's lease from a thread of its own, for as long as the `with` block lasts.

    A request to a slow upstream may last longer than a lease, so the work itself can't do it. What
    the work writes is fenced besides: see `record.grow`.

    Parameters
    ----------
    run
        The run; the worker named in it holds it.
    beat
        How often the lease is extended [s].
    seconds
        After how long the worker is to hand the run over [s]; None where it may go on to the end.
    """

    def __init__(self, run: Run, *, beat: float = BEAT, seconds: float | None = None) -> None:
        self._until = None if seconds is None else time.monotonic() + seconds
        self._run, self._worker, self._every = run.pk, run.worker, beat
        self._schema = current_schema()
        self._ended, self._lost = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._beat, name=f"lease-{run.pk}", daemon=True)

    def __enter__(self) -> "Lease":
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._ended.set()
        self._thread.join()

    @property
    def is_over(self) -> bool:
        """Whether it is time to hand over: after the slice, or because the worker is to end."""
        return self.is_ending or (self._until is not None and time.monotonic() >= self._until)

    @property
    def is_ending(self) -> bool:
        """Whether the worker is to end, and nothing is to be begun any more."""
        return told_ago() is not None

    def check(self) -> None:
        """Stop where the run is no longer ours, or has to be left where it is.

        Raises
        ------
        LostLeaseError
            Another worker has taken it over.
        LeavingError
            The worker is to end, and has waited for long enough.
        """
        if self._lost.is_set():
            raise LostLeaseError(self._run)
        if (told_ago() or 0.0) > PATIENCE:
            raise LeavingError

    def _beat(self) -> None:
        while not self._ended.wait(self._every):
            try:
                # This thread has a connection of its own, which begins in public.
                with schema_context(self._schema):
                    if self._is_taken():
                        self._lost.set()
                        return
            except Error:
                # The next beat may get through; if none does the lease runs out, as it should.
                continue
            finally:
                connection.close()

    def _is_taken(self) -> bool:
        """Extend the lease; say whether somebody else has the run.

        One that can't be seen from here is nobody's: it is not committed yet, or was deleted, which
        the fence tells.
        """
        if Run.objects.extend(self._run, self._worker, timezone.now()):
            return False
        return Run.objects.filter(pk=self._run).exists()
