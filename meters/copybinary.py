"""Day rows to and from PostgreSQL's binary COPY format, as whole arrays of bytes.

Rows with the same number of slots have the same layout, so numpy reads and writes all of them at
once. Measured against psycopg's `write_row`: about four times as fast to write.

References
----------
PostgreSQL documentation, COPY, "Binary Format"; src/include/utils/array.h for arrays: number of
dimensions, whether there are NULLs, element type, then length and lower bound of each dimension,
then each element with its length (−1 for NULL).
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from meters.days import DayTable, Floats, Ints, Mask, Qualities

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"
# Timestamps count microseconds and dates count days since 2000-01-01.
EPOCH_SECONDS, EPOCH_DAYS = 946_684_800, 10_957
INT2, FLOAT8 = 21, 701

Bytes = npt.NDArray[np.uint8]


def _array(kind: str, n: int) -> Any:
    return [
        ("length", ">i4"),
        ("ndim", ">i4"),
        ("flags", ">i4"),
        ("oid", ">i4"),
        ("dim", ">i4"),
        ("lower", ">i4"),
        ("items", [("length", ">i4"), ("value", kind)], (n,)),
    ]


def _scalar(kind: str) -> Any:
    return [("length", ">i4"), ("value", kind)]


@lru_cache(maxsize=256)
def _read_layout(n: int) -> np.dtype[np.void]:
    return np.dtype(
        [
            ("fields", ">i2"),
            ("register", _scalar(">i8")),
            ("day", _scalar(">i4")),
            ("first", _scalar(">i8")),
            ("interval", _scalar(">i4")),
            ("version", _scalar(">i8")),
            ("qualities", _array(">i2", n)),
            ("values", _array(">f8", n)),
        ]
    )


# What `decode` expects of a query, in this order. NULLs become NaN, so that every row with the same
# number of slots has the same length.
READ_COLUMNS = (
    '"register_id", "day", "first", "interval", "version", "qualities", '
    "array_replace(\"values\", NULL, 'NaN'::float8)"
)


def decode(chunks: Iterable[bytes | memoryview]) -> DayTable:
    """Read the answer of ``COPY (SELECT READ_COLUMNS …) TO STDOUT (FORMAT BINARY)``.

    Parameters
    ----------
    chunks
        The messages of the answer; PostgreSQL sends each row in one of its own.
    """
    rows: list[bytes | memoryview] = list(chunks)
    if rows:
        rows[0] = rows[0][len(HEADER) :]
    rows = [row for row in rows if len(row) > len(TRAILER)]
    if not rows:
        return DayTable.empty()
    lengths = np.fromiter(map(len, rows), dtype=np.int64, count=len(rows))
    empty = _read_layout(0).itemsize
    slots = (lengths - empty) // (_read_layout(1).itemsize - empty)
    offsets = np.concatenate(([0], np.cumsum(slots)))
    k, s = len(rows), int(offsets[-1])
    register, day, first, interval, version = (np.empty(k, dtype=np.int64) for _ in range(5))
    values, qualities = np.empty(s), np.empty(s, dtype=np.int16)
    for n in np.unique(slots):
        index = np.flatnonzero(slots == n)
        part = np.frombuffer(b"".join(rows[i] for i in index), dtype=_read_layout(int(n)))
        register[index] = part["register"]["value"]
        day[index] = part["day"]["value"].astype(np.int64) + EPOCH_DAYS
        first[index] = part["first"]["value"] // 1_000_000 + EPOCH_SECONDS
        interval[index] = part["interval"]["value"]
        version[index] = part["version"]["value"]
        flat = offsets[index][:, None] + np.arange(n)
        values[flat] = part["values"]["items"]["value"]
        qualities[flat] = part["qualities"]["items"]["value"]
    return DayTable(register, day, first, interval, slots, values, qualities, version)


WRITE_COLUMNS = (
    '"register_id", "day", "first", "interval", "values", "qualities", '
    '"total", "count", "quality", "version"'
)


@lru_cache(maxsize=256)
def _write_layout(n: int) -> np.dtype[np.void]:
    return np.dtype(
        [
            ("fields", ">i2"),
            ("register", _scalar(">i8")),
            ("day", _scalar(">i4")),
            ("first", _scalar(">i8")),
            ("interval", _scalar(">i4")),
            ("values", _array(">f8", n)),
            ("qualities", _array(">i2", n)),
            ("total", _scalar(">f8")),
            ("count", _scalar(">i4")),
            ("quality", _scalar(">i2")),
            ("version", _scalar(">i8")),
        ]
    )


def encode(table: DayTable, *, summable: Mask, version: int) -> Iterator[bytes]:
    """Write rows for ``COPY daily_profile (WRITE_COLUMNS) FROM STDIN (FORMAT BINARY)``.

    Parameters
    ----------
    table
        The rows; their own `version` is not written.
    summable
        Whether a row's total means anything; NULL otherwise. Shape ``(k,)``.
    version
        The version that all these rows get.
    """
    yield HEADER
    totals, quality = table.totals, table.only_qualities
    null_total = ~summable | np.isnan(totals)
    for n in np.unique(table.slots):
        index = np.flatnonzero(table.slots == n)
        flat = table.offsets[:-1][index][:, None] + np.arange(n)
        part = np.zeros(len(index), dtype=_write_layout(int(n)))
        part["fields"] = 10
        _set(part, "register", table.register[index])
        _set(part, "day", table.day[index] - EPOCH_DAYS)
        _set(part, "first", (table.first[index] - EPOCH_SECONDS) * 1_000_000)
        _set(part, "interval", table.interval[index])
        _set(part, "count", table.counts[index])
        _set(part, "version", np.full(len(index), version))
        _set(part, "total", np.where(null_total[index], 0.0, totals[index]))
        _set(part, "quality", quality[index])
        missing = ~table.present[flat]
        _set_array(part["values"], FLOAT8, table.values[flat], missing)
        _set_array(part["qualities"], INT2, table.qualities[flat], None)
        nulls = {"total": null_total[index], "quality": quality[index] == 0}
        for name, null in nulls.items():
            part[name]["length"][null] = -1
        yield _without_nulls(part, missing, nulls)
    yield TRAILER


def _set(part: np.ndarray[Any, Any], name: str, values: Any) -> None:
    field = part[name]
    field["length"] = field.dtype["value"].itemsize
    field["value"] = values


def _set_array(
    field: np.ndarray[Any, Any], oid: int, values: Floats | Qualities, missing: Mask | None
) -> None:
    n = values.shape[1]
    size = field.dtype["items"].base["value"].itemsize
    field["ndim"], field["oid"], field["dim"], field["lower"] = 1, oid, n, 1
    nulls: Ints | int = 0
    field["items"]["length"] = size
    field["items"]["value"] = values
    if missing is not None:
        nulls = missing.sum(axis=1)
        field["flags"] = nulls > 0
        field["items"]["length"][missing] = -1
    field["length"] = 20 + n * (4 + size) - nulls * size


def _without_nulls(part: np.ndarray[Any, Any], missing: Mask, nulls: dict[str, Mask]) -> bytes:
    """Cut out the bytes of NULLs: of them only the length −1 is written."""
    if not missing.any() and not any(null.any() for null in nulls.values()):
        return part.tobytes()
    layout = part.dtype
    keep = np.ones((len(part), layout.itemsize), dtype=bool)
    assert layout.fields is not None
    values, start = layout.fields["values"][:2]
    assert values.fields is not None
    start += values.fields["items"][1]
    n = missing.shape[1]
    items = keep[:, start : start + n * 12].reshape(len(part), n, 12)
    items[:, :, 4:] = ~missing[:, :, None]
    for name, null in nulls.items():
        field, start = layout.fields[name][:2]
        keep[:, start + 4 : start + field.itemsize] = ~null[:, None]
    octets: Bytes = part.view(np.uint8).reshape(len(part), layout.itemsize)
    return octets[keep].tobytes()
