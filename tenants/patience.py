"""Work on tables that are in use: a lock is waited for briefly, and then asked for again.

PostgreSQL queues locks. An ``ALTER TABLE`` that waits behind one long reader keeps every later
reader of that table waiting behind itself. So each migration gives up after two seconds, lets the
others pass, and is tried again after a pause that grows.
"""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog
from django.core.management.base import CommandError
from django.db import OperationalError, connection
from psycopg import errors

log = structlog.get_logger(__name__)

# So long readers and writers may be kept waiting by one try [ms].
PATIENCE = 2_000
# Pauses between tries [s]. With the waiting itself, somebody who holds a lock has two minutes.
PAUSES = (1, 2, 4, 8, 15, 15, 15, 15, 15)
# Who deadlocks with a migration and who makes it wait is the same to it.
PASSING = (errors.LockNotAvailable, errors.DeadlockDetected)
OLDEST = """
SELECT pid, application_name, state, to_char(xact_start AT TIME ZONE 'UTC', 'HH24:MI:SS')
FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL
AND backend_type = 'client backend' ORDER BY xact_start LIMIT 3
"""


class LockedError(CommandError):
    """A table stayed locked; the text says by whom, as far as that can be seen."""


def patiently(work: Callable[[], None], what: str) -> None:
    """Do work that changes tables, again where others hold them.

    Inside somebody else's transaction it is done once, and waits for as long as it has to: after a
    failure nothing could be tried again.

    Parameters
    ----------
    work
        Each time it goes on with what is left to do.
    what
        Whom it is for, for the log.

    Raises
    ------
    LockedError
        The last try was in vain as well. What was done before it stands.
    """
    if connection.in_atomic_block:
        work()
        return
    for number in range(len(PAUSES) + 1):
        try:
            with _brief():
                work()
        except OperationalError as error:
            if not isinstance(error.__cause__, PASSING):
                raise
            if number == len(PAUSES):
                raise LockedError(
                    f"What is to be changed stayed locked through {number + 1} tries. "
                    f"{_oldest()} Call migrate_schemas again once they are through."
                ) from error
            log.warning("migration tried again", tenant=what, words=str(error).splitlines()[0])
            # Several that wait for the same one do not come back at the same moment.
            time.sleep(PAUSES[number] * random.uniform(0.75, 1.25))  # noqa: S311 - no secret
        else:
            return


@contextmanager
def _brief() -> Iterator[None]:
    connection.lock_patience = PATIENCE  # type: ignore[attr-defined]
    try:
        yield
    finally:
        connection.lock_patience = 0  # type: ignore[attr-defined]


def _oldest() -> str:
    """Say which transactions have been open for longest."""
    with connection.cursor() as cursor:
        cursor.execute(OLDEST)
        found = [
            f"process {pid} ({', '.join(filter(None, (name, state)))}) since {since} UTC"
            for pid, name, state, since in cursor.fetchall()
        ]
    return f"Transactions open for longest: {'; '.join(found) or 'none that can be seen'}."
