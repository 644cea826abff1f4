"""Registers on a grid, from the database: the two paths agree, and each kind of register."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

from meters import readings as module
from meters.grid import Resolution
from meters.models import DailyProfile, Register
from meters.qualities import NAMES
from meters.readings import Query, RegisterReadings, readings
from meters.series import Buckets
from meters.zones import zone
from tests.conftest import Customer
from tests.meters.clocks import ODD, utc
from tests.meters.stored import (
    EXPORT,
    IMPORT,
    Readings,
    at,
    make_meter,
    make_register,
    statements,
    write,
)

DAY = 86_400
CALENDAR = ["P1D", "P1W", "P1M", "P1Y"]
# The days that the other tests of clocks look at, but those before readings are served.
PLACES = [(name, day) for name, day in ODD if day.year >= 2010]
FAR = at("2090-01-01")


@dataclass
class Stored:
    """A register as it was stored, and its readings."""

    register: Register
    readings: Readings


def query(start: int, end: int, resolution: str, name: str, now: int = FAR) -> Query:
    return Query(start, end, Resolution.parse(resolution), zone(name), now)


def by_values(registers: list[Register], asked: Query) -> list[RegisterReadings]:
    found = module._from_values(registers, asked, asked.grid)
    return [found[register.pk] for register in registers]


def assert_same(one: Buckets, other: Buckets) -> None:
    assert one.edges.tolist() == other.edges.tolist()
    assert one.count.tolist() == other.count.tolist()
    assert one.expected.tolist() == other.expected.tolist()
    assert one.values == pytest.approx(other.values, rel=1e-9, abs=1e-12, nan_ok=True)
    assert {name: counts.tolist() for name, counts in one.qualities.items()} == {
        name: counts.tolist() for name, counts in other.qualities.items()
    }
    assert one.straddling == other.straddling
    assert np.array_equal(one.covered, other.covered)
    assert one.statistic == other.statistic


def assert_conserved(found: Buckets, stored: Readings, asked: Query) -> None:
    """Compare with what plain sums over the raw intervals give, bucket by bucket."""
    inside = (stored.instants >= asked.start) & (stored.instants < asked.end)
    assert int(found.count.sum()) == int(inside.sum())
    if inside.any():
        assert found.total == pytest.approx(stored.values[inside].sum(), rel=1e-9, abs=1e-12)
    else:
        assert found.total is None
    beyond = 0
    for i, (begin, end) in enumerate(zip(found.edges[:-1], found.edges[1:], strict=True)):
        here = stored.only((stored.instants >= begin) & (stored.instants < end))
        assert found.count[i] == len(here.instants)
        assert np.isnan(found.values[i]) == (not len(here.instants))
        for quality, name in enumerate(NAMES):
            number = int((here.qualities == quality).sum())
            assert found.qualities.get(name, np.zeros(len(found)))[i] == number
        beyond += int((here.instants + here.intervals > end).sum())
    assert found.straddling == beyond


@st.composite
def day_by_day(draw: st.DrawFn, name: str, first: date, days: int) -> Readings:
    """Readings of some days, each day with an interval and a phase of its own."""
    starts, _ = zone(name).day_starts(utc(first), utc(first) + days * DAY)
    usual = draw(st.sampled_from([300, 600, 900, 1800, 3600]))
    changes = draw(st.booleans())
    aligned = draw(st.sampled_from([True, True, True, False]))
    kinds = draw(st.lists(st.integers(1, 7), min_size=1, max_size=3))
    kept = draw(st.sampled_from([1.0, 0.9, 0.3]))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    parts = []
    for begin, end in pairwise(starts):
        interval = draw(st.sampled_from([300, 900, 3600])) if changes else usual
        phase = 0 if aligned else 60 * draw(st.integers(0, interval // 60 - 1))
        instants = np.arange(begin + phase, end, interval, dtype=np.int64)
        instants = instants[random.random(len(instants)) < kept]
        if random.random() < 0.1 or not len(instants):
            continue
        n = len(instants)
        qualities = random.choice(kinds, n) if random.random() < 0.5 else np.full(n, kinds[0])
        values = np.round(random.gamma(0.5, 0.3, n), 4)
        parts.append(Readings(instants, np.full(n, interval), values, qualities))
    assume(parts)
    return Readings(
        *(
            np.concatenate([getattr(part, field) for part in parts])
            for field in ("instants", "intervals", "values", "qualities")
        )
    )


@st.composite
def cases(draw: st.DrawFn) -> tuple[str, date, int, list[Readings], dict[str, object], Query]:
    name, odd = draw(st.sampled_from(PLACES))
    days = draw(st.integers(1, 12))
    first = odd - timedelta(days=draw(st.integers(0, days)))
    registers = [draw(day_by_day(name, first, days)) for _ in range(draw(st.integers(1, 3)))]
    begin, end = utc(first) - 2 * DAY, utc(first) + (days + 3) * DAY
    moments = st.integers(begin, end)
    validity: dict[str, object] = {}
    if draw(st.booleans()):
        since = draw(moments)
        validity["commissioned_at"] = datetime.fromtimestamp(since, UTC)
        validity["removed_at"] = datetime.fromtimestamp(draw(st.integers(since + 1, end + 1)), UTC)
    other = draw(st.sampled_from([name, name, name, "UTC", "Asia/Kathmandu"]))
    start = draw(moments)
    stop = draw(st.integers(start + 1, end + DAY))
    if draw(st.sampled_from([True, True, False])):
        place = zone(other)
        start = int(place.day_starts(start, start + 1)[0][0])
        stop = int(place.day_starts(start, stop)[0][-1])
    resolution = draw(st.sampled_from([*CALENDAR, "P1D", "PT1H"]))
    now = draw(st.one_of(st.just(FAR), moments))
    return name, first, days, registers, validity, query(start, stop, resolution, other, now)


@settings(
    max_examples=120,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(case=cases())
def test_day_totals_and_values_give_the_same(in_acme: Customer, case: tuple) -> None:
    name, _, _, many, validity, asked = case
    meter = make_meter(timezone=name, **validity)
    codes = (IMPORT, EXPORT, "1-0:3.29.0*255")
    stored = []
    for obis, one in zip(codes, many, strict=False):
        register = make_register(meter, obis, interval=int(one.intervals[-1]))
        write(register, one)
        stored.append(Stored(register, one))
    registers = [one.register for one in stored]
    found = readings(registers, asked)
    quick = (
        module._from_totals(registers, asked, asked.grid)
        if asked.grid.is_whole_days and asked.zone.name == name
        else {}
    )
    event(f"{len(quick)} of {len(registers)} by day totals")
    for one, register, values in zip(found, stored, by_values(registers, asked), strict=True):
        assert one.register is register.register
        assert_same(one.buckets, values.buckets)
        assert_conserved(one.buckets, register.readings, asked)


def usual_days(name: str, first: str, days: int, **more: object) -> Stored:
    begin = at(first, name)
    end = zone(name).midnight(date.fromisoformat(first) + timedelta(days=days))
    register = make_register(make_meter(timezone=name, **more))
    stored = Readings.steady(begin, end)
    write(register, stored)
    return Stored(register, stored)


def sql_of(registers: list[Register], asked: Query) -> tuple[list[RegisterReadings], list[str]]:
    with statements() as sent:
        found = readings(registers, asked)
    return found, sent


@pytest.mark.parametrize("resolution", CALENDAR)
def test_whole_days_are_read_from_their_totals(in_acme: Customer, resolution: str) -> None:
    """The quick path is really taken where it may be."""
    stored = usual_days("Europe/Zurich", "2024-03-01", 60)
    start, end = at("2024-03-01", "Europe/Zurich"), at("2024-04-30", "Europe/Zurich")
    DailyProfile.objects.update(values=[None], qualities=[0])
    [one], sql = sql_of([stored.register], query(start, end, resolution, "Europe/Zurich"))
    assert len(sql) == 1
    assert "coalesce(total" in sql[0]
    assert one.buckets.total == pytest.approx(stored.readings.values.sum())
    assert one.buckets.count.sum() == one.buckets.expected.sum() == 60 * 96 - 4


def test_a_day_without_its_total_is_read_from_its_values(in_acme: Customer) -> None:
    """Its register's code was corrected after the row was written."""
    stored = usual_days("Europe/Zurich", "2024-02-01", 3)
    DailyProfile.objects.filter(day="2024-02-02").update(total=None)
    asked = query(
        at("2024-02-01", "Europe/Zurich"), at("2024-02-04", "Europe/Zurich"), "P1D", "Europe/Zurich"
    )
    [one] = readings([stored.register], asked)
    assert one.buckets.values.tolist() == [
        stored.readings.values[i : i + 96].sum() for i in (0, 96, 192)
    ]


