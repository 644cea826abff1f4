"""Any series written as local CSV comes back exactly, or what can't is refused; never wrong."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.doors.columns import Wishes
from tests.ingestion.doors.writing import (
    ZURICH,
    Form,
    Series,
    instant,
    read,
    readings,
    steady,
    write,
)

# Changes of the clock: forward and back, by an hour and by half, and none at all.
CHANGES = [
    ("Europe/Zurich", "2023-03-26T01:00:00+00:00"),
    ("Europe/Zurich", "2023-10-29T01:00:00+00:00"),
    ("America/New_York", "2023-11-05T06:00:00+00:00"),
    ("Australia/Lord_Howe", "2024-04-06T15:00:00+00:00"),
    ("Australia/Lord_Howe", "2023-09-30T15:30:00+00:00"),
    ("Atlantic/Azores", "2023-10-29T01:00:00+00:00"),
    ("Asia/Kathmandu", "2023-06-01T00:00:00+00:00"),
    ("UTC", "2023-10-29T01:00:00+00:00"),
]

forms = st.builds(
    Form,
    separator=st.sampled_from([";", "\t"]),
    decimal=st.sampled_from([",", "."]),
    day=st.sampled_from(["%d.%m.%Y", "%Y-%m-%d", "%d.%m.%y", "%Y/%m/%d", "%Y%m%d"]),
    clock=st.sampled_from(["%H:%M", "%H:%M:%S"]),
    split=st.booleans(),
    header=st.booleans(),
    end=st.booleans(),
    old_clock=st.booleans(),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"]),
    newline=st.sampled_from(["\r\n", "\n"]),
)
values = st.integers(-99_999_999, 99_999_999).map(lambda n: n / 10_000)


@st.composite
def files(draw: st.DrawFn, *, gaps: bool) -> tuple[Series, Form, int]:
    name, change = draw(st.sampled_from(CHANGES))
    interval = draw(st.sampled_from([300, 900, 1800, 3600]))
    # What is whole shows everything that the clock shows twice.
    if not gaps and name == "Australia/Lord_Howe":
        interval = min(interval, 1800)
    least = 1 if gaps else 2 * 3600 // interval
    before, after = (draw(st.integers(least, least + 30)) for _ in range(2))
    middle = instant(change) // interval * interval
    grid = range(middle - before * interval, middle + after * interval, interval)
    kept = draw(st.lists(st.sampled_from(grid), min_size=2, unique=True)) if gaps else list(grid)
    series = [(at, draw(values)) for at in sorted(kept)]
    if draw(st.booleans()):
        series.reverse()
    # One figure that can be read in one way alone.
    series[0] = series[0][0], 0.5
    return series, replace(draw(forms), zone=name), interval


@settings(max_examples=100, deadline=None)
@given(files(gaps=False))
def test_a_whole_series_comes_back_as_it_is(file: tuple[Series, Form, int]) -> None:
    series, form, interval = file
    found = read(write(series, form, interval), wishes(form, interval))
    assert not found.parsed.rejections
    assert readings(found) == series


@settings(max_examples=200, deadline=None)
@given(files(gaps=True))
def test_a_series_with_gaps_comes_back_or_is_refused(file: tuple[Series, Form, int]) -> None:
    series, form, interval = file
    found = read(write(series, form, interval), wishes(form, interval))
    assert set(readings(found)) <= set(series), "nothing lands where it does not belong"
    assert len(readings(found)) + len(found.parsed.rejections) == len(series)


def wishes(form: Form, interval: int) -> Wishes:
    return replace(ZURICH, zone=form.zone, mark="end" if form.end else "start", interval=interval)


@pytest.mark.parametrize(("year", "end"), [(2023, False), (2024, True)])
def test_a_year_of_quarter_hours(year: int, end: bool) -> None:
    begin = datetime(year - 1, 12, 31, 23, tzinfo=UTC).isoformat()
    series = steady(begin, datetime(year, 12, 31, 23, tzinfo=UTC).isoformat())
    for old_clock in (False, True):
        form = Form(end=end, old_clock=old_clock)
        # How long the intervals are is found out.
        found = read(write(series, form), replace(ZURICH, mark="end" if end else None))
        assert readings(found) == series
        assert not found.parsed.rejections
