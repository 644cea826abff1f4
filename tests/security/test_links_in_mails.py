"""Whoever asks for a link in another person's name does not choose where it leads."""

import re
from typing import Any

import pytest
from django.core import mail
from django.test import Client, RequestFactory

from accounts.models import User
from accounts.tasks import send_reset_link
from config.addresses import asked_address, public_address
from tests.conftest import Customer

pytestmark = pytest.mark.django_db
FORGED = [
    {"HTTP_HOST": "acme.localhost:6666"},
    {"HTTP_HOST": "ACME.localhost.:6666"},
    {"HTTP_X_FORWARDED_HOST": "evil.example"},
    {"HTTP_X_FORWARDED_PORT": "6666"},
    {"HTTP_X_ORIGINAL_HOST": "evil.example"},
    {"HTTP_FORWARDED": "host=evil.example;proto=http"},
    {"HTTP_ORIGIN": "https://evil.example"},
    {"HTTP_REFERER": "https://evil.example/"},
]


@pytest.fixture(autouse=True)
def _sends_mail(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.SENDS_MAIL = True
    # The queue's work is done at once, in the tenant that asks for it.
    monkeypatch.setattr(send_reset_link, "delay", send_reset_link.__call__)


@pytest.mark.parametrize("forged", FORGED, ids=str)
def test_a_link_to_another_password_leads_to_us(acme: Customer, forged: dict[str, str]) -> None:
    client = Client(**({"HTTP_HOST": acme.domain} | forged))  # type: ignore[arg-type]
    assert client.post("/password/forgotten/", {"email": acme.email}).status_code == 302
    [sent] = mail.outbox
    [(html, _)] = sent.alternatives  # type: ignore[attr-defined]
    for text in (str(sent.body), str(html)):
        found = set(re.findall(r"https?://[^/\s\"<]+", text))
        assert found == {public_address("acme.localhost")}
    assert not [one for one in ("evil", "6666") if one in sent.message().as_string()]


@pytest.mark.parametrize("forged", FORGED[:2], ids=str)
def test_so_does_an_invitation(acme: Customer, forged: dict[str, str]) -> None:
    client = acme.client()
    form = {"email": "eve@example.com", "role": "viewer", "language": "en"}
    assert client.post("/people/invite/", form, **forged).status_code == 302
    [sent] = mail.outbox
    assert "6666" not in sent.message().as_string()
    assert f"{public_address('acme.localhost')}/invitation/" in str(sent.body)
    with acme.tenant.entered():
        assert User.objects.filter(email="eve@example.com").exists()


@pytest.mark.parametrize(
    ("https", "port", "address"),
    [
        (True, 0, "https://acme.localhost"),
        (True, 8443, "https://acme.localhost:8443"),
        (False, 80, "http://acme.localhost"),
        (False, 8000, "http://acme.localhost:8000"),
    ],
)
def test_the_port_is_the_installations(settings: Any, https: bool, port: int, address: str) -> None:
    settings.HTTPS, settings.PUBLIC_PORT = https, port
    request = RequestFactory().get("/", HTTP_HOST="Acme.localhost:6666")
    assert asked_address(request) == address
