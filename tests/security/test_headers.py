"""What each answer tells browsers and caches, on an installation as it runs in production."""

import io
import os
import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as product
from django.http import HttpResponse
from django.test import Client, RequestFactory

from config.guarding import HEADERS, UNUSED, GuardMiddleware
from config.wsgi import Guarded
from tests.config.test_settings import GOOD, run
from tests.conftest import Customer
from tests.tenants.marks import Marked, since

pytestmark = pytest.mark.django_db


@pytest.fixture
def https(settings: Any) -> dict[str, Any]:
    """Serve as behind a proxy that ends TLS; asked is what it passes on."""
    settings.SECURE_SSL_REDIRECT = settings.HTTPS = True
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    settings.SECURE_HSTS_SECONDS = 365 * 24 * 3600
    settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = settings.SECURE_HSTS_PRELOAD = True
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    settings.LANGUAGE_COOKIE_SECURE = True
    settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME = "__Host-session", "__Host-csrf"
    return {"HTTP_X_FORWARDED_PROTO": "https"}


def test_every_answer_has_the_headers(acme: Customer, https: dict[str, Any]) -> None:
    client = Client(HTTP_HOST=acme.domain, **https)
    page = client.get("/sign-in/")
    assert page.status_code == 200
    form = {"username": acme.email, "password": acme.password}
    # Over TLS a form must say which page it comes from.
    signed = client.post("/sign-in/", form, HTTP_REFERER=f"https://{acme.domain}/sign-in/")
    assert signed.status_code == 302
    answers = {
        "the sign-in": page,
        "a page": client.get("/"),
        "a page that is not there": client.get("/no/such/page/"),
        "the admin": client.get("/admin/"),
        "the API": client.get("/api/v1/meters/"),
        "a refusal of the API": Client(HTTP_HOST=acme.domain, **https).get("/api/v1/meters/"),
        "a host of nobody's": Client(HTTP_HOST="evil.example", **https).get("/"),
        "the bare domain": Client(HTTP_HOST="localhost", **https).get("/"),
        "a static file": client.get("/static/css/app.css"),
        "a form without its token": Client(
            HTTP_HOST=acme.domain, enforce_csrf_checks=True, **https
        ).post("/sign-in/"),
        "another method": client.generic("TRACE", "/"),
    }
    for what, answer in answers.items():
        answer.close()
        told = answer.headers
        assert told["Strict-Transport-Security"] == (
            "max-age=31536000; includeSubDomains; preload"
        ), what
        assert told["X-Content-Type-Options"] == "nosniff", what
        assert told["Referrer-Policy"] == "same-origin", what
        assert told["Cross-Origin-Opener-Policy"] == "same-origin", what
        for name in ("Permissions-Policy", "Cross-Origin-Resource-Policy"):
            assert told[name] == HEADERS[name], what
        assert "Server" not in told, what
        assert "X-Powered-By" not in told, what
        if what not in {"a static file", "another method"}:
            assert "frame-ancestors 'none'" in told["Content-Security-Policy"], what
            assert re.search(r"no-store|private, no-cache", told["Cache-Control"]), what


def test_without_tls_one_is_led_to_it_and_no_cookie_goes_out(
    acme: Customer, https: dict[str, Any]
) -> None:
    client = Client(HTTP_HOST=acme.domain)
    for more in ({}, {"HTTP_X_FORWARDED_PROTO": "http"}, {"HTTP_X_FORWARDED_SSL": "on"}):
        told = client.get("/sign-in/", **more)
        assert told.status_code == 301
        assert told.headers["Location"] == f"https://{acme.domain}/sign-in/"
        assert not told.cookies


def test_without_tls_a_program_is_refused_and_not_led_on(
    acme: Customer, https: dict[str, Any]
) -> None:
    """Led on, it would send its token in the clear with each request."""
    client = Client(HTTP_HOST=acme.domain)
    for path in ("/api/v1/meters/", "/meterdata/measurement"):
        told = client.get(path, **acme.bearer)
        assert told.status_code == 403
        assert "should be revoked" in told.json()["detail"]
        assert client.post(path, **acme.bearer).status_code == 403
        assert client.get(path, **acme.bearer, **https).status_code in {200, 400}
    assert client.get("/healthz").status_code == 200


