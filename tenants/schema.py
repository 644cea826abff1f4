"""Where the current connection is: in public, or in a tenant's schema."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection
from django_tenants.utils import get_public_schema_name, schema_context


def current_schema() -> str:
    """Name the schema that the connection works in."""
    return connection.schema_name or public_schema()  # type: ignore[attr-defined]


def enter_public() -> None:
    """Leave whatever tenant the connection is in."""
    connection.set_schema_to_public()  # type: ignore[attr-defined]


@contextmanager
def in_public() -> Iterator[None]:
    """Work in public, and return to where the connection was before."""
    with schema_context(public_schema()):
        yield


@contextmanager
def kept() -> Iterator[None]:
    """Return to where the connection was before, whatever is entered inside."""
    before: Any = connection.tenant  # type: ignore[attr-defined]
    try:
        yield
    finally:
        connection.set_tenant(before)  # type: ignore[attr-defined]


def public_schema() -> str:
    name: str = get_public_schema_name()
    return name
