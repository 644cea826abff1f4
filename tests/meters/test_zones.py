"""Zones against the standard library, asked minute by minute."""

import re
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meters.zones import ZoneError, database_version, epoch_day, known_zones, zone
from tests.meters.clocks import DAY, HOUR, MINUTE, ODD, ZONES, odd_ranges, shown, utc

STEPS = [300, 900, 1800, 3600, 7200, 6 * 3600, DAY]


@pytest.mark.parametrize(("name", "day"), ODD)
def test_offsets_and_segments(name: str, day: date) -> None:
    begin, end = utc(day) - 2 * DAY, utc(day) + 2 * DAY
    instants = np.arange(begin, end, MINUTE)
    expected = shown(name, begin, end) - instants
    assert zone(name).offsets(instants).tolist() == expected.tolist()
    assert [zone(name).offset_at(int(at)) for at in instants[::77]] == expected[::77].tolist()

    segments = zone(name).segments(begin + MINUTE, end)
    cuts = np.flatnonzero(np.diff(expected[1:])) + 2
    assert [s.start for s in segments] == [begin + MINUTE, *instants[cuts].tolist()]
    assert [s.end for s in segments] == [*instants[cuts].tolist(), end]
    assert [s.offset for s in segments] == expected[[1, *cuts]].tolist()


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(ZONES),
    st.datetimes(datetime(1990, 1, 2), datetime(2100, 12, 30)),  # noqa: DTZ001
)
def test_offsets_of_a_century(name: str, moment: datetime) -> None:
    local = moment.replace(tzinfo=ZoneInfo(name), microsecond=0)
    instant = int(local.timestamp())
    offset = datetime.fromtimestamp(instant, ZoneInfo(name)).utcoffset()
    assert timedelta(seconds=int(zone(name).offsets(np.array([instant]))[0])) == offset
    assert zone(name).at(instant).utcoffset() == offset


def test_no_segment_of_an_empty_range() -> None:
    assert zone("UTC").segments(5, 5) == []


def begins_of(walls: np.ndarray, step: int) -> np.ndarray:
    """Where a clock period begins, minute by minute: shown for the first time, or wholly again.

    A period that the clock comes back to is new only where it goes back by a period or more.
    """
    begins = np.zeros(len(walls), dtype=bool)
    latest = -(2**62)
    for i, wall in enumerate(walls.tolist()):
        if i and wall - walls[i - 1] - MINUTE <= -step:
            latest = -(2**62)
        if wall // step > latest:
            begins[i] = True
            latest = wall // step
    return begins


