"""Tables that are in use are changed without keeping those who use them waiting for long."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.commands.migrate import Command
from django.db import OperationalError, connection, transaction

from tenants import patience
from tenants.migrating import behind, migrate_one
from tests.conftest import Customer
from tests.tenants.processes import wait_until

SCHEMA = "patient"
PATIENCE = 250
# What `migrate_schemas` hands on when it is called without any option.
OPTIONS: dict[str, Any] = {
    **vars(Command().create_parser("manage.py", "migrate").parse_args([])),
    "verbosity": 0,
    "interactive": False,
    "skip_checks": True,
}


@pytest.fixture
def late(committed: dict[str, Customer], monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Make a schema that is behind: of accounts it has the tables as they were at first."""
    monkeypatch.setattr(patience, "PATIENCE", PATIENCE)
    monkeypatch.setattr(patience, "PAUSES", (0.2,) * 40)
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE SCHEMA {SCHEMA}")
    to(("accounts", "0004"))
    yield SCHEMA
    connection.set_schema_to_public()
    with connection.cursor() as cursor:
        cursor.execute(f"DROP SCHEMA {SCHEMA} CASCADE")


def to(migration: tuple[str, ...]) -> None:
    call_command("migrate_schemas", *migration, schema_name=SCHEMA, verbosity=0, interactive=False)


def columns() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT column_name FROM information_schema.columns "
            "WHERE table_schema = %s AND table_name = 'accounts_user'",
            [SCHEMA],
        )
        return {name for (name,) in cursor.fetchall()}


@contextmanager
def somebody_reads() -> Iterator[None]:
    """Hold a transaction open that has read the table, as a long answer or an export does."""
    own = connection.copy()
    with own.cursor() as cursor:
        # A migration that waits without end fails the test then.
        cursor.execute("SET idle_in_transaction_session_timeout = '20s'")
        cursor.execute("BEGIN")
        cursor.execute(f"SELECT count(*) FROM {SCHEMA}.accounts_user")
    try:
        yield
    finally:
        own.close()


@contextmanager
def migrating() -> Iterator[list[str]]:
    """Migrate in a thread as a process of `migrate_schemas` does; yield what it says."""
    told: list[str] = []

    def work() -> None:
        told.append(migrate_one(SCHEMA, OPTIONS))
        connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield told
    finally:
        thread.join(120)
        assert not thread.is_alive()


def is_waiting() -> bool:
    """Whether somebody waits for the lock on the table."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = %s::regclass",
            [f"{SCHEMA}.accounts_user"],
        )
        return bool(cursor.fetchone()[0])


def test_readers_go_on_while_a_migration_waits(late: str) -> None:
    took: list[float] = []
    with migrating() as told:
        with somebody_reads(), connection.cursor() as cursor:
            # Where a migration waits without end, so would this reader, and the test.
            cursor.execute("SET statement_timeout = '10s'")
            wait_until(is_waiting, "the migration waits for a lock")
            until = time.monotonic() + 6 * PATIENCE / 1e3
            while time.monotonic() < until:
                before = time.monotonic()
                cursor.execute(f"SELECT count(*) FROM {SCHEMA}.accounts_user")
                took.append(time.monotonic() - before)
            cursor.execute("RESET statement_timeout")
        assert "sessions_ended" not in columns(), "it changed what somebody was reading"
    assert max(took) < 4 * PATIENCE / 1e3
    assert told == [""]
    assert behind([late]) == []
    assert "sessions_ended" in columns()


def test_what_stays_locked_is_given_up_in_words(late: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "PAUSES", (0.05, 0.05))
    with somebody_reads():
        told = migrate_one(late, OPTIONS)
    assert told.startswith("LockedError: What is to be changed stayed locked through 3 tries. ")
    assert "Transactions open for longest: process " in told
    assert "idle in transaction" in told
    assert behind([late]) == [late]
    assert "sessions_ended" not in columns()


def test_whatever_else_goes_wrong_is_not_tried_again(committed: dict[str, Customer]) -> None:
    tries = []

    def work() -> None:
        tries.append(1)
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = '10ms'")
            cursor.execute("SELECT pg_sleep(1)")

    with pytest.raises(OperationalError, match="statement timeout"):
        patience.patiently(work, what="acme")
    assert tries == [1]


def test_an_index_made_concurrently_and_others_transactions_are_given_their_time(
    committed: dict[str, Customer],
) -> None:
    found = {}

    def work() -> None:
        for atomic in (True, False):
            with connection.schema_editor(atomic=atomic), connection.cursor() as cursor:
                cursor.execute("SHOW lock_timeout")
                found[atomic] = cursor.fetchone()[0]

    patience.patiently(work, what="acme")
    assert found == {True: "2s", False: "0"}
    with transaction.atomic():
        patience.patiently(work, what="acme")
    assert found == {True: "0", False: "0"}
