"""The product as a browser sees it: real web processes, a tenant with readings, Chromium."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "only-for-this-test-7"
SHOTS = ROOT / "test-results" / "screenshots"


@dataclass(frozen=True)
class Site:
    """A running product with one tenant that has the synthetic and recorded meters of the demo."""

    port: int
    environment: dict[str, str] = field(default_factory=dict, repr=False)

    def do(self, python: str) -> None:
        """Run statements inside the tenant, as an operator would in a shell."""
        self.ask(python)

    def ask(self, python: str) -> str:
        """Do so, and return what they print."""
        script = (
            f"from tenants.models import Tenant\nTenant.objects.named('acme').enter()\n{python}"
        )
        done = subprocess.run(
            [sys.executable, "manage.py", "shell", "-v", "0", "-c", script],
            cwd=ROOT,
            env=self.environment,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        return done.stdout

    @property
    def address(self) -> str:
        return f"http://acme.localhost:{self.port}"

    @property
    def bare(self) -> str:
        return f"http://localhost:{self.port}"


@dataclass
class Watched:
    """A page, and everything its console said."""

    page: Page
    said: list[str] = field(default_factory=list)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Set the product up as an operator would, in servers of its own, and serve it."""
    home = tmp_path_factory.mktemp("browser")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        key: value
        for key, value in os.environ.items()
        if key not in {"DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE"}
    } | {
        "LASTGANG_HOME": str(home),
        "LASTGANG_EMBEDDED_FSYNC": "off",
        "DEMO_PASSWORD": PASSWORD,
        "PORT": str(port),
    }
    log = (home / "demo.log").open("w")
    demo = subprocess.Popen(
        [sys.executable, "manage.py", "demo", "--port", str(port)],
        cwd=ROOT,
        env=environment,
        stdout=log,
        stderr=subprocess.STDOUT,
        # As a shell without job control does it with what it starts in the background.
        preexec_fn=_ignoring_sigint,
    )
    try:
        _wait(demo, home / "demo.log")
        yield Site(port, environment)
    finally:
        demo.send_signal(signal.SIGINT)
        ended = demo.wait(30)
        log.close()
        assert ended == 0
        assert (home / "demo.log").read_text().endswith("Stopping …\nStopped.\n")


def _ignoring_sigint() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _wait(demo: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        if demo.poll() is not None:
            break
        if "Ctrl-C stops everything." in log.read_text():
            return
        time.sleep(0.2)
    pytest.fail(f"The demo did not come up:\n{log.read_text()[-3000:]}")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not chromium:
        words = "Chromium is not installed (`make browser` fetches one where npm is)"
        if os.environ.get("LASTGANG_NO_SKIP"):
            pytest.fail(words)
        pytest.skip(words)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium,
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--no-first-run",
            ],
        )
        yield browser
        browser.close()


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


def sign_in(page: Page, site: Site) -> None:
    page.goto(f"{site.address}/sign-in/")
    page.fill("input[name=username]", "demo@acme.localhost")
    page.fill("input[name=password]", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_url(f"{site.address}/")
