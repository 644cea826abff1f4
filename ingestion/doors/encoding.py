"""From the bytes of a text file to its text, and from what the bytes were told."""

import codecs

from ingestion.doors.table import DoorError
from meters.language import _
from meters.wording import counted

# UTF-32 first: its little-endian mark begins with UTF-16's.
MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
NAMES = {"utf-8-sig": "UTF-8", "utf-16": "UTF-16", "utf-32": "UTF-32", "cp1252": "Windows-1252"}
# Control characters that no text has; tab, line feed, form feed and carriage return are none.
BINARY = bytes(set(range(32)) - {9, 10, 12, 13, 26, 27})


def decode(data: bytes) -> tuple[str, str]:
    """Decode a text file.

    Returns
    -------
    The text without a byte order mark, and the name of the encoding.

    Raises
    ------
    DoorError
        It is no text.
    """
    for mark, name in MARKS:
        if data.startswith(mark):
            return _strictly(data, name), NAMES[name]
    unmarked = _unmarked_utf16(data)
    if unmarked:
        return _strictly(data, unmarked), "UTF-16"
    if data[:65_536].translate(None, BINARY) != data[:65_536] or b"\0" in data:
        raise DoorError(_("The file is neither text (CSV, JSON) nor an XLSX workbook."))
    try:
        return data.decode("utf-8"), "UTF-8"
    except UnicodeDecodeError:
        # What is not UTF-8 comes from Windows in all of Western Europe; the five bytes that this
        # encoding leaves open show that it is something else.
        return _strictly(data, "cp1252"), "Windows-1252"


def _strictly(data: bytes, name: str) -> str:
    try:
        return data.decode(name)
    except UnicodeDecodeError as error:
        words = _(
            "The text is not {encoding}, as it seems to be: byte {place} can't be read. Save the "
            "file as UTF-8."
        )
        encoding, place = NAMES.get(name, "UTF-16"), counted(error.start + 1)
        raise DoorError(words.format(encoding=encoding, place=place)) from None


def _unmarked_utf16(data: bytes) -> str | None:
    """Recognise UTF-16 without a mark: every other byte of European text is zero."""
    head = data[: min(len(data), 4_096) // 2 * 2]
    if len(data) % 2 or len(head) < 4:
        return None
    even, odd = head[::2].count(0), head[1::2].count(0)
    half = len(head) // 2
    if odd > 0.8 * half and even == 0:
        return "utf-16-le"
    if even > 0.8 * half and odd == 0:
        return "utf-16-be"
    return None
