"""An upstream's answer, turned into a batch of readings and a list of those refused.

A row of the answer carries one timestamp and one value for each OBIS code:
``{"measurement": "energy", "timestamp": "…Z", "tags": {"muid": "…", "quality": "measured"},
"0100011D00FF": 0.0123}``.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import UUID

import numpy as np
import orjson

from ingestion.batch import Batch, Reason, RegisterKey, Rejection
from ingestion.timestamps import TimestampError, parse_instant, parse_page
from meters.obis import ObisCode, ObisError
from meters.qualities import QualityError, parse_quality

T = TypeVar("T")

# The keys of a row that are no OBIS codes.
FRAME = frozenset({"measurement", "timestamp", "tags"})
EARLIEST = 946_684_800  # 2000-01-01: no interval meter has read before
# A clock a little ahead of ours is no reason to refuse.
LEEWAY = 300
# A quarter-hour of the largest power station there is comes to some 6 GWh.
ABSURD = 1e9
RAW_LENGTH = 2_000


class PayloadError(ValueError):
    """The answer as a whole is not of the upstream's shape."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked of the upstream, and so what its answer may hold.

    Attributes
    ----------
    muid
        The meter asked for; rows of another are refused. None where a file may hold several.
    start, stop
        The window ``[start, stop)`` [s]; rows outside are left aside. None where there is none.
    measurement
        The measurement asked for, taken where a row names none.
    now
        The present [s]; readings of the future are refused.
    """

    now: int
    muid: UUID | None = None
    start: int | None = None
    stop: int | None = None
    measurement: str = "energy"


@dataclass(frozen=True)
class Parsed:
    """A batch, what was refused, and how many rows lay outside the window asked for."""

    batch: Batch
    rejections: list[Rejection] = field(default_factory=list)
    outside: int = 0
    oldest: int | None = None
    newest: int | None = None
    rows: int = 0


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
    what = (
        f"an object with the keys {', '.join(map(str, payload))[:80]}"
        if isinstance(payload, dict)
        else type(payload).__name__
    )
    raise PayloadError(f'The answer is {what}; {{"data": [rows]}} was expected.')


def parse(rows: Sequence[Any], asked: Asked) -> Parsed:
    """Turn rows into a batch; a row that can't be one becomes a rejection, the others stay.

    Parameters
    ----------
    rows
        As `rows_of` gives them.
    asked
        What the answer may hold.
    """
    columns = _same_shape(rows, asked) or _row_by_row(rows, asked)
    return columns.finish(rows, asked)


def raw_text(row: object) -> str:
    """Write a row as it came, cut where it is very long."""
    try:
        text = orjson.dumps(row).decode()
    except (TypeError, ValueError):
        text = repr(row)
    return text[:RAW_LENGTH]


@dataclass
class _Columns:
    """Readings on their way into a batch."""

    keys: dict[RegisterKey, int] = field(default_factory=dict)
    index: Any = field(default_factory=list)
    instants: Any = field(default_factory=list)
    values: Any = field(default_factory=list)
    qualities: Any = field(default_factory=list)
    row: Any = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)

    def finish(self, rows: Sequence[Any], asked: Asked) -> Parsed:
        """Drop what lies outside the window and refuse what lies outside of time."""
        instants = np.asarray(self.instants, dtype=np.int64)
        batch = Batch(
            tuple(self.keys),
            np.asarray(self.index, dtype=np.int64),
            instants,
            np.asarray(self.values, dtype=np.float64),
            np.asarray(self.qualities, dtype=np.int16),
            np.asarray(self.row, dtype=np.int64),
        )
        start = -(2**62) if asked.start is None else asked.start
        stop = 2**62 if asked.stop is None else asked.stop
        absurd = (instants < EARLIEST) | (instants > asked.now + LEEWAY)
        inside = (instants >= start) & (instants < stop)
        for at in np.flatnonzero(absurd & inside):
            self.rejections.append(_out_of_time(rows, batch, int(at)))
        kept = np.flatnonzero(inside & ~absurd)
        return Parsed(
            batch if len(kept) == len(batch) else _take(batch, kept),
            self.rejections,
            outside=int((~inside).sum()),
            oldest=int(instants.min()) if len(instants) else None,
            newest=int(instants.max()) if len(instants) else None,
            rows=len(rows),
        )


def _take(batch: Batch, kept: Any) -> Batch:
    return Batch(
        batch.keys,
        batch.index[kept],
        batch.instants[kept],
        batch.values[kept],
        batch.qualities[kept],
        batch.row[kept],
    )


def _out_of_time(rows: Sequence[Any], batch: Batch, at: int) -> Rejection:
    row = rows[int(batch.row[at])]
    key = batch.keys[int(batch.index[at])]
    early = batch.instants[at] < EARLIEST
    return Rejection(
        Reason.TIME if early else Reason.FUTURE,
        f"the time {row['timestamp']} lies "
        + ("before any interval meter" if early else "in the future"),
        raw_text(row),
        str(key.muid),
        key.obis,
        str(row["timestamp"]),
    )


def _same_shape(rows: Sequence[Any], asked: Asked) -> _Columns | None:
    """Read a page whose rows all look like the first one; None where they do not.

    This is the path nearly every page takes: list comprehensions and numpy, no statement per row.
    """
    if not rows or not isinstance(rows[0], dict) or asked.muid is None:
        return None
    first = rows[0]
    names = first.keys() - FRAME
    if len(names) != 1 or len(first) != 4 or not isinstance(first.get("tags"), dict):
        return None
    name = names.pop()
    try:
        code = str(ObisCode.parse(name))
        if any(len(row) != 4 for row in rows):
            return None
        values = [row[name] for row in rows]
        tags = [row["tags"] for row in rows]
        instants, read = parse_page([row["timestamp"] for row in rows])
        measurements = {row["measurement"] for row in rows}
        muids = {tag["muid"] for tag in tags}
        words = [tag.get("quality") for tag in tags]
        qualities = {word: int(parse_quality(word)) for word in set(words)}
        muid = UUID(muids.pop())
    except (ObisError, QualityError, KeyError, TypeError, AttributeError, ValueError):
        return None
    if not read.all() or muids or muid != asked.muid or len(measurements) != 1:
        return None
    measurement = measurements.pop()
    # True and None are numbers to numpy, but not to a meter.
    if not set(map(type, values)) <= {int, float} or not _is_measurement(measurement):
        return None
    try:
        numbers = np.array(values, dtype=np.float64)
    except OverflowError:
        return None
    if not (np.abs(numbers) < ABSURD).all():
        return None
    n = len(rows)
    return _Columns(
        keys={RegisterKey(muid, code, measurement): 0},
        index=np.zeros(n, dtype=np.int64),
        instants=instants,
        values=numbers,
        qualities=np.fromiter(map(qualities.__getitem__, words), dtype=np.int16, count=n),
        row=np.arange(n, dtype=np.int64),
    )


def _row_by_row(rows: Sequence[Any], asked: Asked) -> _Columns:
    """Read a page in which rows differ, and say of each that can't be read why."""
    columns = _Columns()
    for number, row in enumerate(rows):
        try:
            _read_row(columns, number, row, asked)
        except _RefusedError as refused:
            columns.rejections.append(_rejection(row, refused))
    return columns


