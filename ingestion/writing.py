"""How day rows get into the table: copied in PostgreSQL's binary format, never one by one."""

from collections.abc import Iterator

import numpy as np
from django.db import connection
from django.utils import timezone

from ingestion.merge import Merged
from ingestion.models import Run
from ingestion.revisioncopy import TARGET, encode_revisions
from meters.copybinary import WRITE_COLUMNS, encode
from meters.days import DayTable, Mask

UPLOAD = "lastgang_day_upload"


def write_days(days: DayTable, is_new: Mask, summable: Mask, version: int) -> None:
    """Write k whole day rows.

    Parameters
    ----------
    days
        The rows.
    is_new
        Which of them are not stored yet, shape ``(k,)``.
    summable
        Of which a total means anything, shape ``(k,)``.
    version
        The version that all of them get.
    """
    if is_new.any():
        new = days if is_new.all() else days.take(is_new)
        rows = encode(new, summable=summable[is_new], version=version)
        _copy_into(f"daily_profile ({WRITE_COLUMNS})", rows)
    if not is_new.all():
        _update(days.take(~is_new), summable[~is_new], version)


def _copy_into(columns: str, chunks: Iterator[bytes]) -> None:
    with (
        # Django wraps what a cursor raises, but not what a COPY does: a deadlock would not be tried
        # again, and a database that is full or gone would be taken for a fault of the meter.
        connection.wrap_database_errors,
        connection.cursor() as cursor,
        cursor.copy(f"COPY {columns} FROM STDIN (FORMAT BINARY)") as copy,
    ):
        for chunk in chunks:
            copy.write(chunk)


def _update(table: DayTable, summable: Mask, version: int) -> None:
    """Replace stored rows: they are copied beside the table and joined, not looped over."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TEMPORARY TABLE IF NOT EXISTS {UPLOAD} "
            "(register_id bigint, day date, first timestamptz, interval integer, "
            '"values" float8[], qualities int2[], total float8, count integer, '
            "quality int2, version bigint, digest bytea, PRIMARY KEY (register_id, day)) "
            "ON COMMIT DELETE ROWS"
        )
        cursor.execute(f"DELETE FROM pg_temp.{UPLOAD}")
    rows = encode(table, summable=summable, version=version)
    _copy_into(f"pg_temp.{UPLOAD} ({WRITE_COLUMNS})", rows)
    with connection.cursor() as cursor:
        cursor.execute(
            'UPDATE daily_profile AS d SET "first" = u."first", "interval" = u."interval", '
            '"values" = u."values", qualities = u.qualities, total = u.total, count = u.count, '
            "quality = u.quality, version = u.version, digest = u.digest "
            f"FROM pg_temp.{UPLOAD} AS u "
            "WHERE d.register_id = u.register_id AND d.day = u.day "
            # Nobody has counted what was copied beside the table; this says how little it is, or
            # the whole table would be read to be joined with it.
            "AND d.register_id = ANY(%s) "
            "AND d.day BETWEEN DATE '1970-01-01' + %s AND DATE '1970-01-01' + %s",
            [
                np.unique(table.register).tolist(),
                int(table.day.min()),
                int(table.day.max()),
            ],
        )
        if cursor.rowcount != len(table):
            raise RuntimeError(
                f"{len(table)} stored days were to be replaced, {cursor.rowcount} were found."
            )


def keep_replaced(merged: Merged, version: int, run: Run | None) -> None:
    """Keep the readings that corrections have replaced, one row for each day that they touch."""
    if len(merged.replaced.rows):
        key = run.pk if run else None
        now = timezone.now()
        _copy_into(TARGET, encode_revisions(merged, version=version, run=key, now=now))
