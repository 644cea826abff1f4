"""Columns of whole numbers and floats out of PostgreSQL, each as one stretch of bytes."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from meters.copybinary import EPOCH_DAYS, EPOCH_SECONDS, arrays

# With which function PostgreSQL sends a type, and what it sends.
SENT = {
    "int2": ("int2send", ">i2"),
    "int4": ("int4send", ">i4"),
    "int8": ("int8send", ">i8"),
    "float8": ("float8send", ">f8"),
    "date": ("date_send", ">i4"),
    "timestamptz": ("timestamptz_send", ">i8"),
}


def sent(columns: Mapping[str, str]) -> str:
    """Say what `decode_sent` expects: of each column the bytes of its items, one after another.

    Measured with 80,000 rows of seven columns: half the time that arrays take, which send a length
    with each item and are put together before they are sent.

    Parameters
    ----------
    columns
        Their types by what stands for them in SQL, and none of them NULL.
    """
    return ", ".join(f"string_agg({SENT[kind][0]}({name}), '')" for name, kind in columns.items())


def decode_sent(answer: bytes, columns: Mapping[str, str]) -> Iterator[np.ndarray[Any, Any]]:
    """Read the answer of ``COPY (SELECT sent(columns) FROM …) TO STDOUT (FORMAT BINARY)``.

    Returns
    -------
    Of each column its items; dates as days since 1970-01-01, instants in whole seconds.
    """
    kinds = columns.values()
    for kind, octets in zip(kinds, arrays(answer, [""] * len(columns)), strict=True):
        items = np.frombuffer(octets, SENT[kind][1])
        if kind == "float8":
            yield items.astype(np.float64)
        elif kind == "date":
            yield items.astype(np.int64) + EPOCH_DAYS
        elif kind == "timestamptz":
            yield items.astype(np.int64) // 1_000_000 + EPOCH_SECONDS
        else:
            yield items.astype(np.int64)
