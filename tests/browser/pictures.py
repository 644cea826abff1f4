"""Which pictures README and docs show, and how each is taken: the one list of them.

`make screenshots` takes them all, or those whose names begin as it is told (`ONLY=exploration/`).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"

WINDOW = (1440, 1000)
TALL = (1440, 1240)
CARD = (1040, 1000)
"""Of a single card: narrow, so that its text can still be read on a page of documentation."""
PHONE = (390, 844)

# The synthetic meters read the same whenever they are asked, so a fixed range is a fixed picture.
SPRING = "start=2026-03-09&end=2026-04-06"
FEBRUARY = "start=2023-02-01&end=2023-03-02"
HOUSEHOLD = "{Household Lindenweg 1}"
CURVE = "#curve-card .card:has(.chart)"
IMPORT, EXPORT = "{Challenge meter 95ce3367}", "{Challenge meter 1db7649e}"


@dataclass(frozen=True)
class Picture:
    """One picture.

    Attributes
    ----------
    name
        Of its file under `docs/images`, without the ending.
    path
        The page. A name in braces stands for the address of that meter or site.
    size
        Of the window [px]; of an element the width counts alone.
    element
        What is cut out, as a CSS selector; the window where it is empty.
    theme
        As the reader's system would ask for it.
    recorded
        Whether it shows the challenge's meters. Their recordings are no part of the project, so
        without them the picture stays as it was.
    """

    name: str
    path: str
    size: tuple[int, int] = WINDOW
    element: str = ""
    theme: Literal["light", "dark"] = "light"
    recorded: bool = False

    @property
    def file(self) -> Path:
        return IMAGES / f"{self.name}.png"


def _curve(name: str, meter: str, query: str = "") -> Picture:
    """The load curve of one of the challenge's meters."""
    path = f"{meter}?{FEBRUARY}{query}"
    return Picture(f"exploration/{name}", path, CARD, CURVE, recorded=True)


def _analysis(name: str, meter: str, figure: str, query: str = "") -> Picture:
    """A card of its analysis, found by the figure in it."""
    path = f"{meter}analysis/?{FEBRUARY}{query}"
    element = f'.card:has([data-figure="{figure}"])'
    return Picture(f"exploration/{name}", path, CARD, element, recorded=True)


def _verdict(name: str, meter: str) -> Picture:
    """What it is taken for."""
    path = f"{meter}analysis/?{FEBRUARY}"
    return Picture(f"exploration/{name}", path, CARD, ".card:has(.verdict)", recorded=True)


PICTURES = (
    Picture("meter", f"{HOUSEHOLD}?{SPRING}"),
    Picture("analysis", f"{EXPORT}analysis/?{FEBRUARY}", recorded=True),
    # Today, and what is odd, are those of the day on which it is taken.
    Picture("overview", f"/?{SPRING}", TALL),
    Picture("overview-phone", f"/?{SPRING}", PHONE, theme="dark"),
    Picture("site", f"{{Lindenweg 1}}?{SPRING}", TALL),
    Picture(
        "meter-compared",
        f"{HOUSEHOLD}?{SPRING}&zoom=2026-03-16/2026-03-19&compare=before",
        CARD,
        CURVE,
    ),
    Picture("meter-phone", f"{HOUSEHOLD}?{SPRING}#curve-card", PHONE),
    _curve("import-curve", IMPORT),
    _curve("import-day", IMPORT, "&zoom=2023-02-01T01:00%2B01:00/2023-02-02T01:00%2B01:00"),
    _analysis("import-days", IMPORT, "grouping", "&every=P1D&of=energy"),
    _analysis("import-hours", IMPORT, "grouping", "&group=hour"),
    _analysis("import-heat", IMPORT, "heat"),
    _analysis("import-duration", IMPORT, "duration"),
    _analysis("import-correlation", IMPORT, "correlation"),
    _analysis("import-spectrum", IMPORT, "spectrum"),
    _verdict("import-hypothesis", IMPORT),
    _curve("export-curve", EXPORT),
    _curve("export-day", EXPORT, "&zoom=2023-02-21/2023-02-22"),
    _analysis("export-days", EXPORT, "grouping", "&every=P1D&of=energy"),
    _analysis("export-hours", EXPORT, "grouping", "&group=hour"),
    _analysis("export-heat", EXPORT, "heat"),
    _analysis("export-correlation", EXPORT, "correlation"),
    _analysis("export-spectrum", EXPORT, "spectrum"),
    _verdict("export-hypothesis", EXPORT),
)
