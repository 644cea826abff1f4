"""A new tenant's schema is copied, and is what the migrations would have made."""

import re
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django_tenants.utils import schema_context

from ingestion.models import Run
from tenants.blueprint import BLUEPRINT, BlueprintError, make_schema
from tenants.lifecycle import delete, suspend
from tenants.onboarding import create_tenant
from tests.conftest import Customer

# Everything that PostgreSQL knows of a schema, whatever a copy may forget.
CATALOGUE = """
WITH here AS (SELECT * FROM pg_class WHERE relnamespace = %(s)s::regnamespace)
SELECT 'relation', relname, concat_ws(' ', relkind, relpersistence, relreplident, relrowsecurity),
       array_to_string(reloptions, ' '), array_to_string(relacl, ' ') FROM here
UNION ALL SELECT 'column', c.relname || '.' || attname,
       concat_ws(' ', format_type(atttypid, atttypmod), attnotnull, attidentity, attgenerated,
                 attstorage, attcompression, attcollation, attstattarget),
       pg_get_expr(d.adbin, d.adrelid), array_to_string(attoptions, ' ')
FROM pg_attribute a JOIN here c ON c.oid = attrelid
LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = attnum
WHERE attnum > 0 AND NOT attisdropped
UNION ALL SELECT 'constraint', conrelid::regclass || '.' || conname, pg_get_constraintdef(oid),
       concat_ws(' ', contype, convalidated, condeferrable, condeferred), conindid::regclass::text
FROM pg_constraint WHERE connamespace = %(s)s::regnamespace
UNION ALL SELECT 'index', c.relname, pg_get_indexdef(indexrelid, 0, true),
       concat_ws(' ', indisunique, indisprimary, indisvalid, indisclustered, indisreplident), ''
FROM pg_index JOIN here c ON c.oid = indexrelid
UNION ALL SELECT 'sequence', c.relname, format_type(seqtypid, NULL),
       concat_ws(' ', seqstart, seqincrement, seqmax, seqmin, seqcache, seqcycle),
       (SELECT string_agg(concat_ws(' ', p.deptype, p.refobjid::regclass, p.refobjsubid), ' ')
        FROM pg_depend p WHERE p.objid = c.oid AND p.refclassid = 'pg_class'::regclass)
FROM pg_sequence JOIN here c ON c.oid = seqrelid
UNION ALL SELECT 'trigger', c.relname || tgfoid::regproc::text, tgtype::text, tgenabled::text, ''
FROM pg_trigger JOIN here c ON c.oid = tgrelid
UNION ALL SELECT 'type', typname, typtype::text, '', ''
FROM pg_type WHERE typnamespace = %(s)s::regnamespace
UNION ALL SELECT 'comment', objoid::regclass::text, description, '', ''
FROM pg_description JOIN here c ON c.oid = objoid
UNION ALL SELECT 'function', proname, prosrc, '', ''
FROM pg_proc WHERE pronamespace = %(s)s::regnamespace
ORDER BY 1, 2, 3, 4, 5
"""
TRIGGER = (
    "CREATE TRIGGER moved BEFORE UPDATE ON {}.meters_meter FOR EACH ROW "
    "EXECUTE FUNCTION suppress_redundant_updates_trigger()"
)
# PostgreSQL writes an array of constants with its casts in one place, and reads it in another.
CASTS = re.compile(r"::character varying|::text(\[\])?|[()]")


def catalogue(schema: str) -> list[tuple[str, ...]]:
    with connection.cursor() as cursor:
        # Names of what is searched come without their schema.
        cursor.execute(f'SET LOCAL search_path = "{schema}"')
        cursor.execute(CATALOGUE, {"s": schema})
        return [tuple(CASTS.sub("", text or "") for text in row) for row in cursor.fetchall()]


