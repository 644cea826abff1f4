"""The buttons of the queue, in Chromium: pause, resume, cancel, try again."""

import re

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import SHOTS, Site, sign_in, watch

pytestmark = pytest.mark.browser

MAKE = """
from django.utils import timezone
from ingestion.models import Feed, Run, Source
words = "127.0.0.1 answered 404 Not Found. It does not know this meter, or the address is wrong."
feed = Feed.objects.first()
Feed.objects.filter(pk=feed.pk).update(given_up_at=timezone.now(), failures=6, last_error=words)
Run.objects.create(source=feed.source, trigger="command", state="failed", error=words)
"""


@pytest.mark.parametrize("width", [1440, 390])
def test_a_source_is_paused_and_a_run_cancelled(browser: Browser, site: Site, width: int) -> None:
    site.do(MAKE)
    scheme = "dark" if width < 500 else "light"
    context = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme)
    watched = watch(context)
    page = watched.page
    sign_in(page, site)
    page.goto(f"{site.address}/ingestion/")
    expect(page.get_by_role("heading", name="Meters that keep failing")).to_be_visible()
    page.get_by_role("button", name=re.compile("^Pause ")).first.click()
    expect(page.get_by_text("is paused. Nothing is lost")).to_be_visible()
    expect(page.locator("tr", has_text="paused").first).to_be_visible()
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / f"queue-{width}-{scheme}.png", full_page=True)
    page.get_by_role("button", name=re.compile("^Resume ")).first.click()
    expect(page.get_by_text("is swept again")).to_be_visible()
    page.get_by_role("button", name="Try all again").click()
    expect(page.get_by_text("will be asked for again")).to_be_visible()
    expect(page.get_by_role("heading", name="Meters that keep failing")).to_have_count(0)
    page.goto(f"{site.address}/ingestion/?show=failed")
    page.locator("table").last.locator("a.row-link").first.click()
    page.get_by_role("button", name="Do again").click()
    expect(page.get_by_text("does it again")).to_be_visible()
    cancel = page.get_by_role("button", name="Cancel")
    if cancel.count():
        cancel.click()
        expect(page.get_by_text(re.compile("is cancelled|has ended already")).first).to_be_visible()
    page.screenshot(path=SHOTS / f"run-steered-{width}-{scheme}.png", full_page=True)
    fits = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    assert page.evaluate(fits)
    context.close()
    assert watched.said == []
