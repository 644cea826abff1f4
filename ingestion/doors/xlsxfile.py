"""XLSX workbooks: values as they were stored; nothing in them is run, fetched or unfolded at will.

A workbook is a zip of XML. Its sizes are looked at before anything is unpacked, and counted while
it is; XML with a document type is refused (entities can stand in it alone); formulas give the value
that Excel last stored.
"""

import io
import warnings
import zipfile
import zlib
from typing import Any
from xml.etree.ElementTree import ParseError

from defusedxml import DefusedXmlException
from openpyxl.reader.excel import ExcelReader
from openpyxl.utils.datetime import CALENDAR_MAC_1904
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.worksheet._read_only import ReadOnlyWorksheet

from ingestion.doors.table import MOST_COLUMNS, Cell, DoorError, Table, check_size, is_empty, quoted
from meters.language import _
from meters.wording import counted

# Of everything in the zip, unpacked [bytes]; a sheet of a million readings has some 60 MB.
MOST_UNPACKED = 300_000_000
# Deflate reaches 1,032 at most; sheets of numbers reach 20 or so.
HIGHEST_RATIO = 200
MOST_FILES = 2_000
# A bomb smaller than this does no harm.
HARMLESS = 5_000_000
PIECE = 1 << 20

_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    InvalidFileException,
    DefusedXmlException,
    ParseError,
    KeyError,
    ValueError,
    TypeError,
    AttributeError,
    IndexError,
    OverflowError,
    EOFError,
    NotImplementedError,
    RuntimeError,
    OSError,
    AssertionError,
    RecursionError,
)


def read_xlsx(data: bytes, sheet: str | None = None, most: int | None = None) -> Table:
    """Read one sheet of a workbook.

    Parameters
    ----------
    data
        The file.
    sheet
        Name of the sheet; the first one that holds anything where None.
    most
        Read no more than so many cells, and a row's rest; all where None.

    Raises
    ------
    DoorError
        It is no workbook, not a safe one, has no such sheet, or is too large.
    """
    _check_zip(data)
    try:
        with warnings.catch_warnings():
            # About styles and extensions that nobody here looks at.
            warnings.simplefilter("ignore")
            return _read(data, sheet, most)
    except DoorError:
        raise
    except MemoryError:
        raise DoorError(_("The workbook is too large.")) from None
    except _BROKEN as error:
        # A workbook is whatever somebody has zipped: the reader stumbles over bad ones anywhere.
        words = _("The workbook can't be read ({what}). Save it again as XLSX, or as CSV.")
        raise DoorError(words.format(what=type(error).__name__)) from None


def _check_zip(data: bytes) -> None:
    """Refuse what unpacks to too much, or holds XML with a document type."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            files = archive.infolist()
            if len(files) > MOST_FILES:
                words = _("The workbook holds {number} files; that is no table.")
                raise DoorError(words.format(number=counted(len(files))))
            if any(file.flag_bits & 1 for file in files):
                raise DoorError(_("The workbook has a password. Save it without one."))
            claimed = sum(file.file_size for file in files)
            if claimed > MOST_UNPACKED or (
                claimed > HARMLESS and claimed > HIGHEST_RATIO * max(len(data), 1)
            ):
                raise DoorError(
                    _("The workbook unpacks to far more than a table of readings would.")
                )
            if not any(file.filename == "[Content_Types].xml" for file in files):
                raise DoorError(_("The file is a zip, but no XLSX workbook."))
            _unpack(archive, files)
    except (
        zipfile.BadZipFile,
        zlib.error,
        NotImplementedError,
        EOFError,
        OSError,
        ValueError,
    ) as e:
        if isinstance(e, DoorError):
            raise
        raise DoorError(_("The file is no XLSX workbook, or it is damaged.")) from None


def _unpack(archive: zipfile.ZipFile, files: list[zipfile.ZipInfo]) -> None:
    """Unpack everything once, piece by piece, for a zip may claim less than it holds."""
    unpacked = 0
    for file in files:
        with archive.open(file) as content:
            before = b""
            while piece := content.read(PIECE):
                unpacked += len(piece)
                if unpacked > MOST_UNPACKED:
                    raise DoorError(_("The workbook unpacks to far more than it says."))
                # UTF-16 is allowed in XML, so the zeros are left out before looking.
                seen = before + piece.replace(b"\0", b"")
                if b"<!DOCTYPE" in seen or b"<!ENTITY" in seen:
                    words = _(
                        "The workbook holds XML with a document type, which no spreadsheet writes."
                    )
                    raise DoorError(words)
                before = seen[-16:]


class _Sheet(ReadOnlyWorksheet):
    def _get_size(self) -> None:
        """Leave the sheet's size open: where it does not say it, looking for it reads all of it."""


class _Reader(ExcelReader):
    def read_worksheets(self) -> None:
        for sheet, rel in self.parser.find_sheets():
            if rel.target in self.valid_files and "chartsheet" not in rel.Type:
                one = _Sheet(self.wb, sheet.name, rel.target, self.shared_strings)
                self.wb._sheets.append(one)  # type: ignore[attr-defined]  # noqa: SLF001 - as openpyxl itself does


def _read(data: bytes, sheet: str | None, most: int | None) -> Table:
    reader = _Reader(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
    reader.read()
    book = reader.wb
    try:
        names = [one.title for one in book.worksheets]
        if sheet is not None and sheet not in names:
            words = _("The workbook has no sheet “{sheet}”; it has {sheets}.")
            sheets = ", ".join(quoted(name[:40]) for name in names[:10]) or _("none")
            raise DoorError(words.format(sheet=sheet[:40], sheets=sheets))
        base_1904 = book.epoch == CALENDAR_MAC_1904
        for one in book.worksheets:
            if sheet not in {None, one.title}:
                continue
            rows, numbers, is_cut = _filled(one, most)
            if rows or sheet is not None:
                break
        else:
            rows, numbers, is_cut = [], [], False
    finally:
        book.close()
    if not rows:
        raise DoorError(_("The sheet is empty.") if sheet else _("The workbook is empty."))
    words = (
        _("The sheet “{sheet}” of {number} was read.")
        if len(names) > 1
        else _("The sheet “{sheet}” was read.")
    )
    notes = (words.format(sheet=one.title[:40], number=len(names)),)
    return Table(rows, numbers, "XLSX", ";", notes, base_1904, is_cut=is_cut)


def _filled(sheet: Any, most: int | None) -> tuple[list[list[Cell]], list[int], bool]:
    rows: list[list[Cell]] = []
    numbers: list[int] = []
    cells = 0
    # Rows that the sheet leaves out come as empty ones: a row number of a thousand million would
    # make as many.
    for number, values in enumerate(sheet.iter_rows(values_only=True), start=1):
        if number > 1_048_576:
            raise DoorError(_("The sheet has more rows than Excel allows."))
        row = list(values)
        while row and is_empty(row[-1]):
            row.pop()
        if not row:
            continue
        if most is not None and cells >= most:
            return rows, numbers, True
        if len(row) > MOST_COLUMNS:
            words = _("Row {row} has more than {most} cells.")
            raise DoorError(words.format(row=counted(number), most=counted(MOST_COLUMNS)))
        cells += len(row)
        check_size(cells)
        rows.append(row)
        numbers.append(number)
    return rows, numbers, False
