"""What stands in a file or an answer, whatever it is packed in: known by its first bytes."""

import base64
import email
import gzip
import io
import pickle
import re
import zipfile
import zlib
from email.policy import default
from typing import Any

import pyarrow as pa
from pyarrow import parquet

BASE64 = re.compile(rb"base64,([A-Za-z0-9+/]{16,}={0,2})")
# As PostgreSQL's COPY writes bytes.
HEX = re.compile(rb"\\\\x((?:[0-9a-f]{2}){8,})")


def words_in(data: bytes) -> str:
    """Read all that is written in a file, and in the files in it, as one text.

    gzip, zlib, zip (so XLSX and our archives, with the names and remarks in them), Parquet, Arrow,
    pickles, what HTML holds in base64 and PostgreSQL's COPY in hexadecimal; the rest is text.
    """
    if data[:2] == b"\x1f\x8b":
        return words_in(gzip.decompress(data))
    if data[:4] == b"PK\x03\x04":
        return _of_zip(data)
    if data[:4] == b"PAR1":
        return _of_table(parquet.read_table(io.BytesIO(data)))
    if data[:4] == b"\xff\xff\xff\xff":
        return _of_table(pa.ipc.open_stream(data).read_all())
    if data[:1] == b"\x80" and data[-1:] == b".":
        return _of_pickle(data)
    if data[:1] == b"\x78" and int.from_bytes(data[:2], "big") % 31 == 0:
        unpacked = _unpacked(data)
        if unpacked is not None:
            return words_in(unpacked)
    inside = [words_in(base64.b64decode(found[1])) for found in BASE64.finditer(data)]
    inside += [words_in(bytes.fromhex(found[1].decode())) for found in HEX.finditer(data)]
    return "\n".join([data.decode(errors="replace"), *inside])


def _unpacked(data: bytes) -> bytes | None:
    try:
        return zlib.decompress(data)
    except zlib.error:
        # A text that begins with an x.
        return None


def _of_zip(data: bytes) -> str:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        told = [archive.comment.decode(errors="replace")]
        for one in archive.infolist():
            told += [
                one.filename,
                one.comment.decode(errors="replace"),
                words_in(archive.read(one)),
            ]
    return "\n".join(told)


def _of_table(table: pa.Table) -> str:
    return f"{table.schema.to_string(show_schema_metadata=True)}\n{table.to_pylist()}"


def _of_pickle(data: bytes) -> str:
    # Our own cache, of our own test: nobody else writes there.
    kept = pickle.loads(data)  # noqa: S301
    return words_in(kept) if isinstance(kept, bytes) else str(kept)


def words_of_row(row: Any) -> str:
    """Read a row of a table; what PostgreSQL holds as bytes is unpacked."""
    return " ".join(
        words_in(bytes(value)) if isinstance(value, bytes | memoryview) else str(value)
        for value in row
    )


def words_of_mail(raw: bytes) -> str:
    """Read a mail as it goes out: its headers and each of its parts, decoded."""
    made = email.message_from_bytes(raw, policy=default)
    heads = [f"{name}: {value}" for name, value in made.items()]
    parts = [one.get_payload(decode=True) for one in made.walk() if not one.is_multipart()]
    return "\n".join([*heads, *(words_in(part) for part in parts if isinstance(part, bytes))])
