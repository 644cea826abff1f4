"""Fixtures of the trials on tenants: marked ones, and work outside of the test's transaction."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from django.db import connection

from tests.conftest import CUSTOMERS, Customer
from tests.tenants.marks import Marked, mark


@pytest.fixture
def marked(acme: Customer, nordwind: Customer) -> tuple[Marked, Marked]:
    """Both tenants full of marks; they have one meter's muid in common, and no object's number."""
    return (
        mark(
            acme,
            word="kormoran",
            value=13.3717,
            own=UUID("aaaaaaaa-0000-4000-8000-00000000000a"),
        ),
        mark(
            nordwind,
            word="seeadler",
            value=86.4291,
            own=UUID("bbbbbbbb-0000-4000-8000-00000000000b"),
            first_key=70_001,
        ),
    )


@pytest.fixture
def committed(django_db_setup: None, django_db_blocker: Any) -> Iterator[dict[str, Customer]]:
    """Work outside of any transaction, where other processes and threads see it.

    pytest-django's own way empties all tables of public afterwards, the tenants of the session
    among them. Here each test removes what it made.
    """
    with django_db_blocker.unblock():
        connection.close()
        connection.set_schema_to_public()
        yield CUSTOMERS
        connection.set_schema_to_public()
        connection.close()
