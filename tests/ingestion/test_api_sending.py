"""`POST /api/v1/readings/`: what programs send, once and again."""

import gzip
import json
import re
from html import unescape
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from django.conf import LazySettings
from django.db import connection
from django.http import HttpResponse

from accounts.models import User
from ingestion.api import readings_examples as examples
from ingestion.idempotency import KeptAnswer
from ingestion.models import RejectedReading, Run
from meters.models import Meter
from tests.conftest import Customer
from tests.ingestion.plant import JANUARY, make_meter, stored
from tests.meters.test_api_problems import assert_problem

ADDRESS = "/api/v1/readings/"
CSV = "Zeit;Bezug [kWh]\n01.01.2023 01:00;0,5\n01.01.2023 01:15;1,5\n"


def send(
    customer: Customer, body: Any, query: str = "", kind: str = "application/json", **headers: str
) -> HttpResponse:
    data = body if isinstance(body, str | bytes) else json.dumps(body)
    client = customer.client(signed_in=False)
    return client.post(f"{ADDRESS}{query}", data, content_type=kind, **(customer.bearer | headers))


@pytest.fixture
def meter(in_acme: Customer) -> Meter:
    return make_meter("Mine")


def row(muid: object, timestamp: str, value: float) -> dict[str, Any]:
    return {
        "timestamp": timestamp,
        "measurement": "energy",
        "tags": {"muid": str(muid), "quality": "measured"},
        "0100011D00FF": value,
    }


def payload(meter: Meter, *values: float) -> dict[str, Any]:
    times = ["2023-01-01T00:00:00Z", "2023-01-01T00:15:00Z", "2023-01-01T00:30:00Z"]
    return {"data": [row(meter.muid, at, value) for at, value in zip(times, values, strict=False)]}


def test_the_upstream_s_payload(in_acme: Customer, meter: Meter) -> None:
    answer = send(in_acme, payload(meter, 1, 2))
    assert answer.status_code == 200, answer.content
    body = answer.json()
    assert {name: body[name] for name in ("new", "corrected", "unchanged", "rejected")} == {
        "new": 2,
        "corrected": 0,
        "unchanged": 0,
        "rejected": 0,
    }
    assert stored(meter.muid) == {JANUARY: (1, 1), JANUARY + 900: (2, 1)}
    run = Run.objects.get(pk=body["run"])
    assert (run.trigger, run.person, run.state) == ("api", in_acme.email, "succeeded")
    assert body["page"] == f"http://{in_acme.domain}/ingestion/runs/{run.pk}/"
    again = send(in_acme, payload(meter, 1, 3)["data"]).json()
    assert (again["new"], again["corrected"], again["unchanged"]) == (0, 1, 1)


def test_csv_with_what_has_to_be_said(in_acme: Customer, meter: Meter) -> None:
    query = f"?meter={meter.muid}"
    problem = assert_422(send(in_acme, CSV, query, "text/csv"))
    assert "The times carry no offset. Name the zone" in problem["detail"]
    assert not Run.objects.exists()
    query += "&timezone=Europe/Zurich"
    body = send(in_acme, CSV.encode("cp1252"), query, "text/csv; charset=windows-1252").json()
    assert body["new"] == 2
    assert "Numbers are written like 1234,5." in body["assumed"]
    assert stored(meter.muid) == {JANUARY: (0.5, 7), JANUARY + 900: (1.5, 7)}
    query += "&mapping=B%3Dvalue+register%3D2.29.0+unit%3DkW&power_as_energy=true&interval=PT15M"
    body = send(in_acme, CSV, f"{query}&interval_mark=end", "text/csv").json()
    assert body["new"] == 2
    assert stored(meter.muid, "1-0:2.29.0*255") == {
        JANUARY - 900: (0.125, 7),
        JANUARY: (0.375, 7),
    }


def assert_422(answer: HttpResponse) -> dict[str, Any]:
    assert answer.status_code == 422, answer.content
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.json()  # type: ignore[attr-defined, no-any-return]


