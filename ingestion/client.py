"""The upstream over HTTP: ask for a window of one meter, page backwards, retry what may pass.

A static file behind an address is asked as if it were the whole API: every parameter is sent, and
since it ignores them, its answer is cut to the window and a full page that can't be continued is
told, never silently accepted.
"""

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import orjson
import requests
from requests.adapters import HTTPAdapter

from ingestion.parsing import PayloadError, rows_of

CONNECT_TIMEOUT, READ_TIMEOUT, TOTAL_TIMEOUT = 5.0, 30.0, 120.0
MOST_BYTES = 64 * 1024 * 1024
ATTEMPTS = 4
LONGEST_WAIT = 30.0
RETRIED_STATUSES = {408, 425, 429, 500, 502, 503, 504}
USER_AGENT = "Lastgang"
PATH = "/meterdata/measurement"


class UpstreamError(RuntimeError):
    """The upstream did not give what was asked; the text says what happened, in words."""


class PassingError(UpstreamError):
    """A failure that may pass: worth asking again."""

    def __init__(self, words: str, wait: float | None = None) -> None:
        super().__init__(words)
        self.wait = wait


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where and how an upstream is asked.

    Attributes
    ----------
    address
        Base address, or a whole one with ``{muid}`` in it.
    token
        Bearer token, empty where none is needed.
    limit
        The most rows of one answer.
    """

    address: str
    measurement: str = "energy"
    token: str = field(default="", repr=False)
    limit: int = 5000

    def url(self, muid: UUID) -> str:
        if "{muid}" in self.address:
            return self.address.replace("{muid}", str(muid))
        base = self.address.rstrip("/")
        return base if base.endswith(PATH) else base + PATH


@dataclass
class Usage:
    """What asking has cost so far."""

    requests: int = 0
    bytes: int = 0
    retries: int = 0


@dataclass(frozen=True)
class Page:
    """One answer: its rows, and the oldest and newest time written in them, where readable."""

    rows: list[Any]
    is_full: bool


class Client:
    """Asks one upstream; keeps its connection open between requests. Use it as a context manager.

    Parameters
    ----------
    endpoint
        Whom to ask.
    sleep
        Waits a number of seconds; replaced where nobody wants to wait.
    """

    def __init__(self, endpoint: Endpoint, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self.endpoint = endpoint
        self.usage = Usage()
        self._sleep = sleep
        self._session = requests.Session()
        self._session.headers.update({"User-Agent": USER_AGENT, "Accept": "application/json"})
        if endpoint.token:
            self._session.headers["Authorization"] = f"Bearer {endpoint.token}"
        # Retrying is ours: it must honour the total time-out and be counted.
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, HTTPAdapter(max_retries=0))

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_exc: object) -> None:
        self._session.close()

    def page(self, muid: UUID, start: int, stop: int) -> Page:
        """Ask for the newest rows of ``[start, stop)`` [s], at most `limit` of them.

        Raises
        ------
        UpstreamError
            It failed for good, or kept failing.
        """
        parameters = {
            "muid": str(muid),
            "measurement": self.endpoint.measurement,
            "limit": str(self.endpoint.limit),
            "start": _iso(start),
            "stop": _iso(stop),
        }
        for attempt in range(1, ATTEMPTS + 1):
            try:
                rows = self._ask(self.endpoint.url(muid), parameters)
            except PassingError as error:
                if attempt == ATTEMPTS:
                    raise UpstreamError(f"{error} ({ATTEMPTS} attempts.)") from error
                self.usage.retries += 1
                self._sleep(_wait(attempt, error.wait))
            else:
                return Page(rows, len(rows) >= self.endpoint.limit)
        raise AssertionError("the last attempt returns or raises")

    def _ask(self, url: str, parameters: dict[str, str]) -> list[Any]:
        self.usage.requests += 1
        host = urlsplit(url).netloc
        deadline = time.monotonic() + TOTAL_TIMEOUT
        try:
            with self._session.get(
                url,
                params=parameters,
                timeout=(CONNECT_TIMEOUT, READ_TIMEOUT),
                stream=True,
            ) as response:
                _check_status(response, host)
                body = b"".join(self._chunks(response, deadline, host))
        except requests.Timeout:
            raise PassingError(f"{host} did not answer within {READ_TIMEOUT:.0f} s.") from None
        except requests.ConnectionError as error:
            raise PassingError(f"{host} can't be reached: {_cause(error)}.") from None
        except requests.exceptions.ChunkedEncodingError:
            raise PassingError(f"{host} broke off in the middle of its answer.") from None
        except (requests.exceptions.ContentDecodingError, requests.RequestException) as error:
            raise UpstreamError(f"{host} could not be asked: {_cause(error)}.") from None
        try:
            return rows_of(orjson.loads(body))
        except orjson.JSONDecodeError as error:
            # A body cut short looks like this too, and may come whole the next time.
            raise PassingError(
                f"{host} answered with something that is not JSON ({error})."
            ) from None
        except PayloadError as error:
            raise UpstreamError(f"{host}: {error}") from None

    def _chunks(self, response: requests.Response, deadline: float, host: str) -> Iterator[bytes]:
        size = 0
        for chunk in response.iter_content(256 * 1024):
            size += len(chunk)
            self.usage.bytes += len(chunk)
            if size > MOST_BYTES:
                raise UpstreamError(
                    f"{host} answered with more than {MOST_BYTES // 2**20} MiB; nothing of it was "
                    "used. Lower the source's limit."
                )
            if time.monotonic() > deadline:
                raise PassingError(f"{host} took longer than {TOTAL_TIMEOUT:.0f} s to answer.")
            yield chunk
        expected = response.headers.get("Content-Length", "")
        encoded = response.headers.get("Content-Encoding")
        if expected.isdigit() and not encoded and size < int(expected):
            raise PassingError(f"{host} broke off in the middle of its answer.")


def _check_status(response: requests.Response, host: str) -> None:
    status = response.status_code
    if status == 200:
        return
    said = f"{host} answered {status} {response.reason or ''}".strip()
    if status in RETRIED_STATUSES:
        raise PassingError(f"{said}.", _retry_after(response.headers.get("Retry-After")))
    hint = {
        401: " Check the source's token.",
        403: " Check the source's token.",
        404: " It does not know this meter, or the address is wrong.",
    }.get(status, "")
    raise UpstreamError(f"{said}.{hint}")


def _retry_after(text: str | None) -> float | None:
    """Read a Retry-After header: seconds or a date; None where it is neither."""
    if not text:
        return None
    if text.strip().isdigit():
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None


def _wait(attempt: int, asked: float | None) -> float:
    """Wait as long as was asked for, else twice as long each time; never too long, and jittered."""
    if asked is not None:
        return min(asked, LONGEST_WAIT)
    return min(2.0 ** (attempt - 1), LONGEST_WAIT) * random.uniform(0.5, 1.0)  # noqa: S311


def _cause(error: BaseException) -> str:
    """Say in a few words what lies under a library's nested exceptions."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    text = str(getattr(error, "strerror", None) or error)
    return text[:160].rstrip(".") or type(error).__name__


def _iso(instant: int) -> str:
    return datetime.fromtimestamp(instant, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
