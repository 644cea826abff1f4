"""Rows of `ReadingRevision` in PostgreSQL's binary COPY format.

Corrections touch few slots each of many days, so rows differ in length; what is common to all is
made by numpy at once, and only cut into rows here.
"""

import struct
from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from ingestion.merge import Merged
from meters.copybinary import ARRAY_HEADER, EPOCH_DAYS, EPOCH_SECONDS, FLOAT8, HEADER, INT2, TRAILER

TARGET = (
    'ingestion_readingrevision ("register_id", "day", "first", "interval", "version", '
    '"recorded_at", "reason", "run_id", "slots", "values", "qualities")'
)
# The number of columns, then each with its length: all but the run and the arrays. The reason of
# what a source has corrected is empty.
_ROW = struct.Struct(">h iq ii iq ii iq iq i")
_RUN, _NO_RUN = struct.Struct(">iq"), struct.pack(">i", -1)
_ARRAY = struct.Struct(">i" + ARRAY_HEADER.format[1:])


def encode_revisions(
    merged: Merged, *, version: int, run: int | None, now: datetime
) -> Iterator[bytes]:
    """Write what corrections have replaced, one row for each day.

    Parameters
    ----------
    version
        Of the rows that took the place.
    run
        Primary key of the run that brought the corrections.
    now
        When they are recorded.
    """
    replaced, days = merged.replaced, merged.changed
    slots = _Items(INT2, ">i2", replaced.slots)
    values = _Items(FLOAT8, ">f8", replaced.values)
    qualities = _Items(INT2, ">i2", replaced.qualities)
    run_id = _NO_RUN if run is None else _RUN.pack(8, run)
    recorded = round((now - datetime(2000, 1, 1, tzinfo=UTC)).total_seconds() * 1e6)
    common = (
        days.register[replaced.rows].tolist(),
        (days.day[replaced.rows] - EPOCH_DAYS).tolist(),
        ((days.first[replaced.rows] - EPOCH_SECONDS) * 1_000_000).tolist(),
        days.interval[replaced.rows].tolist(),
    )
    ends = np.cumsum(replaced.lengths).tolist()
    begins = [0, *ends[:-1]]
    yield HEADER
    rows = []
    for register, day, first, interval, begin, end in zip(*common, begins, ends, strict=True):
        rows += [
            _ROW.pack(
                11, 8, register, 4, day, 8, first, 4, interval, 8, version, 8, recorded, 0
            ),
            run_id,
            *slots.array(begin, end),
            *values.array(begin, end),
            *qualities.array(begin, end),
        ]  # fmt: skip
    yield b"".join(rows)
    yield TRAILER


class _Items:
    """The items of the arrays of one column, each with its length, for all rows together."""

    def __init__(self, oid: int, kind: str, items: npt.NDArray[np.generic]) -> None:
        packed = np.empty(len(items), dtype=[("length", ">i4"), ("value", kind)])
        packed["length"], packed["value"] = packed.dtype["value"].itemsize, items
        self._bytes, self._size, self._oid = packed.tobytes(), packed.itemsize, oid

    def array(self, begin: int, end: int) -> tuple[bytes, bytes]:
        """Return the array of the items in ``[begin, end)``: its header, and the items."""
        part = self._bytes[begin * self._size : end * self._size]
        header = _ARRAY.pack(ARRAY_HEADER.size + len(part), 1, 0, self._oid, end - begin, 1)
        return header, part
