"""Uploading a file of readings, as a person does it in Chromium."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import SHOTS, Site, sign_in, watch
from tests.browser.test_pages import PHONE, WIDE, has_no_sideways_scroll
from tests.ingestion.doors.writing import Form, steady, write

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_from_a_file_to_its_run(
    browser: Browser, site: Site, tmp_path: Path, size: tuple[int, int], scheme: str
) -> None:
    width, height = size
    file = tmp_path / f"Lastgang {width} {scheme}.csv"
    series = steady("2022-10-29T22:00+00:00", "2022-10-31T23:00+00:00")
    lines = write(series, Form(encoding="cp1252")).decode("cp1252").splitlines()
    lines[5] = lines[5].partition(";")[0] + ";kaputt"
    file.write_text("\n".join(lines), encoding="cp1252")
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    watched = watch(context)
    page = watched.page
    SHOTS.mkdir(parents=True, exist_ok=True)
    sign_in(page, site)
    page.goto(f"{site.address}/ingestion/")
    page.get_by_role("link", name="Upload readings").click()
    page.screenshot(path=SHOTS / f"upload-{width}-{scheme}.png", full_page=True)
    page.get_by_label("File").set_input_files(file)
    page.get_by_role("button", name="Look at it").click()
    expect(page.get_by_text("Name the zone")).to_be_visible()
    page.screenshot(path=SHOTS / f"upload-asks-{width}-{scheme}.png", full_page=True)
    page.get_by_label("Meter (optional)").fill("Household Lindenweg 1")
    page.get_by_label("Time zone of the times").fill("Europe/Zurich")
    page.get_by_role("button", name="Look again").first.click()
    store = page.get_by_role("button", name=re.compile("^Store 195 readings"))
    expect(store).to_be_visible()
    expect(page.get_by_text("clocks go back")).to_be_visible()
    expect(page.get_by_role("cell", name=re.compile("kaputt")).last).to_be_visible()
    assert has_no_sideways_scroll(page)
    page.screenshot(path=SHOTS / f"upload-preview-{width}-{scheme}.png", full_page=True)
    store.click()
    expect(page.get_by_text("1 refused")).to_be_visible()
    expect(page.get_by_role("heading", name=re.compile(r"^Run \d+$"))).to_be_visible()
    assert has_no_sideways_scroll(page)
    page.screenshot(path=SHOTS / f"upload-run-{width}-{scheme}.png", full_page=True)
    assert watched.said == []
    context.close()


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_meters_are_registered_from_a_file(
    browser: Browser, site: Site, tmp_path: Path, size: tuple[int, int]
) -> None:
    width, height = size
    file = tmp_path / "meters.csv"
    muid = f"7e57ab1e-0000-4000-8000-00000000{width:04}"
    file.write_text(f"muid;name;timezone\n{muid};Workshop {width};Europe/Zürich\n")
    context = browser.new_context(viewport={"width": width, "height": height})
    watched = watch(context)
    page = watched.page
    sign_in(page, site)
    page.goto(f"{site.address}/meters/")
    assert has_no_sideways_scroll(page)
    page.get_by_role("link", name="Register from a file").click()
    page.get_by_label("File").set_input_files(file)
    with page.expect_response(lambda answer: answer.request.method == "POST"):
        page.get_by_role("button", name="Register").click()
    expect(page.get_by_text("Nothing was stored.")).to_be_visible()
    expect(page.get_by_text("did you mean Europe/Zurich?")).to_be_visible()
    assert has_no_sideways_scroll(page)
    page.screenshot(path=SHOTS / f"register-{width}.png", full_page=True)
    file.write_text(f"muid;name;timezone\n{muid};Workshop {width};Europe/Zurich\n")
    page.get_by_label("File").set_input_files(file)
    page.get_by_role("button", name="Register").click()
    expect(page.get_by_text("The meters are registered.")).to_be_visible()
    # The browser itself logs an answer of 422.
    assert [words for words in watched.said if "422" not in words] == []
    context.close()
