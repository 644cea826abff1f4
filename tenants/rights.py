"""What a process that only serves may do in the database: read and write rows, no more.

The role that `migrate_schemas` and `create_tenant` work as owns the tables. A web process need not:
with a role that owns nothing, whatever is smuggled into its SQL can't drop or change a table. It
does not keep tenants apart; why no role of PostgreSQL does is argued in docs/adr/0004.
"""

from dataclasses import dataclass

from django.db import connection, transaction

from tenants.models import Tenant
from tenants.schema import in_public, public_schema

# So many schemas in one transaction: each takes locks on all of its tables.
AT_ONCE = 20
# What the owner makes later, and what is there.
LATER = (
    "ALTER DEFAULT PRIVILEGES GRANT USAGE ON SCHEMAS TO {role}",
    "ALTER DEFAULT PRIVILEGES GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {role}",
    "ALTER DEFAULT PRIVILEGES GRANT USAGE, SELECT ON SEQUENCES TO {role}",
)
NOW = (
    "GRANT USAGE ON SCHEMA {schema} TO {role}",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {role}",
    "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {schema} TO {role}",
)
ASK = """
SELECT rolsuper, pg_has_role(oid, current_user, 'MEMBER'),
       has_database_privilege(oid, current_database(), 'CREATE')
FROM pg_roles WHERE rolname = %s
"""


class RightsError(ValueError):
    """The role is none to serve with; the text says why and what to do instead."""


@dataclass(frozen=True, slots=True)
class Granted:
    """To whom rights were given, and in how many schemas."""

    role: str
    schemas: int


def grant_serving(role: str) -> Granted:
    """Let a role read and write rows of public and of every tenant, those to come included.

    Called again it does no harm, and catches up with what others than the present user have made.

    Raises
    ------
    RightsError
        There is no such role, or it may do more than serve already.
    """
    _check(role)
    with in_public():
        schemas = [
            public_schema(),
            *Tenant.objects.order_by("schema_name").values_list("schema_name", flat=True),
        ]
        # First, so that a tenant which is made meanwhile is not left out.
        _execute(LATER, role)
        for begin in range(0, len(schemas), AT_ONCE):
            with transaction.atomic():
                for schema in schemas[begin : begin + AT_ONCE]:
                    _execute(NOW, role, schema)
    return Granted(role, len(schemas))


def may_make_schemas() -> bool:
    """Whether the present role can make tenants; one that only serves can not."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT has_database_privilege(current_database(), 'CREATE')")
        return bool(cursor.fetchone()[0])


def _check(role: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(ASK, [role])
        found = cursor.fetchone()
    if found is None:
        raise RightsError(
            f"PostgreSQL knows no role “{role}”. Make it first, for example with\n"
            f"  CREATE ROLE {role} LOGIN PASSWORD '…'"
        )
    if any(found):
        why = ("is a superuser", "is, or belongs to, the owner", "may make schemas")
        words = next(words for words, holds in zip(why, found, strict=True) if holds)
        raise RightsError(
            f"“{role}” {words}, so rights that are granted would take nothing from it. Name a role "
            "that has none yet."
        )


def _execute(statements: tuple[str, ...], role: str, schema: str = "") -> None:
    quote = connection.ops.quote_name
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement.format(role=quote(role), schema=quote(schema)))
