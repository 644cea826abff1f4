"""The body of an answer, decoded: JSON, and what other programs write as if it were JSON."""

import json
from typing import Any

import orjson

from meters.language import _

# The keys of a row that are no OBIS codes.
FRAME = frozenset({"measurement", "timestamp", "tags"})


class NoJSONError(ValueError):
    """A body that is no JSON; the text says why, and where."""


class PayloadError(ValueError):
    """The answer as a whole is not of the upstream's shape."""


def decoded(body: bytes) -> object:
    """Decode a body.

    What is no JSON but can be read without a guess is read: NaN and Infinity, numbers past any
    float, halves of characters, a byte order mark. So one such value costs one reading, which is
    refused with its raw text, and not the whole answer at every attempt.

    Raises
    ------
    NoJSONError
        It can't be read.
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        strict = str(error)
    try:
        return json.loads(body, parse_int=_whole)
    except (ValueError, RecursionError):
        # The strict reader's words are about JSON, and name the first thing that is none.
        raise NoJSONError(strict) from None


def _whole(text: str) -> int | float:
    try:
        return int(text)
    except ValueError:  # Python reads no more than 4,300 digits
        return float(text)


def rows_of(payload: object) -> list[Any]:
    """Take the rows out of an answer: ``{"data": [...]}`` or the bare list.

    Raises
    ------
    PayloadError
        It is neither.
    """
    if isinstance(payload, dict) and "data" in payload:
        payload = payload["data"]
    if isinstance(payload, list):
        return payload
    shape = '{"data": [rows]}'
    if isinstance(payload, dict):
        words = _("The answer is an object with the keys {keys}; {shape} was expected.")
        raise PayloadError(words.format(keys=", ".join(map(str, payload))[:80], shape=shape))
    words = _("The answer is {kind}; {shape} was expected.")
    raise PayloadError(words.format(kind=type(payload).__name__, shape=shape))