def contents(schema: str) -> dict[str, list[Any]]:
    """Return the rows of each table, without the instants at which migrations were run."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, relkind FROM pg_class WHERE relnamespace = %s::regnamespace "
            "AND relkind IN ('r', 'S')",
            [schema],
        )
        found = {}
        for name, kind in cursor.fetchall():
            columns = "last_value, is_called" if kind == "S" else "*"
            cursor.execute(f'SELECT {columns} FROM "{schema}"."{name}"')
            rows = [row[:3] if name == "django_migrations" else row for row in cursor.fetchall()]
            found[name] = sorted(rows, key=repr)
        return found


@pytest.mark.django_db
def test_a_copy_is_what_the_migrations_make(acme: Customer) -> None:
    make_schema("copied")
    with connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA migrated")
    call_command("migrate_schemas", schema_name="migrated", verbosity=0, interactive=False)
    connection.set_schema_to_public()  # type: ignore[attr-defined]

    made = catalogue("copied")
    assert made == catalogue("migrated")
    assert {kind for kind, *_ in made} >= {"relation", "column", "constraint", "index", "sequence"}
    rows = contents("copied")
    assert rows == contents("migrated")
    assert len(rows["auth_permission"]) > 50
    assert rows["django_content_type_id_seq"] == [(len(rows["django_content_type"]), True)]


@pytest.mark.django_db
def test_indexes_of_some_rows_are_used_as_before(acme: Customer) -> None:
    """Casts stand elsewhere in their conditions; to the planner they are the same."""
    make_schema("copied")
    with schema_context("copied"), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_bitmapscan = off")
        open_runs = Run.objects.filter(state__in=Run.OPEN).order_by("queued_at")
        assert "run_open" in open_runs.explain()


@pytest.mark.django_db
def test_a_copy_may_be_filled_and_dropped_in_one_transaction(acme: Customer) -> None:
    """What waits to be checked at the end of a transaction keeps its tables from being changed."""
    made = create_tenant(slug="brief")
    suspend(made.tenant, by="test")
    delete(made.tenant, by="test")
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_namespace WHERE nspname = 'brief'")
        assert cursor.fetchone() == (0,)


@pytest.mark.django_db
def test_a_blueprint_of_another_release_is_drawn_anew(acme: Customer) -> None:
    """Also one whose drawing somebody interrupted, or has written into."""
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {BLUEPRINT}.django_migrations WHERE app = 'notices'")
        cursor.execute(f"DROP TABLE {BLUEPRINT}.notices_letter CASCADE")
        cursor.execute(f"CREATE TABLE {BLUEPRINT}.of_before (id int)")
    make_schema("fresh")
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('fresh.notices_letter'), to_regclass('fresh.of_before')")
        assert cursor.fetchone() == ("fresh.notices_letter", None)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("CREATE VIEW {}.seen AS SELECT 1 AS one", "seen"),
        ("CREATE FUNCTION {}.told() RETURNS int LANGUAGE sql RETURN 1", "told"),
        ("CREATE DOMAIN {}.narrow AS int", "narrow"),
        (TRIGGER, "moved"),
        ("ALTER TABLE {}.meters_meter ADD twice int GENERATED ALWAYS AS (2) STORED", "twice"),
        ("ALTER TABLE {}.meters_meter ENABLE ROW LEVEL SECURITY", "meters_meter"),
        ("ALTER TABLE {}.meters_meter ALTER name SET STORAGE EXTERNAL", "name"),
    ],
)
def test_what_is_not_copied_is_told_and_nothing_made(
    acme: Customer, statement: str, named: str
) -> None:
    """Whoever writes such a migration learns by its first tenant what else there is to do."""
    with connection.cursor() as cursor:
        cursor.execute(statement.format(BLUEPRINT))
    with pytest.raises(BlueprintError, match=f"how to copy {named} "), transaction.atomic():
        make_schema("half")
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_namespace WHERE nspname = 'half'")
        assert cursor.fetchone() == (0,)
