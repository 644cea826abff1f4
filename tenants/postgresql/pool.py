"""The pool of connections of a web process: what was cut is noticed, what is gone is told at once.

Measured on psycopg's own pool. A connection that was cut while it lay idle was handed out, and cost
one request its answer; four of them cost four. While PostgreSQL was gone each request waited for
the whole time-out of 10 s, and after an outage of 20 s the pool did not try again for another 9 s,
for it tries ever more seldom.
"""

import select
from typing import Any

from psycopg import Connection, Error, OperationalError
from psycopg_pool import ConnectionPool

from config.outages import Outage


class Pool(ConnectionPool[Connection[Any]]):
    """Hands out connections that are there, or says at once that there are none.

    Of the library's own it uses three names that are not public, `_connect`, `_lock` and
    `_waiting`; `tests/faults/` fails where another release has others.

    Attributes
    ----------
    connection_kind
        What it hands out.
    outage_of_server
        Whether the server is gone, where others note that as well.
    """

    connection_kind: type[Connection[Any]] = Connection
    outage_of_server: Outage | None = None

    def __init__(self, **options: Any) -> None:
        self.outage = self.outage_of_server or Outage(
            "PostgreSQL",
            "Pages and the API answer 503 until it is back; nothing that is stored is lost.",
        )
        self._why: Exception | None = None
        super().__init__(connection_class=self.connection_kind, **options)

    def getconn(self, timeout: float | None = None) -> Connection[Any]:
        """Return a connection that has not been cut while it lay here.

        Raises
        ------
        psycopg.OperationalError
            PostgreSQL can't be reached, or all connections are in use for too long.
        """
        while True:
            if self.outage.rests:
                raise self._gone()
            found = super().getconn(timeout)
            if not _is_cut(found):
                return found
            found.close()
            self.putconn(found)
            # What cuts one has mostly cut them all: the others are looked at now, not one by one.
            self.check()

    def reconnect_failed(self) -> None:
        """Tell those who wait, now that it has been tried in vain."""
        with self._lock:
            waiting = list(self._waiting)
            self._waiting.clear()
        self.outage.failed(self._why or OperationalError("no connection"))
        for one in waiting:
            one.fail(self._gone())

    def _connect(self, timeout: float | None = None) -> Connection[Any]:
        try:
            made = super()._connect(timeout)
        except Exception as error:
            self._why = error
            raise
        self.connected()
        return made

    def connected(self) -> None:
        """Note that the server has taken a connection."""
        self.outage.worked()

    def _gone(self) -> Error:
        """Say why, with PostgreSQL's own code, so that the answer can tell as well."""
        kind = type(self._why) if isinstance(self._why, Error) else OperationalError
        return kind(str(self._why))


def _is_cut(connection: Connection[Any]) -> bool:
    """Whether PostgreSQL has ended a connection that lay idle.

    It says so before it does, or the system does. A look at the socket costs 3 µs; the question
    that the library would put with each request takes 165 µs of processor time and a round trip. So
    it is put only where there is something to be read, be it no more than the news of a setting.
    """
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    if not poll.poll(0):
        return False
    try:
        ConnectionPool.check_connection(connection)
    except Error:
        return True
    return False
