"""Meters registered and changed over the API: what may be said, by whom, and what is in the way."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.contrib.admin.models import LogEntry

from meters.models import Meter, Site
from tests.conftest import Customer
from tests.meters.stored import Api, Readings, account, at, make_meter, make_register, write
from tests.meters.test_api_meters import MUIDS
from tests.meters.test_api_problems import assert_problem, one_error

MUID = MUIDS[0]
BODY = {"muid": MUID, "name": "Bakery"}
WHOLE = {
    "muid": MUID,
    "name": "Bakery, main meter",
    "metering_point": "CH1012301234500000000000000011642",
    "site": "Mill Street 4",
    "timezone": "Asia/Kathmandu",
    "commissioned_at": "2023-01-01",
    "removed_at": "2024-01-01T00:00:00+01:00",
}


@pytest.fixture
def api(acme: Customer) -> Api:
    with acme.tenant.entered():
        Site.objects.create(name="Mill Street 4")
    return Api(acme)


def register(api: Api, body: object = None) -> dict:
    response = api.send("post", "meters/", body or BODY)
    assert response.status_code == 201, response.content
    return response.json()


def stored(api: Api) -> Meter:
    with api.customer.tenant.entered():
        return Meter.objects.select_related("site").get()


def test_registered_and_got(api: Api) -> None:
    response = api.send("post", "meters/", WHOLE)
    assert response.status_code == 201, response.content
    made = response.json()
    address = f"http://{api.customer.domain}/api/v1/meters/{MUID}/"
    assert response.headers["location"] == address
    # A date begins at midnight in the meter's own zone.
    assert made == {
        **WHOLE,
        "commissioned_at": "2022-12-31T18:15:00Z",
        "removed_at": "2023-12-31T23:00:00Z",
        "state": "removed",
        "readings_until": None,
        "source": None,
        "registers": [],
        "readings": f"{address}readings/",
    }
    assert api.client.get(address, **api.customer.bearer).json() == made
    meter = stored(api)
    assert meter.site
    assert meter.site.name == "Mill Street 4"
    with api.customer.tenant.entered():
        entry = LogEntry.objects.get()
        assert (entry.object_id, entry.change_message) == (
            str(meter.pk),
            "Registered over the API.",
        )
    assert api.readings(MUID)["series"] == []


def test_what_is_not_said(api: Api, nordwind: Customer) -> None:
    made = register(api, {"name": "Attic"})
    assert UUID(made["muid"]).version == 4
    assert made["timezone"] == "Europe/Zurich"
    assert (made["site"], made["commissioned_at"], made["metering_point"]) == (None, None, "")
    # The zone is the tenant's.
    assert register(Api(nordwind), {"name": "Attic"})["timezone"] == "Europe/Berlin"


def test_a_muid_is_registered_once(api: Api) -> None:
    made = register(api)
    for written in (MUID, MUID.upper(), MUID.replace("-", "")):
        response = api.send("post", "meters/", {"muid": written, "name": "Other"})
        body = assert_problem(response, 409)
        address = f"http://{api.customer.domain}/api/v1/meters/{MUID}/"
        assert body["detail"] == f"There is a meter {MUID} already: {address}"
        assert body["errors"][0]["parameter"] == "muid"
    assert api.get(f"meters/{MUID}/").json() == made


WRONG = [
    ({"name": ...}, "name", "needed"),
    ({"name": "  "}, "name", "can't be empty"),
    ({"name": 5}, "name", "a text"),
    ({"name": "x" * 101}, "name", "At most 100"),
    ({"name": "a\0"}, "name", "Null characters"),
    ({"muid": "x"}, "muid", "no MUID"),
    ({"muid": "x" * 300_000}, "muid", "no MUID"),
    ({"muid": 5}, "muid", "a text"),
    ({"muid": None}, "muid", "not null"),
    ({"muid": "\0"}, "muid", "no MUID"),
    ({"metering_point": "y" * 41}, "metering_point", "At most 40"),
    ({"metering_point": None}, "metering_point", "not null"),
    ({"site": "Mill"}, "site", "There is no site “Mill” here"),
    ({"site": "a\0"}, "site", "Null characters"),
    ({"site": 4}, "site", "a text"),
    ({"timezone": "Europe/Zurch"}, "timezone", "did you mean Europe/Zurich?"),
    ({"timezone": "../etc/passwd"}, "timezone", "is not a time zone"),
    ({"timezone": "z" * 65}, "timezone", "At most 64"),
    ({"timezone": None}, "timezone", "not null"),
    ({"timezone": []}, "timezone", "a text"),
    ({"timezone": ""}, "timezone", "can't be empty"),
    ({"commissioned_at": "2023-01-01T00:00:00"}, "commissioned_at", "no offset"),
    ({"commissioned_at": "yesterday"}, "commissioned_at", "no date or time"),
    ({"commissioned_at": "1800-01-01"}, "commissioned_at", "1800 lies outside"),
    ({"commissioned_at": 1672531200}, "commissioned_at", "such as 2023-02-01"),
    ({"commissioned_at": {}}, "commissioned_at", "such as 2023-02-01"),
    ({"removed_at": True}, "removed_at", "such as 2023-02-01"),
    (
        {"commissioned_at": "2023-01-02", "removed_at": "2023-01-01"},
        "removed_at",
        "removed after it is commissioned",
    ),
    (
        {"commissioned_at": "2023-01-02", "removed_at": "2023-01-02"},
        "removed_at",
        "removed after it is commissioned",
    ),
    ({"source": "Grid operator"}, "source", "PUT /api/v1/meters/{muid}/source/"),
    ({"registers": []}, "registers", "come with the readings"),
    ({"state": "fresh"}, "state", "worked out"),
    ({"time_zone": "UTC"}, "time_zone", "did you mean timezone?"),
    ({"id": 1}, "id", "not a field here"),
]


@pytest.mark.parametrize(("changed", "field", "words"), WRONG)
def test_what_can_not_be_taken(api: Api, changed: dict, field: str, words: str) -> None:
    body = {name: value for name, value in {**BODY, **changed}.items() if value is not ...}
    error = one_error(api.send("post", "meters/", body))
    assert error["parameter"] == field
    assert words in error["message"]
    assert len(error["value"]) <= 200
    assert api.get("meters/").json()["count"] == 0
    # The example works.
    if field in BODY or field in WHOLE:
        example = None if error["example"] == "null" else error["example"]
        register(api, {**BODY, field: example})


def test_every_field_at_fault_is_named(api: Api) -> None:
    body = {"muid": 1, "name": "", "timezone": 2, "removed_at": "x", "colour": "red"}
    problem = assert_problem(api.send("post", "meters/", body), 400)
    assert {error["parameter"] for error in problem["errors"]} == set(body)
    assert problem["detail"] == "Several parameters are wrong."


def test_changed(api: Api) -> None:
    register(api)
    path = f"meters/{MUID}/"
    changed = api.send("patch", path, {name: WHOLE[name] for name in WHOLE if name != "muid"})
    assert changed.status_code == 200, changed.content
    assert changed.json() == api.get(path).json()
    assert changed.json()["commissioned_at"] == "2022-12-31T18:15:00Z"
    before = stored(api).pk
    emptied = {"site": None, "commissioned_at": None, "removed_at": None, "metering_point": ""}
    assert api.send("patch", path, emptied).json()["site"] is None
    again = api.send("patch", path, emptied)
    assert again.json()["state"] == "empty"
    assert stored(api).pk == before
    with api.customer.tenant.entered():
        log = list(LogEntry.objects.order_by("pk").values_list("change_message", flat=True))
    # What changes nothing is not logged.
    assert len(log) == 3
    assert log[1].startswith("Over the API: name was Bakery; metering_point was empty; site was")
    # A date begins at midnight in the zone that is being set.
    both = {"timezone": "Asia/Tokyo", "commissioned_at": "2023-01-01"}
    assert api.send("patch", path, both).json()["commissioned_at"] == "2022-12-31T15:00:00Z"


@pytest.mark.parametrize(
    ("changed", "field", "words"), [one for one in WRONG if ... not in one[0].values()]
)
def test_what_can_not_be_changed(api: Api, changed: dict, field: str, words: str) -> None:
    made = register(api)
    error = one_error(api.send("patch", f"meters/{MUID}/", changed))
    assert error["parameter"] == field
    assert words in error["message"] or field == "muid"
    assert api.get(f"meters/{MUID}/").json() == made


def test_a_meter_keeps_its_muid(api: Api) -> None:
    register(api)
    error = one_error(api.send("patch", f"meters/{MUID}/", {"muid": MUIDS[1]}))
    assert "keeps its MUID" in error["message"]
    # Removed before it was commissioned is refused whichever of the two is changed.
    api.send("patch", f"meters/{MUID}/", {"commissioned_at": "2023-06-01"})
    assert_problem(api.send("patch", f"meters/{MUID}/", {"removed_at": "2023-05-01"}), 400)


def test_what_readings_are_in_the_way_of(api: Api) -> None:
    register(api)
    path = f"meters/{MUID}/"
    assert api.send("patch", path, {"timezone": "Europe/Vienna"}).status_code == 200
    with api.customer.tenant.entered():
        start = at("2023-02-01", "Europe/Vienna")
        one = make_register(Meter.objects.get())
        write(one, Readings.steady(start, start + 86_400))
    body = assert_problem(api.send("patch", path, {"timezone": "UTC", "name": "Mill"}), 409)
    assert "manage.py recut --tenant … --meter " + MUID in body["detail"]
    assert [error["parameter"] for error in body["errors"]] == ["timezone"]
    # Nothing of it was done; what has no readings in its way is.
    assert api.get(path).json()["name"] == "Bakery"
    assert api.send("patch", path, {"timezone": "Europe/Vienna"}).status_code == 200
    assert api.send("patch", path, {"name": "Mill", "site": "Mill Street 4"}).status_code == 200
    # No zone at all is a fault of what was sent.
    assert "not a time zone" in one_error(api.send("patch", path, {"timezone": "x"}))["message"]


def test_how_fresh_a_meter_is(api: Api, acme: Customer) -> None:
    now = int(datetime.now(UTC).timestamp()) // 900 * 900
    ago = {"fresh": 3_600, "late": 2 * 86_400, "silent": 5 * 86_400}
    with acme.tenant.entered():
        for state, seconds in ago.items():
            one = make_register(make_meter(name=state, timezone="UTC"))
            write(one, Readings.steady(now - seconds - 9_000, now - seconds))
        make_meter(name="empty")
        make_meter(name="removed", removed_at=datetime.now(UTC) - timedelta(days=1))
    found = {one["name"]: one for one in api.get("meters/").json()["results"]}
    assert {name: one["state"] for name, one in found.items()} == {name: name for name in found}
    for state, seconds in ago.items():
        until = datetime.fromisoformat(found[state]["readings_until"])
        assert until.timestamp() == now - seconds
    assert found["empty"]["readings_until"] is None
    for state in found:
        [one] = api.get("meters/", {"state": state}).json()["results"]
        assert one == found[state]
    error = one_error(api.get("meters/", {"state": "asleep"}))
    assert error["message"].endswith("not one of fresh, late, silent, empty, removed.")
    assert api.get("meters/", {"state": "late", "search": "fresh"}).json()["results"] == []


def test_who_may(acme: Customer, nordwind: Customer, api: Api) -> None:
    register(api)
    path = f"meters/{MUID}/"
    reader = account(acme, email="reader@example.com")
    assert reader.get(path).status_code == 200
    for method, where, permission in (
        ("post", "meters/", "meters.add_meter"),
        ("patch", path, "meters.change_meter"),
    ):
        refused = assert_problem(reader.send(method, where, {"name": "x"}), 403)
        assert f"the permission {permission}" in refused["detail"]
    clerk = account(acme, "meters.add_meter", "meters.change_meter")
    assert clerk.send("post", "meters/", {"name": "x"}).status_code == 201
    assert clerk.send("patch", path, {"name": "y"}).status_code == 200
    assert_problem(clerk.send("patch", path, {"name": "y"}, HTTP_AUTHORIZATION=""), 401)
    outsider = Api(nordwind)
    assert_problem(outsider.send("patch", path, {"name": "theirs"}), 404)
    # Neither another tenant's site nor its meter is there.
    assert one_error(outsider.send("post", "meters/", WHOLE))["parameter"] == "site"
    assert outsider.send("post", "meters/", BODY).status_code == 201
    assert api.get(path).json()["name"] == "y"
    for method in ("put", "delete"):
        assert_problem(api.send(method, path, BODY), 405)


def test_what_there_is_to_know_of_it(api: Api) -> None:
    """OPTIONS answers, and says which methods there are."""
    register(api)
    for path, methods in (("meters/", "GET, POST, HEAD, OPTIONS"), (f"meters/{MUID}/", "PATCH")):
        response = api.send("options", path)
        assert response.status_code == 200
        assert methods in response.headers["allow"]