@settings(max_examples=100, deadline=None)
@given(odd_ranges(), st.sampled_from(STEPS))
def test_marks(where: tuple[str, int, int], step: int) -> None:
    name, start, end = where
    instants, labels = zone(name).marks(start, end, step)
    early = start - 3 * DAY
    minutes = np.arange(early, end, MINUTE)
    walls = shown(name, early, end)
    expected = begins_of(walls, step) & (minutes >= start)
    assert instants.tolist() == minutes[expected].tolist()
    assert labels.tolist() == (walls[expected] // step * step).tolist()


@settings(max_examples=100, deadline=None)
@given(odd_ranges())
def test_days_follow_each_other_as_the_calendar_first_shows_them(
    where: tuple[str, int, int],
) -> None:
    name, start, end = where
    starts, days = zone(name).day_starts(start, end)
    assert len(starts) == len(days) + 1
    assert (np.diff(starts) > 0).all()
    assert (np.diff(days).astype(int) >= 1).all()
    assert starts[0] <= start < starts[1]
    assert starts[-2] < end <= starts[-1]

    early = start - 3 * DAY
    latest = np.maximum.accumulate(shown(name, early, end) // DAY)[(start - early) // MINUTE :]
    at = np.searchsorted(starts, np.arange(start, end, MINUTE), side="right") - 1
    assert days.astype(np.int64)[at].tolist() == latest.tolist()


@settings(max_examples=60, deadline=None)
@given(odd_ranges())
def test_one_date_and_its_midnight_agree_with_the_days(where: tuple[str, int, int]) -> None:
    name, start, end = where
    place = zone(name)
    starts, days = place.day_starts(start, end)
    for begin, until, day in zip(starts[:-1].tolist(), starts[1:].tolist(), days, strict=True):
        assert place.midnight(day.item()) == begin
        assert place.date_at(begin) == day.item()
        assert place.date_at(until - 1) == day.item()


@pytest.mark.parametrize(
    ("name", "day", "hours"),
    [
        ("Europe/Zurich", date(2023, 3, 26), 23),
        ("Europe/Zurich", date(2023, 10, 29), 25),
        ("Australia/Lord_Howe", date(2023, 4, 2), 24.5),
        ("Australia/Lord_Howe", date(2023, 10, 1), 23.5),
        ("Asia/Beirut", date(2022, 3, 27), 23),
        ("Asia/Beirut", date(2022, 10, 29), 25),
        ("America/St_Johns", date(2010, 11, 7), 25),
        ("America/St_Johns", date(2010, 11, 6), 24),
        ("America/Havana", date(2023, 11, 5), 25),
        ("Antarctica/Casey", date(2010, 3, 5), 27),
        ("UTC", date(2023, 3, 26), 24),
    ],
)
def test_length_of_a_day(name: str, day: date, hours: float) -> None:
    begin = zone(name).midnight(day)
    starts, days = zone(name).day_starts(begin, begin + 1)
    assert days.tolist() == [day]
    assert (starts[1] - starts[0]) / HOUR == hours


@pytest.mark.parametrize(
    ("name", "missing"),
    [("Pacific/Apia", date(2011, 12, 30)), ("Pacific/Kiritimati", date(1994, 12, 31))],
)
def test_a_date_that_never_was(name: str, missing: date) -> None:
    before, after = missing - timedelta(days=1), missing + timedelta(days=1)
    begin = zone(name).midnight(before)
    _, days = zone(name).day_starts(begin, begin + 2 * DAY)
    assert days.tolist() == [before, after]
    assert zone(name).midnight(missing) == zone(name).midnight(after) == begin + DAY


@pytest.mark.soak
def test_every_zone_at_each_change_of_its_clock() -> None:
    """Midnights and days agree wherever a clock has changed or will."""
    for name in sorted(known_zones()):
        place = zone(name)
        for change in [
            s.start for s in place.segments(utc(date(1990, 1, 3)), utc(date(2060, 1, 1)))
        ]:
            starts, days = place.day_starts(change - 2 * DAY, change + 2 * DAY)
            assert (np.diff(days).astype(int) >= 1).all()
            for begin, day in zip(starts, days, strict=False):
                assert place.midnight(day.item()) == begin, name


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        ("Europe/Zürich", "Europe/Zurich"),
        ("Europe/Zurch", "Europe/Zurich"),
        ("europe/zurich", "Europe/Zurich"),
        ("Europe/Kiew", "Europe/Kiev"),
        ("Asia/Katmandoo", "Asia/Katmandu"),
    ],
)
def test_an_unknown_name_is_told_the_closest(wrong: str, meant: str) -> None:
    with pytest.raises(ZoneError, match=f"did you mean {re.escape(meant)}"):
        zone(wrong)


@pytest.mark.parametrize(
    "trick",
    [
        "",
        ".",
        "/etc/localtime",
        "../../etc/passwd",
        "Europe/../Europe/Zurich",
        "Europe//Zurich",
        "Europe/Zurich\0",
        "Europe",
        " Europe/Zurich",
        "Europe/Zurich\n",
        "\ud800",
        pytest.param("x" * 100_000, id="long"),
    ],
)
def test_tricks_with_names_are_refused(trick: str) -> None:
    with pytest.raises(ZoneError) as refusal:
        zone(trick)
    assert len(str(refusal.value)) < 200


def test_a_zone_is_made_once_and_says_its_name() -> None:
    assert zone("Europe/Zurich") is zone("Europe/Zurich")
    assert str(zone("Europe/Zurich")) == "Europe/Zurich"
    assert re.fullmatch(r"20\d\d\.\d+(\.post\d+)?", database_version())


def test_epoch_day() -> None:
    assert epoch_day(date(1970, 1, 1)) == 0
    assert epoch_day(date(2023, 2, 1)) == int(np.datetime64("2023-02-01", "D").astype(int))
