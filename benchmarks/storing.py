"""Storing and reading: day rows through the product, against one row per reading.

The baseline is done well: binary COPY into a temporary table, then one upsert, on a table with the
same key. Both sides get the same readings, meter by meter in turn: a year at 15 minutes with 2 % of
them missing.
"""

import contextlib
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
from django.db import connection, transaction

from benchmarks.report import Report
from ingestion.batch import Batch, RegisterKey
from ingestion.store import store
from meters.grid import Resolution
from meters.models import Meter, Register
from meters.readings import Query, readings
from meters.zones import zone
from tenants.models import Tenant
from tenants.onboarding import create_tenant
from tenants.schema import enter_public

SLUG = "benchmark"
ZONE = "Europe/Zurich"
START = int(datetime(2024, 1, 1, tzinfo=UTC).timestamp())
END = int(datetime(2025, 1, 1, tzinfo=UTC).timestamp())
OBIS = "1-0:1.29.0*255"

Row = tuple[int, datetime, float, int]


def run(report: Report, *, meters: int) -> None:
    with tenant():
        batches = [_year(number) for number in range(meters)]
        total = sum(len(batch) for batch in batches)
        each = total / meters
        for title in ("store a meter-year", "the same again, unchanged"):
            again, rows = _both(batches)
            report.rate(title, "readings/s", each / again, each / rows)
        with connection.cursor() as cursor:
            cursor.execute("VACUUM (ANALYZE) daily_profile, reading_row")
        report.cost("on disk, with index", "MB", on_disk("daily_profile"), on_disk("reading_row"))
        _reading(report)
        _corrections(report, batches, again)
        report.notes.append(f"{meters} meters × 1 year at 15 minutes, {total:,} readings.")


@contextlib.contextmanager
def tenant() -> Iterator[None]:
    """Work in a tenant of its own, which is gone afterwards."""
    enter_public()
    for left in Tenant.objects.filter(schema_name=SLUG):
        left.delete(force_drop=True)
    made = create_tenant(slug=SLUG, timezone=ZONE).tenant
    try:
        with made.entered():
            with connection.cursor() as cursor:
                cursor.execute(
                    "CREATE TABLE reading_row (register_id bigint, instant timestamptz, "
                    "value float8 NOT NULL, quality int2 NOT NULL, "
                    "PRIMARY KEY (register_id, instant))"
                )
            yield
    finally:
        enter_public()
        made.delete(force_drop=True)


def _year(number: int) -> Batch:
    """Make a year of one meter, newest first as an upstream serves it."""
    muid = uuid.uuid5(uuid.NAMESPACE_URL, f"benchmark/{number}")
    Meter.objects.create(muid=muid, name=f"Meter {number:03}", timezone=ZONE)
    rng = np.random.default_rng(number)
    instants = np.arange(START, END, 900, dtype=np.int64)
    instants = instants[rng.random(len(instants)) >= 0.02][::-1]
    n = len(instants)
    return Batch(
        keys=(RegisterKey(muid, OBIS, "energy"),),
        index=np.zeros(n, dtype=np.int64),
        instants=instants,
        values=np.round(rng.gamma(2.0, 0.05, n), 4),
        qualities=np.ones(n, dtype=np.int16),
        row=np.arange(n, dtype=np.int64),
    )


