"""The guide's JavaScript, in Chromium: on a page of another origin, as a front end would run it."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.conftest import ROOT, SHOTS, Site
from tests.docs.examples import GUIDE, HOST, TOKEN, blocks, matches
from tests.tenants.processes import free_port, wait_until

pytestmark = pytest.mark.browser

METER = "95ce3367-cbce-4a4d-bbe3-da082831d7bd"
PLOTLY = ROOT / "static" / "vendor" / "plotly-cartesian.min.js"


def manage(site: Site, *command: str) -> str:
    done = subprocess.run(
        [sys.executable, "manage.py", *command, "--tenant", "acme"],
        cwd=ROOT,
        env=site.environment,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout


@dataclass(frozen=True)
class Folder:
    """A folder that is served, as the guide says: `python3 -m http.server`."""

    path: Path
    origin: str


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Folder]:
    path, port = tmp_path_factory.mktemp("front-end"), free_port()
    with subprocess.Popen(
        [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1"],
        cwd=path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as server:
        origin = f"http://localhost:{port}"
        wait_until(lambda: _answers(f"http://127.0.0.1:{port}/"), "the folder is served")
        yield Folder(path, origin)
        server.terminate()


def _answers(address: str) -> bool:
    try:
        return requests.get(address, timeout=2).ok
    except requests.RequestException:
        return False


@pytest.fixture(scope="module")
def token(site: Site, folder: Folder) -> str:
    """Do what the guide asks for first: make a token that reads, and allow the origin."""
    manage(site, "origins", "--allow", folder.origin)
    made = manage(site, "create_token", "demo@acme.localhost", "--scope", "read")
    found = re.search(r"lg_[0-9a-f]{64}", made)
    assert found
    return found[0]


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 900, "height": 600})
    yield context.new_page()
    context.close()


def opened(page: Page, folder: Folder, text: str) -> list[str]:
    """Open a page that the other origin serves, and note what goes wrong there."""
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    (folder.path / "index.html").write_text(text)
    page.goto(folder.origin)
    return wrong


def test_the_first_chart(site: Site, folder: Folder, token: str, page: Page) -> None:
    [first] = [one for one in blocks(GUIDE) if one.kind == "html"]
    asked: list[str] = []

    def plotly(route: Route) -> None:
        asked.append(route.request.url)
        route.fulfill(path=PLOTLY, content_type="text/javascript")

    page.route("https://cdn.plot.ly/**", plotly)
    text = first.text.replace(HOST, site.address).replace(TOKEN, token)
    wrong = opened(page, folder, text)
    # A bar for each hour of the week; the first is empty.
    expect(page.locator("#chart .bars .point")).to_have_count(168)
    expect(page.locator("#chart")).to_contain_text("668 of 672 intervals, Europe/Zurich")
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / "guide-first-chart.png")
    # The bundle that stood in for the one of the network is the same.
    version = re.search(r"plotly\.js \(cartesian - minified\) v(\S+)", PLOTLY.read_text()[:200])
    assert version
    assert asked == [f"https://cdn.plot.ly/plotly-cartesian-{version[1]}.min.js"]
    assert wrong == []


def test_what_the_scripts_log_is_what_is_shown(
    site: Site, folder: Folder, token: str, page: Page
) -> None:
    wrong = opened(page, folder, "<!doctype html><title>Guide</title>")
    logged: list[str] = []
    page.on("console", lambda said: logged.append(said.text) if said.type == "log" else None)
    constants = {
        "api": f"{site.address}/api/v1",
        "meter": METER,
        "headers": {"Authorization": f"Bearer {token}"},
    }
    given = "".join(f"const {name} = {json.dumps(one)};\n" for name, one in constants.items())
    found = blocks(GUIDE)
    scripts = [at for at, one in enumerate(found) if one.kind == "js"]
    assert len(scripts) >= 4
    for at in scripts:
        logged.clear()
        page.evaluate(f"async () => {{\n{given}{found[at].text}\n}}")
        assert found[at + 1].kind == "text", f"{found[at].place} shows nothing that it logs"
        assert matches(found[at + 1].text, "\n".join(logged)), f"{found[at].place}: {logged}"
    assert wrong == []
