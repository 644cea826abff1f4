"""Fixtures of the trials on tenants: marked ones, and work outside of the test's transaction."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.db import connection

from tests.conftest import CUSTOMERS, Customer
from tests.tenants import queued
from tests.tenants.marks import Marked, mark
from tests.tenants.traces import assert_nothing, watched


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


@pytest.fixture
def leaves_no_trace(
    marked: tuple[Marked, Marked], way: int, tmp_path: Path, settings: Any
) -> Iterator[None]:
    """Search also what a walk leaves behind: log, mails, Redis, messages, files."""
    settings.SENDS_MAIL = True
    mine, others = marked[::way]
    queued.clear()
    with watched(tmp_path, marked) as seen:
        yield
    seen.assert_clean(mine, others)
    while message := queued.taken():
        assert message.tenant == mine.customer.tenant.schema_name
        assert_nothing(message.text, others, f"a message of {message.task}")
