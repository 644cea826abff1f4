"""Looks from one thread whose connection is kept, for a process that looks again and again."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from time import monotonic

from django.db import connection

from monitoring.looking import Look, Observer

# So long a connection is kept [s]: what its process of PostgreSQL's remembers of tenants that are
# deleted meanwhile goes with it.
KEPT = 3600.0


class Lookout:
    """An observer that asks over one connection, look after look.

    Before a process of PostgreSQL's can answer of a tenant it reads up that tenant's tables in the
    catalogue, and with thousands of tenants that is most of the work: `benchmarks/bottlenecks.py`
    compares. Whoever scrapes has a thread of its own each time, and Django a connection for each.
    """

    def __init__(self, *, kept: float = KEPT) -> None:
        self._kept, self._until = kept, 0.0
        self._observer = Observer()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="lookout")

    def look(self, now: datetime) -> Look:
        return self._thread.submit(self._look, now).result()

    def close(self) -> None:
        """Close the connection, and take no further look."""
        # Inside the thread, for each has a connection of its own.
        self._thread.submit(lambda: connection.close())
        self._thread.shutdown()

    def _look(self, now: datetime) -> Look:
        if (
            connection.connection is None
            or monotonic() >= self._until
            or not connection.is_usable()
        ):
            connection.close()
            self._until = monotonic() + self._kept
        look = self._observer.look(now)
        if look.tenants is None:
            connection.close()
        return look
