"""Synthetic readings as the upstream writes them: JSON rows, newest first, rendered in blocks.

A page is a few slices of rendered text, so that a warm one costs a copy of its bytes; rendering,
about 1 µs a row, is paid once for all pages that touch a block.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ingestion.simulator.contract import Query
from ingestion.simulator.localtime import Instants, local_year
from ingestion.simulator.synthetic import (
    QUALITIES,
    Readings,
    SyntheticMeter,
    year_edges,
    year_readings,
)

MEASUREMENT = "energy"

BLOCK = 1024
"""Intervals in a block: not whole years, since the last hours of a year in UTC are the next local
year's first, and whoever asks for a year in UTC would have two rendered."""

CACHE_BYTES = 256 * 2**20
"""Most text kept rendered [B]: about fifty meter-years of quarter-hours."""


@dataclass(frozen=True, eq=False)
class Block:
    """Some of a meter's readings as JSON rows joined by commas, newest first.

    Attributes
    ----------
    ages : numpy.ndarray of int64, shape (n,)
        Negated instants [s], ascending.
    begins : numpy.ndarray of int64, shape (n + 1,)
        Where each row begins in `text` [B]; the last one is where a further row would begin.
    text : bytes
        The rows.
    """

    ages: Instants
    begins: NDArray[np.int64]
    text: bytes


class Pages:
    """Rendered blocks of all synthetic meters of one server, the least recently used dropped."""

    def __init__(self, capacity: int = CACHE_BYTES) -> None:
        self._capacity = capacity
        self._size = 0
        self._blocks: OrderedDict[tuple[SyntheticMeter, int, int], Block] = OrderedDict()
        self._lock = threading.Lock()

    def blocks(self, meter: SyntheticMeter, start: int, stop: int) -> Iterator[Block]:
        """Blocks that hold the readings of [start, stop) [s], and others, newest first."""
        zone, span = meter.timezone, BLOCK * meter.interval
        for year in range(local_year(stop - 1, zone), local_year(start, zone) - 1, -1):
            first, last = year_edges(meter, year)
            newest = (min(stop, last) - 1 - first) // span
            oldest = (max(start, first) - first) // span
            for number in range(newest, oldest - 1, -1):
                yield self._block(meter, year, first + number * span)

    def _block(self, meter: SyntheticMeter, year: int, start: int) -> Block:
        # Rendering under the lock: it holds the interpreter anyway, and two threads that ask for
        # one year would make it twice.
        with self._lock:
            key = meter, year, start
            if key not in self._blocks:
                whole = year_readings(meter, year)
                edges = start, start + BLOCK * meter.interval
                low, high = np.searchsorted(whole.instants, edges)
                self._blocks[key] = render(meter, whole, int(low), int(high))
                self._size += len(self._blocks[key].text)
            self._blocks.move_to_end(key)
            found = self._blocks[key]
            while self._size > self._capacity and len(self._blocks) > 1:
                self._size -= len(self._blocks.popitem(last=False)[1].text)
            return found


class SyntheticPages:
    """One synthetic meter as the simulator serves it."""

    def __init__(self, meter: SyntheticMeter, pages: Pages) -> None:
        self.meter = meter
        self.muid = meter.muid
        self.kind: str = meter.kind
        self.name = meter.name
        self._pages = pages

    def measurements(self) -> list[str]:
        """Energy alone."""
        return [MEASUREMENT]

    def newest(self, query: Query, now: int) -> list[bytes]:
        """Rows of the range, newest first, of those intervals that have ended by `now` [ms]."""
        start = max(-(-query.start // 1000), self.meter.first_instant)
        ended = now // 1000 - self.meter.interval + 1
        stop = min(-(-query.stop // 1000), ended)
        pieces: list[bytes] = []
        missing = query.limit
        if start >= stop:
            return pieces
        for block in self._pages.blocks(self.meter, start, stop):
            first = int(np.searchsorted(block.ages, -stop, side="right"))
            last = min(int(np.searchsorted(block.ages, -start, side="right")), first + missing)
            if last > first:
                pieces.append(block.text[block.begins[first] : block.begins[last] - 1])
                missing -= last - first
            if not missing:
                break
        return pieces


def render(meter: SyntheticMeter, columns: Readings, low: int, high: int) -> Block:
    """Write readings as the upstream does, newest first.

    Parameters
    ----------
    meter : SyntheticMeter
        Whose readings.
    columns : Readings
        Oldest first.
    low, high : int
        Which of them, half-open.
    """
    instants = columns.instants[low:high][::-1]
    head = '{"measurement":"energy","timestamp":"'
    tags = [
        f'.000Z","tags":{{"muid":"{meter.muid}","quality":"{quality}"}},"{meter.obis}":'
        for quality in QUALITIES
    ]
    decimals = meter.decimals
    tails = ["}"] * len(instants)
    if columns.second is not None:
        other = columns.second[low:high][::-1].tolist()
        tails = [f',"{meter.second_obis}":{number_text(value, decimals)}}}' for value in other]
    rows = [
        f"{head}{time}{tags[quality]}{number_text(value, decimals)}{tail}"
        for time, quality, value, tail in zip(
            np.datetime_as_string(instants.astype("datetime64[s]")).tolist(),
            columns.qualities[low:high][::-1].tolist(),
            columns.values[low:high][::-1].tolist(),
            tails,
            strict=True,
        )
    ]
    begins = np.zeros(len(rows) + 1, np.int64)
    np.cumsum(np.fromiter(map(len, rows), np.int64, len(rows)) + 1, out=begins[1:])
    # Every character is ASCII (`Upstream` checks the muids), so lengths count bytes too.
    return Block(-instants, begins, ",".join(rows).encode("ascii"))


def number_text(value: float, decimals: int) -> str:
    """A value [kWh] as JavaScript writes it: 0 and 1, not 0.0 and 1.0, and no exponent."""
    text = f"{value:.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
