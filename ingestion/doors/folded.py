"""Tables with a row for each day and a column for each time of day, laid out reading by reading.

British half-hourly exports look like this, and matrices that people make in a spreadsheet. A column
may be headed by a time (``00:30``) or by a span (``00:00-00:30``). Times that begin after midnight
and end with it mark the ends of intervals.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import time

from ingestion.doors.table import Cell, Table, cell_text, check_size, column_name
from meters.language import _

DAY = 86_400
# Of an hour, half an hour and a quarter of one; days of other lengths have a few more or less.
STEPS = (900, 1800, 3600)
MOST_HEADERS = 60
_TIME = re.compile(r"(\d{1,2})[:.](\d{2})(?::00)?(?:\s*(?:-|–|to|bis)\s*\d{1,2}[:.]\d{2}(?::00)?)?")


@dataclass(frozen=True)
class _Head:
    """Where the times of day stand: columns by their clock [s], and what the first row is."""

    row: int
    columns: Sequence[tuple[int, int]]
    marks_end: bool


def unfold(table: Table) -> Table:
    """Lay a table with a column for each time of day out reading by reading; leave any other.

    Columns beside the times are repeated; two follow them, the time of day and the value.
    """
    head = _head(table)
    if head is None:
        return table
    of_times = {column for column, _ in head.columns}
    others = [at for at in range(table.width) if at not in of_times]
    check_size((len(table.rows) - head.row) * len(head.columns) * (len(others) + 2))
    names = table.rows[head.row]
    titles: list[Cell] = [_text(names, at) or column_name(at) for at in others]
    rows: list[list[Cell]] = [
        [*titles, _("time (end)") if head.marks_end else _("time"), _("value")]
    ]
    numbers = [table.numbers[head.row]]
    for at in range(head.row + 1, len(table.rows)):
        cells = table.rows[at]
        beside = [cells[one] if one < len(cells) else None for one in others]
        for column, clock in head.columns:
            value = cells[column] if column < len(cells) else None
            rows.append([*beside, f"{clock // 3600:02}:{clock // 60 % 60:02}", value])
            numbers.append(table.numbers[at])
    words = _("Each row is a day, with {number} columns of times.")
    return Table(
        rows,
        numbers,
        table.kind,
        table.separator,
        (*table.notes, words.format(number=len(head.columns))),
        table.base_1904,
        folded=len(others) + 1,
        lines={table.numbers[at]: table.raw(at) for at in range(head.row + 1, len(table.rows))},
        is_cut=table.is_cut,
    )


def _head(table: Table) -> _Head | None:
    for row, cells in enumerate(table.rows[:MOST_HEADERS]):
        read = [(at, _clock(cell)) for at, cell in enumerate(cells)]
        found = [(at, clock) for at, clock in read if clock is not None]
        if len(found) < 24:
            continue
        clocks = [clock for _, clock in found]
        # Midnight at the end of the day is shown as its first or its last moment.
        marks_end = clocks[-1] in {0, DAY} and clocks[0] != 0
        if marks_end:
            clocks[-1] = DAY
        step = clocks[1] - clocks[0]
        first = step if marks_end else 0
        if step in STEPS and clocks == list(range(first, first + DAY, step)):
            columns = list(zip([at for at, _ in found], clocks, strict=True))
            return _Head(row, columns, marks_end)
    return None


def _clock(cell: Cell) -> int | None:
    """Read a header as a time of day [s]."""
    if isinstance(cell, time):
        return cell.hour * 3600 + cell.minute * 60
    found = _TIME.fullmatch(cell.strip()) if isinstance(cell, str) and len(cell) < 40 else None
    if found is None:
        return None
    hour, minute = int(found[1]), int(found[2])
    return hour * 3600 + minute * 60 if hour * 60 + minute <= 1440 and minute < 60 else None


def _text(cells: Sequence[Cell], at: int) -> str:
    return " ".join(cell_text(cells[at]).split()) if at < len(cells) else ""
