"""A server that is gone: left alone for a while after each failure, and told of once."""

import threading
import time
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import structlog

log = structlog.get_logger(__name__)

# So long a server that has failed is left alone [s].
REST = 2.0


class Outage:
    """Whether a server is gone, as far as this process knows.

    Who would ask while it `rests` does without, at once: what every request waits for in vain adds
    up. After a rest the next one asks again. The log gets one warning when it begins, however many
    fail, and one line when it is over.

    Parameters
    ----------
    name
        The server, as the log calls it.
    words
        What is not done meanwhile.
    rest
        So long it is left alone after a failure [s].
    """

    def __init__(self, name: str, words: str, *, rest: float = REST) -> None:
        self.name, self.words, self.rest = name, words, rest
        self._lock = threading.Lock()
        self._began: float | None = None
        self._until = 0.0

    @property
    def rests(self) -> bool:
        """Whether it failed a moment ago."""
        return self._began is not None and time.monotonic() < self._until

    @property
    def is_on(self) -> bool:
        """Whether nothing has been heard of it since it failed."""
        return self._began is not None

    def failed(self, error: BaseException) -> None:
        """Note that it failed."""
        now = time.monotonic()
        with self._lock:
            first, self._until = self._began is None, now + self.rest
            self._began = self._began or now
        if first:
            what = f"{type(error).__name__}: {error}"
            log.warning(
                f"{self.name} is gone", words=self.words, error=" ".join(what.split())[:500]
            )

    def worked(self) -> None:
        """Note that it did what it was asked for."""
        if self._began is None:
            return
        with self._lock:
            began, self._began = self._began, None
        if began is not None:
            log.info(f"{self.name} is back", seconds=round(time.monotonic() - began, 1))


@lru_cache(maxsize=8)
def _redis(host: str, port: Any) -> Outage:
    return Outage(
        "Redis",
        "Requests are not counted, so nobody is limited, and nobody is woken for work, which waits "
        "in the database and is begun when Redis is back.",
    )


def redis_outage(address: str) -> Outage:
    """Return what this process knows of a Redis, whichever of its databases the address names."""
    parts = urlsplit(address)
    return _redis(parts.hostname or parts.path, parts.port)
