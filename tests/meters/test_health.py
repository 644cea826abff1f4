"""How meters are doing: their state, and completeness to the last interval across clock changes."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from meters.health import MeterHealth, State, health
from meters.models import Meter
from meters.zones import zone
from tests.conftest import Customer
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

NOW = at("2024-06-15T12:00:00")
HOUR, DAY = 3600, 86_400


def of(meter: Meter, now: int = NOW) -> MeterHealth:
    found = Meter.objects.all().with_registers().get(pk=meter.pk)
    return health([found], now)[meter.pk]


def read_until(end: int, days: int = 40, **more: object) -> Meter:
    meter = make_meter(timezone="UTC", **more)
    write(make_register(meter), Readings.steady(end - days * DAY, end))
    return meter


@pytest.mark.parametrize(
    ("behind", "state"),
    [
        (0, State.FRESH),
        (DAY, State.FRESH),
        (DAY + 900, State.LATE),
        (3 * DAY, State.LATE),
        (3 * DAY + 900, State.SILENT),
        (35 * DAY, State.SILENT),
    ],
)
def test_states(in_acme: Customer, behind: int, state: State) -> None:
    found = of(read_until(NOW - behind))
    assert found.state == state
    assert found.last_end == NOW - behind


def test_without_readings(in_acme: Customer) -> None:
    bare = make_meter()
    assert of(bare) == MeterHealth(State.EMPTY, None, 0, 0)
    assert of(bare).completeness is None
    make_register(bare)
    found = of(bare)
    assert (found.state, found.last_end, found.completeness) == (State.EMPTY, None, 0.0)
    assert health([], NOW) == {}


def test_removed_and_not_yet_there(in_acme: Customer) -> None:
    removed = datetime.fromtimestamp(NOW - 10 * DAY, UTC)
    gone = of(read_until(NOW - 10 * DAY, removed_at=removed))
    assert gone.state == State.REMOVED
    # What was expected until then is there.
    assert gone.completeness == 1.0
    long_ago = of(
        read_until(NOW - 60 * DAY, removed_at=datetime.fromtimestamp(NOW - 60 * DAY, UTC))
    )
    assert (long_ago.state, long_ago.completeness) == (State.REMOVED, None)
    coming = make_meter(commissioned_at=datetime.fromtimestamp(NOW + DAY, UTC))
    make_register(coming)
    assert (of(coming).state, of(coming).completeness) == (State.EMPTY, None)


def test_a_new_meter_is_measured_from_its_first_day(in_acme: Customer) -> None:
    since = NOW - 3 * DAY - 450
    meter = make_meter(commissioned_at=datetime.fromtimestamp(since, UTC))
    write(make_register(meter), Readings.steady(NOW - 3 * DAY, NOW))
    found = of(meter)
    assert (found.count, found.expected) == (3 * 96, 3 * 96)


@pytest.mark.parametrize(
    ("name", "day"),
    [
        ("Europe/Zurich", "2024-04-10"),
        ("Europe/Zurich", "2024-11-10"),
        ("Australia/Lord_Howe", "2024-04-20"),
        ("Australia/Lord_Howe", "2024-10-20"),
        ("America/Santiago", "2024-09-20"),
        ("Asia/Beirut", "2024-04-10"),
        ("Asia/Kathmandu", "2024-04-10"),
    ],
)
@pytest.mark.parametrize("interval", [900, 3600])
def test_exactly_complete_across_clock_changes(
    in_acme: Customer, name: str, day: str, interval: int
) -> None:
    """Read without a gap it is complete, whatever the hour; one less is one less."""
    today = date.fromisoformat(day)
    begin = zone(name).midnight(today - timedelta(days=33))
    end = begin + 33 * DAY + 12 * HOUR
    whole, holed = make_meter(timezone=name), make_meter(timezone=name)
    readings = Readings.steady(begin, end, interval)
    write(make_register(whole, interval=interval), readings)
    hole = np.ones(len(readings.instants), dtype=bool)
    hole[-5] = False
    write(make_register(holed, interval=interval), readings.only(hole))
    start = int(datetime.combine(today - timedelta(days=30), time(), ZoneInfo(name)).timestamp())
    wanted = int((readings.instants >= start).sum())
    assert wanted > 30 * DAY // interval
    for now in (end, end + interval - 1):
        found = of(whole, now)
        assert found.count == found.expected == wanted
        assert found.completeness == 1.0
        less = of(holed, now)
        assert (less.count, less.expected) == (wanted - 1, wanted)
        assert less.completeness is not None
        assert less.completeness < 1.0
    assert of(whole, end + interval).expected == wanted + 1


def test_the_freshest_register_says_how_a_meter_is(in_acme: Customer) -> None:
    meter = make_meter(timezone="UTC")
    write(make_register(meter, IMPORT), Readings.steady(NOW - 40 * DAY, NOW))
    write(make_register(meter, EXPORT), Readings.steady(NOW - 40 * DAY, NOW - 10 * DAY))
    found = of(meter)
    assert (found.state, found.last_end) == (State.FRESH, NOW)
    assert found.count == found.expected - 10 * 96


def test_readings_beyond_what_is_expected_hide_no_gap(in_acme: Customer) -> None:
    """A register that still reads after the meter's removal does not make up for another's gap."""
    removed = NOW - 10 * DAY
    meter = make_meter(timezone="UTC", removed_at=datetime.fromtimestamp(removed, UTC))
    write(make_register(meter, IMPORT), Readings.steady(NOW - 40 * DAY, NOW))
    write(make_register(meter, EXPORT), Readings.steady(NOW - 40 * DAY, removed - 5 * DAY))
    found = of(meter)
    assert found.expected - found.count == 5 * 96


def test_a_change_of_interval_within_the_days(in_acme: Customer) -> None:
    meter = make_meter(timezone="UTC")
    register = make_register(meter)
    midnight = at("2024-06-01")
    write(register, Readings.steady(midnight - 20 * DAY, midnight, 3600))
    write(register, Readings.steady(midnight, NOW, 900))
    found = of(meter)
    assert found.count == found.expected


def test_two_questions_for_any_number_of_meters(in_acme: Customer) -> None:
    for number in (1, 20):
        for _ in range(number):
            meter = make_meter()
            for obis in (IMPORT, EXPORT):
                write(make_register(meter, obis), Readings.steady(NOW - 2 * DAY, NOW))
        meters = list(Meter.objects.all().with_registers())
        assert len(meters) >= number
        with statements() as sent:
            found = health(meters, NOW)
        assert len(sent) == 2, sent
        assert {replace(one, last_end=None, missing=0) for one in found.values()} == {
            MeterHealth(State.FRESH, None, found[meter.pk].count, found[meter.pk].expected)
        }


def test_a_gap_is_no_delay(in_acme: Customer) -> None:
    """What has not come yet is late; what is missing before later readings makes incomplete."""
    late = read_until(NOW - 2 * DAY)
    assert (of(late).is_incomplete, of(late).missing) == (False, 0)
    holed = make_meter()
    readings = Readings.steady(NOW - 40 * DAY, NOW - 2 * DAY)
    hole = np.ones(len(readings.instants), dtype=bool)
    hole[-50:-40] = False
    write(make_register(holed), readings.only(hole))
    assert (of(holed).is_incomplete, of(holed).missing) == (True, 10)
