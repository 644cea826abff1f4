"""What came in and was refused, written out for people: never too long, and never an exception."""

import json
import reprlib

import orjson

RAW_LENGTH = 2_000


class _Writer(reprlib.Repr):
    """Writes out whatever came in, cut where it is long or nested deeply; it never raises."""

    def __init__(self, *, length: int, items: int, level: int) -> None:
        super().__init__()
        self.maxstring = self.maxlong = self.maxother = length
        self.maxdict = self.maxlist = items
        self.maxlevel = level

    def repr_int(self, x: int, level: int) -> str:
        try:
            return super().repr_int(x, level)
        except ValueError:  # Python writes no more than 4,300 digits
            return f"<a whole number of {x.bit_length()} bits>"


_SHORT = _Writer(length=40, items=2, level=2)
# For rows that JSON can't write, above all those nested too deeply.
_LONG = _Writer(length=RAW_LENGTH, items=50, level=6)


def shown(value: object) -> str:
    """Write a value that was refused into a sentence."""
    return _SHORT.repr(value)[:60]


def raw_text(row: object) -> str:
    """Write a row as it came, cut where it is very long."""
    try:
        text = orjson.dumps(row).decode()
    except TypeError:
        # Numbers past 64 bits, halves of characters, or nested too deeply.
        return _written(row)
    # orjson also writes null for what is no finite number.
    return (_written(row) if "null" in text else text)[:RAW_LENGTH]


def _written(row: object) -> str:
    try:
        return json.dumps(row)[:RAW_LENGTH]
    except (TypeError, ValueError, RecursionError):
        return _LONG.repr(row)[:RAW_LENGTH]
