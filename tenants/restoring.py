"""A tenant brought back from a file: here or elsewhere, under its own name or another."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.dispatch import Signal
from django.utils import timezone
from django_tenants.utils import schema_exists

from accounts.acts import record
from accounts.models import Act
from tenants.archive import Archive, ArchiveError, Manifest, Table, reading
from tenants.exporting import LEFT_OUT, tables_of
from tenants.models import Domain, Tenant, validate_timezone
from tenants.onboarding import check_rights, checked_domain, checked_slug
from tenants.schema import in_public

# Sent inside the tenant; what receivers return, lists of sentences, is told to the operator.
restored = Signal()


@dataclass(frozen=True, slots=True)
class Restored:
    """A tenant that has been brought back.

    Attributes
    ----------
    warnings
        What does not work as it did, and how to mend it.
    """

    tenant: Tenant
    domain: str
    rows: int
    warnings: list[str]


def restore_tenant(
    path: Path, *, by: str, slug: str = "", domain: str = "", name: str = "", active: bool = False
) -> Restored:
    """Make a tenant from an archive, whole or not at all.

    Parameters
    ----------
    slug, domain, name
        What it is called and where it answers from now on; as in the archive where empty, and on a
        subdomain of this installation where another short name is given alone.
    active
        Serve it at once. Otherwise it is suspended until it is resumed: its original may be at
        work elsewhere, and would ask the same sources and send the same mails.

    Raises
    ------
    ArchiveError
        The archive is damaged, or of a later release than this one.
    OnboardingError
        A name is malformed, or the role of DATABASE_URL may not make schemas.
    """
    check_rights()
    with reading(path) as archive, in_public(), transaction.atomic():
        manifest = archive.manifest
        slug = checked_slug(slug or manifest.tenant["slug"])
        moved = slug != manifest.tenant["slug"]
        own = "" if moved else next(iter(manifest.tenant["domains"]), "")
        domain = checked_domain(domain or own or f"{slug}.{settings.PUBLIC_DOMAIN}")
        _check_free(slug, domain)
        _check_zone(manifest.tenant["timezone"])
        now = timezone.now()
        tenant = Tenant(
            schema_name=slug.replace("-", "_"),
            name=name or manifest.tenant["name"],
            timezone=manifest.tenant["timezone"],
            language=manifest.tenant["language"],
            suspended_at=None if active else now,
            suspended_why="" if active else "restored, not yet resumed",
        )
        tenant.auto_create_schema = False
        tenant.save(verbosity=0)
        Domain.objects.create(tenant=tenant, domain=domain, is_primary=True)
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE SCHEMA {connection.ops.quote_name(tenant.schema_name)}")
        with tenant.entered():
            _migrate_as(manifest)
            _load(archive, tenant.schema_name)
        call_command(
            "migrate_schemas",
            tenant=True,
            schema_name=tenant.schema_name,
            interactive=False,
            verbosity=0,
        )
        with tenant.entered():
            warnings = [
                one for _, told in restored.send(Tenant, tenant=tenant) for one in told or ()
            ]
        detail = f"as {slug} at {domain}, {manifest.rows} rows of {manifest.made_at}"
        record(Act.What.TENANT_RESTORED, slug, by=by, detail=detail)
    return Restored(tenant, domain, manifest.rows, warnings)


def _check_free(slug: str, domain: str) -> None:
    schema = slug.replace("-", "_")
    if Tenant.objects.filter(schema_name=schema).exists() or schema_exists(schema):
        raise ArchiveError(
            f"There is a tenant or a schema “{slug}” already; name another one with --as, for "
            f"example --as {slug}-restored."
        )
    if Domain.objects.filter(domain=domain).exists():
        raise ArchiveError(
            f"The domain {domain} belongs to another tenant; name one with --domain."
        )


def _check_zone(name: str) -> None:
    try:
        validate_timezone(name)
    except ValidationError as error:
        raise ArchiveError(f"The archive's tenant has no time zone: {error.message}") from None


def _migrate_as(manifest: Manifest) -> None:
    """Make the tables as they were when the archive was written."""
    executor = MigrationExecutor(connection)
    seen = {(app, name) for app, names in manifest.migrations.items() for name in names}
    unknown = sorted(seen - executor.loader.graph.nodes.keys())
    if unknown:
        app, name = unknown[0]
        raise ArchiveError(
            f"The archive comes from a later release: this one does not know the migration {name} "
            f"of {app}. Bring the installation up to date first."
        )
    # In each app the last ones: to ask for an earlier one after them would undo the later.
    children = executor.loader.graph.node_map
    last = [
        node
        for node in sorted(seen)
        if not any(
            child.key in seen and child.key[0] == node[0] for child in children[node].children
        )
    ]
    executor.migrate(last)


def _load(archive: Archive, schema: str) -> None:
    """Fill the tables. What migrations have put into them is in the archive as well."""
    quote = connection.ops.quote_name
    there = tables_of(schema)
    names = ", ".join(quote(name) for name in there if name not in LEFT_OUT)
    if not names:
        raise ArchiveError("The archive names no migrations, so there are no tables to fill.")
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {names} RESTART IDENTITY")
        # Tables come by name, and refer to each other. Migrations leave their references strict.
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        for table in archive.manifest.tables:
            _check(table, there.get(table.name, []))
            columns = ", ".join(quote(column) for column in table.columns)
            try:
                with (
                    connection.wrap_database_errors,
                    cursor.copy(f"COPY {quote(table.name)} ({columns}) FROM STDIN") as copy,
                ):
                    for chunk in archive.text(table):
                        copy.write(chunk)
            except DatabaseError as error:
                raise ArchiveError(f"{table.name} can't be loaded: {error}") from error
            if cursor.rowcount != table.rows:
                raise ArchiveError(
                    f"{table.name} has {cursor.rowcount} rows instead of {table.rows}."
                )
        try:
            # Now: a table can't be changed by later migrations while references wait to be checked.
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        except IntegrityError as error:
            raise ArchiveError(f"The tables do not fit each other: {error}") from error
        for one in archive.manifest.sequences:
            cursor.execute("SELECT setval(%s, %s, %s)", [quote(one.name), one.last, one.is_called])


def _check(table: Table, columns: Sequence[str]) -> None:
    strange = sorted(set(table.columns) - set(columns))
    if not columns or strange:
        what = f"columns {', '.join(strange)}" if columns else "table"
        raise ArchiveError(f"{table.name}: its {what} is unknown to the migrations it names.")
