"""What the columns of a table mean: what was wished for, and what reading goes by."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from ingestion.doors.table import DoorError, column_name
from ingestion.doors.units import canonical_unit
from meters.language import _
from meters.muids import MuidError, read_muid
from meters.obis import ObisCode, ObisError
from meters.qualities import Quality

IMPORT, EXPORT = "1-0:1.29.0*255", "1-0:2.29.0*255"
MARKS = ("start", "end")


class Role(StrEnum):
    """What a column holds."""

    TIME = "time"
    DATE = "date"
    CLOCK = "clock"
    VALUE = "value"
    REGISTER = "register"
    METER = "meter"
    QUALITY = "quality"
    UNIT = "unit"
    IGNORE = "ignore"


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes
    ----------
    index
        From 0.
    name
        Its header; where there is none its letter.
    role
        What it holds.
    obis, muid, unit
        Of a column of values: whose they are and in which unit; empty where another column or the
        whole file says so.
    """

    index: int
    name: str
    role: Role = Role.IGNORE
    obis: str = ""
    muid: UUID | None = None
    unit: str = ""


@dataclass(frozen=True, slots=True)
class ColumnWish:
    """What somebody says of a column; see `Column`. The role is None where it is left open."""

    role: Role | None = None
    obis: str = ""
    muid: UUID | None = None
    unit: str = ""


@dataclass(frozen=True)
class Wishes:
    """What somebody says of a file; None or empty where it is to be found out.

    Attributes
    ----------
    zone
        IANA name of the zone whose clock the times show, where they have no offset.
    mark
        ``start`` or ``end``: which end of its interval a time stands for.
    interval
        Length of the intervals [s].
    decimal
        ``.`` or ``,``.
    order
        ``dmy`` or ``mdy``, of dates with slashes or hyphens.
    muid, obis, unit, quality
        Of everything that no column says.
    power
        Whether mean power is to be taken as energy.
    columns
        By header, letter or number (from 1).
    by_index
        By place (from 0), for who sees the columns; goes before `columns`.
    names
        Other names of meters that a file may use: their metering points.
    """

    zone: str | None = None
    mark: str | None = None
    interval: int | None = None
    decimal: str | None = None
    order: str | None = None
    muid: UUID | None = None
    obis: str | None = None
    unit: str = ""
    quality: Quality | None = None
    power: bool = False
    columns: Mapping[str, ColumnWish] = field(default_factory=dict)
    by_index: Mapping[int, ColumnWish] = field(default_factory=dict)
    names: Mapping[str, UUID] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """How a table is read; the attributes are as in `Wishes`, settled.

    Attributes
    ----------
    first
        The first row of readings in the table; those before are headers.
    zone
        Empty where each time carries its offset.
    """

    columns: tuple[Column, ...]
    first: int
    zone: str = ""
    mark: str = "start"
    interval: int | None = None
    decimal: str = "."
    order: str = "dmy"
    muid: UUID | None = None
    obis: str = IMPORT
    quality: Quality = Quality.UNSPECIFIED
    power: bool = False
    names: Mapping[str, UUID] = field(default_factory=dict)

    def of(self, role: Role) -> list[Column]:
        return [column for column in self.columns if column.role is role]

    def one(self, role: Role) -> Column | None:
        found = self.of(role)
        return found[0] if found else None


def parse_mapping(texts: Sequence[str]) -> dict[str, ColumnWish]:
    """Read what a person writes of columns: ``COLUMN=ROLE``, and of values more.

    ``Zeit=time``, ``B=value register=1-0:1.29.0*255 unit=Wh``, ``3=ignore``; the column is named
    by its header, its letter or its number.

    Raises
    ------
    DoorError
        One of them can't be read.
    """
    return dict(map(_parse_one, texts))


def _parse_one(text: str) -> tuple[str, ColumnWish]:
    words = re.sub(r"\s+", " ", text)
    # A header may hold an equals sign itself: the role follows the first one that a role follows.
    for at in (match.start() for match in re.finditer("=", words)):
        name, role = words[:at].strip(), words[at + 1 :].strip()
        if name and role.partition(" ")[0] in {*Role, "muid"}:
            return name, _wish(role, text)
    roles = ", ".join(Role)
    raise DoorError(
        f"“{text[:60]}” is no mapping; write COLUMN=ROLE, such as Zeit=time. Roles are {roles}."
    )


def _wish(words: str, text: str) -> ColumnWish:
    first, *more = words.split(" ")
    role = Role("meter" if first == "muid" else first)
    given: dict[str, str] = {}
    for one in more:
        key, equals, value = one.partition("=")
        if not equals or key not in {"register", "meter", "muid", "unit"}:
            raise DoorError(
                f"“{one[:40]}” in “{text[:60]}” can't be read; of values you may add "
                "register=CODE, meter=MUID and unit=UNIT."
            )
        given[{"muid": "meter"}.get(key, key)] = value
    if given and role is not Role.VALUE:
        raise DoorError(f"“{text[:60]}”: register, meter and unit belong to a column of values.")
    return ColumnWish(
        role,
        parse_code(given["register"]) if "register" in given else "",
        parse_muid(given["meter"]) if "meter" in given else None,
        parse_unit(given.get("unit", "")),
    )


def parse_code(text: str) -> str:
    """Read an OBIS code into its full notation.

    Raises
    ------
    DoorError
        It is none.
    """
    try:
        return str(ObisCode.parse(text))
    except ObisError as error:
        raise DoorError(f"{error}.") from None


def parse_muid(text: str) -> UUID:
    """Read the identifier of a meter.

    Raises
    ------
    DoorError
        It is none.
    """
    try:
        return read_muid(text)
    except MuidError as error:
        raise DoorError(str(error)) from None


def parse_unit(text: str) -> str:
    """Read a unit into its usual writing; none at all stays empty.

    Raises
    ------
    DoorError
        It is unknown.
    """
    unit = canonical_unit(text) if text.strip() else ""
    if unit is None:
        words = _("The unit “{unit}” is unknown; known are kWh, Wh, MWh, kW and others.")
        raise DoorError(words.format(unit=text[:20]))
    return unit


def wishes_by_index(
    wishes: Mapping[str, ColumnWish], headers: Sequence[str]
) -> dict[int, ColumnWish]:
    """Find the columns that wishes name: a header first, then a letter, then a number.

    Raises
    ------
    DoorError
        There is no such column, or there are several.
    """
    found = {}
    for name, wish in wishes.items():
        same = [at for at, header in enumerate(headers) if header.casefold() == name.casefold()]
        if len(same) > 1:
            raise DoorError(
                f"{len(same)} columns are named “{name[:40]}”; name them by letter or number."
            )
        index = same[0] if same else _by_place(name)
        if index is None or index >= len(headers):
            there = ", ".join(f"“{header[:30]}”" for header in headers[:12])
            raise DoorError(f"There is no column “{name[:40]}”; there are {there}.")
        found[index] = wish
    return found


def _by_place(name: str) -> int | None:
    if name.isascii() and name.isdecimal() and 0 < int(name[:6]) <= 10_000 and len(name) < 6:
        return int(name) - 1
    letters = (
        [at for at in range(1_000) if column_name(at) == name.upper()] if len(name) < 4 else []
    )
    return letters[0] if letters else None
