"""Encodings, separators, headers: what a text file is, found out and said."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ingestion.doors.csvfile import read_csv
from ingestion.doors.encoding import decode
from ingestion.doors.kinds import Kind, kind_of
from ingestion.doors.proposal import propose
from ingestion.doors.reading import read_table
from ingestion.doors.table import DoorError
from tests.ingestion.doors.writing import ASKED, ZURICH


@pytest.mark.parametrize(
    ("encoding", "name"),
    [
        ("utf-8", "UTF-8"),
        ("utf-8-sig", "UTF-8"),
        ("utf-16", "UTF-16"),
        ("utf-16-le", "UTF-16"),
        ("utf-16-be", "UTF-16"),
        ("utf-32", "UTF-32"),
        ("cp1252", "Windows-1252"),
    ],
)
def test_encodings(encoding: str, name: str) -> None:
    text = "Zähler;Bezug [kWh]\r\nStraße;1,5\r\n"
    assert decode(text.encode(encoding)) == (text, name)
    table = read_csv(text.encode(encoding))
    assert table.rows == [["Zähler", "Bezug [kWh]"], ["Straße", "1,5"]]
    assert table.notes[0] == f"The text is {name}."


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\x00\x01\x02\x03", "neither text"),
        (b"\xff\xfea", "byte 3 can't be read|can't be read"),
        (b"a\x81b\xff", "The text is not Windows-1252"),
        (b"\xef\xbb\xbf\xff", "The text is not UTF-8"),
    ],
)
def test_what_is_no_text(data: bytes, words: str) -> None:
    with pytest.raises(DoorError, match=words):
        decode(data)


@pytest.mark.parametrize(
    ("lines", "separator"),
    [
        (["a;b", "31.12.2023 23:45;1,5"], ";"),
        (["a,b", "31.12.2023 23:45,1.5"], ","),
        (["a\tb", "31.12.2023\t1,5"], "\t"),
        (["Export, Zähler 7", "", "a;b;c", "1,5;2,5;3,5", "1,5;2,5;3,5"], ";"),
        (['"a, b";c', '"x";1,5', '"y";2,5'], ";"),
        (["sep=,", "a;b,c", "d;e,f"], ","),
    ],
)
def test_separators(lines: list[str], separator: str) -> None:
    table = read_csv("\r\n".join(lines).encode())
    assert table.separator == separator
    assert "separated by" in table.notes[-1]


def test_rows_know_their_lines() -> None:
    table = read_csv(b'a;b\n\n"x\ny";1\n;\nz;2\n')
    assert (table.rows, table.numbers) == ([["a", "b"], ["x\ny", "1"], ["z", "2"]], [1, 3, 6])
    assert table.raw(2) == "z;2"
    assert read_csv(b"sep=;\na;b\n1;2").numbers == [2, 3]


def test_what_is_no_table() -> None:
    for data, words in (
        (b"", "The file is empty"),
        (b"\n ; \n", "The file is empty"),
        (b'a;b\n"c;d\n', "Line 2 can't be read as CSV"),
        (b"a;" * 2_000, "Line 1 has more than 1,000 cells"),
        (b"a;" + b"x" * 20_000, "A cell of line 1 is longer"),
        (b"a;" + b"x" * 200_000, "Line 1 can't be read as CSV"),
    ):
        with pytest.raises(DoorError, match=words):
            read_csv(data)
    with pytest.raises(DoorError, match=r"more than 3,000,000 cells\. Split it"):
        read_csv(b";;;;;;;;;\n".replace(b";", b"1;") * 310_000)


def test_kinds_are_told_from_the_contents() -> None:
    assert kind_of(b'  {"data": []}') is Kind.JSON
    assert kind_of('\ufeff[{"a": 1}]'.encode()) is Kind.JSON
    assert kind_of('{"a": 1}'.encode("utf-16")) is Kind.JSON
    assert kind_of(b"Zeit;Wert") is Kind.CSV
    assert kind_of(b"PK\x03\x04 and so on") is Kind.XLSX
    for data, words in (
        (b" \n", "empty"),
        (b"%PDF-1.7", "PDF"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old Excel workbook"),
        (b"\x1f\x8b\x08", "gzip"),
        (b"<!DOCTYPE html>", "XML or HTML"),
    ):
        with pytest.raises(DoorError, match=words):
            kind_of(data)


LINES = [
    b"Zeit;Bezug [kWh];Status",
    b"29.10.2023 02:00;1,5;W",
    b"29.10.2023 02:15;1.234,5;E",
    b"2023-10-29T02:15Z;7;measured",
    b"26.03.2023 02:30;-;v",
    b"Summe;12;",
]


@settings(max_examples=300, deadline=None)
@given(
    st.binary(max_size=200)
    | st.lists(st.sampled_from([*LINES, b"", b";;", b'"', b"\xe4", b"\x00"])).map(b"\r\n".join)
    | st.text(max_size=200).map(str.encode)
)
@example(b"Zeit;a\n01.01.2023 00:00;1\n99.99.2023 00:00;1")
@example(b"Zeit;1\n0001-01-01 00:00;1\n0001-01-01 00:00;1")
@example(b"Zeit;kWh\n9999-12-31 24:00;1\n9999-12-31 24:00;1")
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        if kind_of(data) is not Kind.CSV:
            return
        table = read_csv(data)
        found = read_table(table, propose(table, ZURICH).settled(), ASKED)
    except DoorError as error:
        assert 0 < len(str(error)) < 1_000  # noqa: PT017
        return
    for one in found.parsed.rejections:
        assert one.words
        assert one.row in table.numbers
        assert len(one.timestamp) <= 40
