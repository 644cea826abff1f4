"""Readings looked at, corrected and restored in Chromium, wide and phone-sized."""

import re

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import SHOTS, Site, sign_in, watch
from tests.browser.test_pages import PHONE, WIDE, has_no_sideways_scroll, household

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(
    ("size", "scheme"), [(WIDE, "light"), (PHONE, "dark")], ids=["wide", "phone"]
)
def test_a_reading_is_corrected_and_restored(
    browser: Browser, site: Site, size: tuple[int, int], scheme: str
) -> None:
    width, height = size
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    watched = watch(context)
    page = watched.page

    def shoot(name: str) -> None:
        assert has_no_sideways_scroll(page), name
        SHOTS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=SHOTS / f"{name}-{width}-{scheme}.png", full_page=True)

    sign_in(page, site)
    household(page, site)
    page.get_by_role("link", name="Readings", exact=True).click()
    expect(page.get_by_role("heading", name="Readings", exact=True)).to_be_visible()
    # A day that is over, whose intervals are all there.
    page.get_by_role("link", name="Day before").click()
    page.get_by_role("link", name="Day before").click()
    shoot("readings")

    page.locator("select[name=start]").select_option(index=8)
    page.locator("select[name=end]").select_option(index=11)
    page.get_by_role("button", name="Correct…").click()
    page.get_by_role("textbox", name="Value").fill("0.123")
    page.locator("select[name=quality]").select_option("estimated")
    page.get_by_role("button", name="See what would change").click()
    assert page.get_by_role("textbox", name="Reason").evaluate("field => !field.validity.valid"), (
        "needed"
    )
    page.get_by_role("textbox", name="Reason").fill("The meter was exchanged on this day.")
    shoot("correct")
    page.get_by_role("button", name="See what would change").click()
    expect(page.get_by_role("heading", name="What would change")).to_be_visible()
    shoot("correct-confirm")
    page.get_by_role("button", name="Change 4 intervals").click()
    expect(page.get_by_text("4 intervals changed.")).to_be_visible()
    changed = page.get_by_role("row").filter(has_text="last by hand")
    expect(changed).to_have_count(4)
    shoot("readings-corrected")

    changed.first.get_by_role("link").click()
    expect(page.get_by_text("The meter was exchanged on this day.").first).to_be_visible()
    shoot("interval")
    page.get_by_role("link", name="Restore…").first.click()
    page.get_by_role("textbox", name="Reason").fill("It was not.")
    shoot("restore")
    page.get_by_role("button", name="Restore 4 intervals").click()
    expect(page.get_by_text("4 intervals changed.")).to_be_visible()
    expect(page.get_by_text(re.compile("(twice|times), last by hand")).first).to_be_visible()
    page.goto(f"{site.address}/ingestion/revisions/?by=hand")
    page.locator("summary").first.click()
    expect(page.get_by_text("The meter was exchanged on this day.").first).to_be_visible()
    shoot("corrections")
    assert watched.said == []
    context.close()