def test_what_is_refused_is_told_and_kept(in_acme: Customer, meter: Meter) -> None:
    rows = payload(meter, 1)["data"]
    rows += [row(uuid4(), "2023-01-01T00:00:00Z", 1), row(meter.muid, "2023-01-01T00:00:00", 1), 7]
    body = send(in_acme, rows).json()
    assert (body["new"], body["rejected"]) == (1, 3)
    assert sorted(one["row"] for one in body["rejections"]) == [2, 3, 4]
    assert all(one["message"] and one["raw"] for one in body["rejections"])
    assert RejectedReading.objects.filter(run=body["run"]).count() == 3
    assert Run.objects.get(pk=body["run"]).state == Run.State.SUCCEEDED
    nothing = assert_422(send(in_acme, rows[2:]))
    assert "Not one reading could be stored. The first one, in row 1: " in nothing["detail"]
    assert Run.objects.count() == 2


def test_a_key_does_it_once(in_acme: Customer, meter: Meter) -> None:
    key = {"HTTP_IDEMPOTENCY_KEY": "8e03978e-40d5-43dd-bc93-6894a57f9324"}
    first = send(in_acme, payload(meter, 1, 2), **key)
    again = send(in_acme, payload(meter, 1, 2), **key)
    assert first.status_code == again.status_code == 200
    assert first.json() == again.json()
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert Run.objects.count() == 1
    other = assert_422(send(in_acme, payload(meter, 1, 3), **key))
    assert "was sent with another request before" in other["detail"]
    assert assert_422(send(in_acme, payload(meter, 1, 2), f"?meter={meter.muid}", **key))
    assert stored(meter.muid)[JANUARY + 900] == (2, 1)
    # After its day a key is as good as any.
    KeptAnswer.objects.update(expires_at="2020-01-01T00:00Z")
    assert send(in_acme, payload(meter, 1, 3), **key).json()["corrected"] == 1


def test_a_refusal_is_repeated_and_a_mistake_is_not(in_acme: Customer, meter: Meter) -> None:
    key = {"HTTP_IDEMPOTENCY_KEY": "k"}
    assert send(in_acme, "{", **key).status_code == 400
    assert not KeptAnswer.objects.exists()
    # A NUL in what is quoted has to survive being kept.
    rows = [row(meter.muid, "2023-01-01\0", 1)]
    first = assert_422(send(in_acme, rows, **key))
    again = send(in_acme, rows, **key)
    assert assert_422(again) == first
    assert again.headers["idempotent-replayed"] == "true"
    assert Run.objects.count() == 1


def test_a_request_that_is_under_way(in_acme: Customer, meter: Meter) -> None:
    """Another connection holds the key, as a request does until its transaction ends."""
    person = User.objects.get(email=in_acme.email).pk
    with psycopg.connect(**connection.get_connection_params()) as other:
        other.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s || %s, 0))",
            [in_acme.tenant.schema_name, f" answer {person} k"],
        )
        answer = send(in_acme, payload(meter, 1), HTTP_IDEMPOTENCY_KEY="k")
        assert answer.status_code == 409
        assert answer.headers["content-type"] == "application/problem+json"
        assert not stored(meter.muid)
    assert send(in_acme, payload(meter, 1), HTTP_IDEMPOTENCY_KEY="k").status_code == 200


def test_keys_are_a_person_s_own(in_acme: Customer, nordwind: Customer, meter: Meter) -> None:
    key = {"HTTP_IDEMPOTENCY_KEY": "same"}
    assert send(in_acme, payload(meter, 1), **key).status_code == 200
    # The other tenant has no such meter: it is refused there, and nothing is answered for acme.
    connection.set_schema_to_public()
    answer = assert_422(send(nordwind, payload(meter, 9), **key))
    assert f"There is no meter {meter.muid} here. Register it first." in answer["detail"]
    with nordwind.tenant.entered():
        assert not Meter.objects.filter(muid=meter.muid).exists()
    with in_acme.tenant.entered():
        assert stored(meter.muid) == {JANUARY: (1, 1)}


@pytest.mark.parametrize("key", ["", "x" * 256, "schlüssel"])
def test_keys_that_are_none(in_acme: Customer, meter: Meter, key: str) -> None:
    answer = send(in_acme, payload(meter, 1), HTTP_IDEMPOTENCY_KEY=key)
    assert "Idempotency-Key holds 1 to 255" in assert_problem(answer, 400)["detail"]
    assert not Run.objects.exists()


