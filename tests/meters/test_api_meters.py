"""Meters of the API: what is told of one, lists, who may ask, and what it costs."""

from collections.abc import Callable
from itertools import chain

import pytest

from meters.models import Meter, Site
from tests.conftest import Customer
from tests.meters.stored import (
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
    statements,
    write,
)

MUIDS = [f"0000000{i}-0000-4000-8000-000000000000" for i in range(5)]


@pytest.fixture
def api(acme: Customer) -> Api:
    """Five meters, three of a name, in two zones and one of them at a site."""
    with acme.tenant.entered():
        mill = Site.objects.create(name="Mill Street 4")
        for i, name in enumerate(("Roof", "Cellar", "Roof", "Roof", "Bakery")):
            make_meter(
                muid=MUIDS[i],
                name=name,
                site=mill if name == "Bakery" else None,
                metering_point=f"CH10{i}",
                timezone="Asia/Kathmandu" if i == 1 else "Europe/Zurich",
            )
        bakery = Meter.objects.get(name="Bakery")
        make_register(bakery, IMPORT, 3600)
        make_register(bakery, EXPORT, None)
    return Api(acme)


def muids(api: Api, **query: object) -> list[int]:
    response = api.get("meters/", query)
    assert response.status_code == 200, response.content
    return [MUIDS.index(meter["muid"]) for meter in response.json()["results"]]


def test_one_meter(api: Api) -> None:
    response = api.get(f"meters/{MUIDS[4]}/")
    assert response.headers["content-type"] == "application/json"
    answer = response.json()
    assert answer.pop("registers")[0] == {
        "obis": "1-0:1.29.0*255",
        "hex": "0100011D00FF",
        "label": "Active energy import, per interval",
        "direction": "import",
        "unit": "kWh",
        "measurement": "energy",
        "interval": "PT1H",
    }
    assert answer == {
        "muid": MUIDS[4],
        "name": "Bakery",
        "metering_point": "CH104",
        "site": "Mill Street 4",
        "timezone": "Europe/Zurich",
        "commissioned_at": None,
        "removed_at": None,
        "state": "empty",
        "readings_until": None,
        "source": None,
        "readings": f"http://{api.customer.domain}/api/v1/meters/{MUIDS[4]}/readings/",
    }
    assert api.client.get(answer["readings"], **api.customer.bearer).status_code == 200
    plain = api.get(f"meters/{MUIDS[0]}/").json()
    assert plain["site"] is None
    assert plain["registers"] == []


def test_the_interval_is_a_resolution_that_can_be_asked_for(api: Api) -> None:
    [known, unknown] = api.get(f"meters/{MUIDS[4]}/").json()["registers"]
    assert unknown["interval"] is None
    assert api.readings(MUIDS[4], resolution=known["interval"])["resolution"] == "PT1H"


def test_by_name_and_always_in_the_same_order(api: Api) -> None:
    assert muids(api) == [4, 1, 0, 2, 3]
    assert muids(api, ordering="muid") == [0, 1, 2, 3, 4]
    assert muids(api, ordering="-muid") == [4, 3, 2, 1, 0]
    assert muids(api, ordering="-name,-muid") == [3, 2, 0, 1, 4]
    # Names that are the same don't make pages overlap.
    pages = [muids(api, ordering="-name", page_size=1, page=n) for n in range(1, 6)]
    assert sorted(chain.from_iterable(pages)) == [0, 1, 2, 3, 4]
    with statements() as sent:
        muids(api, ordering="-name")
    assert any("name" in text and text.count("DESC") == 1 and '"id" ASC' in text for text in sent)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("roof", [0, 2, 3]),
        ("mill", [4]),
        ("CH101", [1]),
        ("roof CH102", [2]),
        ("00000003-0000", [3]),
        ("%", []),
        ("nothing", []),
        ("", [4, 1, 0, 2, 3]),
    ],
)
def test_search(api: Api, text: str, found: list[int]) -> None:
    assert muids(api, search=text) == found


