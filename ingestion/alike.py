"""The rows of a large answer, read column by column where all of them look alike.

Thousands of rows that differ in little but time and values cost most as dictionaries: two for each,
with five texts and a number. A decoder that knows their shape makes a text and some numbers of
each, and what is the same in all of them is looked at once. It is made after the first rows; where
any other looks different in the least, the whole answer is read as dictionaries. So nothing is
taken here that would be refused, or read otherwise, there.
"""

import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import compress
from operator import attrgetter, itemgetter
from typing import Any, overload
from uuid import UUID

import msgspec
import numpy as np
import orjson

from ingestion.payload import FRAME, decoded, rows_of
from meters.days import Floats, Ints, Qualities
from meters.obis import ObisCode, ObisError
from meters.qualities import parse_quality

# A smaller answer [B] is read as dictionaries sooner than a look is taken at its shape.
WORTH = 16 * 1024
# So many different tags are too many to be looked at one by one.
MOST_TAGS = 20
# Where the first row begins, and how much of an answer is looked at to read it [B].
_BEGIN = re.compile(rb'\s*(\{\s*"data"\s*:\s*)?\[\s*(?=\{)')
_HEAD = 2_000
_BETWEEN = re.compile(r"\s*,\s*(?=\{)")


@dataclass(frozen=True, eq=False)
class AlikeRows(Sequence[Any]):
    """n rows of k registers at most; as a sequence, the dictionaries that they are.

    Attributes
    ----------
    body
        The answer; its dictionaries are made where somebody asks for one.
    names
        The keys under which their values are, k OBIS codes.
    measurement
        Of all of them.
    timestamps
        One for each row.
    values
        For each name one for each row; NaN where a row has none, which no row has of all names.
    tags
        Those that occur, each once.
    tags_of
        For each row which of them are its own, shape ``(n,)``.
    """

    body: bytes
    names: tuple[str, ...]
    measurement: object
    timestamps: list[str]
    values: list[list[float]]
    tags: list[object]
    tags_of: Ints

    @cached_property
    def whole(self) -> list[Any]:
        return rows_of(decoded(self.body))

    def __len__(self) -> int:
        return len(self.timestamps)

    @overload
    def __getitem__(self, place: int) -> Any: ...
    @overload
    def __getitem__(self, place: slice) -> list[Any]: ...
    def __getitem__(self, place: int | slice) -> Any:
        return self.whole[place]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.whole)


class _UnlikeError(Exception):
    """Rows differ in more than time, values and tags."""


def read_rows(body: bytes) -> Sequence[Any]:
    """Read the rows of an answer, in whichever way is quickest.

    Raises
    ------
    NoJSONError, PayloadError
        It holds none.
    """
    alike = alike_rows(body) if len(body) >= WORTH else None
    return rows_of(decoded(body)) if alike is None else alike


def alike_rows(body: bytes) -> AlikeRows | None:
    """Read rows that all look like the first ones; None where they do not."""
    # What is no ASCII may be no UTF-8 either, which not every part of a row is asked for here.
    found = _BEGIN.match(body)
    if found is None or not body.isascii():
        return None
    try:
        names = _names_in(body[found.end() : found.end() + _HEAD])
        answer = _decoder(names, is_bare=found[1] is None).decode(body)
        rows = answer if isinstance(answer, list) else answer.data
        values = _columns(rows, names)
        measurement = _all_alike([row.measurement for row in rows])
        tags, tags_of = _numbered([row.tags for row in rows])
    except (msgspec.MsgspecError, orjson.JSONDecodeError, RecursionError, _UnlikeError):
        return None
    timestamps = [row.timestamp for row in rows]
    return AlikeRows(body, names, measurement, timestamps, values, tags, tags_of)


def _names_in(head: bytes) -> tuple[str, ...]:
    """Read the first rows, as many as there are in it; return the OBIS codes among their keys."""
    text, names = head.decode(), {}
    decoder, at = json.JSONDecoder(), 0
    try:
        while True:
            row, end = decoder.raw_decode(text, at)
            names.update(dict.fromkeys(name for name in row if name not in FRAME))
            between = _BETWEEN.match(text, end)
            if between is None:
                break
            at = between.end()
    except (ValueError, RecursionError):
        # The last one is cut off where the head ends.
        pass
    try:
        codes = {str(ObisCode.parse(name)) for name in names}
    except ObisError:
        raise _UnlikeError from None
    # One register under two names has readings of which the later one counts.
    if not names or len(codes) != len(names):
        raise _UnlikeError
    return tuple(names)


def _places(names: tuple[str, ...]) -> list[str]:
    return [f"value_{number}" for number in range(len(names))]


