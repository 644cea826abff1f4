"""Tables of readings as files: CSV, XLSX, Parquet and Arrow, each written piece by piece."""

import csv
import io
import tempfile
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import numpy as np
import openpyxl
import pyarrow as pa
from pyarrow import parquet

from meters.api.answers import columns_of
from meters.api.query import ReadingsQuery
from meters.api.tables import Piece, units
from meters.zones import Zone

HEAD = ("meter", "register", "direction", "statistic", "unit")
COLUMNS = (*HEAD, "start", "end", "value", "count", "expected", "quality")
# What is handed on at once of a file that is made elsewhere [B].
BLOCK = 65_536


def as_csv(asked: ReadingsQuery, pieces: Iterator[Piece]) -> Iterator[bytes]:
    """Write RFC 4180: UTF-8, commas, decimal points, times with their offset.

    The unit stands in the header of the values where they all have the same.
    """
    there = units(asked)
    value = f"value [{there[0]}]" if len(there) == 1 and there[0] else "value"
    text = io.StringIO()
    # What is written holds no line of anybody's choice: identifiers, codes, numbers and our words.
    writer = csv.writer(text)
    writer.writerow([value if name == "value" else name for name in COLUMNS])
    for piece in pieces:
        head = (piece.meter, piece.register, piece.direction, piece.statistic, piece.unit)
        columns = columns_of(piece.buckets, asked.query.zone, asked.fill)
        columns["quality"] = [_quality(counts) for counts in columns["quality"]]
        writer.writerows([*head, *row] for row in zip(*columns.values(), strict=True))
        yield text.getvalue().encode()
        text.seek(0)
        text.truncate()
    yield text.getvalue().encode()


def as_xlsx(asked: ReadingsQuery, pieces: Iterator[Piece]) -> Iterator[bytes]:
    """Write one sheet. A cell knows no zone, so it shows local time, with the offset beside it."""
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Readings")
    sheet.append([*HEAD, "start", "end", "offset", *COLUMNS[7:]])
    for piece in pieces:
        head = (piece.meter, piece.register, piece.direction, piece.statistic, piece.unit)
        columns = columns_of(piece.buckets, asked.query.zone, asked.fill)
        for start, end, value, count, expected, quality in zip(*columns.values(), strict=True):
            begin = datetime.fromisoformat(start)
            until = datetime.fromisoformat(end).replace(tzinfo=None)
            times = (begin.replace(tzinfo=None), until, start[19:])
            sheet.append([*head, *times, value, count, expected, _quality(quality)])
    with tempfile.TemporaryFile() as file:
        book.save(file)
        file.seek(0)
        while block := file.read(BLOCK):
            yield block


def as_parquet(asked: ReadingsQuery, pieces: Iterator[Piece]) -> Iterator[bytes]:
    """Write Parquet with a row group for each piece; times are instants in the zone asked for."""
    sink, schema = _Sink(), _schema(asked.query.zone)
    with parquet.ParquetWriter(sink, schema, compression="zstd") as writer:
        for piece in pieces:
            writer.write_batch(_batch(piece, asked, schema))
            yield sink.taken()
    yield sink.taken()


def as_arrow(asked: ReadingsQuery, pieces: Iterator[Piece]) -> Iterator[bytes]:
    """Write a stream of Arrow record batches, one for each piece."""
    sink, schema = _Sink(), _schema(asked.query.zone)
    with pa.ipc.new_stream(sink, schema) as writer:
        for piece in pieces:
            writer.write_batch(_batch(piece, asked, schema))
            yield sink.taken()
    yield sink.taken()


class _Sink(io.RawIOBase):
    """A file that keeps what is written until it is taken away."""

    def __init__(self) -> None:
        self.blocks: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        block = bytes(data)
        self.blocks.append(block)
        return len(block)

    def taken(self) -> bytes:
        found, self.blocks = b"".join(self.blocks), []
        return found


def _schema(zone: Zone) -> Any:
    words = pa.dictionary(pa.int32(), pa.string())
    moment = pa.timestamp("s", tz=zone.name)
    return pa.schema(
        [
            *((name, words) for name in HEAD),
            ("start", moment),
            ("end", moment),
            ("value", pa.float64()),
            ("count", pa.int32()),
            ("expected", pa.int32()),
            ("quality", words),
        ]
    )


def _batch(piece: Piece, asked: ReadingsQuery, schema: Any) -> Any:
    columns = columns_of(piece.buckets, asked.query.zone, asked.fill)
    n = len(columns["value"])
    kept = np.ones(len(piece.buckets), dtype=bool)
    if asked.fill == "none":
        kept = piece.buckets.count > 0
    head = (piece.meter, piece.register, piece.direction, piece.statistic, piece.unit)
    zeros = pa.array(np.zeros(n, dtype=np.int32))
    moments = schema.field("start").type
    arrays = [
        *(pa.DictionaryArray.from_arrays(zeros, pa.array([text or None])) for text in head),
        pa.array(piece.buckets.edges[:-1][kept]).cast(moments),
        pa.array(piece.buckets.edges[1:][kept]).cast(moments),
        pa.array(columns["value"], pa.float64()),
        pa.array(columns["count"], pa.int32()),
        pa.array(columns["expected"], pa.int32()),
        pa.array([_quality(one) for one in columns["quality"]]).dictionary_encode(),
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _quality(counts: dict[str, int]) -> str:
    """Write which qualities a bucket holds; how many of each where they differ."""
    if len(counts) < 2:
        return next(iter(counts), "")
    return " ".join(f"{name}:{number}" for name, number in counts.items())


Writer = Callable[[ReadingsQuery, Iterator[Piece]], Iterator[bytes]]
WRITERS: dict[str, Writer] = {
    "csv": as_csv,
    "xlsx": as_xlsx,
    "parquet": as_parquet,
    "arrow": as_arrow,
}