def test_filters(api: Api) -> None:
    assert muids(api, site="Mill Street 4") == [4]
    assert muids(api, site="Mill") == []
    assert muids(api, timezone="Asia/Kathmandu") == [1]
    assert muids(api, timezone="Europe/Zurich", search="roof", page_size=2) == [0, 2]


def test_pages(api: Api) -> None:
    first = api.get("meters/", {"page_size": 2}).json()
    assert first["count"] == 5
    assert first["previous"] is None
    walked, address = [], first["next"]
    while address:
        page = api.client.get(address, **api.customer.bearer).json()
        walked += [meter["muid"] for meter in page["results"]]
        address = page["next"]
    assert [*(meter["muid"] for meter in first["results"]), *walked] == [
        MUIDS[i] for i in (4, 1, 0, 2, 3)
    ]


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("page", "x", "whole number"),
        ("page", "0", "whole number"),
        ("page", "-1", "whole number"),
        ("page", "٣", "whole number"),
        ("page", "last", "whole number"),
        ("page", "2", "the last one is 1"),
        ("page_size", "x", "whole number"),
        ("page_size", "1001", "from 1 to 1,000"),
        ("page_size", "9" * 5000, "from 1 to 1,000"),
        ("ordering", "site", "there are name, muid"),
        ("ordering", "name,,muid", "there are name, muid"),
        ("timezone", "Europe/Zurch", "did you mean Europe/Zurich?"),
        ("search", "a\0b", "NUL"),
        ("site", "\0", "NUL"),
        ("serach", "roof", "did you mean search?"),
        ("offset", "10", "is not a parameter here"),
    ],
)
def test_a_wrong_parameter(api: Api, name: str, value: str, words: str) -> None:
    response = api.get("meters/", {name: value})
    assert response.status_code == 400
    assert response.headers["content-type"] == "application/problem+json"
    [error] = response.json()["errors"]
    assert error["parameter"] == name
    assert error["value"] == value[:200]
    assert words in error["message"]
    example = error["example"] if "=" in error["example"] else f"{name}={error['example']}"
    assert api.get("meters/", example).status_code == 200


def test_one_meter_takes_no_parameters(api: Api) -> None:
    assert api.get(f"meters/{MUIDS[0]}/", {"start": "2023-02-01"}).status_code == 400
    assert api.get(f"meters/{MUIDS[0]}/", {"format": "json"}).status_code == 200


def test_a_session_opens_it_too(api: Api) -> None:
    client = api.customer.client()
    assert client.get("/api/v1/meters/").json()["count"] == 5
    assert client.get("/api/v1/").json()["meters"] == (
        f"http://{api.customer.domain}/api/v1/meters/"
    )
    # A page elsewhere can't make the browser send anything that changes something.
    client.handler.enforce_csrf_checks = True
    body = {"name": "Attic"}
    response = client.post("/api/v1/meters/", body, content_type="application/json")
    assert response.status_code == 403


def test_another_tenant_sees_nothing_of_it(api: Api, nordwind: Customer) -> None:
    other = Api(nordwind)
    assert other.get("meters/").json()["count"] == 0
    for path in ("", "readings/"):
        assert other.get(f"meters/{MUIDS[0]}/{path}").status_code == 404
    # A token of one is nothing in the other.
    crossed = other.client.get("/api/v1/meters/", **api.customer.bearer)
    assert crossed.status_code == 401


# What every request with a token asks: its tenant by its domain, then its token with its owner.
DOOR = ["SET search_path", "tenants_domain", "SET search_path", "accounts_apitoken"]
# What is told of meters beyond their own rows: their last days, and their sources.
TOLD = ["LATERAL (SELECT * FROM daily_profile", "ingestion_feed"]
LIST = [*DOOR, "COUNT(*)", "meters_meter", "meters_register", *TOLD]
# A meter comes with its registers.
ONE = [*DOOR, 'INNER JOIN "meters_meter"']


