"""Timestamps of an upstream, as instants. Nothing guesses a zone."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ingestion.rawtext import shown
from meters.days import Ints, Mask
from meters.language import _
from meters.ranges import FRACTION, read_iso

EXAMPLE = "2023-02-01T00:15:00Z"
# The two forms that are read a whole page at a time, and where their digits and marks stand.
FORMS = {24: "0000-00-00T00:00:00.000Z", 20: "0000-00-00T00:00:00Z"}
# When each month begins, from January 1970 to the one after December 9999 [days since 1970-01-01].
MONTHS = np.arange(8030 * 12 + 1).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)


class TimestampError(ValueError):
    """A text that names no instant; the message says why and how to write one."""


def parse_instant(text: object) -> int:
    """Read an ISO 8601 timestamp with offset, as whole seconds since 1970.

    Raises
    ------
    TimestampError
        It is none, has no offset, or is not a whole second.
    """
    if not isinstance(text, str):
        raise TimestampError(
            _("the time {text} is not a text such as {example}").format(
                text=shown(text), example=EXAMPLE
            )
        )
    try:
        when = read_iso(text)
    except ValueError:
        words = _("the time “{text}” can't be read; write {example}")
        raise TimestampError(words.format(text=text[:40], example=EXAMPLE)) from None
    if when.tzinfo is None:
        words = _("the time “{text}” has no offset, so it names no instant; write {example}")
        raise TimestampError(words.format(text=text[:40], example=EXAMPLE))
    if FRACTION.search(text):
        words = _("the time “{text}” is not a whole second; write {example}")
        raise TimestampError(words.format(text=text[:40], example=EXAMPLE))
    return int(when.timestamp())


def parse_page(texts: Sequence[object]) -> tuple[Ints, Mask]:
    """Read the timestamps of a page at once, where all are written in the same usual form.

    Parameters
    ----------
    texts
        n texts such as ``2023-02-28T23:45:00.000Z``.

    Returns
    -------
    instants
        Seconds since 1970, shape ``(n,)``.
    read
        Which of them could be read this way, shape ``(n,)``; the others want `parse_instant`.
    """
    n = len(texts)
    nothing = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=bool)
    if not n or not isinstance(texts[0], str) or len(texts[0]) not in FORMS:
        return nothing
    form = FORMS[len(texts[0])]
    try:
        joined = "\n".join((*texts, "")).encode("ascii")  # type: ignore[arg-type]
    except (TypeError, UnicodeEncodeError):
        return nothing
    if len(joined) != n * (len(form) + 1):
        return nothing
    # One row for each place of the form, so that each is read in one stretch of memory.
    octets = np.ascontiguousarray(np.frombuffer(joined, dtype=np.uint8).reshape(n, -1).T)
    # So many ends of line are just those between the texts, and each text is as long as the form.
    if not (octets[-1] == ord("\n")).all() or np.count_nonzero(octets == ord("\n")) != n:
        return nothing
    octets = octets[:-1]
    pattern = np.frombuffer(form.encode(), dtype=np.uint8)
    is_digit = pattern == ord("0")
    read = (octets[~is_digit] == pattern[~is_digit, None]).all(axis=0)
    # What is no digit wraps around to more than 9.
    digits = octets - np.uint8(ord("0"))
    read &= (digits[is_digit] <= 9).all(axis=0)

    def number(start: int, stop: int) -> Ints:
        value: Ints = digits[start].astype(np.int64)
        for place in range(start + 1, stop):
            value = value * 10 + digits[place]
        return value

    year, month, day = number(0, 4), number(5, 7), number(8, 10)
    hour, minute, second = number(11, 13), number(14, 16), number(17, 19)
    read &= (year >= 1970) & (month >= 1) & (month <= 12) & (day >= 1)
    read &= (hour < 24) & (minute < 60) & (second < 60)
    if len(form) == 24:
        read &= (digits[20:23] == 0).all(axis=0)
    months: npt.NDArray[np.int64] = np.where(read, (year - 1970) * 12 + month - 1, 0)
    begins = MONTHS[months]
    read &= begins + day <= MONTHS[months + 1]
    seconds = (begins + day - 1) * 86_400 + hour * 3600 + minute * 60 + second
    return np.where(read, seconds, 0), read
