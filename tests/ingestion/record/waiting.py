"""Two at once: something done over a connection of its own, and waiting until it waits."""

import threading
from collections.abc import Callable
from typing import Any

from django.db import connection

from tenants.models import Tenant


def in_a_thread(tenant: Tenant, work: Callable[[], object]) -> tuple[threading.Thread, list[Any]]:
    """Begin to do something; what it returns or raises is told in the list."""
    told: list[Any] = []

    def run() -> None:
        try:
            with tenant.entered():
                told.append(work())
        except Exception as error:  # noqa: BLE001 - the test looks at it
            told.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread, told


def wait_for_a_lock() -> None:
    """Wait until somebody's statement waits for a lock."""
    for _ in range(500):
        with connection.cursor() as cursor:
            # Unlike pg_stat_activity, not remembered for the length of a transaction.
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0]:
                return
        threading.Event().wait(0.02)
    raise AssertionError("nobody waits")
