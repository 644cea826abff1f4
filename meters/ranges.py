"""Moments and ranges as people and programs write them. Nothing guesses a zone."""

import calendar
import re
from datetime import date, datetime, timedelta

from meters.language import N_, _
from meters.zones import FIRST_YEAR, LAST_YEAR, Zone

EXAMPLES = N_("2023-02-01 (a whole local day) or 2023-02-01T00:00:00+01:00")
# In an address an unescaped + of an offset arrives as a space; it can be nothing else there.
LOST_PLUS = re.compile(r"([Tt]\d{2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?) (\d{2}:?\d{2})")
# The forms of ISO 8601 with a day and a time. Python reads more: any character for the T, even half
# of one, and digits too many, which it takes for a fraction.
ISO = re.compile(
    r"(?:\d{4}-\d\d-\d\d|\d{8}|\d{4}-?W\d\d-?\d)"
    r"(?:[T ](?:\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?|\d{4}(?:\d\d(?:[.,]\d+)?)?)"
    r"(?:Z|[+-]\d\d(?::?\d\d)?)?)?",
    re.ASCII,
)
# A duration of ISO 8601 with a minus before it.
BEFORE = re.compile(
    r"-P(?:(\d{1,3})Y)?(?:(\d{1,4})M)?(?:(\d{1,4})W)?(?:(\d{1,5})D)?"
    r"(?:T(?:(\d{1,6})H)?(?:(\d{1,7})M)?(?:(\d{1,9})S)?)?",
    re.ASCII,
)
# Python leaves away what is less than a microsecond.
FRACTION = re.compile(r"[.,]\d*[1-9]")


class MomentError(ValueError):
    """A text that names no moment; the message says why and how to write one."""


def parse_moment(text: str, zone: Zone) -> int:
    """Read a date, which begins at local midnight in `zone`, or a time that carries its offset.

    Returns
    -------
    The instant, in whole seconds since 1970.

    Raises
    ------
    MomentError
        It is neither, it has no offset, or it lies outside the years that are served.
    """
    text = LOST_PLUS.sub(r"\1+\2", text.strip())
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
            day = date.fromisoformat(text)
            _check_year(day.year)
            return zone.midnight(day)
        moment = read_iso(text)
    except MomentError:
        raise
    except ValueError:
        raise _refused(_("“{text}” is no date or time; write {examples}."), text) from None
    if moment.tzinfo is None:
        words = _("“{text}” has no offset, so it names no instant; write {examples}.")
        raise _refused(words, text)
    if FRACTION.search(text):
        raise _refused(_("“{text}” is not a whole second."), text)
    _check_year(moment.year)
    return int(moment.timestamp())


def parse_relative(text: str, zone: Zone, anchor: int) -> int | None:
    """Read a duration before another moment: ``-P7D`` of the calendar, ``-PT6H`` of elapsed time.

    Days, weeks, months and years are counted on the zone's calendar, at the same time of day: seven
    days over a change of the clocks are no 168 hours. The 31st of a shorter month is its last day.

    Parameters
    ----------
    anchor
        The other moment [s].

    Returns
    -------
    The instant [s]; None where the text is no duration.

    Raises
    ------
    MomentError
        It leads out of the years that are served.
    """
    found = BEFORE.fullmatch(text.strip())
    if found is None or not any(found.groups()):
        return None
    years, months, weeks, days, hours, minutes, seconds = (int(n or 0) for n in found.groups())
    local = zone.at(anchor).replace(tzinfo=None)
    month = local.year * 12 + local.month - 1 - 12 * years - months
    try:
        year, index = divmod(month, 12)
        last = calendar.monthrange(year, index + 1)[1]
        day = local.replace(year=year, month=index + 1, day=min(local.day, last))
        day -= timedelta(weeks=weeks, days=days)
        _check_year(day.year)
    except (ValueError, OverflowError, calendar.IllegalMonthError):
        words = _("“{text}” leads out of the years that are served.")
        raise _refused(words, text) from None
    # Of an hour that happens twice the first is meant; one that does not exist begins later.
    moved = int(day.replace(tzinfo=zone.info).timestamp()) if day != local else anchor
    return moved - (hours * 3600 + minutes * 60 + seconds)


def read_iso(text: str) -> datetime:
    """Read ISO 8601 and no more than that; of RFC 3339 also the lower-case ``t`` and ``z``.

    Raises
    ------
    ValueError
        It is something else.
    """
    upper = text.upper()
    if not ISO.fullmatch(upper):
        raise ValueError(text)
    return datetime.fromisoformat(upper)


def _check_year(year: int) -> None:
    if not FIRST_YEAR < year < LAST_YEAR:
        words = _("The year {year} lies outside {first} to {last}.")
        raise MomentError(words.format(year=year, first=FIRST_YEAR + 1, last=LAST_YEAR - 1))


def _refused(words: str, text: str) -> MomentError:
    return MomentError(words.format(text=text[:40], examples=_(EXAMPLES)))
