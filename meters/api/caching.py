"""Whether an answer is still what it was: weak ETags, told without reading one value.

An answer depends on what was asked, on the meters and registers concerned, on the newest row in the
range, and on the present where the range reaches it. Each row carries a version from one sequence
of its tenant, so old months stay as they were while today grows.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.conf import settings
from django.db import connection
from django.http import HttpResponse
from django.utils.http import parse_etags
from rest_framework.request import Request
from rest_framework.response import Response

from meters.api.query import ReadingsQuery
from meters.models import Meter, Register
from meters.profiles import RowsSummary, summaries
from meters.readings import usual_statistic
from meters.series import Statistic
from meters.zones import DAY, database_version

# No interval lasts longer [s]: once so much time is over since the end, no more is expected.
SETTLED = 3600
VARY = "Accept, Authorization, Cookie, Origin"


def etag_of(
    meters: Sequence[Meter], asked: ReadingsQuery, rows: Mapping[int, RowsSummary], form: str
) -> str:
    """Sum up everything that the answer depends on.

    Parameters
    ----------
    meters
        With their sites.
    rows
        Their stored days.
    form
        In which format it goes out.
    """
    query = asked.query
    return summed_up(
        form,
        (query.start, query.end, str(query.resolution), query.zone.name, query.statistic),
        (query.unit, sorted(query.qualities), asked.fill, asked.layout, asked.combine),
        _known(meters, asked.registers),
        sorted(rows.items()),
        present(query.end, query.now),
    )


def etag_of_meter(
    request: Request,
    meter: Meter,
    registers: Sequence[Register],
    span: tuple[int, int],
    now: int,
    asked: object,
) -> str:
    """Sum up what an answer about one meter in a range depends on, with one question.

    Parameters
    ----------
    span
        The range ``[start, end)`` [s].
    now
        The present [s].
    asked
        Everything else that was asked for.
    """
    rows = stored_rows(registers, *span)
    return summed_up(
        (request.path, form_of(request), span, asked),
        _known([meter], registers),
        sorted(rows.items()),
        present(span[1], now),
    )


def stored_rows(registers: Sequence[Register], start: int, end: int) -> dict[int, RowsSummary]:
    """Sum up the stored days of which an answer about a range is made, by register."""
    # An advance ends with the state after the range, however late that was read.
    has_states = any(usual_statistic(one) is Statistic.ADVANCE for one in registers)
    # A row is kept under its local date; a day more on each side covers every zone.
    return summaries(
        [one.pk for one in registers], start // DAY - 1, end // DAY + 1, and_later=has_states
    )


def _known(meters: Sequence[Meter], registers: Sequence[Register]) -> object:
    """Everything that an answer says of meters and registers themselves."""
    return (
        [(str(one.muid), one.name, one.timezone, str(one.site), one.validity) for one in meters],
        [(one.pk, one.obis, one.interval) for one in registers],
    )


def present(end: int, now: int) -> int | None:
    """Say of which moment an answer is, in whole minutes: that is when intervals end.

    None where the range has ended so long ago that the present changes nothing.
    """
    return None if end + SETTLED <= now else now // 60


def form_of(request: Request) -> str:
    """Say in which format an answer goes out."""
    return str(request.accepted_renderer.format)


def summed_up(*parts: object) -> str:
    """Make a weak ETag of everything that an answer depends on."""
    epoch = str(getattr(connection.tenant, "epoch", ""))  # type: ignore[attr-defined]
    told = repr((settings.VERSION, database_version(), epoch, *parts))
    return f'W/"{hashlib.blake2b(told.encode(), digest_size=16).hexdigest()}"'


def is_current(request: Request, etag: str) -> bool:
    """Say whether the client holds the answer already, by its `If-None-Match`."""
    held = parse_etags(request.headers.get("if-none-match", ""))
    plain = etag.removeprefix("W/")
    return "*" in held or any(one.removeprefix("W/") == plain for one in held)


def cached(response: Any, etag: str) -> Any:
    """Let a browser keep an answer for one person, and ask each time whether it still holds."""
    response["ETag"] = etag
    response["Cache-Control"] = "private, no-cache"
    response["Vary"] = VARY
    return response


def held_or(
    request: Request, etag: str, answer: Callable[[], dict[str, Any]]
) -> Response | HttpResponse:
    """Answer in JSON, or with 304 and without making the answer where the client holds it."""
    if is_current(request, etag):
        return not_modified(etag)
    return cached(Response(answer()), etag)  # type: ignore[no-any-return]


def not_modified(etag: str) -> HttpResponse:
    return cached(HttpResponse(status=304), etag)  # type: ignore[no-any-return]
