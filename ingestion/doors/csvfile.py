"""CSV as it is found in the wild: the separator is looked for, never assumed."""

import csv
import io
from itertools import islice

from ingestion.doors.encoding import decode
from ingestion.doors.table import MOST_COLUMNS, Cell, DoorError, Table, check_size
from meters.language import N_, _
from meters.wording import counted

SEPARATORS = {
    ";": N_("Cells are separated by semicolons."),
    "\t": N_("Cells are separated by tabs."),
    ",": N_("Cells are separated by commas."),
}
SAMPLE = 200
# The longest cell [characters]. Without a bound one lost quote would make a cell of the whole file.
LONGEST_CELL = 10_000


def read_csv(data: bytes, separator: str | None = None, most: int | None = None) -> Table:
    """Read CSV into a table.

    Parameters
    ----------
    data
        The file.
    separator
        Between cells; where None it is looked for.
    most
        Read no more than so many cells, and a row's rest; all where None.

    Raises
    ------
    DoorError
        It is no text, it is empty, or it is too large.
    """
    text, encoding = decode(data)
    return read_text(
        text, separator, (_("The text is {encoding}.").format(encoding=encoding),), most
    )


def read_text(
    text: str,
    separator: str | None = None,
    notes: tuple[str, ...] = (),
    most: int | None = None,
) -> Table:
    """Read CSV that has been decoded already; see `read_csv`."""
    text, told = _without_sep_line(text)
    separator = separator or told
    sample = list(islice(io.StringIO(text), SAMPLE)) if separator is None else []
    chosen = separator or sniff_separator(sample)
    rows: list[list[Cell]] = []
    numbers: list[int] = []
    cells = 0
    offset = 1 if told else 0
    # Strict, so that a quote that is never closed does not swallow what follows it in silence.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=chosen, strict=True)
    begin, is_cut = 0, False
    try:
        for row in reader:
            if most is not None and cells >= most:
                is_cut = True
                break
            number, begin = begin + 1 + offset, reader.line_num
            if not any(map(str.strip, row)):
                continue
            _check(row, number)
            cells += len(row)
            if cells % 1024 < len(row):
                check_size(cells)
            rows.append(row)  # type: ignore[arg-type]
            numbers.append(number)
    except csv.Error as error:
        words = _("Line {line} can't be read as CSV: {why}.")
        raise DoorError(words.format(line=counted(begin + 1 + offset), why=error)) from None
    check_size(cells)
    if not rows:
        raise DoorError(_("The file is empty."))
    words = (
        _(SEPARATORS[chosen])
        if chosen in SEPARATORS
        else _("Cells are separated by {mark}.").format(mark=repr(chosen))
    )
    return Table(rows, numbers, "CSV", chosen, (*notes, words), is_cut=is_cut)


def _check(row: list[str], number: int) -> None:
    if len(row) > MOST_COLUMNS:
        words = _("Line {line} has more than {most} cells.")
        raise DoorError(words.format(line=counted(number), most=counted(MOST_COLUMNS)))
    if max(map(len, row)) > LONGEST_CELL:
        words = _(
            "A cell of line {line} is longer than {most} characters. Is a quotation mark missing?"
        )
        raise DoorError(words.format(line=counted(number), most=counted(LONGEST_CELL)))


def _without_sep_line(text: str) -> tuple[str, str | None]:
    """Take away the line ``sep=;`` that some programs write for Excel."""
    first, newline, _ = text[:8].partition("\n")
    line = first.rstrip("\r")
    if newline and len(line) == 5 and line.lower().startswith("sep=") and line[4] in SEPARATORS:
        return text[len(first) + 1 :], line[4]
    return text, None


def sniff_separator(lines: list[str]) -> str:
    """Find the separator that cuts most lines into the same number of cells, two or more."""
    best, most = ";", (0.0, 0)
    for separator in SEPARATORS:
        try:
            widths = [
                len(row)
                for row in csv.reader(lines, delimiter=separator)
                if any(map(str.strip, row))
            ]
        except csv.Error:
            continue
        several = [width for width in widths if width > 1]
        if not several:
            continue
        usual = max(set(several), key=lambda width: (several.count(width), width))
        # In "31.12.2023 23:45;1,5" the comma, too, cuts every line in two. The semicolon and the
        # tab stand in no number and in no time, so they come first in a tie.
        score = (round(several.count(usual) / len(widths), 2), 1 if separator != "," else 0)
        if score > most:
            best, most = separator, score
    return best
