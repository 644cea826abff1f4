"""How often a source is asked: counted in PostgreSQL, for all processes together."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection

from ingestion.lease import LostLeaseError
from ingestion.models import Source
from ingestion.pace import STEP, Pace, who_counts
from tenants.models import Tenant
from tests.ingestion.plant import make_meter, make_source, sweep
from tests.ingestion.upstreams import answering, rows


def source(**limits: int) -> Source:
    return Source(name="s", address="https://meters.example.com", token="t", **limits)


def waits(source: Source, turns: int) -> list[float]:
    """Take turns without waiting; return how long each would have waited."""
    slept: list[float] = []
    waited = []
    with Pace(source, sleep=slept.append) as pace:
        for _ in range(turns):
            slept.clear()
            with pace.turn():
                waited.append(sum(slept))
    return waited


def test_turns_are_spaced_evenly_for_all_who_share_a_source(committed: Tenant) -> None:
    slow = source(requests_per_minute=1)
    assert waits(slow, 1) == [0]
    # Another worker, another connection: the minute goes on. Steps are waited for whole.
    second, third = waits(slow, 2)
    assert 55 < second <= 60 + STEP
    assert 59 < third - second <= 60 + STEP
    other = source(requests_per_minute=1)
    other.token = "another"
    assert waits(other, 1) == [0], "who has another token has another allowance"


def test_without_limits_nothing_is_counted(committed: Tenant) -> None:
    pace = Pace(source())
    with pace, pace.turn():
        assert pace._connection is None


@contextmanager
def asking(pace: Pace) -> Iterator[tuple[threading.Event, threading.Event]]:
    """Ask in another thread: give what tells that it is under way, and what ends it."""
    under_way, end = threading.Event(), threading.Event()

    def ask() -> None:
        with pace.turn():
            under_way.set()
            end.wait(20)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield under_way, end
    finally:
        end.set()
        thread.join()


def test_no_more_requests_at_one_time_than_allowed(committed: Tenant) -> None:
    most = source(concurrent_requests=2)
    looked: list[float] = []
    with (
        Pace(most) as first,
        Pace(most) as second,
        Pace(most, sleep=lambda s: looked.append(s)) as third,
        asking(first) as (one, _),
        asking(second) as (two, end_second),
    ):
        assert one.wait(10)
        assert two.wait(10)
        third._check = lambda: end_second.set() if len(looked) == 3 else None
        with third.turn():
            assert len(looked) >= 3, "it had to wait until the second was through"


def test_a_worker_that_is_gone_gives_its_place_back(committed: Tenant) -> None:
    most = source(concurrent_requests=1)
    dead = Pace(most)
    dead._place()
    [pid] = [dead._ask("SELECT pg_backend_pid()", [])]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 10000)", [pid])
    slept: list[float] = []
    with Pace(most, sleep=slept.append) as pace, pace.turn():
        assert not slept
    dead._connection.close()


def test_who_waits_for_a_turn_notices_that_the_run_is_gone(committed: Tenant) -> None:
    slow = source(requests_per_minute=1)
    waits(slow, 1)

    def lost() -> None:
        raise LostLeaseError(1)

    with Pace(slow, check=lost) as pace, pytest.raises(LostLeaseError), pace.turn():
        pass
    with Pace(source(concurrent_requests=1)) as held:
        held._place()
        waiting = Pace(source(concurrent_requests=1), check=lost)
        with waiting, pytest.raises(LostLeaseError), waiting.turn():
            pass


def test_a_run_takes_a_turn_for_each_request(committed: Tenant) -> None:
    meters = [make_meter(f"Meter {n}") for n in range(3)]
    with answering(rows({"data": []})) as upstream:
        limited = make_source(
            upstream.address, *meters, requests_per_minute=6, concurrent_requests=1
        )
        assert sweep(limited).run.requests == 3
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT extract(epoch FROM next_at - now()) FROM public.tenants_upstreamturn "
            "WHERE key = %s",
            [who_counts(limited.address, "")],
        )
        # Three turns of ten seconds each have been given away; nobody waited for them here.
        assert 20 < cursor.fetchone()[0] <= 30


def test_the_name_of_who_counts_tells_nothing() -> None:
    address = "https://meters.example.com"
    name = who_counts(address, "secret")
    assert len(name) == 32
    assert name == who_counts(f"{address}/a/path", "secret")
    assert name != who_counts(f"{address}:8443", "secret")
    assert name != who_counts(address, "")
