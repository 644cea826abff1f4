"""On the second connection a tenant is where it is on the first, or nowhere."""

import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError, InterfaceError, OperationalError, connection, connections

from config.reading import (
    REPLICA,
    Router,
    current_place,
    read_at,
    reading,
    reading_connection,
)
from config.replica import BehindError, RequestPlace, lag, outage
from meters.models import DailyProfile, Meter
from meters.profiles import read_days
from tests.conftest import CUSTOMERS
from tests.faults.test_search_path import cancelled
from tests.replica.servers import Copy, Foreign, started
from tests.tenants.processes import environment, web
from tests.tenants.test_interleaving import ask_at_random
from tests.tenants.traces import logged

SLUGS = ("acme", "nordwind")
FAR = 2**62


@contextmanager
def connected(server: Copy, **more: Any) -> Iterator[Any]:
    """Have this process read from a server as from its replica, with other settings if need be."""
    for state in (outage, lag):
        # What another test has met is over.
        state.worked()
    options = {"pool": {"min_size": 0, "max_size": 3, "timeout": 5.0}}
    connections.settings[REPLICA] = connections.settings["default"] | {
        "ENGINE": "tenants.replica",
        "PORT": str(server.port),
        "OPTIONS": options,
        **more,
    }
    try:
        yield connections[REPLICA]
    finally:
        made: Any = connections[REPLICA]
        made.close()
        made.close_pool()
        del connections[REPLICA]
        del connections.settings[REPLICA]
        connection.set_schema_to_public()  # type: ignore[attr-defined]
        connection.close()


@pytest.fixture
def replica(servers: tuple[Copy, Copy], django_db_blocker: Any) -> Iterator[Any]:
    with django_db_blocker.unblock(), connected(servers[1]) as made:
        yield made


@pytest.fixture
def placed(replica: Any) -> Iterator[Any]:
    """The same, in a request that may read there and needs nothing of late."""
    with reading(RequestPlace(0)):
        yield replica


def names() -> set[str]:
    return set(Meter.objects.using(REPLICA).values_list("name", flat=True))


def schema() -> str:
    with reading_connection().cursor() as cursor:
        cursor.execute("SHOW search_path")
        return str(cursor.fetchone()[0])


def of(slug: str) -> Any:
    return CUSTOMERS[slug].tenant.entered()


def test_it_goes_along_without_being_set(placed: Any) -> None:
    assert schema() == "public"
    for slug in ("acme", "nordwind", "acme"):
        with of(slug):
            assert schema() == slug
            assert len(names()) == 1
    with of("acme"):
        with of("nordwind"):
            assert schema() == "nordwind"
        assert schema() == "acme"
    assert schema() == "public"


def test_a_cursor_in_hand_never_outlives_its_tenant_unnoticed(placed: Any) -> None:
    """Each question takes its own cursor, and each cursor looks where the first connection is."""
    order = random.Random(5)
    for _ in range(40):
        slug = order.choice(SLUGS)
        with of(slug):
            assert schema() == slug
            if order.random() < 0.3:
                with pytest.raises(DatabaseError):
                    Meter.objects.using(REPLICA).raw("SELECT * FROM no_such_table")[0]
            if order.random() < 0.3:
                placed.close()
            assert schema() == slug


def test_a_cancelled_entry_shows_nothing_of_whoever_was_served_before(placed: Any) -> None:
    with of("nordwind"):
        before = names()
        with (
            of("acme"),
            placed.execute_wrapper(cancelled),
            pytest.raises(OperationalError, match="can't be brought into acme"),
        ):
            names()
        with of("acme"):
            assert names().isdisjoint(before)


def test_public_is_not_seen_from_inside(placed: Any) -> None:
    with of("acme"), pytest.raises(DatabaseError), placed.cursor() as cursor:
        cursor.execute("SELECT * FROM tenants_domain")


def test_threads_never_mix(replica: Any) -> None:
    whose = {}
    for slug in SLUGS:
        with of(slug), reading(RequestPlace(0)):
            whose[slug] = names()
    assert whose["acme"].isdisjoint(whose["nordwind"])

    def work(seed: int) -> list[str]:
        order, wrong = random.Random(seed), []
        for _ in range(40):
            slug = order.choice(SLUGS)
            with of(slug), reading(RequestPlace(0)):
                if names() != whose[slug]:
                    wrong.append(slug)
                if order.random() < 0.3:
                    # The next one gets a connection that somebody else has had.
                    connections[REPLICA].close()
        connections[REPLICA].close()
        connection.close()
        return wrong

    with ThreadPoolExecutor(6) as threads:
        assert [found for job in threads.map(work, range(6)) for found in job] == []


