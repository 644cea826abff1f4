"""A file of readings as rows of cells, whatever kind of file it was."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from meters.language import _
from meters.wording import counted

Cell = str | int | float | bool | datetime | date | time | timedelta | None

MOST_COLUMNS = 1_000
MOST_CELLS = 3_000_000


class DoorError(ValueError):
    """A file as a whole can't be taken; the text says why and what to do."""


@dataclass(frozen=True)
class Table:
    """The filled rows of a file.

    Attributes
    ----------
    rows
        Each a list of cells; rows may differ in length.
    numbers
        For each row where people find it: its line in a text, its row in a sheet, from 1.
    kind
        ``CSV`` or ``XLSX``.
    separator
        Between the cells of a line; in a sheet what a row is written out with.
    notes
        What was assumed when it was read, in words.
    base_1904
        Whether a sheet counts its days from 1904, as old ones from a Mac do.
    folded, lines
        Of a table that had a column for each time of day: the column that all their values stand
        in, and what the file holds, by the numbers of its rows.
    is_cut
        Whether the file goes on behind the rows.
    """

    rows: list[list[Cell]]
    numbers: list[int]
    kind: str
    separator: str = ";"
    notes: tuple[str, ...] = ()
    base_1904: bool = False
    folded: int | None = None
    lines: Mapping[int, str] = field(default_factory=dict)
    is_cut: bool = False
    width: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "width", max(map(len, self.rows), default=0))

    def raw(self, row: int) -> str:
        """Write a row out as one line."""
        return self.separator.join(cell_text(cell) for cell in self.rows[row])


def cell_text(cell: Cell) -> str:
    """Write one cell as people read it."""
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return cell.isoformat(sep=" ")
    if isinstance(cell, date | time):
        return cell.isoformat()
    return str(cell)


def quoted(text: str) -> str:
    """Put a text from a file between quotation marks, as the language has them."""
    return _("“{text}”").format(text=text)


def is_empty(cell: Cell) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip())


def check_size(cells: int) -> None:
    """Refuse what would not fit into memory.

    Raises
    ------
    DoorError
        There are more cells than are taken.
    """
    if cells > MOST_CELLS:
        words = _("The file has more than {most} cells. Split it, for example by year.")
        raise DoorError(words.format(most=counted(MOST_CELLS)))


def column_name(index: int) -> str:
    """Name a column as a spreadsheet does: A, B, … Z, AA."""
    name, rest = "", index + 1
    while rest:
        rest, digit = divmod(rest - 1, 26)
        name = chr(ord("A") + digit) + name
    return name