@lru_cache(maxsize=64)
def _decoder(names: tuple[str, ...], *, is_bare: bool) -> msgspec.json.Decoder[Any]:
    places = _places(names)
    # Of several registers a row may lack some. JSON has no NaN, so none is read for it.
    values = [(place, float, math.nan) if len(names) > 1 else (place, float) for place in places]
    row = msgspec.defstruct(
        "Row",
        [("measurement", msgspec.Raw), ("timestamp", str), ("tags", msgspec.Raw), *values],
        rename=dict(zip(places, names, strict=True)),
        forbid_unknown_fields=True,
        gc=False,
    )
    rows = list[row]  # type: ignore[valid-type]
    if is_bare:
        return msgspec.json.Decoder(rows)
    answer = msgspec.defstruct("Answer", [("data", rows)], forbid_unknown_fields=True, gc=False)
    return msgspec.json.Decoder(answer)


def _columns(rows: list[Any], names: tuple[str, ...]) -> list[list[float]]:
    values = [list(map(attrgetter(place), rows)) for place in _places(names)]
    if len(names) > 1 and np.isnan(values).all(axis=0).any():
        raise _UnlikeError
    return values


def _all_alike(written: list[Any]) -> object:
    # Counting compares; a set would work out the hash of every one.
    if written.count(written[0]) != len(written):
        raise _UnlikeError
    return orjson.loads(bytes(written[0]))


def _numbered(written: list[Any]) -> tuple[list[object], Ints]:
    """Number what is written, those that are written alike by the same number."""
    found: list[object] = []
    numbers, left = np.zeros(len(written), dtype=np.int64), np.arange(len(written))
    while written:
        if len(found) == MOST_TAGS:
            raise _UnlikeError
        first = written[0]
        is_other = [one != first for one in written]
        numbers[left] = len(found)
        found.append(orjson.loads(bytes(first)))
        left, written = left[is_other], list(compress(written, is_other))
    return found, numbers


@dataclass(frozen=True, slots=True)
class Shape:
    """What n rows of one shape hold, taken out column by column.

    Attributes
    ----------
    codes
        The canonical OBIS codes of their k registers.
    measurement, muid
        As written in all of them, the one not looked at yet.
    timestamps
        As written, one for each row.
    values
        As written, shape ``(k, n)``; NaN where a row has none.
    qualities
        One `Quality` for each, shape ``(n,)``.
    """

    codes: tuple[str, ...]
    measurement: object
    muid: UUID
    timestamps: Sequence[object]
    values: Floats
    qualities: Qualities


def shape_of(rows: Sequence[Any]) -> Shape | None:
    """Take apart rows that all look like the first one; None where they do not."""
    try:
        return _told_apart(rows) if isinstance(rows, AlikeRows) else _taken_apart(rows)
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError):
        return None


def _told_apart(rows: AlikeRows) -> Shape | None:
    """Take what a decoder has read column by column already."""
    [muid] = {tags["muid"] for tags in rows.tags}  # type: ignore[index]
    qualities = [int(parse_quality(tags["quality"])) for tags in rows.tags]  # type: ignore[index]
    return Shape(
        tuple(str(ObisCode.parse(name)) for name in rows.names),
        rows.measurement,
        UUID(muid),
        rows.timestamps,
        np.array(rows.values, dtype=np.float64),
        np.array(qualities, dtype=np.int16)[rows.tags_of],
    )


def _taken_apart(rows: Sequence[Any]) -> Shape | None:
    """Take the columns out of rows that are dictionaries of the same keys.

    What a column holds is taken out, measured and compared by functions written in C.
    """
    if not rows or not isinstance(rows[0], dict):
        return None
    first = rows[0]
    names = [name for name in first if name not in FRAME]
    codes = tuple(str(ObisCode.parse(name)) for name in names)
    if not names or len(set(codes)) != len(names):
        return None
    if set(map(len, rows)) != {len(FRAME) + len(names)} or not isinstance(first["tags"], dict):
        return None
    values = [list(map(itemgetter(name), rows)) for name in names]
    tags = list(map(itemgetter("tags"), rows))
    timestamps = list(map(itemgetter("timestamp"), rows))
    measurements = list(map(itemgetter("measurement"), rows))
    muids = list(map(itemgetter("muid"), tags))
    words = list(map(itemgetter("quality"), tags))
    qualities = {word: int(parse_quality(word)) for word in set(words)}
    n = len(rows)
    # Counting compares; a set would work out the hash of every text.
    if muids.count(muids[0]) != n or measurements.count(measurements[0]) != n:
        return None
    # True and None are numbers to numpy, but not to a meter.
    if not all(set(map(type, column)) <= {int, float} for column in values):
        return None
    numbers = np.array(values, dtype=np.float64)
    # What is read as NaN was written so, and is refused.
    if np.isnan(numbers).any():
        return None
    if len(qualities) == 1:
        numbered = np.full(n, qualities[words[0]], dtype=np.int16)
    else:
        numbered = np.fromiter(map(qualities.__getitem__, words), dtype=np.int16, count=n)
    return Shape(codes, measurements[0], UUID(muids[0]), timestamps, numbers, numbered)
