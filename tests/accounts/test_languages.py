"""Whoever reads is spoken to in the language that was chosen, or else the best one known."""

import pytest
from django.conf import settings
from django.test import Client

from accounts.models import User
from tenants.models import Tenant
from tests.conftest import Customer

pytestmark = pytest.mark.django_db


def asked(client: Client, path: str = "/sign-in/", **headers: str) -> str:
    response = client.get(path, headers=headers)
    language = str(response.headers["Content-Language"])
    assert f'<html lang="{language}">' in response.content.decode()
    assert {"Accept-Language", "Cookie"} <= {
        one.strip() for one in response.headers["Vary"].split(",")
    }
    return language


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("de", "de"),
        ("de-CH, fr;q=0.9", "de"),
        ("fr, de;q=0.5, en;q=0.4", "de"),
        ("fr, en;q=0.5, de;q=0.4", "en"),
        ("de;q=0, fr", "en"),
        ("*", "en"),
        ("not, a;q=header" * 50, "en"),
    ],
)
def test_the_browser_says_what_it_prefers(acme: Customer, header: str, language: str) -> None:
    assert asked(acme.client(signed_in=False), Accept_Language=header) == language


def test_a_tenant_has_a_language_of_its_own(acme: Customer) -> None:
    Tenant.objects.filter(pk=acme.tenant.pk).update(language="de")
    client = acme.client(signed_in=False)
    assert asked(client) == "de"
    assert asked(client, Accept_Language="fr") == "de"
    assert asked(client, Accept_Language="en-GB") == "en"


def test_what_was_chosen_stays_in_the_browser(acme: Customer) -> None:
    client = acme.client(signed_in=False)
    response = client.post("/language/", {"language": "de", "next": "/sign-in/?next=/meters/"})
    assert (response.status_code, response.url) == (302, "/sign-in/?next=/meters/")  # type: ignore[attr-defined]
    assert asked(client, Accept_Language="en") == "de"
    client.post("/language/", {"language": "xx"})
    assert asked(client) == "de", "no such language"
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = "../../etc"
    assert asked(client) == "en"


def test_what_a_person_chose_holds_in_every_browser(acme: Customer) -> None:
    acme.client().post("/language/", {"language": "de"})
    with acme.tenant.entered():
        assert User.objects.get(email=acme.email).language == "de"
    other = acme.client()
    assert asked(other, "/", Accept_Language="en") == "de"
    other.post("/sign-out/")
    assert asked(other, Accept_Language="en") == "en"


def test_nobody_is_sent_to_another_host(acme: Customer) -> None:
    client = acme.client(signed_in=False)
    for there in ("https://evil.example/", "//evil.example/", "javascript:alert(1)"):
        response = client.post("/language/", {"language": "de", "next": there})
        assert response.url == "/"  # type: ignore[attr-defined]
    assert client.get("/language/").status_code == 405


def test_programs_are_spoken_to_in_english(acme: Customer) -> None:
    client = acme.client()
    client.post("/language/", {"language": "de"})
    for path in ("/api/v1/meters/?limit=x", "/api/v1/meters/", "/meterdata/measurement"):
        mine = client.get(path, headers={"Accept-Language": "de"})
        plain = acme.client().get(path)
        assert "Content-Language" not in mine.headers
        if b"<html" not in mine.content:
            assert mine.content == plain.content
