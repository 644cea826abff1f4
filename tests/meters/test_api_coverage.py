"""Coverage, against a walk over time and against what the readings say."""

import time
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from meters.api import coverage as coverage_api
from meters.coverage import coverage
from meters.models import Meter, Register
from meters.qualities import NAMES
from tests.conftest import Customer
from tests.meters.stored import (
    EXPORT,
    IMPORT,
    POWER,
    STATE,
    Api,
    Readings,
    at,
    make_meter,
    make_register,
    statements,
    write,
)
from tests.meters.test_api_meters import ONE, assert_asked

ZURICH = "Europe/Zurich"
NOW = at("2024-01-01")


def ask(api: Api, meter: Meter, **query: object) -> dict[str, Any]:
    response = api.get(f"meters/{meter.muid}/coverage/", query)
    assert response.status_code == 200, response.content
    answer: dict[str, Any] = response.json()
    return answer


def seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def walked(readings: Readings, start: int, end: int, interval: int) -> list[tuple[int, int, int]]:
    """Find the gaps of a register of one interval by looking at one instant after the other."""
    there, gaps = set(readings.instants.tolist()), list[tuple[int, int, int]]()
    phase = int(readings.instants[0]) % interval
    for instant in range(start + (phase - start) % interval, end, interval):
        if instant in there or instant + interval > NOW:
            continue
        if gaps and gaps[-1][1] == instant:
            gaps[-1] = (gaps[-1][0], instant + interval, gaps[-1][2] + 1)
        else:
            gaps.append((instant, instant + interval, 1))
    return gaps


