"""Finding what is missing: by what day rows say of themselves, against a window over rows.

The baseline asks PostgreSQL for each reading whose next one is not where it should be, on a table
of one row per reading with the same key. Both find the same holes.
"""

import uuid
from datetime import UTC, datetime

import numpy as np
from django.db import connection

from benchmarks.report import Report
from benchmarks.storing import END, OBIS, START, ZONE, as_rows, store_rows, tenant, timed
from ingestion.batch import Batch, RegisterKey
from ingestion.gapkeeping import look
from ingestion.models import Feed, Gap, Source
from ingestion.store import store
from meters.models import Meter

BY_ROWS = (
    "SELECT register_id, instant, next FROM (SELECT register_id, instant, lead(instant) OVER "
    "(PARTITION BY register_id ORDER BY instant) AS next FROM reading_row) AS pairs "
    "WHERE next > instant + interval '15 minutes'"
)
TURNS = 5


def run(report: Report, *, meters: int) -> None:
    with tenant():
        source = Source.objects.create(name="Benchmark", address="http://127.0.0.1:9")
        batches = [_year(number, source) for number in range(meters)]
        for number, batch in enumerate(batches):
            store(batch)
            store_rows(as_rows(batch, number))
        with connection.cursor() as cursor:
            cursor.execute("VACUUM (ANALYZE) daily_profile, reading_row")
        now = datetime.fromtimestamp(END, UTC)
        look(source=source, now=now)
        ours, rows, found = [], [], 0
        for _ in range(TURNS):
            ours.append(timed(lambda: look(source=source, now=now)))
            with connection.cursor() as cursor:
                rows.append(timed(cursor.execute, BY_ROWS))
                found = cursor.rowcount
        report.cost(
            "look for what is missing",
            "ms per meter-year",
            float(np.median(ours)) * 1e3 / meters,
            float(np.median(rows)) * 1e3 / meters,
        )
        report.notes.append(
            f"Gaps of {meters} meter-years: {Gap.objects.count():,} on record, of {found:,} holes."
        )


def _year(number: int, source: Source) -> Batch:
    """Make a year of one meter in which one day of fifty has a hole of some hours."""
    muid = uuid.uuid5(uuid.NAMESPACE_URL, f"gaps/{number}")
    meter = Meter.objects.create(muid=muid, name=f"Meter {number:03}", timezone=ZONE)
    Feed.objects.create(meter=meter, source=source)
    rng = np.random.default_rng(number)
    instants = np.arange(START, END, 900, dtype=np.int64)
    is_there = np.ones(len(instants), dtype=bool)
    for begin in rng.choice(len(instants) - 400, len(instants) // 96 // 50, replace=False):
        is_there[begin + 1 : begin + 1 + rng.integers(1, 24)] = False
    instants = instants[is_there]
    n = len(instants)
    return Batch(
        keys=(RegisterKey(muid, OBIS, "energy"),),
        index=np.zeros(n, dtype=np.int64),
        instants=instants,
        values=np.round(rng.gamma(2.0, 0.05, n), 4),
        qualities=np.ones(n, dtype=np.int16),
        row=np.arange(n, dtype=np.int64),
    )
