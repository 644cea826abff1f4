"""A worker's hold on a run, kept alive while it works."""

import os
import socket
import threading
import uuid

from django.db import Error, connection
from django.utils import timezone
from django_tenants.utils import schema_context

from ingestion.models import LEASE, Run
from tenants.schema import current_schema

# Three beats may be missed before the lease runs out.
BEAT = LEASE.total_seconds() / 4


class LostLeaseError(RuntimeError):
    """The run has been taken over by another worker; this one stops."""

    def __init__(self, run: int | None) -> None:
        super().__init__(f"Run {run} has been taken over by another worker.")


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
    """

    def __init__(self, run: Run, *, beat: float = BEAT) -> None:
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

    def check(self) -> None:
        """Stop where the run is no longer ours.

        Raises
        ------
        LostLeaseError
            Another worker has taken it over.
        """
        if self._lost.is_set():
            raise LostLeaseError(self._run)

    def _beat(self) -> None:
        while not self._ended.wait(self._every):
            try:
                # This thread has a connection of its own, which begins in public.
                with schema_context(self._schema):
                    if not Run.objects.extend(self._run, self._worker, timezone.now()):
                        self._lost.set()
                        return
            except Error:
                # The next beat may get through; if none does the lease runs out, as it should.
                continue
            finally:
                connection.close()
