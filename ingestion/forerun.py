"""The next meters of a run are asked for while one is stored.

A sweep is many short questions, and an upstream far away takes ten times as long to answer one as a
worker takes to store it. So a few are under way at a time, each asked by a thread; what they bring
is stored one after the other, in order.

It begins with one question alone. Each meter that was read makes it one more, and one that failed
makes it one again: a source in trouble is asked no more than it would be meter by meter.
"""

from collections import deque
from collections.abc import Callable, Iterator

from django.conf import settings

from ingestion.client import Client
from ingestion.jobs import Job
from ingestion.meterlock import MeterBusyError
from ingestion.models import Source
from ingestion.results import MeterResult

Place = tuple[Job, int, int]


class Forerun:
    """Jobs in their order, some of which are begun before their turn. Use it as a context manager.

    Parameters
    ----------
    jobs
        Each with how many come before it, and how many there are.
    client
        Makes a client; each question that is under way has its own.
    most
        So many questions may be under way at a time.
    may_begin
        Whether another meter may be asked for before its turn.
    """

    def __init__(
        self,
        jobs: Iterator[Place],
        client: Callable[[], Client],
        *,
        most: int,
        may_begin: Callable[[], bool],
    ) -> None:
        self._jobs, self._client, self._most, self._may_begin = jobs, client, most, may_begin
        self._ahead = 0
        self._coming: deque[Place] = deque()
        self._free: list[Client] = []

    def __enter__(self) -> "Forerun":
        return self

    def __exit__(self, *_exc: object) -> None:
        for job, _done, _count in self._coming:
            job.drop()
            self._release(job.client)
        for client in self._free:
            client.close()

    def __iter__(self) -> Iterator[Place]:
        while self._reach(1):
            if self._ahead:
                self._begin(1 + self._ahead)
            yield self._coming.popleft()

    def work(self, job: Job) -> Iterator[tuple[MeterResult, float]]:
        """Do a job, and learn from how it went; yields as `Job.work` does."""
        client = job.client or self._taken()
        try:
            yield from job.work(client)
        finally:
            self._release(client)
        self._ahead = 0 if job.result.error else min(self._ahead + 1, self._most - 1)

    def _reach(self, count: int) -> bool:
        """Look up jobs until so many are at hand, if there are; whether any is."""
        while len(self._coming) < count and (place := next(self._jobs, None)):
            self._coming.append(place)
        return bool(self._coming)

    def _begin(self, count: int) -> None:
        """Begin the next ones, up to one that another run is at."""
        self._reach(count)
        for job, _done, _count in list(self._coming)[:count]:
            if job.is_begun:
                continue
            if not self._may_begin():
                return
            client = self._taken()
            try:
                # Nobody who waits for a meter may hold others: two runs would wait for each other.
                job.begin(client, patience=0)
            except MeterBusyError:
                self._release(client)
                return

    def _taken(self) -> Client:
        return self._free.pop() if self._free else self._client()

    def _release(self, client: Client | None) -> None:
        if client is None:
            return
        if client.is_abandoned:
            client.close()
        else:
            self._free.append(client)


def most_at_once(source: Source) -> int:
    """Say how many questions to a source a run may have under way at a time."""
    most = settings.INGESTION_AT_ONCE
    if source.concurrent_requests:
        most = min(most, source.concurrent_requests)
    if source.requests_per_minute:
        # Whoever waits for a turn keeps other runs from the meter: for a second or so.
        most = min(most, source.requests_per_minute // 60)
    return max(most, 1)
