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

from ingestion.alike import shape_of
from ingestion.batch import Batch, Reason, RegisterKey, Rejection
from ingestion.payload import FRAME
from ingestion.payload import PayloadError as PayloadError
from ingestion.payload import rows_of as rows_of
from ingestion.rawtext import raw_text as raw_text
from ingestion.rawtext import shown
from ingestion.timestamps import TimestampError, parse_instant, parse_page
from meters.language import _
from meters.obis import ObisCode, ObisError
from meters.qualities import QualityError, parse_quality

T = TypeVar("T")

FOREVER = 2**62
EARLIEST = 946_684_800  # 2000-01-01: no interval meter has read before
# A clock a little ahead of ours is no reason to refuse.
LEEWAY = 300
# A quarter-hour of the largest power station there is comes to some 6 GWh.
ABSURD = 1e9


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

    @property
    def since(self) -> int:
        return -FOREVER if self.start is None else self.start

    @property
    def until(self) -> int:
        return FOREVER if self.stop is None else self.stop


@dataclass(frozen=True)
class Parsed:
    """What the rows of an answer hold.

    Attributes
    ----------
    batch, rejections
        The readings inside the window, and those of them that were refused.
    outside
        How many rows lie outside the window; what else may be wrong with them is not our affair,
        unless their time is one that no reading can have.
    before, after
        How many of them lie before the window, and how many behind its end; those just at its end
        are neither, for many an API counts it in.
    oldest
        The oldest time of a row inside the window, also of a refused one [s]; None where there is
        no such row.
    rows
        How many rows there are.
    """

    batch: Batch
    rejections: list[Rejection] = field(default_factory=list)
    outside: int = 0
    oldest: int | None = None
    rows: int = 0
    before: int = 0
    after: int = 0


def parse(rows: Sequence[Any], asked: Asked) -> Parsed:
    """Turn rows into a batch; a row that can't be one becomes a rejection, the others stay.

    Parameters
    ----------
    rows
        As `rows_of` or `read_rows` gives them.
    asked
        What the answer may hold.
    """
    columns = _same_shape(rows, asked) or _row_by_row(rows, asked)
    return columns.finish(rows, asked)


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
    # Of rows that were left aside before anything else of them was read.
    outside: list[int] = field(default_factory=list)
    oldest: int | None = None
    written: tuple[object, str] = field(default_factory=lambda: (object(), ""))

    def raw_of(self, row: object) -> str:
        """Write a row out once, however many of its readings are refused."""
        if self.written[0] is not row:
            self.written = row, raw_text(row)
        return self.written[1]

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
        absurd = (instants < EARLIEST) | (instants > asked.now + LEEWAY)
        inside = (instants >= asked.since) & (instants < asked.until)
        for at in np.flatnonzero(absurd):
            self.rejections.append(self._out_of_time(rows, batch, int(at)))
        kept = np.flatnonzero(inside & ~absurd)
        times = instants[inside]
        left = ~inside & ~absurd
        # A row has one time, however many registers it has.
        _rows, first = np.unique(batch.row[left], return_index=True)
        outside = np.concatenate((instants[left][first], np.array(self.outside, dtype=np.int64)))
        return Parsed(
            batch if len(kept) == len(batch) else batch.taken(kept),
            self.rejections,
            outside=len(outside),
            oldest=int(times.min()) if self.oldest is None and len(times) else self.oldest,
            rows=len(rows),
            before=int((outside < asked.since).sum()),
            after=int((outside > asked.until).sum()),
        )

    def _out_of_time(self, rows: Sequence[Any], batch: Batch, at: int) -> Rejection:
        row = rows[int(batch.row[at])]
        key = batch.keys[int(batch.index[at])]
        early = batch.instants[at] < EARLIEST
        written = row["timestamp"][:40]
        return Rejection(
            Reason.TIME if early else Reason.FUTURE,
            (
                _("the time {written} lies before any interval meter")
                if early
                else _("the time {written} lies in the future")
            ).format(written=written),
            self.raw_of(row),
            str(key.muid),
            key.obis,
            written,
            int(batch.row[at]) + 1,
        )


