"""Totals of billing periods, against plain sums over the readings."""

import math
import time
from datetime import datetime
from typing import Any

import numpy as np
import pytest

from meters.models import Meter
from tests.conftest import Customer
from tests.meters.stored import (
    DEMAND,
    EXPORT,
    IMPORT,
    POWER,
    STATE,
    UNKNOWN,
    Api,
    Readings,
    at,
    make_meter,
    make_register,
    write,
)
from tests.meters.test_api_meters import ONE, assert_asked

ZURICH = "Europe/Zurich"
YEAR = {"start": "2023-01-01", "end": "2024-01-01"}


def ask(api: Api, meter: Meter, **query: object) -> dict[str, Any]:
    response = api.get(f"meters/{meter.muid}/totals/", query)
    assert response.status_code == 200, response.content
    answer: dict[str, Any] = response.json()
    return answer


def one_register(api: Api, meter: Meter, **query: object) -> dict[str, Any]:
    [found] = ask(api, meter, **query)["registers"]
    return found


def seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


@pytest.fixture
def year() -> Readings:
    """A year in Zurich with gaps, some of it estimated."""
    rng = np.random.default_rng(1)
    readings = Readings.steady(at("2022-12-30", ZURICH), at("2024-01-03", ZURICH))
    readings.values = np.round(rng.gamma(2.0, 0.05, len(readings.values)), 4)
    readings.qualities[rng.random(len(readings.values)) < 0.1] = 2
    readings.qualities[5000:5100] = 3
    there = rng.random(len(readings.values)) > 0.03
    there[9000:12_000] = False
    return readings.only(there)


@pytest.fixture
def meter(acme: Customer, year: Readings) -> Meter:
    with acme.tenant.entered():
        made = make_meter()
        write(make_register(made, IMPORT), year)
    return made


@pytest.mark.parametrize("timezone", [ZURICH, "UTC", "Asia/Kathmandu"])
@pytest.mark.parametrize(
    ("query", "starts"),
    [
        ({}, [f"2023-{month:02}-01" for month in range(1, 13)]),
        ({"period": "quarter"}, [f"2023-{month:02}-01" for month in (1, 4, 7, 10)]),
        ({"period": "year"}, ["2023-01-01"]),
        (
            {"edges": "2023-01-01,2023-03-15,2023-03-27,2023-11-01"},
            ["2023-01-01", "2023-03-15", "2023-03-27"],
        ),
    ],
)
def test_sums_are_those_of_the_readings(
    acme: Customer,
    meter: Meter,
    year: Readings,
    timezone: str,
    query: dict[str, str],
    starts: list[str],
) -> None:
    asked = query if "edges" in query else YEAR | query
    answer = ask(Api(acme), meter, **asked, timezone=timezone)
    [found] = answer["registers"]
    assert found["statistic"] == "sum"
    periods = found["periods"]
    assert [seconds(one["start"]) for one in periods] == [at(day, timezone) for day in starts]
    assert [one["end"] for one in periods[:-1]] == [one["start"] for one in periods[1:]]
    assert (answer["start"], answer["end"]) == (periods[0]["start"], periods[-1]["end"])
    for one in periods:
        start, end = seconds(one["start"]), seconds(one["end"])
        inside = (year.instants >= start) & (year.instants < end)
        assert one["total"] == pytest.approx(math.fsum(year.values[inside]), rel=1e-11)
        assert one["count"] == inside.sum()
        assert one["expected"] == (end - start) // 900
        assert one["completeness"] == pytest.approx(inside.sum() / one["expected"])
        assert one["estimated"] == pytest.approx((year.qualities[inside] > 1).mean())
        assert sum(one["quality"].values()) == one["count"]
    assert "notes" not in found
    assert "opening" not in periods[0]


def test_it_agrees_with_readings_by_month(acme: Customer, meter: Meter) -> None:
    api = Api(acme)
    [series] = api.readings(meter.muid, **YEAR, resolution="P1M")["series"]
    for one, row in zip(one_register(api, meter, **YEAR)["periods"], series["rows"], strict=True):
        assert one["total"] == pytest.approx(row["value"], rel=1e-11)
        for name in ("start", "end", "count", "expected", "quality"):
            assert one[name] == row[name], name


