"""Migrations of many schemas: what is up to date is left alone, the others run side by side.

`manage.py migrate_schemas` comes here (`GET_EXECUTOR_FUNCTION` in the settings). One query tells
which tenants are behind. What fails in one tenant keeps no other from being migrated; it is named
at the end, and the next call takes up what is left, as it does after an interruption.
"""

import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from typing import Any

import django
from django.core.management.base import CommandError
from django.db import DatabaseError, connection, transaction
from django.db.migrations.loader import MigrationLoader
from django_tenants.migration_executors import get_executor
from django_tenants.migration_executors.base import MigrationExecutor, run_migrations

from tenants.patience import patiently

# So many schemas are asked in one query; PostgreSQL plans longer ones slowly.
AT_ONCE = 100
# Side by side, where nothing else is asked for: a migration mostly waits for the database.
USUAL_JOBS = 4
# Of PostgreSQL's advisory locks: who migrates holds this one.
LOCK = 7_205_759_403_792_794
# Options with which something else is meant than “bring everything up to date”.
OTHERWISE = ("app_label", "plan", "prune", "fake", "fake_initial", "run_syncdb", "check_unapplied")
WANTED = "WITH wanted AS (SELECT * FROM unnest(%s::text[], %s::text[]) AS w (app, name)) "
ASK = "SELECT %s, (SELECT count(*) FROM wanted JOIN {schema}.django_migrations USING (app, name))"
WITH_TABLE = """
SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relname = 'django_migrations' AND n.nspname = ANY(%s)
"""


def executor(codename: str | None) -> type[MigrationExecutor]:
    """Choose who migrates: ours where none of the library's is named."""
    return get_executor(codename) if codename else TenantsExecutor


class TenantsExecutor(MigrationExecutor):  # type: ignore[misc]
    """Brings public up to date first, then the tenants that are behind, several at a time."""

    codename = "tenants"

    def run_migrations(self, tenants: Sequence[str] | None = None) -> None:
        """Migrate schemas.

        Raises
        ------
        CommandError
            Some could not be; the text names them. The others are up to date.
        """
        schemas = list(tenants or ())
        otherwise = self.args or any(self.options.get(name) for name in OTHERWISE)
        if otherwise or self.options.get("schema_name"):
            for schema in schemas:
                self._run(schema)
        elif schemas == [self.PUBLIC_SCHEMA_NAME]:
            with alone(self.PUBLIC_SCHEMA_NAME):
                self._run(self.PUBLIC_SCHEMA_NAME)
        else:
            with alone("all tenants"):
                self._bring_up_to_date(schemas)

    def _run(self, schema: str) -> None:
        patiently(
            lambda: run_migrations(self.args, self.options, self.codename, schema), what=schema
        )

    def _bring_up_to_date(self, schemas: Sequence[str]) -> None:
        late = behind(schemas)
        self._say(f"{len(schemas) - len(late)} of {len(schemas)} tenants are up to date.")
        failed: dict[str, str] = {}
        for number, (schema, error) in enumerate(self._each(late), 1):
            self._say(f"[{number}/{len(late)}] {schema}: {error or 'done'}")
            if error:
                failed[schema] = error
        if failed:
            words = "".join(f"\n  {schema}: {error}" for schema, error in sorted(failed.items()))
            raise CommandError(
                f"{len(failed)} of {len(schemas)} tenants could not be migrated:{words}\n"
                "The others are up to date. Mend the cause and call migrate_schemas again: it goes "
                "on with these."
            )

    def _each(self, schemas: Sequence[str]) -> Iterator[tuple[str, str]]:
        """Migrate each, as they get done; yield its schema and what went wrong."""
        jobs = min(self.options.get("parallel") or USUAL_JOBS, len(schemas))
        if not jobs:
            return
        options = self.options | {"verbosity": 0, "interactive": False}
        # Each in a process of its own, begun afresh: connections are not shared with a fork.
        with ProcessPoolExecutor(jobs, get_context("spawn"), initializer=_begin) as pool:
            under_way = {pool.submit(migrate_one, schema, options): schema for schema in schemas}
            try:
                for done in as_completed(under_way):
                    broken = done.exception()
                    yield under_way[done], str(broken) if broken else done.result()
            finally:
                # Interrupted: what is under way ends, what has not begun is left for the next call.
                pool.shutdown(wait=True, cancel_futures=True)

    def _say(self, words: str) -> None:
        if int(self.options.get("verbosity", 1)) >= 1:
            sys.stdout.write(f"{words}\n")
            sys.stdout.flush()


def behind(schemas: Sequence[str]) -> list[str]:
    """Find the schemas in which a migration of this release has not been run."""
    known = list(MigrationLoader(None).disk_migrations)
    with connection.cursor() as cursor:
        cursor.execute(WITH_TABLE, [list(schemas)])
        begun = sorted(name for (name,) in cursor.fetchall())
    counted: dict[str, int] = {}
    for first in range(0, len(begun), AT_ONCE):
        some = begun[first : first + AT_ONCE]
        try:
            counted |= _count(some, known)
        except DatabaseError:
            # A server may refuse to answer for several schemas at once, as one that keeps them on
            # several nodes; or one of them is not in order, which is told when it is migrated.
            for schema in some:
                with suppress(DatabaseError):
                    counted |= _count([schema], known)
    return [schema for schema in schemas if counted.get(schema) != len(known)]


def _count(schemas: Sequence[str], known: Sequence[tuple[str, str]]) -> dict[str, int]:
    """Count, of each schema, the migrations of this release that have been run in it."""
    asked = " UNION ALL ".join(
        ASK.format(schema=connection.ops.quote_name(schema)) for schema in schemas
    )
    wanted: list[Any] = [[app for app, _ in known], [name for _, name in known]]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(WANTED + asked, wanted + list(schemas))
        return dict(cursor.fetchall())


@contextmanager
def alone(what: str) -> Iterator[None]:
    """Wait until nobody else in this database is at it, and keep others waiting meanwhile."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtextextended(%s, %s))", [what, LOCK])
    try:
        yield
    finally:
        # Where the connection is gone, so is the lock.
        if connection.connection is not None:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, %s))", [what, LOCK])


def _begin() -> None:
    os.environ["DATABASE_POOL_SIZE"] = "0"
    django.setup()


def migrate_one(schema: str, options: dict[str, Any]) -> str:
    """Migrate one schema in a process of its own; return what went wrong, empty if nothing."""
    try:
        # A process whose parent was killed may still be at it.
        with alone(schema):
            if behind([schema]):
                patiently(
                    lambda: run_migrations((), options, "tenants", schema, allow_atomic=False),
                    what=schema,
                )
    except Exception as error:  # noqa: BLE001 - whatever it is, it is this tenant's and is told
        return f"{type(error).__name__}: {str(error).strip().splitlines()[0]}"
    return ""
