"""Time to the drawn curve of a meter's page in Chromium, against bare Plotly drawing the same.

The baseline is a page that holds nothing but the figure that the server sent: the same script from
the same server, the same points, one call to draw them. Both are timed by the browser, from the
start of the navigation to the frame that shows the curve; each turn has a browser context of its
own, so nothing is cached. A changed range is timed from the click, beside `Plotly.react` alone.
"""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import requests
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from accounts.models import User
from benchmarks.pages import fill
from benchmarks.report import Report
from benchmarks.storing import SLUG, tenant
from meters.models import Meter
from tenants.models import Domain
from tenants.schema import in_public

TURNS = 7
NAMES = ("chromium", "chromium-browser", "google-chrome")
RANGES = {"month": "Month", "year": "Year"}
ROOT = Path(__file__).parent.parent
# When Plotly was there, and when the curve was drawn: the frame after the one in which it is done.
WATCH = """
window.drawn = [];
let plotly;
Object.defineProperty(window, "Plotly", {
  get: () => plotly,
  set: (made) => {
    plotly = made;
    window.loaded = performance.now();
  },
});
new MutationObserver((changes) => {
  for (const { target } of changes)
    if (target.matches("#curve-card .chart[data-ready]"))
      requestAnimationFrame(() => setTimeout(() => drawn.push(performance.now())));
}).observe(document, { subtree: true, attributes: true, attributeFilter: ["data-ready"] });
"""
UNTIL_DRAWN = """async () => {
  while (!window.drawn?.length) await new Promise((done) => setTimeout(done, 5));
}"""
PARTS = """() => {
  const page = performance.getEntriesByType("navigation")[0];
  return {
    total: drawn[0],
    server: page.responseEnd - page.requestStart,
    scripts: loaded - page.responseEnd,
    drawing: drawn[0] - loaded,
  };
}"""
CHANGE = """async (label) => {
  performance.clearResourceTimings();
  drawn.length = 0;
  const links = [...document.querySelectorAll(".segmented__item")];
  const link = links.find((one) => one.textContent === label);
  const began = performance.now();
  link.click();
  while (!drawn.length) await new Promise((done) => setTimeout(done, 5));
  const asked = performance.getEntriesByType("resource").find((one) => one.name.includes("range="));
  return {
    total: drawn[0] - began,
    server: asked.responseEnd - asked.requestStart,
    drawing: drawn[0] - asked.responseEnd,
  };
}"""
BARE = """<!DOCTYPE html><meta charset="utf-8">
<div id="chart" style="width:1100px;height:360px"></div>
<script type="application/json" id="figure">FIGURE</script>
<script src="/static/vendor/plotly-cartesian.min.js" defer></script>
<script type="module">
const figure = JSON.parse(document.querySelector("#figure").textContent);
await Plotly.newPlot("chart", figure.data, figure.layout);
requestAnimationFrame(() => setTimeout(() => { window.drawn = [performance.now()]; }));
</script>"""
REACT = """async (text) => {
  const figure = JSON.parse(text);
  const began = performance.now();
  await Plotly.react("chart", figure.data, figure.layout);
  return new Promise((done) =>
    requestAnimationFrame(() => setTimeout(() => done(performance.now() - began))));
}"""


def run(report: Report) -> None:
    chromium = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if not chromium:
        report.notes.append(
            "No Chromium is installed, so the time to the drawn curve was not measured; "
            "CHROMIUM names one that is elsewhere."
        )
        return
    with tenant():
        fill(1)
        path = Meter.objects.get().get_absolute_url()
        client = Client()
        client.force_login(
            User.objects.create_superuser("drawing@example.com", "a long password 1")
        )
        session = client.cookies[settings.SESSION_COOKIE_NAME].value
        with in_public():
            host = Domain.objects.get(tenant__schema_name=SLUG).domain
        with _served(host) as address, _launched(chromium) as browser:
            # While Playwright runs, this thread may not ask the database.
            _measure(report, browser, address, path, session)


