"""What a person does in the product, in Chromium, wide and phone-sized, light and dark."""

import re

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import Site, Watched, sign_in
from tests.browser.product import drawn

pytestmark = pytest.mark.browser

WIDE, PHONE = (1440, 900), (390, 844)


def household(page: Page, site: Site) -> None:
    """Open the first household's page from the list of meters, as a person would."""
    page.goto(f"{site.address}/meters/")
    page.get_by_role("link", name=re.compile("Household Lindenweg 1")).click()
    expect(page.get_by_role("heading", name="Household Lindenweg 1")).to_be_visible()
    drawn(page)


def has_no_sideways_scroll(page: Page) -> bool:
    return bool(
        page.evaluate(
            "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        )
    )


def test_a_wrong_password_says_so_and_the_right_one_signs_in(watched: Watched, site: Site) -> None:
    page = watched.page
    page.goto(site.address)
    expect(page).to_have_url(re.compile("/sign-in/"))
    page.fill("input[name=username]", "demo@acme.localhost")
    page.fill("input[name=password]", "wrong")
    page.click("button[type=submit]")
    expect(page.get_by_role("alert")).to_contain_text("correct")
    sign_in(page, site)
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    page.get_by_role("button", name="Your account").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(re.compile("/sign-in/"))


def test_range_and_resolution_change_the_chart_in_place(watched: Watched, site: Site) -> None:
    page = watched.page
    sign_in(page, site)
    household(page, site)
    before = page.locator(".card__subtitle").first.inner_text()
    page.get_by_role("link", name="7 days", exact=True).click()
    expect(page).to_have_url(re.compile("range=week"))
    expect(page.locator(".card__subtitle").first).not_to_have_text(before)
    drawn(page)
    page.get_by_label("Resolution").select_option("PT1H")
    expect(page).to_have_url(re.compile("resolution=PT1H"))
    expect(page.locator(".card__subtitle").first).to_contain_text("hours")
    drawn(page)
    page.go_back()
    expect(page.locator(".card__subtitle").first).to_contain_text("15 minutes")
    drawn(page)


def test_the_chart_tells_the_interval_under_the_pointer(watched: Watched, site: Site) -> None:
    page = watched.page
    sign_in(page, site)
    household(page, site)
    box = page.locator(".chart .nsewdrag").first.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + box["height"] * 0.5)
    hover = page.locator(".chart .hoverlayer").first
    expect(hover).to_contain_text(re.compile(r"\d{2}:\d{2}–\d{2}:\d{2} \+0[12]:00"))
    expect(hover).to_contain_text("kW")


def test_charts_never_leave_for_the_cloud(watched: Watched, site: Site) -> None:
    page = watched.page
    sign_in(page, site)
    household(page, site)
    page.locator(".chart").first.hover()
    buttons = page.locator(".modebar-btn")
    titles = [button.get_attribute("data-title") or "" for button in buttons.all()]
    assert titles, "the mode bar appears on hover"
    assert not [title for title in titles if "cloud" in title.lower() or "share" in title.lower()]


def test_the_list_of_meters_is_searched_while_typing(watched: Watched, site: Site) -> None:
    page = watched.page
    sign_in(page, site)
    page.goto(f"{site.address}/meters/")
    rows = page.locator("#meters tbody tr")
    assert rows.count() >= 7
    page.get_by_label("Search").fill("photovoltaics")
    expect(rows).to_have_count(2)
    page.get_by_label("Search").fill("no such meter")
    expect(page.get_by_text("No meter matches")).to_be_visible()


def test_the_theme_is_chosen_and_stays(watched: Watched, site: Site) -> None:
    page = watched.page
    sign_in(page, site)
    page.get_by_role("button", name="Your account").click()
    page.get_by_role("button", name="Dark").click()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_the_bare_domain_names_no_tenant(watched: Watched, site: Site) -> None:
    page = watched.page
    page.goto(site.bare)
    text = page.inner_text("body").lower()
    assert "acme" not in text
    assert "nordwind" not in text
    assert has_no_sideways_scroll(page)


def test_an_unknown_address_is_told_kindly(context: BrowserContext, site: Site) -> None:
    page = context.new_page()
    sign_in(page, site)
    response = page.goto(f"{site.address}/nowhere/")
    assert response is not None
    assert response.status == 404
    expect(page.locator("h1")).to_be_visible()


@pytest.mark.parametrize("path", ["/", "/sites/"])
def test_a_changed_range_swaps_only_the_view(watched: Watched, site: Site, path: str) -> None:
    page = watched.page
    sign_in(page, site)
    page.goto(site.address + path)
    if path == "/sites/":
        page.get_by_role("link", name=re.compile("Lindenweg 1")).click()
        expect(page.get_by_role("heading", name="Lindenweg 1")).to_be_visible()
    drawn(page)
    page.evaluate("document.querySelector('h1').dataset.stays = 'yes'")
    page.get_by_role("link", name="7 days", exact=True).click()
    expect(page).to_have_url(re.compile("range=week"))
    expect(page.locator(".segmented__item[aria-current]")).to_have_text("7 days")
    drawn(page)
    expect(page.locator("h1")).to_have_attribute("data-stays", "yes")
    assert has_no_sideways_scroll(page)


def test_states_lead_to_their_meters(watched: Watched, site: Site) -> None:
    page = watched.page
    sign_in(page, site)
    page.locator(".tile__states").get_by_role("link", name=re.compile("Silent")).click()
    expect(page).to_have_url(re.compile(r"/meters/\?state=silent"))
    expect(page.get_by_label("State")).to_have_value("silent")
    rows = page.locator("#meters tbody tr")
    assert rows.count() >= 2
    page.get_by_label("State").select_option("fresh")
    expect(page.locator("#meters .state").first).to_have_text("up to date")
