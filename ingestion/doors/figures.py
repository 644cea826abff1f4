"""Numbers as people write them: which mark is the decimal one is found out, never guessed."""

import math
import re
from collections.abc import Iterable

from ingestion.doors.table import Cell, DoorError
from meters.language import _

# What stands where there is no reading.
NOTHING = frozenset({"", "-", "–", "—", "n/a", "na", "null", "none", "k.a.", "#n/a", "#nv"})
_SPACES = "\u0020\u00a0\u2009\u202f"
_QUOTES = "'\u2019"
_EXPONENT = r"(?:[eE][+-]?\d{1,3})?"
_PLAIN = re.compile(rf"[+-]?\d+{_EXPONENT}", re.ASCII)
# One mark with digits on both sides, or on one.
_ONE_MARK = re.compile(rf"[+-]?(\d*)([.,])(\d*)({_EXPONENT})", re.ASCII)
_GROUPED = re.compile(
    rf"[+-]?[1-9]\d{{0,2}}(?P<mark>[.,{_SPACES}{_QUOTES}])\d{{3}}(?:(?P=mark)\d{{3}})*"
    rf"(?:(?P<decimal>[.,])\d+)?{_EXPONENT}",
    re.ASCII,
)
# What nearly every figure of a file looks like.
_USUAL = {mark: re.compile(rf"-?\d{{1,18}}(?:\{mark}\d{{1,18}})?", re.ASCII) for mark in ".,"}
WAYS = {".": "1234.5", ",": "1234,5"}


class FigureError(ValueError):
    """A text that is no number; the message says why."""


def sniff_decimal(cells: Iterable[Cell]) -> str | None:
    """Find out which mark is the decimal one, from texts that can be read in one way alone.

    Returns
    -------
    ``"."`` or ``","``; None where no text has such a mark.

    Raises
    ------
    DoorError
        Both occur, or every text with a mark may be read in two ways: 1.234 is either between one
        and two or a thousand and more.
    """
    shown: dict[str, str] = {}
    doubtful = ""
    for cell in cells:
        if not isinstance(cell, str):
            continue
        point, comma = "." in cell, "," in cell
        # Of a mark that has been shown one more text tells nothing new.
        if not (point or comma) or (point != comma and ("." if point else ",") in shown):
            continue
        text = cell.strip()
        mark = _shows(text)
        if mark:
            shown.setdefault(mark, text)
            if len(shown) == 2:
                break
        elif mark is None and not doubtful:
            doubtful = text
    if len(shown) == 2:
        words = _(
            "The file has a decimal point (“{point}”) and a decimal comma (“{comma}”). Say which "
            "one holds."
        )
        raise DoorError(words.format(point=shown["."][:20], comma=shown[","][:20]))
    if shown:
        return next(iter(shown))
    if doubtful:
        words = _(
            "“{text}” can be read in two ways: its mark may stand before decimals or between "
            "thousands. Say which is the decimal mark."
        )
        raise DoorError(words.format(text=doubtful[:20]))
    return None


def _shows(text: str) -> str | None:
    """Say which decimal mark a text shows: one, none at all (empty), or perhaps one (None)."""
    one = _ONE_MARK.fullmatch(text)
    if one:
        before, mark, after, exponent = one.groups()
        if not before and not after:
            return ""
        # A group of thousands has three digits and no zero before it.
        if len(after) == 3 and 0 < len(before) <= 3 and before[0] != "0" and not exponent:
            return None
        return mark
    grouped = _GROUPED.fullmatch(text)
    if not grouped:
        return ""
    if grouped["decimal"]:
        return grouped["decimal"] if grouped["decimal"] != grouped["mark"] else ""
    # Several groups: the mark between them is not the decimal one.
    return {".": ",", ",": "."}.get(grouped["mark"], "")


def read_figure(cell: Cell, decimal: str) -> float | None:
    """Read one cell as a number.

    Parameters
    ----------
    cell
        A number, or a text.
    decimal
        The decimal mark of texts, ``"."`` or ``","``.

    Returns
    -------
    None where the cell says that there is none.

    Raises
    ------
    FigureError
        It is no finite number.
    """
    if isinstance(cell, str):
        if _USUAL[decimal].fullmatch(cell):
            return float(cell.replace(",", ".") if decimal == "," else cell)
        return _read_text(cell.strip(), decimal)
    if cell is None:
        return None
    if isinstance(cell, bool) or not isinstance(cell, int | float):
        raise FigureError(_("“{text}” is not a number").format(text=str(cell)[:40]))
    try:
        value = float(cell)
    except OverflowError:
        raise FigureError(_("the number is too large")) from None
    return _finite(value, str(cell))


def _read_text(text: str, decimal: str) -> float | None:
    if text.lower() in NOTHING:
        return None
    other = "," if decimal == "." else "."
    one = _ONE_MARK.fullmatch(text)
    if _PLAIN.fullmatch(text) or (one is not None and one[2] == decimal and (one[1] or one[3])):
        return _finite(float(text.replace(decimal, ".")), text)
    grouped = _GROUPED.fullmatch(text)
    if grouped and grouped["mark"] != decimal and grouped["decimal"] in {None, decimal}:
        return _finite(float(text.replace(grouped["mark"], "").replace(decimal, ".")), text)
    if one is not None and one[2] == other:
        words = _("“{text}” is not written like the others, which are like {example}")
        raise FigureError(words.format(text=text[:40], example=WAYS[decimal]))
    raise FigureError(_("“{text}” is not a number").format(text=text[:40]))


def _finite(value: float, text: str) -> float:
    if not math.isfinite(value):
        raise FigureError(_("“{text}” is not a finite number").format(text=text[:40]))
    return value
