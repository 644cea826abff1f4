"""Dates and times in every usual writing."""

from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.doors.clock import ClockError, ClockReader, Wall, sniff_order
from ingestion.doors.table import DoorError
from tests.ingestion.doors.writing import instant, read_text, readings, walls

[EVENING] = walls("2023-12-31 23:45")


@pytest.mark.parametrize(
    "text",
    [
        "31.12.2023 23:45",
        "31.12.23 23:45:00",
        "31.12.2023, 23:45",
        "31.12.2023  23.45",
        "2023-12-31 23:45",
        "2023-12-31T23:45:00.000",
        "2023/12/31 23:45",
        "20231231 23:45",
        "31/12/2023 23:45",
        "31-12-2023 23:45",
        datetime.fromisoformat("2023-12-31T23:45"),
        datetime.fromisoformat("2023-12-31T23:44:59.999"),
        45291.989583333336,
    ],
)
def test_moments(text: object) -> None:
    assert ClockReader().moment(text) == Wall(EVENING)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        ("2023-12-31T23:45:00Z", 0),
        ("2023-12-31T23:45+01:00", 3600),
        ("31.12.2023 23:45 +0545", 20_700),
        ("2023-12-31 23:45:00-03", -10_800),
    ],
)
def test_offsets(text: str, offset: int) -> None:
    assert ClockReader().moment(text) == Wall(EVENING, offset)


def test_pairs() -> None:
    reader = ClockReader()
    for day in ("31.12.2023", date(2023, 12, 31), datetime.fromisoformat("2023-12-31"), 45291):
        for clock in ("23:45", time(23, 45), timedelta(hours=23, minutes=45), 0.9895833333):
            assert reader.pair(day, clock) == Wall(EVENING)  # type: ignore[arg-type]
    assert reader.pair("31.12.2023", "24:00") == Wall(EVENING + 900)
    assert ClockReader(base_1904=True).moment(43829.98958333) == Wall(EVENING)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "the time is missing"),
        (None, "the time is missing"),
        ("31.12.2023", "has no time of day"),
        (date(2023, 12, 31), "has no time of day"),
        ("Summe", "is no date and time"),
        ("30.02.2023 00:00", "there is no day"),
        ("31.12.2023 25:00", "there is no time of day"),
        ("31.12.2023 23:60", "there is no time of day"),
        ("31.12.2023 24:15", "there is no time of day"),
        ("31.12.2023 23:45:00.5", "is not a whole second"),
        ("31.12.2023 23:45+25:00", "no clock has the offset"),
        ("٣١.12.2023 23:45", "is no date"),
        (datetime.fromisoformat("2023-01-01T00:00:00.5"), "beside a whole second"),
        (12.5, "is no date and time"),
        (True, "is no date and time"),
    ],
)
def test_what_is_no_moment(text: object, words: str) -> None:
    reader = ClockReader()
    for _ in range(2):
        with pytest.raises(ClockError, match=words):
            reader.moment(text)  # type: ignore[arg-type]


@given(st.text(max_size=25) | st.text("0123456789.:/-TZ+ ", max_size=25))
def test_any_text_is_a_moment_or_refused(text: str) -> None:
    reader = ClockReader()
    for read in (reader.moment, reader.day, reader.clock):
        try:
            read(text)
        except ClockError as error:
            assert 0 < len(str(error)) < 160  # noqa: PT017


@given(st.floats() | st.integers() | st.datetimes() | st.dates() | st.times() | st.timedeltas())
def test_any_cell_of_a_sheet_is_a_moment_or_refused(cell: object) -> None:
    reader = ClockReader()
    for read in (reader.moment, reader.day, reader.clock):
        try:
            read(cell)  # type: ignore[arg-type]
        except ClockError as error:
            assert str(error)  # noqa: PT017


def test_day_or_month_first() -> None:
    assert sniff_order(["01/02/2023 00:00", "13/02/2023 00:00"]) == "dmy"
    assert sniff_order(["01/02/2023 00:00", "02/13/2023 00:00"]) == "mdy"
    assert sniff_order(["01.02.2023", "2023-02-01", None, 1]) is None
    assert sniff_order(["02/02/2023"]) is None, "the same either way"
    with pytest.raises(DoorError, match="Day or month may come first in “01/02/2023”"):
        sniff_order(["01/02/2023", "03/02/2023"])
    with pytest.raises(DoorError, match="has the day first and"):
        sniff_order(["13/02/2023", "02/13/2023"])
    lines = ["Time,kWh", "06/01/2023 00:00,1", "06/01/2023 00:15,2"]
    with pytest.raises(DoorError, match="Say which of them does"):
        read_text(*lines)
    found = read_text(*lines, order="mdy")
    assert readings(found)[0] == (instant("2023-06-01T00:00+02:00"), 1)
