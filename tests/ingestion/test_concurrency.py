"""Several processes that ingest the same meters at once."""

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import Sum

from ingestion.models import ReadingRevision, Run, Source
from ingestion.retrying import retried
from ingestion.simulator.server import running_simulator
from meters.models import Meter
from tenants.models import Tenant
from tests.ingestion.plant import check_rows, make_meter, make_source, stored
from tests.ingestion.test_kills import synthetic
from tests.ingestion.test_runs import equal, readings_of
from tests.ingestion.upstreams import Handler, answering, row, rows
from tests.ingestion.workers import stable

START = datetime(2023, 3, 1, tzinfo=UTC)
DAYS = 20


def race(tenant: Tenant, processes: int, times: int) -> None:
    """Let all sweep all meters, first when nothing is stored, then when all is corrected."""
    served = synthetic(0)
    muids = [m.muid for m in served]
    meters = [make_meter(f"Meter {n}", muid=muid) for n, muid in enumerate(muids)]  # type: ignore[arg-type]
    stop = START + timedelta(days=DAYS)
    # Nothing is asked for of the years since.
    Meter.objects.update(removed_at=stop)
    source = make_source(
        "http://x", *meters, limit=300, backfill_from=START, reread_hours=24 * (DAYS + 1)
    )
    expected = [readings_of(meter, START, stop) for meter in served]
    count = sum(map(len, expected))
    with stable() as workers:
        for number in (0, 1, 2):
            with running_simulator(meters=synthetic(number), now=stop) as simulator:
                Source.objects.update(address=simulator.base_url)
                for n in range(processes):
                    # Each in an order of its own: they meet in the middle.
                    only = muids[n % len(muids) :] + muids[: n % len(muids)] if n % 2 else []
                    workers.start(
                        schema=tenant.schema_name, source=source.pk, only=only, times=times
                    )
                assert set(workers.wait().values()) == {0}
            values = [readings_of(meter, START, stop) for meter in synthetic(number)]
            for muid, wanted in zip(muids, values, strict=True):
                equal(stored(muid), wanted)  # type: ignore[arg-type]
            check_rows()
    runs = Run.objects.aggregate(new=Sum("new"), corrected=Sum("corrected"))
    # Whoever came first has it as new; each correction was made once and kept once.
    replaced = sum(revision.replaced for revision in ReadingRevision.objects.all())
    assert runs["new"] == count
    assert runs["corrected"] == replaced > count
    assert set(Run.objects.values_list("state", flat=True)) == {Run.State.SUCCEEDED}
    assert Run.objects.count() == 3 * processes * times


def test_four_processes_at_once(committed: Tenant) -> None:
    race(committed, processes=4, times=1)


@pytest.mark.soak
def test_eight_processes_at_once(committed: Tenant) -> None:
    race(committed, processes=8, times=6)


@pytest.mark.parametrize("processes", [8])
def test_the_upstream_corrects_while_all_ask(committed: Tenant, processes: int) -> None:
    """Whoever stores last, what is stored in the end is what the upstream said last."""
    served = 3 * processes * 3  # meters, processes, sweeps of each
    lock, told = threading.Lock(), 0

    def serve(handler: Handler) -> None:
        nonlocal told
        with lock:
            # Each few questions all values change, during the first third of all questions: so at
            # least one process sweeps all meters when the last change has been made.
            told += 1
            version = min(told, served // 3) // 4
        # Who asks first is not always answered first.
        time.sleep((told * 7 % 5) / 50)
        muid = handler.path.partition("muid=")[2][:36]
        rows({"data": quarters(muid, version)})(handler)

    meters = [make_meter(f"Meter {n}") for n in range(3)]
    muids = [str(meter.muid) for meter in meters]
    window = {"start": START.isoformat(), "stop": (START + timedelta(days=2)).isoformat()}
    with answering(serve) as upstream, stable() as workers:
        source = make_source(upstream.address, *meters)
        for n in range(processes):
            only = muids[n % 3 :] + muids[: n % 3]
            workers.start(
                schema=committed.schema_name, source=source.pk, only=only, times=3, **window
            )
        # Nobody lost a deadlock for good, or anything else.
        assert set(workers.wait().values()) == {0}
    assert told == served
    last = float(served // 3 // 4)
    for meter in meters:
        assert {value for value, _ in stored(meter.muid).values()} == {last}
    check_rows()
    runs = Run.objects.aggregate(
        new=Sum("new"), corrected=Sum("corrected"), unchanged=Sum("unchanged")
    )
    replaced = sum(len(slots) for slots in ReadingRevision.objects.values_list("slots", flat=True))
    assert runs["new"] == 3 * 192
    assert runs["corrected"] == replaced >= 3 * 192
    assert sum(runs.values()) == served * 192


def quarters(muid: str, version: int) -> list[dict[str, Any]]:
    """Two days of readings, all of the same value, newest first."""
    instants = [START + timedelta(minutes=15 * n) for n in reversed(range(192))]
    return [row(muid, f"{at:%Y-%m-%dT%H:%M:%SZ}", float(version)) for at in instants]


def test_a_lost_deadlock_is_tried_again(committed: Tenant) -> None:
    """Two writers that take two rows in opposite orders; PostgreSQL ends one of them."""
    meters = [make_meter(f"Meter {n}") for n in range(2)]
    barrier = threading.Barrier(2)
    attempts: list[int] = []

    def write(order: list[int]) -> None:
        met = False

        def work() -> None:
            nonlocal met
            attempts.append(1)
            with committed.entered(), transaction.atomic(), connection.cursor() as cursor:
                sql = "UPDATE meters_meter SET name = name WHERE id = %s"
                cursor.execute(sql, [meters[order[0]].pk])
                if not met:
                    met = True
                    barrier.wait()
                cursor.execute(sql, [meters[order[1]].pk])

        try:
            retried(work)
        finally:
            connection.close()

    threads = [threading.Thread(target=write, args=(order,)) for order in ([0, 1], [1, 0])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(attempts) == 3