@contextlib.contextmanager
def _served(host: str) -> Iterator[str]:
    """Serve the product as the Procfile does."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "granian",
        "--interface",
        "wsgi",
        "--http",
        "1",
        "--host",
        "127.0.0.1",
    ]
    command += ["--port", str(port), "--workers", "1", "--blocking-threads", "4"]
    command += ["--no-access-log", "--log-level", "warning", "config.wsgi:application"]
    web = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "DATABASE_POOL_SIZE": "8"})
    try:
        deadline = time.monotonic() + 60
        while not _answers(f"http://127.0.0.1:{port}/healthz"):
            if web.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("The web process did not come up.")
            time.sleep(0.1)
        yield f"http://{host}:{port}"
    finally:
        web.terminate()
        web.wait(30)


def _answers(address: str) -> bool:
    try:
        return requests.get(address, timeout=5).ok
    except requests.RequestException:
        return False


@contextlib.contextmanager
def _launched(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


def _measure(report: Report, browser: Browser, address: str, path: str, session: str) -> None:
    cold: dict[str, list[dict[str, float]]] = {key: [] for key in RANGES}
    changed: dict[str, list[dict[str, float]]] = {key: [] for key in RANGES}
    bare: dict[str, list[float]] = {key: [] for key in RANGES}
    reacted: dict[str, list[float]] = {key: [] for key in RANGES}
    for turn in range(TURNS + 1):
        figures = {}
        for key in RANGES:
            with _fresh(browser, address, session) as context:
                page = _open(context, f"{address}{path}?range={key}")
                took = page.evaluate(PARTS)
                figures[key] = page.text_content("script#curve") or ""
                other = next(one for one in RANGES if one != key)
                swapped = page.evaluate(CHANGE, RANGES[other])
                if turn:  # the first one warms up
                    cold[key].append(took)
                    changed[other].append(swapped)
        for key, figure in figures.items():
            with _fresh(browser, address, session) as context:
                page = _bare(context, address, figure)
                took_bare = page.evaluate("drawn[0]")
                other = next(one for one in RANGES if one != key)
                redrawn = page.evaluate(REACT, figures[other])
                if turn:
                    bare[key].append(took_bare)
                    reacted[other].append(redrawn)
    for key in RANGES:
        title = f"curve of a meter, {key}"
        report.cost(
            f"{title}, from a cold browser, beside bare Plotly",
            "ms",
            median(one["total"] for one in cold[key]),
            median(bare[key]),
        )
        report.cost(
            f"{title}, changed to, beside Plotly.react",
            "ms",
            median(one["total"] for one in changed[key]),
            median(reacted[key]),
        )
        report.notes.append(f"{title}, from a cold browser: {_parts(cold[key])}.")
        report.notes.append(f"{title}, changed to: {_parts(changed[key])}.")


@contextlib.contextmanager
def _fresh(browser: Browser, address: str, session: str) -> Iterator[BrowserContext]:
    """A browser that has never been here, but for the sign-in."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    name = settings.SESSION_COOKIE_NAME
    context.add_cookies([{"name": name, "value": session, "url": address}])
    context.add_init_script(WATCH)
    yield context
    context.close()


def _open(context: BrowserContext, address: str) -> Page:
    page = context.new_page()
    page.goto(address, wait_until="commit")
    page.evaluate(UNTIL_DRAWN)
    return page


def _bare(context: BrowserContext, address: str, figure: str) -> Page:
    """Open a page of the same address that holds the figure and nothing else."""
    page = context.new_page()
    body = BARE.replace("FIGURE", figure.replace("<", "\\u003c"))
    page.route("**/bare", lambda route: route.fulfill(body=body, content_type="text/html"))
    page.goto(f"{address}/bare", wait_until="commit")
    page.evaluate(UNTIL_DRAWN)
    return page


def _parts(took: list[dict[str, Any]]) -> str:
    names = {"server": "the server", "scripts": "scripts and styles", "drawing": "drawing"}
    parts = [
        f"{median(one[key] for one in took):.0f} ms {words}"
        for key, words in names.items()
        if key in took[0]
    ]
    return ", ".join(parts)
