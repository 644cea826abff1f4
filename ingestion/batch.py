"""What the store takes, wherever readings come from: columns of readings, and what was refused."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

import numpy as np

from meters.days import Floats, Ints, Qualities


class RegisterKey(NamedTuple):
    """Which register a reading belongs to: the meter, the canonical OBIS code, the measurement."""

    muid: UUID
    obis: str
    measurement: str


class Reason(StrEnum):
    """Why a reading was refused. The words that go with it say what was wrong with this one."""

    SHAPE = "shape"
    TIME = "time"
    FUTURE = "future"
    MISALIGNED = "misaligned"
    INTERVAL = "interval"
    VALUE = "value"
    CODE = "code"
    QUALITY = "quality"
    METER = "meter"


@dataclass(frozen=True, slots=True)
class Rejection:
    """One reading that was refused: why, in words, and its raw text.

    Attributes
    ----------
    row
        Where people find it in what came: the place in a list, the line of a text, the row of a
        sheet, from 1. None where nobody knows.
    """

    reason: Reason
    words: str
    raw: str
    muid: str = ""
    code: str = ""
    timestamp: str = ""
    row: int | None = None


@dataclass(frozen=True)
class Batch:
    """n readings as columns, in the order in which they arrived.

    Attributes
    ----------
    keys
        The registers that occur.
    index
        For each reading its register's place in `keys`, shape ``(n,)``.
    instants
        Start of each interval [s], shape ``(n,)``.
    values
        In the unit in which the upstream serves them (kWh for energy), finite, shape ``(n,)``.
    qualities
        One `Quality` each, never 0, shape ``(n,)``.
    row
        For each reading the row of the payload it came from, from 0, shape ``(n,)``.
    """

    keys: Sequence[RegisterKey]
    index: Ints
    instants: Ints
    values: Floats
    qualities: Qualities
    row: Ints

    @classmethod
    def empty(cls) -> "Batch":
        none = np.zeros(0, dtype=np.int64)
        return cls((), none, none, np.zeros(0), none.astype(np.int16), none)

    def __len__(self) -> int:
        return len(self.instants)

    def taken(self, places: Ints) -> "Batch":
        """Take some of the readings, in the order of the places."""
        return Batch(
            self.keys,
            self.index[places],
            self.instants[places],
            self.values[places],
            self.qualities[places],
            self.row[places],
        )

    def without(self, odd: Sequence[bool]) -> tuple["Batch", Ints]:
        """Leave registers out, with their readings.

        Parameters
        ----------
        odd
            For each of `keys` whether it is left out.

        Returns
        -------
        The rest, and the places of the readings that are not in it.
        """
        is_odd = np.array(odd, dtype=bool)
        left_out = is_odd[self.index]
        kept = self.taken(np.flatnonzero(~left_out))
        keys = tuple(key for key, out in zip(self.keys, odd, strict=True) if not out)
        index = (np.cumsum(~is_odd) - 1)[kept.index]
        return replace(kept, keys=keys, index=index), np.flatnonzero(left_out)

    @classmethod
    def concat(cls, batches: Sequence["Batch"], rows: Sequence[int]) -> "Batch":
        """Join the batches of several pages, the later ones to be counted as later arrivals.

        Parameters
        ----------
        batches
            One for each page.
        rows
            How many rows of payload each page had.
        """
        if len(batches) == 1:
            return batches[0]
        keys: dict[RegisterKey, int] = {}
        parts: list[tuple[Ints, Ints]] = []
        begin = 0
        for batch, count in zip(batches, rows, strict=True):
            place = [keys.setdefault(key, len(keys)) for key in batch.keys]
            parts.append((np.array(place, dtype=np.int64)[batch.index], batch.row + begin))
            begin += count
        return cls(
            tuple(keys),
            np.concatenate([index for index, _ in parts]),
            np.concatenate([batch.instants for batch in batches]),
            np.concatenate([batch.values for batch in batches]),
            np.concatenate([batch.qualities for batch in batches]),
            np.concatenate([row for _, row in parts]),
        )
