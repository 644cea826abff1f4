"""Pages of last resort speak the reader's language, as far as the request tells it."""

from typing import Any

import pytest
from django.conf import settings
from django.db import OperationalError
from django.test import Client

from tests.conftest import Customer

pytestmark = pytest.mark.django_db


def fail(*_: object, **__: object) -> None:
    raise RuntimeError("unforeseen")


def gone(*_: object, **__: object) -> None:
    raise OperationalError("the connection is lost")


def asked(client: Client, path: str, **headers: str) -> Any:
    client.raise_request_exception = False
    return client.get(path, headers=headers)


def check(response: Any, status: int, language: str, words: str) -> None:
    html = response.content.decode()
    assert response.status_code == status
    assert f'<html lang="{language}">' in html
    assert response.headers["Content-Language"] == language
    assert words in html


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "Something went wrong on our side"), ("de", "Bei uns ist etwas schiefgegangen")],
)
def test_an_error_is_told_in_the_language_that_was_chosen(
    acme: Customer, monkeypatch: pytest.MonkeyPatch, language: str, words: str
) -> None:
    client = acme.client()
    client.post("/language/", {"language": language})
    monkeypatch.setattr("analytics.pages.views.render", fail)
    check(asked(client, "/"), 500, language, words)


@pytest.mark.parametrize(
    ("headers", "cookie", "language", "words"),
    [
        ({}, "", "en", "What is safe"),
        ({"Accept-Language": "de-CH"}, "", "de", "Was sicher ist"),
        ({"Accept-Language": "en"}, "de", "de", "Was sicher ist"),
        ({"Accept-Language": "xx, not;a=header"}, "../etc", "en", "What is safe"),
    ],
)
def test_where_nobody_could_be_asked_the_request_alone_tells_it(
    acme: Customer,
    monkeypatch: pytest.MonkeyPatch,
    headers: dict[str, str],
    cookie: str,
    language: str,
    words: str,
) -> None:
    client = acme.client(signed_in=False)
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = cookie
    # As where the database is lost while it is asked who reads.
    monkeypatch.setattr("accounts.languages.spoken_to", gone)
    response = asked(client, "/sign-in/", **headers)
    check(response, 503, language, words)
    assert response.headers["Retry-After"]
    unknown = Client(HTTP_HOST="unknown.localhost")
    unknown.cookies[settings.LANGUAGE_COOKIE_NAME] = cookie
    check(asked(unknown, "/", **headers), 404, language, words)


def test_other_pages_of_refusal_are_german(acme: Customer) -> None:
    client = acme.client()
    client.post("/language/", {"language": "de"})
    check(asked(client, "/no/such/page/"), 404, "de", "Unter dieser Adresse ist nichts")
    forged = Client(HTTP_HOST=acme.domain, enforce_csrf_checks=True).post(
        "/sign-in/", {}, headers={"Accept-Language": "de"}
    )
    check(forged, 403, "de", "Dieses Formular ist veraltet")


def test_programs_are_told_in_english(acme: Customer, monkeypatch: pytest.MonkeyPatch) -> None:
    client = acme.client()
    client.post("/language/", {"language": "de"})
    response = asked(client, "/api/v1/no/such/thing/", **{"Accept-Language": "de"})
    assert "There is nothing at" in response.json()["detail"]
