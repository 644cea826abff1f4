"""Where the current connection is: in public, or in a tenant's schema."""

from django.db import connection
from django_tenants.utils import get_public_schema_name


def current_schema() -> str:
    """Name the schema that the connection works in."""
    return connection.schema_name or public_schema()  # type: ignore[attr-defined]


def enter_public() -> None:
    """Leave whatever tenant the connection is in."""
    connection.set_schema_to_public()  # type: ignore[attr-defined]


def public_schema() -> str:
    name: str = get_public_schema_name()
    return name