def _corrections(report: Report, batches: list[Batch], again: float) -> None:
    """Store 5 % corrections: whole days of them, as upstreams send them, and one by one."""
    each = sum(len(batch) for batch in batches) / len(batches)
    for title, seed in (("in whole days", 1), ("all over the year", 2)):
        rng = np.random.default_rng(seed)
        changed = []
        for batch in batches:
            if seed == 1:
                days = batch.instants // 86_400
                hit = np.isin(days, rng.choice(np.unique(days), len(np.unique(days)) // 20))
            else:
                hit = rng.random(len(batch)) < 0.05
            changed.append(replace(batch, values=np.where(hit, batch.values + seed, batch.values)))
        ours, rows = _both(changed)
        report.rate(f"5 % corrected, {title}", "readings/s", each / ours, each / rows)
        report.cost(
            f"5 % corrected, {title}, beside an unchanged repeat", "ms per meter-year",
            ours * 1e3, again * 1e3,
        )  # fmt: skip
        _both(batches)  # back to what was


def _both(batches: list[Batch]) -> tuple[float, float]:
    """Store every batch both ways, in turn; return the median time that each way took [s]."""
    ours, rows = [], []
    for number, batch in enumerate(batches):
        plain = as_rows(batch, number)
        if number % 2:
            rows.append(timed(store_rows, plain))
            ours.append(timed(store, batch))
        else:
            ours.append(timed(store, batch))
            rows.append(timed(store_rows, plain))
    return float(np.median(ours)), float(np.median(rows))


def timed(work: Callable[..., object], *arguments: object) -> float:
    began = time.perf_counter()
    work(*arguments)
    return time.perf_counter() - began


def as_rows(batch: Batch, number: int = 0) -> list[Row]:
    """Write a batch as the rows the baseline takes; not part of what is timed.

    Its registers are numbered from `number` on.
    """
    registers = (batch.index + number).tolist()
    moments = [datetime.fromtimestamp(t, UTC) for t in batch.instants.tolist()]
    values, qualities = batch.values.tolist(), batch.qualities.tolist()
    return list(zip(registers, moments, values, qualities, strict=True))


def store_rows(rows: list[Row]) -> None:
    """The baseline: binary COPY into a temporary table, one upsert, one transaction."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMPORARY TABLE IF NOT EXISTS row_upload (register_id bigint, "
            "instant timestamptz, value float8, quality int2) ON COMMIT DELETE ROWS"
        )
        with cursor.copy("COPY row_upload FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types(["int8", "timestamptz", "float8", "int2"])
            for row in rows:
                copy.write_row(row)
        cursor.execute(
            "INSERT INTO reading_row SELECT * FROM row_upload ON CONFLICT (register_id, instant) "
            "DO UPDATE SET value = excluded.value, quality = excluded.quality "
            "WHERE (reading_row.value, reading_row.quality) "
            "IS DISTINCT FROM (excluded.value, excluded.quality)"
        )


def on_disk(table: str) -> float:
    """Return the size of a table with its indexes [MB]."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_total_relation_size(%s::regclass)", [table])
        return int(cursor.fetchone()[0]) / 1e6


def _reading(report: Report) -> None:
    """Read a meter's year both ways, raw and by local day; the median of several times."""
    register = Register.objects.select_related("meter").order_by("pk").first()
    assert register is not None
    place = zone(ZONE)
    of_year = "FROM reading_row WHERE register_id = 0 AND instant >= %s AND instant < %s"
    by_day = f"SELECT date_trunc('day', instant, '{ZONE}') AS day, sum(value), count(*)"
    cases = (
        (
            "read a meter-year raw",
            "PT15M",
            f"SELECT instant, value, quality {of_year} ORDER BY instant",
        ),
        (
            "read a meter-year by local day",
            "P1D",
            f"{by_day} {of_year} GROUP BY day ORDER BY day",
        ),
    )
    bounds = [datetime.fromtimestamp(t, UTC) for t in (START - 3600, END - 3600)]
    for title, resolution, sql in cases:
        query = Query(START - 3600, END - 3600, Resolution.parse(resolution), place, END)
        ours, rows = [], []
        for _ in range(15):
            ours.append(timed(readings, [register], query))
            rows.append(timed(_fetch, sql, bounds))
        report.cost(title, "ms", float(np.median(ours)) * 1e3, float(np.median(rows)) * 1e3)


def _fetch(sql: str, bounds: list[datetime]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, bounds)
        cursor.fetchall()
