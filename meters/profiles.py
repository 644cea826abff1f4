"""The one reader of stored readings: registers and a range in, day rows or day totals out."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields

import numpy as np

from config.reading import reading_connection
from meters.copybinary import decode, gathered
from meters.copycolumns import decode_sent, sent
from meters.days import DayTable, Floats, Ints, Mask
from meters.digests import Digests
from meters.models import Meter, Register
from meters.series import Series
from meters.zones import DAY

DATE = "1970-01-01"
# What `DayTotals` holds, in its order.
TOTALS = {
    "register_id": "int8",
    "day": "date",
    "first": "timestamptz",
    '"interval"': "int4",
    "count": "int4",
    "coalesce(quality, 0::int2)": "int2",
    "coalesce(total, 'NaN')": "float8",
}


def _copied(query: str) -> bytes:
    """Run a query of one row, in PostgreSQL's binary format.

    The cursor is the connection's own, for that is where the tenant's search path is set.
    """
    connection = reading_connection()
    with (
        # Django wraps what a cursor raises, but not what a COPY does: a reader who meets a database
        # that is gone would be told of an error of ours.
        connection.wrap_database_errors,
        connection.cursor() as cursor,
        cursor.copy(f"COPY ({query}) TO STDOUT (FORMAT BINARY)") as answer,
    ):
        return b"".join(answer)


def _days(rows: str) -> DayTable:
    """Read rows of `daily_profile`, which the query gives in the order of its key."""
    return decode(_copied(f"SELECT {gathered()} FROM ({rows}) AS days"))[0]


def _list(numbers: Iterable[int]) -> str:
    """Write whole numbers as a list that SQL understands; nothing else passes."""
    return ",".join(str(int(number)) for number in numbers) or "NULL"


def read_days(registers: Sequence[int], first_day: int, last_day: int) -> DayTable:
    """Read the day rows of registers between two local days, both included.

    Parameters
    ----------
    registers
        Primary keys.
    first_day, last_day
        Days since 1970-01-01.
    """
    return _days(_between(registers, first_day, last_day))


def read_unknown_days(
    registers: Sequence[int], first_day: int, last_day: int, known: Digests
) -> tuple[DayTable, Mask]:
    """Read day rows as `read_days` does, but for the values of those whose digest is known.

    Returns
    -------
    table
        All rows; those that are known have nothing in their slots.
    unsent
        Which of them these are, shape ``(k,)``.
    """
    listed = ",".join(f'"\\\\x{one.tobytes().hex()}"' for one in known)
    rows = _between(
        registers, first_day, last_day, f"*, digest = ANY('{{{listed}}}'::bytea[]) AS is_known"
    )
    return decode(_copied(f"SELECT {gathered('is_known')} FROM ({rows}) AS days"))


def _between(registers: Sequence[int], first_day: int, last_day: int, columns: str = "*") -> str:
    return (
        f"SELECT {columns} FROM daily_profile "
        f'WHERE "register_id" IN ({_list(registers)}) '
        f"AND \"day\" BETWEEN DATE '{DATE}' + {int(first_day)} AND DATE '{DATE}' + {int(last_day)} "
        f'ORDER BY "register_id", "day"'
    )


def read_chosen_days(registers: Ints, days: Ints) -> DayTable:
    """Read some day rows: of each register its day, both of shape ``(n,)``, none twice."""
    return _days(
        f"SELECT found.* FROM unnest(ARRAY[{_list(registers.tolist())}]::bigint[], "
        f"ARRAY[{_list(days.tolist())}]::int[]) AS asked(id, number) "
        "JOIN daily_profile AS found ON found.register_id = asked.id "
        f"AND found.day = DATE '{DATE}' + asked.number ORDER BY found.register_id, found.day"
    )


def read_last_days(registers: Sequence[int], *, first: bool = False) -> DayTable:
    """Read each register's latest day row that holds readings, or its first such row.

    Registers without readings are left out. Where all readings of a day were deleted, its row is
    still there, and empty.
    """
    order = "ASC" if first else "DESC"
    return _days(
        f"SELECT found.* FROM unnest(ARRAY[{_list(registers)}]::bigint[]) AS asked(id) "
        'CROSS JOIN LATERAL (SELECT * FROM daily_profile WHERE "register_id" = asked.id '
        f'AND "count" > 0 ORDER BY "day" {order} LIMIT 1) AS found ORDER BY "register_id"'
    )


@dataclass(frozen=True, slots=True)
class RowsSummary:
    """What is known of one register's rows in a range without opening their values.

    Attributes
    ----------
    finest
        The shortest interval of its rows [s]; None without any.
    rows, readings
        How many there are, and how many readings they hold.
    newest
        The newest version among them.
    """

    finest: int | None
    rows: int
    readings: int
    newest: int


def summaries(
    registers: Sequence[int], first_day: int, last_day: int, *, and_later: bool = False
) -> dict[int, RowsSummary]:
    """Sum up the rows of registers between two local days, both included.

    Parameters
    ----------
    and_later
        Whether rows after the last day count as well, but for the shortest interval.
    """
    last = f"DATE '{DATE}' + {int(last_day)}"
    until = "" if and_later else f"AND day <= {last} "
    with reading_connection().cursor() as cursor:
        cursor.execute(
            f'SELECT register_id, min("interval") FILTER (WHERE day <= {last}), count(*), '
            "sum(count), max(version) FROM daily_profile "
            f"WHERE register_id IN ({_list(registers)}) "
            f"AND day >= DATE '{DATE}' + {int(first_day)} {until}GROUP BY register_id"
        )
        return {row[0]: RowsSummary(*row[1:]) for row in cursor.fetchall()}


def read_newest_days(
    registers: Sequence[int], first_day: int, last_day: int, most: int
) -> DayTable:
    """Read each register's newest day rows that hold readings, at most so many of each.

    Parameters
    ----------
    registers
        Primary keys.
    first_day, last_day
        Between which local days, as days since 1970-01-01, both included.
    """
    return _days(
        f"SELECT found.* FROM unnest(ARRAY[{_list(registers)}]::bigint[]) AS asked(id) "
        'CROSS JOIN LATERAL (SELECT * FROM daily_profile WHERE "register_id" = asked.id '
        f"AND \"day\" BETWEEN DATE '{DATE}' + {int(first_day)} AND DATE '{DATE}' + {int(last_day)} "
        f'AND "count" > 0 ORDER BY "day" DESC LIMIT {int(most)}) AS found '
        'ORDER BY "register_id", "day"'
    )


def read_next_days(registers: Sequence[int], after: int) -> DayTable:
    """Read each register's first day row after a local day, given as days since 1970-01-01."""
    return _days(
        f"SELECT found.* FROM unnest(ARRAY[{_list(registers)}]::bigint[]) AS asked(id) "
        'CROSS JOIN LATERAL (SELECT * FROM daily_profile WHERE "register_id" = asked.id '
        f'AND "day" > DATE \'{DATE}\' + {int(after)} AND "count" > 0 '
        'ORDER BY "day" LIMIT 1) AS found ORDER BY "register_id"'
    )


