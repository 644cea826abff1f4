"""MUIDs, the identifiers of meters, as people and programs write them."""

from uuid import UUID

from meters.language import _

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
        words = _("“{text}” is no MUID, such as {example}.")
        raise MuidError(words.format(text=text[:40], example=EXAMPLE)) from None
