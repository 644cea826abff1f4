"""What commands take, read with words for what can't be read."""

from argparse import ArgumentParser, ArgumentTypeError
from datetime import datetime
from uuid import UUID

from meters.muids import MuidError, read_muid
from meters.ranges import read_iso


def add_meters(parser: ArgumentParser) -> None:
    """Declare `--meter`, which may be given several times."""
    parser.add_argument(
        "--meter",
        metavar="MUID",
        action="append",
        type=muid,
        default=[],
        help="this meter alone; may be given several times",
    )


def muid(text: str) -> UUID:
    try:
        return read_muid(text)
    except MuidError as error:
        raise ArgumentTypeError(str(error)) from None


def moment(text: str) -> datetime:
    """Read a date, which stands for 00:00 UTC, or a time that carries its offset."""
    text = text.strip()
    try:
        found = read_iso(text)
    except ValueError:
        raise ArgumentTypeError(
            f"“{text}” is no date or time; write 2023-02-01 or 2023-02-01T00:00:00+01:00."
        ) from None
    if len(text) == 10 and found.tzinfo is None:
        return read_iso(f"{text}T00:00:00Z")
    if found.tzinfo is None:
        raise ArgumentTypeError(
            f"“{text}” names no instant: add an offset, as in {text}+01:00 or {text}Z."
        )
    return found
