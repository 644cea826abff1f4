"""`make screenshots`: take the pictures of README and docs from the running product.

It is set up for them alone, in a folder that goes when they are done.
"""

import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page

from tests.browser.checking import SETTLED
from tests.browser.pictures import IMAGES, PHONE, PICTURES, Picture
from tests.browser.product import Site, chromium, drawn, serving, sign_in

# What a reader of the documentation should wait for at most [bytes].
LARGEST = 200_000
# Years from now the demo no longer reaches back so far by itself; comparisons look further back.
SYNTHETIC = ("2026-01-01", "2026-05-01")

# Room for a scroll bar, of which a picture has none.
NO_GUTTER = "document.documentElement.style.scrollbarGutter = 'auto'"
# The names in the lists of meters and sites, with their addresses.
ADDRESSES = """[...document.querySelectorAll('a.row-link')].map(
  (link) => [(link.querySelector('strong') ?? link).innerText, link.getAttribute('href')])"""


def main(arguments: Sequence[str]) -> int:
    """Take the pictures whose names begin so, or all; returns the exit status."""
    wanted = [one for one in PICTURES if not arguments or one.name.startswith(tuple(arguments))]
    if not wanted:
        _say(f"No picture's name begins with {' or '.join(arguments)}.")
        return 1
    path = os.environ.get("CHROMIUM")
    if not path:
        _say("Chromium was not found; CHROMIUM names one.")
        return 1
    _say("Starting the product …")
    with (
        tempfile.TemporaryDirectory(prefix="lastgang-", ignore_cleanup_errors=True) as home,
        serving(Path(home)) as site,
        chromium(path) as browser,
    ):
        start, end = SYNTHETIC
        site.manage("ingest", "--tenant", "acme", "--start", start, "--end", end)
        _take_all(wanted, browser, site)
    return 0


def _take_all(wanted: Sequence[Picture], browser: Browser, site: Site) -> None:
    addresses = _addresses(browser, site)
    skipped = [one for one in wanted if one.recorded and _target(one, addresses) is None]
    for picture in wanted:
        if picture in skipped:
            continue
        target = _target(picture, addresses)
        assert target, f"{picture.name}: the demo has no such meter or site"
        taken = _take(picture, target, browser, site)
        before = picture.file.read_bytes() if picture.file.exists() else None
        if taken != before:
            picture.file.parent.mkdir(parents=True, exist_ok=True)
            picture.file.write_bytes(taken)
        state = "new" if before is None else "as before" if taken == before else "changed"
        too_large = " — too large" if len(taken) > LARGEST else ""
        name = picture.file.relative_to(IMAGES)
        _say(f"  {name!s:40} {len(taken) / 1000:4.0f} kB  {state}{too_large}")
    if skipped:
        names = ", ".join(one.name for one in skipped)
        _say(
            f"The challenge's recordings are neither at their public addresses nor in the folder "
            f"that LASTGANG_RECORDINGS names, so these stay as they were: {names}."
        )


def _addresses(browser: Browser, site: Site) -> dict[str, str]:
    """Read where each meter and site of the tenant is to be found."""
    context = _context(browser, site, PICTURES[0])
    page = context.pages[0]
    found: dict[str, str] = {}
    for path in ("/sites/", "/meters/"):
        page.goto(site.address + path)
        found |= dict(page.evaluate(ADDRESSES))
    context.close()
    return found


def _target(picture: Picture, addresses: Mapping[str, str]) -> str | None:
    """Put the addresses of meters and sites into a path; None where there is no such one."""
    try:
        return picture.path.format_map(addresses)
    except KeyError:
        return None


def _context(browser: Browser, site: Site, picture: Picture) -> BrowserContext:
    """Open a window as the picture wants it, signed in."""
    width, height = picture.size
    context = browser.new_context(
        viewport={"width": width, "height": height},
        is_mobile=picture.size == PHONE,
        has_touch=picture.size == PHONE,
        color_scheme=picture.theme,
        reduced_motion="reduce",
        locale="en-GB",
        timezone_id="Europe/Zurich",
    )
    sign_in(context.new_page(), site)
    return context


def _take(picture: Picture, target: str, browser: Browser, site: Site) -> bytes:
    context = _context(browser, site, picture)
    page = context.pages[0]
    page.goto(site.address + target)
    page.evaluate(NO_GUTTER)
    _settle(page)
    if not picture.element:
        taken = page.screenshot(animations="disabled")
    else:
        # As tall as the page, so that nothing scrolls and the bar at the top covers nothing.
        height = int(page.evaluate("document.documentElement.scrollHeight"))
        page.set_viewport_size({"width": picture.size[0], "height": height})
        _settle(page)
        element = page.locator(picture.element)
        assert element.count() == 1, (
            f"{picture.name}: {picture.element} is there {element.count()}×"
        )
        taken = element.screenshot(animations="disabled")
    context.close()
    return taken


def _settle(page: Page) -> None:
    """Wait for fonts, charts and whatever still fades in."""
    page.evaluate("document.fonts.ready.then(() => null)")
    drawn(page)
    page.evaluate(SETTLED)
    # A chart that has just been fitted to its window is drawn in the next frame but one.
    page.evaluate("new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(r)))")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
