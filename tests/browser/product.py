"""The product as a browser sees it: real web processes, a tenant with readings, Chromium.

The tests in Chromium and the pictures of the documentation both work with it.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "only-for-this-test-7"
# The last word of the demo once everything answers.
READY = "Ctrl-C stops everything."


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
        return self.manage("shell", "-v", "0", "-c", script)

    def manage(self, *arguments: str) -> str:
        """Run one of the product's commands beside it, and return what it prints."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise RuntimeError(f"{arguments[0]} failed:\n{done.stderr[-3000:]}")
        return done.stdout

    @property
    def address(self) -> str:
        return f"http://acme.localhost:{self.port}"

    @property
    def bare(self) -> str:
        return f"http://localhost:{self.port}"


@contextmanager
def serving(home: Path) -> Iterator[Site]:
    """Set the product up as an operator would, in servers of its own, and serve it.

    Parameters
    ----------
    home
        An empty folder for its data and its `demo.log`.
    """
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
    path = home / "demo.log"
    with path.open("w") as log:
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
            _wait(demo, path)
            yield Site(port, environment)
        finally:
            demo.send_signal(signal.SIGINT)
            ended = demo.wait(30)
    assert ended == 0
    assert path.read_text().endswith("Stopping …\nStopped.\n")


def _ignoring_sigint() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _wait(demo: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        if demo.poll() is not None:
            break
        if READY in log.read_text():
            return
        time.sleep(0.2)
    raise RuntimeError(f"The demo did not come up:\n{log.read_text()[-3000:]}")


@contextmanager
def chromium(path: str) -> Iterator[Browser]:
    """Start the Chromium at a path."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path,
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


def sign_in(page: Page, site: Site) -> None:
    page.goto(f"{site.address}/sign-in/")
    page.fill("input[name=username]", "demo@acme.localhost")
    page.fill("input[name=password]", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_url(f"{site.address}/")


def drawn(page: Page) -> None:
    """Wait until every chart of the page has been drawn."""
    expect(page.locator(".chart").first).to_be_visible()
    page.wait_for_function(
        "() => [...document.querySelectorAll('.chart')].every(c => c.querySelector('.main-svg'))"
    )
