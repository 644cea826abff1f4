"""Several processes that ingest the same meters at once."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction
from django.db.models import Sum

from ingestion.models import ReadingRevision, Run, Source
from ingestion.simulator.server import running_simulator
from ingestion.store import retried
from meters.models import Meter
from tenants.models import Tenant
from tests.ingestion.plant import check_rows, make_meter, make_source, stored
from tests.ingestion.test_kills import synthetic
from tests.ingestion.test_runs import equal, readings_of
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


def test_a_lost_deadlock_is_tried_again(committed: Tenant) -> None:
    """Two writers that take two rows in opposite orders; PostgreSQL ends one of them."""
    import threading

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