def holey(name: str, start: str, days: int, seed: int, interval: int = 900) -> Readings:
    """Single intervals, hours and whole days are missing, and some are estimated."""
    rng = np.random.default_rng(seed)
    begin = at(start, name)
    readings = Readings.steady(begin, begin + days * 86_400, interval)
    n = len(readings.instants)
    there = rng.random(n) > 0.03
    for place, length in ((n // 7, 11), (n // 3, 400), (n // 2, 96), (2 * n // 3, 192)):
        there[place : place + length] = False
    readings.qualities[n // 4 : n // 4 + 30] = 2
    return readings.only(there)


@pytest.mark.parametrize(
    ("name", "start", "interval"),
    [
        (ZURICH, "2023-03-20", 900),
        (ZURICH, "2023-10-20", 900),
        ("Asia/Kathmandu", "2023-03-20", 3600),
        ("Australia/Lord_Howe", "2023-03-28", 1800),
        ("Pacific/Apia", "2011-12-25", 900),
        ("America/St_Johns", "2006-10-25", 300),
    ],
)
@pytest.mark.parametrize("seed", [1, 2])
def test_gaps_are_what_a_walk_finds(
    acme: Customer, name: str, start: str, interval: int, seed: int
) -> None:
    readings = holey(name, start, 14, seed, interval)
    with acme.tenant.entered():
        register = make_register(make_meter(timezone=name), IMPORT, interval)
        write(register, readings)
        begin, over = int(readings.instants[0]), int(readings.instants[-1])
        rng = np.random.default_rng(seed)
        ranges = [(begin, over), (begin - 5 * 86_400, over + 9 * 86_400)]
        ranges += [tuple(sorted(rng.integers(begin - 90_000, over + 90_000, 2))) for _ in range(20)]
        for first, last in ranges:
            first, last = int(first), int(last) + 1
            [found] = coverage([register], first, last, NOW)
            wanted = walked(readings, first, last, interval)
            assert [(gap.start, gap.end, gap.missing) for gap in found.gaps] == wanted
            inside = readings.instants[(readings.instants >= first) & (readings.instants < last)]
            assert found.count == len(inside)
            assert found.expected == len(inside) + found.missing
            assert found.first == (inside[0] if len(inside) else None)
            assert found.last == (inside[-1] if len(inside) else None)
            qualities = readings.qualities[np.isin(readings.instants, inside)]
            assert found.qualities == {
                NAMES[quality]: int((qualities == quality).sum())
                for quality in np.unique(qualities)
            }


@pytest.mark.parametrize("resolution", ["P1D", "P1M"])
@pytest.mark.parametrize("zone", [ZURICH, "UTC", "Asia/Kathmandu"])
def test_it_agrees_with_the_readings(acme: Customer, resolution: str, zone: str) -> None:
    with acme.tenant.entered():
        meter = make_meter(
            commissioned_at=datetime(2023, 3, 22, 10, tzinfo=UTC),
            removed_at=datetime(2023, 4, 1, 12, 30, tzinfo=UTC),
        )
        for number, obis in enumerate((IMPORT, EXPORT, STATE, POWER)):
            readings = holey(ZURICH, "2023-03-22T12:00", 10, number)
            write(make_register(meter, obis), readings)
    api, query = Api(acme), {"start": "2023-03-15", "end": "2023-04-20", "timezone": zone}
    covered = {one["register"]: one for one in ask(api, meter, **query)["registers"]}
    for series in api.readings(meter.muid, **query, resolution=resolution)["series"]:
        one = covered.pop(series["register"])
        assert one["expected"] == series["expected"]
        assert one["missing"] == sum(gap["missing"] for gap in one["gaps"])
        if series["register"] == STATE:
            # An advance is counted where two states are there.
            continue
        assert one["count"] == series["count"]
        # Readings after the removal are there, though nobody has expected them.
        assert one["completeness"] == (one["expected"] - one["missing"]) / one["expected"]
    assert not covered


def test_a_day_of_the_changing_clocks(acme: Customer) -> None:
    start = at("2024-03-30", ZURICH)
    with acme.tenant.entered():
        meter = make_meter()
        readings = Readings.steady(start, at("2024-04-02", ZURICH))
        spring = at("2024-03-31", ZURICH)
        gone = (readings.instants >= spring) & (readings.instants < spring + 82_800)
        write(make_register(meter, IMPORT), readings.only(~gone))
    [one] = ask(Api(acme), meter, start="2024-03-30", end="2024-04-02")["registers"]
    assert one["gaps"] == [
        {"start": "2024-03-31T00:00:00+01:00", "end": "2024-04-01T00:00:00+02:00", "missing": 92}
    ]
    assert (one["count"], one["expected"], one["missing"]) == (192, 284, 92)
    assert one["first"] == "2024-03-30T00:00:00+01:00"
    assert one["last"] == "2024-04-01T23:45:00+02:00"


def test_the_future_and_the_time_before_commissioning_are_no_gaps(acme: Customer) -> None:
    now = int(time.time()) // 900 * 900
    with acme.tenant.entered():
        meter = make_meter(commissioned_at=datetime.fromtimestamp(now - 86_400, UTC))
        write(make_register(meter, IMPORT), Readings.steady(now - 86_400, now))
        [found] = coverage(_registers(meter), now - 30 * 86_400, now + 30 * 86_400, now + 899)
    assert (found.count, found.expected, found.gaps) == (96, 96, ())
    assert found.completeness == 1.0


def _registers(meter: Meter) -> list[Register]:
    return list(Register.objects.filter(meter=meter).select_related("meter"))


def test_a_register_without_readings(acme: Customer) -> None:
    with acme.tenant.entered():
        meter = make_meter()
        make_register(meter, IMPORT)
    [one] = ask(Api(acme), meter, start="2023-01-01", end="2023-02-01")["registers"]
    assert one["gaps"] == [
        {"start": "2023-01-01T00:00:00+01:00", "end": "2023-02-01T00:00:00+01:00", "missing": 2976}
    ]
    assert (one["count"], one["completeness"], one["quality"]) == (0, 0.0, {})
    assert one["first"] is one["last"] is None
    [one] = ask(Api(acme), meter, start="2090-01-01", end="2091-01-01")["registers"]
    assert (one["expected"], one["completeness"], one["gaps"]) == (0, None, [])
    # However long, nothing is counted out one by one.
    [one] = ask(Api(acme), meter, start="1991-01-01", end="2021-01-01")["registers"]
    assert one["missing"] == (at("2021-01-01", ZURICH) - at("1991-01-01", ZURICH)) // 900
    assert len(one["gaps"]) == 1


def test_a_register_that_changes_its_interval(acme: Customer) -> None:
    with acme.tenant.entered():
        meter = make_meter(timezone="UTC")
        register = make_register(meter, IMPORT)
        write(register, Readings.steady(at("2023-05-01"), at("2023-05-03"), 3600))
        write(register, Readings.steady(at("2023-05-05"), at("2023-05-06"), 900))
    [one] = ask(Api(acme), meter, start="2023-05-01", end="2023-05-07")["registers"]
    assert one["gaps"] == [
        {"start": "2023-05-03T00:00:00+00:00", "end": "2023-05-05T00:00:00+00:00", "missing": 48},
        {"start": "2023-05-06T00:00:00+00:00", "end": "2023-05-07T00:00:00+00:00", "missing": 96},
    ]


def test_what_is_left_out_is_told_and_can_be_asked_for(
    acme: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    readings = Readings.steady(at("2023-05-01"), at("2023-05-02"))
    with acme.tenant.entered():
        meter = make_meter(timezone="UTC")
        write(make_register(meter, IMPORT), readings.only(np.arange(96) % 2 == 0))
    api, query = Api(acme), {"start": "2023-05-01", "end": "2023-05-02"}
    [whole] = ask(api, meter, **query)["registers"]
    assert len(whole["gaps"]) == 48
    assert "notes" not in whole
    monkeypatch.setattr(coverage_api, "MOST_GAPS", 40)
    [cut] = ask(api, meter, **query)["registers"]
    assert cut["missing"] == 48
    [note] = cut["notes"]
    assert note.startswith("There are 48 gaps, of which the first 40 are listed")
    [rest] = ask(api, meter, **query | {"start": note.split("start=")[1][:-1]})["registers"]
    assert cut["gaps"] + rest["gaps"] == whole["gaps"]


def test_one_register_alone(acme: Customer) -> None:
    with acme.tenant.entered():
        meter = make_meter()
        for obis in (IMPORT, EXPORT):
            make_register(meter, obis)
    answer = ask(Api(acme), meter, register="0100021D00FF")
    assert [one["register"] for one in answer["registers"]] == [EXPORT]


@pytest.mark.parametrize(
    ("query", "parameter", "words"),
    [
        ({"start": "2023-02-01T00:00"}, "start", "has no offset"),
        ({"start": "2023-02-02", "end": "2023-02-01"}, "end", "does not lie after"),
        ({"register": "1-0:2.29.0*255"}, "register", "there are 1-0:1.29.0*255."),
        ({"register": "x"}, "register", "is not an OBIS code"),
        ({"timezone": "Zurich"}, "timezone", "is not a time zone"),
        ({"resolution": "P1D"}, "resolution", "is not a parameter here"),
    ],
)
def test_a_wrong_parameter(
    acme: Customer, query: dict[str, str], parameter: str, words: str
) -> None:
    with acme.tenant.entered():
        meter = make_meter()
        make_register(meter, IMPORT)
    response = Api(acme).get(f"meters/{meter.muid}/coverage/", query)
    assert response.status_code == 400
    [error] = response.json()["errors"]
    assert error["parameter"] == parameter
    assert words in error["message"]


def test_another_tenant_sees_nothing_of_it(acme: Customer, nordwind: Customer) -> None:
    with acme.tenant.entered():
        meter = make_meter()
    response = Api(nordwind).get(f"meters/{meter.muid}/coverage/")
    assert response.status_code == 404
    assert response.json()["detail"] == f"There is no meter {meter.muid} here."
    crossed = Api(nordwind).client.get(f"/api/v1/meters/{meter.muid}/coverage/", **acme.bearer)
    assert crossed.status_code == 401


def test_what_it_asks(acme: Customer) -> None:
    start = at("2023-01-01", ZURICH)
    with acme.tenant.entered():
        meter = make_meter()
        for obis in (IMPORT, EXPORT):
            readings = Readings.steady(start, start + 60 * 86_400)
            write(make_register(meter, obis), readings.only(readings.instants != start + 2_000_700))
    api, query = Api(acme), {"start": "2023-01-01", "end": "2023-03-01"}
    versions, totals, chosen = "max(version)", "coalesce(total", "unnest"
    assert_asked(lambda: ask(api, meter, **query), [*ONE, versions, totals, chosen])
    with statements() as sent:
        ask(api, meter, **query)
    # Of sixty days the first, those with a gap and those by the end are opened.
    [asked] = [text for text in sent if "::bigint[], ARRAY[" in text]
    days = asked.split("::bigint[], ARRAY[")[1].split("]")[0].split(",")
    assert len(days) <= 2 * 5
