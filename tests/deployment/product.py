"""What the product says of itself: the variables that it reads, and those it needs."""

import re

from tests.deployment.rendering import ROOT

# Read by the web server's command, not by the settings.
OF_THE_COMMAND = {"PORT"}


def read_by_settings() -> set[str]:
    """Every variable that the settings read, each of which they name once where it is read."""
    text = (ROOT / "config" / "settings.py").read_text()
    return set(re.findall(r'(?:\benv\.\w+|(?<![\w.])[a-z_]+)\(\s*"([A-Z][A-Z_]+)"', text))


def required() -> set[str]:
    """Those without which the settings do not start, as docs/configuration.md has them."""
    text = (ROOT / "docs" / "configuration.md").read_text()
    return set(re.findall(r"^\| `([A-Z_]+)` \| required", text, re.MULTILINE))
