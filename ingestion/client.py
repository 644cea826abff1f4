"""The upstream over HTTP: ask for a window of one meter, retry what may pass, within limits.

A static file behind an address is asked as if it were the whole API: every parameter is sent. What
becomes of an answer that holds more than was asked, or less, is the business of `windows`.
"""

import random
import re
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from uuid import UUID

import requests
import urllib3.exceptions
from requests.auth import AuthBase

from ingestion.deadline import TimedAdapter, deadline
from ingestion.endpoint import Endpoint as Endpoint
from ingestion.endpoint import Limits as Limits
from ingestion.parsing import PayloadError, rows_of
from ingestion.payload import NoJSONError, decoded

RETRIED_STATUSES = {408, 425, 429, 500, 502, 503, 504}
USER_AGENT = "Lastgang"
CHUNK = 256 * 1024
WHO_ASKS = " Check the source's token."
HINTS = {
    400: " Check the source's measurement and limit.",
    401: WHO_ASKS,
    403: WHO_ASKS,
    404: " It does not know this meter, or the address is wrong.",
    413: " Lower the source's limit.",
    429: " It is asked too often: let the source be swept less often.",
}


class UpstreamError(RuntimeError):
    """The upstream did not give what was asked; the text says what happened, in words."""


class UnreachableError(UpstreamError):
    """Nothing answers at the upstream's address, whichever meter is asked for."""


class PassingError(UpstreamError):
    """A failure that may pass: worth asking again.

    Attributes
    ----------
    wait
        How long the upstream asks to be left alone [s]; None where it does not say.
    hint
        What to do where it does not pass.
    unreachable
        Whether nobody answered at all.
    """

    def __init__(
        self, words: str, wait: float | None = None, hint: str = "", *, unreachable: bool = False
    ) -> None:
        super().__init__(words)
        self.wait, self.hint, self.unreachable = wait, hint, unreachable


@dataclass
class Usage:
    """What asking has cost so far; `bytes` are those of the answers, unpacked."""

    requests: int = 0
    bytes: int = 0
    retries: int = 0


@dataclass(frozen=True)
class Page:
    """One answer: its rows, and whether there may be more than fitted into it."""

    rows: list[Any]
    is_full: bool


