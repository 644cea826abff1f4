"""The curve of a meter's page in Chromium: zoom, comparison, table and files."""

import csv
import itertools
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow.parquet as pq
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.checking import barriers
from tests.browser.conftest import SHOTS, Site, Watched, sign_in, watch
from tests.browser.test_pages import PHONE, WIDE, drawn, has_no_sideways_scroll, household

pytestmark = pytest.mark.browser

TITLE = "#curve-card > .card:has(.chart) .card__subtitle"


def figure_of(page: Page) -> dict[str, Any]:
    """Return what the server sent for the curve."""
    found: dict[str, Any] = page.evaluate(
        "() => JSON.parse(document.querySelector('script#curve').textContent)"
    )
    return found


def energy_of(figure: dict[str, Any]) -> float:
    """Add up the energy under the curve's own line [kWh], from its steps [kW]."""
    total = 0.0
    for line in figure["data"]:
        if "import" not in {line["meta"]["role"], line["meta"].get("of")}:
            continue
        instants = [datetime.fromisoformat(text).timestamp() for text in line["x"]]
        for (begin, end), (height, follows) in zip(
            itertools.pairwise(instants), itertools.pairwise(line["y"]), strict=True
        ):
            if height is not None and follows is not None:
                # A line ends a second before its last interval does.
                total += height * round((end - begin) / 60) / 60
    return total


def place_of(page: Page) -> list[float]:
    """Say where on the page the curve begins, and how high it is."""
    found: list[float] = page.locator("#curve-card .chart").evaluate(
        "chart => [chart.getBoundingClientRect().top + scrollY, chart.clientHeight]"
    )
    return found


def drag(page: Page, begin: float, end: float) -> None:
    """Draw a stretch on the curve, from one share of its width to another."""
    page.locator("#curve-card .chart").scroll_into_view_if_needed()
    box = page.locator("#curve-card .chart .nsewdrag").first.bounding_box()
    assert box
    height = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * begin, height)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * (begin + end) / 2, height, steps=4)
    page.mouse.move(box["x"] + box["width"] * end, height, steps=4)
    page.mouse.up()


def test_a_stretch_drawn_on_the_curve_is_loaded_finer(watched: Watched, site: Site) -> None:
    page = watched.page
    sign_in(page, site)
    household(page, site)
    page.get_by_role("link", name="Year", exact=True).click()
    expect(page.locator(TITLE)).to_contain_text("days")
    drawn(page)
    page.evaluate("document.querySelector('.tiles').dataset.mark = 'kept'")
    before = place_of(page)
    drag(page, 0.96, 0.985)
    expect(page).to_have_url(re.compile(r"zoom="))
    expect(page.locator(TITLE)).to_contain_text("15 minutes")
    drawn(page)
    assert page.locator(".tiles[data-mark=kept]").count() == 1, "the rest stays as it is"
    assert place_of(page) == before
    assert figure_of(page)["layout"]["meta"]["resolution"] == "PT15M"
    close = page.locator(TITLE).inner_text()
    # What is in the address shows the same to somebody else.
    page.goto(page.url)
    expect(page.locator(TITLE)).to_have_text(close)
    drawn(page)
    plot = page.locator("#curve-card .chart .nsewdrag").first
    plot.dblclick()
    expect(page.locator(TITLE)).to_contain_text("days")
    assert "zoom=" not in page.url
    drawn(page)
    page.go_back()
    expect(page.locator(TITLE)).to_have_text(close)
    drawn(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_keys_and_thumbs_step_compare_and_read_the_table(
    browser: Browser, site: Site, size: tuple[int, int], scheme: str
) -> None:
    width, height = size
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if scheme == "dark" else "light",
        has_touch=size == PHONE,
    )
    watched = watch(context)
    page = watched.page

    def shoot(name: str) -> None:
        SHOTS.mkdir(parents=True, exist_ok=True)
        # A picture of the whole page resizes the window, under whatever the pointer stands on.
        page.mouse.move(0, 0)
        assert has_no_sideways_scroll(page), name
        assert barriers(page) == [], name
        page.screenshot(path=SHOTS / f"{name}-{width}-{scheme}.png", full_page=True)

    sign_in(page, site)
    household(page, site)
    whole = page.locator(TITLE).inner_text()
    page.locator("#step-in").focus()
    page.keyboard.press("Enter")
    expect(page.locator(TITLE)).not_to_have_text(whole)
    drawn(page)
    expect(page.locator("#step-in")).to_be_focused()
    page.get_by_role("link", name="Earlier").click()
    page.get_by_label("Compared with").select_option(label="The time before")
    expect(page.locator("#curve-card .card__sentence")).to_contain_text("kWh")
    drawn(page)
    assert "zoom=" in page.url
    assert "compare=before" in page.url
    roles = [trace["meta"]["role"] for trace in figure_of(page)["data"]]
    assert "comparison" in roles
    page.get_by_role("link", name="Show the table").click()
    expect(page.get_by_role("heading", name="The figures")).to_be_visible()
    expect(page.get_by_role("cell", name=re.compile(r"[+]0[12]:00")).first).to_be_visible()
    drawn(page)
    shoot("curve-compared")
    page.get_by_role("link", name="Next page").click()
    expect(page.locator("#figures")).to_contain_text("Page 2 of")
    drawn(page)
    page.get_by_role("link", name="Whole range").click()
    expect(page.locator(TITLE)).to_have_text(whole)
    drawn(page)
    page.get_by_label("Compared with").select_option(label="The year before")
    expect(page.locator("#curve-card .card__footer")).to_contain_text("Weekdays do not match")
    drawn(page)
    if size == WIDE:
        page.locator("#curve-card .chart").scroll_into_view_if_needed()
        box = page.locator("#curve-card .nsewdrag").first.bounding_box()
        assert box
        page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + box["height"] * 0.5)
        hover = page.locator("#curve-card .hoverlayer")
        expect(hover).to_contain_text(re.compile(r"\d\d:\d\d–\d\d:\d\d [+]0[12]:00"))
        expect(hover).to_contain_text(re.compile(r"kW · \w+ \d+ \w+ \d{4}, \d\d:\d\d [+]0[12]:00"))
    shoot("curve-year-before")
    assert watched.said == []
    context.close()


