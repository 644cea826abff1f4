"""What every page must hold in a browser, whatever it shows."""

import functools
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

# axe-core 4.14.1, as npm has it.
AXE = Path(__file__).with_name("vendor") / "axe.min.js"
GRAVE = {"serious", "critical"}
RUN = "only => axe.run(document, {resultTypes: ['violations'], ...only})"


@functools.cache
def _axe() -> str:
    return AXE.read_text()


# What has just been swapped fades in, and half faded in nothing has the contrast that it will have.
SETTLED = """Promise.allSettled(document.getAnimations()
  .filter((one) => one.effect.getComputedTiming().endTime !== Infinity)
  .map((one) => one.finished))"""


def barriers(page: Page, *rules: str) -> list[str]:
    """List what axe-core finds grave: what keeps out who can't see well, hear or point.

    The debugger evaluates it, so the page's Content-Security-Policy stays as it is.

    Parameters
    ----------
    rules
        Of axe-core, by name; all where none is given.
    """
    page.evaluate(SETTLED)
    page.evaluate(_axe())
    found: dict[str, Any] = page.evaluate(RUN, {"runOnly": list(rules)} if rules else {})
    return [
        f"{one['impact']}: {one['help']} ({one['id']}): {node['html'][:160]}"
        for one in found["violations"]
        if one["impact"] in GRAVE
        for node in one["nodes"]
    ]
