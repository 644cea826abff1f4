"""A table and a plan, turned into a batch of readings and a list of those refused."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TypeVar
from uuid import UUID

import numpy as np

from ingestion.batch import Batch, Reason, RegisterKey, Rejection
from ingestion.doors.clock import ClockError, ClockReader, Wall
from ingestion.doors.columns import Column, Plan, Role
from ingestion.doors.figures import FigureError, read_figure
from ingestion.doors.spans import Moments, Values, span_of, starts_of
from ingestion.doors.table import Cell, Table, cell_text, is_empty
from ingestion.doors.units import Conversion, UnitError, conversion
from ingestion.doors.words import QUALITY_WORDS
from ingestion.parsing import ABSURD, EARLIEST, LEEWAY, Asked, Parsed
from ingestion.rawtext import RAW_LENGTH
from meters.language import _
from meters.obis import ObisCode, ObisError
from meters.qualities import Quality
from meters.zones import Zone, zone

T = TypeVar("T")

# By the name of their measurement upstreams tell these from energy.
OF_POWER = frozenset({"kW", "kvar", "kVA", "V", "A", "Hz"})
# Rows that say the same meter and register belong together; either may be left to the columns.
Group = tuple[UUID | None, str]
Series = tuple[Group, UUID, str]


@dataclass(frozen=True)
class TableRead:
    """What a table holds.

    Attributes
    ----------
    parsed
        The batch, whose rows are the file's own numbers less one, and what was refused.
    empty
        How many cells of values hold none.
    """

    parsed: Parsed
    empty: int


def read_table(table: Table, plan: Plan, asked: Asked) -> TableRead:
    """Read a table; a reading that can't be one becomes a rejection, the others stay.

    Parameters
    ----------
    table
        The file.
    plan
        What its columns mean, settled.
    asked
        What it may hold: of which meter, from when to when.

    Raises
    ------
    DoorError
        How long intervals are has to be known, and the file does not show it.
    """
    reading = _Reading(table, plan, asked)
    for row in range(plan.first, len(table.rows)):
        reading.take(row)
    return reading.finish()


class _RefusedError(Exception):
    def __init__(self, reason: Reason, words: str, **of: str) -> None:
        super().__init__(words)
        self.reason, self.words, self.of = reason, words, of


def _of(muid: UUID, obis: str, words: str) -> _RefusedError:
    return _RefusedError(Reason.VALUE, words, muid=str(muid), code=obis)


@dataclass
class _Reading:
    """Readings on their way into a batch: of each where it stands, its time and its value."""

    table: Table
    plan: Plan
    asked: Asked
    groups: dict[Group, Moments] = field(default_factory=dict)
    series: dict[Series, Values] = field(default_factory=dict)
    rejections: list[Rejection] = field(default_factory=list)
    empty: int = 0
    _once: dict[tuple[Role, str], object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        plan = self.plan
        self.clock = ClockReader(plan.order, self.table.base_1904)
        self.zone: Zone | None = zone(plan.zone) if plan.zone else None
        self.values = plan.of(Role.VALUE)
        self.time, self.date = plan.one(Role.TIME), plan.one(Role.DATE)
        self.of_day = plan.one(Role.CLOCK)
        self.sides = {role: plan.one(role) for role in Role}
        self.conversion = lru_cache(maxsize=None)(
            lambda unit, obis: conversion(unit, obis, power=plan.power)
        )

    def take(self, row: int) -> None:
        """Read one row; whatever is wrong with it becomes a rejection."""
        cells = self.table.rows[row]
        filled = [one for one in self.values if not is_empty(_at(cells, one))]
        self.empty += len(self.values) - len(filled)
        try:
            wall = self._wall(cells)
            muid = self._side(cells, Role.METER, self._muid, self.plan.muid)
            obis = self._side(cells, Role.REGISTER, self._obis, "")
            quality = self._side(cells, Role.QUALITY, self._quality, self.plan.quality)
        except _RefusedError as refused:
            if filled:
                self._refuse(row, refused)
            return
        group = muid, obis
        moments = self.groups.get(group)
        if moments is None:
            moments = self.groups[group] = Moments()
        place = moments.add(row, wall)
        for one in filled:
            try:
                self._value(cells, one, group, place, quality)
            except _RefusedError as refused:
                self._refuse(row, refused)

    def _value(
        self, cells: list[Cell], column: Column, group: Group, place: int, quality: Quality
    ) -> None:
        muid, obis = column.muid or group[0], column.obis or group[1] or self.plan.obis
        if muid is None:
            raise _RefusedError(Reason.METER, _("the row names no meter"))
        if self.asked.muid is not None and muid != self.asked.muid:
            words = _("the reading belongs to meter {muid}, not to {asked}")
            words = words.format(muid=muid, asked=self.asked.muid)
            raise _RefusedError(Reason.METER, words, muid=str(muid), code=obis)
        try:
            value = read_figure(_at(cells, column), self.plan.decimal)
        except FigureError as error:
            raise _of(muid, obis, str(error)) from None
        if value is None:
            self.empty += 1
            return
        unit = column.unit or self._side(cells, Role.UNIT, str, "")
        try:
            how: Conversion = self.conversion(unit, obis)
        except UnitError as error:
            raise _of(muid, obis, str(error)) from None
        value *= how.factor
        if abs(value) >= ABSURD:
            words = _("the value {value} is absurdly large")
            raise _of(muid, obis, words.format(value=cell_text(_at(cells, column))[:40]))
        series = group, muid, obis
        values = self.series.get(series)
        if values is None:
            values = self.series[series] = Values()
        values.add(place, value, int(quality), per_hour=how.per_hour)

    def _wall(self, cells: list[Cell]) -> Wall:
        try:
            if self.time:
                wall = self.clock.moment(_at(cells, self.time))
            else:
                assert self.date is not None
                assert self.of_day is not None
                wall = self.clock.pair(_at(cells, self.date), _at(cells, self.of_day))
        except ClockError as error:
            raise _RefusedError(Reason.TIME, str(error)) from None
        if wall.offset is None and self.zone is None:
            raise _RefusedError(Reason.TIME, _("the time has no offset, and no zone is named"))
        return wall

    def _side(self, cells: list[Cell], role: Role, read: Callable[[str], T], without: T) -> T:
        """Read what a row says of all its values; where no column does, the file says it."""
        column = self.sides[role]
        if column is None or is_empty(cell := _at(cells, column)):
            return without
        text = cell_text(cell).strip()
        known = self._once.get((role, text))
        if known is None:
            try:
                known = read(text)
            except _RefusedError as refused:
                known = refused
            self._once[role, text] = known
        if isinstance(known, _RefusedError):
            raise _RefusedError(known.reason, known.words, **known.of)
        return known  # type: ignore[return-value]

    def _muid(self, text: str) -> UUID | None:
        if text in self.plan.names:
            return self.plan.names[text]
        try:
            return UUID(text)
        except ValueError:
            words = _("“{text}” is neither a MUID nor the metering point of a meter here")
            words = words.format(text=text[:40])
            raise _RefusedError(Reason.METER, words, muid=text[:64]) from None

    def _obis(self, text: str) -> str:
        try:
            return str(ObisCode.parse(text))
        except ObisError as error:
            raise _RefusedError(Reason.CODE, str(error), code=text[:24]) from None

    def _quality(self, text: str) -> Quality:
        found = QUALITY_WORDS.get(text.casefold())
        if found is None:
            words = _("the quality “{text}” is unknown")
            raise _RefusedError(Reason.QUALITY, words.format(text=text[:40]))
        return found

    def _refuse(self, row: int, refused: _RefusedError) -> None:
        self.rejections.append(
            Rejection(
                refused.reason,
                refused.words,
                self.table.raw(row)[:RAW_LENGTH],
                refused.of.get("muid", ""),
                refused.of.get("code", ""),
                self._written(row)[:40],
                self.table.numbers[row],
            )
        )

    def _written(self, row: int) -> str:
        """Return the time as the file writes it."""
        cells = self.table.rows[row]
        columns = [one for one in (self.time, self.date, self.of_day) if one]
        return " ".join(cell_text(_at(cells, one)) for one in columns)

    def finish(self) -> TableRead:
        """Turn local times into instants, and lay everything out by rows."""
        parts = [part for group in self.groups for part in self._parts(group)]
        batch = Batch.concat(parts, [0] * len(parts)) if parts else Batch.empty()
        batch, outside, oldest = self._inside(batch)
        batch = batch.taken(np.argsort(batch.row, kind="stable"))
        numbers = np.array(self.table.numbers, dtype=np.int64) - 1
        self.rejections.sort(key=lambda one: one.row or 0)
        parsed = Parsed(
            replace(batch, row=numbers[batch.row]),
            self.rejections,
            outside=outside,
            oldest=oldest,
            rows=len(self.table.rows) - self.plan.first,
        )
        return TableRead(parsed, self.empty)

    def _parts(self, group: Group) -> Iterator[Batch]:
        """Make a batch of each register of rows that belong together."""
        moments = self.groups[group]
        whose = {
            (muid, obis): values for (of, muid, obis), values in self.series.items() if of == group
        }
        if not whose:
            return
        power = any(any(values.per_hour) for values in whose.values())
        span = span_of(moments, self.plan, power=power)
        instants, trouble = starts_of(moments, self.plan, self.zone, span)
        used = {place for values in whose.values() for place in values.places}
        for place in sorted(used & trouble.keys()):
            muid, obis = next(iter(whose)) if len(whose) == 1 else (group[0], group[1])
            refused = _RefusedError(Reason.TIME, trouble[place], muid=str(muid or ""), code=obis)
            self._refuse(moments.rows[place], refused)
        good = np.ones(len(instants), dtype=bool)
        good[list(trouble)] = False
        rows = np.array(moments.rows, dtype=np.int64)
        for (muid, obis), values in whose.items():
            places = np.array(values.places, dtype=np.int64)
            kept = good[places]
            places = places[kept]
            measurement = "power" if ObisCode.parse(obis).unit in OF_POWER else "energy"
            yield Batch(
                (RegisterKey(muid, obis, measurement),),
                np.zeros(len(places), dtype=np.int64),
                instants[places],
                values.converted(span)[kept],
                np.array(values.qualities, dtype=np.int16)[kept],
                rows[places],
            )

    def _inside(self, batch: Batch) -> tuple[Batch, int, int | None]:
        """Drop what lies outside the window, and refuse what lies outside of time."""
        asked, instants = self.asked, batch.instants
        inside = (instants >= asked.since) & (instants < asked.until)
        early, late = instants < EARLIEST, instants > asked.now + LEEWAY
        for at in np.flatnonzero(inside & (early | late)):
            key = batch.keys[int(batch.index[at])]
            words = (
                _("the time {written} lies before any interval meter")
                if early[at]
                else _("the time {written} lies in the future")
            )
            written = self._written(int(batch.row[at]))[:40]
            self._refuse(
                int(batch.row[at]),
                _RefusedError(
                    Reason.TIME if early[at] else Reason.FUTURE,
                    words.format(written=written),
                    muid=str(key.muid),
                    code=key.obis,
                ),
            )
        kept = np.flatnonzero(inside & ~early & ~late)
        times = instants[inside]
        oldest = int(times.min()) if len(times) else None
        return batch.taken(kept), int((~inside).sum()), oldest


def _at(cells: list[Cell], column: Column) -> Cell:
    return cells[column.index] if column.index < len(cells) else None
