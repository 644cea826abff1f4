"""A batch against the stored days that it touches, with as little read and compared as will do."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ingestion.known import KnownDays
from ingestion.layout import Incoming
from ingestion.lookback import Held, Key, hold_off
from ingestion.merge import Merged, merge
from ingestion.registers import LockedRegister
from meters.days import DayTable, Mask
from meters.profiles import read_unknown_days
from meters.zones import Zone


@dataclass(frozen=True)
class StoredDays:
    """What is stored of the days that a batch of meters in one zone touches.

    Attributes
    ----------
    readings
        Those of the batch, by register and instant.
    registers
        All of that zone.
    default_interval
        Length of intervals where nothing else says it [s].
    unchanged
        Which of the readings needn't be merged; see `KnownDays.unchanged`.
    whole
        Gives the stored rows.
    """

    readings: Incoming
    zone: Zone
    registers: Sequence[LockedRegister]
    default_interval: int
    unchanged: Mask
    whole: Callable[[], DayTable]

    @classmethod
    def of(
        cls,
        readings: Incoming,
        zone: Zone,
        registers: Sequence[LockedRegister],
        default_interval: int,
    ) -> "StoredDays":
        """Read them, but for the values of days that are stored just as they come."""
        intervals = {
            register.pk: register.interval for register in registers if not register.is_new
        }
        if not len(readings) or not intervals:
            none = np.zeros(len(readings), dtype=bool)
            return cls(readings, zone, registers, default_interval, none, DayTable.empty)
        days = KnownDays.of(readings, zone)
        sent, unsent = read_unknown_days(list(intervals), *days.bounds, days.digests)
        unchanged = days.unchanged(sent, unsent, intervals)
        return cls(
            readings, zone, registers, default_interval, unchanged,
            lambda: days.filled(sent, unsent),
        )  # fmt: skip

    @cached_property
    def table(self) -> DayTable:
        """The stored rows; put together only where somebody compares with them."""
        return self.whole()

    def merged(self, *, list_new: bool = False) -> Merged:
        """Merge all readings; see `merge`."""
        return self._merge(self.readings, self.table, list_new=list_new)

    def merged_rest(self) -> Merged:
        """Merge what is not known to change nothing; the others are counted only."""
        known = self.unchanged
        if known.any():
            rest = np.flatnonzero(~known)
            beside = self.table if len(rest) else DayTable.empty()
            merged = self._merge(self.readings.take(rest), beside)
            # Whether intervals have changed is said by the latest day, which may be a known one.
            if not merged.intervals:
                return merged.beside(rest, self.readings.register[known])
        return self.merged()

    def holding_off(self, days: frozenset[Key]) -> tuple["StoredDays", Held]:
        """Let what corrections by hand hold against look like what is stored; see `hold_off`."""
        readings, held = hold_off(self.readings, self.table, days)
        return replace(self, readings=readings), held

    def _merge(self, readings: Incoming, stored: DayTable, *, list_new: bool = False) -> Merged:
        return merge(
            readings,
            stored,
            self.zone,
            known={register.pk: register.interval for register in self.registers},
            default_interval=self.default_interval,
            list_new=list_new,
        )
