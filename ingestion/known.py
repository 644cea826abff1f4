"""Days that come just as they are stored, whose values needn't be read, nor be compared.

Nearly all that a source sends again is stored already. So the digests of what came go along when
the stored days are asked for, and PostgreSQL sends the values of all other days alone. What a day
of the same digest holds is known by then: the very readings that came. They are laid into its slots
here, and whoever compares has the same rows as if all had been read. And of a day that is settled,
nothing is left to compare: its readings are counted as unchanged, and only the rest is merged.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from ingestion.intervals import PROOF
from ingestion.layout import Incoming, local_days
from meters.days import DayTable, Ints, Mask, ranges
from meters.digests import Digests, digests
from meters.zones import Zone

# A whole day has 23 intervals or more. Of fewer readings a digest is rarely that of a stored day,
# and takes longer than sending their day's values.
FEWEST = 12


@dataclass(frozen=True)
class KnownDays:
    """The k register-days of a batch that may be stored just as they come; shapes ``(k,)``.

    Attributes
    ----------
    readings
        All readings of the batch, by register and instant.
    register, day
        Rising, the register first.
    begins, counts
        Where the readings of each begin, and how many they are.
    digests
        Of these readings; see `meters.digests`.
    bounds
        The first and the last day of all readings.
    """

    readings: Incoming
    register: Ints
    day: Ints
    begins: Ints
    counts: Ints
    digests: Digests
    bounds: tuple[int, int]

    @classmethod
    def of(cls, readings: Incoming, zone: Zone) -> "KnownDays":
        """Work them out for readings of meters in one zone, by register and instant."""
        begins, _, _, day = local_days(readings, zone)
        counts = np.diff(begins, append=len(readings))
        worth = counts >= FEWEST
        bounds = int(day.min()), int(day.max())
        begins, counts, day = begins[worth], counts[worth], day[worth]
        some = readings
        if not worth.all():
            some = readings.take(np.repeat(begins, counts) + ranges(counts))
        register = readings.register[begins]
        named = digests(register, day, counts, some.instants, some.values, some.qualities)
        return cls(readings, register, day, begins, counts, named, bounds)

    def __len__(self) -> int:
        return len(self.register)

    def filled(self, stored: DayTable, unsent: Mask) -> DayTable:
        """Put the readings that came into the rows that were not sent, for they are the same."""
        if not unsent.any():
            return stored
        rows = np.flatnonzero(unsent)
        mine = self._of_rows(stored, rows)
        counts = self.counts[mine]
        at = np.repeat(self.begins[mine], counts) + ranges(counts)
        since = self.readings.instants[at] - np.repeat(stored.first[rows], counts)
        place = np.repeat(stored.offsets[rows], counts) + since // np.repeat(
            stored.interval[rows], counts
        )
        values, qualities = stored.values.copy(), stored.qualities.copy()
        values[place], qualities[place] = self.readings.values[at], self.readings.qualities[at]
        return replace(stored, values=values, qualities=qualities)

    def _of_rows(self, stored: DayTable, rows: Ints) -> Ints:
        """Say which of these days the rows are whose digest is known."""
        mine: Ints = np.searchsorted(
            (self.register << 20) + self.day, (stored.register[rows] << 20) + stored.day[rows]
        )
        return mine

    def unchanged(
        self, stored: DayTable, unsent: Mask, intervals: Mapping[int, int | None]
    ) -> Mask:
        """Say which readings needn't be merged, for they change nothing, nor how others are taken.

        They lie in days that are stored just so, with intervals that their neighbours prove and
        that are those of their register. Such a day is never cut anew, and says of the days beside
        it no more than the register does.

        Parameters
        ----------
        stored, unsent
            As PostgreSQL sent them.
        intervals
            What each register is known for [s].

        Returns
        -------
        Shape ``(len(readings),)``.
        """
        known = np.zeros(len(self.readings), dtype=bool)
        rows = np.flatnonzero(unsent)
        mine = self._of_rows(stored, rows)
        registers = np.unique(self.register)
        lengths = np.array([intervals.get(key) or 0 for key in registers.tolist()], dtype=np.int64)
        expected = lengths[np.searchsorted(registers, self.register[mine])]
        # Each empty slot parts two neighbours from each other, or one from nothing.
        counts = self.counts[mine]
        neighbours = 2 * counts - stored.slots[rows] - 1
        settled = mine[(stored.interval[rows] == expected) & (neighbours >= PROOF)]
        counts = self.counts[settled]
        known[np.repeat(self.begins[settled], counts) + ranges(counts)] = True
        return known
