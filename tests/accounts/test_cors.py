"""Which pages of other origins may ask, tenant by tenant, as a browser sees it."""

import io
import re
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from accounts import cors
from accounts.models import AllowedOrigin
from accounts.origins import checked_origin
from tests.accounts.asking import bearer, person_of, signed_in, token_of
from tests.conftest import Customer

pytestmark = pytest.mark.django_db
PAGE = "https://dashboard.example.com"
CORS = "access-control-"


def allow(customer: Customer, origin: str = PAGE) -> None:
    with customer.tenant.entered():
        cors.allow_origin(AllowedOrigin(origin=origin), by="test")


def preflight(customer: Customer, path: str = "/api/v1/meters/", origin: str = PAGE) -> Any:
    return Client(HTTP_HOST=customer.domain).options(
        path,
        HTTP_ORIGIN=origin,
        HTTP_ACCESS_CONTROL_REQUEST_METHOD="POST",
        HTTP_ACCESS_CONTROL_REQUEST_HEADERS="authorization,content-type,idempotency-key",
    )


def get(customer: Customer, path: str = "/api/v1/meters/", origin: str = PAGE, **more: Any) -> Any:
    return Client(HTTP_HOST=customer.domain).get(path, HTTP_ORIGIN=origin, **more)


def told(response: Any) -> dict[str, str]:
    """The headers that a browser goes by."""
    return {
        name.lower(): text
        for name, text in response.headers.items()
        if name.lower().startswith(CORS)
    }


def test_a_preflight_is_answered(acme: Customer) -> None:
    allow(acme)
    for path in ("/api/v1/meters/", "/api/v1/readings/", "/meterdata/measurement"):
        answer = preflight(acme, path)
        assert answer.status_code == 200
        assert answer.content == b""
        assert "origin" in answer.headers["Vary"].lower()
        assert told(answer) == {
            "access-control-allow-origin": PAGE,
            "access-control-allow-headers": "Authorization, Content-Type, Idempotency-Key, "
            "If-None-Match",
            "access-control-allow-methods": "DELETE, GET, OPTIONS, PATCH, POST, PUT",
            "access-control-expose-headers": "ETag, Location, X-Request-ID, Retry-After, "
            "RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, RateLimit-Policy",
            "access-control-max-age": "600",
        }


def test_the_answer_may_be_read_and_no_cookie_is_taken(acme: Customer) -> None:
    allow(acme)
    answer = get(acme, **bearer(token_of(acme, "read")))
    assert answer.status_code == 200
    assert told(answer)["access-control-allow-origin"] == PAGE
    assert "access-control-allow-credentials" not in told(answer)
    assert "origin" in answer.headers["Vary"].lower()
    # A page can read why it was refused, also by a limit or an error.
    refused = get(acme)
    assert refused.status_code == 401
    assert told(refused)["access-control-allow-origin"] == PAGE


@pytest.mark.parametrize(
    "origin",
    [
        "https://other.example.com",
        "http://dashboard.example.com",
        f"{PAGE}:8443",
        f"{PAGE}.evil.example",
        f"{PAGE}/",
        PAGE.upper(),
        "https://evil.example/https://dashboard.example.com",
        "null",
        "*",
        "https://[",
        "",
    ],
)
def test_an_unknown_origin_gets_no_header_at_all(acme: Customer, origin: str) -> None:
    allow(acme)
    for answer in (
        preflight(acme, origin=origin),
        get(acme, origin=origin, **bearer(token_of(acme, "read"))),
    ):
        assert told(answer) == {}
        assert "origin" in answer.headers["Vary"].lower(), "a cache must keep them apart"
        assert answer.status_code == 200, "programs that send the header are served as ever"


@pytest.mark.parametrize(
    "path", ["/", "/tokens/", "/admin/", "/api/docs/", "/sign-in/", "/api/v2/"]
)
def test_pages_are_for_no_other_origin(acme: Customer, path: str) -> None:
    allow(acme)
    assert told(preflight(acme, path)) == {}
    assert told(get(acme, path)) == {}


def test_each_tenant_has_a_list_of_its_own(acme: Customer, nordwind: Customer) -> None:
    allow(acme)
    bare = Client(HTTP_HOST="localhost")
    for _ in range(2):
        assert told(preflight(acme))["access-control-allow-origin"] == PAGE
        assert told(preflight(nordwind)) == {}
        assert told(bare.get("/api/v1/", HTTP_ORIGIN=PAGE)) == {}


