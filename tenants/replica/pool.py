"""The pool of connections to a replica, none of which is waited for for long."""

from collections.abc import Generator
from typing import Any, TypeVar

from psycopg import Connection, OperationalError
from psycopg.errors import _WaitTimeout

from config.replica import outage
from tenants.postgresql.pool import Pool

T = TypeVar("T")

# A server that hangs takes connections and says nothing. So long is waited for what it can tell at
# once, and for a part of an answer [s].
PATIENCE, SILENCE = 1.0, 5.0


class PatientConnection(Connection[Any]):
    """Closes itself where the server has not answered in time.

    Attributes
    ----------
    patience
        How long it waits [s].
    is_ours
        Whether the server is known to be a copy of the primary.
    why_closed
        In words, where it has closed itself.
    """

    patience = PATIENCE
    is_ours = False
    why_closed = ""

    def wait(
        self,
        gen: Generator[Any, Any, T],
        interval: float = 0.1,
        timeout: float | None = None,
    ) -> T:
        limit = self.patience if timeout is None else timeout
        try:
            return super().wait(gen, interval, limit)
        except _WaitTimeout:
            # Whatever comes later would be taken for the answer to another question.
            self.pgconn.finish()
            self.why_closed = f"no answer within {limit:g} s"
            raise OperationalError(self.why_closed) from None


class ReplicaPool(Pool):
    """Knows of the same outage as those who decide whether the replica is asked at all."""

    connection_kind = PatientConnection
    outage_of_server = outage

    def connected(self) -> None:
        """Note nothing: one that is no replica, or hangs, takes connections as well."""
