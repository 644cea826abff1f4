"""Readings as rows of the upstream's shape, newest first, written as JSON without an object a row.

``{"measurement": "energy", "timestamp": "2023-02-28T23:45:00.000Z",
"tags": {"muid": "…", "quality": "measured"}, "0100011D00FF": 0.0117}``. Registers that have read at
one instant with one quality share a row, each under its code.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import orjson

from meters.days import DayTable, Floats, Ints, Mask, Qualities
from meters.qualities import NAMES
from meters.zones import DAY, LAST_INSTANT

# So many readings are written at a time: what is needed beside the text does not grow with it.
CHUNK = 8192
BETWEEN = b"},"
Texts = npt.NDArray[np.object_]


@dataclass(frozen=True)
class Rows:
    """n readings of several registers in the order in which they go out.

    Newest first; of one instant by quality, and of one quality by the register's place.

    Attributes
    ----------
    instants
        Start of each interval [s], shape ``(n,)``.
    places
        Which register each is of, by its place among those asked for, shape ``(n,)``.
    values
        In the register's unit, shape ``(n,)``.
    qualities
        One `Quality` each, shape ``(n,)``.
    """

    instants: Ints
    places: Ints
    values: Floats
    qualities: Qualities

    @classmethod
    def of_days(cls, table: DayTable, registers: Sequence[int], start: int, stop: int) -> "Rows":
        """Take the readings that start in ``[start, stop)`` [s] out of day rows.

        Parameters
        ----------
        registers
            Primary keys, in the order in which a row shows them.
        """
        chosen = np.flatnonzero(table.present & (table.instants >= start) & (table.instants < stop))
        keys = np.array(registers, dtype=np.int64)
        sorting = np.argsort(keys)
        per_row = sorting[np.searchsorted(keys[sorting], table.register)]
        places = np.repeat(per_row, table.slots)[chosen]
        instants, qualities = table.instants[chosen], table.qualities[chosen]
        # One number a reading; those of one register are in order already, which this sort sees.
        rank = ((LAST_INSTANT - instants) * len(NAMES) + qualities) * len(keys) + places
        order = np.argsort(rank, kind="stable")
        values = table.values[chosen]
        return cls(instants[order], places[order], values[order], qualities[order])

    @cached_property
    def begins(self) -> Mask:
        """Whether a row begins with each reading, shape ``(n,)``."""
        begins = np.ones(len(self.instants), dtype=bool)
        np.logical_or(
            self.instants[1:] != self.instants[:-1],
            self.qualities[1:] != self.qualities[:-1],
            out=begins[1:],
        )
        return begins

    def __len__(self) -> int:
        """How many rows they fill."""
        return int(self.begins.sum())

    def first(self, limit: int) -> "Rows":
        """Take the readings of the first `limit` rows."""
        begins = np.flatnonzero(self.begins)
        return self if len(begins) <= limit else self._part(slice(0, int(begins[limit])))

    def chunks(self) -> Iterator["Rows"]:
        """Cut them into parts of some thousand readings; each begins with a row."""
        begins = np.flatnonzero(self.begins)
        at = 0
        while at < len(self.instants):
            following = int(np.searchsorted(begins, at + CHUNK))
            end = int(begins[following]) if following < len(begins) else len(self.instants)
            yield self._part(slice(at, end))
            at = end

    def _part(self, part: slice) -> "Rows":
        return Rows(self.instants[part], self.places[part], self.values[part], self.qualities[part])


def written(rows: Rows, *, muid: str, measurement: str, codes: Sequence[str]) -> bytes:
    """Write readings as the body of an answer.

    Parameters
    ----------
    muid, measurement
        What each row says of itself.
    codes
        The registers' codes in hexadecimal, by their place.
    """
    opening = b'{"measurement":%b,"timestamp":"' % orjson.dumps(measurement)
    labels = _labels(muid, codes)
    parts = [b'{"data":[']
    for part in rows.chunks():
        pieces = _pieces(part, opening, labels)
        if len(parts) == 1:
            # Each row begins with the end of the one before it, which the first one lacks.
            pieces[0] = pieces[0].removeprefix(BETWEEN)
        parts.append(b"".join(pieces))
    parts.append(b"}]}" if len(parts) > 1 else b"]}")
    return b"".join(parts)


def _labels(muid: str, codes: Sequence[str]) -> Texts:
    """Write what stands before a value: its code, and where a row begins also the row's tags.

    Returns
    -------
    Shape ``(2, qualities, registers)``: whether a row begins, then of which quality and register.
    """
    labels = np.empty((2, len(NAMES), len(codes)), dtype=object)
    for place, code in enumerate(codes):
        labels[0, :, place] = b',"%b":' % code.encode()
        for quality, name in enumerate(NAMES):
            tags = orjson.dumps({"muid": muid, "quality": name})
            labels[1, quality, place] = b'.000Z","tags":%b,"%b":' % (tags, code.encode())
    return labels


def _pieces(rows: Rows, opening: bytes, labels: Texts) -> list[bytes]:
    n, begins = len(rows.instants), rows.begins
    days, seconds = np.divmod(rows.instants, DAY)
    # What a row is put together from are a few texts that many rows share.
    pieces: list[bytes] = [b""] * (4 * n)
    pieces[0::4] = _days(days, BETWEEN + opening, begins)
    pieces[1::4] = _times(seconds, begins)
    pieces[2::4] = labels[begins.astype(np.int64), rows.qualities, rows.places].tolist()
    pieces[3::4] = numbers(rows.values)
    return pieces


def _days(days: Ints, before: bytes, begins: Mask) -> list[bytes]:
    """Write the dates of rows that begin, and nothing for what belongs to the row before."""
    changes = np.ones(len(days), dtype=bool)
    np.not_equal(days[1:], days[:-1], out=changes[1:])
    dates = np.datetime_as_string(days[changes].astype("datetime64[D]")).tolist()
    return _shared(
        [b"%b%bT" % (before, date.encode()) for date in dates], np.cumsum(changes) - 1, begins
    )


def _times(seconds: Ints, begins: Mask) -> list[bytes]:
    """Write the times of day of rows that begin."""
    occurs = np.zeros(DAY, dtype=bool)
    occurs[seconds] = True
    occurring = np.flatnonzero(occurs)
    places = np.empty(DAY, dtype=np.int64)
    places[occurring] = np.arange(len(occurring))
    texts = [b"%02d:%02d:%02d" % (s // 3600, s // 60 % 60, s % 60) for s in occurring.tolist()]
    return _shared(texts, places[seconds], begins)


def _shared(texts: list[bytes], places: Ints, begins: Mask) -> list[bytes]:
    table = np.empty(len(texts) + 1, dtype=object)
    table[:] = [*texts, b""]
    found: list[bytes] = table[np.where(begins, places, len(texts))].tolist()
    return found


def numbers(values: Floats) -> list[bytes]:
    """Write numbers as JavaScript does, with the fewest digits that mean the same: 0, not 0.0.

    But for -0.0, whose sign JavaScript drops, and numbers from 1e16 up, which it writes without an
    exponent.
    """
    text = orjson.dumps(values, option=orjson.OPT_SERIALIZE_NUMPY)[1:-1] + b","
    text = text.replace(b".0,", b",").replace(b"-0,", b"-0.0,")
    found = text[:-1].split(b",")
    size = np.abs(values)
    for at in np.flatnonzero((size >= 1e-6) & (size < 1e-5)).tolist():
        found[at] = np.format_float_positional(values[at], trim="-").encode()
    return found
