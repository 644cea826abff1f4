"""The simulated upstream without its sockets: a request's line and headers in, an answer out."""

from __future__ import annotations

import gzip
import hmac
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Protocol, Self

import orjson

from ingestion.simulator.contract import PATH, RefusedError, ServedMeter, milliseconds, parse_query
from ingestion.simulator.pages import Pages, SyntheticPages
from ingestion.simulator.recordings import Recording, RecordingError
from ingestion.simulator.synthetic import SyntheticMeter

Now = Callable[[], datetime]


class Headers(Protocol):
    """Headers of a request, as http.server reads them."""

    def get(self, name: str, /) -> str | None:
        """One header, whatever the case of its name."""


SMALLEST_COMPRESSED = 1024
"""Answers below this size [B] go out as they are: gzip would gain nothing."""


@dataclass(frozen=True)
class Answer:
    """What goes out: everything but the bytes' way through the socket."""

    status: HTTPStatus
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()

    @classmethod
    def refusing(
        cls,
        status: HTTPStatus,
        parameter: str | None,
        message: str,
        *headers: tuple[str, str],
    ) -> Self:
        """An error, in the one shape that errors have."""
        body = orjson.dumps({"error": {"parameter": parameter, "message": message}})
        return cls(status, body, headers)


class Upstream:
    """Meters behind the upstream's contract.

    Parameters
    ----------
    recordings : iterable of Recording
        Served as recorded.
    meters : iterable of SyntheticMeter
        Served as far as their intervals have ended.
    token : str or None
        If given, requests need it: `Authorization: Bearer …`.
    compress : bool
        Whether to answer in gzip to those who accept it.
    now : callable
        Gives the present moment, aware.

    Raises
    ------
    ValueError
        If two meters have one muid, or a muid could not stand in JSON and in an address.
    """

    def __init__(
        self,
        *,
        recordings: Iterable[Recording] = (),
        meters: Iterable[SyntheticMeter] = (),
        token: str | None = None,
        compress: bool = True,
        now: Now | None = None,
    ) -> None:
        pages = Pages()
        served: list[ServedMeter] = [*recordings]
        served += [SyntheticPages(meter, pages) for meter in meters]
        self.meters: dict[str, ServedMeter] = {}
        for meter in served:
            if not re.fullmatch("[A-Za-z0-9._-]+", meter.muid):
                raise ValueError(f"Meter {meter.name}: {meter.muid!r} is no muid.")
            if meter.muid in self.meters:
                raise ValueError(f"Two meters have the muid {meter.muid}.")
            self.meters[meter.muid] = meter
        self._token = token
        self._compress = compress
        self._now = now or (lambda: datetime.now(UTC))

    def answer(self, target: str, headers: Headers) -> Answer:
        """Answer `GET target`; nothing that a client sends raises.

        Parameters
        ----------
        target : str
            Path and query.
        headers : Headers
            Of the request.
        """
        try:
            pieces = self._rows(target, headers)
        except RefusedError as refusal:
            more = [("WWW-Authenticate", "Bearer")] if refusal.status == 401 else []
            return Answer.refusing(refusal.status, refusal.parameter, refusal.message, *more)
        except RecordingError as error:
            message = f"This recording is broken. {error}"
            return Answer.refusing(HTTPStatus.INTERNAL_SERVER_ERROR, None, message)
        body = b"".join((b'{"data":[', b",".join(pieces), b"]}"))
        if not self._compress:
            return Answer(HTTPStatus.OK, body)
        vary = ("Vary", "Accept-Encoding")
        if len(body) < SMALLEST_COMPRESSED or not accepts_gzip(headers.get("Accept-Encoding")):
            return Answer(HTTPStatus.OK, body, (vary,))
        # Level 1 is four times as fast as the default on these rows, for a third more bytes.
        packed = gzip.compress(body, compresslevel=1, mtime=0)
        return Answer(HTTPStatus.OK, packed, (vary, ("Content-Encoding", "gzip")))

    def _rows(self, target: str, headers: Headers) -> list[bytes]:
        # Not urlsplit: it raises on some of what clients send, such as "http://[".
        path, _, query_text = target.partition("?")
        if path != PATH:
            message = f"There is nothing at {path}. This upstream serves {PATH}."
            raise RefusedError(HTTPStatus.NOT_FOUND, None, message)
        self._check_token(headers.get("Authorization"))
        query = parse_query(query_text)
        meter = self.meters.get(query.muid)
        if meter is None:
            message = f"There is no meter with the muid {query.muid!r}."
            raise RefusedError(HTTPStatus.NOT_FOUND, "muid", message)
        if query.measurement not in (known := list(meter.measurements())):
            message = f"measurement {query.measurement!r} is not one of this meter's: "
            message += f"{', '.join(known) or 'it has none'}."
            raise RefusedError(HTTPStatus.BAD_REQUEST, "measurement", message)
        return meter.newest(query, milliseconds(self._now()))

    def _check_token(self, given: str | None) -> None:
        if self._token is None:
            return
        scheme, _, token = (given or "").partition(" ")
        if scheme.lower() == "bearer":
            # http.server reads headers as Latin-1, so that is the way back to the bytes sent.
            sent = token.strip().encode("latin-1", "replace")
            if hmac.compare_digest(sent, self._token.encode()):
                return
            message = "This token is not the one that this upstream was started with."
        else:
            message = "A token is needed. Send the header Authorization: Bearer <token>."
        raise RefusedError(HTTPStatus.UNAUTHORIZED, "Authorization", message)


def accepts_gzip(header: str | None) -> bool:
    """Whether an Accept-Encoding header names gzip, and not with a weight of 0."""
    for choice in (header or "").lower().split(","):
        coding, _, weight = choice.partition(";")
        if coding.strip() == "gzip":
            return weight.strip().replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
    return False