def latest_versions(registers: Sequence[int]) -> dict[int, int]:
    """Say of each register which version its latest day row has that holds readings."""
    if not registers:
        return {}
    with reading_connection().cursor() as cursor:
        cursor.execute(
            f"SELECT asked.id, found.version FROM unnest(ARRAY[{_list(registers)}]::bigint[]) "
            "AS asked(id) CROSS JOIN LATERAL (SELECT version FROM daily_profile WHERE register_id "
            '= asked.id AND "count" > 0 ORDER BY "day" DESC LIMIT 1) AS found'
        )
        return dict(cursor.fetchall())


def first_reading(registers: Sequence[int]) -> int | None:
    """Say when the first stored interval of several registers begins [s]; None without any."""
    return min(first_readings(registers).values(), default=None)


def first_readings(registers: Sequence[int]) -> dict[int, int]:
    """Say of each register when its first stored interval begins [s]."""
    table = read_last_days(registers, first=True)
    found = {}
    for row, register in enumerate(table.register):
        slots = table.row_slots(row)
        found[int(register)] = int(table.instants[slots][table.present[slots]][0])
    return found


def last_reading_ends(registers: Sequence[int]) -> dict[int, int]:
    """Say of each register when its latest stored interval ends [s]."""
    table = read_last_days(registers)
    if not len(table):
        return {}
    ends = table.instants + np.repeat(table.interval, table.slots)
    # A day is read only where it holds readings.
    ends[~table.present] = np.iinfo(np.int64).min
    last = np.maximum.reduceat(ends, table.offsets[:-1])
    return dict(zip(table.register.tolist(), last.tolist(), strict=True))


