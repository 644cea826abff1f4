"""A file in, whatever it is: readings and refusals out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import numpy as np
import orjson

from ingestion.doors.columns import Plan
from ingestion.doors.csvfile import read_csv
from ingestion.doors.encoding import decode
from ingestion.doors.folded import unfold
from ingestion.doors.kinds import Kind, kind_of
from ingestion.doors.reading import read_table
from ingestion.doors.table import DoorError, Table
from ingestion.doors.xlsxfile import read_xlsx
from ingestion.parsing import Asked, Parsed, PayloadError, parse, rows_of
from ingestion.rawtext import RAW_LENGTH, raw_text
from meters.language import _, _n
from meters.wording import counted

# Measurement, time, meter and value: what a row of JSON has of cells.
CELLS_OF_A_ROW = 4


@dataclass(frozen=True)
class Opened:
    """A file whose kind is known: the rows of a JSON file, or a table.

    Attributes
    ----------
    is_cut
        Whether the file goes on behind what was read of it.
    """

    kind: Kind
    rows: Sequence[Any] = ()
    table: Table | None = None
    is_cut: bool = False


@dataclass(frozen=True)
class Brought:
    """What a file holds.

    Attributes
    ----------
    parsed
        The readings, and those that were refused.
    raw
        Gives the raw text of a row, by its number in the batch.
    empty
        How many cells of values hold none.
    asked
        The one meter that all of it is about, where that is known.
    """

    parsed: Parsed
    raw: Callable[[int], str]
    empty: int = 0
    asked: UUID | None = None

    @property
    def remarks(self) -> tuple[str, ...]:
        """What the readings don't say themselves, in words."""
        if not self.empty:
            return ()
        words = _n(
            "{number} cell holds no value and was passed over.",
            "{number} cells hold no value and were passed over.",
            self.empty,
        )
        return (words.format(number=counted(self.empty)),)


def open_file(
    data: bytes,
    *,
    separator: str | None = None,
    sheet: str | None = None,
    most: int | None = None,
) -> Opened:
    """Open a file, whatever its name says.

    Parameters
    ----------
    separator
        Between the cells of CSV; where None it is looked for.
    sheet
        Of a workbook; the first one that holds anything where None.
    most
        Read no more than so many cells of a table, or a quarter as many rows of JSON; all of it
        where None.

    Raises
    ------
    DoorError
        It can't be read.
    """
    kind = kind_of(data)
    if kind is Kind.JSON:
        rows = read_json(data)
        few = rows if most is None else rows[: most // CELLS_OF_A_ROW]
        return Opened(kind, rows=few, is_cut=len(few) < len(rows))
    is_csv = kind is Kind.CSV
    table = read_csv(data, separator, most) if is_csv else read_xlsx(data, sheet, most)
    return Opened(kind, table=unfold(table), is_cut=table.is_cut)


def open_csv(data: bytes) -> Opened:
    """Open what is said to be CSV.

    Raises
    ------
    DoorError
        It can't be read, or is something else.
    """
    opened = open_file(data)
    if opened.kind is not Kind.CSV:
        raise DoorError(_("The file is not CSV but {kind}.").format(kind=opened.kind))
    return opened


def read_json(data: bytes) -> Sequence[Any]:
    """Read the rows of a file in the upstream's shape.

    Raises
    ------
    DoorError
        It is no JSON, or of another shape.
    """
    try:
        loaded = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        # JSON is UTF-8; a file saved elsewhere may have a mark, or be UTF-16.
        text, encoding = decode(data)
        if encoding == "UTF-8" and not data.startswith(b"\xef"):
            raise DoorError(_("The file is not JSON: {why}.").format(why=error)) from None
        try:
            loaded = orjson.loads(text)
        except (orjson.JSONDecodeError, UnicodeEncodeError) as again:
            raise DoorError(_("The file is not JSON: {why}.").format(why=again)) from None
    try:
        return rows_of(loaded)
    except PayloadError as error:
        raise DoorError(str(error)) from None


def take_out(opened: Opened, plan: Plan | None, asked: Asked) -> Brought:
    """Take the readings out of a file.

    Parameters
    ----------
    plan
        What the columns of a table mean; a JSON file needs none.
    asked
        What it may hold.

    Raises
    ------
    DoorError
        The table does not show what has to be known.
    """
    if opened.table is None or plan is None:
        rows = opened.rows
        one = replace(asked, muid=asked.muid or only_muid(rows))
        return Brought(parse(rows, one), lambda row: raw_text(rows[row]), asked=one.muid)
    table = opened.table
    numbers = np.array(table.numbers, dtype=np.int64) - 1

    def raw(number: int) -> str:
        # Many readings of a folded table share one row of the file.
        if number + 1 in table.lines:
            return table.lines[number + 1][:RAW_LENGTH]
        return table.raw(int(np.searchsorted(numbers, number)))

    found = read_table(table, plan, asked)
    return Brought(found.parsed, raw, found.empty, asked.muid)


def only_muid(rows: Sequence[Any]) -> UUID | None:
    """Find the one meter that all rows are of, which lets the whole page be read at once."""
    try:
        muids = {row["tags"]["muid"] for row in rows}
        return UUID(muids.pop()) if len(muids) == 1 else None
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
