"""Requests that another page sends in somebody's name, and methods that go by another name."""

from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from accounts.models import User
from config.guarding import METHODS
from meters.models import Site
from tests.accounts.asking import PROBLEM
from tests.conftest import Customer
from tests.tenants.marks import Marked
from tests.tenants.walk import PUBLIC, TENANT, paths

pytestmark = pytest.mark.django_db
# What may be sent without a session, by whoever has the signed link.
BY_LINK = {"notices:unsubscribe"}


def send(client: Client, method: str, path: str, **more: Any) -> Any:
    """Send something, and let nothing of it stay."""
    with transaction.atomic():
        response = client.generic(method.upper(), path, **more)
        transaction.set_rollback(True)
    return response


def test_every_address_wants_a_token_of_our_pages(marked: tuple[Marked, Marked]) -> None:
    """On pages, in the admin, and for the API by a session: whatever would change something."""
    mine = marked[0]
    client = Client(HTTP_HOST=mine.customer.domain, enforce_csrf_checks=True)
    client.cookies = mine.customer.client().cookies
    with mine.customer.tenant.entered():
        found = paths(TENANT, mine.fill)
    tried = 0
    for address, path in found:
        if address.name in BY_LINK:
            continue
        told = send(client, "post", path, content_type="application/json", data="{}")
        assert told.status_code == 403, (path, told.status_code)
        tried += 1
    assert tried > 100
    for method in ("put", "patch", "delete"):
        assert send(client, method, f"/api/v1/meters/{mine.own}/").status_code == 403


def test_the_operators_admin_wants_one_as_well(db: None) -> None:
    operator = User.objects.create_superuser("operator@example.com", "an operator's password")
    client = Client(HTTP_HOST="localhost", enforce_csrf_checks=True)
    client.force_login(operator)

    def fill(address: Any, name: str) -> list[Any]:
        return {"app_label": ["tenants"], "url": ["nothing/"]}.get(name, [1])

    for _, path in paths(PUBLIC, fill):
        assert send(client, "post", path).status_code == 403, path


@pytest.mark.parametrize("origin", ["https://evil.example", "http://nordwind.localhost", "null"])
def test_a_token_does_not_help_a_page_of_another_origin(acme: Customer, origin: str) -> None:
    client = Client(HTTP_HOST=acme.domain, enforce_csrf_checks=True)
    client.get("/sign-in/")
    form = {"username": acme.email, "password": acme.password}
    form["csrfmiddlewaretoken"] = client.cookies["csrf"].value
    assert client.post("/sign-in/", form, HTTP_ORIGIN=origin).status_code == 403
    assert client.post("/sign-in/", form, HTTP_ORIGIN=f"http://{acme.domain}").status_code == 302


def test_a_program_needs_no_such_token_and_its_own_is_not_taken_from_a_cookie(
    acme: Customer,
) -> None:
    client = Client(HTTP_HOST=acme.domain, enforce_csrf_checks=True)
    body = {"data": '{"name": "By a program"}', "content_type": "application/json"}
    assert client.post("/api/v1/sites/", **body, **acme.bearer).status_code == 201
    for name in ("token", "Authorization", "session", "api_token"):
        client.cookies[name] = acme.token
    told = client.post("/api/v1/sites/", **body)
    assert told.status_code == 401
    for query in ({"token": acme.token}, {"access_token": acme.token}, {"api_key": acme.token}):
        assert client.get("/api/v1/meters/", query).status_code == 401


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PROPFIND", "X" * 99])
@pytest.mark.parametrize("path", ["/", "/api/v1/meters/", "/admin/", "/static/css/app.css"])
def test_no_other_method_is_answered(acme: Customer, method: str, path: str) -> None:
    client = acme.client()
    told = client.generic(method, path, HTTP_X_SECRET="echoed", **acme.bearer)
    assert told.status_code == 405
    assert told.headers["Allow"] == ", ".join(METHODS)
    assert b"echoed" not in told.content
    assert acme.email.encode() not in told.content
    assert path != "/api/v1/meters/" or told.headers["Content-Type"] == PROBLEM


OVERRIDES = [
    {"HTTP_X_HTTP_METHOD_OVERRIDE": "DELETE"},
    {"HTTP_X_HTTP_METHOD": "DELETE"},
    {"HTTP_X_METHOD_OVERRIDE": "DELETE"},
    {"QUERY_STRING": "_method=DELETE&_METHOD=DELETE"},
]


@pytest.mark.parametrize("header", OVERRIDES)
def test_no_header_turns_one_method_into_another(acme: Customer, header: dict[str, str]) -> None:
    with acme.tenant.entered():
        site = Site.objects.create(name="Here to stay")
    client = acme.client(signed_in=False)
    for method in ("get", "post", "head", "options"):
        send(client, method, f"/api/v1/sites/{site.pk}/", **header, **acme.bearer)
        with acme.tenant.entered():
            assert Site.objects.filter(pk=site.pk).exists()
