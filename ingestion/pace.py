"""How often a source is asked, counted for all workers together.

PostgreSQL counts, not Redis: nothing can be stored without it anyway, so there is no moment in
which requests go out uncounted, and none in which ingestion stands still for want of a counter. A
request to an upstream takes a hundred times as long as asking for its turn.

The turns of a minute are evenly spaced (the generic cell rate algorithm without a burst): a row
holds when the next request may go out, and whoever wants to ask moves it on. Requests at one time
are advisory locks of a session, so a worker that is killed gives its place back.
"""

import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import randrange
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection

from ingestion.models import Source

# How long a wait lasts before it is looked whether the run is still ours [s].
STEP = 0.5
POLL = 0.05
TURN = (
    "INSERT INTO public.tenants_upstreamturn AS t (key, next_at) "
    "VALUES (%(key)s, clock_timestamp() + %(gap)s * interval '1 second') "
    "ON CONFLICT (key) DO UPDATE SET next_at = greatest(t.next_at, clock_timestamp()) "
    "+ %(gap)s * interval '1 second' "
    "RETURNING extract(epoch FROM next_at - clock_timestamp())::float8 - %(gap)s"
)


def nothing_to_check() -> None:
    """Nobody can take the work away."""


class Pace:
    """The turns of one source's requests. Use it as a context manager, and `turn` for each request.

    It has a connection of its own, for the locks live as long as that, and may be used by several
    threads.

    Parameters
    ----------
    source
        Says how often it may be asked. Without limits nothing is counted and no connection made.
    check
        Called while waiting; raises where there is nothing to wait for any more.
    sleep
        Waits a number of seconds.
    """

    def __init__(
        self,
        source: Source,
        *,
        check: Callable[[], None] = nothing_to_check,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._rate, self._most = source.requests_per_minute, source.concurrent_requests
        self._key = who_counts(source.address, source.token) if self._rate or self._most else ""
        self._check, self._sleep = check, sleep
        self._lock = threading.Lock()
        self._connection: Any = None

    def __enter__(self) -> "Pace":
        return self

    def __exit__(self, *_exc: object) -> None:
        if self._connection is not None:
            self._connection.close()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait until a request may go out; it is under way for as long as the block lasts."""
        place = self._place() if self._most else None
        try:
            if self._rate:
                self._wait(self._ask(TURN, {"key": self._key, "gap": 60 / self._rate}))
            yield
        finally:
            if place is not None:
                self._ask("SELECT pg_advisory_unlock(%s, %s)", place)

    def _place(self) -> tuple[int, int]:
        """Take one of the places for requests at one time."""
        number = int.from_bytes(bytes.fromhex(self._key[:8]), signed=True)
        first = randrange(self._most)  # noqa: S311 - so that not all try the same one
        while True:
            for n in range(self._most):
                place = number, (first + n) % self._most
                if self._ask("SELECT pg_try_advisory_lock(%s, %s)", place):
                    return place
            self._check()
            self._sleep(POLL)

    def _wait(self, seconds: float) -> None:
        while seconds > 0:
            self._check()
            self._sleep(min(seconds, STEP))
            seconds -= STEP

    def _ask(self, sql: str, values: Any) -> Any:
        with self._lock:
            if self._connection is None:
                self._connection = connection.copy()
                self._connection.inc_thread_sharing()
            with self._connection.cursor() as cursor:
                cursor.execute(sql, values)
                return cursor.fetchone()[0]


def who_counts(address: str, token: str) -> str:
    """Name whoever counts our requests: the upstream's host, for one token.

    Two sources, of one tenant or of two, that ask the same host with the same token share its
    patience. The name tells neither of them: it is keyed, for the token is secret.
    """
    parts = urlsplit(address)
    text = f"{parts.scheme}://{parts.hostname}:{parts.port}\0{token}"
    key = hashlib.blake2b(settings.SECRET_KEY.encode(), digest_size=32).digest()
    return hashlib.blake2b(text.encode(), key=key, digest_size=16).hexdigest()
