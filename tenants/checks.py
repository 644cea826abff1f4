"""System checks on how tenants are kept apart."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Critical, Tags, register
from django.core.checks import Warning as CheckWarning


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
