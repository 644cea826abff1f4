"""Buckets written as JSON straight from arrays, without an object for each bucket.

What many buckets share (a date, a time of day, how many intervals of which quality) is written
once. The text is the same, byte for byte, that orjson makes of the lists and dictionaries of
`meters.api.answers`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import orjson

from meters.days import Floats, Ints
from meters.localtime import Texts, stretches

# So many rows are written at a time.
CHUNK = 4096
# Sizes up to which codes are numbered by a table of all that there could be.
TABLE = 1 << 20


@dataclass(frozen=True, slots=True)
class BucketText:
    """n buckets as they go out.

    Attributes
    ----------
    start, end
        Their local times as `meters.localtime.quoted` writes them, shape ``(n,)``.
    values
        NaN is written as null, shape ``(n,)``.
    count, expected
        Intervals that are there, and that should be, shape ``(n,)``.
    qualities
        For each quality, how many intervals of each bucket have it, shape ``(n,)``.
    """

    start: Texts
    end: Texts
    values: Floats
    count: Ints
    expected: Ints
    qualities: Mapping[str, Ints]

    def columns(self) -> bytes:
        """Write one array for each field: ``{"start":[…],"end":[…],"value":[…],…}``."""
        kinds, which = self._kinds([*self.qualities.values()])
        texts = [_quality(self.qualities, at) + b"," for at in kinds.tolist()]
        begins, lengths = stretches(which)
        stretch = zip(which[begins].tolist(), lengths.tolist(), strict=True)
        return b"".join(
            [
                b'{"start":[',
                _joined(self.start),
                b'],"end":[',
                _joined(self.end),
                b'],"value":',
                _numbers(self.values),
                b',"count":',
                _numbers(self.count),
                b',"expected":',
                _numbers(self.expected),
                b',"quality":[',
                b"".join([texts[kind] * length for kind, length in stretch])[:-1],
                b"]}",
            ]
        )

    def rows(self) -> bytes:
        """Write one object for each bucket: ``[{"start":…,"end":…,"value":…,…},…]``."""
        n = len(self.values)
        kinds, which = self._kinds([self.count, self.expected, *self.qualities.values()])
        tails = np.empty(len(kinds), dtype=object)
        tails[:] = [
            b',"count":%d,"expected":%d,"quality":%b},'
            % (self.count[at], self.expected[at], _quality(self.qualities, at))
            for at in kinds.tolist()
        ]
        # In parts, so that what is needed beside the text stays small.
        written = [
            self._rows(slice(at, at + CHUNK), tails[which[at : at + CHUNK]].tolist())
            for at in range(0, n, CHUNK)
        ]
        return b"[" + b"".join(written)[:-1] + b"]"

    def _rows(self, part: slice, tails: list[bytes]) -> bytes:
        start, end, values = self.start[part], self.end[part], self.values[part]
        pieces: list[bytes] = [b""] * (3 * len(tails))
        pieces[0::3] = _put_together((b'{"start":', start, b'"end":', end, b'"value":')).tolist()
        pieces[1::3] = _numbers(values)[1:-1].split(b",")
        pieces[2::3] = tails
        return b"".join(pieces)

    def _kinds(self, columns: Sequence[Ints]) -> tuple[Ints, Ints]:
        """Tell buckets apart by whole numbers.

        Returns
        -------
        kinds, which
            One bucket of each kind, and of which kind each bucket is, shape ``(n,)``.
        """
        which = np.zeros(len(self.values), dtype=np.int64)
        kinds = which[:1]
        for column in columns:
            if len(column) and column.min() != column.max():
                kinds, which = _numbered(which * (int(column.max()) + 1) + column)
        return kinds, which


def _numbered(codes: Ints) -> tuple[Ints, Ints]:
    """Number the whole numbers that occur: where one of each is, and which one each is."""
    most = int(codes.max()) + 1
    if most > TABLE:
        _, kinds, which = np.unique(codes, return_index=True, return_inverse=True)
        return kinds, which
    # Without sorting.
    places = np.full(most, -1)
    places[codes] = np.arange(len(codes))
    occurring = np.flatnonzero(places >= 0)
    kinds = places[occurring]
    places[occurring] = np.arange(len(occurring))
    return kinds, places[codes]


def _quality(qualities: Mapping[str, Ints], at: int) -> bytes:
    return orjson.dumps(
        {name: int(numbers[at]) for name, numbers in qualities.items() if numbers[at]}
    )


def _numbers(numbers: Floats | Ints) -> bytes:
    return orjson.dumps(np.ascontiguousarray(numbers), option=orjson.OPT_SERIALIZE_NUMPY)


def _joined(texts: Texts) -> memoryview:
    """Read texts that end with a comma as one, without the last comma."""
    return np.ascontiguousarray(texts).view(np.uint8).data[:-1]


def _put_together(parts: Sequence[bytes | Texts]) -> Texts:
    """Put texts between others that are always the same."""
    sizes = [len(part) if isinstance(part, bytes) else part.itemsize for part in parts]
    n = next(len(part) for part in parts if not isinstance(part, bytes))
    made = np.empty(n, dtype=[(f"part{at}", f"V{size}") for at, size in enumerate(sizes)])
    for at, part in enumerate(parts):
        made[f"part{at}"] = np.void(part) if isinstance(part, bytes) else part.view(f"V{sizes[at]}")
    return made.view(f"S{sum(sizes)}")
