"""The upstream's own contract, served from what is stored."""

import json
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.utils.http import urlencode

from meters.models import Meter, Register
from tests.conftest import RECORDED_EXPORT, RECORDED_IMPORT, Customer
from tests.meters.stored import (
    EXPORT,
    IMPORT,
    POWER,
    Api,
    Readings,
    at,
    make_meter,
    make_register,
    store_recordings,
    write,
)
from tests.meters.test_api_meters import DOOR, assert_asked

ADDRESS = "/meterdata/measurement"
FEBRUARY = {"measurement": "energy", "limit": 5000, "start": "2023-02-01", "stop": "2023-03-01"}
NOBODY = "00000000-0000-4000-8000-00000000dead"
HEX = {IMPORT: "0100011D00FF", EXPORT: "0100021D00FF", POWER: "0100010700FF"}


def ask(customer: Customer, query: dict[str, Any] | str, **headers: str):
    text = query if isinstance(query, str) else urlencode(query, doseq=True)
    return Api(customer).client.get(f"{ADDRESS}?{text}", **customer.bearer, **headers)


def rows(customer: Customer, muid: object, **query: Any) -> list[dict[str, Any]]:
    response = ask(customer, FEBRUARY | {"muid": muid} | query)
    assert response.status_code == 200, response.content
    data: list[dict[str, Any]] = response.json()["data"]
    return data


def times(data: list[dict[str, Any]]) -> list[str]:
    return [row["timestamp"] for row in data]


@pytest.fixture
def meter(acme: Customer) -> Meter:
    """A day of quarter-hours of import, export that is estimated for a while, and power."""
    start = at("2023-02-01")
    with acme.tenant.entered():
        made = make_meter()
        write(make_register(made, IMPORT), Readings.steady(start, start + 86_400))
        exported = Readings.steady(start, start + 86_400, value=0.25)
        exported.qualities[4:8] = 2
        write(make_register(made, EXPORT), exported.only(np.arange(96) != 1))
        power = Register.objects.create(meter=made, obis=POWER, measurement="power")
        write(power, Readings.steady(start, start + 86_400, 3600, 7.5))
    return made


@pytest.mark.parametrize("muid", [RECORDED_IMPORT, RECORDED_EXPORT])
def test_a_recorded_answer_is_given_again_byte_for_byte(
    muid: str, acme: Customer, recordings: Path
) -> None:
    store_recordings(acme, recordings)
    recorded = (recordings / f"{muid}.json").read_bytes()
    response = ask(acme, FEBRUARY | {"muid": muid})
    assert response.headers["content-type"] == "application/json"
    assert response.content == recorded
    assert rows(acme, muid, limit=2) == json.loads(recorded)["data"][:2]


@pytest.mark.parametrize("limit", [1, 7, 1000])
def test_paging_backwards_covers_everything_once(
    limit: int, acme: Customer, recordings: Path
) -> None:
    store_recordings(acme, recordings)
    stop = "2023-02-01T20:00:00Z" if limit < 10 else "2023-03-01"
    wanted = rows(acme, RECORDED_IMPORT, stop=stop)
    seen: list[dict[str, Any]] = []
    while page := rows(acme, RECORDED_IMPORT, stop=stop, limit=limit):
        seen += page
        stop = page[-1]["timestamp"]
    assert seen == wanted


def test_the_range_is_half_open_and_offsets_count(acme: Customer, meter: Meter) -> None:
    def between(start: str, stop: str) -> list[str]:
        return [time[11:16] for time in times(rows(acme, meter.muid, start=start, stop=stop))]

    assert between("2023-02-01T01:00:00+01:00", "2023-02-01T00:30:00Z") == ["00:15", "00:00"]
    assert between("2023-02-01T00:00:00.001Z", "2023-02-01T00:30:00.001Z") == ["00:30", "00:15"]
    assert between("2023-02-01T00:00:00.000Z", "2023-02-01T00:15:00.000Z") == ["00:00"]
    # The + of an offset that nobody has escaped.
    assert between("2023-02-01T00:30:00 01:00", "2023-02-01T00:15:00Z") == ["00:00"]
    assert between("2023-02-01", "2023-02-01") == []
    assert len(between("1970-01-01", "9999-12-31")) == 100
    assert len(between("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00")) == 100


