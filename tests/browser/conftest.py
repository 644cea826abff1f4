"""What the tests in Chromium share: one product for all of them, and pages that are listened to."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page

from tests.browser.product import ROOT, Site, chromium, serving, sign_in

__all__ = ["ROOT", "SHOTS", "Site", "Watched", "sign_in", "watch"]

SHOTS = ROOT / "test-results" / "screenshots"


@dataclass
class Watched:
    """A page, and everything its console said."""

    page: Page
    said: list[str] = field(default_factory=list)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with serving(tmp_path_factory.mktemp("browser")) as site:
        yield site


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not path:
        words = "Chromium is not installed (`make browser` fetches one where npm is)"
        if os.environ.get("LASTGANG_NO_SKIP"):
            pytest.fail(words)
        pytest.skip(words)
    with chromium(path) as browser:
        yield browser


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, color_scheme="light")
    yield context
    context.close()


@pytest.fixture
def watched(context: BrowserContext) -> Iterator[Watched]:
    """A page whose console must stay silent: no error, no CSP report."""
    watched = watch(context)
    yield watched
    assert watched.said == []


def watch(context: BrowserContext) -> Watched:
    watched = Watched(context.new_page())

    def listen(message: ConsoleMessage) -> None:
        # On a busy machine a font is used later than the browser thinks right: that is about time.
        is_late = "preload" in message.text and "load event" in message.text
        if message.type in {"error", "warning"} and not is_late:
            watched.said.append(f"{message.type}: {message.text}")

    watched.page.on("console", listen)
    watched.page.on("pageerror", lambda error: watched.said.append(f"error: {error}"))
    return watched
