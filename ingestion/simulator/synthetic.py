"""Synthetic meters: readings for any window, the same for the same seed, made a year at a time.

*Pure*: numpy and the standard library only.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Literal, get_args
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from ingestion.simulator import household, photovoltaics
from ingestion.simulator.localtime import Instants, local_year, year_clock
from ingestion.simulator.sun import Floats

Kind = Literal["household", "photovoltaics", "constant"]
KINDS: tuple[Kind, ...] = get_args(Kind)
INTERVALS = (300, 900, 1800, 3600)
"""Lengths of interval that meters can have [s]."""

QUALITIES = ("measured", "estimated")
"""What the numbers in `Readings.qualities` mean."""

IMPORT, EXPORT = "0100011D00FF", "0100021D00FF"
"""OBIS 1-0:1.29.0*255 and 1-0:2.29.0*255: active energy of the interval, in and out [kWh]."""

CONSTANT_POWER = 350.0
"""Power of a constant load of scale 1 [W], about that of a small telecom cabinet."""


@dataclass(frozen=True)
class SyntheticMeter:
    """One meter with one register, and everything its readings depend on.

    Parameters
    ----------
    muid : str
        The upstream's name of the meter.
    kind : {"household", "photovoltaics", "constant"}
        What is behind the meter.
    name : str
        For people.
    timezone : str
        IANA name; habits, days and years are those of this zone.
    seed : int
        Meters of one seed and place share their weather.
    scale : float
        Size: households in units of 3,500 kWh a year, photovoltaics in kWp, constant loads in
        units of `CONSTANT_POWER`.
    interval : int
        Length of an interval [s], one of `INTERVALS`; intervals begin at its multiples in UTC.
    obis : str
        Register, in hexadecimal; by default export for photovoltaics, import for the others.
    step : float
        The smallest amount that the meter counts [kWh].
    latitude, longitude : float
        Place [°], north and east positive.
    missing_share, estimated_share : float
        Expected share of intervals without a reading, and of readings of quality `estimated` [-].
    commissioned : datetime.date
        First local day with readings.
    """

    muid: str
    kind: Kind
    name: str
    timezone: str = "Europe/Zurich"
    seed: int = 1
    scale: float = 1.0
    interval: int = 900
    obis: str = ""
    step: float = 0.0001
    latitude: float = 47.38
    longitude: float = 8.54
    missing_share: float = 0.0
    estimated_share: float = 0.0
    commissioned: date = date(2015, 1, 1)

    def __post_init__(self) -> None:
        if not self.obis:
            # The dataclass is frozen for use as a cache key; a default that depends on another
            # field can only be set past that.
            code = EXPORT if self.kind == "photovoltaics" else IMPORT
            object.__setattr__(self, "obis", code)
        ZoneInfo(self.timezone)
        for wrong, message in (
            (self.kind not in KINDS, f"kind {self.kind!r} is none of {', '.join(KINDS)}"),
            (self.interval not in INTERVALS, f"interval {self.interval} s is none of {INTERVALS}"),
            (not re.fullmatch("[0-9A-F]{12}", self.obis), f"obis {self.obis!r} is no hex code"),
            (not self.scale > 0, f"scale {self.scale} is not above 0"),
            (not self.step > 0, f"step {self.step} kWh is not above 0"),
            (not 0 <= self.missing_share < 1, "missing_share is not within [0, 1)"),
            (not 0 <= self.estimated_share < 1, "estimated_share is not within [0, 1)"),
            (not abs(self.latitude) <= 90, f"latitude {self.latitude}° is beyond a pole"),
            (not abs(self.longitude) <= 180, f"longitude {self.longitude}° is beyond ±180°"),
        ):
            if wrong:
                raise ValueError(f"Synthetic meter {self.muid}: {message}.")

    @property
    def decimals(self) -> int:
        """Decimal places of the meter's step."""
        exponent = Decimal(str(self.step)).normalize().as_tuple().exponent
        return max(0, -int(exponent))

    @property
    def first_instant(self) -> int:
        """Local midnight of the first day with readings [s since 1970-01-01T00:00Z]."""
        day = self.commissioned
        midnight = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(self.timezone))
        return int(midnight.timestamp())


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
    """

    instants: Instants
    values: Floats
    qualities: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.instants)


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
        return Readings(np.empty(0, np.int64), np.empty(0), np.empty(0, np.int8))
    years = range(local_year(first, meter.timezone), local_year(last - 1, meter.timezone) + 1)
    pieces = []
    for year in years:
        whole = year_readings(meter, year)
        low, high = np.searchsorted(whole.instants, [first, last])
        pieces.append((whole.instants[low:high], whole.values[low:high], whole.qualities[low:high]))
    instants, values, qualities = (np.concatenate(column) for column in zip(*pieces, strict=True))
    return Readings(instants, values, qualities)


@lru_cache(maxsize=256)
def year_readings(meter: SyntheticMeter, year: int) -> Readings:
    """All readings of one local calendar year, kept for the next caller (about 0.6 MB each)."""
    instants = np.arange(*year_edges(meter, year), meter.interval, dtype=np.int64)
    energy = _year_power(meter, year, instants) * (meter.interval / 3_600_000)
    # The register is what a meter reads: it counts whole steps, and an interval's value is the
    # difference of two counts. So rounding errors never add up, as they would value by value.
    register = np.floor(np.cumsum(energy) / meter.step + 1e-9).astype(np.int64)
    counts = np.diff(register, prepend=0)
    # Dividing two whole numbers gives the float nearest to the decimal fraction, which prints
    # short (0.0117); multiplying by 0.0001 often does not (0.011700000000000002).
    unit = round(meter.step * 10**meter.decimals)
    values = counts * unit / 10**meter.decimals
    gaps = _generator(meter.seed, meter.muid, "gaps", year)
    missing = _runs(len(instants), meter.missing_share, gaps)
    estimated = _runs(len(instants), meter.estimated_share, gaps)
    kept = ~missing & (instants >= meter.first_instant)
    columns = Readings(instants[kept], values[kept], estimated[kept].astype(np.int8))
    for column in (columns.instants, columns.values, columns.qualities):
        # Callers get slices of what is cached.
        column.setflags(write=False)
    return columns


def year_edges(meter: SyntheticMeter, year: int) -> tuple[int, int]:
    """Start of the first interval of a local calendar year, and of the next year's first [s].

    Rounded up at both ends: an hour that straddles New Year begins in the old year.
    """
    clock, interval = year_clock(meter.timezone, year), meter.interval
    return -(-clock.start // interval) * interval, -(-clock.stop // interval) * interval


def _year_power(meter: SyntheticMeter, year: int, instants: Instants) -> Floats:
    """Mean power of each interval [W]."""
    clock = year_clock(meter.timezone, year)
    traits = _generator(meter.seed, meter.muid, "traits", 0)
    chance = _generator(meter.seed, meter.muid, "chance", year)
    where = meter.latitude, meter.longitude
    if meter.kind == "constant":
        slow = np.repeat(chance.normal(0, 0.003, len(instants) // 96 + 1), 96)[: len(instants)]
        noise = 1 + slow + 0.006 * chance.standard_normal(len(instants))
        return meter.scale * CONSTANT_POWER * noise
    step = household.STEP if meter.kind == "household" else photovoltaics.STEP
    finer = np.arange(instants[0], instants[-1] + meter.interval, step, dtype=np.int64)
    if meter.kind == "household":
        watts = household.power(clock, finer, traits, chance, *where)
    else:
        region = f"{meter.timezone}/{meter.latitude:.0f}/{meter.longitude:.0f}"
        weather = _generator(meter.seed, region, "weather", year)
        watts = photovoltaics.power(clock, finer, traits, chance, weather, *where)
    mean: Floats = watts.reshape(len(instants), -1).mean(axis=1) * meter.scale
    return mean


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


def _generator(seed: int, whose: str, purpose: str, year: int) -> np.random.Generator:
    # Python's own hash of a string differs from process to process.
    digest = hashlib.sha256(f"{seed}/{whose}/{purpose}/{year}".encode()).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest[:16])))


def _seconds(moment: datetime | int) -> int:
    if isinstance(moment, int):
        return moment
    if moment.utcoffset() is None:
        raise ValueError(f"{moment!r} has no offset: give datetime(…, tzinfo=UTC), for example.")
    # Rounded up, so that [start, stop) holds the same whole seconds.
    return -int(-moment.timestamp() // 1)
