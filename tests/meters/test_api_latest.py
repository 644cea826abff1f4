"""The latest readings of one meter and of many."""

import time
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from meters.api.latest import MOST_METERS
from meters.models import Meter, Site
from tests.conftest import Customer
from tests.meters.stored import (
    EXPORT,
    IMPORT,
    STATE,
    Api,
    Readings,
    make_meter,
    make_register,
    write,
)
from tests.meters.test_api_meters import DOOR, ONE, assert_asked

MUIDS = [f"0000000{i}-0000-4000-8000-000000000000" for i in range(4)]
# Which rows are the last ones, and what they hold.
LAST = ["SELECT asked.id, found.version", "DESC LIMIT 1"]
# Where the last whole hour began.
HOUR = int(time.time()) // 3600 * 3600 - 3600


@pytest.fixture
def api(acme: Customer) -> Api:
    """A meter of two registers that lags on one side, one without readings, one of no register."""
    with acme.tenant.entered():
        mill = Site.objects.create(name="Mill Street 4")
        bakery = make_meter(muid=MUIDS[0], name="Bakery", site=mill)
        readings = Readings.steady(HOUR - 5 * 86_400, HOUR + 3600, value=0.25)
        readings.qualities[-1] = 2
        write(make_register(bakery, IMPORT), readings)
        # The day of its latest reading has room for more.
        write(make_register(bakery, EXPORT), readings.only(np.arange(len(readings.values)) < 250))
        roof = make_meter(muid=MUIDS[1], name="Roof", site=mill, timezone="Asia/Kathmandu")
        make_register(roof, EXPORT)
        write(make_register(roof, STATE), Readings.steady(HOUR - 3600, HOUR, 3600, 1234.5))
        make_meter(muid=MUIDS[2], name="Cellar")
    return Api(acme)


def ask(api: Api, query: dict[str, Any] | str = "") -> list[dict[str, Any]]:
    response = api.get("latest/", query)
    assert response.status_code == 200, response.content
    found: list[dict[str, Any]] = response.json()["meters"]
    return found


def seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def test_one_meter(api: Api) -> None:
    began = int(time.time())
    answer = api.get(f"meters/{MUIDS[0]}/latest/").json()
    imported, exported = answer.pop("registers")
    assert answer == {
        "meter": MUIDS[0],
        "name": "Bakery",
        "site": "Mill Street 4",
        "timezone": "Europe/Zurich",
    }
    assert seconds(imported["start"]) == HOUR + 2700
    assert seconds(imported["end"]) == HOUR + 3600
    assert imported["start"][-6:] in {"+01:00", "+02:00"}
    assert 0 <= imported.pop("age") - (began - HOUR - 3600) <= 60
    assert {**imported, "start": "", "end": ""} == {
        "register": IMPORT,
        "direction": "import",
        "unit": "kWh",
        "start": "",
        "end": "",
        "value": 0.25,
        "quality": "estimated",
    }
    assert seconds(exported["start"]) == HOUR - 5 * 86_400 + 249 * 900
    assert exported["quality"] == "measured"


def test_what_has_no_readings_says_so(api: Api) -> None:
    registers = api.get(f"meters/{MUIDS[1]}/latest/").json()["registers"]
    found = {one["register"]: one for one in registers}
    assert list(found) == sorted([EXPORT, STATE])
    assert found[EXPORT] == {
        "register": EXPORT,
        "direction": "export",
        "unit": "kWh",
        **dict.fromkeys(("start", "end", "value", "quality", "age")),
    }
    assert found[STATE]["value"] == 1234.5
    assert api.get(f"meters/{MUIDS[2]}/latest/").json()["registers"] == []


def test_a_zone(api: Api) -> None:
    for path in (f"meters/{MUIDS[0]}/latest/", "latest/"):
        answer = api.get(path, {"timezone": "Asia/Kathmandu"}).json()
        one = answer if "meter" in answer else answer["meters"][0]
        assert one["timezone"] == "Asia/Kathmandu"
        assert one["registers"][0]["end"] == (
            datetime.fromtimestamp(HOUR + 3600 + 20_700, UTC).isoformat()[:-6] + "+05:45"
        )