def _same_shape(rows: Sequence[Any], asked: Asked) -> _Columns | None:
    """Read a page whose rows all look like the first one; None where they do not.

    This is the path nearly every page takes, so nothing in it is done row by row in Python.
    """
    if asked.muid is None:
        return None
    alike = shape_of(rows)
    if alike is None or alike.muid != asked.muid or not _is_measurement(alike.measurement):
        return None
    instants, read = parse_page(alike.timestamps)
    if not read.all():
        return None
    numbers = alike.values.T
    if (np.abs(numbers) >= ABSURD).any():
        return None
    row, index = np.nonzero(~np.isnan(numbers))
    measurement = str(alike.measurement)
    return _Columns(
        keys={RegisterKey(alike.muid, code, measurement): k for k, code in enumerate(alike.codes)},
        index=index,
        instants=instants[row],
        values=numbers[row, index],
        qualities=alike.qualities[row],
        row=row,
    )


def _row_by_row(rows: Sequence[Any], asked: Asked) -> _Columns:
    """Read a page in which rows differ, and say of each that can't be read why."""
    columns = _Columns()
    for number, row in enumerate(rows):
        try:
            _read_row(columns, number, row, asked)
        except _RefusedError as refused:
            columns.rejections.append(_rejection(columns, number, row, refused))
    return columns


class _RefusedError(Exception):
    def __init__(self, reason: Reason, words: str, code: str = "") -> None:
        super().__init__(words)
        self.reason, self.words, self.code = reason, words, code


def _rejection(columns: _Columns, number: int, row: Any, refused: _RefusedError) -> Rejection:
    named = row if isinstance(row, dict) else {}
    tags = named.get("tags")
    return Rejection(
        refused.reason,
        refused.words,
        columns.raw_of(row),
        _text(tags.get("muid"))[:64] if isinstance(tags, dict) else "",
        refused.code[:24],
        _text(named.get("timestamp"))[:40],
        number + 1,
    )


def _text(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else shown(value)


def _read_row(columns: _Columns, number: int, row: Any, asked: Asked) -> None:
    if not isinstance(row, dict):
        words = _("a row is {kind}, an object was expected").format(kind=type(row).__name__)
        raise _RefusedError(Reason.SHAPE, words)
    # The time comes first: what lies outside the window is left aside, whatever else ails it. But
    # a time that no reading can have is a fault wherever it lies.
    instant = _read(Reason.TIME, TimestampError, lambda: parse_instant(row.get("timestamp")))
    if asked.since <= instant < asked.until:
        columns.oldest = instant if columns.oldest is None else min(columns.oldest, instant)
    elif EARLIEST <= instant <= asked.now + LEEWAY:
        columns.outside.append(instant)
        return
    tags = row.get("tags")
    if tags is None:
        tags = {}
    if not isinstance(tags, dict):
        raise _RefusedError(Reason.SHAPE, _("the tags are no object"))
    muid = _muid(tags.get("muid"), asked)
    measurement = row.get("measurement", asked.measurement)
    if not _is_measurement(measurement):
        words = _("the measurement {name} is not a short name").format(name=shown(measurement))
        raise _RefusedError(Reason.SHAPE, words)
    quality = _read(Reason.QUALITY, QualityError, lambda: parse_quality(tags.get("quality")))
    names = [name for name in row if name not in FRAME]
    if not names:
        raise _RefusedError(Reason.SHAPE, _("the row holds no value under any OBIS code"))
    for name in names:
        try:
            code = _canonical(name)
            value = _number(row[name], name)
        except _RefusedError as refused:
            columns.rejections.append(_rejection(columns, number, row, refused))
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
        raise _RefusedError(
            Reason.METER, _("the muid {text} is not a UUID").format(text=shown(text))
        )
    if asked.muid is not None and muid != asked.muid:
        words = _("the reading belongs to meter {muid}, not to {asked}")
        words = words.format(muid=muid, asked=asked.muid)
        raise _RefusedError(Reason.METER, words)
    return muid


def _number(value: object, code: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        words = _("the value {value} is not a number")
        raise _RefusedError(Reason.VALUE, words.format(value=shown(value)), code)
    # A whole number past the greatest float can't even be asked whether it is finite.
    if isinstance(value, float) and not math.isfinite(value):
        words = _("the value {value} is not finite")
        raise _RefusedError(Reason.VALUE, words.format(value=value), code)
    if abs(value) >= ABSURD:
        words = _("the value {value} is absurdly large")
        raise _RefusedError(Reason.VALUE, words.format(value=shown(value)), code)
    return float(value)


def _is_measurement(name: object) -> bool:
    return isinstance(name, str) and 0 < len(name) <= 20 and name.isidentifier()
