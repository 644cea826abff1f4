"""Short-lived tokens that only read, for a front end to hold."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from structlog.testing import capture_logs

from accounts.cors import allow_origin
from accounts.models import AllowedOrigin, ApiToken
from tests.accounts.asking import bearer, person_of, problem_of, row_of, signed_in, token_of
from tests.conftest import Customer

pytestmark = pytest.mark.django_db
PATH = "/api/v1/tokens/browser/"
PAGE = "https://dashboard.example.com"


def ask(customer: Customer, secret: str, body: Any = None, **headers: str) -> Any:
    client = Client(HTTP_HOST=customer.domain)
    return client.post(
        PATH, body or {}, content_type="application/json", **bearer(secret), **headers
    )


def meters(customer: Customer, secret: str, **headers: str) -> Any:
    return Client(HTTP_HOST=customer.domain).get("/api/v1/meters/", **bearer(secret), **headers)


def short_lived(customer: Customer, secret: str, body: Any = None) -> str:
    answer = ask(customer, secret, body)
    assert answer.status_code == 200, answer.content
    return str(answer.json()["token"])


def allow(customer: Customer, origin: str = PAGE) -> None:
    with customer.tenant.entered():
        allow_origin(AllowedOrigin(origin=origin), by="test")


def test_a_token_for_a_browser(acme: Customer, settings: Any) -> None:
    settings.BROWSER_TOKEN_MINUTES = 15
    parent = token_of(acme, "read")
    with capture_logs() as logs:
        answer = ask(acme, parent)
    assert answer.headers["Cache-Control"] == "no-store"
    body = answer.json()
    assert set(body) == {"token", "scopes", "origins", "expires_at"}
    assert (body["scopes"], body["origins"]) == (["read"], [])
    left = datetime.fromisoformat(body["expires_at"]) - timezone.now()
    assert timedelta(minutes=14) < left <= timedelta(minutes=15)
    assert meters(acme, body["token"]).status_code == 200
    token = row_of(acme, body["token"])
    assert (token.for_browser, token.scopes) == (True, ["read"])
    assert body["token"] not in str(logs)
    assert [one["by"] for one in logs if one["event"] == "API token made"] == [
        f"token {parent[:15]}"
    ]


def test_it_only_reads_and_never_makes_another(acme: Customer) -> None:
    secret = short_lived(acme, token_of(acme))
    words = problem_of(ask(acme, secret), 403)
    assert words.startswith("A browser's token can't make another one")
    client = Client(HTTP_HOST=acme.domain)
    for path in ("readings/", "meters/00000000-0000-4000-8000-000000000000/corrections/"):
        answer = client.post(
            f"/api/v1/{path}", {}, content_type="application/json", **bearer(secret)
        )
        assert "lacks the scope" in problem_of(answer, 403)


def test_it_needs_read(acme: Customer) -> None:
    assert "lacks the scope “read”" in problem_of(ask(acme, token_of(acme, "push", "manage")), 403)
    assert problem_of(ask(acme, "lg_no"), 401)


def test_somebody_who_is_signed_in_gets_one(acme: Customer) -> None:
    person_of(acme, "reader@example.com")
    client = signed_in(acme, "reader@example.com")
    secret = client.post(PATH, {}, content_type="application/json").json()["token"]
    assert row_of(acme, secret).parent is None
    assert meters(acme, secret).status_code == 200
    page = client.get("/tokens/").content.decode()
    assert "1 short-lived token in browsers" in page
    assert secret[:15] not in page
    client.post("/tokens/in-browsers/revoke/")
    assert meters(acme, secret).status_code == 401


def test_one_persons_button_leaves_the_others(acme: Customer) -> None:
    person_of(acme, "reader@example.com")
    secret = short_lived(acme, token_of(acme))
    signed_in(acme, "reader@example.com").post("/tokens/in-browsers/revoke/")
    assert meters(acme, secret).status_code == 200


def test_it_ends_with_the_token_that_made_it(acme: Customer) -> None:
    parent = token_of(acme, "read", expires_at=timezone.now() + timedelta(minutes=2))
    secret = short_lived(acme, parent)
    assert row_of(acme, secret).expiry == row_of(acme, parent).expiry, "not after it"
    client = acme.client()
    assert "1 short-lived token made with it" in (
        client.get(f"/tokens/{parent[:15]}/revoke/").content.decode()
    )
    client.post(f"/tokens/{parent[:15]}/revoke/")
    assert meters(acme, secret).status_code == 401


def test_it_is_bound_to_pages(acme: Customer) -> None:
    allow(acme)
    allow(acme, "http://localhost:5173")
    secret = short_lived(acme, token_of(acme), {"origins": [f"{PAGE.upper()}:443/", PAGE]})
    assert row_of(acme, secret).origins == [PAGE]
    assert meters(acme, secret, HTTP_ORIGIN=PAGE).status_code == 200
    for other in ("http://localhost:5173", "https://evil.example", "null", f"{PAGE}:8443"):
        answer = meters(acme, secret, HTTP_ORIGIN=other)
        assert f"good for pages of {PAGE} alone" in problem_of(answer, 403)
    assert problem_of(meters(acme, secret), 403), "a program that shows no page"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"origins": ["https://other.example"]}, "is not among the tenant's allowed origins"),
        ({"origins": ["https://*.example"]}, "holds a *"),
        ({"origins": [f"{PAGE}/path"]}, "leave out what comes after the host"),
        ({"origins": PAGE}, "Write a list of origins"),
        ({"origins": [7]}, "Write a list of origins"),
        ({"origins": [PAGE] * 21}, "20 origins are the most"),
        ({"scopes": ["manage"]}, "This is not a field here."),
        ([1], "The body is an object"),
        ({"origins": ["https://\x00"]}, "names no host"),
    ],
)
def test_what_cant_be_taken_is_told(acme: Customer, body: Any, words: str) -> None:
    allow(acme)
    answer = ask(acme, token_of(acme), body)
    problem_of(answer, 400)
    [error] = answer.json()["errors"]
    assert words in error["message"], error
    with acme.tenant.entered():
        assert not ApiToken.objects.filter(for_browser=True).exists()


def test_an_origin_of_another_tenant_is_none_here(acme: Customer, nordwind: Customer) -> None:
    allow(nordwind)
    assert problem_of(ask(acme, token_of(acme), {"origins": [PAGE]}), 400)
    secret = short_lived(nordwind, token_of(nordwind), {"origins": [PAGE]})
    assert meters(acme, secret, HTTP_ORIGIN=PAGE).status_code == 401


def test_long_expired_ones_are_removed(acme: Customer) -> None:
    parent = token_of(acme, "read")
    old, recent = short_lived(acme, parent), short_lived(acme, parent)
    now = timezone.now()
    with acme.tenant.entered():
        for secret, age in ((old, 25), (recent, 1)):
            ApiToken.objects.filter(token_key=secret[:15]).update(expiry=now - timedelta(hours=age))
        ApiToken.objects.filter(token_key=acme.token[:15]).update(expiry=now - timedelta(days=9))
    short_lived(acme, parent)
    with acme.tenant.entered():
        keys = set(ApiToken.objects.values_list("token_key", flat=True))
    assert old[:15] not in keys
    assert {recent[:15], parent[:15], acme.token[:15]} <= keys
    assert "expired" in problem_of(meters(acme, recent), 401)
