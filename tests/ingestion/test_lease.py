"""A worker's hold on a run: kept while it lives, taken up when it has died, fenced."""

import threading
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from ingestion.lease import Lease, LostLeaseError, worker_name
from ingestion.models import LEASE, Feed, Outcome, Run
from ingestion.record import grow
from ingestion.services import execute_run, finish, plan_due, plan_run
from ingestion.tasks import ingest_run
from meters.models import DailyProfile
from tenants.models import Tenant
from tests.ingestion.plant import ago, make_meter, make_source, stored
from tests.ingestion.upstreams import Handler, answering, row, rows

COMMAND = Run.Trigger.COMMAND


def held_by(worker: str, **fields: object) -> Run:
    run = Run.objects.create(trigger=COMMAND)
    assert Run.objects.claim(run.pk, worker, timezone.now())
    Run.objects.filter(pk=run.pk).update(**fields)
    run.refresh_from_db()
    return run


def test_of_several_workers_one_gets_the_run(committed: Tenant) -> None:
    run = Run.objects.create(trigger=COMMAND)
    start, got = threading.Barrier(8), list[str]()

    def try_it(name: str) -> None:
        try:
            with committed.entered():
                start.wait()
                if Run.objects.claim(run.pk, name, timezone.now()):
                    got.append(name)
        finally:
            connection.close()

    threads = [threading.Thread(target=try_it, args=(worker_name(),)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    run.refresh_from_db()
    assert got == [run.worker]
    assert run.attempts == 1


def test_a_live_lease_is_left_alone_and_an_expired_one_taken_up(in_acme: object) -> None:
    run = held_by("first")
    began = run.started_at
    assert plan_due(timezone.now()) == []
    assert execute_run(run, worker="second") is None
    later = timezone.now() + LEASE + timedelta(seconds=1)
    assert plan_due(later) == [run.pk]
    Run.objects.update(lease_until=ago(seconds=1))
    assert Run.objects.claim(run.pk, "second", timezone.now())
    run.refresh_from_db()
    assert (run.worker, run.attempts, run.started_at) == ("second", 2, began)
    # The first one finds out at its next beat.
    assert not Run.objects.extend(run.pk, "first", timezone.now())
    assert Run.objects.extend(run.pk, "second", timezone.now())


def test_a_finished_run_is_not_taken_again(in_acme: object) -> None:
    run = held_by("first")
    assert finish(run).run.state == Run.State.SUCCEEDED
    assert execute_run(run, worker="second") is None
    assert plan_due(timezone.now() + timedelta(days=1)) == []


def test_the_lease_is_kept_alive_during_a_long_request(committed: Tenant) -> None:
    run = held_by("me", lease_until=ago(seconds=-0.2))
    with Lease(run, beat=0.05) as lease:
        time.sleep(0.3)
        lease.check()
        run.refresh_from_db()
        assert run.lease_until
        assert run.lease_until > timezone.now() + LEASE / 2
        Run.objects.update(worker="other")
        time.sleep(0.2)
        with pytest.raises(LostLeaseError, match=f"Run {run.pk} has been taken over"):
            lease.check()


def test_a_run_that_is_not_committed_yet_is_not_lost(in_acme: object) -> None:
    """The heart beats on a connection of its own, which does not see it."""
    with Lease(held_by("me"), beat=0.02) as lease:
        time.sleep(0.2)
        lease.check()


def test_no_thread_and_no_connection_is_left(committed: Tenant) -> None:
    run = held_by("me")
    with Lease(run, beat=0.02):
        time.sleep(0.1)
    assert not [t for t in threading.enumerate() if t.name == f"lease-{run.pk}"]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
            "AND pid <> pg_backend_pid() AND query LIKE %s",
            [f"%{committed.schema_name}%"],
        )
        assert cursor.fetchone() == (0,)


def test_a_database_that_fails_a_beat_does_not_end_the_heart(
    committed: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.db import InterfaceError, OperationalError

    run = held_by("me")
    right, beats = Run.objects.extend, list[int]()

    def shaky(*args: object) -> bool:
        beats.append(1)
        if len(beats) < 3:
            raise (OperationalError, InterfaceError)[len(beats) - 1]("gone")
        return right(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(Run.objects, "extend", shaky)
    with Lease(run, beat=0.03) as lease:
        time.sleep(0.25)
        lease.check()
    assert len(beats) > 3


def day(muid: object) -> list[dict[str, object]]:
    return [row(muid, f"2023-01-01T0{i // 4}:{i % 4 * 15:02}:00Z") for i in reversed(range(36))]


@pytest.fixture
def overtaken(in_acme: object) -> Iterator[tuple[Run, list[str]]]:
    """A run of two meters, taken over by another worker while the second one is asked for."""
    meters = [make_meter(f"Meter {n}") for n in range(2)]
    asked: list[str] = []

    def serve(handler: Handler) -> None:
        muid = handler.server.asked[-1].query["muid"]
        asked.append(muid)
        rows({"data": day(muid)})(handler)

    with answering(serve) as upstream:
        source = make_source(upstream.address, *meters)
        run = plan_run(source=source, trigger=COMMAND, start=ago(days=2000), stop=ago(seconds=0))
        yield run, asked


def test_a_worker_that_lost_its_lease_stops_and_writes_nothing(
    overtaken: tuple[Run, list[str]],
) -> None:
    run, asked = overtaken

    def take_over(_meter: object, _share: float) -> None:
        if len(set(asked)) == 1:
            Run.objects.filter(pk=run.pk).update(worker="other")

    with pytest.raises(LostLeaseError):
        execute_run(run, worker="first", progress=take_over)
    first, second = Feed.objects.order_by("pk")
    # The first meter was stored and counted; the second was not, and is left to the other worker.
    assert len(stored(first.meter.muid)) == 36
    assert not stored(second.meter.muid)
    run.refresh_from_db()
    assert (run.state, run.worker, run.new) == (Run.State.RUNNING, "other", 36)
    assert second.last_run is None
    assert not Outcome.objects.filter(meter=second.meter).exists()
    Run.objects.update(lease_until=ago(seconds=1))
    result = execute_run(run, worker="other")
    assert result
    assert (result.run.state, result.run.new) == (Run.State.SUCCEEDED, 72)


def test_a_run_that_was_taken_over_is_not_closed_by_the_first(in_acme: object) -> None:
    mine = held_by("me")
    Run.objects.update(worker="other")
    with pytest.raises(LostLeaseError):
        finish(mine)
    with pytest.raises(LostLeaseError):
        grow(mine, {"new": 1})
    with pytest.raises(LostLeaseError):
        grow(mine, {})
    mine.refresh_from_db()
    assert (mine.state, mine.new) == (Run.State.RUNNING, 0)


def test_a_run_broken_off_by_hand_is_closed(overtaken: tuple[Run, list[str]]) -> None:
    run, asked = overtaken

    def break_off(_meter: object, _share: float) -> None:
        if len(set(asked)) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        execute_run(run, worker="me", progress=break_off)
    run.refresh_from_db()
    assert run.state == Run.State.FAILED
    assert run.error == "Broken off by hand. What was stored stays."
    assert run.pk not in plan_due(timezone.now() + timedelta(hours=1))
    assert sum(DailyProfile.objects.values_list("count", flat=True)) == 72


def test_a_file_whose_process_died_is_closed_by_the_next_dispatch(in_acme: object) -> None:
    run = held_by("dead", trigger=Run.Trigger.FILE, lease_until=ago(seconds=1))
    assert plan_due(timezone.now()) == [run.pk]
    result = execute_run(run, worker="me")
    assert result
    assert result.run.state == Run.State.FAILED
    assert "Store the file again" in result.run.error


def test_the_task_tells_what_became_of_a_run(
    in_acme: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = held_by("other")
    work = ingest_run.run
    assert work(run.pk) == "taken"
    assert work(run.pk + 1000) == "gone"
    Run.objects.update(lease_until=ago(seconds=1))
    assert work(run.pk) == "failed"  # it has no source

    def lose(*_args: object, **_options: object) -> None:
        raise LostLeaseError(run.pk)

    monkeypatch.setattr("ingestion.tasks.execute_run", lose)
    assert work(run.pk) == "lost"
