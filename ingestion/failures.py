"""What goes wrong with an upstream, in words for whoever looks after the source."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import requests
import urllib3.exceptions

from ingestion.endpoint import Limits

RETRIED_STATUSES = {408, 425, 429, 500, 502, 503, 504}
WHO_ASKS = " Check the source's token."
HINTS = {
    400: " Check the source's measurement and limit.",
    401: WHO_ASKS,
    403: WHO_ASKS,
    404: " It does not know this meter, or the address is wrong.",
    413: " Lower the source's limit.",
    429: " It is asked too often: set the source's requests per minute.",
}
# What an upstream says of whoever asks, not of the meter asked for.
OF_THE_SOURCE = {401, 403, 407}
# An upstream may stumble over one meter's data, whenever that one is asked for.
OF_ONE_METER = 500
LATER = " Check the source's address, and that the upstream is up."


class UpstreamError(RuntimeError):
    """The upstream did not give what was asked; the text says what happened, in words.

    Attributes
    ----------
    of_source
        Whether it has nothing to do with the meter asked for: the next one would fare no better.
    """

    def __init__(self, words: str, *, of_source: bool = False) -> None:
        super().__init__(words)
        self.of_source = of_source


class UnreachableError(UpstreamError):
    """Nothing answers at the upstream's address, whichever meter is asked for."""

    def __init__(self, words: str) -> None:
        super().__init__(words, of_source=True)


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
        self,
        words: str,
        wait: float | None = None,
        hint: str = "",
        *,
        unreachable: bool = False,
        of_source: bool = True,
    ) -> None:
        super().__init__(words, of_source=of_source)
        self.wait, self.hint, self.unreachable = wait, hint, unreachable

    def final(self, attempts: int) -> UpstreamError:
        """Make of it what is told after the last attempt."""
        words = f"{self} ({attempts} attempts.){self.hint}"
        if self.unreachable:
            return UnreachableError(words)
        return UpstreamError(words, of_source=self.of_source)


def check_status(response: requests.Response, host: str) -> None:
    """Raise where an answer is not 200, as passing or for good."""
    status = response.status_code
    if status == 200:
        return
    reason = "".join(c for c in response.reason or "" if c.isprintable())[:60]
    said = f"{host} answered {status} {reason}".strip() + "."
    hint = HINTS.get(status, "")
    if status in RETRIED_STATUSES:
        wait = retry_after(response.headers.get("Retry-After"))
        raise PassingError(said, wait, hint, of_source=status != OF_ONE_METER)
    raise UpstreamError(said + hint, of_source=status in OF_THE_SOURCE)


def retry_after(text: str | None) -> float | None:
    """Read a Retry-After header: seconds or a date; None where it is neither."""
    text = (text or "").strip()
    if re.fullmatch(r"[0-9]{1,99}", text):
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return None


def took_too_long(host: str, limits: Limits) -> PassingError:
    return PassingError(
        f"{host} took longer than {limits.total:g} s to answer.",
        hint=" Lower the source's limit.",
    )


def explained(error: Exception, host: str, limits: Limits) -> UpstreamError:
    """Say in words what the libraries beneath have met."""
    if isinstance(error, requests.ConnectTimeout):
        words = f"{host} can't be reached: no connection within {limits.connect:g} s."
        return PassingError(words, hint=LATER, unreachable=True)
    if isinstance(error, requests.Timeout | urllib3.exceptions.ReadTimeoutError):
        words = f"{host} sent nothing for {limits.read:g} s."
        return PassingError(words, hint=" The upstream is slow: lower the source's limit.")
    if isinstance(error, requests.exceptions.SSLError | urllib3.exceptions.SSLError):
        words = f"{host} can't be trusted: {cause(error)}. Check its certificate."
        return UpstreamError(words, of_source=True)
    if isinstance(error, requests.ConnectionError):
        reason = getattr(error.args[0] if error.args else None, "reason", None)
        if isinstance(reason, urllib3.exceptions.NewConnectionError):
            words = f"{host} can't be reached: {cause(error)}."
            return PassingError(words, hint=LATER, unreachable=True)
        return PassingError(f"{host} broke off before it answered: {cause(error)}.")
    if isinstance(error, urllib3.exceptions.ProtocolError):
        return PassingError(f"{host} broke off in the middle of its answer.")
    if isinstance(error, urllib3.exceptions.DecodeError):
        return PassingError(f"{host} answered with something that can't be unpacked.")
    words = f"{host} could not be asked: {cause(error)}. Check the source's address."
    return UpstreamError(words, of_source=True)


def cause(error: BaseException) -> str:
    """Say in a few words what lies under a library's nested exceptions."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    text = str(getattr(error, "strerror", None) or error)
    # What OpenSSL says stands between its name for the error and its source file.
    text = re.sub(r"^\[[^\]]*\] | \(_ssl\.c:\d+\)$", "", text)
    return text[:160].rstrip(".") or type(error).__name__


def mebibytes(size: int) -> str:
    return f"{size / 2**20:,.0f} MiB" if size >= 2**20 else f"{size:,} B"
