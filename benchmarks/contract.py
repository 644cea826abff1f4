"""The upstream's contract: pages of 5,000 rows, against writing the same rows as dictionaries.

The baseline is `orjson.dumps` of dictionaries that are there already: nothing is read or made for
it. The other one also makes them, from texts and values that are in memory. Ours begins with day
rows in memory, and in the other line with the question: three queries, 5,000 rows.
"""

import tracemalloc
import uuid

import numpy as np
import orjson
from django.db import connection

from benchmarks.report import Report
from benchmarks.storing import END, OBIS, START, ZONE, tenant, timed
from ingestion.batch import Batch, RegisterKey
from ingestion.store import store
from meters.api.measurement import Asked, body_of
from meters.days import DayTable
from meters.models import Meter, Register
from meters.profiles import read_newest_days
from meters.rowtext import Rows, written
from meters.zones import DAY

PAGE, MOST = 5000, 100_000
TURNS = 31


def run(report: Report) -> None:
    with tenant():
        muid = str(_meter())
        with connection.cursor() as cursor:
            cursor.execute("VACUUM (ANALYZE) daily_profile")
        asked = Asked(muid, "energy", PAGE, START, END)
        rows = orjson.loads(body_of(asked))["data"]
        assert len(rows) == PAGE
        table = _days()
        lines = {
            "write 5,000 rows of day rows, against dictionaries that are there": (
                lambda: _written(table, muid),
                lambda: orjson.dumps({"data": rows}),
            ),
            "find and write them, against making and writing dictionaries": (
                lambda: body_of(asked),
                lambda: _made(rows),
            ),
        }
        for title, works in lines.items():
            times = np.array([[timed(work) for work in works] for _ in range(TURNS)])
            report.cost(title, "ms", *(np.median(times, axis=0) * 1e3).tolist())
        for limit in (PAGE, MOST):
            size, peak = _memory(Asked(muid, "energy", limit, START, END))
            report.notes.append(
                f"A page of at most {limit:,} rows: {size / 1e6:.1f} MB; making it takes "
                f"{peak / size:.1f} times that of memory."
            )


def _meter() -> uuid.UUID:
    """Store four years of a meter, the last of which is asked for."""
    muid = uuid.uuid5(uuid.NAMESPACE_URL, "contract")
    Meter.objects.create(muid=muid, name="Meter", timezone=ZONE)
    rng = np.random.default_rng(1)
    for year in range(4):
        instants = np.arange(START, END, 900, dtype=np.int64) - year * (END - START)
        n = len(instants)
        store(
            Batch(
                keys=(RegisterKey(muid, OBIS, "energy"),),
                index=np.zeros(n, dtype=np.int64),
                instants=instants,
                values=np.round(rng.gamma(2.0, 0.05, n), 4),
                qualities=np.where(rng.random(n) < 0.01, 2, 1).astype(np.int16),
                row=np.arange(n, dtype=np.int64),
            )
        )
    return muid


def _days() -> DayTable:
    """Read the newest days of the last year, as many as a page needs."""
    keys = [register.pk for register in Register.objects.all()]
    return read_newest_days(keys, START // DAY, END // DAY, PAGE // 96 + 1)


def _written(table: DayTable, muid: str) -> bytes:
    rows = Rows.of_days(table, table.register[:1].tolist(), START, END).first(PAGE)
    return written(rows, muid=muid, measurement="energy", codes=["0100011D00FF"])


def _made(rows: list[dict[str, object]]) -> bytes:
    """Make dictionaries of columns, and write them."""
    times = [row["timestamp"] for row in rows]
    tags = [row["tags"] for row in rows]
    values = [row["0100011D00FF"] for row in rows]
    return orjson.dumps(
        {
            "data": [
                {
                    "measurement": "energy",
                    "timestamp": time,
                    "tags": {"muid": tag["muid"], "quality": tag["quality"]},  # type: ignore[index]
                    "0100011D00FF": value,
                }
                for time, tag, value in zip(times, tags, values, strict=True)
            ]
        }
    )


def _memory(asked: Asked) -> tuple[int, int]:
    """Return the size of a page, and what making it takes at its peak [B]."""
    tracemalloc.start()
    size = len(body_of(asked))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return size, peak