@pytest.mark.parametrize(
    ("body", "kind", "status", "words"),
    [
        ("", "application/json", 400, "The request has no body"),
        ("[", "application/json", 400, "The body is not JSON"),
        ('{"rows": []}', "application/json", 400, "with the keys rows"),
        ("[" * 100_000, "application/json", 400, "is not JSON"),
        ("[]", "text/csv", 400, "The body is not CSV but JSON"),
        ("x;y\n1;2", "text/csv", 422, "There is no column of dates or times"),
        ("a;b\n" + "a" * 300_000, "text/csv", 400, "can't be read as CSV"),
        (b"PK\x03\x04rubbish", "text/csv", 400, ""),
        (b"\0\1\2", "text/csv", 400, "neither text"),
        ("x", "text/plain", 415, "text/plain"),
        (gzip.compress(b"[]", mtime=0), "application/json", 400, "neither text"),
    ],
)
def test_bodies_that_can_not_be_taken(
    in_acme: Customer, body: Any, kind: str, status: int, words: str
) -> None:
    answer = send(in_acme, body, kind=kind)
    assert answer.status_code == status, answer.content
    assert answer.headers["content-type"] == "application/problem+json"
    assert words in answer.json()["detail"]  # type: ignore[attr-defined]
    assert not Run.objects.exists()


def test_large_and_packed_bodies(in_acme: Customer, settings: LazySettings) -> None:
    settings.UPLOAD_MAX_BYTES = 1_000
    answer = send(in_acme, "[" + " " * 1_000 + "]")
    assert answer.status_code == 413
    assert "larger than 1000" in answer.json()["detail"]  # type: ignore[attr-defined]
    packed = send(in_acme, gzip.compress(b"[]"), HTTP_CONTENT_ENCODING="gzip")
    assert packed.status_code == 415
    assert "without Content-Encoding" in packed.json()["detail"]  # type: ignore[attr-defined]


def test_parameters_at_fault(in_acme: Customer) -> None:
    query = (
        f"?meter={uuid4()}&timezone=Z%C3%BCrich&interval=PT7M&mapping=x&zone=UTC&obis=1&unit=stone"
    )
    body = assert_problem(send(in_acme, CSV, query, "text/csv"), 400)
    names = {error["parameter"] for error in body["errors"]}
    assert names == {"meter", "timezone", "interval", "mapping", "zone", "obis", "unit"}
    body = assert_problem(send(in_acme, [], "?timezone=UTC"), 400)
    assert body["detail"] == "“timezone” goes with text/csv; JSON says this itself."


def test_who_may(in_acme: Customer, meter: Meter) -> None:
    client = in_acme.client(signed_in=False)
    assert_problem(client.post(ADDRESS, "[]", content_type="application/json"), 401)
    User.objects.filter(email=in_acme.email).update(is_superuser=False)
    body = assert_problem(send(in_acme, payload(meter, 1)), 403)
    assert "not store any" in body["detail"]
    assert not stored(meter.muid)


def test_the_example_is_what_really_comes(in_acme: Customer) -> None:
    make_meter(muid=examples.MUID)
    body = send(in_acme, examples.PAYLOAD).json()
    for name in ("run", "page"):
        body[name] = examples.STORED.value[name]
    assert body == examples.STORED.value
    query = f"?meter={examples.MUID}&timezone=Europe/Zurich&quality=measured"
    again = send(in_acme, examples.CSV, query, "text/csv").json()
    assert (again["unchanged"], again["corrected"], again["new"]) == (2, 0, 0)


def test_the_browsable_page_says_how(in_acme: Customer) -> None:
    client = in_acme.client()
    page = client.get(ADDRESS, HTTP_ACCEPT="text/html")
    assert page.status_code == 200
    html = page.content.decode()
    assert "<style" not in html
    # It shows readings, and begins a body that can be sent, as other pages of the API do.
    assert "&quot;meters&quot;" in html
    assert 'data-sends="POST"' in html
    begun = re.search(r"<textarea[^>]*>(.*?)</textarea>", html, re.DOTALL)
    assert begun is not None
    assert json.loads(unescape(begun[1])) == examples.PAYLOAD
