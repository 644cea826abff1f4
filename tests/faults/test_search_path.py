"""A connection that can't be brought into its tenant's schema asks nothing."""

from typing import Any

import pytest
from django.db import OperationalError, connection, transaction

from accounts.models import User
from tests.conftest import CUSTOMERS


@pytest.fixture
def committed(django_db_setup: None, django_db_blocker: Any) -> Any:
    with django_db_blocker.unblock():
        yield
        connection.set_schema_to_public()  # type: ignore[attr-defined]
        connection.close()


def cancelled(execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
    """Have PostgreSQL cancel the statement that sets the search path, as an operator might."""
    if str(sql).startswith("SET search_path"):
        sql = f"SELECT pg_cancel_backend(pg_backend_pid()), pg_sleep(1); {sql}"
    return execute(sql, params, many, context)


def test_a_cancelled_entry_shows_nothing_of_whoever_was_served_before(committed: None) -> None:
    acme, nordwind = CUSTOMERS["acme"], CUSTOMERS["nordwind"]
    with nordwind.tenant.entered():
        assert User.objects.filter(email=nordwind.email).exists()
        with (
            acme.tenant.entered(),
            connection.execute_wrapper(cancelled),
            pytest.raises(OperationalError, match="can't be brought into acme"),
        ):
            # Without the failure this is nordwind's table.
            User.objects.filter(email=nordwind.email).exists()
        # The next one is served as ever.
        with acme.tenant.entered():
            assert User.objects.filter(email=acme.email).exists()
            assert not User.objects.filter(email=nordwind.email).exists()


def test_in_a_transaction_that_has_failed_its_own_error_is_told(committed: None) -> None:
    with (
        CUSTOMERS["acme"].tenant.entered(),
        pytest.raises(OperationalError, match="canceling statement"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT pg_cancel_backend(pg_backend_pid()), pg_sleep(1)")
