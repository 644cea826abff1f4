"""What names the tenant is the host alone, and a key of one tenant opens nothing at another."""

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import ApiToken, User
from tenants.models import Domain
from tenants.schema import current_schema
from tests.conftest import Customer

pytestmark = pytest.mark.django_db
# Names of hosts that belong to nobody, some of which no host can have.
NOBODYS = [
    "unknown.localhost",
    "evil.example",
    "www.acme.localhost",
    "acme.localhost.evil.example",
    "acme",
    "acme_.localhost",
    "10.1.2.3",
    "[::1]",
    "[::1]:8000",
    "",
    ".",
    "acme.localhost:evil",
    "localhost:evil",
    "acme.localhost, nordwind.localhost",
    "acme.localhost@nordwind.localhost",
    "acme.localhost/",
    "acme.localhost\tx",
    "acmé.localhost",
    "x" * 300,
]


def page_of(client: Client, path: str = "/", **more: str) -> tuple[int, str]:
    response = client.get(path, **more)
    return response.status_code, response.content.decode()


@pytest.mark.parametrize("host", NOBODYS)
@pytest.mark.parametrize("path", ["/", "/sign-in/", "/admin/", "/api/v1/meters/"])
def test_a_host_of_nobodys_learns_nothing(
    acme: Customer, nordwind: Customer, host: str, path: str
) -> None:
    client = Client(HTTP_HOST=host, raise_request_exception=False)
    client.cookies = acme.client().cookies
    for more in ({}, acme.bearer):
        status, text = page_of(client, path, **more)
        assert status == 404
        for tenant in (acme, nordwind):
            assert tenant.tenant.name not in text
            assert tenant.tenant.schema_name not in text
    assert current_schema() == "public"


@pytest.mark.parametrize(
    "host",
    [
        "acme.localhost",
        "ACME.LocalHost",
        "acme.localhost.",
        "acme.localhost:8000",
        "Acme.localhost.:1",
    ],
)
def test_a_host_is_the_same_however_it_is_written(acme: Customer, host: str) -> None:
    client = acme.client()
    client.defaults["HTTP_HOST"] = host
    status, text = page_of(client)
    assert status == 200
    assert acme.email in text


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST.", "localhost:8000", "127.0.0.1:8000"])
def test_the_bare_domain_is_nobodys_either(acme: Customer, host: str) -> None:
    client = Client(HTTP_HOST=host)
    client.cookies = acme.client().cookies
    status, text = page_of(client)
    assert status == 200
    assert "acme" not in text.lower()
    for path in ("/meters/", "/api/v1/meters/", "/ingestion/"):
        assert page_of(client, path, **acme.bearer)[0] == 404


@pytest.mark.parametrize(
    "header",
    [
        "HTTP_X_FORWARDED_HOST",
        "HTTP_FORWARDED",
        "HTTP_X_HOST",
        "HTTP_X_ORIGINAL_HOST",
        "HTTP_X_TENANT",
    ],
)
def test_no_other_header_names_the_tenant(acme: Customer, nordwind: Customer, header: str) -> None:
    value = f"host={nordwind.domain}" if header == "HTTP_FORWARDED" else nordwind.domain
    status, text = page_of(acme.client(), **{header: value})
    assert status == 200
    assert acme.email in text
    assert nordwind.tenant.name not in text


def test_a_session_is_nothing_at_another_tenant(acme: Customer, nordwind: Customer) -> None:
    stranger = nordwind.client(signed_in=False)
    stranger.cookies = acme.client().cookies
    for path in ("/", "/meters/", "/ingestion/"):
        assert stranger.get(path).headers["Location"] == f"/sign-in/?next={path}"
    assert stranger.get("/admin/").headers["Location"].startswith("/admin/login/")
    assert stranger.get("/api/v1/meters/").status_code == 401
    assert stranger.get("/sign-in/").status_code == 200, "it is not taken for signed in"


