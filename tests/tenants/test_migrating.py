"""Many schemas are migrated side by side, those alone that are behind, and failures are named."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django_tenants.utils import get_public_schema_name

from accounts.models import Act
from tenants.lifecycle import delete, suspend
from tenants.migrating import alone, behind
from tenants.models import Tenant
from tenants.onboarding import create_tenant
from tests.conftest import Customer
from tests.tenants.processes import wait_until

SLUGS = [f"migrant-{number}" for number in range(4)]
SCHEMAS = [slug.replace("-", "_") for slug in SLUGS]


def back(schema: str) -> None:
    """Put a schema back to before the migration that made the tables of notices."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT string_agg(format('%%I.%%I', schemaname, tablename), ', ') FROM pg_tables "
            "WHERE schemaname = %s AND tablename LIKE 'notices%%'",
            [schema],
        )
        [tables] = cursor.fetchone()
        cursor.execute(f"DROP TABLE {tables}")
        cursor.execute(f"DELETE FROM {schema}.django_migrations WHERE app = 'notices'")


@pytest.fixture
def migrants(committed: dict[str, Customer]) -> Iterator[list[str]]:
    for slug in SLUGS:
        create_tenant(slug=slug)
    yield SCHEMAS
    connection.set_schema_to_public()  # type: ignore[attr-defined]
    for tenant in Tenant.objects.filter(schema_name__in=SCHEMAS):
        suspend(tenant, by="test")
        delete(tenant, by="test")
    Act.objects.filter(about__in=SLUGS).delete()


def begin(*arguments: str) -> subprocess.Popen[str]:
    name = connection.settings_dict["NAME"]
    server, _, query = os.environ["DATABASE_URL"].partition("?")
    address = f"{server.rsplit('/', 1)[0]}/{name}" + (f"?{query}" if query else "")
    return subprocess.Popen(
        [sys.executable, "manage.py", "migrate_schemas", *arguments],
        env=os.environ | {"DATABASE_URL": address},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def migrate(*arguments: str) -> tuple[int, str]:
    process = begin(*arguments)
    out, _ = process.communicate(timeout=180)
    return process.returncode, out


def test_those_behind_are_migrated_and_a_failure_is_named(migrants: list[str]) -> None:
    assert behind([*migrants, "acme", "no_such_schema"]) == ["no_such_schema"]
    for schema in migrants[1:]:
        back(schema)
    with connection.cursor() as cursor:
        # In the way of the migration to come.
        cursor.execute("CREATE TABLE migrant_2.notices_heard (x int)")
    assert behind([*migrants, "acme"]) == migrants[1:]

    code, out = migrate("--parallel", "2")
    assert code == 1
    assert "3 of 6 tenants are up to date." in out
    assert "1 of 6 tenants could not be migrated" in out
    assert 'migrant_2: ProgrammingError: relation "notices_heard" already exists' in out
    assert behind(migrants) == ["migrant_2"], "what failed kept nobody else"

    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE migrant_2.notices_heard")
    code, out = migrate()
    assert (code, "5 of 6 tenants are up to date." in out) == (0, True), out
    assert behind(migrants) == []


def test_an_interrupted_migration_is_taken_up(migrants: list[str]) -> None:
    for schema in migrants:
        back(schema)
    with transaction.atomic(), connection.cursor() as cursor:
        # Somebody holds a table for a while, so that this migration waits.
        cursor.execute("LOCK TABLE migrant_3.django_migrations IN ACCESS EXCLUSIVE MODE")
        process = begin("--parallel", "1")
        until = time.monotonic() + 90
        while process.poll() is None and time.monotonic() < until:
            time.sleep(0.5)
            cursor.execute(
                "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'relation' "
                "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
            )
            if cursor.fetchone() != (0,):
                break
        assert process.poll() is None, process.stdout.read() if process.stdout else ""
        process.send_signal(signal.SIGKILL)
        with process:
            pass
    code, out = migrate()
    assert code == 0, out
    assert behind(migrants) == []


def test_a_second_call_waits_for_the_first(committed: dict[str, Customer]) -> None:
    with alone(get_public_schema_name()), connection.cursor() as cursor:
        process = begin()

        def is_waiting() -> bool:
            assert process.poll() is None, process.stdout.read() if process.stdout else ""
            cursor.execute(
                "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'advisory' "
                "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
            )
            return bool(cursor.fetchone() == (1,))

        wait_until(is_waiting, "the second call waits")
    out, _ = process.communicate(timeout=180)
    assert process.returncode == 0, out


def test_one_schema_is_migrated_as_it_always_was(migrants: list[str]) -> None:
    back(migrants[0])
    call_command("migrate_schemas", schema_name=migrants[0], verbosity=0, interactive=False)
    assert behind(migrants) == []


def test_a_schema_that_cannot_be_asked_keeps_nobody_else_from_being_asked(
    acme: Customer, nordwind: Customer
) -> None:
    with acme.tenant.entered(), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE django_migrations RENAME COLUMN name TO called")
    assert behind(["acme", "nordwind"]) == ["acme"]
