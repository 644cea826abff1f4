"""Readings of synthetic meters: for any window, the same for the same seed, made a year at a time.

*Pure*: numpy and the field's libraries only.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ingestion.simulator.localtime import Instants, local_year, year_clock
from ingestion.simulator.meter import EXPORT as EXPORT
from ingestion.simulator.meter import IMPORT as IMPORT
from ingestion.simulator.meter import KINDS as KINDS
from ingestion.simulator.meter import Kind as Kind
from ingestion.simulator.meter import SyntheticMeter as SyntheticMeter
from ingestion.simulator.models import generator, powers
from ingestion.simulator.sun import Floats

QUALITIES = ("measured", "estimated")
"""What the numbers in `Readings.qualities` mean."""


@dataclass(frozen=True, eq=False)
class Readings:
    """Columns of readings, oldest first.

    Attributes
    ----------
    instants : numpy.ndarray of int64, shape (n,)
        Starts of the intervals [s since 1970-01-01T00:00Z].
    values : numpy.ndarray of float64, shape (n,)
        Energy of each interval [kWh], whole multiples of the meter's step.
    qualities : numpy.ndarray of int8, shape (n,)
        Indices into `QUALITIES`.
    second : numpy.ndarray of float64, shape (n,), or None
        Energy that the meter's second register counts [kWh], where it has one.
    """

    instants: Instants
    values: Floats
    qualities: NDArray[np.int8]
    second: Floats | None = None

    def __len__(self) -> int:
        return len(self.instants)

    def part(self, low: int, high: int) -> Readings:
        """The readings from number `low` to before `high`."""
        return Readings(
            self.instants[low:high],
            self.values[low:high],
            self.qualities[low:high],
            None if self.second is None else self.second[low:high],
        )


def readings(meter: SyntheticMeter, start: datetime | int, stop: datetime | int) -> Readings:
    """Readings of the intervals that begin within [start, stop), oldest first.

    Parameters
    ----------
    meter : SyntheticMeter
        Whose readings.
    start, stop : datetime.datetime or int
        Aware date-times, or UTC [s since 1970-01-01T00:00Z].

    Returns
    -------
    Readings
        Equal wherever windows overlap, in whatever pieces they are asked for. The future is
        included: whoever serves readings cuts it off.

    Raises
    ------
    ValueError
        If a date-time has no offset.
    """
    first = max(_seconds(start), meter.first_instant)
    last = _seconds(stop)
    if first >= last:
        none = np.empty(0)
        second = None if meter.second_obis is None else none
        return Readings(np.empty(0, np.int64), none, np.empty(0, np.int8), second)
    years = range(local_year(first, meter.timezone), local_year(last - 1, meter.timezone) + 1)
    pieces = []
    for year in years:
        whole = year_readings(meter, year)
        low, high = np.searchsorted(whole.instants, [first, last])
        pieces.append(whole.part(int(low), int(high)))
    seconds = [piece.second for piece in pieces if piece.second is not None]
    return Readings(
        np.concatenate([piece.instants for piece in pieces]),
        np.concatenate([piece.values for piece in pieces]),
        np.concatenate([piece.qualities for piece in pieces]),
        np.concatenate(seconds) if seconds else None,
    )


@lru_cache(maxsize=256)
def year_readings(meter: SyntheticMeter, year: int) -> Readings:
    """All readings of one local calendar year, kept for the next caller (about 0.6 MB each)."""
    instants = np.arange(*year_edges(meter, year), meter.interval, dtype=np.int64)
    main, other = powers(meter, year, instants)
    values = _counted(meter, main)
    second = None if other is None else _counted(meter, other)
    gaps = generator(meter.seed, meter.muid, "gaps", year)
    missing = _runs(len(instants), meter.missing_share, gaps)
    estimated = _runs(len(instants), meter.estimated_share, gaps)
    kept = ~missing & (instants >= meter.first_instant)
    columns = Readings(
        instants[kept],
        values[kept],
        estimated[kept].astype(np.int8),
        None if second is None else second[kept],
    )
    for column in (columns.instants, columns.values, columns.qualities, columns.second):
        if column is not None:
            # Callers get slices of what is cached.
            column.setflags(write=False)
    return columns


def _counted(meter: SyntheticMeter, power: Floats) -> Floats:
    """Energy of each interval [kWh], as a register counts that is fed a power [W]."""
    energy = power * (meter.interval / 3_600_000)
    # The register is what a meter reads: it counts whole steps, and an interval's value is the
    # difference of two counts. So rounding errors never add up, as they would value by value.
    register = np.floor(np.cumsum(energy) / meter.step + 1e-9).astype(np.int64)
    counts = np.diff(register, prepend=0)
    # Dividing two whole numbers gives the float nearest to the decimal fraction, which prints
    # short (0.0117); multiplying by 0.0001 often does not (0.011700000000000002).
    unit = round(meter.step * 10**meter.decimals)
    values: Floats = counts * unit / 10**meter.decimals
    return values


def year_edges(meter: SyntheticMeter, year: int) -> tuple[int, int]:
    """Start of the first interval of a local calendar year, and of the next year's first [s].

    Rounded up at both ends: an hour that straddles New Year begins in the old year.
    """
    clock, interval = year_clock(meter.timezone, year), meter.interval
    return -(-clock.start // interval) * interval, -(-clock.stop // interval) * interval


def _runs(size: int, share: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Mask of the given expected share, in runs of a few intervals, as outages come."""
    mask = np.zeros(size, bool)
    typical = 6
    # Runs overlap, so that the count which covers a share is larger than share of size by length.
    count = rng.poisson(-np.log1p(-share) * size / typical)
    begins = rng.integers(0, size, count)
    lengths = rng.geometric(1 / typical, count)
    for begin, length in zip(begins, lengths, strict=True):
        mask[begin : begin + length] = True
    return mask


def _seconds(moment: datetime | int) -> int:
    if isinstance(moment, int):
        return moment
    if moment.utcoffset() is None:
        raise ValueError(f"{moment!r} has no offset: give datetime(…, tzinfo=UTC), for example.")
    # Rounded up, so that [start, stop) holds the same whole seconds.
    return -int(-moment.timestamp() // 1)
