"""Each status that the API refuses with, provoked: one shape, what was wrong, and what works."""

import json
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction
from django.test import Client

from meters.api.parsers import MOST_BYTES
from meters.models import Meter
from tests.conftest import Customer
from tests.meters.stored import IMPORT, Api, Readings, account, at, make_meter, make_register, write
from tests.meters.test_api_problems import assert_problem

MUID = "11111111-2222-4333-8444-555555555555"
NOWHERE = "00000000-0000-4000-8000-000000000000"
READINGS = f"meters/{MUID}/readings/"
SITE = {"name": "Mill Street 4"}
NAIVE = b"Zeit;kWh\n2023-02-01 00:00;1,5\n2023-02-01 00:15;1,5\n"


@pytest.fixture
def api(acme: Customer, redis_cleared: None) -> Api:
    with acme.tenant.entered():
        start = at("2023-02-01", "Europe/Zurich")
        meter: Meter = make_meter(muid=MUID)
        write(make_register(meter, IMPORT), Readings.steady(start, start + 86_400))
    return Api(acme)


def nobody(api: Api) -> Client:
    return Client(HTTP_HOST=api.customer.domain)


def text(api: Api, path: str, body: bytes, kind: str) -> Any:
    return api.client.post(f"/api/v1/{path}", body, content_type=kind, **api.customer.bearer)


# What is asked, which parameter is named, and what the words tell.
Ask = Callable[[Api], Any]
ERRORS: dict[str, tuple[int, Ask, str, str]] = {
    "a parameter": (
        400,
        lambda api: api.get(READINGS, {"start": "2023-02-01T00:00"}),
        "start",
        "has no offset",
    ),
    "a body that is none": (
        400,
        lambda api: api.send("post", "sites/", "{"),
        "",
        "The body is not JSON in UTF-8",
    ),
    "a field": (400, lambda api: api.send("post", "sites/", {"name": 7}), "name", "This is a text"),
    "no token": (
        401,
        lambda api: nobody(api).get("/api/v1/meters/"),
        "",
        "This needs an API token, sent as “Authorization: Bearer lg_…”",
    ),
    "a token that is none": (
        401,
        lambda api: nobody(api).get("/api/v1/meters/", HTTP_AUTHORIZATION="Bearer lg_0"),
        "",
        "Make one under your name → API tokens",
    ),
    "a reader who changes": (
        403,
        lambda api: account(api.customer).send("post", "sites/", SITE),
        "",
        "by accounts with the permission meters.add_site alone",
    ),
    "a meter in the address": (
        404,
        lambda api: api.get(f"meters/{NOWHERE}/readings/"),
        "",
        f"There is no meter {NOWHERE} here",
    ),
    "a meter in the query": (
        404,
        lambda api: api.get("readings/", {"meter": NOWHERE}),
        "meter",
        f"There is no meter {NOWHERE} here",
    ),
    "a site": (404, lambda api: api.get("latest/", {"site": "?"}), "site", "There is no site “?”"),
    "an address": (404, lambda api: api.get("metres/"), "", "listed at /api/docs/"),
    "a method": (
        405,
        lambda api: api.send("delete", READINGS),
        "",
        "DELETE is not answered here; there are GET, HEAD, OPTIONS",
    ),
    "a format": (
        406,
        lambda api: api.get(READINGS, HTTP_ACCEPT="application/xml"),
        "",
        "there are application/json",
    ),
    "what is there already": (
        409,
        lambda api: api.send("post", "meters/", {"muid": MUID, "name": "Again"}),
        "muid",
        "",
    ),
    "a large body": (
        413,
        lambda api: api.send("post", f"meters/{MUID}/corrections/", b" " * (MOST_BYTES + 1)),
        "",
        "larger than 1.0",
    ),
    "a larger one": (
        413,
        lambda api: api.send("post", f"meters/{MUID}/erasure/", b" " * (MOST_BYTES + 1)),
        "",
        "larger than 1.0",
    ),
    "a kind of body": (
        415,
        lambda api: text(api, "sites/", b"name=x", "text/plain"),
        "",
        "send application/json",
    ),
    "what can't be known": (
        422,
        lambda api: text(api, f"readings/?meter={MUID}", NAIVE, "text/csv"),
        "",
        "Name the zone whose clock they show",
    ),
}


@pytest.mark.parametrize("name", ERRORS)
def test_it_is_said_in_one_shape(api: Api, name: str) -> None:
    status, ask, parameter, words = ERRORS[name]
    answer = ask(api)
    body = assert_problem(answer, status)
    assert words in json.dumps(body, ensure_ascii=False)
    assert [one["parameter"] for one in body.get("errors", [])] == (
        [parameter] if parameter else []
    )
    assert all(one["example"] for one in body.get("errors", []))
    if status == 401:
        assert answer["WWW-Authenticate"].startswith("Bearer")
    if status == 405:
        assert answer["Allow"] == "GET, HEAD, OPTIONS"


def test_what_the_example_shows_works(api: Api) -> None:
    [error] = assert_problem(ERRORS["a parameter"][1](api), 400)["errors"]
    assert api.get(READINGS, {"start": error["example"]}).status_code == 200
    [error] = assert_problem(ERRORS["a field"][1](api), 400)["errors"]
    assert api.send("post", "sites/", {"name": error["example"]}).status_code == 201


def test_too_often(api: Api, settings: Any) -> None:
    settings.API_RATE_PROGRAM = 1
    assert api.get("sites/").status_code == 200
    answer = api.get("sites/")
    assert f"ask again in {answer['Retry-After']} seconds" in assert_problem(answer, 429)["detail"]


def test_a_table_that_somebody_holds(api: Api) -> None:
    """Somebody else holds the table for longer than the database lets anybody wait."""
    schema = api.customer.tenant.schema_name
    api.client.raise_request_exception = False
    with psycopg.connect(**connection.get_connection_params()) as other, transaction.atomic():
        other.execute(f'LOCK TABLE "{schema}".meters_site IN ACCESS EXCLUSIVE MODE')
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '50ms'")
        answer = api.get("sites/")
        transaction.set_rollback(True)
    assert "Somebody else changes the same just now" in assert_problem(answer, 503)["detail"]
    assert answer["Retry-After"] == "5"
    assert api.get("sites/").status_code == 200
