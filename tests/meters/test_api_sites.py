"""Sites over the API: made, changed, listed, and deleted where nothing hangs on them."""

import pytest
from django.contrib.admin.models import LogEntry

from meters.models import Meter, Site
from tests.conftest import Customer
from tests.meters.stored import Api, account, make_meter, statements
from tests.meters.test_api_meters import DOOR, assert_asked
from tests.meters.test_api_problems import assert_problem, one_error


@pytest.fixture
def api(acme: Customer) -> Api:
    return Api(acme)


def make(api: Api, name: str = "Mill Street 4", **more: object) -> dict:
    response = api.send("post", "sites/", {"name": name, **more})
    assert response.status_code == 201, response.content
    return response.json()


def names(api: Api, **query: object) -> list[str]:
    response = api.get("sites/", query)
    assert response.status_code == 200, response.content
    return [site["name"] for site in response.json()["results"]]


def test_made_got_changed_and_deleted(api: Api) -> None:
    response = api.send("post", "sites/", {"name": " Mill Street 4 ", "address": "8000 Zurich"})
    assert response.status_code == 201
    made = response.json()
    assert made == {
        "id": made["id"],
        "name": "Mill Street 4",
        "address": "8000 Zurich",
        "meters": 0,
        "url": f"http://{api.customer.domain}/api/v1/sites/{made['id']}/",
    }
    assert response.headers["location"] == made["url"]
    path = f"sites/{made['id']}/"
    assert api.get(path).json() == made
    changed = api.send("patch", path, {"address": ""})
    assert changed.json() == {**made, "address": ""}
    # The same again changes nothing, and nothing is logged.
    assert api.send("patch", path, {"address": ""}).json() == changed.json()
    assert api.send("patch", path, {}).json() == changed.json()
    with api.customer.tenant.entered():
        log = list(LogEntry.objects.order_by("pk").values_list("change_message", "user__email"))
    assert log == [
        ("Made over the API.", api.customer.email),
        ("Over the API: address was 8000 Zurich.", api.customer.email),
    ]
    gone = api.send("delete", path)
    assert (gone.status_code, gone.content) == (204, b"")
    assert_problem(api.get(path), 404)
    assert_problem(api.send("delete", path), 404)


def test_one_at_which_a_meter_stands_is_not_deleted(api: Api) -> None:
    made = make(api)
    with api.customer.tenant.entered():
        make_meter(site=Site.objects.get())
    assert api.get(f"sites/{made['id']}/").json()["meters"] == 1
    body = assert_problem(api.send("delete", f"sites/{made['id']}/"), 409)
    assert body["detail"] == "1 meter stands at “Mill Street 4”. Put them elsewhere first."
    assert body["errors"][0]["parameter"] == "meters"
    with api.customer.tenant.entered():
        Meter.objects.update(site=None)
    assert api.send("delete", f"sites/{made['id']}/").status_code == 204


def test_a_name_is_taken_once(api: Api) -> None:
    make(api)
    other = make(api, "Mill Street 6")
    again = assert_problem(api.send("post", "sites/", {"name": "Mill Street 4"}), 409)
    assert again["detail"] == "There is a site “Mill Street 4” already."
    renamed = api.send("patch", f"sites/{other['id']}/", {"name": "Mill Street 4"})
    assert_problem(renamed, 409)
    assert names(api) == ["Mill Street 4", "Mill Street 6"]


@pytest.mark.parametrize(
    ("body", "field", "words"),
    [
        ({}, "name", "needed"),
        ({"name": ""}, "name", "can't be empty"),
        ({"name": " \t"}, "name", "can't be empty"),
        ({"name": None}, "name", "not null"),
        ({"name": 7}, "name", "a text"),
        ({"name": True}, "name", "a text"),
        ({"name": ["x"]}, "name", "a text"),
        ({"name": {}}, "name", "a text"),
        ({"name": "a\0b"}, "name", "Null characters"),
        ({"name": "x" * 101}, "name", "At most 100 characters"),
        ({"name": "x", "address": "y" * 100_000}, "address", "At most 200 characters"),
        ({"name": "x", "adress": "y"}, "adress", "did you mean address?"),
        ({"name": "x", "id": 3}, "id", "not a field here"),
        ({"name": "x", "meters": []}, "meters", "PATCH /api/v1/meters/{muid}/"),
    ],
)
def test_what_can_not_be_taken(api: Api, body: dict, field: str, words: str) -> None:
    error = one_error(api.send("post", "sites/", body))
    assert error["parameter"] == field
    assert words in error["message"]
    assert error["example"]
    assert names(api) == []


