"""Options of commands that read files: what a person may say of a file."""

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable
from typing import Any, TypeVar

from ingestion.doors.columns import MARKS, Wishes, parse_code, parse_mapping, parse_unit
from ingestion.doors.table import DoorError
from ingestion.intervals import LENGTHS
from meters.qualities import BY_NAME, Quality
from meters.zones import zone

T = TypeVar("T")

SEPARATORS = {"semicolon": ";", "comma": ",", "tab": "\t"}
DECIMALS = {"comma": ",", "point": "."}
# What can be said of tables alone; JSON says all of this itself.
OF_TABLES = (
    "timezone",
    "mapping",
    "interval_mark",
    "interval",
    "decimal",
    "dates",
    "separator",
    "sheet",
    "obis",
    "unit",
    "quality",
    "power_as_energy",
)


def add_file_options(parser: ArgumentParser) -> None:
    """Add what may be said of a table; everything else is found out and told."""
    group = parser.add_argument_group(
        "of CSV and XLSX files",
        "What is not said is found out where it can be, and told; nothing is guessed.",
    )
    group.add_argument(
        "--timezone",
        type=_checked(lambda text: zone(text).name),
        metavar="ZONE",
        help="whose clock times without offset show: UTC or an IANA zone, such as Europe/Zurich",
    )
    group.add_argument(
        "--mapping",
        action="append",
        default=[],
        metavar="COLUMN=ROLE",
        help="what a column holds: time, date, clock, value, register, meter, quality, unit or "
        "ignore, as in “Zeit=time” or “C=value register=1-0:2.29.0*255 meter=MUID unit=Wh”; the "
        "column is named by its header, letter or number; may be given several times",
    )
    group.add_argument(
        "--interval-mark",
        choices=MARKS,
        help="which end of its interval a time marks; by default the start, or what headers say",
    )
    group.add_argument(
        "--interval",
        type=_minutes,
        metavar="MINUTES",
        help="how long intervals are, where the readings don't show it",
    )
    group.add_argument("--decimal", choices=sorted(DECIMALS), help="the decimal mark of numbers")
    group.add_argument(
        "--dates", choices=["dmy", "mdy"], help="whether day or month comes first in 03/04/2023"
    )
    group.add_argument("--separator", choices=sorted(SEPARATORS), help="between cells of CSV")
    group.add_argument("--sheet", help="of a workbook; by default the first that holds anything")
    group.add_argument(
        "--obis",
        type=_checked(parse_code),
        metavar="CODE",
        help="the register, where the file names none; by default 1-0:1.29.0*255",
    )
    group.add_argument("--unit", type=_checked(parse_unit), help="where the file names none")
    group.add_argument(
        "--quality", choices=sorted(BY_NAME), help="of the readings, where no column says it"
    )
    group.add_argument(
        "--power-as-energy",
        action="store_true",
        help="take mean power (kW) as the energy of its interval (kWh)",
    )


def wishes_of(options: dict[str, Any]) -> Wishes:
    """Gather what was said of a file.

    Raises
    ------
    DoorError
        A mapping can't be read.
    """
    return Wishes(
        zone=options["timezone"],
        mark=options["interval_mark"],
        interval=options["interval"],
        decimal=DECIMALS.get(options["decimal"]),
        order=options["dates"],
        obis=options["obis"],
        unit=options["unit"] or "",
        quality=Quality[options["quality"].upper()] if options["quality"] else None,
        power=options["power_as_energy"],
        columns=parse_mapping(options["mapping"]),
    )


def said_of_tables(options: dict[str, Any]) -> list[str]:
    """List the options that were given and are about tables alone, as they are written."""
    return [f"--{name.replace('_', '-')}" for name in OF_TABLES if options.get(name)]


def _checked(read: Callable[[str], T]) -> Callable[[str], T]:
    def parse(text: str) -> T:
        try:
            return read(text)
        except (DoorError, ValueError) as error:
            raise ArgumentTypeError(str(error)) from None

    return parse


def _minutes(text: str) -> int:
    """Read a length of intervals, in minutes, into seconds."""
    lengths = [int(length) // 60 for length in LENGTHS]
    if not (text.isascii() and text.isdecimal() and int(text[:4]) in lengths):
        listed = ", ".join(map(str, lengths))
        raise ArgumentTypeError(f"intervals are {listed} minutes long, not “{text[:20]}”")
    return int(text) * 60
