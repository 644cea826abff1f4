"""The simulated upstream without its sockets: a request's line and headers in, an answer out."""

from __future__ import annotations

import gzip
import hmac
import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from typing import Protocol

import orjson

from ingestion.simulator.answers import Answer as Answer
from ingestion.simulator.contract import (
    MAX_LIMIT,
    PATH,
    Query,
    RefusedError,
    ServedMeter,
    milliseconds,
    parse_query,
)
from ingestion.simulator.faults import NO_FAULTS, Fault, Plan, Stage, written
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
    plan : Plan
        How it misbehaves; another one may take its place at any time.

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
        plan: Plan = NO_FAULTS,
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
        self.plan = plan

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
            meter, query = self._asked(target, headers)
            now = milliseconds(self._now())
            faults = self.plan.faults(query.muid, now)
            body = b"".join((b'{"data":[', b",".join(_rows(meter, query, now, faults)), b"]}"))
        except RefusedError as refusal:
            more = [("WWW-Authenticate", "Bearer")] if refusal.status == 401 else []
            return Answer.refusing(refusal.status, refusal.parameter, refusal.message, *more)
        except RecordingError as error:
            message = f"This recording is broken. {error}"
            return Answer.refusing(HTTPStatus.INTERNAL_SERVER_ERROR, None, message)
        answer = Answer(HTTPStatus.OK, body)
        for fault in faults:
            if fault.kind.stage is Stage.ANSWER:
                answer = fault.kind.act(answer, fault, target)
        return replace(
            self._packed(answer, headers),
            deliveries=tuple(
                partial(fault.kind.act, fault=fault)
                for fault in faults
                if fault.kind.stage is Stage.DELIVERY
            ),
        )

    def _packed(self, answer: Answer, headers: Headers) -> Answer:
        is_packed = any(name == "Content-Encoding" for name, _ in answer.headers)
        if not self._compress or answer.status != HTTPStatus.OK or is_packed:
            return answer
        vary = *answer.headers, ("Vary", "Accept-Encoding")
        accepted = accepts_gzip(headers.get("Accept-Encoding"))
        if len(answer.body) < SMALLEST_COMPRESSED or not accepted:
            return replace(answer, headers=vary)
        # Level 1 is four times as fast as the default on these rows, for a third more bytes.
        packed = gzip.compress(answer.body, compresslevel=1, mtime=0)
        return replace(answer, body=packed, headers=(*vary, ("Content-Encoding", "gzip")))

    def _asked(self, target: str, headers: Headers) -> tuple[ServedMeter, Query]:
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
        return meter, query

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


def _rows(meter: ServedMeter, query: Query, now: int, faults: Iterable[Fault]) -> list[bytes]:
    """The rows that go out, as JSON, each piece one row or several joined by commas."""
    odd = [fault for fault in faults if fault.kind.stage is Stage.ROWS]
    for fault in faults:
        if fault.kind.stage is Stage.QUERY:
            query = fault.kind.act(query, fault, now)
    if not odd:
        return meter.newest(query, now)
    # All rows of the window first: what a fault does must not depend on where the limit cuts.
    pieces = meter.newest(replace(query, limit=MAX_LIMIT), now)
    rows = orjson.loads(b"".join((b"[", b",".join(pieces), b"]")))
    for fault in odd:
        rows = fault.kind.act(rows, fault, now)
    return [written(rows[: query.limit])] if rows else []


def accepts_gzip(header: str | None) -> bool:
    """Whether an Accept-Encoding header names gzip, and not with a weight of 0."""
    for choice in (header or "").lower().split(","):
        coding, _, weight = choice.partition(";")
        if coding.strip() == "gzip":
            return weight.strip().replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
    return False
