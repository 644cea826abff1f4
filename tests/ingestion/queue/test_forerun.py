"""Some meters of a run are asked for at a time, once their source answers."""

import threading
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest
from django.db import connection

from config import ending
from ingestion.breaker import Breaker
from ingestion.forerun import most_at_once
from ingestion.lease import Lease, LostLeaseError
from ingestion.meterlock import alone_with
from ingestion.models import Feed, Run, Source
from ingestion.services import execute_run, plan_run
from ingestion.simulator.server import running_simulator
from meters.models import Meter
from tenants.models import Tenant
from tests.ingestion.plant import ago, make_meter, make_source, stored, sweep
from tests.ingestion.queue.test_slices import synthetic
from tests.ingestion.test_runs import equal, readings_of
from tests.ingestion.upstreams import Handler, answering, row, rows

MIDNIGHT = datetime(2023, 3, 1, tzinfo=UTC)
WINDOW = {"start": MIDNIGHT, "stop": MIDNIGHT + timedelta(hours=1)}
COMMAND = Run.Trigger.COMMAND
LIMIT = 20.0


class Crowd:
    """An upstream that knows how many questions it has at a time."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.inside, self.most = 0, 0
        self.together: list[int] = []
        # Whoever is to wait for company waits until so many have been there.
        self.company = threading.Event()
        self.wanted, self.after = 1, 0

    def __call__(self, handler: Handler) -> None:
        muid = parse_qs(urlsplit(handler.path).query)["muid"][0]
        with self.lock:
            self.inside += 1
            self.together.append(self.inside)
            if self.inside >= self.wanted:
                self.company.set()
        if len(self.together) > self.after:
            self.company.wait(LIMIT)
        with self.lock:
            self.inside -= 1
        self.respond(handler, muid)

    def respond(self, handler: Handler, muid: str) -> None:
        rows({"data": [row(muid, "2023-03-01T00:00:00Z", 0.5)]})(handler)


def meters(count: int) -> list[Meter]:
    return [make_meter(f"Meter {number}") for number in range(count)]


def nothing_is_left() -> bool:
    """Whether no thread goes on and no lock is held."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
        )
        held = cursor.fetchone()[0]
    return not held and not [t for t in threading.enumerate() if t.name.startswith("prefetch")]


def test_more_and_more_are_asked_for_at_a_time_up_to_the_limit(in_acme: object) -> None:
    some, crowd = meters(12), Crowd()
    # From the fifth question on each waits until there are four.
    crowd.wanted, crowd.after = 4, 4
    with answering(crowd) as upstream:
        result = sweep(make_source(upstream.address, *some), **WINDOW)
        muids = [one.query["muid"] for one in upstream.asked]
    assert (result.run.state, result.run.new, result.run.requests) == ("succeeded", 12, 12)
    assert [one.muid for one in result.meters] == [one.muid for one in some], "told in order"
    assert sorted(muids) == sorted(str(one.muid) for one in some), "each once"
    assert crowd.together[0] == 1
    assert max(crowd.together) == 4
    assert muids[0] == str(some[0].muid)
    assert all(len(stored(meter.muid)) == 1 for meter in some)
    assert nothing_is_left()


@pytest.mark.parametrize("at_once", [1, 2])
def test_no_more_than_the_installation_says(in_acme: object, settings: Any, at_once: int) -> None:
    settings.INGESTION_AT_ONCE = at_once
    crowd = Crowd()
    with answering(crowd) as upstream:
        assert sweep(make_source(upstream.address, *meters(6)), **WINDOW).run.new == 6
    assert max(crowd.together) <= at_once


def test_no_more_than_a_source_takes() -> None:
    assert most_at_once(Source()) == 4
    assert most_at_once(Source(concurrent_requests=2)) == 2
    assert most_at_once(Source(concurrent_requests=9)) == 4
    assert most_at_once(Source(requests_per_minute=180)) == 3
    assert most_at_once(Source(requests_per_minute=4)) == 1


def test_a_source_in_trouble_is_asked_meter_by_meter(in_acme: object) -> None:
    class Broken(Crowd):
        def respond(self, handler: Handler, muid: str) -> None:
            handler.answer(b"{}", 404)

    crowd = Broken()
    with answering(crowd) as upstream:
        result = sweep(make_source(upstream.address, *meters(5)), **WINDOW)
    assert result.run.state == Run.State.FAILED
    assert max(crowd.together) == 1


def test_a_source_that_others_have_seen_failing_is_not_asked_before_it_has_answered(
    in_acme: object,
) -> None:
    source = make_source("http://127.0.0.1:9")
    assert Breaker(source).is_closed
    source.failures = 1
    assert not Breaker(source).is_closed
    source.failures, source.rests_until = 0, ago(seconds=1)
    assert not Breaker(source).is_closed


