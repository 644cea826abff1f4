"""A tenant's schema can lie on a server of its own: it has nothing that Citus refuses there.

What Citus takes is said in docs/growing.md. It is held against the catalogue, for no server here
has the extension.
"""

from django.db import connection

from tests.conftest import Customer

# Each lists what is in the way, and stays empty.
REFUSED = {
    "a foreign key to another schema": (
        "SELECT conname FROM pg_constraint o JOIN pg_class c ON c.oid = o.confrelid "
        "WHERE o.connamespace = %(here)s::regnamespace "
        "AND o.contype = 'f' AND c.relnamespace <> o.connamespace"
    ),
    "a trigger": (
        "SELECT tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
        "WHERE c.relnamespace = %(here)s::regnamespace AND NOT t.tgisinternal"
    ),
    "a rule": "SELECT rulename FROM pg_rules WHERE schemaname = %(here)s",
    "a table that is partitioned, foreign, inherits or does not outlive a crash": (
        "SELECT relname FROM pg_class c WHERE relnamespace = %(here)s::regnamespace "
        "AND (relkind NOT IN ('r', 'i', 'S', 't') OR relpersistence <> 'p' "
        "OR EXISTS (SELECT FROM pg_inherits WHERE c.oid IN (inhrelid, inhparent)))"
    ),
    "a table without a primary key, which could not be moved while it is written": (
        "SELECT relname FROM pg_class c WHERE relnamespace = %(here)s::regnamespace "
        "AND relkind = 'r' AND NOT EXISTS "
        "(SELECT FROM pg_constraint WHERE conrelid = c.oid AND contype = 'p')"
    ),
    "a function": "SELECT proname FROM pg_proc WHERE pronamespace = %(here)s::regnamespace",
}


def test_nothing_in_a_tenant_is_refused_by_citus(in_acme: Customer) -> None:
    found = {}
    with connection.cursor() as cursor:
        for what, query in REFUSED.items():
            cursor.execute(query, {"here": in_acme.tenant.schema_name})
            found[what] = [name for (name,) in cursor.fetchall()]
    assert {what: names for what, names in found.items() if names} == {}


def test_each_of_these_would_be_found(in_acme: Customer) -> None:
    """Put one of each into the schema; it goes back with the test."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
            "CREATE UNLOGGED TABLE bare (tenant bigint REFERENCES public.tenants_tenant);"
            "CREATE TRIGGER pulled BEFORE INSERT ON bare FOR EACH ROW EXECUTE FUNCTION nothing();"
            "CREATE RULE ruled AS ON DELETE TO bare DO INSTEAD NOTHING"
        )
        for what, query in REFUSED.items():
            cursor.execute(query, {"here": in_acme.tenant.schema_name})
            assert cursor.fetchall(), what