@pytest.mark.soak
def test_requests_at_once_never_mix(
    servers: tuple[Copy, Copy], cookies: dict[str, str], tmp_path: Path
) -> None:
    """As in `test_interleaving`, with replica and primary answering in turn."""
    primary, replica = servers
    env = environment(
        DATABASE_URL=primary.address(),
        DATABASE_REPLICA_URL=replica.address(),
        DATABASE_REPLICA_WAIT="5",
        DATABASE_POOL_SIZE="2",
    )
    for slug in SLUGS:
        primary.ask(f"UPDATE {slug}.meters_meter SET name = '{slug}-meter'")
        primary.ask(f"INSERT INTO {slug}.meters_site (name, address) VALUES ('{slug}-site', '')")
    with (
        web(tmp_path / "web.log", threads=4, env=env) as address,
        ThreadPoolExecutor(4) as threads,
    ):
        jobs = [
            threads.submit(ask_at_random, address, CUSTOMERS, cookies, seed, 15)
            for seed in range(4)
        ]
        while not all(job.done() for job in jobs):
            primary.ask("UPDATE acme.accounts_user SET language = 'en'")
            replica.pause()
            time.sleep(0.1)
            replica.resume()
            time.sleep(0.3)
        assert sum(job.result() for job in jobs) == 4 * 15


def test_nobody_reads_there_who_has_not_said_so(replica: Any) -> None:
    with of("acme"), pytest.raises(InterfaceError, match="Only requests that change nothing"):
        names()
    assert Router().db_for_read(Meter) == "default"
    assert reading_connection() is connection or reading_connection().alias == "default"
    assert replica.connection is None


def test_it_is_not_read_before_it_has_what_is_needed(replica: Any, settings: Any) -> None:
    settings.REPLICA_WAIT = 0.01
    place = RequestPlace(FAR)
    with of("acme"), reading(place):
        with pytest.raises(BehindError, match="bytes of the primary's log"):
            names()
        assert place.alias == "default"
        assert schema() == "acme"
        assert Router().db_for_read(Meter) == "default"


def test_another_connection_has_to_have_it_as_well(placed: Any, settings: Any) -> None:
    """Behind one address may stand several servers, and the next one may be further behind."""
    settings.REPLICA_WAIT = 0.01
    with of("acme"):
        names()
        assert placed.replayed > 0
        placed.close()
        assert placed.replayed is None
        with reading(RequestPlace(FAR)), pytest.raises(BehindError):
            names()
        place = current_place()
        assert place is not None
        assert place.alias == REPLICA
        placed.close()
        place.needed = FAR
        # As a file that is being streamed goes on.
        assert read_at(place, schema) == "acme"
        assert place.alias == "default"


@pytest.mark.parametrize("make", [lambda: None, lambda: DailyProfile(day="2023-02-01")])
def test_what_is_written_goes_to_the_primary(placed: Any, make: Callable[[], Any]) -> None:
    router = Router()
    with of("acme"):
        found = Meter.objects.using(REPLICA).first()
        assert found is not None
        assert router.db_for_write(Meter, instance=found) == "default"
        assert router.db_for_read(Meter, instance=found) == "default", "from here on"
        assert router.allow_relation(found, make() or found)


def test_a_question_that_is_wrong_is_no_failure_of_the_replica(placed: Any) -> None:
    place = current_place()
    assert place is not None
    with of("acme"):
        assert place.alias == REPLICA
        with pytest.raises(DatabaseError) as wrong:
            Meter.objects.using(REPLICA).raw("SELECT * FROM no_such_table")[0]
    assert not place.is_lost_by(wrong.value)
    assert place.alias == REPLICA
    assert not outage.is_on


def test_readings_are_those_of_the_tenant(placed: Any) -> None:
    found = {}
    for slug in SLUGS:
        with of(slug):
            keys = list(Meter.objects.using(REPLICA).values_list("registers__pk", flat=True))
            table = read_days([key for key in keys if key], 19_000, 20_000)
            found[slug] = set(table.values[table.present].tolist())
    assert not found["acme"] & found["nordwind"]


def test_a_server_that_is_no_replica_is_not_read(
    servers: tuple[Copy, Copy], django_db_blocker: Any
) -> None:
    """The primary itself, or a replica that has become one: its log is another one's by now."""
    with (
        django_db_blocker.unblock(),
        connected(servers[0]),
        of("acme"),
        reading(RequestPlace(0)),
        pytest.raises(InterfaceError, match="no replica now"),
    ):
        names()


def test_a_replica_of_another_database_is_not_read(
    servers: tuple[Copy, Copy], django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Positions of two logs compare as well, however little they have to do with each other."""
    home = tmp_path_factory.mktemp("foreign")
    with (
        started(Foreign(home, servers[0])) as foreign,
        django_db_blocker.unblock(),
        connected(foreign, NAME="lastgang", PASSWORD=foreign.password),
        of("acme"),
        reading(RequestPlace(0)),
        pytest.raises(InterfaceError, match=r"is not a copy of the one of DATABASE_URL\."),
    ):
        names()
    assert not outage.is_on


def test_it_is_told_of_once_though_it_takes_connections(
    servers: tuple[Copy, Copy], django_db_blocker: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outage, "rest", 0.0)
    with django_db_blocker.unblock(), connected(servers[0]), logged() as lines:
        for _ in range(3):
            assert RequestPlace(0).alias == "default"
        outage.worked()
        told = [line for line in lines() if "The replica" in line]
    assert len([line for line in told if "is left alone" in line]) == 1
    assert len(told) == 2, "and that it is back, once it is"