def test_where_a_worker_has_died_one_is_asked_after_the_other(in_acme: object) -> None:
    crowd = Crowd()
    with answering(crowd) as upstream:
        run = plan_run(source=make_source(upstream.address, *meters(6)), trigger=COMMAND, **WINDOW)
        Run.objects.filter(pk=run.pk).update(
            state=Run.State.RUNNING, worker="dead", attempts=1, lease_until=ago(seconds=1)
        )
        result = execute_run(run, worker="tester")
    assert result
    assert (result.run.new, result.run.attempts) == (6, 2)
    assert max(crowd.together) == 1


def test_whoever_waits_for_a_meter_keeps_nobody_from_others(committed: Tenant) -> None:
    some = meters(6)
    held, release = threading.Event(), threading.Event()

    def hold() -> None:
        try:
            with committed.entered(), alone_with(some[4].pk, check=lambda: None):
                held.set()
                release.wait(LIMIT)
        finally:
            connection.close()

    def locks() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")
            return int(cursor.fetchone()[0])

    own: list[int] = []

    def let_go(result: Any, _share: float) -> None:
        if result.is_done and result.name == "Meter 3":
            # Of the meter before it the lock is free by now, and the one behind was not begun.
            own.append(locks())
            release.set()

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(LIMIT)
    with answering(Crowd()) as upstream:
        run = plan_run(source=make_source(upstream.address, *some), trigger=COMMAND, **WINDOW)
        result = execute_run(run, worker="tester", progress=let_go)
    thread.join()
    assert result
    assert (result.run.state, result.run.new) == ("succeeded", 6)
    assert own == [1], "the other one's"
    assert nothing_is_left()


@pytest.fixture
def worker() -> Iterator[None]:
    """Be a worker, until the test is over."""
    ending.begin()
    yield
    ending._Told.at = None


def test_a_worker_that_is_to_end_stores_what_it_has_asked_for(
    in_acme: object, worker: None
) -> None:
    some = meters(5)

    class Ending(Crowd):
        def respond(self, handler: Handler, muid: str) -> None:
            if muid == str(some[2].muid):
                ending.note()
            super().respond(handler, muid)

    crowd = Ending()
    # The second and the third one wait for each other.
    crowd.wanted, crowd.after = 2, 1
    with answering(crowd) as upstream:
        run = plan_run(source=make_source(upstream.address, *some), trigger=COMMAND, **WINDOW)
        execute_run(run, worker="one")
        run.refresh_from_db()
        assert (run.state, run.new, run.requests) == ("queued", 3, 3)
        assert len(upstream.asked) == 3
        ending._Told.at = None
        result = execute_run(run, worker="another")
        assert len(upstream.asked) == 5, "what was done is not done again"
    assert result
    assert (result.run.state, result.run.new, result.run.requests) == ("succeeded", 5, 5)
    assert nothing_is_left()


def test_what_is_left_in_the_midst_of_a_history_is_on_record(
    in_acme: object, piece_by_piece: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The slice ends at a piece of one meter, when the one behind it has been begun."""
    served = [synthetic(number) for number in range(3)]
    some = [make_meter(meter.name, muid=UUID(meter.muid)) for meter in served]
    over: list[int] = []
    monkeypatch.setattr(Lease, "is_over", property(lambda _: bool(over)))
    stop = MIDNIGHT + timedelta(days=20)
    with running_simulator(meters=served, now=stop) as simulator:
        source = make_source(simulator.base_url, *some, limit=700)
        run = plan_run(source=source, trigger=COMMAND, start=MIDNIGHT, stop=stop)

        def end(result: Any, _share: float) -> None:
            if result.muid == some[1].muid:
                asked_until(simulator.log, muid=some[2].muid)
                over.append(1)

        execute_run(run, worker="one", progress=end)
        run.refresh_from_db()
        assert (run.state, run.at_feed) == ("queued", Feed.objects.get(meter=some[1]).pk)
        assert run.at_time
        assert run.requests == len(simulator.log)
        assert nothing_is_left()
        over.clear()
        result = execute_run(run, worker="another")
        assert result
        assert result.run.requests == len(simulator.log)
    assert (result.run.state, result.run.unchanged) == ("succeeded", 0)
    for meter in served:
        equal(stored(UUID(meter.muid)), readings_of(meter, MIDNIGHT, stop))


def asked_until(log: Sequence[Any], muid: UUID) -> None:
    until = time.monotonic() + LIMIT
    while not any(str(muid) in str(one) for one in log):
        assert time.monotonic() < until
        time.sleep(0.01)


def test_a_run_that_is_taken_away_leaves_nothing_behind(in_acme: object) -> None:
    some, crowd = meters(3), Crowd()
    crowd.wanted, crowd.after = 2, 1
    with answering(crowd) as upstream:
        run = plan_run(source=make_source(upstream.address, *some), trigger=COMMAND, **WINDOW)

        def take(result: Any, _share: float) -> None:
            if result.name == "Meter 1":
                Run.objects.update(worker="somebody else")

        with pytest.raises(LostLeaseError):
            execute_run(run, worker="tester", progress=take)
        assert len(upstream.asked) == 3
    assert nothing_is_left()
    assert not Feed.objects.filter(last_run=run, meter=some[2]).exists()
    assert stored(some[2].muid) == {}