def test_many(api: Api) -> None:
    everything = ask(api)
    assert [one["meter"] for one in everything] == [MUIDS[0], MUIDS[2], MUIDS[1]]
    assert [one["timezone"] for one in everything][-1] == "Asia/Kathmandu"
    for one in everything:
        alone = api.get(f"meters/{one['meter']}/latest/").json()
        for register in [*one["registers"], *alone["registers"]]:
            register.pop("age")
        assert one == alone
    wanted = [[MUIDS[2]], [MUIDS[0], MUIDS[1]]]
    for muids in wanted:
        found = ask(api, "&".join(f"meter={muid}" for muid in muids))
        assert [one["meter"] for one in found] == muids
        assert [one["meter"] for one in ask(api, {"meter": ",".join(muids)})] == muids
    assert [one["name"] for one in ask(api, {"site": "Mill Street 4"})] == ["Bakery", "Roof"]
    # One list of what is named, whichever way it is.
    both = ask(api, f"meter={MUIDS[2]}&site=Mill+Street+4")
    assert [one["name"] for one in both] == ["Bakery", "Cellar", "Roof"]


@pytest.mark.parametrize(
    ("query", "status", "parameter", "words"),
    [
        ("meter=x", 400, "meter", "“x” is no MUID"),
        ("meter=a%00b", 400, "meter", "NUL"),
        (f"meter={MUIDS[0]},{MUIDS[3]}", 404, "meter", f"There is no meter {MUIDS[3]} here."),
        ("site=Mill", 404, "site", "There is no site “Mill” here"),
        ("site=Mill+Street+4&site=Mill", 404, "site", "There is no site “Mill” here"),
        ("timezone=Europe/Zurch", 400, "timezone", "did you mean Europe/Zurich?"),
        ("meters=x", 400, "meters", "did you mean meter?"),
    ],
)
def test_a_wrong_parameter(api: Api, query: str, status: int, parameter: str, words: str) -> None:
    response = api.get("latest/", query)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    [error] = response.json()["errors"]
    assert error["parameter"] == parameter
    assert words in error["message"]


def test_too_many_meters(acme: Customer) -> None:
    with acme.tenant.entered():
        site = Site.objects.create(name="Site")
        Meter.objects.bulk_create(
            Meter(name=f"Meter {i}", site=site) for i in range(MOST_METERS + 1)
        )
        api = Api(acme)
        response = api.get("latest/")
        assert response.status_code == 400
        assert "more than 1,000 meters" in response.json()["detail"]
        Meter.objects.filter(name="Meter 7").delete()
    assert len(ask(api)) == MOST_METERS


def test_one_meter_takes_no_other_parameter(api: Api) -> None:
    assert api.get(f"meters/{MUIDS[0]}/latest/", {"start": "2023-02-01"}).status_code == 400


def test_another_tenant_sees_nothing_of_it(api: Api, nordwind: Customer) -> None:
    other = Api(nordwind)
    assert other.get(f"meters/{MUIDS[0]}/latest/").status_code == 404
    assert other.get("latest/", {"meter": MUIDS[0]}).status_code == 404
    assert ask(other) == []
    assert other.get("latest/", {"site": "Mill Street 4"}).status_code == 404
    for path in (f"meters/{MUIDS[0]}/latest/", "latest/"):
        crossed = other.client.get(f"/api/v1/{path}", **api.customer.bearer)
        assert crossed.status_code == 401


def test_what_it_asks(api: Api) -> None:
    assert_asked(lambda: api.get(f"meters/{MUIDS[0]}/latest/"), [*ONE, *LAST])
    two = [*DOOR, "LEFT OUTER JOIN", *LAST]
    assert_asked(lambda: ask(api), two)
    assert_asked(lambda: ask(api, f"meter={MUIDS[0]}&meter={MUIDS[1]}"), two)
