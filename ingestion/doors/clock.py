"""Dates and times as people write them: what the clock showed, and the offset where it is said."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import NoReturn, TypeVar

from ingestion.doors.table import Cell, DoorError
from meters.language import N_, _
from meters.wording import figure

T = TypeVar("T")

DAY = 86_400
# Texts that a file repeats; beyond that they are all different, and nothing is gained.
MOST_REMEMBERED = 100_000
EPOCH = date(1970, 1, 1)
# Days of Excel, from 1982 to 2173.
SERIALS = (30_000.0, 100_000.0)
# A serial number holds a time to some microseconds; what is further off was not a whole second.
NEAR = 0.005

_ISO = re.compile(r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})", re.ASCII)
_COMPACT = re.compile(r"(\d{4})(\d\d)(\d\d)", re.ASCII)
_LOCAL = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4}|\d\d)", re.ASCII)
_CLOCK = re.compile(
    r"(\d{1,2})[:.](\d\d)(?:[:.](\d\d)(?:[.,](\d+))?)?\s*(Z|[+-]\d\d(?::?\d\d)?)?",
    re.ASCII | re.IGNORECASE,
)
_SPLIT = re.compile(r"(?<=\d)[Tt](?=\d)|,?\s+")
ORDERS = ("dmy", "mdy")
NO_MOMENT = N_("“{text}” is no date and time; write 31.12.2023 23:45 or 2023-12-31T23:45:00+01:00")
NO_CLOCK = N_("“{text}” is no time of day; write 23:45")
WITHOUT_CLOCK = N_("the date “{text}” has no time of day")


class ClockError(ValueError):
    """A text that is no date or time; the message says why."""


@dataclass(frozen=True, slots=True)
class Wall:
    """What a clock showed.

    Attributes
    ----------
    seconds
        As if its zone were UTC: seconds since 1970-01-01T00:00 on that clock.
    offset
        From UTC [s]; None where the text does not say.
    """

    seconds: int
    offset: int | None = None


def sniff_order(cells: Iterable[Cell]) -> str | None:
    """Find out whether day or month comes first in dates such as 03/04/2023.

    Returns
    -------
    ``"dmy"`` or ``"mdy"``; None where no text is written like that. A dot always stands between
    day and month: 31.12.2023.

    Raises
    ------
    DoorError
        Both occur, or nothing shows it.
    """
    orders: dict[str, str] = {}
    doubtful = ""
    for cell in cells:
        found = _LOCAL.match(cell.strip()) if isinstance(cell, str) else None
        if not found or found[2] == ".":
            continue
        first, second = int(found[1]), int(found[3])
        if first > 12 >= second:
            orders.setdefault("dmy", found[0])
        elif second > 12 >= first:
            orders.setdefault("mdy", found[0])
        elif first != second:
            doubtful = doubtful or found[0]
    if len(orders) == 2:
        words = _(
            "“{day_first}” has the day first and “{month_first}” the month. Write dates alike, "
            "best as 2023-12-31."
        )
        raise DoorError(words.format(day_first=orders["dmy"], month_first=orders["mdy"]))
    if orders:
        return next(iter(orders))
    if doubtful:
        words = _("Day or month may come first in “{text}”. Say which of them does.")
        raise DoorError(words.format(text=doubtful))
    return None


@dataclass
class ClockReader:
    """Reads the times of one file; each date and each time of day is worked out once.

    Parameters
    ----------
    order
        ``"dmy"`` or ``"mdy"``, of dates with slashes or hyphens.
    base_1904
        Whether serial numbers count days from 1904.
    """

    order: str = "dmy"
    base_1904: bool = False
    _dates: dict[str, int | ClockError] = field(default_factory=dict)
    _clocks: dict[str, Wall | ClockError] = field(default_factory=dict)

    def moment(self, cell: Cell) -> Wall:
        """Read date and time in one cell.

        Raises
        ------
        ClockError
            It is none; a date alone is none either.
        """
        if isinstance(cell, str):
            day, *rest = _SPLIT.split(cell.strip(), maxsplit=1)
            if not rest:
                raise ClockError(self._not_a_moment(day))
            seconds, clock = self.day(day), self._clock_text(rest[0])
            return Wall(seconds + clock.seconds, clock.offset)
        if isinstance(cell, datetime):
            return _of_datetime(cell)
        if isinstance(cell, int | float) and not isinstance(cell, bool):
            return Wall(self._serial(cell))
        if cell is None:
            raise ClockError(_("the time is missing"))
        words = _(WITHOUT_CLOCK) if isinstance(cell, date) else _(NO_MOMENT)
        raise ClockError(words.format(text=str(cell)[:40]))

    def _not_a_moment(self, text: str) -> str:
        if not text:
            return _("the time is missing")
        try:
            self.day(text)
        except ClockError:
            return _(NO_MOMENT).format(text=text[:40])
        return _(WITHOUT_CLOCK).format(text=text[:40])

    def pair(self, day: Cell, clock: Cell) -> Wall:
        """Read a date and a time of day from two cells."""
        of_day = self.clock(clock)
        return Wall(self.day(day) + of_day.seconds, of_day.offset)

    def day(self, cell: Cell) -> int:
        """Read a date, as seconds since 1970-01-01."""
        if isinstance(cell, str):
            return _once(self._dates, cell.strip(), self._day_text)
        if isinstance(cell, datetime):
            cell = cell.date()
        if isinstance(cell, date):
            return (cell - EPOCH).days * DAY
        if isinstance(cell, int | float) and not isinstance(cell, bool):
            return self._serial(cell) if cell % 1 == 0 else _refuse_day(cell)
        return _refuse_day(cell)

    def clock(self, cell: Cell) -> Wall:
        """Read a time of day; 24:00 ends its date."""
        if isinstance(cell, str):
            return self._clock_text(cell.strip())
        if isinstance(cell, datetime):
            cell = cell.time()
        if isinstance(cell, time):
            return Wall(_whole(3600 * cell.hour + 60 * cell.minute + cell.second, cell.microsecond))
        if isinstance(cell, timedelta):
            cell = cell.total_seconds() / DAY
        if isinstance(cell, int | float) and not isinstance(cell, bool) and 0 <= cell <= 1:
            return Wall(_near(cell * DAY))
        raise ClockError(_(NO_CLOCK).format(text=str(cell)[:40]))

    def _clock_text(self, text: str) -> Wall:
        return _once(self._clocks, text, _read_clock)

    def _day_text(self, text: str) -> int:
        year, month, day = self._parts(text)
        try:
            return (date(year, month, day) - EPOCH).days * DAY
        except ValueError:
            raise ClockError(_("there is no day “{text}”").format(text=text[:40])) from None

    def _parts(self, text: str) -> tuple[int, int, int]:
        found = _ISO.fullmatch(text)
        if found:
            return int(found[1]), int(found[3]), int(found[4])
        found = _COMPACT.fullmatch(text)
        if found:
            return int(found[1]), int(found[2]), int(found[3])
        found = _LOCAL.fullmatch(text)
        if not found:
            return _refuse_day(text)
        # No meter has been read every quarter-hour before 2000.
        year = int(found[4]) + (2000 if len(found[4]) == 2 else 0)
        one, other = int(found[1]), int(found[3])
        if found[2] == "." or self.order == "dmy":
            return year, other, one
        return year, one, other

    def _serial(self, number: float) -> int:
        if not SERIALS[0] <= number < SERIALS[1]:
            raise ClockError(_(NO_MOMENT).format(text=number))
        base = date(1904, 1, 1) if self.base_1904 else date(1899, 12, 30)
        return (base - EPOCH).days * DAY + _near(number * DAY)


def _once(known: dict[str, T | ClockError], text: str, read: Callable[[str], T]) -> T:
    """Read a text, or remember what came of it before."""
    found = known.get(text)
    if found is None:
        try:
            found = read(text)
        except ClockError as error:
            found = error
        if len(known) < MOST_REMEMBERED:
            known[text] = found
    if isinstance(found, ClockError):
        # Anew, for one that is raised again and again would grow by its tracebacks.
        raise ClockError(*found.args)
    return found


def _read_clock(text: str) -> Wall:
    found = _CLOCK.fullmatch(text)
    if not found:
        raise ClockError(_(NO_CLOCK).format(text=text[:40]))
    hour, minute, second = int(found[1]), int(found[2]), int(found[3] or 0)
    if (found[4] or "").strip("0"):
        raise ClockError(_("the time “{text}” is not a whole second").format(text=text[:40]))
    seconds = 3600 * hour + 60 * minute + second
    if minute > 59 or second > 59 or seconds > DAY:
        raise ClockError(_("there is no time of day “{text}”").format(text=text[:40]))
    return Wall(seconds, _offset(found[5], text) if found[5] else None)


def _offset(written: str, text: str) -> int:
    if written in "zZ":
        return 0
    digits = written[1:].replace(":", "").ljust(4, "0")
    hours, minutes = int(digits[:2]), int(digits[2:])
    if hours > 14 or minutes > 59:
        raise ClockError(_("no clock has the offset of “{text}”").format(text=text[:40]))
    seconds = 3600 * hours + 60 * minutes
    return -seconds if written[0] == "-" else seconds


def _of_datetime(cell: datetime) -> Wall:
    seconds = (cell.date() - EPOCH).days * DAY + 3600 * cell.hour + 60 * cell.minute + cell.second
    return Wall(_whole(seconds, cell.microsecond))


def _whole(seconds: int, micros: int) -> int:
    return _near(seconds + micros / 1e6)


def _near(seconds: float) -> int:
    """Round to the whole second that a spreadsheet's number stands for."""
    whole = round(seconds)
    if abs(seconds - whole) > NEAR:
        words = _("the time lies {seconds} s beside a whole second")
        raise ClockError(words.format(seconds=figure(abs(seconds - whole), 3)))
    return whole


def _refuse_day(cell: Cell) -> NoReturn:
    if cell is None or cell == "":
        raise ClockError(_("the date is missing"))
    words = _("“{text}” is no date; write 31.12.2023 or 2023-12-31")
    raise ClockError(words.format(text=str(cell)[:40]))
