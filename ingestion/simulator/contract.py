"""The upstream's contract: a query's parameters, their refusals in words, instants in text.

*Pure*: no sockets and no meters here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Protocol
from urllib.parse import parse_qsl

PATH = "/meterdata/measurement"
PARAMETERS = ("muid", "measurement", "limit", "start", "stop")
MAX_LIMIT = 100_000
"""Most rows that one answer may hold."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
DAY = 86_400_000
"""[ms]"""


@dataclass(frozen=True)
class Query:
    """One well-formed question.

    Attributes
    ----------
    muid, measurement : str
        The meter, and which of its measurements.
    limit : int
        Most rows to answer, the newest.
    start, stop : int
        Half-open range [ms since 1970-01-01T00:00Z].
    """

    muid: str
    measurement: str
    limit: int
    start: int
    stop: int


class ServedMeter(Protocol):
    """What the simulator needs of a meter to serve it."""

    @property
    def muid(self) -> str:
        """The upstream's name of the meter."""

    @property
    def kind(self) -> str:
        """What it is, in one word."""

    @property
    def name(self) -> str:
        """For people."""

    def measurements(self) -> Iterable[str]:
        """The measurements it has, such as `energy`."""

    def newest(self, query: Query, now: int) -> list[bytes]:
        """At most `query.limit` rows of the query's range, newest first, as JSON.

        Each piece is one row or several joined by commas; `now` [ms since 1970-01-01T00:00Z] is
        when the question was asked.
        """


class RefusedError(Exception):
    """A request that is answered with an error.

    Attributes
    ----------
    status : http.HTTPStatus
        Of the answer.
    parameter : str or None
        Which one is at fault.
    message : str
        What is wrong and how to write it.
    """

    def __init__(self, status: HTTPStatus, parameter: str | None, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.parameter = parameter
        self.message = message


def parse_query(text: str) -> Query:
    """Read the part of an address behind the question mark.

    Raises
    ------
    RefusedError
        400, naming the first parameter that is missing, unknown, repeated or malformed.
    """
    given: dict[str, str] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        if name not in PARAMETERS:
            raise _wrong(name, f"is not known here. Known are {', '.join(PARAMETERS)}.")
        if name in given:
            raise _wrong(name, "is given twice. Give it once.")
        given[name] = value
    for name in PARAMETERS:
        if not given.get(name):
            raise _wrong(name, f"is missing. Example: {PATH}?{EXAMPLE}")
    start, stop = _instant("start", given["start"]), _instant("stop", given["stop"])
    if start > stop:
        raise _wrong("stop", f"({given['stop']}) is before start ({given['start']}).")
    return Query(given["muid"], given["measurement"], _limit(given["limit"]), start, stop)


EXAMPLE = "muid=…&measurement=energy&limit=5000&start=2023-02-01&stop=2023-03-01"


def milliseconds(moment: datetime) -> int:
    """An aware date-time as [ms since 1970-01-01T00:00Z], rounded up.

    Up, so that a half-open range of fractions of a millisecond holds the same whole ones.
    """
    return -((EPOCH - moment) // MILLISECOND)


def _limit(value: str) -> int:
    # int() would also take "5_000", " 5" and digits of other scripts.
    if not re.fullmatch("[0-9]{1,9}", value) or not 1 <= int(value) <= MAX_LIMIT:
        raise _wrong("limit", f"must be a whole number from 1 to {MAX_LIMIT}, not {value!r}.")
    return int(value)


def _instant(name: str, value: str) -> int:
    example = "Write a date (2023-02-01, midnight UTC) or an instant with its offset"
    example += " (2023-02-01T00:00:00Z, 2023-02-01T00:00:00+01:00)."
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        if re.search(r"T.* \d\d:?\d\d$", value):
            message = f"({value!r}) has a space where its offset begins. Write + as %2B."
            raise _wrong(name, message) from None
        raise _wrong(name, f"({value!r}) is no date. {example}") from None
    if re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        moment = moment.replace(tzinfo=UTC)
    elif moment.utcoffset() is None:
        raise _wrong(name, f"({value!r}) has a time but no offset. {example}")
    return milliseconds(moment)


def _wrong(name: str, message: str) -> RefusedError:
    return RefusedError(HTTPStatus.BAD_REQUEST, name, f"{name} {message}")
