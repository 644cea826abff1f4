"""The filters of the record's pages: what can't be read is named and left out, not refused."""

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from typing import TypeVar

from django.http import QueryDict
from django.utils.translation import gettext as _

from meters.language import N_
from meters.zones import Zone

T = TypeVar("T")
# What stands beside each on the page.
LABELS = {
    "reason": N_("Reason"),
    "by": N_("By"),
    "meter": N_("Meter (MUID)"),
    "run": N_("Run"),
    "since": N_("From"),
    "until": N_("To"),
}


class Filters:
    """What is looked for, as a page's form sends it.

    Parameters
    ----------
    place
        Whose days count.

    Attributes
    ----------
    unread
        The names of those that could not be read.
    """

    def __init__(self, given: QueryDict, place: Zone) -> None:
        self._given, self._place = given, place
        self.unread: list[str] = []

    def read(self, name: str, parse: Callable[[str], T]) -> T | None:
        """Read one filter; None where it is not set, or can't be read."""
        text = self._given.get(name, "").strip()
        try:
            return parse(text) if text else None
        except (ValueError, OverflowError):
            self.unread.append(name)
            return None

    def day(self, name: str, *, after: int = 0) -> datetime | None:
        """Read a local day, and return the midnight with which it, or one after it, begins."""

        def midnight(text: str) -> datetime:
            first = date.fromisoformat(text) + timedelta(days=after)
            return datetime.fromtimestamp(self._place.midnight(first), UTC)

        return self.read(name, midnight)


def in_words(names: Iterable[str]) -> list[str]:
    """Name filters as the page does."""
    return [_(LABELS[name]) for name in names]


def number(text: str) -> int:
    """Read a row's number.

    Raises
    ------
    ValueError
        It is none.
    """
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise ValueError(text)
    return int(text)