def assert_asked(work: Callable[[], object], wanted: list[str]) -> None:
    """Hold still what a request asks of the database; each statement is named by a part of it."""
    work()
    with statements() as sent:
        work()
    assert len(sent) == len(wanted), "\n".join(sent)
    for statement, part in zip(sent, wanted, strict=True):
        assert part in statement, "\n".join(sent)


@pytest.mark.parametrize("number", [1, 50])
def test_what_a_list_asks(acme: Customer, number: int) -> None:
    with acme.tenant.entered():
        site = Site.objects.create(name="Site")
        for i in range(number):
            meter = make_meter(name=f"Meter {i}", site=site)
            make_register(meter, IMPORT)
            make_register(meter, EXPORT)
    api = Api(acme)
    assert len(api.get("meters/").json()["results"]) == number
    assert_asked(lambda: api.get("meters/"), LIST)
    # Which are silent is asked of all, the page of those that are.
    every = [*DOOR, "meters_meter", "meters_register", TOLD[0], "COUNT(*)", *LIST[5:]]
    assert_asked(lambda: api.get("meters/", {"state": "empty"}), every)
    assert_asked(lambda: api.get("meters/", {"source": "None"}), [*DOOR, "COUNT(*)"])


ENERGY = (IMPORT, EXPORT, "1-0:3.29.0*255", "1-0:4.29.0*255", "1-0:9.29.0*255")


@pytest.mark.parametrize("number", [1, 5])
def test_what_readings_ask(acme: Customer, number: int) -> None:
    start = at("2023-02-01", "Europe/Zurich")
    with acme.tenant.entered():
        meter = make_meter()
        for obis in ENERGY[:number]:
            write(make_register(meter, obis), Readings.steady(start, start + 5 * 86_400))
    api, days = Api(acme), {"start": "2023-02-01", "end": "2023-02-04"}

    def ask(**query: str) -> Callable[[], object]:
        return lambda: api.readings(meter.muid, **days, **query)

    totals, values, versions = "coalesce(total", "array_replace", "max(version)"
    assert_asked(ask(resolution="PT15M"), [*ONE, versions, values])
    assert_asked(ask(resolution="P1D"), [*ONE, versions, totals])
    assert_asked(ask(resolution="P1D", timezone="UTC"), [*ONE, versions, values])
    with acme.tenant.entered():
        meter.registers.update(interval=300)
    # The interval that is known today is not the one of the range, which its rows tell.
    assert_asked(ask(), [*ONE, versions, values])
    path = f"meters/{meter.muid}/"
    assert_asked(lambda: api.get(path), [*DOOR, "meters_meter", "meters_register", *TOLD])
    held = api.get(f"{path}readings/", days)["ETag"]
    again = lambda: api.get(f"{path}readings/", days, HTTP_IF_NONE_MATCH=held)  # noqa: E731
    assert again().status_code == 304
    assert_asked(again, [*ONE, versions])


def test_what_mixed_qualities_and_kinds_ask(acme: Customer) -> None:
    start = at("2023-02-01", "Europe/Zurich")
    with acme.tenant.entered():
        meter = make_meter()
        for obis in (IMPORT, POWER, STATE, UNKNOWN):
            readings = Readings.steady(start, start + 2 * 86_400)
            readings.qualities[5] = 3
            write(make_register(meter, obis), readings)
    api, values = Api(acme), "array_replace"

    def ask(end: str) -> Callable[[], object]:
        query = {"start": "2023-02-01", "end": end, "resolution": "P1D"}
        return lambda: api.readings(meter.muid, **query)

    totals, versions = "coalesce(total", "max(version)"
    # Days of mixed quality are opened, then the values of what is no energy.
    assert_asked(ask("2023-02-02"), [*ONE, versions, totals, values, values])
    # Where no later state has been read yet, it is looked for after the range.
    assert_asked(ask("2023-02-04"), [*ONE, versions, totals, values, values, "LIMIT 1"])