def test_a_range_that_cuts_its_periods(acme: Customer, meter: Meter, year: Readings) -> None:
    times = ["2023-02-10T10:00:00+01:00", "2023-04-01T00:00:00+02:00", "2023-05-03T00:30:00+02:00"]
    found = one_register(Api(acme), meter, start=times[0], end=times[-1], period="quarter")
    assert [(one["start"], one["end"]) for one in found["periods"]] == [
        (times[0], times[1]),
        (times[1], times[2]),
    ]
    for one in found["periods"]:
        inside = (year.instants >= seconds(one["start"])) & (year.instants < seconds(one["end"]))
        assert one["total"] == pytest.approx(math.fsum(year.values[inside]), rel=1e-11)


@pytest.mark.parametrize(
    ("period", "number", "months"), [("month", 12, 1), ("quarter", 4, 3), ("year", 3, 12)]
)
def test_without_a_start(
    acme: Customer, meter: Meter, period: str, number: int, months: int
) -> None:
    found = one_register(Api(acme), meter, period=period)["periods"]
    assert len(found) == number
    begins = [datetime.fromisoformat(one["start"]) for one in found]
    assert all((one.day, one.hour, (one.month - 1) % months) == (1, 0, 0) for one in begins)
    assert abs(seconds(found[-1]["end"]) - time.time()) < 60
    assert len(one_register(Api(acme), meter)["periods"]) == 12


def test_meter_states(acme: Customer) -> None:
    """The first state of each period, the first at its end or after, and what lies between."""
    states = Readings.steady(at("2023-01-01", ZURICH), at("2023-05-10", ZURICH), 3600)
    states.values = 1000 + np.cumsum(np.full(len(states.values), 0.25))
    local = [at("2023-03-01", ZURICH), at("2023-03-31T22:00", ZURICH), at("2023-04-02", ZURICH)]
    there = (states.instants < local[1]) | (states.instants >= local[2])
    exchanged = at("2023-02-10", ZURICH)
    states.values[states.instants >= exchanged] -= 1000
    states.qualities[states.instants == local[2]] = 2
    states = states.only(there)
    with acme.tenant.entered():
        meter = make_meter()
        write(make_register(meter, STATE), states)
    api, query = Api(acme), {"start": "2023-01-01", "end": "2023-06-01"}
    found = one_register(api, meter, **query)
    assert found["statistic"] == "advance"
    assert found["unit"] == "kWh"
    [note] = found["notes"][-1:]
    assert note.startswith("The meter reading fell, as after a reset or an exchange, at 2023-02-10")
    january, february, march, april, may = found["periods"]

    def value(instant: int) -> float:
        return float(states.values[states.instants == instant][0])

    assert january["opening"] == {
        "at": "2023-01-01T00:00:00+01:00",
        "value": value(at("2023-01-01", ZURICH)),
        "quality": "measured",
    }
    assert january["closing"] == february["opening"]
    assert january["total"] == january["closing"]["value"] - january["opening"]["value"]
    # Over an exchange nothing is counted.
    assert february["total"] == pytest.approx((28 * 24 - 1) * 0.25)
    # Where none was read at the edge it is the first one after it: the advance runs over the gap.
    late = {"at": "2023-04-02T00:00:00+02:00", "value": value(local[2]), "quality": "estimated"}
    assert march["closing"] == april["opening"] == late
    assert march["total"] == value(local[2]) - value(local[0])
    # Up to the latest state where there is none yet.
    assert may["closing"]["at"] == "2023-05-09T23:00:00+02:00"
    assert may["total"] == may["closing"]["value"] - may["opening"]["value"]
    [series] = api.readings(meter.muid, **query, resolution="P1M")["series"]
    for one, row in zip(found["periods"], series["rows"], strict=True):
        assert one["total"] == pytest.approx(row["value"], rel=1e-11)
        assert one["count"] == row["count"]
    empty = one_register(api, meter, edges="2023-04-01,2023-04-02,2023-04-03")["periods"][0]
    assert (empty["total"], empty["opening"], empty["closing"]) == (None, None, None)


