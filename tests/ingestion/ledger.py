"""A store of readings in memory, beside the plain dictionary that it must equal."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ingestion.layout import Incoming
from ingestion.merge import Merged, merge
from meters.days import DayTable
from meters.zones import Zone, zone

ZURICH = zone("Europe/Zurich")
COLUMNS = ("register", "day", "first", "interval", "slots", "values", "qualities", "version")

Reading = tuple[int, int, float, int]  # register, instant [s], value, quality
Readings = dict[tuple[int, int], tuple[float, int]]


@dataclass
class Ledger:
    """Day rows as the store would keep them, and a dictionary of the readings accepted so far."""

    zone: Zone = ZURICH
    default: int = 900
    table: DayTable = field(default_factory=DayTable.empty)
    known: dict[int, int | None] = field(default_factory=dict)
    accepted: Readings = field(default_factory=dict)

    def take(self, readings: Sequence[Reading]) -> Merged:
        merged = merge(
            incoming(readings),
            self.table,
            self.zone,
            known=self.known,
            default_interval=self.default,
        )
        self._write(merged)
        refused = {readings[position][:2] for position, _, _ in merged.refused}
        for register, instant, value, quality in readings:
            if (register, instant) not in refused:
                self.accepted[register, instant] = value, quality
        return merged

    def _write(self, merged: Merged) -> None:
        keys = list(zip(self.table.register, self.table.day, strict=True))
        written = list(zip(merged.changed.register, merged.changed.day, strict=True))
        assert [key not in keys for key in written] == merged.is_new.tolist()
        rest = self.table.take([row for row, key in enumerate(keys) if key not in written])
        both = DayTable(
            *(np.concatenate([getattr(t, c) for t in (rest, merged.changed)]) for c in COLUMNS)
        )
        self.table = both.take(np.lexsort((both.day, both.register)))
        self.known |= merged.intervals

    @property
    def stored(self) -> Readings:
        return readings_of(self.table)

    @property
    def intervals(self) -> list[int]:
        """The interval of each stored day [min]."""
        return (self.table.interval // 60).tolist()


def incoming(readings: Sequence[Reading]) -> Incoming:
    columns = list(zip(*readings, strict=True)) or [()] * 4
    kinds = (np.int64, np.int64, np.float64, np.int16)
    return Incoming(*(np.array(c, dtype=k) for c, k in zip(columns, kinds, strict=True)))


def readings_of(table: DayTable) -> Readings:
    """Read every slot of every row, one after the other."""
    found = {}
    at = 0
    for row in range(len(table)):
        for slot in range(int(table.slots[row])):
            if table.qualities[at]:
                instant = int(table.first[row]) + slot * int(table.interval[row])
                found[int(table.register[row]), instant] = (
                    float(table.values[at]),
                    int(table.qualities[at]),
                )
            else:
                assert np.isnan(table.values[at])
            at += 1
    return found


def every(interval: int, count: int, start: int, register: int = 1) -> list[Reading]:
    """Readings that follow each other without a gap."""
    return [(register, start + i * interval, float(i), 1) for i in range(count)]


def counts(merged: Merged) -> tuple[int, int, int]:
    """How many readings were new, corrected, unchanged."""
    return int(merged.new.sum()), int(merged.corrected.sum()), int(merged.unchanged.sum())


def check_rows_of(table: DayTable, place: Zone) -> None:
    """Each row holds one local day's slots, all of them, and none of another day."""
    keys = list(zip(table.register.tolist(), table.day.tolist(), strict=True))
    assert keys == sorted(set(keys))
    for row, (_, day) in enumerate(keys):
        instants = table.instants[table.row_slots(row)]
        date = np.datetime64(day, "D").item()
        assert {place.date_at(int(at)) for at in (instants[0], instants[-1])} == {date}
        for outside in (instants[0] - table.interval[row], instants[-1] + table.interval[row]):
            assert place.date_at(int(outside)) != date
    assert (table.counts > 0).all()