@pytest.mark.parametrize("sent", ["[]", "7", '"x"', "null", "{", "{]", "\0", "[" * 100_000])
def test_what_is_no_object(api: Api, sent: str) -> None:
    body = assert_problem(api.send("post", "sites/", sent), 400)
    assert "JSON" in body["detail"]
    assert assert_problem(api.send("post", "sites/", b'{"name": "\xff"}'), 400)
    assert assert_problem(api.send("post", "sites/", r'{"name": "\ud800"}'), 400)


def test_bodies_that_are_refused_as_a_whole(api: Api) -> None:
    large = api.send("post", "sites/", '{"name": "' + "x" * 1_048_576 + '"}')
    assert "larger than 1.0" in assert_problem(large, 413)["detail"]
    packed = api.send("post", "sites/", {"name": "x"}, HTTP_CONTENT_ENCODING="gzip")
    assert "without Content-Encoding" in assert_problem(packed, 415)["detail"]
    form = api.client.post("/api/v1/sites/", {"name": "x"}, **api.customer.bearer)
    assert assert_problem(form, 415)["detail"].endswith("send application/json.")
    # However many names there are that are no field's, not all are told.
    many = assert_problem(api.send("post", "sites/", {f"f{i}": 1 for i in range(5000)}), 400)
    assert len(many["errors"]) < 30
    assert names(api) == []


def test_lists(api: Api) -> None:
    for name, address in (("Roof", "A"), ("Cellar", "Mill lane"), ("Attic", "B")):
        make(api, name, address=address)
    assert names(api) == ["Attic", "Cellar", "Roof"]
    assert names(api, ordering="-name") == ["Roof", "Cellar", "Attic"]
    assert names(api, ordering="id") == ["Roof", "Cellar", "Attic"]
    assert names(api, search="mill") == ["Cellar"]
    assert [names(api, page_size=1, page=n) for n in (1, 2, 3)] == [["Attic"], ["Cellar"], ["Roof"]]
    for query, field in (
        ({"ordering": "address"}, "ordering"),
        ({"page": "9"}, "page"),
        ({"serach": "x"}, "serach"),
        ({"search": "\0"}, "search"),
    ):
        assert one_error(api.get("sites/", query))["parameter"] == field
    assert_problem(api.get("sites/7000000/"), 404)
    assert_problem(api.get(f"sites/{10**30}/"), 404)
    assert_problem(api.send("patch", "sites/7000000/", {"name": "x"}), 404)
    # One question for how many meters stand where.
    assert_asked(lambda: api.get("sites/"), [*DOOR, "COUNT(*)", "meters_site"])
    with statements() as sent:
        api.get("sites/")
    assert 'COUNT("meters_meter"."id")' in sent[-1]


def test_who_may(acme: Customer, nordwind: Customer) -> None:
    made = make(Api(acme))
    path = f"sites/{made['id']}/"
    reader = account(acme, email="reader@example.com")
    assert reader.get("sites/").status_code == reader.get(path).status_code == 200
    clerk = account(acme, "meters.add_site", "meters.change_site")
    body = {"name": "Other"}
    for method, where, permission in (
        ("post", "sites/", "meters.add_site"),
        ("patch", path, "meters.change_site"),
        ("delete", path, "meters.delete_site"),
    ):
        refused = assert_problem(reader.send(method, where, body), 403)
        assert permission in refused["detail"]
    assert clerk.send("patch", path, {"address": "x"}).status_code == 200
    assert clerk.send("post", "sites/", body).status_code == 201
    assert_problem(clerk.send("delete", path), 403)
    assert_problem(clerk.send("post", "sites/", body, HTTP_AUTHORIZATION="Bearer lg_no"), 401)
    # Staff of the admin without the permission may no more here than there.
    staff = account(acme, staff=True, email="staff@example.com")
    assert_problem(staff.send("post", "sites/", {"name": "Third"}), 403)
    outsider = Api(nordwind)
    for method in ("get", "patch", "delete"):
        assert_problem(outsider.send(method, path, body), 404)
    assert names(outsider) == []
    assert Api(acme).get(path).json()["name"] == "Mill Street 4"
