"""Nothing is open but what must be, and no page runs or loads what is not ours."""

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from django.conf import settings
from django.db import transaction
from django.test import Client

from accounts.models import User
from config.guarding import HEADERS
from tests.conftest import Customer
from tests.tenants.marks import Marked
from tests.tenants.walk import PUBLIC, TENANT, Address, paths

pytestmark = pytest.mark.django_db
POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "manifest-src": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
    "base-uri": "'none'",
}
# By an address's name, which styles within a page are let through: two texts, each by its digest.
STYLES = {"api:reference": re.compile(r"'self'( 'sha256-[A-Za-z0-9+/]{43}='){2}")}
# By an address's name, what its page holds that the policy keeps from taking effect.
EXCEPTIONS: dict[str, set[str]] = {}
OPEN = {
    "accounts:login",
    "accounts:language",
    "accounts:forgotten",
    "accounts:forgotten-sent",
    "admin:login",
    "notices:unsubscribe",
}
# Open to who has a link: its signature is kept in the session, and the page has another address.
LINKS = {"accounts:invitation", "accounts:reset"}


def policy_of(response: Any) -> dict[str, str]:
    header = response.headers["Content-Security-Policy"]
    return dict(part.strip().split(" ", 1) for part in header.split(";"))


class Inline(HTMLParser):
    """Finds what only `unsafe-inline` would let work, and what comes from another host."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = dict(attrs)
        data = has.get("type") in {"application/json", "text/template", "text/x-template"}
        if tag == "script" and "src" not in has and not data:
            self.found.add("<script>")
        if tag == "style":
            self.found.add("<style>")
        for name, value in attrs:
            if name == "style" or re.fullmatch(r"on[a-z]+", name):
                self.found.add(f"{tag} {name}=")
            elif name in {"src", "href", "action"} and (value or "").startswith("javascript:"):
                self.found.add(f"{tag} {name}=javascript:")
            elif (
                name == "src"
                or (tag, name) in {("link", "href"), ("form", "action"), ("use", "href")}
            ) and re.match(r"(?:https?:)?//", value or ""):
                self.found.add(f"{tag} {name}={value}")


def inline(html: str) -> set[str]:
    parser = Inline()
    parser.feed(html)
    return parser.found


def get(client: Client, path: str, **more: Any) -> Any:
    client.raise_request_exception = False
    with transaction.atomic():
        response = client.get(path, **more)
        transaction.set_rollback(True)
    return response


def check(address: Address, path: str, response: Any) -> None:
    policy = policy_of(response)
    if address.name in STYLES:
        assert STYLES[address.name].fullmatch(policy["style-src"])
        policy["style-src"] = POLICY["style-src"]
    assert policy == POLICY, path
    assert response.headers["X-Content-Type-Options"] == "nosniff", path
    assert response.headers["Referrer-Policy"] == "same-origin", path
    assert response.headers["Cross-Origin-Opener-Policy"] == "same-origin", path
    for name in ("Permissions-Policy", "Cross-Origin-Resource-Policy"):
        assert response.headers[name] == HEADERS[name], path
    assert re.search("no-store|private, no-cache", response.headers["Cache-Control"]), path
    if response.headers.get("Content-Type", "").startswith("text/html"):
        found = inline(response.content.decode()) - EXCEPTIONS.get(address.name, set())
        assert not found, f"{path} ({address.name}) has {found}"


def test_every_page_of_a_tenant_keeps_the_policy(marked: tuple[Marked, Marked]) -> None:
    mine = marked[0]
    client = mine.customer.client()
    with mine.customer.tenant.entered():
        found = paths(TENANT, mine.fill)
    pages = 0
    for address, path in found:
        if address.name.endswith("logout"):
            continue
        response = get(client, path, headers={"Accept": "text/html"})
        if response.get("Content-Disposition", "").startswith("attachment"):
            # A file, never shown as a page; the report in it has a policy of its own.
            continue
        check(address, path, response)
        pages += response.status_code == 200
    assert pages > 40


def fill_public(address: Address, name: str) -> list[Any]:
    return {"app_label": ["tenants", "accounts"], "url": ["nothing/"]}.get(name, [1])


def test_every_page_of_the_bare_domain_keeps_the_policy(db: None) -> None:
    operator = User.objects.create_superuser("operator@example.com", "an operator's password")
    client = Client(HTTP_HOST="localhost")
    client.force_login(operator)
    for address, path in paths(PUBLIC, fill_public):
        if not address.name.endswith("logout"):
            check(address, path, get(client, path))


def test_pages_of_errors_keep_the_policy(acme: Customer, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object) -> None:
        raise RuntimeError("unforeseen")

    client = acme.client()
    nowhere = Address("errors", "", (), ())
    asked = [
        (client, "/no/such/page/", 404),
        (Client(HTTP_HOST="localhost"), "/no/such/page/", 404),
        (Client(HTTP_HOST="unknown.localhost"), "/", 404),
        (Client(HTTP_HOST="not a host"), "/", 404),
        (client, "/api/v1/no/such/thing/", 404),
        (client, "/api/v1/meters/00000000-0000-0000-0000-000000000000/", 404),
        (client, "/admin/auth/group/1/history/", 302),
        (client, "/admin/ingestion/run/add/", 403),
    ]
    for one, path, status in asked:
        response = get(one, path)
        assert response.status_code == status, path
        check(nowhere, path, response)
    forged = Client(HTTP_HOST=acme.domain, enforce_csrf_checks=True).post("/sign-in/", {})
    assert forged.status_code == 403
    check(nowhere, "/sign-in/", forged)
    monkeypatch.setattr("analytics.pages.views.render", fail)
    response = get(client, "/")
    assert response.status_code == 500
    check(nowhere, "/", response)
    assert "unforeseen" not in response.content.decode()


def test_unsigned_nothing_is_open_but_the_sign_in(marked: tuple[Marked, Marked]) -> None:
    mine = marked[0]
    client = mine.customer.client(signed_in=False)
    with mine.customer.tenant.entered():
        found = paths(TENANT, mine.fill)
    for address, path in found:
        for method in ("get", "post", "put", "patch", "delete", "head", "options"):
            with transaction.atomic():
                response = getattr(client, method)(path)
                transaction.set_rollback(True)
            if address.name == "accounts:language" and method == "post":
                assert (response.status_code, response.url) == (302, "/"), path
            elif address.name in OPEN:
                assert response.status_code in {200, 405}, (method, path)
            elif address.name in LINKS:
                led = response.headers.get("Location", "")
                assert (response.status_code, led[-14:]) in {(200, ""), (302, "/set-password/")}
            elif response.status_code == 302:
                location = response.headers["Location"]
                assert location.startswith(("/sign-in/?next=/", "/admin/login/?next=/")), path
            else:
                assert response.status_code in {401, 403}, (method, path, response.status_code)
                assert path.startswith(("/api/", "/meterdata/")), path
            text = response.content.decode()
            shown = [mark for mark in mine.texts if mark in text and mark not in path]
            assert set(shown) <= {mine.customer.domain}, path


def test_unsigned_the_bare_domain_shows_its_page_alone(db: None) -> None:
    client = Client(HTTP_HOST="localhost")
    for address, path in paths(PUBLIC, fill_public):
        response = get(client, path)
        if path == "/" or address.name in OPEN - {"accounts:login"}:
            assert response.status_code in {200, 405}, path
        else:
            assert response.status_code == 302, path
            assert response.headers["Location"].startswith(("/admin/login/", "/sign-in/?next=")), (
                path
            )


def test_cookies_belong_to_one_host(acme: Customer) -> None:
    client = Client(HTTP_HOST=acme.domain)
    client.get("/sign-in/")
    answer = client.post("/sign-in/", {"username": acme.email, "password": acme.password})
    client.post("/admin/auth/group/add/", {"name": "x"})
    names = {"session", "csrf"}
    assert set(client.cookies) == names, "messages travel in none of their own"
    for cookie in (*client.cookies.values(), *answer.cookies.values()):
        assert cookie["domain"] == ""
        assert cookie["path"] == "/"
        assert cookie["httponly"]
        assert cookie["samesite"] == "Lax"
    assert settings.SESSION_COOKIE_DOMAIN is settings.CSRF_COOKIE_DOMAIN is None
    assert not settings.USE_X_FORWARDED_HOST


def test_signing_in_makes_a_new_session(acme: Customer) -> None:
    """A key that somebody has planted is no use afterwards."""
    client = acme.client()
    planted = client.cookies["session"].value
    client.post("/sign-out/")
    client.cookies["session"] = planted
    assert client.get("/").status_code == 302, "signed out is signed out"
    client.post("/sign-in/", {"username": acme.email, "password": acme.password})
    assert client.cookies["session"].value != planted


def test_signing_out_is_a_post(acme: Customer) -> None:
    client = acme.client()
    for path in ("/sign-out/", "/admin/logout/"):
        assert client.get(path).status_code == 405
        assert client.get("/").status_code == 200
    checked = Client(HTTP_HOST=acme.domain, enforce_csrf_checks=True)
    checked.cookies = client.cookies
    assert checked.post("/sign-out/").status_code == 403
    assert client.get("/").status_code == 200
    assert client.post("/sign-out/").headers["Location"] == "/sign-in/"
    assert client.get("/").status_code == 302


@pytest.mark.parametrize("path", ["/sign-in/", "/admin/login/"])
@pytest.mark.parametrize(
    ("wanted", "led"),
    [
        ("/meters/", "/meters/"),
        ("https://acme.localhost/meters/", "https://acme.localhost/meters/"),
        ("http://acme.localhost/meters/", "http://acme.localhost/meters/"),
        ("https://evil.example/", None),
        ("//evil.example/", None),
        ("///evil.example/", None),
        ("/\\evil.example/", None),
        ("http:///evil.example", None),
        ("http://nordwind.localhost/", None),
        ("http://acme.localhost.evil.example/", None),
        ("http://acme.localhost@evil.example/", None),
        ("javascript:alert(1)", None),
        ("\x00//evil.example", None),
    ],
)
def test_the_sign_in_leads_to_its_own_host_alone(
    acme: Customer, path: str, wanted: str, led: str | None
) -> None:
    client = Client(HTTP_HOST=acme.domain)
    for query, form in (({"next": wanted}, {}), ({}, {"next": wanted})):
        answer = client.post(
            path,
            {"username": acme.email, "password": acme.password, **form},
            query_params=query,
        )
        location = answer.headers["Location"]
        if led is None:
            assert location == "/"
        else:
            assert location == led
        client.post("/sign-out/")
