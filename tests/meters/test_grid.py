"""Grids and expected counts against brute force."""

import itertools
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meters.grid import OFFERED, Cadence, Grid, Resolution, ResolutionError, finest_for
from meters.zones import zone
from tests.meters.clocks import DAY, HOUR, MINUTE, ODD, odd_ranges, utc

UNDERSTOOD = [*OFFERED, "PT10M", "PT20M", "PT2H", "PT3H", "PT6H", "PT12H"]


def grid(name: str, start: int, end: int, text: str) -> Grid:
    return Grid(start, end, Resolution.parse(text), zone(name))


def days_grid(name: str, first: date, last: date, text: str) -> Grid:
    """The buckets of whole local days, `last` included."""
    place = zone(name)
    return grid(name, place.midnight(first), place.midnight(last + timedelta(days=1)), text)


@settings(max_examples=200, deadline=None)
@given(odd_ranges(most_days=40), st.sampled_from(UNDERSTOOD))
def test_edges_rise_and_cover_just_the_range(where: tuple[str, int, int], text: str) -> None:
    name, start, end = where
    cut = grid(name, start, end, text)
    assert (cut.edges[0], cut.edges[-1]) == (start, end)
    assert (np.diff(cut.edges) > 0).all()
    assert 1 <= len(cut) <= cut.most_buckets


@settings(max_examples=200, deadline=None)
@given(odd_ranges(most_days=40), st.sampled_from(UNDERSTOOD), st.integers(0, 40 * DAY))
def test_a_range_is_cut_where_a_longer_one_is(
    where: tuple[str, int, int], text: str, more: int
) -> None:
    name, start, end = where
    inner = grid(name, start, end, text).edges[1:-1]
    wide = grid(name, start - more, end + more, text).edges
    assert inner.tolist() == wide[(wide > start) & (wide < end)].tolist()


@settings(max_examples=150, deadline=None)
@given(odd_ranges(most_days=800), st.sampled_from(["P1D", "P1W", "P1M", "P1Y"]))
def test_calendar_buckets_begin_with_their_period(where: tuple[str, int, int], text: str) -> None:
    name, start, end = where
    place = zone(name)
    cut = grid(name, start, end, text)

    def period(instant: int) -> object:
        day = place.date_at(instant)
        return {
            "P1D": day,
            "P1W": day.isocalendar()[:2],
            "P1M": (day.year, day.month),
            "P1Y": day.year,
        }[text]

    edges = cut.edges.tolist()
    for before, edge, after in zip(edges[:-2], edges[1:-1], edges[2:], strict=True):
        day = place.date_at(edge)
        assert place.midnight(day) == edge
        assert period(before) == period(edge - 1) != period(edge) == period(after - 1)
    assert period(edges[0]) == period(edges[1] - 1)


def test_weeks_begin_on_iso_mondays_and_months_on_the_first() -> None:
    weeks = days_grid("Europe/Zurich", date(2020, 12, 1), date(2021, 1, 31), "P1W")
    begins = [zone("Europe/Zurich").date_at(int(edge)) for edge in weeks.edges[1:-1]]
    assert {day.isoweekday() for day in begins} == {1}
    assert begins[0] == date(2020, 12, 7)
    assert date(2021, 1, 4) in begins

    months = days_grid("Europe/Zurich", date(2020, 2, 15), date(2020, 5, 2), "P1M")
    assert [zone("Europe/Zurich").date_at(int(edge)) for edge in months.edges[:-1]] == [
        date(2020, 2, 15),
        date(2020, 3, 1),
        date(2020, 4, 1),
        date(2020, 5, 1),
    ]


@pytest.mark.parametrize(
    ("day", "quarters", "hours"),
    [
        (date(2023, 3, 26), 92, 23),
        (date(2023, 3, 27), 96, 24),
        (date(2023, 10, 29), 100, 25),
    ],
)
def test_a_day_of_zurich(day: date, quarters: int, hours: int) -> None:
    for text, n in (("PT15M", quarters), ("PT1H", hours), ("P1D", 1), ("PT5M", quarters * 3)):
        cut = days_grid("Europe/Zurich", day, day, text)
        assert len(cut) == n
        expected = Cadence.steady(900).count(cut.edges, 0, 2**40, 2**40)
        assert expected.sum() == quarters


