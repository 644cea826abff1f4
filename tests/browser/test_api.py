"""The API's documentation and its browsable pages, in Chromium under the strict policy."""

import json
import re

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.conftest import SHOTS, Site, Watched, sign_in, watch

pytestmark = pytest.mark.browser


def opened(page: Page, summary: str) -> None:
    """Open one operation of the documentation."""
    page.locator(".opblock-summary", has_text=summary).first.click()


def quiet_and_styled(page: Page) -> None:
    """Nothing stands inline that the policy would refuse, and the look is the product's."""
    assert page.locator("script:not([src]):not([type='application/json'])").count() == 0
    expect(page.get_by_role("link", name="Overview").first).to_be_visible()


@pytest.mark.parametrize(
    ("width", "scheme"), [(1440, "light"), (1440, "dark"), (390, "light"), (390, "dark")]
)
def test_documentation(browser: Browser, site: Site, width: int, scheme: str) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    watched = watch(context)
    page = watched.page
    sign_in(page, site)
    page.goto(f"{site.address}/api/docs/")
    # However many there are: the schema has its own test.
    expect(page.locator(".opblock").nth(3)).to_be_visible()
    quiet_and_styled(page)
    opened(page, "Read a meter's intervals")
    expect(page.locator(".opblock.is-open")).to_contain_text("1.8299")
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / f"api-docs-{width}-{scheme}.png", full_page=True)
    # What is read must stand out from what it stands on, in both themes.
    shade = "e => getComputedStyle(e).color.match(/\\d+/g).slice(0, 3).reduce((a, b) => a + +b, 0)"
    words = page.locator(".opblock.is-open .opblock-description p").first
    assert (words.evaluate(shade) > 3 * 128) == (scheme == "dark")
    assert watched.said == []
    context.close()


@pytest.mark.parametrize(
    ("width", "scheme"), [(1440, "light"), (1440, "dark"), (390, "light"), (390, "dark")]
)
def test_reference(browser: Browser, site: Site, width: int, scheme: str) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    watched = watch(context)
    page = watched.page
    sign_in(page, site)
    page.goto(f"{site.address}/api/docs/")
    page.get_by_role("link", name="Reference").click()
    heading = page.get_by_role("heading", name="Read a meter's intervals")
    expect(heading).to_be_attached(timeout=30_000)
    quiet_and_styled(page)
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / f"api-reference-{width}-{scheme}.png")
    shade = "e => getComputedStyle(e).color.match(/\\d+/g).slice(0, 3).reduce((a, b) => a + +b, 0)"
    assert (heading.evaluate(shade) > 3 * 128) == (scheme == "dark")
    # It is drawn again where the theme is changed by hand.
    other = "light" if scheme == "dark" else "dark"
    page.evaluate("theme => { document.documentElement.dataset.theme = theme }", other)
    expect(heading).to_be_attached(timeout=30_000)
    page.wait_for_function(
        "e => e.isConnected && document.querySelectorAll('#api-reference h1').length > 0",
        arg=page.locator("#api-reference").element_handle(),
    )
    assert (heading.evaluate(shade) > 3 * 128) == (other == "dark")
    assert watched.said == []
    context.close()


def test_trying_it_out(site: Site, context: BrowserContext, watched: Watched) -> None:
    page = watched.page
    sign_in(page, site)
    page.goto(f"{site.address}/api/docs/")
    opened(page, "List meters")
    page.get_by_role("button", name="Try it out").click()
    with page.expect_response(lambda response: "/api/v1/meters/" in response.url) as answer:
        page.get_by_role("button", name="Execute").click()
    assert answer.value.status == 200
    assert json.loads(answer.value.text())["count"] > 0
    expect(page.locator(".live-responses-table").first).to_contain_text('"count"')


def test_walking_the_api(site: Site, context: BrowserContext, watched: Watched) -> None:
    page = watched.page
    sign_in(page, site)
    page.goto(f"{site.address}/api/v1/")
    quiet_and_styled(page)
    page.locator("pre a[href$='/api/v1/meters/']").click()
    expect(page.locator("pre").last).to_contain_text('\n  "results": [')
    quiet_and_styled(page)
    page.screenshot(path=SHOTS / "api-browse.png")
    page.locator("pre a[href$='/readings/']").first.click()
    expect(page.locator("pre").last).to_contain_text('"series"')
    page.goto(f"{site.address}/api/v1/meters/?search=95ce3367")
    expect(page.locator("pre").last).to_contain_text('"count": 1,')
    page.goto(f"{site.address}/api/v1/registers/?direction=export&unit=kWh")
    shown = page.locator("pre").last.inner_text()
    found = json.loads(shown)["results"]
    assert found
    assert {one["direction"] for one in found} == {"export"}
    page.goto(f"{site.address}/api/v1/meters/?page_size=1")
    page.get_by_role("link", name="Next page").click()
    expect(page.locator("pre").first).to_contain_text("HTTP 200")
    page.get_by_role("link", name="Overview").first.click()
    expect(page).to_have_url(f"{site.address}/")


def test_writing_in_the_page(site: Site, context: BrowserContext) -> None:
    page = context.new_page()
    said: list[str] = []
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("console", lambda message: "Policy" in message.text and said.append(message.text))
    sign_in(page, site)
    page.goto(f"{site.address}/api/v1/sites/")
    box, send = page.get_by_label("JSON"), page.get_by_role("button", name="Send POST")
    assert json.loads(box.input_value())["name"]
    box.fill('{"nme": "Mill Street 4"}')
    send.click()
    expect(page.locator("pre").last).to_contain_text("did you mean name?")
    # What was typed is still there to be mended.
    expect(box).to_have_value('{"nme": "Mill Street 4"}')
    page.screenshot(path=SHOTS / "api-write.png", full_page=True)
    box.fill('{"name": "Mill Street 4"}')
    send.click()
    expect(page.locator("pre").first).to_contain_text("HTTP 201 Created")
    quiet_and_styled(page)
    page.locator("pre").first.get_by_role("link").click()
    expect(page.locator("pre").last).to_contain_text('"Mill Street 4"')
    page.get_by_label("JSON").fill('{"address": "8000 Zurich"}')
    page.get_by_role("button", name="Send PATCH").click()
    expect(page.locator("pre").last).to_contain_text("8000 Zurich")
    page.get_by_role("button", name="Send DELETE").click()
    expect(page.locator("pre").first).to_contain_text("HTTP 204 No Content")
    page.goto(f"{site.address}/api/v1/sites/?search=mill street")
    expect(page.locator("pre").last).to_contain_text('"count": 0')
    assert said == []


def test_a_problem_is_shown_in_the_page(site: Site, context: BrowserContext) -> None:
    page = context.new_page()
    sign_in(page, site)
    response = page.goto(f"{site.address}/api/v1/meters/?serach=roof")
    assert response is not None
    assert response.status == 400
    expect(page.locator("pre").last).to_contain_text("did you mean search?")


def test_who_is_not_signed_in_is_led_to_the_door(site: Site, context: BrowserContext) -> None:
    page = context.new_page()
    page.goto(f"{site.address}/api/docs/")
    expect(page).to_have_url(re.compile(r"/sign-in/\?next=/api/docs/"))
    page.goto(f"{site.address}/api/v1/meters/")
    expect(page.get_by_role("link", name="Sign in")).to_be_visible()
