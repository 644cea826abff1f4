"""Marks are found in whatever they are packed in, or the walks would prove nothing of files."""

import base64
import gzip
import io
import pickle
import zipfile
import zlib

import openpyxl
import pyarrow as pa
import pytest
from django.core.mail import EmailMultiAlternatives
from pyarrow import parquet

from tests.tenants.unpacking import words_in, words_of_mail, words_of_row

WORD = "eisvogel-mark"
TABLE = pa.table({"register": [WORD], "value": [86.4291]})


def _zip() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("some.copy", "7\t\\\\x" + zlib.compress(WORD.encode()).hex())
    return file.getvalue()


def _sheet() -> bytes:
    file, book = io.BytesIO(), openpyxl.Workbook()
    # Not on the sheet that is shown first.
    book.create_sheet("Other").append([WORD, 86.4291])
    book.save(file)
    return file.getvalue()


def _parquet() -> bytes:
    file = io.BytesIO()
    parquet.write_table(TABLE, file, compression="zstd")
    return file.getvalue()


def _arrow() -> bytes:
    file = io.BytesIO()
    with pa.ipc.new_stream(file, TABLE.schema) as writer:
        writer.write_table(TABLE)
    return file.getvalue()


PACKED = {
    "text": WORD.encode(),
    "gzip": gzip.compress(WORD.encode()),
    "gzip of gzip": gzip.compress(gzip.compress(WORD.encode())),
    "zlib": zlib.compress(WORD.encode()),
    "pickle": pickle.dumps({"who": WORD}),
    "pickled bytes": pickle.dumps(zlib.compress(WORD.encode())),
    "base64 in HTML": b'<img src="data:image/svg+xml;base64,%s">' % base64.b64encode(WORD.encode()),
    "zip with COPY": _zip(),
    "xlsx": _sheet(),
    "parquet": _parquet(),
    "arrow": _arrow(),
}


@pytest.mark.parametrize("kind", PACKED)
def test_a_mark_is_found_in_whatever_it_is_packed(kind: str) -> None:
    assert WORD in words_in(PACKED[kind])


def test_numbers_are_found_in_tables() -> None:
    for kind in ("xlsx", "parquet", "arrow"):
        assert "86.4291" in words_in(PACKED[kind]), kind


def test_a_text_that_looks_packed_is_a_text() -> None:
    assert words_in(b"x\x01 and more") == "x\x01 and more"


def test_a_mark_is_found_in_a_row_and_in_every_part_of_a_mail() -> None:
    assert WORD in words_of_row((7, memoryview(zlib.compress(WORD.encode()))))
    made = EmailMultiAlternatives("Für alle", "ä", "a@example.com", ["b@example.com"])
    made.attach_alternative(f"<p>ä {WORD}</p>", "text/html")
    made.attach("readings.zip", _zip(), "application/zip")
    assert words_of_mail(made.message().as_bytes()).count(WORD) == 2
