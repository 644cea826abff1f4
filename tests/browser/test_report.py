"""The report as a file on somebody's disk, without the product and without a network."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Route, expect

from tests.browser.conftest import ROOT, Site, sign_in, watch
from tests.browser.test_pages import drawn
from tests.conftest import RECORDED_EXPORT

pytestmark = pytest.mark.browser
# Its last word is too wide for a phone where it does not break.
WICKED = '</script><img src=x onerror="document.title=1">' + "Mühlenstraße" * 3


def test_it_is_drawn_from_the_disk(browser: Browser, site: Site, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    site.do(
        "from meters.models import Meter\n"
        f"Meter.objects.filter(muid='{RECORDED_EXPORT}').update(name={WICKED!r})"
    )
    subprocess.run(
        [
            *(sys.executable, "manage.py", "report", "--tenant", "acme"),
            *("--meter", RECORDED_EXPORT, "--output", str(path)),
        ],
        cwd=ROOT,
        env=site.environment,
        check=True,
    )
    for width in (1440, 390):
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme="dark", offline=True
        )
        watched, asked = watch(context), list[str]()
        page = watched.page

        def note(route: Route, asked: list[str] = asked) -> None:
            asked.append(route.request.url)
            route.abort()

        page.route(lambda url: not url.startswith(("file:", "data:", "blob:")), note)
        page.goto(path.as_uri())
        drawn(page)
        expect(page.get_by_role("heading", level=1)).to_have_text(WICKED)
        assert page.locator(".chart").count() == 10
        assert page.locator(".chart .chart__note:visible").count() == 0
        # Light, whatever the screen is.
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(16, 19, 23)"
        assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "light"
        assert page.evaluate("document.fonts.check(\"12px 'Inter Variable'\")")
        assert page.evaluate(
            "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        )
        # A4 between margins of 12 mm has 703 pixels; charts are not drawn anew for paper.
        widest = "Math.max(...[...document.querySelectorAll('.main-svg')].map(s => s.clientWidth))"
        assert page.evaluate(widest) <= 703
        assert watched.said == [], json.dumps(watched.said)
        assert asked == []
        context.close()


def test_its_button(browser: Browser, site: Site) -> None:
    context = browser.new_context()
    page = watch(context).page
    sign_in(page, site)
    page.goto(f"{site.address}/meters/{RECORDED_EXPORT}/analysis/")
    with page.expect_download() as download:
        page.get_by_role("link", name="Report").click()
    assert download.value.suggested_filename.endswith("2023-02-01-2023-03-01.html")
    context.close()
