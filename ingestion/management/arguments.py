"""What commands take, read with words for what can't be read."""

from argparse import ArgumentTypeError
from uuid import UUID


def muid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise ArgumentTypeError(
            f"“{text}” is no MUID, such as 95ce3367-cbce-4a4d-bbe3-da082831d7bd."
        ) from None
