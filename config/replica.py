"""A replica of the database as a request may use it: up to date, or not at all.

Each request brings along how far the primary's write-ahead log had got when it came, which is told
with its tenant and costs no question. The replica has to have replayed that much before anything is
read there: so whoever asks sees all that was ever stored before, by whomever and in whatever way,
and no answer is older than one before it. What the replica lacks it is given a few milliseconds
for; then the request reads the primary, as it does where the replica is gone.
"""

import threading
from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.db import Error, InterfaceError, OperationalError, connections
from django.db.models import Field, Func
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from prometheus_client import Counter

from config.outages import Outage
from config.reading import PRIMARY, REPLICA, current_place, reading

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
# After it was too far behind it is left alone for so long [s], and told of once it has lasted so
# long [s].
BEHIND_REST, BEHIND_TOLD = 0.25, 30.0

outage = Outage(
    "The replica",
    "Everything is read from the primary until it is back.",
    verbs=("is left alone", "is back"),
)
lag = Outage(
    "The replica",
    "What it lacks is read from the primary.",
    rest=BEHIND_REST,
    told_after=BEHIND_TOLD,
    verbs=("lags behind", "has caught up"),
)
# While it fails, one thread tries it at a time: the others need not wait in vain as well.
_trial = threading.Lock()

READS = Counter(
    "lastgang_reads",
    "Requests that read, by the server that they read from and why.",
    ("server", "reason"),
)
for _server, _reason in (("replica", "current"), ("primary", "behind"), ("primary", "lost")):
    # From the start, for Prometheus sees no increase where there was nothing.
    READS.labels(_server, _reason)


class BehindError(OperationalError):
    """The replica has not replayed yet what the request needs."""


class Position(Func):
    """How far the write-ahead log has got that a commit anybody can see is in [bytes].

    Of a server that is read-only because it is itself a replica, how far it has replayed.
    """

    template = (
        "(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() "
        # Such a commit can be seen before it is flushed.
        "WHEN current_setting('synchronous_commit') = 'off' THEN pg_current_wal_insert_lsn() "
        "ELSE pg_current_wal_flush_lsn() END - '0/0'::pg_lsn)::bigint"
    )
    # PostgreSQL sends a whole number, which nobody needs to convert.
    output_field: Field[int, int] = Field()


def is_replicated() -> bool:
    """Whether there is a replica to read from."""
    return REPLICA in settings.DATABASES


class RequestPlace:
    """Where one request reads: decided when it first does, and then only ever for the primary.

    Attributes
    ----------
    needed
        How far the log had got when the request came [bytes].
    """

    def __init__(self, needed: int) -> None:
        self.needed = needed
        self._alias: str | None = None

    @property
    def alias(self) -> str:
        if connections[PRIMARY].in_atomic_block:
            # Whoever reads in a transaction reads what it has written.
            self.to_primary()
        if self._alias is None:
            self._alias = self._chosen()
        return self._alias

    def to_primary(self) -> None:
        self._alias = PRIMARY

    def is_lost_by(self, error: BaseException) -> bool:
        # What is wrong with the question is as wrong at the primary.
        if self._alias != REPLICA or not isinstance(error, OperationalError | InterfaceError):
            return False
        if isinstance(error, BehindError):
            # Another server than the one before, behind the same address.
            self._behind(error)
            return True
        if not connections[REPLICA].errors_occurred:
            # It was the primary that failed.
            return False
        self._lose(error)
        return True

    def _behind(self, error: BehindError) -> str:
        outage.worked()
        lag.failed(error)
        READS.labels("primary", "behind").inc()
        self._alias = PRIMARY
        return PRIMARY

    def _lose(self, error: BaseException) -> str:
        outage.failed(error)
        _drop()
        READS.labels("primary", "lost").inc()
        self._alias = PRIMARY
        return PRIMARY

    def _chosen(self) -> str:
        if outage.rests or lag.rests:
            READS.labels("primary", "lost" if outage.rests else "behind").inc()
            return PRIMARY
        if not (outage.is_on or lag.is_on):
            return self._tried()
        if not _trial.acquire(blocking=False):
            READS.labels("primary", "lost" if outage.is_on else "behind").inc()
            return PRIMARY
        try:
            return self._tried()
        finally:
            _trial.release()

    def _tried(self) -> str:
        # In this place, so that the connection knows what it has to have.
        with reading(self):
            try:
                connections[REPLICA].cursor().close()
            except BehindError as error:
                return self._behind(error)
            except Error as error:
                return self._lose(error)
        outage.worked()
        lag.worked()
        READS.labels("replica", "current").inc()
        return REPLICA


def _drop() -> None:
    """Give up a connection on which something failed, whatever state it is in."""
    replica = connections[REPLICA]
    if replica.connection is not None:
        replica.connection.close()
    replica.close()


class ReplicaMiddleware:
    """Have requests that change nothing read at the replica; unused where there is none.

    Where the replica fails in the midst of a request, the request is answered anew from the
    primary: nothing has gone out yet, and nothing was changed.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        if not is_replicated():
            raise MiddlewareNotUsed
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        needed: int | None = getattr(request, "wal_position", None)
        if needed is None or request.method not in SAFE:
            return self.get_response(request)
        with reading(RequestPlace(needed)):
            return self.get_response(request)

    def process_exception(
        self, request: HttpRequest, exception: Exception
    ) -> HttpResponseBase | None:
        place = current_place()
        if place is None or not place.is_lost_by(exception):
            return None
        return self.get_response(request)