def test_a_day_that_holds_more_than_it_should_today(in_acme: Customer) -> None:
    """Cut by a zone database that knew another change of the clock, it waits for being re-cut."""
    stored = usual_days("UTC", "2024-02-01", 2)
    one = DailyProfile.objects.order_by("day").first()
    assert one is not None
    DailyProfile.objects.filter(day=one.day).update(
        values=[1.0] * 100, qualities=[1] * 100, count=100, total=100.0
    )
    asked = query(at("2024-02-01"), at("2024-02-02"), "P1D", "UTC")
    [found] = readings([stored.register], asked)
    assert found.buckets.count.tolist() == found.buckets.expected.tolist() == [96]


def test_a_day_that_begins_elsewhere_than_it_should_today(in_acme: Customer) -> None:
    """Its last slots are those of the day after, whatever date it is kept under."""
    stored = usual_days("UTC", "2024-02-01", 1)
    DailyProfile.objects.update(
        first="2024-02-01T01:00:00Z",
        values=[None] * 95 + [7.0],
        qualities=[0] * 95 + [1],
        count=1,
        total=7.0,
    )
    for start, there in (("2024-02-01", [0]), ("2024-02-02", [1])):
        asked = query(at(start), at(start) + DAY, "P1D", "UTC")
        [found] = readings([stored.register], asked)
        assert found.buckets.count.tolist() == there


