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
    told_after
        The log hears of it once it has lasted so long [s].
    verbs
        What the log says of the server when it begins, and when it is over.
    """

    def __init__(
        self,
        name: str,
        words: str,
        *,
        rest: float = REST,
        told_after: float = 0.0,
        verbs: tuple[str, str] = ("is gone", "is back"),
    ) -> None:
        self.name, self.words, self.rest = name, words, rest
        self.told_after, self.verbs = told_after, verbs
        self._lock = threading.Lock()
        self._began: float | None = None
        self._until = 0.0
        self._is_told = False

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
            self._until, self._began = now + self.rest, self._began or now
            tells = not self._is_told and now - self._began >= self.told_after
            self._is_told = self._is_told or tells
        if tells:
            what = f"{type(error).__name__}: {error}"
            log.warning(
                f"{self.name} {self.verbs[0]}",
                words=self.words,
                error=" ".join(what.split())[:500],
            )

    def worked(self) -> None:
        """Note that it did what it was asked for."""
        if self._began is None:
            return
        with self._lock:
            began, self._began = self._began, None
            was_told, self._is_told = self._is_told, False
        if began is not None and was_told:
            seconds = round(time.monotonic() - began, 1)
            log.info(f"{self.name} {self.verbs[1]}", seconds=seconds)


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
