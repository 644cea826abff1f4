"""The rows of a large answer, read column by column where all of them look alike.

Thousands of rows that differ in little but time and value cost most as dictionaries: two for each,
with five texts and a number. A decoder that knows their shape makes a text and a number of each,
and what is the same in all of them is looked at once. It is made after the first row; where any
other looks different in the least, the whole answer is read as dictionaries. So nothing is taken
here that would be refused, or read otherwise, there.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import compress
from operator import itemgetter
from typing import Any, overload
from uuid import UUID

import msgspec
import numpy as np
import orjson

from ingestion.payload import FRAME, decoded, rows_of
from meters.days import Ints, Qualities
from meters.obis import ObisCode, ObisError
from meters.qualities import QualityError, parse_quality

# A smaller answer [B] is read as dictionaries sooner than a look is taken at its shape.
WORTH = 16 * 1024
# So many different tags are too many to be looked at one by one.
MOST_TAGS = 20
# Where the first row begins, and how much of an answer is looked at to read it [B].
_BEGIN = re.compile(rb'\s*(\{\s*"data"\s*:\s*)?\[\s*(?=\{)')
_HEAD = 2_000


@dataclass(frozen=True, eq=False)
class AlikeRows(Sequence[Any]):
    """n rows that have the same keys; as a sequence, the dictionaries that they are.

    Attributes
    ----------
    body
        The answer; its dictionaries are made where somebody asks for one.
    name
        The key under which their values are, an OBIS code.
    measurement
        Of all of them.
    timestamps, values
        One for each row.
    tags
        Those that occur, each once.
    tags_of
        For each row which of them are its own, shape ``(n,)``.
    """

    body: bytes
    name: str
    measurement: object
    timestamps: list[str]
    values: list[float]
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
    """Rows differ in more than time, value and tags."""


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
    """Read rows that all look like the first one; None where they do not."""
    # What is no ASCII may be no UTF-8 either, which not every part of a row is asked for here.
    found = _BEGIN.match(body)
    if found is None or not body.isascii():
        return None
    name = _name_in(body[found.end() : found.end() + _HEAD])
    if name is None:
        return None
    try:
        answer = _decoder(name, is_bare=found[1] is None).decode(body)
        rows = answer if isinstance(answer, list) else answer.data
        measurement = _all_alike([row.measurement for row in rows])
        tags, tags_of = _numbered([row.tags for row in rows])
    except (msgspec.MsgspecError, orjson.JSONDecodeError, RecursionError, _UnlikeError):
        return None
    return AlikeRows(
        body,
        name,
        measurement,
        [row.timestamp for row in rows],
        [row.value for row in rows],
        tags,
        tags_of,
    )


def _name_in(head: bytes) -> str | None:
    """Read the first row; return the one key of it that is an OBIS code."""
    try:
        row, _ = json.JSONDecoder().raw_decode(head.decode())
        [name] = row.keys() - FRAME
        ObisCode.parse(name)
    except (ValueError, RecursionError, ObisError):
        return None
    return str(name)


@lru_cache(maxsize=64)
def _decoder(name: str, *, is_bare: bool) -> msgspec.json.Decoder[Any]:
    row = msgspec.defstruct(
        "Row",
        [
            ("measurement", msgspec.Raw), ("timestamp", str), ("tags", msgspec.Raw),
            ("value", float),
        ],
        rename={"value": name},
        forbid_unknown_fields=True,
        gc=False,
    )  # fmt: skip
    rows = list[row]  # type: ignore[valid-type]
    if is_bare:
        return msgspec.json.Decoder(rows)
    answer = msgspec.defstruct("Answer", [("data", rows)], forbid_unknown_fields=True, gc=False)
    return msgspec.json.Decoder(answer)


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
    code
        The canonical OBIS code of all of them.
    measurement, muid
        As written in all of them, the one not looked at yet.
    timestamps, values
        As written, one for each row; the values are numbers.
    qualities
        One `Quality` for each, shape ``(n,)``.
    """

    code: str
    measurement: object
    muid: UUID
    timestamps: Sequence[object]
    values: Sequence[Any]
    qualities: Qualities


def shape_of(rows: Sequence[Any]) -> Shape | None:
    """Take apart rows that all look like the first one; None where they do not."""
    try:
        return _told_apart(rows) if isinstance(rows, AlikeRows) else _taken_apart(rows)
    except (ObisError, QualityError, KeyError, TypeError, AttributeError, ValueError):
        return None


def _told_apart(rows: AlikeRows) -> Shape | None:
    """Take what a decoder has read column by column already."""
    [muid] = {tags["muid"] for tags in rows.tags}  # type: ignore[index]
    qualities = [int(parse_quality(tags["quality"])) for tags in rows.tags]  # type: ignore[index]
    return Shape(
        str(ObisCode.parse(rows.name)),
        rows.measurement,
        UUID(muid),
        rows.timestamps,
        rows.values,
        np.array(qualities, dtype=np.int16)[rows.tags_of],
    )


def _taken_apart(rows: Sequence[Any]) -> Shape | None:
    """Take the columns out of rows that are dictionaries of the same keys.

    What a column holds is taken out, measured and compared by functions written in C.
    """
    if not rows or not isinstance(rows[0], dict):
        return None
    first = rows[0]
    names = first.keys() - FRAME
    if len(names) != 1 or len(first) != 4 or not isinstance(first.get("tags"), dict):
        return None
    name = names.pop()
    code = str(ObisCode.parse(name))
    if set(map(len, rows)) != {4}:
        return None
    values = list(map(itemgetter(name), rows))
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
    if not set(map(type, values)) <= {int, float}:
        return None
    if len(qualities) == 1:
        numbered = np.full(n, qualities[words[0]], dtype=np.int16)
    else:
        numbered = np.fromiter(map(qualities.__getitem__, words), dtype=np.int16, count=n)
    return Shape(code, measurements[0], UUID(muids[0]), timestamps, values, numbered)
