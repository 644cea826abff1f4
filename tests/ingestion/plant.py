"""What tests of ingestion build with: meters and sources, and the store read back by plain SQL."""

import re
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

import numpy as np
from django.db import connection
from django.utils import timezone

from ingestion.batch import Batch, RegisterKey
from ingestion.models import Feed, Run, Source
from ingestion.results import RunResult
from ingestion.services import execute_run, plan_run
from meters.models import Meter

IMPORT, EXPORT = "1-0:1.29.0*255", "1-0:2.29.0*255"
JANUARY = 1_672_531_200  # 2023-01-01T00:00Z
QUARTER = 900

Readings = dict[int, tuple[float, int]]


def make_meter(
    name: str = "Meter", *, muid: UUID | None = None, zone: str = "Europe/Zurich"
) -> Meter:
    return Meter.objects.create(name=name, muid=muid or uuid4(), timezone=zone)


def make_source(address: str, *meters: Meter, **options: Any) -> Source:
    name = options.pop("name", f"Source {Source.objects.count() + 1}")
    source = Source.objects.create(name=name, address=address, **options)
    for meter in meters:
        Feed.objects.create(meter=meter, source=source)
    return source


def sweep(source: Source, worker: str = "tester", **window: Any) -> RunResult:
    run = plan_run(source=source, trigger=Run.Trigger.COMMAND, **window)
    result = execute_run(run, worker=worker, sleep=lambda _: None)
    assert result is not None
    return result


def batch(
    muid: UUID, readings: Sequence[tuple[int, float]], *, obis: str = IMPORT, quality: int = 1
) -> Batch:
    """Readings (instant [s], value) of one register."""
    n = len(readings)
    return Batch(
        (RegisterKey(muid, obis, "energy"),),
        np.zeros(n, dtype=np.int64),
        np.array([at for at, _ in readings], dtype=np.int64),
        np.array([value for _, value in readings], dtype=np.float64),
        np.full(n, quality, dtype=np.int16),
        np.arange(n, dtype=np.int64),
    )


def stored(muid: UUID, obis: str = IMPORT) -> Readings:
    """Read a register back by plain SQL, past our own reader."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT extract(epoch FROM d.first)::bigint, d.interval, d.values, d.qualities, "
            "d.quality "
            "FROM daily_profile d JOIN meters_register r ON r.id = d.register_id "
            "JOIN meters_meter m ON m.id = r.meter_id WHERE m.muid = %s AND r.obis = %s",
            [muid, obis],
        )
        found = {}
        for first, interval, values, qualities, quality in cursor.fetchall():
            if qualities is None:
                qualities = [0 if value is None else quality for value in values]
            assert len(values) == len(qualities)
            for slot, (value, quality) in enumerate(zip(values, qualities, strict=True)):
                assert (value is None) == (quality == 0)
                if value is not None:
                    at = first + slot * interval
                    assert at not in found
                    found[at] = value, quality
        return found


def check_rows() -> int:
    """Check that each day row holds readings and what it says of itself; return how many."""
    rows = check_days()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM daily_profile WHERE count = 0")
        assert cursor.fetchone() == (0,)
    return rows


def check_days() -> int:
    """Check what each day row says of itself against its values; return how many there are."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), coalesce(bool_and("
            "d.count = (SELECT count(v) FROM unnest(d.values) v) "
            "AND cardinality(d.values) = cardinality(d.qualities) "
            "AND coalesce(abs(d.total - (SELECT sum(v) FROM unnest(d.values) v)) "
            "<= 1e-9 * (1 + (SELECT sum(abs(v)) FROM unnest(d.values) v)), "
            "d.count = 0 AND d.total IS NULL)), true) "
            "FROM daily_profile d"
        )
        rows, sound = cursor.fetchone()
        assert sound
        check_digests()
        return int(rows)


def check_digests() -> None:
    """Check that a row names just what it holds, where it names anything: worked out one by one."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT register_id, day, extract(epoch FROM first)::bigint, interval, values, "
            "qualities, quality, digest FROM daily_profile WHERE digest IS NOT NULL"
        )
        rows = cursor.fetchall()
    for register, day, first, interval, values, qualities, quality, digest in rows:
        told = struct.pack("<qq", register, (day - date(1970, 1, 1)).days)
        for slot, value in enumerate(values):
            if value is not None:
                one = qualities[slot] if qualities else quality
                told += struct.pack("<qd", (first + slot * interval) << 16 | one, value)
        assert bytes(digest) == sha256(told).digest()[:16], f"register {register}, {day}"


def fingerprint() -> dict[str, Any]:
    """Tell whether anything is written: row versions where they lie, and the tenant's sequence."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT register_id, day, xmin::text, ctid::text, version FROM daily_profile "
            "ORDER BY 1, 2"
        )
        rows = cursor.fetchall()
        cursor.execute("SELECT last_value, is_called FROM reading_version")
        sequence = cursor.fetchone()
        cursor.execute("SELECT count(*), max(id) FROM ingestion_readingrevision")
        return {"rows": rows, "sequence": sequence, "revisions": cursor.fetchone()}


def ago(**parts: float) -> datetime:
    return timezone.now() - timedelta(**parts)


@contextmanager
def queries() -> Iterator[list[str]]:
    """Note each statement by its verb and the table it is about, savepoints left out."""
    told: list[str] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        verb = sql.split()[0]
        if "SAVEPOINT" not in sql:
            names = re.findall(
                r"reading_version|lastgang_day_upload|daily_profile|(?:meters|ingestion)_[a-z]+",
                sql.partition(" FROM ")[2] if verb == "SELECT" and " FROM " in sql else sql,
            )
            told.append(f"{verb} {names[0] if names else '?'}")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        yield told
