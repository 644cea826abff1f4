"""The honest daily case: sweeps that bring one new reading for each register.

A day row is written anew for every reading it gains. This is its price, against one insert into a
table of one row per reading; and how many of those updates stay in place (HOT), which is what the
fill factor of `daily_profile` is chosen for.
"""

import uuid
from datetime import UTC, datetime

import numpy as np
from django.db import connection

from benchmarks.report import Report
from benchmarks.storing import OBIS, ZONE, as_rows, on_disk, store_rows, tenant, timed
from ingestion.batch import Batch, RegisterKey
from ingestion.store import store
from meters.models import Meter

MIDNIGHT = int(datetime(2024, 7, 1, 22, tzinfo=UTC).timestamp())  # a local midnight
QUARTERS = 96


def run(report: Report, *, registers: int, days: int = 1) -> None:
    with tenant():
        keys = tuple(
            RegisterKey(uuid.uuid5(uuid.NAMESPACE_URL, f"sweep/{number}"), OBIS, "energy")
            for number in range(registers)
        )
        Meter.objects.bulk_create(
            [Meter(muid=key.muid, name=f"Meter {key.muid}"[:30], timezone=ZONE) for key in keys]
        )
        rng = np.random.default_rng(1)
        ours = rows = 0.0
        our_log = their_log = 0
        for sweep in range(days * QUARTERS):
            batch = Batch(
                keys=keys,
                index=np.arange(registers),
                instants=np.full(registers, MIDNIGHT + sweep * 900, dtype=np.int64),
                values=np.round(rng.gamma(2.0, 0.05, registers), 4),
                qualities=np.ones(registers, dtype=np.int16),
                row=np.arange(registers),
            )
            plain = as_rows(batch)
            begun = _wal()
            ours += timed(store, batch)
            between = _wal()
            rows += timed(store_rows, plain)
            our_log, their_log = our_log + between - begun, their_log + _wal() - between
        readings = registers * days * QUARTERS
        report.rate(
            "sweeps of one new reading each", "readings/s", readings / ours, readings / rows
        )
        grown = on_disk("daily_profile"), on_disk("reading_row")
        report.cost(
            "write-ahead log of those sweeps",
            "B per reading",
            our_log / readings,
            their_log / readings,
        )
        report.cost("on disk after them, not vacuumed", "MB", *grown)
        with connection.cursor() as cursor:
            cursor.execute("VACUUM daily_profile, reading_row")
        report.cost(
            "on disk after them, vacuumed", "MB", on_disk("daily_profile"), on_disk("reading_row")
        )
        report.notes.append(
            f"{days * QUARTERS} sweeps of {registers:,} registers: {_hot():.0%} of the updates of "
            "day rows stayed in place."
        )


def _wal() -> int:
    """Return how much write-ahead log there has been so far [B]."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_wal_lsn() - '0/0'")
        return int(cursor.fetchone()[0])


def _hot() -> float:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute(
            "SELECT n_tup_hot_upd::float / greatest(n_tup_upd, 1) FROM pg_stat_user_tables "
            "WHERE relid = 'daily_profile'::regclass"
        )
        return float(cursor.fetchone()[0])