def test_registers_share_a_row_where_instant_and_quality_are_the_same(
    acme: Customer, meter: Meter
) -> None:
    first = rows(acme, meter.muid, stop="2023-02-01T01:15:00Z")
    tags = {"muid": str(meter.muid), "quality": "measured"}
    assert first == [
        {
            "measurement": "energy",
            "timestamp": "2023-02-01T01:00:00.000Z",
            "tags": tags,
            "0100011D00FF": 5,
        },
        {
            "measurement": "energy",
            "timestamp": "2023-02-01T01:00:00.000Z",
            "tags": tags | {"quality": "estimated"},
            "0100021D00FF": 0.25,
        },
        *(
            {
                "measurement": "energy",
                "timestamp": f"2023-02-01T00:{minute}:00.000Z",
                "tags": tags,
                "0100011D00FF": value,
                **({} if minute == "15" else {"0100021D00FF": 0.25}),
            }
            for value, minute in ((4, "45"), (3, "30"), (2, "15"), (1, "00"))
        ),
    ]
    # A limit counts rows.
    assert rows(acme, meter.muid, stop="2023-02-01T01:15:00Z", limit=2) == first[:2]
    assert rows(acme, meter.muid, stop="2023-02-01T01:15:00Z", limit=3) == first[:3]


def test_a_register_goes_out_under_the_measurement_it_came_under(
    acme: Customer, meter: Meter
) -> None:
    power = rows(acme, meter.muid, measurement="power")
    assert len(power) == 24
    assert {row["measurement"] for row in power} == {"power"}
    assert power[0][HEX[POWER]] == 7.5
    assert not any(HEX[POWER] in row for row in rows(acme, meter.muid))


def test_readings_that_are_far_apart_are_found(acme: Customer) -> None:
    """However far back a page reaches, of whichever register."""
    start = at("2023-02-01")
    with acme.tenant.entered():
        made = make_meter(timezone="Asia/Kathmandu")
        days = Readings.steady(start, start + 700 * 86_400, 86_400)
        days.intervals[:] = 3600
        write(make_register(made, IMPORT, 900), days)
        late = Readings.steady(start + 600 * 86_400, start + 700 * 86_400, 3600, 2.0)
        write(make_register(made, EXPORT, 900), late)
        write(make_register(made, "1-0:3.29.0*255", 900), late.only(np.arange(2400) < 3))
    found = rows(acme, made.muid, limit=100_000, stop="2026-01-01")
    stamps = [np.datetime64(time[:-1]).astype("datetime64[s]").astype(int) for time in times(found)]
    wanted = sorted({*days.instants.tolist(), *late.instants.tolist()}, reverse=True)
    assert stamps == wanted
    for limit in (1, 2399, 2400, 2401, 2450, 2999):
        assert rows(acme, made.muid, limit=limit, stop="2026-01-01") == found[:limit]


def test_all_five_parameters_are_needed(acme: Customer, meter: Meter) -> None:
    query = FEBRUARY | {"muid": meter.muid}
    for name in query:
        for left in (
            {key: value for key, value in query.items() if key != name},
            query | {name: ""},
        ):
            response = ask(acme, left)
            assert response.status_code == 400
            [error] = response.json()["errors"]
            assert error["parameter"] == name
            assert "is missing; an example is ?muid=" in error["message"]
            if name != "muid":
                assert ask(acme, query | {name: error["example"]}).status_code == 200
    assert {error["parameter"] for error in ask(acme, "").json()["errors"]} == set(query)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("limit", "0", "from 1 to 100,000"),
        ("limit", "100001", "from 1 to 100,000"),
        ("limit", "5_000", "whole number"),
        ("limit", "٣", "whole number"),
        ("limit", ["5", "6"], "is given 2 times"),
        ("start", "2023-02-01T00:00", "has no offset"),
        ("start", "20230201", "has no offset"),
        ("start", "yesterday", "is no date; write a date (2023-02-01, midnight UTC)"),
        ("start", "2023-02-30", "is no date"),
        ("start", "2023-03-02", "lies before the start 2023-03-02"),
        ("stop", "2023-01-31T23:59:59Z", "lies before the start 2023-02-01"),
        ("stop", "9" * 5000, "is no date"),
        ("measurement", "heat", "“heat” is none of this meter's; there is energy, power."),
        ("measurement", "a\0b", "NUL"),
        ("muid", "a\0b", "NUL"),
        ("end", "2023-03-01", "is not a parameter here"),
        ("format", "csv", "is not one of json"),
    ],
)
def test_a_wrong_parameter(
    acme: Customer, meter: Meter, name: str, value: str | list[str], words: str
) -> None:
    query = FEBRUARY | {"muid": meter.muid}
    response = ask(acme, query | {name: value})
    assert response.status_code == 400
    assert response.headers["content-type"] == "application/problem+json"
    [error] = response.json()["errors"]
    assert error["parameter"] == ("stop" if "before the start" in words else name)
    assert words in error["message"]
    if error["parameter"] == name and "=" not in error["example"] and name != "muid":
        assert ask(acme, query | {name: error["example"]}).status_code == 200