def test_a_state_that_is_read_long_after_the_range(acme: Customer) -> None:
    with acme.tenant.entered():
        meter = make_meter(timezone="UTC")
        register = make_register(meter, STATE, 3600)
        write(register, Readings.steady(at("2023-01-01"), at("2023-01-02"), 3600))
        write(register, Readings.steady(at("2023-09-01"), at("2023-09-02"), 3600, 500.0))
    [one] = one_register(Api(acme), meter, edges="2023-01-01,2023-02-01")["periods"]
    assert one["closing"] == {
        "at": "2023-09-01T00:00:00+00:00",
        "value": 500.0,
        "quality": "measured",
    }
    assert one["total"] == 499.0


def test_what_does_not_add_up_has_no_total(acme: Customer) -> None:
    start = at("2023-02-01", ZURICH)
    with acme.tenant.entered():
        meter = make_meter()
        for obis in (POWER, DEMAND, UNKNOWN, EXPORT):
            write(make_register(meter, obis), Readings.steady(start, start + 86_400, value=2.0))
    answer = ask(Api(acme), meter, edges="2023-02-01,2023-02-02")
    found = {one["register"]: one for one in answer["registers"]}
    assert found.pop(EXPORT)["periods"][0]["total"] == 192.0
    assert len(found) == 3
    for one in found.values():
        assert one["statistic"] is None
        [period] = one["periods"]
        assert period["total"] is None
        assert (period["count"], period["completeness"]) == (96, 1.0)
        assert any("don't add up" in note for note in one["notes"])


def test_nothing_is_null_and_not_zero(acme: Customer) -> None:
    with acme.tenant.entered():
        meter = make_meter()
        make_register(meter, IMPORT)
        make_register(meter, STATE)
    for one in ask(Api(acme), meter, **YEAR)["registers"]:
        assert [period["total"] for period in one["periods"]] == [None] * 12
        assert [period["estimated"] for period in one["periods"]] == [None] * 12
        assert {period["completeness"] for period in one["periods"]} == {0.0}
    [future] = ask(Api(acme), meter, edges="2090-01-01,2091-01-01", register=IMPORT)["registers"]
    assert future["periods"][0]["completeness"] is None


def test_readings_that_nobody_expects_make_up_for_no_gap(acme: Customer) -> None:
    with acme.tenant.entered():
        meter = make_meter(timezone="UTC", removed_at=datetime.fromisoformat("2023-01-06T00:00Z"))
        readings = Readings.steady(at("2023-01-01"), at("2023-01-10"))
        write(make_register(meter, IMPORT), readings.only(np.arange(9 * 96) >= 48))
    [one] = one_register(Api(acme), meter, edges="2023-01-01,2023-01-11")["periods"]
    assert (one["count"], one["expected"]) == (9 * 96 - 48, 5 * 96)
    assert one["completeness"] == 0.9


@pytest.mark.parametrize(
    ("query", "parameter", "words"),
    [
        ({"period": "week"}, "period", "is not one of month, quarter, year."),
        ({"edges": "2023-01-01"}, "edges", "One date makes no period"),
        ({"edges": "2023-01-01,2023-01-01,2023-01-02,x"}, "edges", "is no date such as"),
        ({"edges": ",".join(map(str, range(501)))}, "edges", "501 dates are given"),
        ({"edges": "2023-02-01,2023-01-01"}, "edges", "does not lie after the date before it"),
        ({"edges": "2023-01-01,2023-02-30"}, "edges", "is no date or time"),
        ({"edges": "2023-01-01T00:00:00Z,2023-01-02"}, "edges", "is no date such as"),
        ({"edges": "1023-01-01,2023-01-01"}, "edges", "The year 1023 lies outside"),
        ({"edges": "2023-01-01,2023-02-01", "period": "month"}, "period", "Give either"),
        ({"edges": "2023-01-01,2023-02-01", "end": "2023-03-01"}, "end", "Give either"),
        ({"start": "2023-02-01T00:00"}, "start", "has no offset"),
        ({"end": "2000-01-01"}, "start", "does not lie after the start"),
        ({"register": "1-0:2.29.0*255"}, "register", "there are 1-0:1.29.0*255."),
        ({"resolution": "P1M"}, "resolution", "is not a parameter here"),
    ],
)
def test_a_wrong_parameter(
    acme: Customer, query: dict[str, str], parameter: str, words: str
) -> None:
    with acme.tenant.entered():
        meter = make_meter()
        make_register(meter, IMPORT)
    response = Api(acme).get(f"meters/{meter.muid}/totals/", query)
    assert response.status_code == 400
    [error] = response.json()["errors"]
    assert error["parameter"] == parameter
    assert words in error["message"]


