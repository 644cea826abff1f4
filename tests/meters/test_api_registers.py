"""Registers over the API: of all meters in one list."""

from itertools import chain

import pytest

from meters.models import Site
from tests.conftest import Customer
from tests.meters.stored import (
    EXPORT,
    IMPORT,
    POWER,
    STATE,
    UNKNOWN,
    Api,
    make_meter,
    make_register,
)
from tests.meters.test_api_meters import DOOR, MUIDS, assert_asked
from tests.meters.test_api_problems import assert_problem, one_error

REACTIVE = "1-0:3.29.0*255"


@pytest.fixture
def api(acme: Customer) -> Api:
    with acme.tenant.entered():
        mill = Site.objects.create(name="Mill Street 4")
        roof = make_meter(muid=MUIDS[0], name="Roof", site=mill)
        cellar = make_meter(muid=MUIDS[1], name="Cellar")
        for obis in (STATE, IMPORT, EXPORT, POWER):
            make_register(roof, obis)
        for obis in (IMPORT, REACTIVE, UNKNOWN):
            make_register(cellar, obis, None)
    return Api(acme)


def found(api: Api, **query: object) -> list[tuple[str, str]]:
    response = api.get("registers/", query)
    assert response.status_code == 200, response.content
    return [(one["meter_name"], one["obis"]) for one in response.json()["results"]]


ALL = [
    ("Cellar", IMPORT),
    ("Cellar", REACTIVE),
    ("Cellar", UNKNOWN),
    ("Roof", IMPORT),
    ("Roof", POWER),
    ("Roof", STATE),
    ("Roof", EXPORT),
]


def test_one(api: Api) -> None:
    [one] = api.get("registers/", {"meter": MUIDS[0], "register": IMPORT}).json()["results"]
    assert one == {
        "id": one["id"],
        "meter": MUIDS[0],
        "meter_name": "Roof",
        "site": "Mill Street 4",
        "obis": IMPORT,
        "hex": "0100011D00FF",
        "label": "Active energy import, per interval",
        "direction": "import",
        "unit": "kWh",
        "measurement": "energy",
        "interval": "PT15M",
        "readings": f"http://{api.customer.domain}/api/v1/meters/{MUIDS[0]}/readings/"
        f"?register={IMPORT}",
    }
    assert api.get(f"registers/{one['id']}/").json() == one
    readings = api.client.get(one["readings"], **api.customer.bearer).json()
    assert [series["register"] for series in readings["series"]] == [IMPORT]


def test_narrowed_down_ordered_and_paged(api: Api) -> None:
    assert found(api) == ALL
    assert found(api, meter=MUIDS[1]) == ALL[:3]
    assert found(api, site="Mill Street 4") == ALL[3:]
    assert found(api, site="Mill") == []
    assert found(api, direction="export") == [("Roof", EXPORT)]
    assert found(api, direction="import", unit="kWh", meter=MUIDS[0]) == [
        ("Roof", IMPORT),
        ("Roof", STATE),
    ]
    assert found(api, unit="kW") == [("Roof", POWER)]
    assert found(api, unit="kvarh") == [("Cellar", REACTIVE)]
    assert found(api, unit="apples") == []
    assert found(api, register="0100011D00FF") == [("Cellar", IMPORT), ("Roof", IMPORT)]
    assert found(api, ordering="-meter,-obis")[:2] == [("Roof", EXPORT), ("Roof", STATE)]
    pages = [found(api, ordering="obis", page_size=3, page=n) for n in (1, 2, 3)]
    assert sorted(chain.from_iterable(pages)) == sorted(ALL)


@pytest.mark.parametrize(
    ("query", "field", "words"),
    [
        ({"direction": "in"}, "direction", "not one of import, export"),
        ({"meter": "x"}, "meter", "no MUID"),
        ({"register": "x"}, "register", "OBIS"),
        ({"ordering": "unit"}, "ordering", "there are meter, obis, id"),
        ({"unit": "\0"}, "unit", "NUL"),
        ({"units": "kWh"}, "units", "did you mean unit?"),
        ({"page": "0"}, "page", "whole number"),
    ],
)
def test_a_wrong_parameter(api: Api, query: dict[str, str], field: str, words: str) -> None:
    error = one_error(api.get("registers/", query))
    assert error["parameter"] == field
    assert words in error["message"]
    example = error["example"] if "=" in error["example"] else f"{field}={error['example']}"
    assert api.get("registers/", example).status_code == 200


def test_what_it_asks(api: Api) -> None:
    list_ = [*DOOR, "COUNT(*)", "meters_register"]
    assert_asked(lambda: api.get("registers/"), list_)
    # Which codes there are is asked once, however many registers have them.
    narrowed = [*DOOR, "DISTINCT", "COUNT(*)", "meters_register"]
    assert_asked(lambda: api.get("registers/", {"unit": "kWh", "direction": "import"}), narrowed)


def test_nobody_else_and_nothing_written(api: Api, nordwind: Customer) -> None:
    [one] = api.get("registers/", {"meter": MUIDS[0], "register": STATE}).json()["results"]
    outsider = Api(nordwind)
    assert found(outsider) == []
    assert found(outsider, meter=MUIDS[0], direction="import") == []
    assert_problem(outsider.get(f"registers/{one['id']}/"), 404)
    assert_problem(api.get("registers/7000000/"), 404)
    for method in ("post", "put", "patch", "delete"):
        assert_problem(api.send(method, "registers/", {}), 405)
        assert_problem(api.send(method, f"registers/{one['id']}/", {}), 405)
    assert_problem(api.client.get("/api/v1/registers/"), 401)
