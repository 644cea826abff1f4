"""The analysis of a meter in Chromium: every chart drawn, and a grouping changed in place."""

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import SHOTS, Site, Watched, sign_in, watch
from tests.browser.test_pages import PHONE, WIDE, drawn, has_no_sideways_scroll, household

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_every_chart_is_drawn_without_a_word_in_the_console(
    browser: Browser, site: Site, size: tuple[int, int], scheme: str
) -> None:
    width, height = size
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    watched = watch(context)
    page = watched.page
    sign_in(page, site)
    household(page, site)
    page.get_by_label("Meter", exact=True).get_by_role("link", name="Analysis").click()
    expect(page.get_by_role("heading", name="What this meter measures")).to_be_visible()
    drawn(page)
    assert page.locator(".chart").count() >= 10
    assert has_no_sideways_scroll(page)
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / f"analysis-{width}-{scheme}.png", full_page=True)
    assert watched.said == []
    context.close()


def test_a_changed_grouping_swaps_its_card_alone(watched: Watched, site: Site) -> None:
    page = watched.page
    sign_in(page, site)
    household(page, site)
    page.get_by_label("Meter", exact=True).get_by_role("link", name="Analysis").click()
    drawn(page)
    page.evaluate("document.querySelector('.verdict').dataset.seen = 'yes'")
    page.get_by_label("Group by").select_option("weekday")
    expect(page.get_by_role("heading", name="By weekday")).to_be_visible()
    drawn(page)
    assert page.locator(".verdict[data-seen]").count() == 1
    page.get_by_label("or every").fill("PT7M")
    page.get_by_label("or every").press("Tab")
    expect(page.get_by_text("Grouped by hour instead.")).to_be_visible()
