"""MUIDs, the identifiers of meters, as people and programs write them."""

from uuid import UUID

EXAMPLE = "95ce3367-cbce-4a4d-bbe3-da082831d7bd"


class MuidError(ValueError):
    """A text that is no MUID; the words say how one looks."""


def read_muid(text: str) -> UUID:
    """Read the identifier of a meter.

    Raises
    ------
    MuidError
        It is none.
    """
    try:
        return UUID(text)
    except ValueError:
        raise MuidError(f"“{text[:40]}” is no MUID, such as {EXAMPLE}.") from None