def test_an_hour_that_straddles_midnight_is_told(in_acme: Customer) -> None:
    """On Lord Howe a day of 23½ hours does not end with one of its hours."""
    name = "Australia/Lord_Howe"
    start, end = at("2023-10-01", name), at("2023-10-02", name)
    register = make_register(make_meter(timezone=name), interval=3600)
    # One is missing, for a full day would betray itself by holding more than its length.
    stored = Readings.steady(start, end, 3600)
    write(register, stored.only(stored.instants != start + 7200))
    [found] = readings([register], query(start, end, "P1D", name))
    assert found.buckets.count.tolist() == [23]
    assert found.buckets.straddling == 1


ZURICH_DAYS = [("2024-03-31", 92, 23), ("2024-10-27", 100, 25), ("2024-07-01", 96, 24)]


@pytest.mark.parametrize(("day", "quarters", "hours"), ZURICH_DAYS)
def test_days_on_which_clocks_change(
    in_acme: Customer, day: str, quarters: int, hours: int
) -> None:
    name = "Europe/Zurich"
    stored = usual_days(name, day, 1)
    assert len(stored.readings.instants) == quarters
    start, end = at(day, name), int(stored.readings.instants[-1]) + 900

    def ask(resolution: str, until: int = end) -> Buckets:
        [one] = readings([stored.register], query(start, until, resolution, name))
        return one.buckets

    fine, by_hour, by_day = ask("PT15M"), ask("PT1H"), ask("P1D")
    assert len(fine) == quarters
    assert len(by_hour) == hours
    assert by_hour.count.tolist() == by_hour.expected.tolist() == [4] * hours
    assert by_day.count.tolist() == by_day.expected.tolist() == [quarters]
    total = stored.readings.values.sum()
    assert fine.values.sum() == by_hour.values.sum() == by_day.values[0] == total
    assert ask("PT15M", end - 1).count.sum() == quarters
    assert ask("PT15M", end - 900).count.sum() == quarters - 1
    assert ask("PT15M", end - 901).count.sum() == quarters - 1


@pytest.mark.parametrize(
    ("day", "slots", "hours"), [("2023-10-01", 94, 24), ("2023-04-02", 98, 24)]
)
def test_lord_howe_moves_by_half_an_hour(
    in_acme: Customer, day: str, slots: int, hours: int
) -> None:
    name = "Australia/Lord_Howe"
    stored = usual_days(name, day, 1)
    asked = query(at(day, name), int(stored.readings.instants[-1]) + 900, "P1D", name)
    [by_day] = readings([stored.register], asked)
    assert by_day.buckets.count.tolist() == by_day.buckets.expected.tolist() == [slots]
    [by_hour] = readings([stored.register], replace(asked, resolution=Resolution.parse("PT1H")))
    assert len(by_hour.buckets) == hours
    assert sorted(set(by_hour.buckets.count.tolist())) == sorted({4, 4 + (slots - 96)})
    assert by_hour.buckets.total == by_day.buckets.total
