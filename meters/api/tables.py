"""Readings as a table, piece by piece: one row for each register and bucket.

Every format that is a file is written from these pieces. A decade of quarter-hours never stands in
memory as a whole: each piece is read inside its tenant, written out, and let go.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from django.db import connection

from config.reading import Place, current_place, read_at
from meters.api.query import ReadingsQuery
from meters.combining import combined
from meters.models import Register
from meters.obis_meaning import Direction
from meters.readings import RegisterReadings, readings
from meters.series import Buckets

# Buckets of one piece.
PIECE = 10_000


@dataclass(frozen=True, slots=True)
class Piece:
    """Some buckets of one register, or of several that are put together.

    Attributes
    ----------
    meter, register
        MUID and OBIS code; empty where several are put together.
    """

    meter: str
    register: str
    direction: str
    statistic: str
    unit: str
    buckets: Buckets


def units(asked: ReadingsQuery) -> list[str]:
    """List the units that occur in the table."""
    return list(dict.fromkeys(asked.query.measure(one).unit for one in asked.registers))


def pieces(asked: ReadingsQuery) -> Iterator[Piece]:
    """Read the table piece by piece, register by register, each in order of time.

    Made while the tenant is entered; each piece is read inside it and from the same server, for a
    streaming answer is made when the middleware has left.
    """
    return _each(asked, connection.tenant, current_place())  # type: ignore[attr-defined]


def _each(asked: ReadingsQuery, tenant: Any, place: Place | None) -> Iterator[Piece]:
    edges = asked.query.grid.edges
    for registers in _lines(asked):
        for low in range(0, len(edges) - 1, PIECE):
            high = min(low + PIECE, len(edges) - 1)
            query = replace(asked.query, start=int(edges[low]), end=int(edges[high]))
            # Not across a yield: another answer may be made in between, on the same thread.
            with tenant.entered():
                found = read_at(place, partial(readings, registers, query))
            yield from _laid_out(replace(asked, query=query), found)


def _lines(asked: ReadingsQuery) -> list[list[Register]]:
    """Say which registers make one line of the table each."""
    if asked.combine is None:
        return [[one] for one in asked.registers]
    if asked.combine == "net":
        return [list(asked.registers)]
    return [
        some
        for direction in (Direction.IMPORT, Direction.EXPORT)
        if (some := [one for one in asked.registers if one.code.direction is direction])
    ]


def _laid_out(asked: ReadingsQuery, found: Sequence[RegisterReadings]) -> Iterator[Piece]:
    if asked.combine is not None:
        for together in combined(found, asked.combine):
            statistic = str(together.buckets.statistic)
            yield Piece("", "", str(together.direction), statistic, together.unit, together.buckets)
        return
    for one in found:
        yield Piece(
            str(one.register.meter.muid),
            one.register.obis,
            str(one.register.code.direction),
            str(one.buckets.statistic),
            one.unit,
            one.buckets,
        )
