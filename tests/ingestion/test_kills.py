"""Workers that are killed at any moment: what is stored is whole, and the next run completes it."""

import random
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.db.models import Sum
from django.utils import timezone

from ingestion.models import Feed, Outcome, ReadingRevision, Run, Source
from ingestion.services import plan_due
from ingestion.simulator.server import running_simulator
from ingestion.simulator.synthetic import SyntheticMeter
from meters.models import DailyProfile, Meter
from tenants.models import Tenant
from tests.ingestion.plant import ago, check_rows, make_meter, make_source
from tests.ingestion.test_runs import readings_of
from tests.ingestion.workers import Stable, stable

START = datetime(2023, 3, 1, tzinfo=UTC)
DAYS = 40
METERS = 3
READINGS = METERS * DAYS * 96


def synthetic(round_number: int) -> list[SyntheticMeter]:
    """The meters; each round has other values than the last, so that there is much to correct."""
    return [
        SyntheticMeter(
            f"00000000-0000-4000-8000-00000000000{n}",
            "household",
            "H",
            scale=1 + round_number % 2 / 10,
        )
        for n in range(METERS)
    ]


def check() -> int:
    """Check all that must hold at any moment, in one snapshot; return how much is stored."""
    with transaction.atomic(), connection.cursor() as cursor:
        # A killed worker's last COMMIT may still be under way.
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        check_rows()
        held = DailyProfile.objects.aggregate(n=Sum("count"))["n"] or 0
        runs = Run.objects.aggregate(new=Sum("new"), corrected=Sum("corrected"))
        outcomes = Outcome.objects.aggregate(new=Sum("new"), corrected=Sum("corrected"))
        replaced = sum(revision.replaced for revision in ReadingRevision.objects.all())
        # Each reading was counted as new once, by the run that stored it.
        assert (runs["new"] or 0) == (outcomes["new"] or 0) == held
        assert (runs["corrected"] or 0) == (outcomes["corrected"] or 0) == replaced
        return int(held)


def whole_round(
    workers: Stable, tenant: Tenant, source: Source, moments: Iterable[float]
) -> tuple[int, float]:
    """Sweep once, killed at each of these moments [s] of an attempt, and then to the end.

    Returns
    -------
    How many workers were killed at their work, and how long the last attempt took [s].
    """
    source.next_sweep_at = timezone.now()
    source.save(update_fields=["next_sweep_at"])
    (run,) = plan_due(timezone.now())
    for moment in moments:
        pid = workers.start(schema=tenant.schema_name, run=run)
        time.sleep(moment)
        workers.kill(pid)
        workers.wait()
        check()
        held = Run.objects.get(pk=run)
        if held.state == Run.State.SUCCEEDED:
            return held.attempts - 1, 0.0
        if held.lease_until and held.lease_until > timezone.now():
            # The worker is dead, but nobody takes its run before the lease has run out.
            assert run not in plan_due(timezone.now())
            Run.objects.filter(pk=run).update(lease_until=ago(seconds=1))
        assert plan_due(timezone.now()) == [run]
    began = time.monotonic()
    workers.start(schema=tenant.schema_name, run=run)
    assert set(workers.wait().values()) == {0}
    done = Run.objects.get(pk=run)
    assert (done.state, done.error, done.lease_until) == (Run.State.SUCCEEDED, "", None)
    return done.attempts - 1, time.monotonic() - began


def trial(tenant: Tenant, *, kills: int, seed: int) -> None:
    """Kill so many workers at their work, at most five of one run."""
    rng = random.Random(seed)
    meters = [make_meter(f"Meter {n}", muid=UUID(m.muid)) for n, m in enumerate(synthetic(0))]
    stop = START + timedelta(days=DAYS)
    # Nothing is asked for of the years since.
    Meter.objects.update(removed_at=stop)
    source = make_source(
        "http://x", *meters, limit=200, backfill_from=START, reread_hours=24 * (DAYS + 1)
    )
    made = number = 0
    duration = 0.0
    with stable() as workers:
        while made < kills:
            with running_simulator(meters=synthetic(number), now=stop) as simulator:
                Source.objects.update(address=simulator.base_url)
                source.refresh_from_db()
                # The first round is left in peace, to see how long one takes.
                moments = [rng.uniform(0.0, 0.6 * duration) for _ in range(5 * (number > 0))]
                hit, took = whole_round(workers, tenant, source, moments)
                made, duration = made + hit, duration or took
            assert check() == READINGS
            assert stored_totals() == pytest.approx(expected_totals(number, stop), abs=1e-9)
            assert not Feed.objects.exclude(last_error="").exists()
            number += 1
            if number % 2:
                wipe()


def wipe() -> None:
    """Let the next round begin anew, so that new readings and corrections take turns."""
    DailyProfile.objects.all().delete()
    ReadingRevision.objects.all().delete()
    Run.objects.all().delete()


def expected_totals(number: int, stop: datetime) -> list[float]:
    return [sum(readings_of(meter, START, stop).values()) for meter in synthetic(number)]


def stored_totals() -> list[float]:
    totals = DailyProfile.objects.values("register__meter").annotate(total=Sum("total"))
    return [one["total"] for one in totals.order_by("register__meter__name")]


def test_killed_workers_leave_a_store_that_the_next_run_completes(committed: Tenant) -> None:
    trial(committed, kills=5, seed=1)


@pytest.mark.soak
@pytest.mark.parametrize("seed", [2, 3])
def test_fifty_kills(committed: Tenant, seed: int) -> None:
    trial(committed, kills=50, seed=seed)
