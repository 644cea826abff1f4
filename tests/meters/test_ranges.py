"""Moments as people and programs write them, and instants written as local time."""

import contextlib
from datetime import UTC, date, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meters.localtime import iso, offset_text, wall
from meters.ranges import MomentError, parse_moment
from meters.zones import zone
from tests.meters.clocks import ZONES, odd_ranges

ZURICH = zone("Europe/Zurich")


def utc(*parts: int) -> int:
    return int(datetime(*parts, tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2023-02-01", utc(2023, 1, 31, 23)),
        ("2023-07-01", utc(2023, 6, 30, 22)),
        (" 2023-02-01 ", utc(2023, 1, 31, 23)),
        ("2023-02-01T00:00:00+01:00", utc(2023, 1, 31, 23)),
        ("2023-02-01T00:00:00 01:00", utc(2023, 1, 31, 23)),
        ("2023-02-01T00:00 01:00", utc(2023, 1, 31, 23)),
        ("2023-02-01T00:00:00.000 01:00", utc(2023, 1, 31, 23)),
        ("2023-02-01T00:00:00Z", utc(2023, 2, 1)),
        ("2023-02-01t00:00:00z", utc(2023, 2, 1)),
        ("2023-02-01 00:00:00Z", utc(2023, 2, 1)),
        ("2023-02-01T00:00:00.000Z", utc(2023, 2, 1)),
        ("2023-02-01T00:00:00.000000000Z", utc(2023, 2, 1)),
        ("2023-02-01T00:00-00:00", utc(2023, 2, 1)),
        ("20230201T000000Z", utc(2023, 2, 1)),
        ("2023-W05-3T00:00:00Z", utc(2023, 2, 1)),
        ("2023-02-01T00:00:00-23:59", utc(2023, 2, 1, 23, 59)),
        ("2024-02-29", utc(2024, 2, 28, 23)),
        ("1991-01-01", utc(1990, 12, 31, 23)),
        ("2099-12-31T23:59:59Z", utc(2099, 12, 31, 23, 59, 59)),
    ],
)
def test_moments(text: str, instant: int) -> None:
    assert parse_moment(text, ZURICH) == instant


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no date or time"),
        ("yesterday", "no date or time"),
        ("2023-02-30", "no date or time"),
        ("2023-02-29", "no date or time"),
        ("2023-13-01T00:00:00Z", "no date or time"),
        ("2016-12-31T23:59:60Z", "no date or time"),
        ("2023-02-01T24:00:00Z", "no date or time"),
        ("0000-01-01", "no date or time"),
        ("1675209600", "no date or time"),
        ("2023-02-01\ud80000:00:00Z", "no date or time"),
        ("2023-02-01\x0000:00:00Z", "no date or time"),
        ("2023-02-01x00:00:00Z", "no date or time"),
        ("٢٠٢٣-02-01", "no date or time"),
        ("2023-02-01T00:00:00+25:00", "no date or time"),
        pytest.param("1" * 100_000, "no date or time", id="digits"),
        ("2023-02-01T00:00:00", "no offset"),
        ("2023-W05-3", "no offset"),
        ("20230201", "no offset"),
        ("2023-02-01T00:00:00.5Z", "not a whole second"),
        ("2023-02-01T00:00:00,5Z", "not a whole second"),
        ("2023-02-01T00:00:00.0000001Z", "not a whole second"),
        ("2023-02-01T00:00:00+01:00:00.5", "no date or time"),
        ("20230201T0000009Z", "no date or time"),
        ("2023-02-01T00:00:00 Z", "no date or time"),
        ("1990-12-31", "outside 1991 to 2099"),
        ("2100-01-01", "outside 1991 to 2099"),
        ("0001-01-01T00:00:00+14:00", "outside 1991 to 2099"),
        ("9999-12-31T23:59:59-14:00", "outside 1991 to 2099"),
    ],
)
def test_what_names_no_moment_is_told_why(text: str, words: str) -> None:
    with pytest.raises(MomentError, match=words) as refusal:
        parse_moment(text, ZURICH)
    assert len(str(refusal.value)) < 250


@pytest.mark.parametrize(
    ("name", "day", "instant"),
    [
        ("Asia/Beirut", "2022-03-27", utc(2022, 3, 26, 22)),  # begins at 01:00
        ("Pacific/Apia", "2011-12-30", utc(2011, 12, 30, 10)),  # never was
        ("Pacific/Apia", "2011-12-31", utc(2011, 12, 30, 10)),
        ("America/Havana", "2023-11-05", utc(2023, 11, 5, 4)),  # begins once, has midnight twice
        ("Asia/Kathmandu", "2023-02-01", utc(2023, 1, 31, 18, 15)),
    ],
)
def test_a_date_begins_where_its_zone_says(name: str, day: str, instant: int) -> None:
    assert parse_moment(day, zone(name)) == instant


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=40))
def test_any_text_is_a_moment_or_refused_in_words(text: str) -> None:
    with contextlib.suppress(MomentError):
        assert isinstance(parse_moment(text, ZURICH), int)


@settings(max_examples=200, deadline=None)
@given(
    st.datetimes(datetime(1991, 1, 2), datetime(2099, 12, 30)),  # noqa: DTZ001
    st.sampled_from(ZONES),
)
def test_what_is_written_is_read(moment: datetime, name: str) -> None:
    instant = int(moment.replace(tzinfo=UTC).timestamp())
    [text] = iso(np.array([instant]), zone(name))
    assert parse_moment(text, ZURICH) == instant


@settings(max_examples=60, deadline=None)
@given(odd_ranges())
def test_iso_is_what_the_standard_library_writes(where: tuple[str, int, int]) -> None:
    name, start, end = where
    instants = np.arange(start, end, 1777)
    local = [datetime.fromtimestamp(at, zone(name).info) for at in instants.tolist()]
    assert iso(instants, zone(name)) == [moment.isoformat() for moment in local]
    assert wall(instants, zone(name)).tolist() == [m.replace(tzinfo=None) for m in local]


def test_iso_of_nothing() -> None:
    assert iso(np.zeros(0, dtype=np.int64), ZURICH) == []


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "+00:00"), (20_700, "+05:45"), (-12_600, "-03:30"), (-1800, "-00:30"), (50_400, "+14:00")],
)
def test_offset_text(seconds: int, text: str) -> None:
    assert offset_text(seconds) == text


def test_dates_are_taken_in_the_zone_asked_for() -> None:
    for name in ZONES:
        day = date(2023, 7, 1)
        assert parse_moment(day.isoformat(), zone(name)) == zone(name).midnight(day)
