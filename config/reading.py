"""Where what is read of a tenant comes from at the moment: the primary, or a replica of it.

Only a request that changes nothing reads at a replica, and it says so by `reading`. Everybody else,
be it a worker, a command, or a request that may write, is not asked and reads the primary. Who
decides for a request, and how, stands in `config.replica`.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol, TypeVar

from django.db import DEFAULT_DB_ALIAS, Error, connections
from django.db.models import Model

T = TypeVar("T")

PRIMARY, REPLICA = DEFAULT_DB_ALIAS, "replica"
# Readings and what is kept about them: that is where the load is. Who asks, and what they may, is
# asked of the primary alone: it is little, and much of it is written while it is asked.
APART = frozenset({"meters", "ingestion", "notices"})


class Place(Protocol):
    """Where one request reads."""

    needed: int

    @property
    def alias(self) -> str:
        """The connection to read through now."""

    def to_primary(self) -> None:
        """Read the primary from here on."""

    def is_lost_by(self, error: BaseException) -> bool:
        """Whether it was the replica that failed; from here on the primary is read."""


_place: ContextVar[Place | None] = ContextVar("place", default=None)


def current_place() -> Place | None:
    """Return what the request has said; None where nobody has, and the primary is read."""
    return _place.get()


@contextmanager
def reading(place: Place | None) -> Iterator[None]:
    """Read at this place inside the block."""
    token = _place.set(place)
    try:
        yield
    finally:
        _place.reset(token)


def read_at(place: Place | None, question: Callable[[], T]) -> T:
    """Read at this place, or of the primary where the place is lost meanwhile.

    For what is read after its request is over, as a streaming answer does: nobody else would ask
    again there.
    """
    with reading(place):
        try:
            return question()
        except Error as error:
            if place is None or not place.is_lost_by(error):
                raise
        return question()


def reading_connection() -> Any:
    """Return the connection that readings are to be read through now."""
    place = _place.get()
    return connections[PRIMARY if place is None else place.alias]


class Router:
    """Sends what Django reads to the same place; everything that is written, to the primary.

    It always answers. Where no router does, Django asks the server that an object came from, and
    one that came from the replica would be saved there.
    """

    def db_for_read(self, model: type[Model], **hints: Any) -> str:
        place = _place.get()
        if place is None or model._meta.app_label not in APART:  # noqa: SLF001 - documented
            return PRIMARY
        return place.alias

    def db_for_write(self, model: type[Model], **hints: Any) -> str:
        if (place := _place.get()) is not None:
            place.to_primary()
        return PRIMARY

    def allow_relation(self, one: Model, other: Model, **hints: Any) -> bool:
        """Both servers hold the same rows."""
        return True