def test_a_session_is_nothing_even_where_account_and_password_are_the_same(
    acme: Customer, nordwind: Customer
) -> None:
    for customer in (acme, nordwind):
        with customer.tenant.entered():
            User.objects.create_user("same@example.com", "one password for both")
    signed_in = acme.client(signed_in=False)
    signed_in.post(
        "/sign-in/", {"username": "same@example.com", "password": "one password for both"}
    )
    assert signed_in.get("/").status_code == 200
    signed_in.defaults["HTTP_HOST"] = nordwind.domain
    assert signed_in.get("/").status_code == 302


def test_a_token_is_nothing_at_another_tenant(acme: Customer, nordwind: Customer) -> None:
    for customer, other in ((acme, nordwind), (nordwind, acme)):
        client = customer.client(signed_in=False)
        assert client.get("/api/v1/meters/", **customer.bearer).status_code == 200
        for path in ("/api/v1/", "/api/v1/meters/", "/api/v1/schema/"):
            refused = client.get(path, **other.bearer)
            assert refused.status_code == 401, path
            assert refused.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'


def test_a_token_is_no_key_to_pages(acme: Customer) -> None:
    client = acme.client(signed_in=False)
    for path in ("/", "/meters/", "/admin/"):
        assert client.get(path, **acme.bearer).status_code == 302


@pytest.mark.parametrize(
    "token",
    ["", "x", "lg_", "a b", "\x00", "lg_\x00\x00", "\xff\xfe", "ü", "%00", "x" * 5000, "'--"],
)
def test_what_is_no_token_is_refused_in_words(acme: Customer, token: str) -> None:
    client = acme.client(signed_in=False)
    answer = client.get("/api/v1/meters/", HTTP_AUTHORIZATION=f"Bearer {token}")
    assert answer.status_code == 401
    assert answer.json()["status"] == 401


@pytest.mark.parametrize(
    "cookie", ['"\\000aaaaaaaaa"', "\xff" * 20, "x" * 41, "' OR 1=1 --", "a;b"]
)
def test_what_is_no_session_leads_to_the_sign_in(acme: Customer, cookie: str) -> None:
    answer = Client(HTTP_HOST=acme.domain).get("/", HTTP_COOKIE=f"session={cookie}")
    assert answer.headers["Location"] == "/sign-in/?next=/"


def test_keys_of_a_deleted_tenant_open_nothing(
    make_customer: Callable[[str], Customer], acme: Customer
) -> None:
    gone = make_customer("gone")
    client = gone.client()
    gone.tenant.delete(force_drop=True)
    for path in ("/", "/api/v1/meters/"):
        assert client.get(path, **gone.bearer).status_code == 404
    client.defaults["HTTP_HOST"] = acme.domain
    assert client.get("/").status_code == 302
    assert client.get("/api/v1/meters/", **gone.bearer).status_code == 401


def test_an_expired_or_revoked_token_and_a_disabled_person_stay_out(acme: Customer) -> None:
    client = acme.client(signed_in=False)
    with acme.tenant.entered():
        ApiToken.objects.update(expiry="2020-01-01T00:00:00Z")
    assert client.get("/api/v1/meters/", **acme.bearer).status_code == 401
    with acme.tenant.entered():
        ApiToken.objects.update(expiry=None)
        User.objects.update(is_active=False)
    assert client.get("/api/v1/meters/", **acme.bearer).status_code == 401
    with acme.tenant.entered():
        User.objects.update(is_active=True)
    assert client.get("/api/v1/meters/", **acme.bearer).status_code == 200
    with acme.tenant.entered():
        ApiToken.objects.all().delete()
    assert client.get("/api/v1/meters/", **acme.bearer).status_code == 401


def test_a_tenant_answers_on_a_domain_of_its_own(acme: Customer, nordwind: Customer) -> None:
    """Without a word in the settings, which could not know of it before they are read again."""
    Domain.objects.create(tenant=acme.tenant, domain="energy.acme.example", is_primary=False)
    client = Client(HTTP_HOST="energy.acme.example")
    assert acme.tenant.name in client.get("/sign-in/").content.decode()
    assert client.get("/api/v1/meters/", **acme.bearer).status_code == 200
    assert client.get("/api/v1/meters/", **nordwind.bearer).status_code == 401
