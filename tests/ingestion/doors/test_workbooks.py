"""XLSX: values as they are stored, and nothing that a workbook could do to us."""

import io
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from ingestion.doors.columns import ColumnWish, Role, Wishes
from ingestion.doors.proposal import propose
from ingestion.doors.reading import TableRead, read_table
from ingestion.doors.table import DoorError, Table
from ingestion.doors.xlsxfile import read_xlsx
from tests.ingestion.doors.writing import ASKED, ZURICH, instant, readings, refused

SHEET = "xl/worksheets/sheet1.xml"


def book(rows: Sequence[Sequence[Any]], *, title: str = "Lastgang", **more: Any) -> bytes:
    made = openpyxl.Workbook()
    made.active.title = title
    for row in rows:
        made.active.append(row)
    for name, value in more.items():
        setattr(made, name, value)
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def altered(data: bytes, name: str, change: Any) -> bytes:
    """Write the zip anew with one file changed."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", 8) as new:
        for info in old.infolist():
            content = old.read(info)
            new.writestr(info.filename, change(content) if info.filename == name else content)
    return out.getvalue()


def read(data: bytes, wishes: Wishes = ZURICH) -> TableRead:
    table = read_xlsx(data)
    return read_table(table, propose(table, wishes).settled(), ASKED)


def quarters(hours: int = 24 * 90) -> list[datetime]:
    first = datetime.fromisoformat("2023-06-01T00:00")
    return [first + timedelta(minutes=15 * i) for i in range(4 * hours // 24)]


@pytest.mark.parametrize("epoch", [None, CALENDAR_MAC_1904])
def test_dates_of_excel(epoch: datetime | None) -> None:
    times = quarters()
    data = book(
        [["Zeit", "Bezug [kWh]"], *([at, i / 8] for i, at in enumerate(times))],
        **({"epoch": epoch} if epoch else {}),
    )
    found = readings(read(data))
    assert len(found) == len(times)
    first = instant("2023-06-01T00:00+02:00")
    assert found == [(first + 900 * i, i / 8) for i in range(len(times))]


def test_date_and_time_in_two_columns_and_text_and_serial_numbers() -> None:
    first = instant("2023-06-01T00:00+02:00")
    days = [[date(2023, 6, 1), time(0, 15 * i), i] for i in range(4)]
    assert readings(read(book([["Tag", "Zeit", "kWh"], *days]))) == [
        (first + 900 * i, i) for i in range(4)
    ]
    texts = [[f"01.06.2023 00:{15 * i:02}", f"{i},5"] for i in range(4)]
    assert readings(read(book([["Zeit", "kWh"], *texts])))[1] == (first + 900, 1.5)
    serials = [[45078 + i / 96, i] for i in range(4)]
    wishes = replace(ZURICH, columns={"Zeit": ColumnWish(Role.TIME)})
    assert readings(read(book([["Zeit", "kWh"], *serials]), wishes))[3] == (first + 2700, 3)


def test_rows_are_numbered_as_in_the_sheet_and_formulas_are_not_worked_out() -> None:
    data = book(
        [
            ["Kunde", "Meier AG"],
            [],
            ["Zeit", "Bezug [kWh]"],
            [datetime.fromisoformat("2023-06-01T00:00"), 1],
            [datetime.fromisoformat("2023-06-01T00:15"), "=1+1"],
            [datetime.fromisoformat("2023-06-01T00:30"), "#REF!"],
            ["Summe", 3],
        ]
    )
    found = read(data)
    assert len(readings(found)) == 1
    assert found.empty == 1, "nobody has worked the formula out"
    assert [row for row, _ in refused(found)] == [6, 7]
    assert found.parsed.rejections[0].raw == "2023-06-01 00:30:00;#REF!"


def test_sheets() -> None:
    made = openpyxl.Workbook()
    made.active.title = "Leer"
    made.create_sheet("Daten").append(["a", 1])
    out = io.BytesIO()
    made.save(out)
    table = read_xlsx(out.getvalue())
    assert table.rows == [["a", 1]]
    assert table.notes == ("The sheet “Daten” of 2 was read.",)
    with pytest.raises(DoorError, match="The sheet is empty"):
        read_xlsx(out.getvalue(), "Leer")
    with pytest.raises(DoorError, match="no sheet “Werte”; it has “Leer”, “Daten”"):
        read_xlsx(out.getvalue(), "Werte")
    with pytest.raises(DoorError, match="The workbook is empty"):
        read_xlsx(book([]))


def test_bombs() -> None:
    def zipped(**files: bytes) -> bytes:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
            for name, content in files.items():
                new.writestr(name, content)
        return out.getvalue()

    with pytest.raises(DoorError, match="unpacks to far more than a table"):
        read_xlsx(zipped(bomb=b"0" * 20_000_000))
    with pytest.raises(DoorError, match="no XLSX workbook"):
        read_xlsx(zipped(letter=b"hello"))
    with pytest.raises(DoorError, match=r"holds 2,500 files"):
        read_xlsx(zipped(**{f"f{i}": b"" for i in range(2_500)}))
    with pytest.raises(DoorError, match="no XLSX workbook, or it is damaged"):
        read_xlsx(b"PK\x03\x04" + b"x" * 100)
    # One that claims to be small.
    good = book([["a", 1]])
    with pytest.raises(DoorError, match=r"damaged|can't be read"):
        read_xlsx(good[: len(good) // 2])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_entities_are_refused(encoding: str) -> None:
    def evil(content: bytes) -> bytes:
        text = content.decode()
        text = text[text.index("?>") + 2 :] if text.startswith("<?xml") else text
        kind = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname"><!ENTITY f "lol">]>'
        head = f'<?xml version="1.0" encoding="{encoding}"?>'
        return (head + kind + text.replace("<v>1</v>", "<v>&f;</v>")).encode(encoding)

    with pytest.raises(DoorError, match="document type"):
        read_xlsx(altered(book([["a", 1]]), SHEET, evil))


def test_rows_and_columns_out_of_the_world() -> None:
    far = altered(book([["a", 1]]), SHEET, lambda text: text.replace(b'r="1"', b'r="2000000000"'))
    with pytest.raises(DoorError, match=r"more rows than Excel allows|can't be read"):
        read_xlsx(far)
    wide = altered(book([["a", 1]]), SHEET, lambda text: text.replace(b'"B1"', b'"XFD1"'))
    with pytest.raises(DoorError, match="has more than 1,000 cells"):
        read_xlsx(wide)


def test_a_sheet_that_lies_about_its_size_is_read_whole() -> None:
    lie = altered(
        book([["a", 1], ["b", 2]]),
        SHEET,
        lambda text: text.replace(b'<dimension ref="A1:B2"', b'<dimension ref="A1"'),
    )
    assert len(read_xlsx(lie).rows) == 2


GOOD = book([["Zeit", "kWh"], *([at, 1.5] for at in quarters(24))])


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_damage_is_read_or_refused(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(zipfile.ZipFile(io.BytesIO(GOOD)).namelist()))

    def damage(content: bytes) -> bytes:
        at = data.draw(st.integers(0, len(content)))
        cut = data.draw(st.integers(0, 40))
        return content[:at] + data.draw(st.binary(max_size=20)) + content[at + cut :]

    try:
        table = read_xlsx(altered(GOOD, name, damage))
        found = read_table(table, propose(table, ZURICH).settled(), ASKED)
    except DoorError as error:
        assert 0 < len(str(error)) < 500  # noqa: PT017
    else:
        assert found.parsed.rows >= 0
        assert isinstance(table, Table)
