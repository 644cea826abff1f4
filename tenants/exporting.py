"""A tenant taken along: all of its schema at one moment, in one file."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import connection, transaction
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from accounts.acts import record
from accounts.models import Act
from tenants.archive import ArchiveWriter, Manifest, Sequence, writing
from tenants.models import Tenant
from tenants.schema import in_public

# Who is signed in, or tried to, is of no use elsewhere; which migrations were run stands in the
# manifest.
LEFT_OUT = frozenset(
    {
        "django_session",
        "django_migrations",
        "axes_accessattempt",
        "axes_accessattemptexpiration",
        "axes_accessfailurelog",
        "axes_accesslog",
    }
)
TABLES = """
SELECT c.table_name, array_agg(c.column_name::text ORDER BY c.ordinal_position)
FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
WHERE c.table_schema = %s AND t.table_type = 'BASE TABLE' AND c.is_generated = 'NEVER'
GROUP BY c.table_name ORDER BY c.table_name
"""


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written, and where."""

    path: Path
    manifest: Manifest


def export_tenant(tenant: Tenant, path: Path, *, by: str) -> Exported:
    """Write a tenant into a file, as it is at one moment, while it goes on working.

    Raises
    ------
    ArchiveError
        There is such a file already.
    """
    with writing(path) as archive, in_public():
        with transaction.atomic():
            _one_moment()
            manifest = Manifest(
                tenant=described(tenant),
                made_at=timezone.now().isoformat(timespec="seconds"),
                migrations=_migrations(tenant),
            )
            with tenant.entered():
                for name, columns in tables_of(tenant.schema_name).items():
                    if name not in LEFT_OUT:
                        manifest.tables.append(_write(archive, name, columns))
                manifest.sequences = _sequences(tenant.schema_name)
        archive.manifest(manifest)
    # Only now is the file at its place: its last bytes may be those that find no room.
    with in_public():
        detail = f"{manifest.rows} rows in {len(manifest.tables)} tables"
        record(Act.What.TENANT_EXPORTED, tenant.slug, by=by, detail=detail)
    return Exported(path, manifest)


def described(tenant: Tenant) -> dict[str, Any]:
    """Say what a tenant is called and where it answers."""
    domains = tenant.domains.order_by("-is_primary", "domain").values_list("domain", flat=True)
    return {
        "slug": tenant.slug,
        "name": tenant.name,
        "timezone": tenant.timezone,
        "language": tenant.language,
        "domains": list(domains),
    }


def tables_of(schema: str) -> dict[str, list[str]]:
    """List a schema's tables with their columns."""
    with connection.cursor() as cursor:
        cursor.execute(TABLES, [schema])
        return dict(cursor.fetchall())


def _one_moment() -> None:
    """Have all that is read in this transaction be as it was at its beginning."""
    with connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")


def _migrations(tenant: Tenant) -> dict[str, list[str]]:
    with tenant.entered():
        applied = MigrationRecorder(connection).applied_migrations()
    found: dict[str, list[str]] = {}
    for app, name in sorted(applied):
        found.setdefault(app, []).append(name)
    return found


def _write(archive: ArchiveWriter, name: str, columns: list[str]) -> Any:
    quote = connection.ops.quote_name
    chosen = ", ".join(quote(column) for column in columns)

    def chunks() -> Iterator[Any]:
        with (
            connection.wrap_database_errors,
            connection.cursor() as cursor,
            cursor.copy(f"COPY (SELECT {chosen} FROM {quote(name)}) TO STDOUT") as copy,
        ):
            yield from copy

    return archive.table(name, columns, chunks())


def _sequences(schema: str) -> list[Sequence]:
    quote = connection.ops.quote_name
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sequencename FROM pg_sequences WHERE schemaname = %s ORDER BY 1", [schema]
        )
        found = []
        for (name,) in cursor.fetchall():
            cursor.execute(f"SELECT last_value, is_called FROM {quote(name)}")
            last, is_called = cursor.fetchone()
            found.append(Sequence(name, last, is_called))
    return found
