"""System checks on how tenants are kept apart."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Critical, Tags, register
from django.core.checks import Warning as CheckWarning
from django.db import Error, connections

# So often two connections are looked at: where others are busy a pooler may hand out two by chance.
LOOKS = 5


@register(Tags.database)
def search_path_stays_in_the_tenant(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    """Refuse a backend that lets a tenant read public, and a pooler known to mix tenants up."""
    found: list[CheckMessage] = []
    database = settings.DATABASES["default"]
    if database["ENGINE"] != "tenants.postgresql":
        found.append(
            Critical(
                f"DATABASES['default']['ENGINE'] is {database['ENGINE']!r}.",
                hint="Only tenants.postgresql keeps the search path inside the tenant's schema.",
                id="tenants.E001",
            )
        )
    for alias, variable in (("default", "DATABASE_URL"), ("replica", "DATABASE_REPLICA_URL")):
        database = settings.DATABASES.get(alias, {})
        host, port = str(database.get("HOST", "")), str(database.get("PORT", ""))
        if port == "6432" or "pgbouncer" in host.lower():
            found.append(
                CheckWarning(
                    f"{variable} points at {host}:{port}, where PgBouncer seems to listen.",
                    hint="In transaction mode PgBouncer hands one tenant's search path to another. "
                    "Pool in session mode, or connect to PostgreSQL itself.",
                    id="tenants.W001",
                )
            )
    return found


@register(Tags.database)
def sessions_are_kept(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Refuse a pooler in transaction mode: between two questions another client has the session.

    Of two connections that are open at the same time each has a session of its own, unless a pooler
    gives one session to both in turn.
    """
    return [
        Critical(
            f"Two connections to the database {alias!r} share one session of PostgreSQL.",
            hint="A pooler in transaction or statement mode stands before it, which hands one "
            "tenant's search path to another. Pool in session mode, or connect to PostgreSQL "
            "itself.",
            id="tenants.E002",
        )
        for alias in databases or ()
        if connections[alias].vendor == "postgresql" and _share_a_session(alias)
    ]


def _share_a_session(alias: str) -> bool:
    one, other = connections[alias].copy(), connections[alias].copy()
    try:
        return any(_session(one) == _session(other) for _ in range(LOOKS))
    except Error:
        # That it can't be reached is for whoever needs it to tell.
        return False
    finally:
        one.close()
        other.close()


def _session(one: Any) -> int:
    with one.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])
