"""What a worker tells of itself: its tasks, counted by the processes that do them.

A worker's tasks are done by processes that it forks, and asked for figures is their parent. So each
keeps its counts in a file that the parent adds up (the multiprocess mode of prometheus_client); a
process that was killed leaves its file behind, and nothing that it counted gets lost. What it had
in hand when it was killed is counted by the parent.
"""

import os
import struct
import time
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from billiard.einfo import ExceptionWithTraceback  # type: ignore[attr-defined]
from billiard.exceptions import TimeLimitExceeded, WorkerLostError
from celery.signals import task_postrun, task_prerun, task_revoked, worker_ready
from celery.worker.request import Request as CeleryRequest
from django.conf import settings
from prometheus_client import CollectorRegistry, Counter, Histogram, values
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.process_collector import ProcessCollector
from structlog.contextvars import bound_contextvars

from config.metrics import serve_metrics

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
# How often the files are read where that fails, and how long in between [s].
TRIES, PAUSE = 10, 0.02
BUCKETS = (0.01, 0.05, 0.1, 0.5, 1, 5, 15, 30, 60, 120, 300, 600)


class _Files(MultiProcessCollector):
    """Adds up the files; one that a process has just begun may still be empty."""

    def collect(self) -> list[Metric]:
        for _ in range(TRIES):
            try:
                return list(super().collect())  # type: ignore[no-untyped-call]
            except struct.error:
                time.sleep(PAUSE)
        raise RuntimeError(f"A file of counts in {self._path} can't be read.")


class Tally:
    """The counts of one worker, shared by its processes through files in a folder."""

    def __init__(self, folder: str) -> None:
        # The library reads the folder's name here, and chose how to count when it was imported.
        os.environ[FOLDER] = folder
        values.ValueClass = values.MultiProcessValue()  # type: ignore[no-untyped-call]
        own = CollectorRegistry()
        self._tasks = Counter(
            "lastgang_tasks", "Tasks that came to an end.", ("task", "outcome"), registry=own
        )
        self._seconds = Histogram(
            "lastgang_task_duration_seconds",
            "Time that a task took.",
            ("task",),
            registry=own,
            buckets=BUCKETS,
        )

    def expect(self, task: str) -> None:
        """Begin at nothing: Prometheus sees no increase in what was not there before."""
        for outcome in ("success", "failure", "killed"):
            self._tasks.labels(task, outcome)

    def ended(self, task: str, outcome: str, seconds: float | None = None) -> None:
        self._tasks.labels(task, outcome).inc()
        if seconds is not None:
            self._seconds.labels(task).observe(seconds)

    @staticmethod
    def registry() -> CollectorRegistry:
        """Return what all processes together have counted, and how the parent itself is."""
        told = CollectorRegistry()
        _Files(told)  # type: ignore[no-untyped-call]
        ProcessCollector(registry=told)
        return told


class _Worker:
    """This process's part in a worker; nothing is counted in any other process."""

    folder: TemporaryDirectory[str] | None = None
    tally: Tally | None = None


def begin() -> None:
    """Begin to count, in the parent, before it forks."""
    if settings.METRICS_PORT and _Worker.tally is None:
        _Worker.folder = TemporaryDirectory(prefix="lastgang-metrics-")
        _Worker.tally = Tally(_Worker.folder.name)
        serve_metrics(_Worker.tally.registry())


@worker_ready.connect
def expect_all(sender: Any = None, **_kwargs: object) -> None:
    if _Worker.tally:
        for name in sender.app.tasks:
            if not name.startswith("celery."):
                _Worker.tally.expect(name)


@task_prerun.connect
def note_begin(task: Any = None, **_kwargs: object) -> None:
    if _Worker.tally:
        task.request.began = perf_counter()


@task_postrun.connect
def note_end(task: Any = None, state: str | None = None, **_kwargs: object) -> None:
    if _Worker.tally:
        seconds = perf_counter() - getattr(task.request, "began", perf_counter())
        _Worker.tally.ended(task.name, (state or "unknown").lower(), seconds)


@task_revoked.connect
def note_let_go(sender: Any = None, expired: bool = False, **_kwargs: object) -> None:
    """Note a message that nobody had time for before it was too old: its run is offered again."""
    if _Worker.tally:
        _Worker.tally.ended(sender.name, "expired" if expired else "revoked")


class Request(CeleryRequest):
    """A message in the hands of the parent, which alone learns that a process was killed."""

    def on_failure(self, exc_info: Any, *args: Any, **kwargs: Any) -> None:
        with self._named():
            error = exc_info.exception
            error = error.exc if isinstance(error, ExceptionWithTraceback) else error
            if _Worker.tally and isinstance(error, TimeLimitExceeded | WorkerLostError):
                _Worker.tally.ended(self.name, "killed")
            super().on_failure(exc_info, *args, **kwargs)

    def revoked(self) -> bool:
        with self._named():
            return bool(super().revoked())

    def on_timeout(self, soft: bool, timeout: float) -> None:
        with self._named():
            super().on_timeout(soft, timeout)

    def _named(self) -> Any:
        """Have what the parent logs name the task and its tenant, in which it is not itself."""
        schema = self.request_dict.get("_schema_name") or "public"
        return bound_contextvars(tenant=schema, task=self.name, task_id=self.id)
