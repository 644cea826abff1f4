"""Fixtures of ingestion: a tenant whose work is really committed, for other processes to see."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection

from ingestion.endpoint import Limits
from tenants.models import Tenant
from tenants.onboarding import create_tenant


@pytest.fixture
def committed(django_db_setup: None, django_db_blocker: Any) -> Iterator[Tenant]:
    """Work inside a tenant of the test's own, outside of any transaction; it is dropped behind."""
    with django_db_blocker.unblock():
        tenant = create_tenant(slug=f"t-{uuid4().hex[:10]}").tenant
        try:
            with tenant.entered():
                yield tenant
        finally:
            connection.set_schema_to_public()
            with connection.cursor() as cursor:
                cursor.execute(f'DROP SCHEMA "{tenant.schema_name}" CASCADE')
            tenant.delete()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> Limits:
    """Let clients that are told nothing else wait for tenths of a second."""
    limits = Limits(connect=0.5, read=0.3, total=0.8, size=2_000_000, attempts=3, wait=30)
    monkeypatch.setattr("ingestion.client.Limits", lambda: limits)
    return limits


@pytest.fixture
def piece_by_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces are not stored together, however quickly they come."""
    monkeypatch.setattr("ingestion.windows.PORTION", 1)
