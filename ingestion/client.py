"""The upstream over HTTP: ask for a window of one meter, retry what may pass, within limits.

A static file behind an address is asked as if it were the whole API: every parameter is sent. What
becomes of an answer that holds more than was asked, or less, is the business of `windows`.
"""

import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import requests
import urllib3.exceptions
from django.conf import settings

from ingestion.addresses import Guard
from ingestion.alike import read_rows
from ingestion.endpoint import MASK, SECRET
from ingestion.endpoint import Endpoint as Endpoint
from ingestion.endpoint import Limits as Limits
from ingestion.failures import (
    PassingError,
    check_status,
    explained,
    mebibytes,
    took_too_long,
)
from ingestion.failures import UnreachableError as UnreachableError
from ingestion.failures import UpstreamError as UpstreamError
from ingestion.payload import NoJSONError, PayloadError
from ingestion.transport import Transport

CHUNK = 256 * 1024
# Below this an answer has no room for values that would fill the memory.
HARMLESS = 4 * 1024 * 1024


@dataclass
class Usage:
    """What asking has cost so far; `bytes` are those of the answers, unpacked."""

    requests: int = 0
    bytes: int = 0
    retries: int = 0


@dataclass(frozen=True)
class Page:
    """One answer: its rows, and whether there may be more than fitted into it."""

    rows: Sequence[Any]
    is_full: bool


