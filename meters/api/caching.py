"""Whether an answer is still what it was: weak ETags, told without reading one value.

An answer depends on what was asked, on the meters and registers concerned, on the newest row in the
range, and on the present where the range reaches it. Each row carries a version from one sequence
of its tenant, so old months stay as they were while today grows.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from django.db import connection
from django.http import HttpResponse
from django.utils.http import parse_etags
from rest_framework.request import Request

from meters.api.query import ReadingsQuery
from meters.models import Meter
from meters.profiles import RowsSummary
from meters.zones import database_version

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
    query, registers = asked.query, asked.registers
    # Whole minutes: that is when intervals end.
    present = None if query.end + SETTLED <= query.now else query.now // 60
    parts = (
        settings.VERSION,
        database_version(),
        str(getattr(connection.tenant, "epoch", "")),  # type: ignore[attr-defined]
        form,
        (query.start, query.end, str(query.resolution), query.zone.name, query.statistic),
        (query.unit, sorted(query.qualities), asked.fill, asked.layout, asked.combine),
        [(str(one.muid), one.name, one.timezone, str(one.site), one.validity) for one in meters],
        [(one.pk, one.obis, one.interval) for one in registers],
        sorted(rows.items()),
        present,
    )
    digest = hashlib.blake2b(repr(parts).encode(), digest_size=16).hexdigest()
    return f'W/"{digest}"'


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


def not_modified(etag: str) -> HttpResponse:
    return cached(HttpResponse(status=304), etag)  # type: ignore[no-any-return]
