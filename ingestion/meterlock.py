"""One question of a meter at a time: from before it is asked until its answer is stored.

Two workers may have runs of one meter. Did one of them ask before the upstream corrected a value,
and the other one after, then what is stored in the end would be up to who stores last. So the
second asks when the first has stored: what is stored later was asked for later.

The lock is PostgreSQL's, held by the session of the connection that stores. It ends with the
session: whoever is killed lets go of it, and whoever loses the connection can store nothing more
before it has noticed.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from hashlib import blake2b

from django.db import Error, connection

from tenants.schema import current_schema

# Longer than an answer may take. Whoever is not through by then has stopped, or is very slow.
PATIENCE = 150.0
POLL = 0.1


class MeterBusyError(RuntimeError):
    """Another run has been reading the meter all this time."""

    def __init__(self) -> None:
        super().__init__(
            "Another run has been reading this meter for minutes, and this one left it to that."
        )


@contextmanager
def alone_with(
    meter: int,
    *,
    check: Callable[[], None],
    patience: float = PATIENCE,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[None]:
    """Have a meter of the current tenant to oneself for as long as the block lasts.

    Parameters
    ----------
    meter
        Its primary key.
    check
        Called while waiting; raises where there is nothing to wait for any more.
    patience
        The longest wait [s].

    Raises
    ------
    MeterBusyError
        Somebody else has had it for all that time.
    """
    key = _key(meter)
    deadline = time.monotonic() + patience
    while not _ask("pg_try_advisory_lock", key):
        check()
        if time.monotonic() > deadline:
            raise MeterBusyError
        sleep(POLL)
    try:
        yield
    finally:
        # Where the connection is gone, so is the lock.
        with suppress(Error):
            _ask("pg_advisory_unlock", key)


def _key(meter: int) -> int:
    """Name a meter by a number of 64 bits: such locks are the whole database's."""
    name = f"lastgang meter {current_schema()} {meter}"
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), signed=True)


def _ask(function: str, key: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s)", [key])
        return bool(cursor.fetchone()[0])
