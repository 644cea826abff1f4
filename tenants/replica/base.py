"""The connection to a replica: in the schema that the primary's connection is in, or nowhere.

django-tenants sets the tenant on one connection. A second one that had to be set beside it would
one day not be, and show a tenant what is another's. So this one has no tenant of its own: each time
that something is asked it looks where the primary's connection is.
"""

import time
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError, connections

from config.reading import PRIMARY, current_place
from config.replica import BehindError
from tenants.postgresql import base
from tenants.replica.pool import PATIENCE, SILENCE, ReplicaPool

# Null where the server is no replica, or no longer one.
REPLAYED = (
    "SELECT CASE WHEN pg_is_in_recovery() THEN (pg_last_wal_replay_lsn() - '0/0'::pg_lsn)::bigint "
    "END"
)
WHOSE = "SELECT system_identifier FROM pg_control_system()"
# The first pause before it is asked again how far it has got [s]; each is twice the one before.
PAUSE = 0.0005


class DatabaseWrapper(base.DatabaseWrapper):
    """Give a cursor in the right schema of a replica that has what the request needs; or fail.

    Attributes
    ----------
    replayed
        How far this very server is known to have replayed [bytes]; None where it was not asked
        since it was connected to. Behind one address may stand several.
    """

    pool_class = ReplicaPool

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.replayed: int | None = None
        super().__init__(*args, **kwargs)

    def close(self) -> None:
        self.replayed = None
        if self.connection is not None:
            self.connection.patience = PATIENCE
        super().close()

    def _cursor(self, name: str | None = None) -> Any:
        """Return a cursor.

        Raises
        ------
        InterfaceError
            Nobody has said that the replica may be read here, or the server is none of ours.
        BehindError
            It lacks something that the request needs.
        """
        place = current_place()
        if place is None:
            raise InterfaceError("Only requests that change nothing read from the replica.")
        primary: Any = connections[PRIMARY]
        if self.tenant is not primary.tenant or self.schema_name != primary.schema_name:
            self.set_tenant(primary.tenant)
        cursor = super()._cursor(name)
        try:
            if self.replayed is None or self.replayed < place.needed:
                self._see_to(cursor, place.needed)
        except BaseException:
            cursor.close()
            raise
        return cursor

    def _handle_search_path(self, cursor: Any = None) -> None:
        super()._handle_search_path(cursor)
        if self.connection.why_closed:
            # The library has passed over it, and what is asked next would fail in other words.
            self.errors_occurred = True
            raise OperationalError(self.connection.why_closed)

    def _see_to(self, cursor: Any, needed: int) -> None:
        """See that the server is ours and has replayed so much; wait for it for a moment."""
        if not self.connection.is_ours:
            self._identify(cursor)
        until, pause = time.monotonic() + settings.REPLICA_WAIT, PAUSE
        while True:
            cursor.execute(REPLAYED)
            [replayed] = cursor.fetchone()
            if replayed is None:
                self.errors_occurred = True
                raise InterfaceError("The server of DATABASE_REPLICA_URL is no replica now.")
            if replayed >= needed:
                break
            if time.monotonic() + pause > until:
                raise BehindError(f"It lacks {needed - replayed:,} bytes of the primary's log.")
            time.sleep(pause)
            pause *= 2
        self.replayed = replayed
        self.connection.patience = SILENCE

    def _identify(self, cursor: Any) -> None:
        """See once for each connection that the server is a copy of the primary.

        The positions of two logs that have nothing to do with each other compare as well.
        """
        cursor.execute(WHOSE)
        if cursor.fetchone()[0] != _primary_identifier():
            self.errors_occurred = True
            raise InterfaceError(
                "The server of DATABASE_REPLICA_URL is not a copy of the one of DATABASE_URL."
            )
        self.connection.is_ours = True


@lru_cache(maxsize=1)
def _primary_identifier() -> int:
    with connections[PRIMARY].cursor() as cursor:
        cursor.execute(WHOSE)
        return int(cursor.fetchone()[0])
