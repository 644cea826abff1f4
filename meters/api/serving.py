"""How readings go out: asked whether they have changed, then as JSON or as a file."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.http import HttpResponseBase, StreamingHttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from meters.api.browsable import BrowsableRenderer
from meters.api.caching import (
    cached,
    etag_of,
    form_of,
    is_current,
    not_modified,
    stored_rows,
)
from meters.api.files import WRITERS
from meters.api.query import MOST_POINTS, ReadingsQuery
from meters.api.renderers import TABLES, OrjsonRenderer
from meters.api.tables import pieces
from meters.models import Meter, Register
from meters.profiles import RowsSummary
from meters.readings import TooFineError

RENDERERS = [OrjsonRenderer, BrowsableRenderer, *TABLES]
# A file that is streamed holds what it likes; a sheet is made as a whole before it goes out.
MOST_STREAMED = 20_000_000
MOST_IN_SHEET = 50_000
MEDIA_TYPES = {one.format: one.media_type for one in TABLES}

Answer = Callable[[ReadingsQuery], dict[str, Any]]


def most_points(request: Request) -> int:
    """Say how many points an answer may hold in the format that is asked for."""
    form = form_of(request)
    if form == "xlsx":
        return MOST_IN_SHEET
    return MOST_STREAMED if form in MEDIA_TYPES else MOST_POINTS


def served(
    request: Request, meters: Sequence[Meter], asked: ReadingsQuery, answer: Answer
) -> Response | HttpResponseBase:
    """Answer with readings, or with 304 where the client holds them already.

    Parameters
    ----------
    meters
        Those that are asked for.
    answer
        Makes the body of a JSON answer.

    Raises
    ------
    InvalidQuery
        The resolution that was asked for is finer than a register.
    """
    form = form_of(request)
    rows = stored_rows(asked.registers, asked.query.start, asked.query.end)
    asked = _fitting(asked, rows)
    etag = etag_of(meters, asked, rows, form)
    if is_current(request, etag):
        return not_modified(etag)
    if form not in MEDIA_TYPES:
        response: Response | HttpResponseBase = Response(answer(asked))
    else:
        # Begun here, inside the tenant: the file itself is written when the middleware has left it.
        file = WRITERS[form](asked, pieces(asked))
        response = StreamingHttpResponse(file, content_type=MEDIA_TYPES[form])
        response["Content-Disposition"] = f'attachment; filename="{_name(asked, form)}"'
    return cached(response, etag)  # type: ignore[no-any-return]


def _name(asked: ReadingsQuery, form: str) -> str:
    query = asked.query
    first, last = (query.zone.at(at).date() for at in (query.start, query.end - 1))
    return f"readings-{first}-{last}-{query.resolution}.{form}"


def _fitting(asked: ReadingsQuery, rows: Mapping[int, RowsSummary]) -> ReadingsQuery:
    """See before anything is read that no register is coarser than the grid.

    Raises
    ------
    InvalidQuery
        It is, and the resolution was asked for; else the finest that fits is taken.
    """

    def interval(register: Register) -> int:
        known = rows.get(register.pk)
        return (known and known.finest) or register.interval or 900

    if not asked.registers:
        return asked
    coarsest = max(asked.registers, key=interval)
    if asked.query.resolution.seconds >= interval(coarsest):
        return asked
    return asked.coarser(TooFineError(asked.query.resolution, coarsest, interval(coarsest)))
