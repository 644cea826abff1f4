"""Tokens and origins in Chromium, and a page of another origin that asks the API."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.conftest import SHOTS, Site, sign_in, watch
from tests.browser.test_pages import PHONE, WIDE, has_no_sideways_scroll

pytestmark = pytest.mark.browser

OTHERS = """
from accounts.models import ApiToken, User
from accounts.tokens import make_token
from datetime import timedelta
from django.utils import timezone
person, _ = User.objects.get_or_create(email="ada@acme.example", defaults={"is_staff": True})
make_token(person=person, by="test", name="Nightly export", scopes=["read"])
old = make_token(person=person, by="test", name="Gateway in the cellar")
ApiToken.objects.filter(pk=old.token.pk).update(
    expiry=timezone.now() - timedelta(days=3), last_used_at=timezone.now() - timedelta(days=4)
)
"""


def by_program(site: Site, method: str, path: str, token: str, **more: Any) -> requests.Response:
    """Ask as a program does, which need not know that names may end in localhost."""
    return requests.request(
        method,
        f"http://127.0.0.1:{site.port}/api/v1/{path}",
        headers={"Host": f"acme.localhost:{site.port}", "Authorization": f"Bearer {token}"},
        timeout=30,
        **more,
    )


@pytest.mark.parametrize(
    ("size", "scheme"),
    [(WIDE, "light"), (WIDE, "dark"), (PHONE, "light"), (PHONE, "dark")],
    ids=["wide-light", "wide-dark", "phone-light", "phone-dark"],
)
def test_a_token_is_made_shown_once_and_revoked(
    browser: Browser, site: Site, size: tuple[int, int], scheme: str
) -> None:
    width, height = size
    site.do(OTHERS)
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    watched = watch(context)
    page = watched.page

    def shoot(name: str) -> None:
        assert has_no_sideways_scroll(page), name
        SHOTS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=SHOTS / f"{name}-{width}-{scheme}.png", full_page=True)

    sign_in(page, site)
    page.get_by_role("button", name="Your account").click()
    page.get_by_role("link", name="API tokens").click()
    expect(page.get_by_role("heading", name="API tokens")).to_be_visible()
    shoot("tokens")
    page.get_by_role("button", name="Make token").click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing was saved yet")
    shoot("tokens-wrong")
    name = f"Dashboard {width} {scheme}"
    page.get_by_role("textbox", name="Name").fill(name)
    page.get_by_role("checkbox", name="Push").check()
    page.get_by_role("combobox", name="Expires").select_option(label="In a year")
    page.get_by_role("button", name="Make token").click()
    secret = page.locator("#token").inner_text().strip()
    assert secret.startswith("lg_")
    expect(page.locator("#token-call")).to_contain_text(f'curl -H "Authorization: Bearer {secret}"')
    shoot("token-made")
    page.get_by_role("button", name="Copy").first.click()
    expect(
        page.get_by_role("button", name="Copied").or_(page.get_by_text("Selected"))
    ).to_be_visible()
    asked = by_program(site, "GET", "meters/", secret)
    assert asked.status_code == 200
    assert int(asked.headers["RateLimit-Remaining"]) >= 0
    page.goto(f"{site.address}/tokens/")
    assert secret not in page.content()
    row = page.get_by_role("row").filter(has_text=name)
    expect(row).to_contain_text("read, push")
    row.get_by_role("link", name="Revoke").click()
    expect(page.get_by_role("heading", name=f"Revoke {name}?")).to_be_visible()
    shoot("token-revoke")
    page.get_by_role("button", name="Revoke").click()
    expect(page.get_by_text("is revoked.")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text=name)).to_have_count(0)
    page.get_by_role("link", name="Allowed origins").click()
    page.get_by_role("textbox", name="Origin").fill(f"https://{scheme}-{width}.example.com/")
    page.get_by_role("textbox", name="Note").fill("Energy display in the hall")
    page.get_by_role("button", name="Allow").click()
    expect(page.get_by_text("may ask the API in")).to_be_visible()
    page.get_by_role("textbox", name="Origin").fill("https://*.example.com")
    page.get_by_role("button", name="Allow").click()
    expect(page.get_by_role("alert")).to_contain_text("holds a *")
    shoot("origins")
    page.get_by_role("button", name=f"Remove https://{scheme}-{width}.example.com").click()
    expect(page.get_by_text("may no longer ask the API")).to_be_visible()
    assert watched.said == []
    context.close()


class Elsewhere(BaseHTTPRequestHandler):
    """An empty page of another origin, as a front end's."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>Elsewhere</title>")

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def elsewhere() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://localhost:{server.server_port}"
    server.shutdown()
    server.server_close()


ASK = """async ([address, token, method]) => {
  try {
    const answer = await fetch(address, {
      method,
      headers: {"Authorization": `Bearer ${token}`, "If-None-Match": '"x"'},
    });
    return {
      status: answer.status,
      left: answer.headers.get("RateLimit-Remaining"),
      body: await answer.json(),
    };
  } catch (error) {
    return {failed: String(error)};
  }
}"""


def ask(page: Page, address: str, token: str, method: str = "GET") -> dict[str, Any]:
    found: dict[str, Any] = page.evaluate(ASK, [address, token, method])
    return found


def test_a_page_of_another_origin_asks(
    site: Site, browser: Browser, context: BrowserContext, elsewhere: str
) -> None:
    """With real preflights: what the browser refuses counts, not what we think of our headers."""
    person = context.new_page()
    sign_in(person, site)
    person.goto(f"{site.address}/origins/")
    person.get_by_role("textbox", name="Origin").fill(elsewhere)
    person.get_by_role("button", name="Allow").click()
    expect(person.get_by_text("may ask the API in")).to_be_visible()
    # The demo serves with several processes, each of which knows a list for seconds.
    person.wait_for_timeout(11_000)
    # The front end's own server has a token that reads, and gets one for its page.
    person.goto(f"{site.address}/tokens/")
    person.get_by_role("textbox", name="Name").fill("Server of the front end")
    person.get_by_role("button", name="Make token").click()
    lasting = person.locator("#token").inner_text().strip()
    made = by_program(site, "POST", "tokens/browser/", lasting, json={"origins": [elsewhere]})
    assert made.status_code == 200, made.text
    token = made.json()["token"]
    # Another browser, in which nobody is signed in.
    other = browser.new_context()
    page = other.new_page()
    page.goto(elsewhere)
    meters = f"{site.address}/api/v1/meters/"
    found = ask(page, meters, token)
    assert found["status"] == 200, found
    assert found["body"]["count"] > 0
    assert found["left"].isdecimal(), "the page may read it"
    refused = ask(page, f"{site.address}/api/v1/readings/", token, "POST")
    assert refused["status"] == 403
    assert "lacks the scope “push”" in refused["body"]["detail"]
    assert ask(page, meters, "lg_no")["status"] == 401
    # An origin that nobody allowed: the browser lets the page see nothing.
    page.goto(elsewhere.replace("localhost", "127.0.0.1"))
    assert "Failed to fetch" in ask(page, meters, token)["failed"]
    other.close()