def test_another_tenants_meter_is_answered_like_none_at_all(
    acme: Customer, nordwind: Customer, meter: Meter
) -> None:
    def told(muid: object) -> dict[str, Any]:
        response = ask(nordwind, FEBRUARY | {"muid": muid})
        assert response.status_code == 404
        found: dict[str, Any] = json.loads(response.content.decode().replace(str(muid), "…"))
        return found

    assert told(meter.muid) == told(NOBODY) == told("no-muid-at-all")
    problem = told(meter.muid)
    assert problem["errors"][0]["parameter"] == "muid"
    assert problem["detail"] == "There is no meter with the muid “…” here."
    # A token of one is nothing in the other.
    query = urlencode(FEBRUARY | {"muid": meter.muid})
    crossed = Api(nordwind).client.get(f"{ADDRESS}?{query}", **acme.bearer)
    assert crossed.status_code == 401
    # A muid that both have is each one's own.
    with nordwind.tenant.entered():
        make_meter(muid=meter.muid)
    assert rows(nordwind, meter.muid) == []
    assert len(rows(acme, meter.muid)) == 100


def test_who_may_ask(acme: Customer, meter: Meter) -> None:
    query = urlencode(FEBRUARY | {"muid": meter.muid})
    client = Api(acme).client
    refused = client.get(f"{ADDRESS}?{query}")
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"] == "Bearer"
    assert refused.headers["content-type"] == "application/problem+json"
    signed_in = acme.client()
    assert signed_in.get(f"{ADDRESS}?{query}").status_code == 200
    head = client.head(f"{ADDRESS}?{query}", **acme.bearer)
    assert (head.status_code, head.content) == (200, b"")
    for method in ("post", "put", "patch", "delete"):
        response = getattr(client, method)(f"{ADDRESS}?{query}", **acme.bearer)
        assert response.status_code == 405
        assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("accept", ["*/*", "text/html", "application/xml", "text/plain, */*"])
def test_it_is_json_whatever_is_accepted(acme: Customer, meter: Meter, accept: str) -> None:
    response = ask(acme, FEBRUARY | {"muid": meter.muid}, HTTP_ACCEPT=accept)
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    wrong = ask(acme, {}, HTTP_ACCEPT=accept)
    assert wrong.headers["content-type"] == "application/problem+json"


def test_beside_the_address_there_is_nothing(acme: Customer) -> None:
    for path in (f"{ADDRESS}/", "/meterdata/", "/meterdata/energy"):
        response = Api(acme).client.get(path, **acme.bearer)
        assert response.status_code in {302, 404}, path
        if response.status_code == 404:
            assert response.headers["content-type"] == "application/problem+json"


def test_a_meter_without_readings_has_no_rows(acme: Customer) -> None:
    with acme.tenant.entered():
        nothing, registered = make_meter(), make_meter()
        make_register(registered, IMPORT)
    assert rows(acme, nothing.muid) == []
    assert rows(acme, registered.muid) == []
    assert ask(acme, FEBRUARY | {"muid": nothing.muid}).content == b'{"data":[]}'


def test_what_it_asks(acme: Customer, meter: Meter) -> None:
    wanted = [*DOOR, "meters_meter", "meters_register", "LIMIT"]
    assert_asked(lambda: rows(acme, meter.muid), wanted)
    assert_asked(lambda: rows(acme, meter.muid, limit=100_000, start="1970-01-01"), wanted)


def test_no_answer_is_longer_than_was_asked_for(acme: Customer, meter: Meter) -> None:
    sizes = [len(rows(acme, meter.muid, limit=limit)) for limit in (1, 50, 99, 100, 101)]
    assert sizes == [1, 50, 99, 100, 100]
    assert len(set(chain.from_iterable(row.keys() for row in rows(acme, meter.muid)))) == 5