def test_files_hold_what_the_curve_shows(watched: Watched, site: Site, tmp_path: Path) -> None:
    page = watched.page
    sign_in(page, site)
    household(page, site)
    page.locator("#step-in").click()
    expect(page).to_have_url(re.compile("zoom="))
    drawn(page)
    total = energy_of(figure_of(page))
    assert total > 0

    def saved(role: str, name: str) -> Path:
        files = page.get_by_role("group", name="Files of what is shown")
        with page.expect_download() as download:
            files.get_by_role(role, name=name).click()  # type: ignore[arg-type]
        path = tmp_path / download.value.suggested_filename
        download.value.save_as(path)
        return path

    with saved("link", "CSV").open() as text:
        column = [row["value [kWh]"] for row in csv.DictReader(text)]
    assert sum(float(value or 0) for value in column) == pytest.approx(total, abs=1e-3)
    table = pq.read_table(saved("link", "Parquet"))  # type: ignore[no-untyped-call]
    assert sum(v or 0 for v in table["value"].to_pylist()) == pytest.approx(total, abs=1e-3)
    sheet = openpyxl.load_workbook(saved("link", "XLSX")).active
    assert sheet
    head, *rows = sheet.iter_rows(values_only=True)
    at = head.index("value")
    assert sum(float(row[at] or 0) for row in rows) == pytest.approx(total, abs=1e-3)  # type: ignore[arg-type]
    vector = saved("button", "SVG")
    assert "Household Lindenweg 1" in vector.read_text()
    SHOTS.mkdir(parents=True, exist_ok=True)
    (SHOTS / "saved-curve.svg").write_bytes(vector.read_bytes())


def test_the_table_needs_no_script(browser: Browser, site: Site) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    sign_in(page, site)
    page.goto(f"{site.address}/meters/")
    page.get_by_role("link", name=re.compile("Household Lindenweg 1")).click()
    page.get_by_role("link", name="Zoom in").click()
    page.get_by_role("link", name="Show the table").click()
    expect(page.locator("#figures tbody tr")).to_have_count(100)
    page.get_by_role("link", name="Next page").click()
    expect(page.locator("#figures")).to_contain_text("Page 2 of")
    page.get_by_label("Compared with").select_option("before")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("#curve-card .card__sentence")).to_contain_text("kWh")
    context.close()
