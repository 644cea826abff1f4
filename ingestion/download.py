"""Refused readings as CSV, for spreadsheets and for whoever runs the upstream."""

import csv
import io
from collections.abc import Iterator

from ingestion.lookup import RejectionsWanted, in_pieces
from ingestion.models import RejectedReading
from tenants.models import Tenant

COLUMNS = [
    "last_seen_at",
    "first_seen_at",
    "times",
    "reason",
    "words",
    "meter",
    "muid",
    "code",
    "timestamp",
    "row",
    "run",
    "raw",
]
# With one of these at its beginning a spreadsheet takes a text for a formula, and runs it.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def rejections_csv(tenant: Tenant, wanted: RejectionsWanted) -> Iterator[str]:
    """Write refused readings as CSV, piece by piece.

    A streaming answer is made after the middleware has left the tenant, so each piece is read
    inside it.
    """
    # Without the mark a spreadsheet takes the text for one of another alphabet.
    yield "\ufeff" + _lines([COLUMNS])
    pieces = in_pieces(wanted)
    while True:
        with tenant.entered():
            piece = next(pieces, None)
        if piece is None:
            return
        yield _lines([_row(one) for one in piece])


def _lines(rows: list[list[str]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def _row(one: RejectedReading) -> list[str]:
    return [
        one.last_seen_at.isoformat(timespec="seconds"),
        one.first_seen_at.isoformat(timespec="seconds"),
        str(one.times),
        one.reason,
        harmless(one.words),
        harmless(one.meter.name if one.meter else ""),
        harmless(one.muid),
        harmless(one.code),
        harmless(one.timestamp),
        str(one.row or ""),
        str(one.run_id or ""),
        harmless(one.raw),
    ]


def harmless(text: str) -> str:
    """Put an apostrophe before a text that a spreadsheet would take for a formula."""
    return f"'{text}" if text.lstrip(" \u00a0").startswith(FORMULA) else text
