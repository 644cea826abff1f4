"""Rows of the upstream's shape, against dictionaries written by `json`."""

import json
import math
import struct
from datetime import UTC, datetime

import numpy as np
import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from meters import rowtext
from meters.days import DayTable
from meters.qualities import NAMES
from meters.rowtext import Rows, numbers, written
from meters.zones import DAY

MUID = "95ce3367-cbce-4a4d-bbe3-da082831d7bd"
CODES = ["0100011D00FF", "0100021D00FF", "0100011D01FF"]
NOON = int(datetime(2023, 3, 26, tzinfo=UTC).timestamp())

# Of one register on one day: its interval, where its first slot begins, and a quality per slot.
Day = tuple[int, int, list[int]]
DAYS = st.tuples(
    st.sampled_from([900, 1800, 3600]),
    st.sampled_from([0, 0, 900, 2700, 61]),
    st.lists(st.sampled_from([0, 1, 1, 1, 2, 7]), min_size=1, max_size=12),
)


def table_of(days: dict[tuple[int, int], Day]) -> DayTable:
    keys = sorted(days)
    slots = [len(days[key][2]) for key in keys]
    qualities = np.array([q for key in keys for q in days[key][2]], dtype=np.int16)
    values = np.round(np.arange(len(qualities)) * 0.37 - 2, 4)
    values[qualities == 0] = np.nan

    def ints(numbers: list[int]) -> np.ndarray:
        return np.array(numbers, dtype=np.int64)

    return DayTable(
        ints([register for register, _ in keys]),
        ints([day for _, day in keys]),
        ints([NOON + day * DAY + days[register, day][1] for register, day in keys]),
        ints([days[key][0] for key in keys]),
        ints(slots),
        values,
        qualities,
        ints([1] * len(keys)),
    )


def as_dicts(table: DayTable, registers: list[int], start: int, stop: int) -> list[dict]:
    """The same rows, one reading after the other."""
    rows: dict[tuple[int, int], dict] = {}
    instants = table.instants.tolist()
    for place, register in enumerate(registers):
        for row in np.flatnonzero(table.register == register):
            for slot in range(*table.row_slots(int(row)).indices(len(instants))):
                quality = int(table.qualities[slot])
                if not quality or not start <= instants[slot] < stop:
                    continue
                moment = datetime.fromtimestamp(instants[slot], UTC)
                one = rows.setdefault(
                    (-instants[slot], quality),
                    {
                        "measurement": "energy",
                        "timestamp": moment.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
                        "tags": {"muid": MUID, "quality": NAMES[quality]},
                    },
                )
                value = float(table.values[slot])
                one[CODES[place]] = int(value) if value.is_integer() else value
    return [rows[key] for key in sorted(rows)]


@settings(max_examples=150, deadline=None)
@given(
    days=st.dictionaries(st.tuples(st.sampled_from([4, 7, 9]), st.integers(0, 3)), DAYS),
    order=st.permutations([4, 7, 9]),
    start=st.integers(0, 2 * DAY),
    length=st.integers(0, 4 * DAY),
    limit=st.integers(1, 40),
    chunk=st.sampled_from([1, 3, 8192]),
)
def test_the_rows_are_those_that_json_writes(
    days: dict, order: list[int], start: int, length: int, limit: int, chunk: int
) -> None:
    table, begin = table_of(days), NOON + start
    rows = Rows.of_days(table, order, begin, begin + length)
    wanted = as_dicts(table, order, begin, begin + length)
    assert len(rows) == len(wanted)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rowtext, "CHUNK", chunk)
        text = written(rows.first(limit), muid=MUID, measurement="energy", codes=CODES)
    assert text.decode() == json.dumps({"data": wanted[:limit]}, separators=(",", ":"))


def test_a_name_is_written_as_json() -> None:
    rows = Rows.of_days(table_of({(4, 0): (900, 0, [1])}), [4], 0, 2**40)
    text = written(rows, muid=MUID, measurement='heat "é"', codes=CODES[:1])
    assert json.loads(text)["data"][0]["measurement"] == 'heat "é"'


@settings(max_examples=300)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
@example([-0.0, 0.0, -20.0, 1e-10, 5e-324, 1.7976931348623157e308])
def test_numbers_come_back_bit_for_bit(values: list[float]) -> None:
    texts = numbers(np.array(values))
    assert [struct.pack("d", float(orjson.loads(text))) for text in texts] == [
        struct.pack("d", value) for value in values
    ]
    for value, text in zip(values, texts, strict=True):
        if value.is_integer() and abs(value) < 1e15 and math.copysign(1, value) > 0:
            assert text == b"%d" % int(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, b"0"),
        (1.0, b"1"),
        (10.0, b"10"),
        (0.0117, b"0.0117"),
        (0.17325000000000002, b"0.17325000000000002"),
        (1e-05, b"0.00001"),
        (2.5e-06, b"0.0000025"),
        (1e-07, b"1e-7"),
        (-2.0, b"-2"),
        (999999999.0, b"999999999"),
    ],
)
def test_numbers_are_written_as_javascript_writes_them(value: float, text: bytes) -> None:
    assert numbers(np.array([value, 0.5])) == [text, b"0.5"]
