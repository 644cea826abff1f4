"""The replica refuses, dies, hangs and breaks off: requests are answered, and it comes back."""

import re
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.replica.asking import PAGE, READINGS, Pair, heard

LEFT_ALONE, BACK = '"The replica is left alone"', '"The replica is back"'
MANY = 24
BUSY = (
    "SELECT count(*) FROM pg_stat_activity "
    "WHERE query LIKE '%daily_profile%' AND pid <> pg_backend_pid() AND state = 'active'"
)


@pytest.fixture
def restarted(well: Pair) -> Iterator[Pair]:
    """Whatever becomes of the replica, it is there again afterwards."""
    well.ask(READINGS)
    yield well
    if well.replica.processes():
        well.replica.thaw()
    else:
        well.replica.start()
    well.in_use()


def ask_many(pair: Pair) -> list[float]:
    """Ask for page and readings in turn on several threads; return how long each took [s]."""

    def ask(number: int) -> float:
        began = time.monotonic()
        answer = pair.ask((PAGE, READINGS)[number % 2])
        assert answer.status_code == 200, answer.text
        return time.monotonic() - began

    with ThreadPoolExecutor(4) as threads:
        return list(threads.map(ask, range(MANY)))


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT], ids=["stopped", "crashed"])
def test_gone_and_back_again(restarted: Pair, how: signal.Signals) -> None:
    gone, back, lost = restarted.told(LEFT_ALONE), restarted.told(BACK), restarted.reads()["lost"]
    errors = restarted.told("Traceback")
    restarted.replica.stop(how)
    ask_many(restarted)
    assert restarted.told(LEFT_ALONE) == gone + 1, "told once, however many meet it"
    assert restarted.told("Traceback") == errors
    assert restarted.reads()["lost"] == lost + MANY
    ready = restarted.ask("/readyz")
    assert ready.status_code == 200
    assert ready.json()["replica"] == "unreachable"
    assert restarted.figures().value("lastgang_replica_up") == 0
    restarted.replica.start()
    restarted.in_use()
    assert restarted.told(BACK) == back + 1
    with heard(restarted.primary) as at_primary:
        restarted.shown()
    assert not at_primary


def test_one_that_hangs_costs_no_answer(restarted: Pair) -> None:
    gone = restarted.told(LEFT_ALONE)
    restarted.replica.freeze()
    ask_many(restarted)
    assert restarted.told(LEFT_ALONE) == gone + 1
    # Whichever comes first: one who had a connection, or one who wanted another.
    reasons = r"no answer within 1 s|couldn't get a connection"
    assert re.search(reasons, restarted.log.read_text())
    assert restarted.ask("/readyz").status_code == 200
    restarted.replica.thaw()
    restarted.in_use()


@pytest.mark.soak
def test_one_that_hangs_is_waited_for_by_one_request_at_a_time(restarted: Pair) -> None:
    restarted.replica.freeze()
    # Whoever meets it first waits, four at the most, and all others are told.
    ask_many(restarted)
    took = sorted(one for _ in range(10) for one in ask_many(restarted))
    # One that tries it again after each rest may wait; nobody else does.
    assert took[-1] < 4.0
    assert took[len(took) * 9 // 10] < 1.0


@pytest.fixture
def slow(restarted: Pair) -> Iterator[Pair]:
    """Questions about acme's readings take a while, so that something can come between."""
    restarted.primary.ask(
        "ALTER TABLE acme.daily_profile RENAME TO held; SET ROLE lastgang; "
        "CREATE VIEW acme.daily_profile AS SELECT held.* FROM "
        "(SELECT pg_sleep(1) OFFSET 0) AS a, acme.held; RESET ROLE"
    )
    try:
        yield restarted
    finally:
        restarted.primary.ask(
            "DROP VIEW acme.daily_profile; ALTER TABLE acme.held RENAME TO daily_profile"
        )


def in_the_midst(pair: Pair, what: str) -> list[float]:
    """Do something to the replica while it answers; return what was shown all the same."""
    with ThreadPoolExecutor(1) as thread:
        answer = thread.submit(pair.shown)
        while pair.replica.ask(BUSY) == (0,):
            time.sleep(0.01)
        if what == "conflict":
            # What is replayed needs the table for itself, and whoever reads it gives way.
            pair.primary.ask("BEGIN; LOCK TABLE acme.held IN ACCESS EXCLUSIVE MODE; COMMIT")
        else:
            pair.replica.stop(signal.SIGQUIT)
        return answer.result()


@pytest.mark.parametrize("what", ["conflict", "crash"])
def test_broken_off_in_the_midst_it_is_answered_anew(slow: Pair, what: str) -> None:
    lost, errors = slow.reads()["lost"], slow.told("Traceback")
    assert in_the_midst(slow, what)
    assert slow.reads()["lost"] == lost + 1
    assert slow.told("Traceback") == errors
    words = {"conflict": "conflict with recovery", "crash": "terminat"}[what]
    assert words in slow.log.read_text()