def test_the_list_is_known_for_seconds(
    acme: Customer, django_assert_num_queries: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    allow(acme)
    with acme.tenant.entered():
        assert cors.allowed_origins() == {PAGE}
        AllowedOrigin.objects.create(origin="https://late.example")
        with django_assert_num_queries(0):
            assert cors.allowed_origins() == {PAGE}
        later = cors.time.monotonic() + cors.KEPT + 1
        monkeypatch.setattr(cors.time, "monotonic", lambda: later)
        assert cors.allowed_origins() == {PAGE, "https://late.example"}


def test_without_an_origin_nothing_is_asked_for(
    acme: Customer, django_assert_num_queries: Any
) -> None:
    client = Client(HTTP_HOST=acme.domain)
    with acme.tenant.entered():
        cors.allowed_origins()
    cors.forget()
    client.get("/api/v1/meters/")
    assert not cors._known


GOOD = [
    ("https://Dashboard.Example.com", PAGE),
    (" https://dashboard.example.com/ ", PAGE),
    ("https://dashboard.example.com:443", PAGE),
    ("http://localhost:5173", "http://localhost:5173"),
    ("http://localhost:80", "http://localhost"),
    ("http://[::1]:3000", "http://[::1]:3000"),
    ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
    ("https://zürich.example", "https://xn--zrich-kva.example"),
]
BAD = [
    ("*", "holds a *"),
    ("https://*.example.com", "name each origin in full"),
    ("null", "sandboxed frames of anybody"),
    ("dashboard.example.com", "does not begin with https://"),
    ("ftp://dashboard.example.com", "does not begin with https://"),
    ("https://", "does not begin with https://"),
    ("https://dashboard.example.com/app", "leave out what comes after the host"),
    ("https://dashboard.example.com?x", "leave out what comes after the host"),
    ("https://dashboard.example.com#x", "leave out what comes after the host"),
    ("https://me@dashboard.example.com", "leave out what comes after the host"),
    ("https://dashboard.example.com:port", "is not an origin"),
    ("https://dashboard.example.com:99999", "is not an origin"),
    ("https://dash board.example.com", "names no host"),
    ("https://-.example", "names no host"),
    ("https://[::1", "is not an origin"),
    ("https://" + "a" * 300, "no"),
    ("", "does not begin with https://"),
]


@pytest.mark.parametrize(("text", "origin"), GOOD)
def test_an_origin_is_kept_as_browsers_write_it(text: str, origin: str) -> None:
    assert checked_origin(text) == origin
    assert checked_origin(origin) == origin


@pytest.mark.parametrize(("text", "words"), BAD)
def test_what_is_no_origin_is_told_in_words(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        checked_origin(text)


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(max_size=40), st.text(max_size=40).map("https://{}".format)))
def test_no_text_breaks_it(text: str) -> None:
    try:
        found = checked_origin(text)
    except ValueError:
        return
    assert checked_origin(found) == found
    assert "*" not in found
    assert found.isascii()


def test_an_admin_edits_the_list_on_its_page(acme: Customer) -> None:
    allowed = ("accounts.add_allowedorigin", "accounts.delete_allowedorigin")
    person_of(acme, "staff@example.com", *allowed, is_staff=True)
    client = signed_in(acme, "staff@example.com")
    with capture_logs() as logs:
        answer = client.post("/origins/", {"origin": f"{PAGE}/", "note": "Office"}, follow=True)
    assert PAGE in answer.content.decode()
    assert [(one["event"], one["origin"], one["by"]) for one in logs] == [
        ("origin allowed", PAGE, "staff@example.com")
    ]
    assert told(preflight(acme))["access-control-allow-origin"] == PAGE
    again = client.post("/origins/", {"origin": PAGE.upper()}).content.decode()
    assert "This origin is allowed already." in again
    assert "holds a *" in client.post("/origins/", {"origin": "https://*.x"}).content.decode()
    with acme.tenant.entered():
        [one] = AllowedOrigin.objects.all()
    with capture_logs() as logs:
        client.post(f"/origins/{one.pk}/remove/")
    assert [one["event"] for one in logs] == ["origin no longer allowed"]
    assert told(preflight(acme)) == {}
    assert client.post(f"/origins/{one.pk}/remove/").status_code == 404


def test_others_do_not(acme: Customer, nordwind: Customer) -> None:
    own = "https://kormoran.example"
    allow(acme, own)
    person_of(acme, "reader@example.com")
    reader, outsider = signed_in(acme, "reader@example.com"), nordwind.client()
    with acme.tenant.entered():
        pk = AllowedOrigin.objects.get().pk
    assert reader.get("/origins/").status_code == 403
    assert reader.post("/origins/", {"origin": "https://x.example"}).status_code == 403
    assert reader.post(f"/origins/{pk}/remove/").status_code == 403
    assert own not in outsider.get("/origins/").content.decode()
    assert outsider.post(f"/origins/{pk}/remove/").status_code == 404
    with acme.tenant.entered():
        assert list(AllowedOrigin.objects.values_list("origin", flat=True)) == [own]


def test_there_are_not_too_many(acme: Customer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cors, "MOST", 1)
    allow(acme)
    page = acme.client().post("/origins/", {"origin": "https://two.example"}).content.decode()
    assert "1 origins are the most; remove one" in page


def test_the_admin_edits_the_list(acme: Customer) -> None:
    client = acme.client()
    with capture_logs() as logs:
        client.post("/admin/accounts/allowedorigin/add/", {"origin": f"{PAGE}:443", "note": ""})
        assert told(preflight(acme))["access-control-allow-origin"] == PAGE
        with acme.tenant.entered():
            pk = AllowedOrigin.objects.get(origin=PAGE).pk
        client.post(f"/admin/accounts/allowedorigin/{pk}/delete/", {"post": "yes"})
    assert told(preflight(acme)) == {}
    assert [one["event"] for one in logs] == ["origin allowed", "origin no longer allowed"]
    bad = client.post("/admin/accounts/allowedorigin/add/", {"origin": "*", "note": ""})
    assert "holds a *" in bad.content.decode()


def command(*arguments: str) -> str:
    out = io.StringIO()
    call_command("origins", "--tenant", "acme", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_edits_the_list(acme: Customer, nordwind: Customer) -> None:
    assert "Pages of no other origin may ask Acme's API" in command()
    shown = command("--allow", PAGE, "--allow", "http://localhost:5173", "--note", "Office")
    assert shown.startswith("http://localhost:5173  Office\nhttps://dashboard.example.com  Office")
    assert told(preflight(acme))["access-control-allow-origin"] == PAGE
    assert told(preflight(nordwind)) == {}
    command("--disallow", f"{PAGE}/")
    assert told(preflight(acme)) == {}
    for arguments, words in (
        (("--allow", "*"), "holds a"),
        (("--allow", "http://localhost:5173"), "allowed already"),
        (("--disallow", PAGE), "is not allowed here, so nothing changed"),
        (("--disallow", "x"), "does not begin with https"),
    ):
        with pytest.raises(CommandError, match=words):
            command(*arguments)
