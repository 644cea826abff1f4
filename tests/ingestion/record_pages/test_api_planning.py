"""Runs planned, cancelled and done again over the API, by staff."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.models import User
from ingestion.models import Feed, Outcome, Run, Source
from ingestion.services import plan_run
from meters.models import Meter
from tests.conftest import Customer
from tests.ingestion.plant import make_meter, make_source
from tests.meters.stored import Api, account
from tests.meters.test_api_problems import assert_problem, one_error

NOWHERE = "00000000-0000-0000-0000-000000000000"


@pytest.fixture
def meters(acme: Customer) -> dict[str, str]:
    """Two meters of one source, one of another, and one of none."""
    with acme.tenant.entered():
        made = {name: make_meter(name) for name in ("Roof", "Cellar", "Well", "Attic")}
        make_source("https://a.example.com", made["Roof"], made["Cellar"], name="Grid operator")
        make_source("https://b.example.com", made["Well"], name="Water")
        make_source("https://c.example.com", name="Idle")
        return {name: str(meter.muid) for name, meter in made.items()}


@pytest.fixture
def api(acme: Customer, meters: dict[str, str]) -> Api:
    return Api(acme)


def waiting(api: Api) -> list[Run]:
    with api.customer.tenant.entered():
        return list(Run.objects.select_related("source").order_by("pk"))


def test_of_a_source(api: Api) -> None:
    response = api.send("post", "runs/", {"source": "Grid operator"})
    assert response.status_code == 202, response.content
    run = response.json()
    address = f"http://{api.customer.domain}/api/v1/runs/{run['id']}/"
    assert response.headers["location"] == address
    assert api.client.get(address, **api.customer.bearer).json() == run
    assert (run["source"], run["state"], run["trigger"]) == ("Grid operator", "queued", "admin")
    assert (run["start"], run["stop"], run["only"]) == (None, None, [])
    # As after any sweep, the next one is due in its time.
    [planned] = waiting(api)
    assert planned.source
    assert planned.source.next_sweep_at > timezone.now()
    by_number = api.send("post", "runs/", {"source": planned.source.pk})
    assert by_number.json()["source"] == "Grid operator"


def test_of_meters_and_a_window(api: Api, meters: dict[str, str]) -> None:
    body = {
        "meters": [meters["Roof"], meters["Cellar"].upper(), meters["Roof"]],
        "start": "2023-02-01",
        "stop": "2023-02-03T00:00:00+01:00",
    }
    run = api.send("post", "runs/", body).json()
    assert run["only"] == [meters["Roof"], meters["Cellar"]]
    assert (run["start"], run["stop"]) == ("2023-02-01T00:00:00Z", "2023-02-02T23:00:00Z")
    both = {"meters": [meters["Well"]], "source": "Water", "start": None}
    assert api.send("post", "runs/", both).json()["source"] == "Water"
    # A meter that sweeps leave out is asked for where somebody names it.
    with api.customer.tenant.entered():
        Feed.objects.update(is_active=False)
    assert api.send("post", "runs/", {"meters": [meters["Well"]]}).status_code == 202


@pytest.mark.parametrize(
    ("body", "status", "field", "words"),
    [
        ({}, 400, "source", "which source to ask, or which meters"),
        ({"source": "Grid"}, 400, "source", "no source “Grid” here"),
        ({"source": None}, 400, "source", "not null"),
        ({"source": "Idle"}, 409, "source", "“Idle” feeds no meter"),
        ({"meters": []}, 400, "meters", "names no meter"),
        ({"meters": None}, 400, "meters", "not null"),
        ({"meters": "Roof"}, 400, "meters", "a list of MUIDs"),
        ({"meters": {"Roof": 1}}, 400, "meters", "a list of MUIDs"),
        ({"meters": ["Roof", "x"]}, 400, "meters", "“x” is no MUID"),
        ({"meters": ["Roof", 7]}, 400, "meters", "a text"),
        ({"meters": ["Roof", [["Roof"]]]}, 400, "meters", "a text"),
        ({"meters": ["Roof", NOWHERE]}, 400, "meters", f"no meter {NOWHERE} here"),
        ({"meters": [NOWHERE] * 10_001}, 400, "meters", "At most 10,000"),
        ({"meters": ["Roof", "Attic"]}, 409, "meters", "No source feeds the meter"),
        ({"meters": ["Roof", "Well"]}, 409, "meters", "“Grid operator”, “Water”. Plan a run for"),
        ({"meters": ["Well"], "source": "Idle"}, 409, "meters", "“Idle” does not feed"),
        ({"source": "Water", "start": "2023-02-01T00:00"}, 400, "start", "no offset"),
        ({"source": "Water", "start": 5}, 400, "start", "This is a text"),
        ({"source": "Water", "start": "1800-01-01"}, 400, "start", "1800"),
        ({"source": "Water", "start": "2099-01-01"}, 400, "start", "the future"),
        (
            {"source": "Water", "start": "2023-02-02", "stop": "2023-02-02"},
            400,
            "stop",
            "ends before",
        ),
        (
            {"source": "Water", "start": "2023-02-02", "stop": "2023-02-01"},
            400,
            "stop",
            "ends before",
        ),
        ({"source": "Water", "end": "2023-02-02"}, 400, "end", "“stop”"),
        ({"source": "Water", "meter": "Well"}, 400, "meter", "“meters”"),
        ({"source": "Water", "trigger": "file"}, 400, "trigger", "not a field here"),
    ],
)
def test_what_can_not_be_planned(
    api: Api, meters: dict[str, str], body: dict[str, Any], status: int, field: str, words: str
) -> None:
    if isinstance(body.get("meters"), list):
        named = [meters.get(one, one) if isinstance(one, str) else one for one in body["meters"]]
        body = {**body, "meters": named}
    problem = assert_problem(api.send("post", "runs/", body), status)
    [error] = problem["errors"]
    assert error["parameter"] == field
    assert words in error["message"]
    assert waiting(api) == []


def test_unknown_meters_are_named(api: Api, meters: dict[str, str]) -> None:
    unknown = [str(uuid4()) for _ in range(12)]
    body = {"meters": [meters["Roof"], *unknown]}
    [error] = assert_problem(api.send("post", "runs/", body), 400)["errors"]
    assert all(muid in error["message"] for muid in unknown[:10])
    assert "and 2 more here" in error["message"]
    assert meters["Roof"] not in error["message"]


def test_cancelled_and_done_again(api: Api, meters: dict[str, str]) -> None:
    run = api.send("post", "runs/", {"meters": [meters["Roof"]], "start": "2023-02-01"}).json()
    path = f"runs/{run['id']}/"
    early = assert_problem(api.send("post", f"{path}retry/"), 409)
    assert early["detail"] == f"Run {run['id']} can't be done again: queued."
    cancelled = api.send("post", f"{path}cancel/")
    assert cancelled.status_code == 200, cancelled.content
    assert cancelled.json()["state"] == "cancelled"
    assert cancelled.json()["error"].startswith(f"Cancelled by {api.customer.email}.")
    twice = assert_problem(api.send("post", f"{path}cancel/"), 409)
    assert twice["detail"] == f"Run {run['id']} has ended already: cancelled."
    again = api.send("post", f"{path}retry/", {})
    assert again.status_code == 202
    assert again.headers["location"].endswith(f"/api/v1/runs/{again.json()['id']}/")
    assert again.json()["id"] != run["id"]
    assert (again.json()["only"], again.json()["start"]) == (run["only"], run["start"])
    assert "not a field" in one_error(api.send("post", f"{path}retry/", {"x": 1}))["message"]
    for action in ("cancel", "retry"):
        assert_problem(api.send("post", f"runs/7000000/{action}/"), 404)
        assert_problem(api.get(f"{path}{action}/"), 405)


def test_only_what_failed_is_done_again(api: Api, meters: dict[str, str]) -> None:
    with api.customer.tenant.entered():
        run = plan_run(source=Source.objects.get(name="Grid operator"), trigger=Run.Trigger.COMMAND)
        Run.objects.update(state=Run.State.PARTIAL)
        Outcome.objects.create(run=run, meter=Meter.objects.get(name="Cellar"), error="404")
        sent = Run.objects.create(trigger=Run.Trigger.API, state=Run.State.FAILED)
    assert api.send("post", f"runs/{run.pk}/retry/").json()["only"] == [meters["Cellar"]]
    for action in ("cancel", "retry"):
        assert_problem(api.send("post", f"runs/{sent.pk}/{action}/"), 409)


def test_who_may(acme: Customer, nordwind: Customer, api: Api, meters: dict[str, str]) -> None:
    with acme.tenant.entered():
        run = plan_run(source=Source.objects.get(name="Water"), trigger=Run.Trigger.COMMAND)
    body = {"source": "Water"}
    sent = [
        ("runs/", body, 202),
        (f"runs/{run.pk}/cancel/", None, 200),
        (f"runs/{run.pk}/retry/", None, 202),
    ]
    reader = account(acme, "ingestion.add_run", "ingestion.change_run")
    staff = account(acme, staff=True, email="staff@example.com")
    outsider = Api(nordwind)
    for path, said, _ in sent:
        assert "by staff alone" in assert_problem(reader.send("post", path, said), 403)["detail"]
        assert_problem(reader.send("post", path, said, HTTP_AUTHORIZATION=""), 401)
        assert_problem(outsider.send("post", path, said), 400 if path == "runs/" else 404)
    named = {"meters": [meters["Roof"]]}
    assert "no meter" in one_error(outsider.send("post", "runs/", named))["message"]
    assert len(waiting(api)) == 1
    assert [staff.send("post", path, said).status_code for path, said, _ in sent] == [
        status for _, _, status in sent
    ]
    # A page elsewhere can't make a browser that is signed in do any of it.
    browser: Client = acme.client()
    browser.handler.enforce_csrf_checks = True
    for path, said, _ in sent:
        answer = browser.post(f"/api/v1/{path}", said or {}, content_type="application/json")
        assert answer.status_code == 403


def test_start_of_today_is_not_the_future(api: Api) -> None:
    now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    assert api.send("post", "runs/", {"source": "Water", "start": now}).status_code == 202


def test_a_key_plans_it_once(api: Api, nordwind: Customer) -> None:
    key = {"HTTP_IDEMPOTENCY_KEY": "8e03978e-40d5-43dd-bc93-6894a57f9324"}
    body = {"source": "Grid operator", "start": "2023-02-01", "stop": "2023-02-03"}
    first, again = (api.send("post", "runs/", body, **key) for _ in range(2))
    assert first.status_code == again.status_code == 202
    assert first.json() == again.json()
    assert first.headers["location"] == again.headers["location"]
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    # In another order and notation it says the same.
    assert api.send("post", "runs/", json.dumps(dict(reversed(body.items())), indent=1), **key)
    assert len(waiting(api)) == 1
    other = api.send("post", "runs/", {"source": "Water"}, **key)
    assert "was sent with another request before" in assert_problem(other, 422)["detail"]
    # Without a key each request is one of its own, and so is each person's key.
    assert api.send("post", "runs/", body).status_code == 202
    clerk = account(api.customer, staff=True)
    assert clerk.send("post", "runs/", body, **key).status_code == 202
    assert len(waiting(api)) == 3


def test_a_mistake_leaves_the_key_free(api: Api) -> None:
    key = {"HTTP_IDEMPOTENCY_KEY": "k"}
    for body, status in (({"source": "Nobody"}, 400), ({"source": "Idle"}, 409)):
        assert_problem(api.send("post", "runs/", body, **key), status)
    assert api.send("post", "runs/", {"source": "Water"}, **key).status_code == 202
    for none in ("", "x" * 256, "schlüssel"):
        answer = api.send("post", "runs/", {"source": "Water"}, HTTP_IDEMPOTENCY_KEY=none)
        assert "Idempotency-Key holds 1 to 255" in assert_problem(answer, 400)["detail"]
    assert len(waiting(api)) == 1


def test_while_it_is_being_planned(api: Api) -> None:
    """Another connection holds the key, as a request does until its transaction ends."""
    with api.customer.tenant.entered():
        person = User.objects.get(email=api.customer.email).pk
    with psycopg.connect(**connection.get_connection_params()) as other:
        other.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s || %s, 0))",
            [api.customer.tenant.schema_name, f" answer {person} k"],
        )
        answer = api.send("post", "runs/", {"source": "Water"}, HTTP_IDEMPOTENCY_KEY="k")
        assert "is being answered" in assert_problem(answer, 409)["detail"]
    assert waiting(api) == []