class Client:
    """Asks one upstream; keeps its connection open between requests. Use it as a context manager.

    Parameters
    ----------
    endpoint
        Whom to ask.
    limits
        How long and how much.
    sleep
        Waits a number of seconds; replaced where nobody wants to wait.
    turn
        Waits until a request may go out; its context lasts as long as the request.
    guard
        Which addresses may be asked; what the installation allows where None.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        limits: Limits | None = None,
        sleep: Callable[[float], None] = time.sleep,
        turn: Callable[[], AbstractContextManager[None]] = nullcontext,
        guard: Guard | None = None,
    ) -> None:
        self.endpoint = endpoint
        self._turn = turn
        self.limits = limits or Limits()
        self.usage = Usage()
        self._abandoned = threading.Event()
        self._sleep = sleep
        self._transport = Transport(
            self.limits,
            guard or Guard.of(settings.UPSTREAM_ALLOW),
            proxy=settings.UPSTREAM_PROXY,
            ca_file=settings.UPSTREAM_CA_FILE,
        )

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        self._transport.close()

    @property
    def is_abandoned(self) -> bool:
        return self._abandoned.is_set()

    def abandon(self) -> None:
        """Break off, from another thread, whatever is being asked; nothing is asked any more."""
        self._abandoned.set()
        self._transport.hang_up()

    def page(self, muid: UUID, start: int, stop: int) -> Page:
        """Ask for the newest rows of ``[start, stop)`` [s], at most `limit` of them.

        Raises
        ------
        UpstreamError
            It failed for good, or kept failing.
        """
        if not self.endpoint.is_sendable:
            raise UpstreamError(
                "The source's token holds a blank, a line break or a letter that can't be sent. "
                "Enter it anew.",
                of_source=True,
            )
        parameters = {
            "muid": str(muid),
            "measurement": self.endpoint.measurement,
            "limit": str(self.endpoint.limit),
            "start": _iso(start),
            "stop": _iso(stop),
        }
        began = time.monotonic()
        for attempt in range(1, self.limits.attempts + 1):
            try:
                with self._turn():
                    rows = self._ask(self.endpoint.url(muid), parameters)
            except PassingError as error:
                # A meter that hangs may not hold up the others for as long as all attempts take.
                is_late = time.monotonic() - began > self.limits.patience
                if attempt == self.limits.attempts or is_late:
                    raise error.final(attempt) from None
                self._go_on()
                self.usage.retries += 1
                self._rest(self._pause(attempt, error.wait))
            else:
                return Page(rows, len(rows) >= self.endpoint.limit)
        raise AssertionError("the last attempt returns or raises")

    def _rest(self, seconds: float) -> None:
        if self._sleep is time.sleep:
            # The same, but `abandon` ends it.
            self._abandoned.wait(seconds)
            self._go_on()
        else:
            self._sleep(seconds)

    def _go_on(self) -> None:
        if self._abandoned.is_set():
            raise UpstreamError("It was not asked on, for nobody waits for the answer any more.")

    def _ask(self, url: str, parameters: dict[str, str]) -> Sequence[Any]:
        self._go_on()
        try:
            return self._answer(url, parameters)
        except UpstreamError as error:
            error.args = (self.endpoint.masked(str(error)),)
            raise

    def _answer(self, url: str, parameters: dict[str, str]) -> Sequence[Any]:
        self.usage.requests += 1
        host = self.endpoint.host
        deadline = time.monotonic() + self.limits.total
        try:
            with self._transport.get(
                url, parameters, self.endpoint.credentials, deadline
            ) as response:
                check_status(response, host)
                body = b"".join(self._chunks(response, deadline, host))
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            if time.monotonic() >= deadline:
                raise took_too_long(host, self.limits) from None
            raise explained(error, host, self.limits) from None
        return self._rows(body, host)

    def _chunks(self, response: requests.Response, deadline: float, host: str) -> Iterator[bytes]:
        size = 0
        # `read1` gives what has come. Whatever waits for a whole chunk would let an upstream that
        # sends a byte now and then hold a worker for hours: each byte begins the time-out anew.
        while chunk := response.raw.read1(CHUNK, decode_content=True):
            size += len(chunk)
            self.usage.bytes += len(chunk)
            if size > self.limits.size:
                raise UpstreamError(
                    f"{host} answered with more than {mebibytes(self.limits.size)}; nothing of "
                    "it was used. Lower the source's limit."
                )
            if time.monotonic() > deadline:
                raise took_too_long(host, self.limits)
            self._go_on()
            yield chunk

    def _rows(self, body: bytes, host: str) -> Sequence[Any]:
        """Take the rows out of an answer, unless there are more than memory should have to hold."""
        limits, token = self.limits, self.endpoint.token.encode()
        if len(token) >= SECRET and token in body:
            # It would be kept with the raw text of what is refused.
            body = body.replace(token, MASK.encode())
        # Counted before parsing: 64 MiB of "[],[],[]…" would become gigabytes of Python objects.
        # How deep an answer is nested orjson limits itself, to 1,024.
        if len(body) > HARMLESS and body.count(b",") >= limits.values:
            raise UpstreamError(
                f"{host} answered with more than {limits.values:,} values; nothing of it was used. "
                "Lower the source's limit."
            )
        try:
            rows = read_rows(body)
        except NoJSONError as error:
            if "depth limit" in str(error):
                raise UpstreamError(
                    f"{host} answered with JSON that is nested more than 1,024 deep. "
                    "Check the source's address."
                ) from None
            # A body cut short looks like this too, and may come whole the next time.
            raise PassingError(
                f"{host} answered with something that is not JSON ({error}).",
                hint=" Check the source's address.",
                of_source=False,
            ) from None
        except PayloadError as error:
            raise UpstreamError(f"{host}: {error}") from None
        if len(rows) > limits.rows:
            raise UpstreamError(
                f"{host} answered with {len(rows):,} rows, more than the {limits.rows:,} that are "
                "taken at once; none of them was used. Check the source's address."
            )
        return rows

    def _pause(self, attempt: int, asked: float | None) -> float:
        """Wait as long as is asked for, else twice as long each time; jittered, never too long."""
        if asked is not None:
            return min(asked, self.limits.wait)
        return min(2.0 ** (attempt - 1), self.limits.wait) * random.uniform(0.5, 1.0)  # noqa: S311


def _iso(instant: int) -> str:
    return datetime.fromtimestamp(instant, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