def test_the_two_autumn_hours_stay_two() -> None:
    cut = days_grid("Europe/Zurich", date(2023, 10, 29), date(2023, 10, 29), "PT1H")
    assert np.diff(cut.edges).tolist() == [HOUR] * 25
    texts = [datetime.fromtimestamp(at, ZoneInfo("Europe/Zurich")) for at in cut.edges.tolist()]
    assert [text.strftime("%H%z") for text in texts[1:5]] == [
        "01+0200",
        "02+0200",
        "02+0100",
        "03+0100",
    ]


@pytest.mark.parametrize(
    ("name", "day", "text", "minutes"),
    [
        ("Australia/Lord_Howe", date(2023, 4, 2), "PT1H", [60, 90, *[60] * 22]),
        ("Australia/Lord_Howe", date(2023, 10, 1), "PT1H", [60, 60, 30, *[60] * 21]),
        ("Asia/Beirut", date(2022, 3, 27), "PT6H", [300, 360, 360, 360]),
        ("Pacific/Apia", date(2011, 12, 29), "P1D", [1440]),
        ("Asia/Kathmandu", date(2023, 7, 1), "PT12H", [720, 720]),
    ],
)
def test_odd_days(name: str, day: date, text: str, minutes: list[int]) -> None:
    cut = days_grid(name, day, day, text)
    assert (np.diff(cut.edges) // MINUTE).tolist() == minutes


@pytest.mark.parametrize("text", UNDERSTOOD)
def test_most_buckets_is_never_too_few(text: str) -> None:
    for name in sorted({name for name, _ in ODD}):
        cut = grid(name, utc(date(1991, 1, 1)) + 77, utc(date(2011, 12, 31)), text)
        assert len(cut) <= cut.most_buckets <= 1.02 * len(cut) + 16, name


def test_an_empty_range_has_no_buckets() -> None:
    for end in (5, 4):
        cut = grid("Europe/Zurich", 5, end, "PT1H")
        assert len(cut) == 0
        assert not cut.is_whole_days


@settings(max_examples=60, deadline=None)
@given(odd_ranges(), st.sampled_from(UNDERSTOOD), st.lists(st.integers(-5 * DAY, 9 * DAY)))
def test_locate(where: tuple[str, int, int], text: str, deltas: list[int]) -> None:
    name, start, end = where
    cut = grid(name, start, end, text)
    edges = cut.edges.tolist()
    for delta, found in zip(deltas, cut.locate(start + np.array(deltas, dtype=int)), strict=True):
        at = start + delta
        expected = sum(edge <= at for edge in edges) - 1
        assert found == expected
        assert (found < 0, found == len(cut)) == (at < start, at >= end)


def test_whole_days() -> None:
    place = zone("Asia/Beirut")
    begin, end = place.midnight(date(2022, 3, 26)), place.midnight(date(2022, 3, 28))
    assert grid("Asia/Beirut", begin, end, "P1D").is_whole_days
    assert grid("Asia/Beirut", begin, end, "P1M").is_whole_days
    assert not grid("Asia/Beirut", begin, end, "PT1H").is_whole_days
    assert not grid("Asia/Beirut", begin + 900, end, "P1D").is_whole_days
    assert not grid("Asia/Beirut", begin, end - 1, "P1D").is_whole_days


@pytest.mark.parametrize(
    ("text", "seconds", "canonical"),
    [
        ("PT5M", 300, "PT5M"),
        ("PT60M", 3600, "PT1H"),
        ("PT90M", 5400, "PT1H30M"),
        ("PT1H30M", 5400, "PT1H30M"),
        ("PT24H", DAY, "P1D"),
        ("PT1440M", DAY, "P1D"),
        ("P1M", 30 * DAY, "P1M"),
    ],
)
def test_resolutions(text: str, seconds: int, canonical: str) -> None:
    resolution = Resolution.parse(text)
    assert (str(resolution), resolution.seconds) == (canonical, seconds)
    assert Resolution.parse(canonical) == resolution
    assert resolution.is_calendar == (seconds >= DAY)


@pytest.mark.parametrize(
    "text",
    [
        *["", "PT", "P", "PT0M", "PT7M", "PT5H", "PT25H", "P2D", "PT15m", "PT15M\n", " PT15M"],
        *["PT-15M", "PT15S", "15M", "P1Q", "PT٥M", "PT0015M", "P1DT1H", "PT48H"],
        pytest.param("PT" + "9" * 9999 + "M", id="long"),
    ],
)
def test_what_does_not_divide_a_day_is_refused(text: str) -> None:
    with pytest.raises(ResolutionError, match="PT15M, PT30M, PT1H") as refusal:
        Resolution.parse(text)
    assert len(str(refusal.value)) < 200


def test_finest_for() -> None:
    assert str(finest_for(900, 30 * DAY, 10_000)) == "PT15M"
    assert str(finest_for(600, 30 * DAY, 10_000)) == "PT10M"
    assert str(finest_for(600, 30 * DAY, 4_000)) == "PT30M"
    assert str(finest_for(3600, 30 * DAY, 10_000)) == "PT1H"
    assert str(finest_for(900, 365 * DAY, 1_000)) == "P1D"
    assert str(finest_for(900, 100 * 365 * DAY, 1)) == "P1Y"


@st.composite
def cadences(draw: st.DrawFn) -> Cadence:
    k = draw(st.integers(1, 4))
    since = sorted(draw(st.lists(st.integers(0, 3 * DAY), min_size=k, max_size=k, unique=True)))
    interval = [draw(st.sampled_from([300, 600, 900, 1800, 3600])) for _ in range(k)]
    phase = [draw(st.integers(0, length - 1)) for length in interval]
    return Cadence(*(np.array(column, dtype=np.int64) for column in (since, interval, phase)))


def counted(cadence: Cadence, start: int, end: int, lower: int, upper: int, now: int) -> int:
    """Go through the instants of a bucket one second at a time... or nearly."""
    total = 0
    for i, (interval, phase) in enumerate(zip(cadence.interval, cadence.phase, strict=True)):
        begin = cadence.since[i] if i else -(10**9)
        until = cadence.since[i + 1] if i + 1 < len(cadence.since) else 10**9
        total += sum(
            begin <= at < until and lower <= at < upper and at + interval <= now
            for at in range(start, end)
            if at % interval == phase
        )
    return total


@settings(max_examples=40, deadline=None)
@given(
    cadences(),
    st.lists(st.integers(-DAY // 4, DAY), min_size=2, max_size=5, unique=True).map(sorted),
    st.sampled_from([-(10**9), 0, 5000]),
    st.sampled_from([10**9, DAY, 40_000, -5]),
    st.one_of(st.just(10**9), st.integers(-DAY, 2 * DAY)),
)
def test_expected_counts(
    cadence: Cadence, edges: list[int], lower: int, upper: int, now: int
) -> None:
    found = cadence.count(np.array(edges), lower, upper, now)
    assert found.tolist() == [
        counted(cadence, start, end, lower, upper, now) for start, end in itertools.pairwise(edges)
    ]


def test_an_interval_is_expected_once_it_has_ended() -> None:
    edges = np.array([0, HOUR])
    counts = [Cadence.steady(900).count(edges, 0, 2**40, now)[0] for now in (899, 900, 1799, 3600)]
    assert counts == [0, 1, 1, 4]


def test_the_cadence_of_stored_days_changes_where_they_do() -> None:
    starts = np.arange(4) * DAY
    interval = np.array([900, 900, 3600, 900])
    cadence = Cadence.of_days(np.arange(4), starts + 60, interval, zone("UTC"))
    assert cadence.since.tolist() == [0, 2 * DAY, 3 * DAY]
    assert cadence.interval.tolist() == [900, 3600, 900]
    assert cadence.phase.tolist() == [60, 60, 60]
    assert cadence.finest == 900
    assert cadence.count(np.append(starts, 4 * DAY), 0, 2**40, 2**40).tolist() == [96, 96, 24, 96]


def test_a_cadence_ends_with_its_local_day() -> None:
    """Quarter-hours until Kathmandu's midnight, then hours on UTC's hours: the first at 00:45."""
    place = zone("Asia/Kathmandu")
    midnight = place.midnight(date(2023, 2, 2))
    first = np.array([place.midnight(date(2023, 2, 1)), midnight + 45 * 60])
    days = np.array([(date(2023, 2, day) - date(1970, 1, 1)).days for day in (1, 2)])
    cadence = Cadence.of_days(days, first, np.array([900, 3600]), place)
    assert cadence.since.tolist()[1:] == [midnight]
    edges = np.array([first[0], midnight, place.midnight(date(2023, 2, 3))])
    # The clock shows 00:45 for the first time at an hour of UTC, and again each hour until 23:45.
    assert cadence.count(edges, 0, 2**40, 2**40).tolist() == [96, 24]