def test_cookies_are_for_this_host_and_tls_alone(acme: Customer, https: dict[str, Any]) -> None:
    client = Client(HTTP_HOST=acme.domain, **https)
    client.get("/sign-in/")
    form = {"username": acme.email, "password": acme.password}
    client.post("/sign-in/", form, HTTP_REFERER=f"https://{acme.domain}/sign-in/")
    client.post("/language/", {"language": "de"})
    found = {name: cookie for name, cookie in client.cookies.items() if cookie.value}
    assert set(found) == {"__Host-session", "__Host-csrf", "lastgang_language"}
    for name, cookie in found.items():
        assert cookie["secure"], name
        assert cookie["httponly"], name
        assert cookie["samesite"] == "Lax", name
        assert (cookie["domain"], cookie["path"]) == ("", "/"), name


def test_no_cache_keeps_a_page(marked: tuple[Marked, Marked]) -> None:
    """Each page is asked by the walk; the API's answers one browser keeps, and asks each time."""
    mine = marked[0]
    client = mine.customer.client()
    for path in ("/", "/meters/", f"/meters/{mine.own}/", "/no/such/page/", "/api/v1/runs/"):
        assert client.get(path).headers["Cache-Control"] == "private, no-store", path
    for path in ("/password/", "/people/", "/tokens/", "/sign-in/"):
        assert "no-store" in client.get(path).headers["Cache-Control"], path
    readings = f"/api/v1/meters/{mine.own}/readings/?start={since()}"
    for told in (client.get(readings), client.get(readings, **mine.customer.bearer)):
        assert told.status_code == 200
        assert told.headers["Cache-Control"] == "private, no-cache"
        assert {"Cookie", "Authorization"} <= set(told.headers["Vary"].split(", "))


def test_what_an_answer_says_of_itself_stays(db: None) -> None:
    def answer(_: Any) -> HttpResponse:
        return HttpResponse(headers={"Cache-Control": "private, no-cache"})

    told = GuardMiddleware(answer)(RequestFactory().get("/"))
    assert told.headers["Cache-Control"] == "private, no-cache"
    assert told.headers["Permissions-Policy"].count("=()") == len(UNUSED)


def test_a_request_does_not_carry_this_process_s_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The server lays it under each request, where a list of headers would show it."""
    monkeypatch.setenv("DATABASE_URL", "postgres://u:hidden@h/n")
    monkeypatch.setenv("HTTP_PROXY", "http://u:hidden@proxy")
    monkeypatch.setenv("SERVER_PORT", "8000")
    seen: dict[str, Any] = {}

    def application(environ: dict[str, Any], start: Any) -> list[bytes]:
        seen.update(environ)
        return []

    headers = {"HTTP_HOST": "acme.localhost", "SERVER_PORT": "8000", "PATH_INFO": "/"}
    body = {"wsgi.input": io.BytesIO(b"of the request")}
    guarded = Guarded(application)
    guarded({**os.environ, **headers, **body}, lambda *_: None)
    assert seen.pop("wsgi.input").read() == b"of the request"
    assert seen == headers


def test_no_production_shows_its_code() -> None:
    done = run("import config.settings", DEBUG="on")
    assert "DEBUG=on shows strangers the code" in done.stderr
    assert run("import config.settings", DEBUG="on", LASTGANG_ENV="development").returncode == 0
    assert GOOD["LASTGANG_ENV"] == "production"


def test_static_files_are_ours_and_hold_no_way_out(acme: Customer) -> None:
    client = Client(HTTP_HOST=acme.domain)
    root = Path(product.BASE_DIR)
    assert (root / "config" / "settings.py").is_file()
    for path in (
        "/static/../config/settings.py",
        "/static/%2e%2e/config/settings.py",
        "/static/..%2fconfig/settings.py",
        "/static/....//config/settings.py",
        "/static/",
        "/static/css/",
        "/.git/config",
        "/.env",
        "/manage.py",
    ):
        assert client.get(path).status_code in {302, 404}, path