def last_reading_end(meter: Meter) -> int | None:
    """Say up to when all registers of a meter have been read [s]; None where none has."""
    registers = list(meter.registers.values_list("pk", flat=True))
    ends = last_reading_ends(registers) if registers else {}
    return min(ends.values()) if ends else None


def read_series(register: Register, start: int, end: int) -> Series:
    """Read one register's series of readings that start in ``[start, end)`` [s].

    A day row is kept under its local date; a day more on each side covers every zone.
    """
    table = read_days([register.pk], start // DAY - 1, end // DAY + 1)
    return Series.of_days(table, register.meter.zone, register.interval or 900).within(start, end)


@dataclass(frozen=True)
class DayTotals:
    """What k day rows say of themselves, sorted by register and day; shapes ``(k,)``.

    Attributes
    ----------
    register, day, first, interval, count
        As in `DayTable`.
    total
        The day's energy in the register's unit, NaN where there is none.
    quality
        The one quality that all its readings have, 0 where they differ.
    """

    register: Ints
    day: Ints
    first: Ints
    interval: Ints
    count: Ints
    quality: Ints
    total: Floats

    def __len__(self) -> int:
        return len(self.register)

    def of_register(self, register: int) -> "DayTotals":
        """Choose one register's days."""
        low, high = np.searchsorted(self.register, [register, register + 1])
        return self._take(slice(int(low), int(high)))

    def starting_in(self, start: int, end: int) -> "DayTotals":
        """Choose the days whose first interval starts in ``[start, end)`` [s]."""
        return self._take((self.first >= start) & (self.first < end))

    def of_registers(self, registers: Sequence[int]) -> "DayTotals":
        """Choose the days of some registers."""
        inside = np.isin(self.register, registers)
        return self if inside.all() else self._take(inside)

    def within(self, *spans: tuple[int, int]) -> "DayTotals":
        """Choose the days of spans of days, first and last included."""
        inside = np.zeros(len(self), dtype=bool)
        for first, last in spans:
            inside |= (self.day >= first) & (self.day <= last)
        return self if inside.all() else self._take(inside)

    def sorted(self) -> "DayTotals":
        """Put the days in order, in which they mostly are."""
        same, later = np.diff(self.register) == 0, np.diff(self.day) > 0
        if ((np.diff(self.register) > 0) | (same & later)).all():
            return self
        return self._take(np.lexsort((self.day, self.register)))

    def _take(self, part: slice | Mask | Ints) -> "DayTotals":
        return DayTotals(*(getattr(self, field.name)[part] for field in fields(self)))


def read_totals(registers: Sequence[int], first_day: int, last_day: int) -> DayTotals:
    """Read what day rows say of themselves, without opening their values.

    Parameters
    ----------
    registers
        Primary keys.
    first_day, last_day
        Days since 1970-01-01, both included.
    """
    return read_totals_within((registers, [(first_day, last_day)]))


def read_totals_within(*wanted: tuple[Sequence[int], Sequence[tuple[int, int]]]) -> DayTotals:
    """Read what day rows of several spans of days say of themselves, with one question.

    Parameters
    ----------
    wanted
        Registers and their spans: first and last day of each, both included. Days that lie in
        several spans of a register are read once; no register is in two of these.
    """
    asked = " UNION ALL ".join(
        f"SELECT id, DATE '{DATE}' + {int(first)}, DATE '{DATE}' + {int(last)} "
        f"FROM unnest(ARRAY[{_list(sorted(set(registers)))}]::bigint[]) AS given(id)"
        for registers, spans in wanted
        for first, last in _apart(spans)
    )
    # OFFSET keeps PostgreSQL at walking the key. With its default settings it takes reading all of
    # the table for cheaper where two months of a year are asked for, and that takes twice as long;
    # of ten years it would be ten times more.
    answer = _copied(
        f"SELECT {sent(TOTALS)} FROM ({asked}) AS asked(id, first_day, last_day) "
        "CROSS JOIN LATERAL (SELECT * FROM daily_profile WHERE register_id = asked.id "
        "AND day BETWEEN asked.first_day AND asked.last_day OFFSET 0) AS found"
    )
    return DayTotals(*decode_sent(answer, TOTALS)).sorted()


def _apart(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Join spans of days that overlap or follow each other."""
    joined: list[tuple[int, int]] = []
    for first, last in sorted(spans):
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(joined[-1][1], last))
        else:
            joined.append((first, last))
    return joined
