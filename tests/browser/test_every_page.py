"""Every page of a tenant and its controls, in Chromium: quiet, fitting, open to everybody.

Pages are found by walking the addresses, so one is covered the day that it is added.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.checking import barriers
from tests.browser.conftest import SHOTS, Site, sign_in, watch
from tests.browser.everywhere import Found, pages
from tests.browser.test_pages import PHONE, WIDE, has_no_sideways_scroll
from tests.ingestion.doors.writing import Form, steady, write

pytestmark = pytest.mark.browser

# What a control swaps leaves these as they are.
FRAME = "h1, .rail, .topbar, .bottombar"
DRAWN = """() => [...document.querySelectorAll('.chart')]
    .every(one => 'ready' in one.dataset || one.querySelector('.chart__note'))"""
COUNT_SWAPS = """() => {
    window.swaps = 0;
    document.addEventListener('htmx:afterSettle', () => { window.swaps += 1; });
}"""


@pytest.fixture(scope="module")
def every(browser: Browser, site: Site, tmp_path_factory: pytest.TempPathFactory) -> list[Found]:
    context = browser.new_context()
    page = context.new_page()
    sign_in(page, site)
    found = pages(page, site, upload=_upload(page, site, tmp_path_factory.mktemp("upload")))
    context.close()
    return found


def _upload(page: Page, site: Site, folder: Path) -> str:
    """Upload a file that waits to be looked at; return its path."""
    file = folder / "Waiting.csv"
    series = steady("2022-03-01T00:00+00:00", "2022-03-02T00:00+00:00")
    file.write_bytes(write(series, Form()))
    page.goto(f"{site.address}/ingestion/upload/")
    page.get_by_label("File").set_input_files(file)
    page.get_by_role("button", name="Look at it").click()
    page.wait_for_url("**/ingestion/upload/*-*/")
    return page.url.removeprefix(site.address)


def opened(page: Page, site: Site, found: Found) -> None:
    page.goto(site.address + found.path)
    page.wait_for_function(DRAWN)


def test_the_walk_finds_the_pages_that_people_use(every: list[Found]) -> None:
    assert len({found.name for found in every}) == len(every)
    assert {
        *("analytics:overview", "analytics:meters", "analytics:meter", "analytics:analysis"),
        *("analytics:analyses", "analytics:sites", "analytics:site"),
        *("ingestion:runs", "ingestion:run", "ingestion:upload", "ingestion:preview"),
        *("ingestion:readings", "ingestion:slot", "ingestion:correct", "ingestion:restore"),
        *("record:gaps", "record:rejections", "record:revisions", "record:retention"),
        *("accounts:tokens", "accounts:origins", "accounts:revoke"),
        *("accounts:people", "accounts:person", "accounts:invite", "accounts:acts"),
        *("accounts:password", "accounts:invitation", "accounts:forgotten"),
        *("notices:mine", "notices:attention", "notices:unsubscribe"),
    } <= {found.name for found in every}


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_every_page_is_quiet_fits_and_keeps_nobody_out(
    browser: Browser, site: Site, every: list[Found], size: tuple[int, int]
) -> None:
    width, height = size
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme="light")
    watched = watch(context)
    page = watched.page
    wrong = []
    # Who is not signed in sees one page, too.
    page.goto(f"{site.address}/sign-in/")
    wrong += [f"sign-in: {one}" for one in barriers(page)]
    sign_in(page, site)
    for found in every:
        opened(page, site, found)
        expect(page.locator("h1")).to_have_count(1)
        if not has_no_sideways_scroll(page):
            wrong.append(f"{found.path}: wider than the window")
        wrong += [f"{found.path}: {one}" for one in barriers(page)]
        _shoot(page, found, size, "light")
        # The other theme changes colours and nothing else.
        page.emulate_media(color_scheme="dark")
        wrong += [f"{found.path}, dark: {one}" for one in barriers(page, "color-contrast")]
        _shoot(page, found, size, "dark")
        page.emulate_media(color_scheme="light")
        wrong += [f"{found.path}: {words}" for words in watched.said]
        watched.said.clear()
    assert wrong == []
    context.close()


def _shoot(page: Page, found: Found, size: tuple[int, int], scheme: str) -> None:
    SHOTS.mkdir(parents=True, exist_ok=True)
    # A picture of the whole page resizes the window, under whatever the pointer stands on.
    page.mouse.move(0, 0)
    name = f"{found.name.replace(':', '-')}-{size[0]}-{scheme}.png"
    page.screenshot(path=SHOTS / name, full_page=True)


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_every_control_swaps_its_piece_and_nothing_else(
    browser: Browser, site: Site, every: list[Found], size: tuple[int, int]
) -> None:
    width, height = size
    context = browser.new_context(viewport={"width": width, "height": height})
    watched = watch(context)
    page = watched.page
    sign_in(page, site)
    used = 0
    for found in every:
        opened(page, site, found)
        if not page.locator("form[hx-get]").count():
            continue
        page.evaluate(COUNT_SWAPS)
        page.evaluate(
            "frame => document.querySelectorAll(frame).forEach(one => one.dataset.stays = '')",
            FRAME,
        )
        stays = page.locator("[data-stays]").count()
        used += _use_links(page) + _use_selects(page)
        assert page.locator("[data-stays]").count() == stays, f"{found.path}: all was loaded anew"
        assert watched.said == [], found.path
    assert used > 20
    context.close()


def _use_links(page: Page) -> int:
    """Choose each preset of the range, one after another."""
    links = page.locator("a.segmented__item[hx-get]")
    count = links.count()
    for at in range(count):
        label = links.nth(at).inner_text()
        _swapped(page, links.nth(at).click)
        expect(page.locator(".segmented__item[aria-current]")).to_have_text(label)
    return count


def _use_selects(page: Page) -> int:
    """Choose the last of each list's choices."""
    names = page.locator("form[hx-get] select").evaluate_all("all => all.map(one => one.name)")
    for name in names:
        select = page.locator(f"form[hx-get] select[name={name}]")
        value = _other_choice(select)
        if value is None:
            continue
        _swapped(page, lambda select=select, value=value: select.select_option(value))
        expect(page.locator(f"form[hx-get] select[name={name}]")).to_have_value(value)
    return len(names)


def _other_choice(select: Locator) -> str | None:
    """Name the last choice that is not made yet; none where there is no other."""
    found: str | None = select.evaluate(
        "one => [...one.options].reverse().find(choice => !choice.selected)?.value ?? null"
    )
    return found


def _swapped(page: Page, act: Callable[[], object]) -> None:
    before = page.evaluate("window.swaps")
    act()
    page.wait_for_function("before => window.swaps > before", arg=before)
    page.wait_for_function(DRAWN)
