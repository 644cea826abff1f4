"""Day rows to PostgreSQL and back, against what psycopg reads from the same rows."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from meters.copybinary import WRITE_COLUMNS, decode, encode, gathered
from meters.days import DayTable
from meters.models import Meter, Register
from meters.profiles import read_unknown_days
from tests.conftest import Customer

# The table must be read before the next example, so nothing leaks from one to the other.
AGAIN = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
EPOCH = date(1970, 1, 1)


@pytest.fixture
def registers(in_acme: Customer) -> list[int]:
    meter = Meter.objects.create(name="Copied")
    codes = ["1-0:1.29.0*255", "1-0:2.29.0*255"]
    return [Register.objects.create(meter=meter, obis=code).pk for code in codes]


@st.composite
def tables(draw: st.DrawFn) -> DayTable:
    """Rows of registers 0 and 1, of few and many slots, with holes and without."""
    keys = draw(
        st.lists(
            st.tuples(st.integers(0, 1), st.integers(10_950, 40_000)),
            max_size=6,
            unique=True,
        ).map(sorted)
    )
    value = st.one_of(
        st.floats(-1e9, 1e9),
        st.sampled_from([0.0, -0.0, 5e-324, 0.1, -1.5]),
    )
    slots, values, qualities = [], [], []
    for _ in keys:
        n = draw(st.sampled_from([1, 2, 3, 3, 23, 24, 92, 96, 100]))
        holes = draw(st.sampled_from(["none", "some", "all"]))
        for _ in range(n):
            missing = holes == "all" or (holes == "some" and draw(st.booleans()))
            qualities.append(0 if missing else draw(st.integers(1, 7)))
            values.append(np.nan if missing else draw(value))
        slots.append(n)
    return DayTable(
        np.array([register for register, _ in keys], dtype=np.int64),
        np.array([day for _, day in keys], dtype=np.int64),
        np.array([day * 86_400 - 3600 for _, day in keys], dtype=np.int64),
        np.array([draw(st.sampled_from([60, 300, 900, 3600])) for _ in keys], dtype=np.int64),
        np.array(slots, dtype=np.int64),
        np.array(values, dtype=np.float64),
        np.array(qualities, dtype=np.int16),
        np.zeros(len(keys), dtype=np.int64),
    )


def written(table: DayTable, registers: list[int], summable: np.ndarray, version: int) -> DayTable:
    """Put a table into the tenant's `daily_profile`; return it with the registers' real keys."""
    own = DayTable(
        np.array(registers, dtype=np.int64)[table.register],
        *(getattr(table, name) for name in list(DayTable.__dataclass_fields__)[1:]),
    )
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM daily_profile")
        with cursor.copy(
            f"COPY daily_profile ({WRITE_COLUMNS}) FROM STDIN (FORMAT BINARY)"
        ) as copy:
            for chunk in encode(own, summable=summable, version=version):
                copy.write(chunk)
    return own


def read() -> DayTable:
    with (
        connection.cursor() as cursor,
        cursor.copy(
            f"COPY (SELECT {gathered()} FROM "
            "(SELECT * FROM daily_profile ORDER BY register_id, day) AS days) "
            "TO STDOUT (FORMAT BINARY)"
        ) as answer,
    ):
        return decode(b"".join(answer))[0]


def rows_as_psycopg_reads_them() -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(
            'SELECT register_id, day, first, interval, "values", qualities, total, count, '
            "quality, version FROM daily_profile ORDER BY register_id, day"
        )
        return cursor.fetchall()


@AGAIN
@given(tables(), st.booleans(), st.integers(1, 2**62))
def test_what_is_written_is_read_again(
    registers: list[int], table: DayTable, summed: bool, version: int
) -> None:
    own = written(table, registers, np.full(len(table), summed), version)
    found = read()
    assert (found.version == version).all()
    for name in ("register", "day", "first", "interval", "slots", "qualities"):
        assert getattr(found, name).tolist() == getattr(own, name).tolist(), name
    # To the bit, but for NaN, which is the only one.
    assert found.values.tobytes() == np.where(own.present, own.values, np.nan).tobytes()
    assert found.values.dtype == np.float64
    assert found.qualities.dtype == np.int16


@AGAIN
@given(tables(), st.lists(st.booleans(), min_size=6, max_size=6))
def test_psycopg_reads_the_same_rows(
    registers: list[int], table: DayTable, summed: list[bool]
) -> None:
    summable = np.array(summed[: len(table)], dtype=bool)
    own = written(table, registers, summable, version=7)
    rows = rows_as_psycopg_reads_them()
    assert len(rows) == len(own)
    for i, row in enumerate(rows):
        register, day, first, interval, values, qualities, total, count, quality, version = row
        part = own.row_slots(i)
        assert register == own.register[i]
        assert day == EPOCH + timedelta(days=int(own.day[i]))
        assert first == datetime.fromtimestamp(int(own.first[i]), UTC)
        assert (interval, version) == (own.interval[i], 7)
        expected = [
            float(value) if there else None
            for value, there in zip(own.values[part], own.present[part], strict=True)
        ]
        assert values == expected
        there = [value for value in expected if value is not None]
        assert count == len(there)
        kinds = {q for q in own.qualities[part].tolist() if q}
        if len(kinds) > 1:
            assert (qualities, quality) == (own.qualities[part].tolist(), None)
        else:
            assert (qualities, quality) == (None, kinds.pop() if kinds else None)
        if summable[i] and there:
            assert total == pytest.approx(np.sum(there), rel=1e-9, abs=1e-9 * max(map(abs, there)))
        else:
            assert total is None


def test_an_empty_table_is_read_as_none(registers: list[int]) -> None:
    assert len(read()) == 0
    assert written(DayTable.empty(), registers, np.zeros(0, dtype=bool), 1) is not None
    assert rows_as_psycopg_reads_them() == []


@AGAIN
@given(tables(), st.data())
def test_what_is_known_is_not_sent(
    registers: list[int], table: DayTable, data: st.DataObject
) -> None:
    own = written(table, registers, np.ones(len(table), dtype=bool), 1)
    known = np.array([data.draw(st.booleans()) for _ in range(len(own))], dtype=bool)
    first, last = (int(own.day.min()), int(own.day.max())) if len(own) else (0, 0)
    others = DayTable(
        own.register + 1_000_000,
        *(getattr(own, name) for name in list(DayTable.__dataclass_fields__)[1:]),
    )
    named = np.concatenate((own.digests[known], others.digests))
    found, unsent = read_unknown_days(registers, first, last, named)
    assert unsent.tolist() == known.tolist()
    for name in ("register", "day", "first", "interval", "slots"):
        assert getattr(found, name).tolist() == getattr(own, name).tolist(), name
    sent = np.repeat(~known, own.slots)
    there = own.present & sent
    assert found.values.tobytes() == np.where(there, own.values, np.nan).tobytes()
    assert found.qualities.tolist() == np.where(sent, own.qualities, 0).tolist()


def test_a_row_without_a_digest_is_always_sent(registers: list[int]) -> None:
    n = np.array([24])
    table = DayTable(
        np.zeros(1, dtype=np.int64), np.array([20_000]), np.array([20_000 * 86_400]),
        np.array([3600]), n, np.arange(24.0), np.ones(24, dtype=np.int16), np.zeros(1, dtype=int),
    )  # fmt: skip
    own = written(table, registers, np.ones(1, dtype=bool), 1)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE daily_profile SET digest = NULL")
    found, unsent = read_unknown_days(registers, 20_000, 20_000, own.digests)
    assert (found.values.tolist(), unsent.tolist()) == (list(range(24)), [False])


def test_rows_come_in_the_order_asked_for_whatever_their_length(registers: list[int]) -> None:
    n = np.array([96, 1, 96, 100, 1])
    s = int(n.sum())
    table = DayTable(
        np.zeros(5, dtype=np.int64),
        np.arange(20_000, 20_005),
        np.arange(20_000, 20_005) * 86_400,
        np.full(5, 900),
        n,
        np.arange(s, dtype=np.float64),
        np.ones(s, dtype=np.int16),
        np.zeros(5, dtype=np.int64),
    )
    written(table, registers, np.ones(5, dtype=bool), 1)
    found = read()
    assert found.slots.tolist() == n.tolist()
    assert found.values.tolist() == list(range(s))


def test_a_stored_row_that_psycopg_wrote_is_read(registers: list[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO daily_profile (register_id, day, first, interval, values, qualities, "
            "total, count, quality, version) "
            "VALUES (%s, '2023-03-26', '2023-03-25T23:00Z', 900, %s, %s, NULL, 1, 2, 5)",
            [registers[0], [None, 1.25], [0, 2]],
        )
    found = read()
    assert found.first.tolist() == [int(datetime(2023, 3, 25, 23, tzinfo=UTC).timestamp())]
    assert found.day.tolist() == [(date(2023, 3, 26) - EPOCH).days]
    assert np.isnan(found.values).tolist() == [True, False]
    assert found.qualities.tolist() == [0, 2]
    assert (found.counts.tolist(), found.totals.tolist()) == ([1], [1.25])
