"""A person who reads German: chooses it once, and is spoken to in it from then on."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.checking import barriers
from tests.browser.conftest import Site, sign_in, watch
from tests.browser.test_pages import PHONE, WIDE, drawn, has_no_sideways_scroll

pytestmark = pytest.mark.browser

GERMAN_DAY = re.compile(r"(?:Mo|Di|Mi|Do|Fr|Sa|So) \d{1,2}\. \w+")
ENGLISH_DAY = re.compile(r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) \d{1,2} \w+")


@pytest.fixture
def chosen(site: Site) -> Iterator[None]:
    """Take back what a person has chosen here: the other tests share the person."""
    yield
    site.do("from accounts.models import User; User.objects.update(language='')")


def language(page: Page) -> str | None:
    return page.locator("html").get_attribute("lang")


def tab_to(page: Page, name: str) -> None:
    """Go by the key Tab until what has this name has the focus."""
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent.trim()") == name:
            return
    pytest.fail(f"No key leads to {name}")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_german_is_chosen_by_keyboard_and_stays(
    browser: Browser, site: Site, chosen: None, size: tuple[int, int], scheme: str
) -> None:
    width, height = size
    viewport = {"width": width, "height": height}
    english = {"viewport": viewport, "color_scheme": scheme, "locale": "en-GB"}
    context = browser.new_context(**english)  # type: ignore[arg-type]
    watched = watch(context)
    page = watched.page
    sign_in(page, site)
    page.goto(f"{site.address}/notices/")
    assert language(page) == "en"
    page.get_by_role("button", name="Your account").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="English")).to_have_attribute("aria-pressed", "true")
    assert barriers(page) == []
    tab_to(page, "Deutsch")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("E-Mails")
    expect(page).to_have_url(f"{site.address}/notices/")
    assert language(page) == "de"
    page.get_by_role("button", name="Ihr Konto").click()
    expect(page.get_by_role("button", name="Deutsch")).to_have_attribute("aria-pressed", "true")
    assert barriers(page) == []
    page.get_by_role("link", name="API-Token").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("API-Token")
    assert has_no_sideways_scroll(page)
    assert barriers(page) == []
    assert watched.said == []
    context.close()
    # Another browser, which prefers English, knows it once the person has signed in.
    context = browser.new_context(**english)  # type: ignore[arg-type]
    page = context.new_page()
    sign_in(page, site)
    assert language(page) == "de"
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_pages_before_the_sign_in_offer_both_languages(
    browser: Browser, site: Site, size: tuple[int, int], scheme: str
) -> None:
    width, height = size
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=scheme,  # type: ignore[arg-type]
        locale="en-GB",
    )
    page = context.new_page()
    for address in (site.bare, f"{site.address}/sign-in/"):
        page.goto(address)
        page.get_by_role("button", name="Deutsch").focus()
        page.keyboard.press("Enter")
        expect(page.locator("html")).to_have_attribute("lang", "de")
        expect(page.get_by_role("button", name="English")).to_have_attribute("lang", "en")
        assert has_no_sideways_scroll(page), address
        assert barriers(page) == [], address
    page.goto(f"{site.address}/no/such/page/")
    assert language(page) == "de"
    assert barriers(page) == []
    context.close()


@pytest.mark.parametrize(
    ("locale", "day", "power", "save", "whole"),
    [
        ("de-CH", GERMAN_DAY, r"\d,\d+\s*kW", "Als SVG speichern", "Ganzer Zeitraum"),
        ("en-GB", ENGLISH_DAY, r"\d\.\d+\s*kW", "Save as SVG", "Whole range"),
    ],
)
def test_charts_write_dates_and_figures_as_the_reader_does(
    browser: Browser,
    site: Site,
    locale: str,
    day: "re.Pattern[str]",
    power: str,
    save: str,
    whole: str,
) -> None:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale=locale)
    watched = watch(context)
    page = watched.page
    sign_in(page, site)
    page.goto(f"{site.address}/meters/")
    page.get_by_role("link", name=re.compile("Household Lindenweg 1")).click()
    expect(page.get_by_role("heading", name="Household Lindenweg 1")).to_be_visible()
    drawn(page)
    chart = page.locator(".chart").first
    expect(chart.locator(".xtick text").first).to_have_text(day)
    box = chart.locator(".nsewdrag").first.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + box["height"] * 0.5)
    hover = chart.locator(".hoverlayer")
    expect(hover).to_have_text(re.compile(rf"{day.pattern}.*\d\d:\d\d–\d\d:\d\d \+0[12]:00"))
    expect(hover).to_have_text(re.compile(power))
    titles = [one.get_attribute("data-title") for one in chart.locator(".modebar-btn").all()]
    assert {save, whole} <= set(titles)
    assert watched.said == []
    context.close()
