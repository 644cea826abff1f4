"""A load: the mean power of one register on a regular array of slots, which all analysis rests on.

A series says what was read; a load says how much power flowed, slot after slot, with NaN where
nobody knows. Only active and thermal energy and power have one: of volts or cubic metres there is
none, and `Load.of` refuses them in words instead of calling them kilowatts.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from meters.days import Floats, Ints, Mask
from meters.language import _
from meters.obis import Aggregation, ObisCode
from meters.qualities import VOUCHED
from meters.series import Series
from meters.wording import figure
from meters.zones import DAY, Instants, Zone

HOUR = 3600
# A hundred years of quarter-hours, or seven of minutes.
MOST_SLOTS = 4_000_000
# What fills less of the time than this share is an exception, not how the register reads.
EXCEPTION = 0.1


class LoadError(ValueError):
    """Readings of which no load can be made; the text says why and what can be done."""


@dataclass(frozen=True, eq=False)
class Load:
    """The mean power of n slots of equal length that follow each other without a hole.

    Attributes
    ----------
    start
        The instant at which the first slot begins [s UTC].
    interval
        Length of a slot [s].
    power
        Mean power of each slot [kW], NaN where it is not known, shape ``(n,)``.
    measured
        Whether somebody vouches for the slot (see `meters.qualities.VOUCHED`), False where nothing
        is known, shape ``(n,)``.
    zone
        On whose clock and calendar days are told.
    """

    start: int
    interval: int
    power: Floats
    measured: Mask
    zone: Zone

    def __post_init__(self) -> None:
        if self.interval <= 0 or len(self.power) != len(self.measured):
            raise ValueError("a load has slots of some length, and says of each who vouches for it")

    def __len__(self) -> int:
        return len(self.power)

    @classmethod
    def of(
        cls,
        series: Series,
        zone: Zone,
        code: ObisCode,
        *,
        start: int | None = None,
        end: int | None = None,
    ) -> "Load":
        """Make a load of any register that has one.

        Energy of intervals becomes their mean power. States of a counter become advances first; one
        that spans a gap is longer than a slot and stays unknown. Power is taken as the mean power
        of its interval, which it is for averages (group D 4, 5, …) and which a sample (group D 7)
        only stands for.

        Parameters
        ----------
        series
            In the register's own unit.
        code
            What the register measures.
        start, end
            The range asked for, ``[start, end)`` [s]; what it holds no readings of is missing. From
            the first reading to the last where None.

        Raises
        ------
        LoadError
            The register measures something else, or the range is too long.
        """
        if code.unit == "kWh" and code.aggregation is Aggregation.SUM:
            return cls.of_energy(series, zone, start=start, end=end)
        if code.unit == "kWh" and code.aggregation is Aggregation.ADVANCE:
            return cls.of_energy(_steady_advances(series), zone, start=start, end=end)
        if code.unit == "kW" and code.aggregation is Aggregation.MEAN:
            return cls._laid_out(series, series.values, zone, start, end)
        raise LoadError(
            _(
                "The register {code} ({label}) has no load: a load is the mean power of energy in "
                "kWh or of power in kW. Choose a register of active energy, such as "
                "1-0:1.29.0*255."
            ).format(code=code, label=code.label)
        )

    @classmethod
    def of_energy(
        cls, series: Series, zone: Zone, *, start: int | None = None, end: int | None = None
    ) -> "Load":
        """Make a load of energy of intervals [kWh]; parameters and errors are those of `of`."""
        return cls._laid_out(series, series.as_power().values, zone, start, end)

    @classmethod
    def _laid_out(
        cls, series: Series, power: Floats, zone: Zone, start: int | None, end: int | None
    ) -> "Load":
        """Lay readings out on slots as long as `_slot_length` says.

        A reading counts in the slot in which it starts. Readings shorter than a slot are averaged
        by the time that they last, and a slot that they do not fill is not known; longer ones are
        left out, for energy is never spread over slots that were not measured.
        """
        if not len(series):
            begin = start or 0
            none = np.zeros(0)
            return cls(begin, series.cadence.finest, none, none.astype(bool), zone)
        interval = _slot_length(series)
        phase = _phase(series, interval)
        lower = int(series.instants[0]) if start is None else start
        upper = int(series.instants[-1]) + 1 if end is None else end
        # The slot in which the first reading starts, or the first that starts in the range.
        first = (lower - phase) // interval if start is None else -((phase - lower) // interval)
        n = max(-((phase - upper) // interval) - first, 0)
        if n > MOST_SLOTS:
            raise LoadError(
                _(
                    "{number} slots of {interval} s are more than can be analysed at once "
                    "({most}); choose a shorter range."
                ).format(number=figure(n), interval=interval, most=figure(MOST_SLOTS))
            )
        slots = (series.instants - phase) // interval - first
        fits = (series.intervals <= interval) & (slots >= 0) & (slots < n)
        where, lasting = slots[fits], series.intervals[fits].astype(np.float64)
        covered = np.bincount(where, weights=lasting, minlength=n)
        weighted = np.bincount(where, weights=lasting * power[fits], minlength=n)
        doubtful = ~np.isin(series.qualities[fits], VOUCHED)
        known = covered >= interval
        means = np.full(n, np.nan)
        np.divide(weighted, covered, out=means, where=known)
        measured = known & (np.bincount(where, weights=doubtful, minlength=n) == 0)
        return cls(phase + first * interval, interval, means, measured, zone)

    @property
    def end(self) -> int:
        """Where the last slot ends [s UTC]."""
        return self.start + self.interval * len(self)

    @cached_property
    def instants(self) -> Instants:
        """Where each slot begins [s UTC], shape ``(n,)``."""
        return self.start + self.interval * np.arange(len(self), dtype=np.int64)

    @cached_property
    def local(self) -> Ints:
        """Where each slot begins on the local clock: seconds since 1970-01-01T00:00 local."""
        return self.instants + self.zone.offsets(self.instants)

    @cached_property
    def day(self) -> Ints:
        """The local date of each slot [days since 1970-01-01], shape ``(n,)``."""
        return self.local // DAY

    @cached_property
    def second(self) -> Ints:
        """What the local clock shows when each slot begins [s after midnight], shape ``(n,)``."""
        return self.local - self.day * DAY

    @cached_property
    def known(self) -> Mask:
        """Whether the power of each slot is known, shape ``(n,)``."""
        return ~np.isnan(self.power)

    @cached_property
    def order(self) -> Ints:
        """The indices that sort the known power, ``power[known]``, from low to high."""
        return np.argsort(self.power[self.known])

    @property
    def energies(self) -> Floats:
        """Energy of each slot [kWh], NaN where it is not known, shape ``(n,)``."""
        return self.power * (self.interval / HOUR)

    @property
    def energy(self) -> float:
        """Energy of all known slots [kWh]."""
        return math.fsum(self.energies[self.known])

    @property
    def count(self) -> int:
        """How many slots are known."""
        return int(np.count_nonzero(self.known))

    @property
    def completeness(self) -> float:
        """The share of slots that are known, from 0 to 1; 0 of an empty load."""
        return self.count / len(self) if len(self) else 0.0

    @property
    def per_day(self) -> int | None:
        """How many slots a day of 24 hours has; None where the slots do not divide it."""
        return DAY // self.interval if DAY % self.interval == 0 else None

    @property
    def days(self) -> float:
        """How long the load is [days of 24 h]."""
        return len(self) * self.interval / DAY

    def within(self, start: int, end: int) -> "Load":
        """Return the slots that begin in ``[start, end)``."""
        low = min(max(-((self.start - start) // self.interval), 0), len(self))
        high = min(max(-((self.start - end) // self.interval), low), len(self))
        return Load(
            self.start + low * self.interval,
            self.interval,
            self.power[low:high],
            self.measured[low:high],
            self.zone,
        )


def _steady_advances(states: Series) -> Series:
    """Return the advances of a counter that last as long as it is read, without those over gaps."""
    advances, _ = states.advances()
    steady = np.isin(advances.intervals, advances.cadence.interval)
    return Series(
        advances.instants[steady],
        advances.intervals[steady],
        advances.values[steady],
        advances.qualities[steady],
        advances.cadence,
    )


def _slot_length(series: Series) -> int:
    """Choose the length of a slot [s].

    A register that has changed how often it reads is told in slots that hold whole intervals of
    both habits: 15 minutes where it went from 15 to 5, half an hour where it went from 10 to 15. It
    is the least common multiple of all lengths that fill a tenth of the time that is covered, if
    that is an hour or less, and otherwise the length that fills the most of it.
    """
    lengths, index = np.unique(series.intervals, return_inverse=True)
    covered = np.bincount(index, weights=series.intervals)
    usual = lengths[covered >= EXCEPTION * covered.sum()]
    common = math.lcm(*(int(length) for length in usual if length <= HOUR), 1)
    chosen = int(lengths[np.argmax(covered)])
    return max(common, chosen) if chosen <= HOUR and common <= HOUR else chosen


def _phase(series: Series, interval: int) -> int:
    """Choose where slots begin: as most of the longest readings do that fit in one, modulo it [s].

    Of slots that are longer than any reading the clock's own marks are the natural ones.
    """
    longest = series.intervals == interval
    if not longest.any():
        shorter = int(series.intervals[series.intervals < interval].max())
        return _commonest(series.instants % shorter)
    return _commonest(series.instants[longest] % interval)


def _commonest(values: Ints) -> int:
    found, counts = np.unique(values, return_counts=True)
    return int(found[np.argmax(counts)])
