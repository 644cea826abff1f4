"""From what was wished for and what a table shows to a plan, with everything assumed said."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from ingestion.doors.clock import ClockError, ClockReader, sniff_order
from ingestion.doors.columns import (
    IMPORT,
    Column,
    ColumnWish,
    Plan,
    Role,
    Wishes,
    wishes_by_index,
)
from ingestion.doors.figures import WAYS, sniff_decimal
from ingestion.doors.sniffing import Seen, code_in, first_reading, look, meter_in
from ingestion.doors.table import Cell, DoorError, Table, is_empty, quoted
from ingestion.doors.units import UnitError, conversion, unit_in
from ingestion.doors.words import END_WORDS, START_WORDS, register_in, says_whole
from meters.language import N_, _, _n
from meters.obis import ObisCode
from meters.qualities import Quality
from meters.wording import counted
from meters.zones import ZoneError, zone

SIDE_ROLES = {
    "meter": Role.METER,
    "register": Role.REGISTER,
    "quality": Role.QUALITY,
    "unit": Role.UNIT,
}
# What is said of a column that was chosen by itself, and of one that was chosen among several.
STAND_IN = {
    Role.TIME: (
        N_("The times stand in “{column}”."),
        N_("The times stand in “{column}”, of {number} such columns."),
    ),
    Role.DATE: (
        N_("The dates stand in “{column}”."),
        N_("The dates stand in “{column}”, of {number} such columns."),
    ),
    Role.CLOCK: (
        N_("The times of day stand in “{column}”."),
        N_("The times of day stand in “{column}”, of {number} such columns."),
    ),
}
SAYS = {
    Role.METER: N_("“{column}” says the meter of each row."),
    Role.REGISTER: N_("“{column}” says the register of each row."),
    Role.QUALITY: N_("“{column}” says the quality of each row."),
    Role.UNIT: N_("“{column}” says the unit of each row."),
}
NO_ZONE = N_(
    "The times carry no offset. Name the zone whose clock they show, such as Europe/Zurich or UTC."
)
SAME_REGISTER = N_(
    "“{one}” and “{other}” would be the same register of the same meter. Say which register each "
    "of them is."
)


@dataclass(frozen=True)
class Proposal:
    """A plan, and what is to be said of it.

    Attributes
    ----------
    plan
        How the table would be read.
    assumed
        What was found out or taken for granted, in words.
    problems
        What keeps it from being read, in words.
    """

    plan: Plan
    assumed: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    def settled(self) -> Plan:
        """Return the plan.

        Raises
        ------
        DoorError
            There are problems.
        """
        if self.problems:
            raise DoorError(" ".join(self.problems))
        return self.plan


def propose(table: Table, wishes: Wishes) -> Proposal:
    """Work out how a table is to be read.

    Raises
    ------
    DoorError
        No column holds times, or a wish names a column that there isn't.
    """
    return _Proposing(table, wishes).proposal()


@dataclass
class _Proposing:
    table: Table
    wishes: Wishes
    assumed: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def proposal(self) -> Proposal:
        first = self._first()
        seen = look(self.table, first, self.wishes.names)
        wished = wishes_by_index(self.wishes.columns, [one.header for one in seen])
        wished |= self.wishes.by_index
        self.assumed += self.table.notes
        if first > 1:
            words = _("Readings begin in row {row}; what stands before is left aside.")
            self.assumed.append(words.format(row=counted(self.table.numbers[first])))
        elif not first:
            self.assumed.append(_("There is no row of headers; columns go by their letters."))
        columns = [
            Column(one.index, one.header, *_as_wished(wished.get(one.index))) for one in seen
        ]
        open_ones = [one for one in seen if getattr(wished.get(one.index), "role", None) is None]
        self._times(columns, open_ones)
        self._sides(columns, open_ones)
        self._values(columns, open_ones, wished)
        plan = Plan(
            tuple(columns),
            first,
            mark=self._mark(columns),
            interval=self.wishes.interval,
            muid=self.wishes.muid,
            obis=self.wishes.obis or IMPORT,
            quality=self.wishes.quality or Quality.UNSPECIFIED,
            power=self.wishes.power,
            names=self.wishes.names,
        )
        plan = self._notation(plan)
        plan = replace(plan, zone=self._zone(plan))
        self._check_values(plan)
        return Proposal(plan, tuple(self.assumed), tuple(dict.fromkeys(self.problems)))

    def _first(self) -> int:
        try:
            return first_reading(self.table)
        except DoorError:
            if not any(
                wish.role in {Role.TIME, Role.DATE}
                for wish in (*self.wishes.columns.values(), *self.wishes.by_index.values())
            ):
                raise
            # Serial numbers, or forms that only show when they are read.
            return 1 if any(isinstance(cell, str) for cell in self.table.rows[0]) else 0

    def _times(self, columns: list[Column], seen: list[Seen]) -> None:
        """Choose the columns of times, where nobody has."""
        if any(one.role in {Role.TIME, Role.DATE} for one in columns):
            if any(one.role is Role.DATE for one in columns) and not any(
                one.role is Role.CLOCK for one in columns
            ):
                self._choose(columns, seen, "clock", Role.CLOCK)
            return
        if any(one.kind == "moment" for one in seen):
            self._choose(columns, seen, "moment", Role.TIME)
        elif any(one.kind == "day" for one in seen):
            self._choose(columns, seen, "day", Role.DATE)
            self._choose(columns, seen, "clock", Role.CLOCK)
        if not any(one.role is Role.TIME for one in columns):
            roles = {one.role for one in columns}
            if Role.DATE not in roles:
                self.problems.append(_("No column holds dates and times. Say which one does."))
            elif Role.CLOCK not in roles:
                words = _(
                    "The dates have no time of day, and no column holds one. Readings of whole "
                    "days are not taken."
                )
                self.problems.append(words)

    def _choose(self, columns: list[Column], seen: list[Seen], kind: str, role: Role) -> None:
        there = [one for one in seen if one.kind == kind]
        words = END_WORDS if self.wishes.mark == "end" else START_WORDS
        best = next((one for one in there if says_whole(one.header, words)), None)
        chosen = best or (there[0] if there else None)
        if chosen is None:
            return
        columns[chosen.index] = replace(columns[chosen.index], role=role)
        words = _(STAND_IN[role][len(there) > 1])
        self.assumed.append(words.format(column=chosen.header, number=len(there)))

    def _sides(self, columns: list[Column], seen: list[Seen]) -> None:
        """Choose the columns that say of each row whose it is, of which register and so on."""
        for kind, role in SIDE_ROLES.items():
            if any(one.role is role for one in columns):
                continue
            there = [one for one in seen if one.kind == kind]
            if there:
                columns[there[0].index] = replace(columns[there[0].index], role=role)
                self.assumed.append(_(SAYS[role]).format(column=there[0].header))

    def _values(
        self, columns: list[Column], seen: list[Seen], wished: dict[int, ColumnWish]
    ) -> None:
        """Choose the columns of values, and say whose they are."""
        if not any(one.role is Role.VALUE for one in columns):
            numbers = [one for one in seen if one.kind == "number"]
            if self.table.folded is not None:
                # Whatever else is a number here: a metering point, the sum of the day.
                numbers = [one for one in seen if one.index == self.table.folded]
            named = [
                one
                for one in numbers
                if code_in(one.header)
                or unit_in(one.header)
                or register_in(one.header)
                or meter_in(one.header, self.wishes.names)
            ]
            if len(named or numbers) > 1 and not named:
                words = _(
                    "Several columns hold numbers ({columns}), and nothing says of which register. "
                    "Say what they are."
                )
                columns_named = ", ".join(quoted(one.header) for one in numbers[:8])
                self.problems.append(words.format(columns=columns_named))
                return
            for one in named or numbers:
                columns[one.index] = replace(columns[one.index], role=Role.VALUE)
            left = [one for one in numbers if named and one not in named]
            if left:
                self.assumed.append(_left_aside([one.header for one in left]))
        if not any(one.role is Role.VALUE for one in columns):
            self.problems.append(_("No column holds values. Say which one does."))
        per_row = {column.role for column in columns}
        for at, column in enumerate(columns):
            if column.role is Role.VALUE:
                columns[at] = self._whose(column, per_row)

    def _whose(self, column: Column, per_row: set[Role]) -> Column:
        """Say of a column of values which register, meter and unit it has."""
        obis = column.obis or code_in(column.name)
        if not obis and Role.REGISTER not in per_row:
            by_words = "" if self.wishes.obis else register_in(column.name)
            obis = self.wishes.obis or by_words or IMPORT
            if not self.wishes.obis:
                words = _("“{column}” is taken as {obis} ({label}).")
                label = ObisCode.parse(obis).label
                self.assumed.append(words.format(column=column.name, obis=obis, label=label))
        muid = column.muid or meter_in(column.name, self.wishes.names)
        unit = column.unit or unit_in(column.name) or ""
        if not unit and Role.UNIT not in per_row:
            unit = self.wishes.unit
            if not unit and obis:
                kept = ObisCode.parse(obis).unit
                words = (
                    _("“{column}” names no unit; taken as {unit}.")
                    if kept
                    else _("“{column}” names no unit; taken as it is.")
                )
                self.assumed.append(words.format(column=column.name, unit=kept))
            elif not unit:
                words = _("“{column}” names no unit; taken as registers are kept.")
                self.assumed.append(words.format(column=column.name))
        return replace(column, obis=obis, muid=muid, unit=unit)

    def _mark(self, columns: list[Column]) -> str:
        if self.wishes.mark:
            return self.wishes.mark
        names = [one.name for one in columns if one.role in {Role.TIME, Role.CLOCK}]
        if any(says_whole(name, END_WORDS) and not says_whole(name, START_WORDS) for name in names):
            self.assumed.append(_("By its header a time marks the end of its interval."))
            return "end"
        self.assumed.append(_("A time marks the start of its interval."))
        return "start"

    def _notation(self, plan: Plan) -> Plan:
        """Find out the decimal mark, and whether the day or the month comes first."""
        decimal, order = self.wishes.decimal, self.wishes.order
        try:
            if decimal is None:
                decimal = sniff_decimal(self._cells(plan, Role.VALUE))
                if decimal:
                    words = _("Numbers are written like {example}.")
                    self.assumed.append(words.format(example=WAYS[decimal]))
        except DoorError as error:
            self.problems.append(str(error))
        try:
            if order is None:
                times = [
                    cell for role in (Role.TIME, Role.DATE) for cell in self._cells(plan, role)
                ]
                order = sniff_order(times)
                if order == "dmy":
                    self.assumed.append(_("In dates the day comes first."))
                elif order == "mdy":
                    self.assumed.append(_("In dates the month comes first."))
        except DoorError as error:
            self.problems.append(str(error))
        return replace(plan, decimal=decimal or ".", order=order or "dmy")

    def _cells(self, plan: Plan, role: Role) -> Iterator[Cell]:
        places = [one.index for one in plan.of(role)]
        for row in self.table.rows[plan.first :]:
            for at in places:
                if at < len(row):
                    yield row[at]

    def _zone(self, plan: Plan) -> str:
        """Settle whose clock the times show."""
        if self.wishes.zone:
            try:
                found = zone(self.wishes.zone).name
            except ZoneError as error:
                self.problems.append(str(error))
                return ""
            self.assumed.append(_("Times without offset are those of {zone}.").format(zone=found))
            return found
        if self._lacks_offset(plan):
            self.problems.append(_(NO_ZONE))
        return ""

    def _lacks_offset(self, plan: Plan) -> bool:
        reader = ClockReader(plan.order, self.table.base_1904)
        role = Role.TIME if plan.one(Role.TIME) else Role.CLOCK
        read = reader.moment if role is Role.TIME else reader.clock
        for cell in self._cells(plan, role):
            if is_empty(cell):
                continue
            try:
                if read(cell).offset is None:
                    return True
            except ClockError:
                continue
        return False

    def _check_values(self, plan: Plan) -> None:
        """Say what is missing or does not fit before a single value is read."""
        columns = plan.of(Role.VALUE)
        whose: dict[tuple[UUID | None, str], Column] = {}
        for one in columns:
            if one.muid is None and plan.muid is None and not plan.one(Role.METER):
                self.problems.append(
                    _("Nothing says of which meter “{column}” is. Name the meter.").format(
                        column=one.name
                    )
                    if len(columns) > 1
                    else _("Nothing says of which meter the readings are. Name the meter.")
                )
            if one.obis and one.unit:
                try:
                    conversion(one.unit, one.obis, power=plan.power)
                except UnitError as error:
                    self.problems.append(f"{quoted(one.name)}: {error}.")
            other = whose.setdefault((one.muid, one.obis), one)
            if other is not one:
                words = _(SAME_REGISTER)
                self.problems.append(words.format(one=other.name, other=one.name))


def _left_aside(headers: Sequence[str]) -> str:
    words = _n(
        "{columns} is left aside: it names no unit and no register.",
        "{columns} are left aside: they name no unit and no register.",
        len(headers),
    )
    return words.format(columns=", ".join(map(quoted, headers)))


def _as_wished(wish: ColumnWish | None) -> tuple[Role, str, UUID | None, str]:
    if wish is None:
        return Role.IGNORE, "", None, ""
    return wish.role or Role.IGNORE, wish.obis, wish.muid, wish.unit