class _Bearer(AuthBase):
    """Sends the token, or nothing: never what a .netrc file of the machine holds for the host."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._token:
            request.headers["Authorization"] = f"Bearer {self._token}"
        return request


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
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        limits: Limits | None = None,
        sleep: Callable[[float], None] = time.sleep,
        turn: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self.endpoint = endpoint
        self._turn = turn
        self.limits = limits or Limits()
        self.usage = Usage()
        self._sleep = sleep
        self._session = requests.Session()
        self._session.headers.update({"User-Agent": USER_AGENT, "Accept": "application/json"})
        self._session.auth = _Bearer(endpoint.token)
        # Retrying is ours: it must honour the total time-out and be counted.
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, TimedAdapter(max_retries=0))

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
        if not re.fullmatch(r"[\x21-\x7e]*", self.endpoint.token):
            # What can't stand in a header would be told, token and all, by the error of whoever
            # tries to send it.
            raise UpstreamError(
                "The source's token holds a blank, a line break or a letter that can't be sent. "
                "Enter it anew."
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
                    kind = UnreachableError if error.unreachable else UpstreamError
                    raise kind(f"{error} ({attempt} attempts.){error.hint}") from None
                self.usage.retries += 1
                self._sleep(self._pause(attempt, error.wait))
            else:
                return Page(rows, len(rows) >= self.endpoint.limit)
        raise AssertionError("the last attempt returns or raises")

    def _ask(self, url: str, parameters: dict[str, str]) -> list[Any]:
        self.usage.requests += 1
        host = self.endpoint.host
        until = time.monotonic() + self.limits.total
        try:
            with (
                deadline(until),
                self._session.get(
                    url,
                    params=parameters,
                    timeout=(self.limits.connect, self.limits.read),
                    stream=True,
                ) as response,
            ):
                _check_status(response, host)
                body = b"".join(self._chunks(response, until, host))
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            is_late = time.monotonic() >= until
            raise self._late(host) if is_late else self._explained(error, host) from None
        try:
            return rows_of(decoded(body))
        except NoJSONError as error:
            # A body cut short looks like this too, and may come whole the next time.
            raise PassingError(
                f"{host} answered with something that is not JSON ({error}).",
                hint=" Check the source's address.",
            ) from None
        except PayloadError as error:
            raise UpstreamError(f"{host}: {error}") from None

    def _late(self, host: str) -> PassingError:
        words = f"{host} took longer than {self.limits.total:g} s to answer."
        return PassingError(words, hint=" Lower the source's limit.")

    def _chunks(self, response: requests.Response, until: float, host: str) -> Iterator[bytes]:
        size = 0
        # `read1` gives what has come. Whatever waits for a whole chunk would let an upstream that
        # sends a byte now and then hold a worker for hours: each byte begins the time-out anew.
        while chunk := response.raw.read1(CHUNK, decode_content=True):
            size += len(chunk)
            self.usage.bytes += len(chunk)
            if size > self.limits.size:
                raise UpstreamError(
                    f"{host} answered with more than {_mebibytes(self.limits.size)}; nothing of "
                    "it was used. Lower the source's limit."
                )
            if time.monotonic() > until:
                raise self._late(host)
            yield chunk

    def _explained(self, error: Exception, host: str) -> UpstreamError:
        """Say in words what the libraries beneath have met."""
        limits = self.limits
        later = " Check the source's address, and that the upstream is up."
        if isinstance(error, requests.ConnectTimeout):
            words = f"{host} can't be reached: no connection within {limits.connect:g} s."
            return PassingError(words, hint=later, unreachable=True)
        if isinstance(error, requests.Timeout | urllib3.exceptions.ReadTimeoutError):
            words = f"{host} sent nothing for {limits.read:g} s."
            return PassingError(words, hint=" The upstream is slow: lower the source's limit.")
        if isinstance(error, requests.exceptions.SSLError | urllib3.exceptions.SSLError):
            return UpstreamError(
                f"{host} can't be trusted: {_cause(error)}. Check its certificate."
            )
        if isinstance(error, requests.ConnectionError):
            reason = getattr(error.args[0] if error.args else None, "reason", None)
            if isinstance(reason, urllib3.exceptions.NewConnectionError):
                words = f"{host} can't be reached: {_cause(error)}."
                return PassingError(words, hint=later, unreachable=True)
            return PassingError(f"{host} broke off before it answered: {_cause(error)}.")
        if isinstance(error, urllib3.exceptions.ProtocolError):
            return PassingError(f"{host} broke off in the middle of its answer.")
        if isinstance(error, urllib3.exceptions.DecodeError):
            return PassingError(f"{host} answered with something that can't be unpacked.")
        return UpstreamError(
            f"{host} could not be asked: {_cause(error)}. Check the source's address."
        )

    def _pause(self, attempt: int, asked: float | None) -> float:
        """Wait as long as is asked for, else twice as long each time; jittered, never too long."""
        if asked is not None:
            return min(asked, self.limits.wait)
        return min(2.0 ** (attempt - 1), self.limits.wait) * random.uniform(0.5, 1.0)  # noqa: S311


def _check_status(response: requests.Response, host: str) -> None:
    status = response.status_code
    if status == 200:
        return
    reason = "".join(c for c in response.reason or "" if c.isprintable())[:60]
    said = f"{host} answered {status} {reason}".strip() + "."
    hint = HINTS.get(status, "")
    if status in RETRIED_STATUSES:
        raise PassingError(said, _retry_after(response.headers.get("Retry-After")), hint)
    raise UpstreamError(said + hint)


def _retry_after(text: str | None) -> float | None:
    """Read a Retry-After header: seconds or a date; None where it is neither."""
    text = (text or "").strip()
    if re.fullmatch(r"[0-9]{1,99}", text):
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return None


def _cause(error: BaseException) -> str:
    """Say in a few words what lies under a library's nested exceptions."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    text = str(getattr(error, "strerror", None) or error)
    # What OpenSSL says stands between its name for the error and its source file.
    text = re.sub(r"^\[[^\]]*\] | \(_ssl\.c:\d+\)$", "", text)
    return text[:160].rstrip(".") or type(error).__name__


def _mebibytes(size: int) -> str:
    return f"{size / 2**20:,.0f} MiB" if size >= 2**20 else f"{size:,} B"


def _iso(instant: int) -> str:
    return datetime.fromtimestamp(instant, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
