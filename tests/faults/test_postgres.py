"""PostgreSQL cut off, gone, full up and read-only under a stream of requests to two tenants."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection

from accounts.models import ApiToken
from tests.conftest import CUSTOMERS
from tests.faults.asking import Answer, Site, check_whole
from tests.tenants.processes import wait_until

# So long a request may take that finds no database [s]: two attempts to connect, one second apart,
# on a machine that others use as well.
BOUND = 6.0


def cut_all() -> int:
    """End all connections to this test's database but our own, as an operator would."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        cut = [pid for pid, _ in cursor.fetchall()]

        def gone() -> bool:
            cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE pid = ANY(%s)", [cut])
            return cursor.fetchone() == (0,)

        wait_until(gone, "they have ended", 10)
    # They lie idle, until the news has come through the door as well.
    time.sleep(0.3)
    return len(cut)


def check_refused(answers: list[Answer], words: str) -> None:
    """Each was told in words, as page or as problem, and when to ask again."""
    for one in answers:
        assert one.status == 503, (one.status, one.text[:300])
        assert words in one.text
        assert int(one.headers["Retry-After"]) >= 5
        is_page = one.headers["Content-Type"].startswith("text/html")
        assert is_page or one.headers["Content-Type"] == "application/problem+json"
        assert one.seconds < BOUND


@contextmanager
def database_set(setting: str, back: str) -> Iterator[None]:
    """Change what holds for whoever connects to this test's database, and cut who is connected."""
    quote = connection.ops.quote_name
    name = quote(connection.settings_dict["NAME"])

    def alter(words: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER DATABASE {name} {words}")
        cut_all()

    alter(setting)
    try:
        yield
    finally:
        alter(back)


def test_connections_that_were_cut_while_idle_cost_no_answer(well: Site) -> None:
    check_whole(well.ask_at_once(8))
    for _ in range(2):
        assert cut_all() >= 2
        check_whole([well.ask("/api/v1/meters/") for _ in range(3)])
    check_whole(well.ask_at_once(8))


def test_gone_for_a_while_under_load(well: Site) -> None:
    check_whole(well.ask_at_once(8))
    gone, back = well.told('"PostgreSQL is gone"'), well.told('"PostgreSQL is back"')
    errors = well.told("Traceback")
    well.postgres.shut()
    answers = well.ask_at_once(8, seconds=2.5)
    check_refused(answers, "The database does not answer at the moment")
    # Far more than four threads could refuse, were each to wait for a connection.
    assert len(answers) > 8 * 3
    assert well.told('"PostgreSQL is gone"') == gone + 1
    assert well.told('"PostgreSQL is back"') == back
    assert well.told("Traceback") == errors, "the log is not filled with it"
    well.postgres.open()
    wait_until(lambda: well.ask("/meters/").status == 200, "back by itself", 10)
    check_whole(well.ask_at_once(8, seconds=0.5))
    assert well.told('"PostgreSQL is back"') == back + 1


@pytest.mark.parametrize("language", ["en", "de"])
def test_too_many_connections_are_told(well: Site, language: str) -> None:
    with database_set("CONNECTION LIMIT 0", "CONNECTION LIMIT -1"):
        page = well.ask("/meters/", headers={"Accept-Language": language})
        words = {
            "en": "The database has more connections than it takes",
            "de": "Die Datenbank hat mehr Verbindungen, als sie annimmt",
        }[language]
        check_refused([page], words)
    wait_until(lambda: well.ask("/meters/").status == 200, "back by itself", 10)


def test_read_only_reads_on_and_says_what_it_cannot_do(well: Site) -> None:
    with database_set(
        "SET default_transaction_read_only = on", "RESET default_transaction_read_only"
    ):
        with CUSTOMERS["acme"].tenant.entered():
            # Its use would be noted now.
            ApiToken.objects.update(last_used_at=None)
        check_whole(well.ask_at_once(8))
        refused = [
            well.ask("/api/v1/runs/", method="post", json={"source": "Grid"}),
            well.sign_in(),
        ]
        check_refused(refused, "The database is read-only at the moment")
    check_whole(well.ask_at_once(8))
