"""What a table shows of itself: where readings begin, its headers, what each column holds."""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID

from ingestion.doors.clock import ClockError, ClockReader
from ingestion.doors.figures import NOTHING, FigureError, read_figure
from ingestion.doors.table import Cell, DoorError, Table, cell_text, column_name, is_empty
from ingestion.doors.units import canonical_unit, unit_in
from ingestion.doors.words import QUALITY_WORDS, register_in, role_in
from meters.language import _
from meters.obis import ObisCode, ObisError

# Rows before the readings: names of the file, of the customer, of the columns.
MOST_HEADERS = 60
SAMPLE = 200
# Written so that nobody can take it for a number; 1.29 alone would be a code, too.
SURE_CODE = re.compile(
    r"\d{1,3}-\d{1,3}:\d{1,3}\.\d{1,3}(?:\.\d{1,3}(?:[*.&]\d{1,3})?)?|\d{1,3}\.\d{1,3}\.\d{1,3}(?:\*\d{1,3})?"
    r"|0[0-9A-Fa-f]{11}"
)
UUID_TEXT = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE
)
_READER = ClockReader()


@dataclass(frozen=True, slots=True)
class Seen:
    """What a column shows.

    Attributes
    ----------
    index, header
        Which column, and what stands above it.
    kind
        ``moment``, ``day``, ``clock``, ``meter``, ``register``, ``quality``, ``unit``, ``number``,
        or nothing.
    """

    index: int
    header: str
    kind: str


def first_reading(table: Table) -> int:
    """Find the first row that holds a time beside a number, or above another time.

    Raises
    ------
    DoorError
        There is none.
    """
    rows = table.rows
    any_time: int | None = None
    for at in range(min(len(rows), MOST_HEADERS)):
        times = _times(rows[at])
        if not times:
            continue
        any_time = at if any_time is None else any_time
        others = [cell for place, cell in enumerate(rows[at]) if place not in times]
        if any(is_number(cell_text(cell).strip()) for cell in others):
            # Rows just above with a time in the same place are readings, too, with bad values: they
            # are to be refused in words, not to be taken for headers.
            while at and times & _times(rows[at - 1]):
                at -= 1
            return at
        # Without its value a row still looks like the next one; the date of an export does not.
        if any(map(is_empty, others)) and at + 1 < len(rows) and times & _times(rows[at + 1]):
            return at
    if any_time is not None:
        # Not one number, as is told when values are looked for.
        return any_time
    # A table whose times are serial numbers shows none; its mapping says where they are.
    raise DoorError(_("There is no column of dates or times, such as 31.12.2023 23:45."))


def _times(row: Sequence[Cell]) -> set[int]:
    return {at for at, cell in enumerate(row) if time_kind(cell) in {"moment", "day"}}


def time_kind(cell: Cell) -> str:
    """Say whether a cell holds a moment, a day or a time of day."""
    if isinstance(cell, datetime):
        return "day" if cell.time() == time() else "moment"
    if isinstance(cell, date):
        return "day"
    if isinstance(cell, time | timedelta):
        return "clock"
    if not isinstance(cell, str) or len(cell) > 60:
        return ""
    text = cell.strip()
    tries: tuple[tuple[str, Callable[[Cell], object]], ...] = (
        ("moment", _READER.moment),
        ("day", _READER.day),
        ("clock", _READER.clock),
    )
    for kind, read in tries:
        # 12.30 is a time of day where somebody says so; else it is a number.
        if kind == "clock" and ":" not in text:
            continue
        try:
            read(text)
        except ClockError:
            continue
        return kind
    # A day that does not exist, or one that would with the month first.
    return "day" if re.fullmatch(r"\d{1,2}/\d{1,2}/\d{4}", text, re.ASCII) else ""


def headers_above(table: Table, first: int) -> list[str]:
    """Return what stands above each column; its letter where nothing does."""
    above = [_texts(table, first - 1)] if first else []
    # A row of units or codes below a row of names: both are the header.
    if first > 1 and any(canonical_unit(_bare(text)) or _is_code(text) for text in above[0]):
        over = _texts(table, first - 2)
        if sum(map(bool, over)) > 2 or sum(map(bool, over)) >= sum(map(bool, above[0])):
            above.insert(0, over)
    return [
        " ".join(row[at] for row in above if row[at])[:200] or column_name(at)
        for at in range(table.width)
    ]


def _texts(table: Table, row: int) -> list[str]:
    cells = table.rows[row]
    texts = [" ".join(cell_text(cell).split()) for cell in cells]
    return texts + [""] * (table.width - len(cells))


def _bare(text: str) -> str:
    return text.strip("[]() ")


def look(table: Table, first: int, names: Mapping[str, UUID]) -> list[Seen]:
    """Look at each column."""
    headers = headers_above(table, first)
    sample = table.rows[first : first + SAMPLE]
    return [
        Seen(at, header, _kind([row[at] for row in sample if at < len(row)], header, names))
        for at, header in enumerate(headers)
    ]


def _kind(cells: Sequence[Cell], header: str, names: Mapping[str, UUID]) -> str:
    filled = [cell for cell in cells if not is_empty(cell)]
    if not filled:
        # A register without a reading yet.
        return "number" if unit_in(header) or code_in(header) or register_in(header) else ""

    def mostly(test: Callable[[str], object]) -> bool:
        # Most, not all: a cell that is wrong is refused by itself, a closing line as well.
        return 2 * sum(bool(test(cell_text(cell).strip())) for cell in filled) > len(filled)

    kinds = Counter(map(time_kind, filled))
    times = sum(kinds[kind] for kind in ("moment", "day", "clock"))
    if 2 * times > len(filled):
        # Midnight in a sheet reads like a day.
        return "moment" if kinds["moment"] else max(("day", "clock"), key=lambda kind: kinds[kind])
    role = role_in(header)
    if mostly(UUID_TEXT.fullmatch) or (names and mostly(names.__contains__)):
        return "meter"
    if mostly(_is_code if role == "register" else SURE_CODE.fullmatch):
        return "register"
    if mostly(is_number):
        return "number"
    # W is a measured value (wahrer Wert) and a watt.
    if mostly(canonical_unit) and role != "quality":
        return "unit"
    if mostly(lambda text: text.casefold() in QUALITY_WORDS):
        return "quality"
    return role.value if role in {"meter", "quality", "register"} else ""


def is_number(text: str) -> bool:
    """Tell whether a text is a number with either decimal mark."""
    if text.lower() in NOTHING:
        return False
    for mark in ".,":
        try:
            read_figure(text, mark)
        except FigureError:
            continue
        return True
    return False


def _is_code(text: str) -> bool:
    try:
        ObisCode.parse(text)
    except ObisError:
        return False
    return True


def code_in(header: str) -> str:
    """Find the OBIS code that a header names, in full notation, or nothing."""
    for word in re.split(r"[\s\[\]();,|/]+", header):
        if SURE_CODE.fullmatch(word):
            try:
                return str(ObisCode.parse(word))
            except ObisError:
                continue
    return ""


def meter_in(header: str, names: Mapping[str, UUID]) -> UUID | None:
    """Find the meter that a header names."""
    found = UUID_TEXT.search(header)
    if found:
        return UUID(found[0])
    return next(
        (names[word] for word in re.split(r"[\s\[\]();,|]+", header) if word in names), None
    )
