"""A meter's source over the API: set, changed and taken away, by staff."""

from uuid import uuid4

import pytest
from django.contrib.admin.models import LogEntry
from django.utils import timezone

from ingestion.models import Feed, Source
from meters.models import Meter
from tests.conftest import Customer
from tests.ingestion.plant import make_meter, make_source
from tests.meters.stored import Api, account
from tests.meters.test_api_problems import assert_problem, one_error

PERMISSIONS = ("ingestion.change_feed", "ingestion.delete_feed")


@pytest.fixture
def api(acme: Customer) -> Api:
    return Api(acme)


@pytest.fixture
def path(acme: Customer) -> str:
    with acme.tenant.entered():
        make_source("https://a.example.com", name="Grid operator")
        make_source("https://b.example.com", name="Water")
        return f"meters/{make_meter('Bakery').muid}/source/"


def test_set_changed_and_taken_away(api: Api, path: str) -> None:
    none = assert_problem(api.get(path), 404)
    assert none["detail"].endswith("has no source. Set one with PUT.")
    made = api.send("put", path, {"source": "Grid operator"})
    assert made.status_code == 201, made.content
    with api.customer.tenant.entered():
        grid, water = Source.objects.order_by("name")
    assert made.json() == {
        "meter": path.split("/")[1],
        "source": "Grid operator",
        "source_id": grid.pk,
        "is_active": True,
        "last_success_at": None,
        "last_error": "",
        "failures": 0,
        "retry_at": None,
        "given_up_at": None,
        "last_run": None,
    }
    assert api.get(path).json() == made.json()
    meter = api.get(path.replace("source/", "")).json()
    assert meter["source"] == "Grid operator"
    assert api.get("meters/", {"source": "Grid operator"}).json()["results"] == [meter]
    assert api.get("meters/", {"source": "Water"}).json()["results"] == []

    # The same again changes nothing, a meter's failures neither; another source begins anew.
    with api.customer.tenant.entered():
        Feed.objects.update(failures=6, given_up_at=timezone.now(), last_error="404")
    for said in ("Grid operator", grid.pk):
        again = api.send("put", path, {"source": said})
        assert again.status_code == 200
        assert (again.json()["failures"], again.json()["last_error"]) == (6, "404")
    moved = api.send("put", path, {"source": water.pk}).json()
    assert (moved["source"], moved["failures"], moved["given_up_at"]) == ("Water", 0, None)
    assert moved["last_error"] == ""
    idle = api.send("put", path, {"source": "Water", "is_active": False}).json()
    assert idle["is_active"] is False
    # PUT says all of it: what is left out is as usual.
    assert api.send("put", path, {"source": "Water"}).json()["is_active"] is True

    assert api.send("delete", path).status_code == 204
    assert_problem(api.send("delete", path), 404)
    assert_problem(api.get(path), 404)
    with api.customer.tenant.entered():
        pk = Meter.objects.get().pk
        log = list(LogEntry.objects.order_by("pk").values_list("object_id", "change_message"))
    assert {key for key, _ in log} == {str(pk)}
    assert [words for _, words in log] == [
        "Over the API: source set to “Grid operator”.",
        "Over the API: source was “Grid operator”, is “Water”, asked.",
        "Over the API: source was “Water”, is “Water”, not asked.",
        "Over the API: source was “Water”, is “Water”, asked.",
        "Over the API: source was “Water”, is none.",
    ]


@pytest.mark.parametrize(
    ("body", "field", "words"),
    [
        ({}, "source", "needed"),
        ({"source": None}, "source", "not null"),
        ({"source": "Grid"}, "source", "no source “Grid” here"),
        ({"source": "\0"}, "source", "no source"),
        ({"source": "x" * 100_000}, "source", "no source"),
        ({"source": 7_000_000}, "source", "no source 7000000 here"),
        ({"source": -1}, "source", "no source -1 here"),
        ({"source": 2**62}, "source", "no source"),
        ({"source": 1.5}, "source", "number or the name"),
        ({"source": True}, "source", "number or the name"),
        ({"source": ["Water"]}, "source", "number or the name"),
        ({"source": "Water", "is_active": 1}, "is_active", "true or false"),
        ({"source": "Water", "is_active": None}, "is_active", "true or false"),
        ({"source": "Water", "active": True}, "active", "did you mean is_active?"),
    ],
)
def test_what_can_not_be_taken(
    api: Api, path: str, body: dict[str, object], field: str, words: str
) -> None:
    error = one_error(api.send("put", path, body))
    assert error["parameter"] == field
    assert words in error["message"]
    with api.customer.tenant.entered():
        assert not Feed.objects.exists()


def test_who_may(acme: Customer, nordwind: Customer, api: Api, path: str) -> None:
    body = {"source": "Water"}
    clerk = account(acme, *PERMISSIONS)
    staff = account(acme, staff=True, email="staff@example.com")
    both = account(acme, *PERMISSIONS, staff=True, email="both@example.com")
    assert_problem(clerk.get(path), 403)
    for method in ("put", "delete"):
        assert_problem(clerk.send(method, path, body), 403)
        assert_problem(staff.send(method, path, body), 403)
        assert_problem(Api(nordwind).send(method, path, body), 404)
        assert_problem(both.send(method, f"meters/{uuid4()}/source/", body), 404)
    assert_problem(Api(nordwind).get(path), 404)
    assert clerk.client.head(f"/api/v1/{path}", **clerk.customer.bearer).status_code == 403
    assert both.send("put", path, body).status_code == 201
    assert staff.get(path).status_code == 200
    # Another tenant's source is none here, by name or number.
    with nordwind.tenant.entered():
        theirs = make_source("https://c.example.com", name="Theirs")
        Source.objects.filter(pk=theirs.pk).update(id=theirs.pk + 70_000)
    for said in ("Theirs", theirs.pk + 70_000):
        assert "no source" in one_error(both.send("put", path, {"source": said}))["message"]
    assert both.send("delete", path).status_code == 204
    for method in ("post", "patch"):
        assert_problem(both.send(method, path, body), 405)
