"""What kind of file somebody brings: told from its contents, whatever its name or label says."""

from enum import StrEnum

from ingestion.doors.encoding import MARKS
from ingestion.doors.table import DoorError
from meters.language import _

OLD_EXCEL = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


class Kind(StrEnum):
    JSON = "JSON"
    CSV = "CSV"
    XLSX = "XLSX"


def kind_of(data: bytes) -> Kind:
    """Tell what kind of file this is.

    Raises
    ------
    DoorError
        It is none that is taken; the text says what it is where that is known.
    """
    if not data.strip():
        raise DoorError(_("The file is empty."))
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return Kind.XLSX
    if data.startswith(OLD_EXCEL):
        raise DoorError(
            _("The file is an old Excel workbook (XLS), or one with a password. Save it as XLSX.")
        )
    if data.startswith(b"%PDF"):
        raise DoorError(_("The file is a PDF. Ask for the readings as CSV or XLSX."))
    if data.startswith(b"\x1f\x8b"):
        raise DoorError(_("The file is packed (gzip). Unpack it first."))
    if data.lstrip().startswith(b"<"):
        raise DoorError(_("The file is XML or HTML. Take a CSV or XLSX file."))
    # Whatever the encoding, these two come as themselves, with zeros around them in UTF-16.
    head = data[:4_096]
    for mark, _name in MARKS:
        head = head.removeprefix(mark)
    return Kind.JSON if head.replace(b"\0", b"").lstrip()[:1] in {b"{", b"["} else Kind.CSV
