"""The analysis of a meter in Chromium: every chart drawn, and a grouping changed in place."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Site, Watched, sign_in
from tests.browser.test_pages import drawn, household

pytestmark = pytest.mark.browser


def test_every_chart_is_drawn(watched: Watched, site: Site) -> None:
    page = watched.page
    sign_in(page, site)
    household(page, site)
    page.get_by_label("Meter", exact=True).get_by_role("link", name="Analysis").click()
    expect(page.get_by_role("heading", name="What this meter measures")).to_be_visible()
    drawn(page)
    assert page.locator(".chart").count() >= 10


def test_the_rail_leads_to_what_meters_seem_to_measure(watched: Watched, site: Site) -> None:
    page = watched.page
    sign_in(page, site)
    page.get_by_label("Main").get_by_role("link", name="Analysis").first.click()
    expect(page.get_by_role("heading", name="Analysis")).to_be_visible()
    page.get_by_label("Search").fill("telecom")
    rows = page.locator("#analyses tbody tr")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("A constant technical load")
    rows.get_by_role("link").click()
    expect(page.get_by_role("heading", name="What this meter measures")).to_be_visible()


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
