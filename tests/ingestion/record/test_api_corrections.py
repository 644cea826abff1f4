"""Corrections by hand and revisions over the API."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import ApiToken, User
from ingestion.models import ReadingRevision, Run
from ingestion.store import Context, store
from meters.models import Register
from tests.conftest import Customer
from tests.ingestion.plant import JANUARY, QUARTER, batch, make_meter, stored
from tests.meters.stored import EXPORT, Api

FIRST = "2023-01-01T01:00:00+01:00"


@pytest.fixture
def register(acme: Customer) -> Register:
    with acme.tenant.entered():
        meter = make_meter("Bakery")
        store(batch(meter.muid, [(JANUARY + i * QUARTER, 0.25) for i in range(92)]))
        return Register.objects.select_related("meter").get(meter=meter)


def post(customer: Customer, register: Register, body: Any, **more: str) -> Any:
    return Client(HTTP_HOST=customer.domain).post(
        f"/api/v1/meters/{register.meter.muid}/corrections/",
        body,
        content_type="application/json",
        **{**customer.bearer, **more},
    )


def body(**changed: object) -> dict[str, object]:
    found = {
        "act": "set",
        "start": FIRST,
        "end": "2023-01-01T01:30:00+01:00",
        "value": 0.5,
        "quality": "substituted",
        "reason": "Stood still.",
        **changed,
    }
    return {name: value for name, value in found.items() if value is not ...}


def test_set_then_restore(acme: Customer, register: Register) -> None:
    done = post(acme, register, body())
    assert done.status_code == 200, done.content
    answer = done.json()
    assert (answer["changed"], answer["unchanged"]) == (2, 0)
    [revision] = answer["revisions"]
    assert revision["author"] == acme.email
    assert revision["replaced"] == [
        {"start": FIRST, "value": 0.25, "quality": "measured"},
        {"start": "2023-01-01T01:15:00+01:00", "value": 0.25, "quality": "measured"},
    ]
    with acme.tenant.entered():
        assert stored(register.meter.muid)[JANUARY] == (0.5, 3)
    again = post(acme, register, body()).json()
    assert (again["changed"], again["unchanged"], again["revisions"]) == (0, 2, [])
    back = post(
        acme, register, {"act": "restore", "revision": revision["id"], "reason": "Was right."}
    )
    assert back.json()["changed"] == 2
    with acme.tenant.entered():
        assert stored(register.meter.muid)[JANUARY] == (0.25, 1)
    listed = Api(acme).get(f"meters/{register.meter.muid}/revisions/").json()
    assert [one["act"] for one in listed["results"]] == ["restore", "set"]
    assert listed["results"][1] == revision


def test_delete_a_local_day(acme: Customer, register: Register) -> None:
    done = post(acme, register, body(act="delete", start="2023-01-01", end="2023-01-02"))
    assert done.json()["changed"] == 92
    with acme.tenant.entered():
        assert stored(register.meter.muid) == {}
    answer = Api(acme).readings(
        register.meter.muid, start="2023-01-01", end="2023-01-02", resolution="P1D"
    )
    assert answer["series"][0]["rows"][0]["value"] is None


@pytest.mark.parametrize(
    ("changed", "field", "words"),
    [
        ({"act": "mend"}, "act", "one of set, delete, restore"),
        ({"act": ...}, "act", "one of set, delete, restore"),
        ({"act": ["set"]}, "act", "one of set"),
        ({"reason": ...}, "reason", "needed"),
        ({"reason": "  "}, "reason", "Say why"),
        ({"reason": 7}, "reason", "a text"),
        ({"reason": "a\0b"}, "reason", "at most 200"),
        ({"start": "2023-01-01T00:00"}, "start", "no offset"),
        ({"start": ...}, "start", "needed"),
        ({"end": "2022-01-01"}, "end", "after the start"),
        ({"end": "2025-01-01"}, "end", "At most 367 days"),
        ({"value": "0.5"}, "value", "a number"),
        ({"value": True}, "value", "a number"),
        ({"value": 1e10}, "value", "no number that a meter"),
        ({"value": 1e301}, "value", "a number"),
        ({"value": None, "quality": None}, "value", "a value, a quality or both"),
        ({"quality": "missing"}, "quality", "one of measured"),
        ({"quality": {}}, "quality", "one of measured"),
        ({"register": "nonsense"}, "register", "OBIS"),
        ({"register": EXPORT}, "register", "it has 1-0:1.29.0*255"),
        ({"act": "restore"}, "revision", "no such revision"),
        ({"act": "restore", "revision": 10**30}, "revision", "whole number"),
        ({"seen": -1}, "seen", "whole number"),
        ({"revision": {}}, "revision", "whole number"),
        ({"act": "delete", "value": "0.5"}, "value", "a number"),
        ({"act": "restore", "quality": "missing"}, "quality", "one of measured"),
        ({"valeu": 1}, "valeu", "not a field"),
    ],
)
def test_what_is_wrong_is_said(
    acme: Customer, register: Register, changed: dict[str, object], field: str, words: str
) -> None:
    response = post(acme, register, body(**changed))
    assert response.status_code == 400, response.content
    assert response.headers["content-type"] == "application/problem+json"
    errors = response.json()["errors"]
    assert field in {error["parameter"] for error in errors}
    assert words in " ".join(error["message"] for error in errors)
    with acme.tenant.entered():
        assert not ReadingRevision.objects.exists()


@pytest.mark.parametrize("sent", ["[]", '"x"', "null", "{", "[[[", "7"])
def test_what_is_no_object(acme: Customer, register: Register, sent: str) -> None:
    assert post(acme, register, sent).status_code == 400


def test_what_changed_meanwhile(acme: Customer, register: Register) -> None:
    response = post(acme, register, body(seen=0))
    assert response.status_code == 409
    assert response.json()["detail"].startswith("These readings have changed since")


def test_others_may_not(acme: Customer, nordwind: Customer, register: Register) -> None:
    assert post(nordwind, register, body()).status_code == 404
    assert post(acme, register, body(), HTTP_AUTHORIZATION="Bearer lg_no").status_code == 401
    with acme.tenant.entered():
        reader = User.objects.create_user("reader@example.com")
        _, token = ApiToken.objects.create(user=reader)
    response = post(acme, register, body(), HTTP_AUTHORIZATION=f"Bearer {token}")
    assert response.status_code == 403
    assert response.json()["detail"] == "Readings are corrected by staff alone."
    # Not by a page of another site, either.
    signed_in = acme.client()
    signed_in.handler.enforce_csrf_checks = True
    path = f"/api/v1/meters/{register.meter.muid}/corrections/"
    assert signed_in.post(path, body(), content_type="application/json").status_code == 403
    api = Api(nordwind)
    assert api.get(f"meters/{register.meter.muid}/revisions/").status_code == 404


def test_revisions_are_narrowed_down(acme: Customer, register: Register) -> None:
    with acme.tenant.entered():
        other = make_meter("Mill")
        rows = [(JANUARY + i * QUARTER, 1.0) for i in range(3 * 96)]
        store(batch(other.muid, rows))
        run = Run.objects.create(trigger=Run.Trigger.COMMAND)
        changed = [(when, 2.0) for when, _ in rows]
        store(batch(other.muid, changed), context=Context(run=run))
    post(acme, register, body())
    api = Api(acme)

    def found(path: str = "revisions/", **query: object) -> list[tuple[str, str]]:
        response = api.get(path, query)
        assert response.status_code == 200, response.content
        return [(one["act"], one["day"]) for one in response.json()["results"]]

    assert found()[0] == ("set", "2023-01-01")
    assert len(found()) == 5
    assert len(found(meter=other.muid)) == 4
    assert len(found(act="source")) == 4
    assert len(found(act="set")) == 1
    assert len(found(run=run.pk)) == 4
    assert found(register=EXPORT) == []
    assert found(since="2099-01-01") == []
    own = f"meters/{other.muid}/revisions/"
    assert found(own, start="2023-01-02", end="2023-01-04") == [
        ("source", "2023-01-03"),
        ("source", "2023-01-02"),
    ]
    assert len(found(page_size=2)) == 2
    for query, parameter in [
        ({"meter": "x"}, "meter"),
        ({"act": "sent"}, "act"),
        ({"since": "yesterday"}, "since"),
        ({"run": "-1"}, "run"),
        ({"page": "9"}, "page"),
        ({"sicne": "2023-01-01"}, "sicne"),
    ]:
        response = api.get("revisions/", query)
        assert response.status_code == 400
        assert [error["parameter"] for error in response.json()["errors"]] == [parameter]