def test_the_example_mends_a_range_that_ends_before_it_begins(acme: Customer) -> None:
    """As of readings: where only the end is written, a start before it is shown."""
    with acme.tenant.entered():
        meter = make_meter()
        make_register(meter, IMPORT)
    api, query = Api(acme), {"end": "2000-01-01"}
    for path in ("totals", "readings", "coverage"):
        [error] = api.get(f"meters/{meter.muid}/{path}/", query).json()["errors"]
        mended = {**query, error["parameter"]: error["example"]}
        assert api.get(f"meters/{meter.muid}/{path}/", mended).status_code == 200


def test_registers_are_chosen_as_of_readings(acme: Customer) -> None:
    with acme.tenant.entered():
        meter = make_meter()
        for obis in (IMPORT, EXPORT, STATE):
            make_register(meter, obis)
    api = Api(acme)
    for path in ("totals", "coverage"):
        for asked, found in (
            ("import", [IMPORT]),
            (f"export,{STATE}", [EXPORT, STATE]),
            ("", [IMPORT, EXPORT, STATE]),
        ):
            answer = api.get(f"meters/{meter.muid}/{path}/", {"register": asked}).json()
            assert {one["register"] for one in answer["registers"]} == set(found)


def test_a_day_that_was_never(acme: Customer) -> None:
    with acme.tenant.entered():
        meter = make_meter(timezone="Pacific/Apia")
        start, end = (at(day, "Pacific/Apia") for day in ("2011-12-28", "2012-01-03"))
        write(make_register(meter, IMPORT), Readings.steady(start, end, value=1.0))
    api = Api(acme)
    periods = one_register(api, meter, edges="2011-12-29,2011-12-30,2012-01-01")["periods"]
    assert [one["total"] for one in periods] == [96.0, 96.0]
    refused = api.get(f"meters/{meter.muid}/totals/", {"edges": "2011-12-30,2011-12-31"})
    assert refused.status_code == 400


def test_too_much_is_refused(acme: Customer) -> None:
    with acme.tenant.entered():
        meter = make_meter()
        for tariff in range(4):
            make_register(meter, f"1-0:1.29.{tariff}*255")
    query = {"start": "1991-01-01", "end": "2099-01-01", "period": "year"}
    response = Api(acme).get(f"meters/{meter.muid}/totals/", query)
    assert response.status_code == 400
    [error] = response.json()["errors"]
    assert "100,000 are the most" in error["message"]
    query |= {error["parameter"]: error["example"]}
    assert len(ask(Api(acme), meter, **query)["registers"]) == 4


def test_another_tenant_sees_nothing_of_it(
    acme: Customer, nordwind: Customer, meter: Meter
) -> None:
    response = Api(nordwind).get(f"meters/{meter.muid}/totals/")
    assert response.status_code == 404
    assert response.json()["detail"] == f"There is no meter {meter.muid} here."
    path = f"/api/v1/meters/{meter.muid}/totals/"
    assert Api(nordwind).client.get(path, **acme.bearer).status_code == 401


def test_what_it_asks(acme: Customer) -> None:
    start = at("2023-02-01", ZURICH)
    with acme.tenant.entered():
        meter = make_meter()
        for obis in (IMPORT, EXPORT):
            write(make_register(meter, obis), Readings.steady(start, start + 20 * 86_400))
    api, query = Api(acme), {"start": "2023-02-01", "end": "2023-02-15"}
    versions, totals, values = "max(version)", "coalesce(total", "array_replace"
    # Sums of days are told by what day rows say of themselves.
    assert_asked(lambda: ask(api, meter, **query), [*ONE, versions, totals])
    with acme.tenant.entered():
        write(make_register(meter, STATE), Readings.steady(start, start + 20 * 86_400))
    assert_asked(lambda: ask(api, meter, **query), [*ONE, versions, values, totals, values])