class _RefusedError(Exception):
    def __init__(self, reason: Reason, words: str, code: str = "") -> None:
        super().__init__(words)
        self.reason, self.words, self.code = reason, words, code


def _rejection(row: Any, refused: _RefusedError) -> Rejection:
    named = row if isinstance(row, dict) else {}
    tags = named.get("tags")
    return Rejection(
        refused.reason,
        refused.words,
        raw_text(row),
        str(tags.get("muid", ""))[:64] if isinstance(tags, dict) else "",
        refused.code[:24],
        str(named.get("timestamp", ""))[:40],
    )


def _read_row(columns: _Columns, number: int, row: Any, asked: Asked) -> None:
    if not isinstance(row, dict):
        raise _RefusedError(Reason.SHAPE, f"a row is {type(row).__name__}, an object was expected")
    tags = row.get("tags")
    if tags is None:
        tags = {}
    if not isinstance(tags, dict):
        raise _RefusedError(Reason.SHAPE, "the tags are no object")
    muid = _muid(tags.get("muid"), asked)
    measurement = row.get("measurement", asked.measurement)
    if not _is_measurement(measurement):
        words = f"the measurement {measurement!r:.40} is not a short name"
        raise _RefusedError(Reason.SHAPE, words)
    instant = _read(Reason.TIME, TimestampError, lambda: parse_instant(row.get("timestamp")))
    quality = _read(Reason.QUALITY, QualityError, lambda: parse_quality(tags.get("quality")))
    names = [name for name in row if name not in FRAME]
    if not names:
        raise _RefusedError(Reason.SHAPE, "the row holds no value under any OBIS code")
    for name in names:
        try:
            code = _canonical(name)
            value = _number(row[name], name)
        except _RefusedError as refused:
            columns.rejections.append(_rejection(row, refused))
            continue
        key = RegisterKey(muid, code, measurement)
        columns.index.append(columns.keys.setdefault(key, len(columns.keys)))
        columns.instants.append(instant)
        columns.values.append(value)
        columns.qualities.append(int(quality))
        columns.row.append(number)


def _read(reason: Reason, error: type[ValueError], read: Callable[[], T]) -> T:
    try:
        return read()
    except error as refusal:
        raise _RefusedError(reason, str(refusal)) from None


def _canonical(name: object) -> str:
    try:
        return str(ObisCode.parse(name))  # type: ignore[arg-type]
    except ObisError as refusal:
        raise _RefusedError(Reason.CODE, str(refusal), str(name)) from None


def _muid(text: object, asked: Asked) -> UUID:
    if text is None and asked.muid is not None:
        return asked.muid
    try:
        muid = UUID(text) if isinstance(text, str) else None
    except ValueError:
        muid = None
    if muid is None:
        raise _RefusedError(Reason.METER, f"the muid {text!r:.60} is not a UUID")
    if asked.muid is not None and muid != asked.muid:
        words = f"the reading belongs to meter {muid}, not to {asked.muid}"
        raise _RefusedError(Reason.METER, words)
    return muid


def _number(value: object, code: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _RefusedError(Reason.VALUE, f"the value {value!r:.40} is not a number", code)
    if not math.isfinite(value):
        raise _RefusedError(Reason.VALUE, f"the value {value} is not finite", code)
    if abs(value) >= ABSURD:
        raise _RefusedError(Reason.VALUE, f"the value {value:.6g} is absurdly large", code)
    return float(value)


def _is_measurement(name: object) -> bool:
    return isinstance(name, str) and 0 < len(name) <= 20 and name.isidentifier()
