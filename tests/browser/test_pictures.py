"""Charts saved as pictures: on every page that has some, by key, and light for paper."""

import base64
import re
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Download, Page, expect

from tests.browser.conftest import ROOT, SHOTS, Site, sign_in, watch
from tests.browser.test_pages import PHONE, WIDE, drawn, household
from tests.conftest import RECORDED_IMPORT

pytestmark = pytest.mark.browser

BUTTONS = ".card:has(.chart) [data-save=png]"
# What a reader finds in the file of a chart: its size, and the colour of its first pixel.
LOOK_AT = """async text => {
    const image = new Image();
    image.src = `data:image/png;base64,${text}`;
    await image.decode();
    const canvas = document.createElement('canvas');
    canvas.width = canvas.height = 1;
    canvas.getContext('2d').drawImage(image, 0, 0);
    return [...canvas.getContext('2d').getImageData(0, 0, 1, 1).data];
}"""
WHITE = [255, 255, 255, 255]


def pictures(page: Page) -> dict[str, bytes]:
    """Save every chart of a page, by key."""
    found = {}
    buttons = page.locator(BUTTONS)
    assert buttons.count() == page.locator(".chart").count()
    for at in range(buttons.count()):
        buttons.nth(at).focus()
        with page.expect_download() as download:
            page.keyboard.press("Enter")
        expect(buttons.nth(at)).to_be_focused()
        found[download.value.suggested_filename] = content(download.value)
    assert len(found) == buttons.count(), "each has a name of its own"
    return found


def content(download: Download) -> bytes:
    return Path(download.path()).read_bytes()


def size_of(picture: bytes) -> tuple[int, int]:
    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", picture[16:24])
    return width, height


def look_at(page: Page, picture: bytes) -> list[int]:
    found: list[int] = page.evaluate(LOOK_AT, base64.b64encode(picture).decode())
    return found


@pytest.mark.parametrize(
    ("size", "scheme"), [(WIDE, "dark"), (PHONE, "light")], ids=["wide", "phone"]
)
def test_every_chart_of_every_page_is_saved(
    browser: Browser, site: Site, size: tuple[int, int], scheme: str
) -> None:
    width, height = size
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if scheme == "dark" else "light",
    )
    watched = watch(context)
    page = watched.page
    sign_in(page, site)
    household(page, site)
    meter = page.url
    page.goto(f"{site.address}/sites/")
    page.get_by_role("link", name=re.compile("Bergstrasse 1")).click()
    expect(page.get_by_role("heading", name="Bergstrasse 1")).to_be_visible()
    folder = SHOTS / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    for address, subject, least in (
        (page.url, "Bergstrasse-1", 2),
        (meter, "Household-Lindenweg-1", 3),
        (f"{meter}analysis/", "Household-Lindenweg-1", 10),
        (f"{site.address}/?range=yesterday", "Acme-Energy", 2),
    ):
        page.goto(address)
        drawn(page)
        found = pictures(page)
        assert len(found) >= least, address
        for name, picture in found.items():
            (folder / f"{width}-{name}").write_bytes(picture)
            assert re.fullmatch(rf"{subject}-\S+-\d{{4}}-\d\d-\d\d\.png", name), name
            wide, _ = size_of(picture)
            assert wide >= 1920, name
            assert look_at(page, picture) == WHITE, name
    assert watched.said == []
    context.close()


def test_a_stretch_has_its_own_name_and_shows_what_is_seen(browser: Browser, site: Site) -> None:
    context = browser.new_context()
    page = watch(context).page
    sign_in(page, site)
    page.goto(
        f"{site.address}/meters/{RECORDED_IMPORT}/?start=2023-02-01&end=2023-03-01"
        "&zoom=2023-02-03T06:00:00%2B01:00/2023-02-03T12:00:00%2B01:00"
    )
    drawn(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Save “Load curve” as PNG").click()
    assert download.value.suggested_filename == (
        "Challenge-meter-95ce3367-Load-curve-2023-02-03-0600-2023-02-03-1200.png"
    )
    context.close()


def test_without_scripts_there_is_no_such_button(browser: Browser, site: Site) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    sign_in(page, site)
    expect(page.locator("[data-save]").first).to_be_attached()
    expect(page.locator("[data-save]:visible")).to_have_count(0)
    context.close()


def test_charts_of_the_report_are_saved_without_a_network(
    browser: Browser, site: Site, tmp_path: Path
) -> None:
    path = tmp_path / "report.html"
    subprocess.run(
        [
            *(sys.executable, "manage.py", "report", "--tenant", "acme"),
            *("--meter", RECORDED_IMPORT, "--output", str(path)),
        ],
        cwd=ROOT,
        env=site.environment,
        check=True,
    )
    context = browser.new_context(offline=True)
    watched = watch(context)
    page = watched.page
    page.goto(path.as_uri())
    drawn(page)
    found = pictures(page)
    assert len(found) == 10
    assert "Challenge-meter-95ce3367-Calendar-2023-02-01-2023-03-01.png" in found
    assert look_at(page, found.popitem()[1]) == WHITE
    assert watched.said == []
    context.close()
