"""The analysis of a meter as one file that needs nothing else: to send, to print, to keep.

Style sheets, fonts and the charts' library stand in it, and its own Content-Security-Policy lets it
ask for nothing.
"""

import base64
import mimetypes
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from django.contrib.staticfiles import finders
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import slugify

from analytics.pages.analysis import analysis_page
from config.words import said_by_scripts
from meters.models import Meter, Register

STYLES = ("css/app.css", "vendor/plotly-cartesian.css")
SCRIPTS = ("vendor/plotly-cartesian.min.js", "js/charts.js")
# Of our own style sheets, which write all addresses so.
ADDRESS = re.compile(r'url\("\.\./([^"]+)"\)')


@dataclass(frozen=True)
class Report:
    """A report as a file.

    Attributes
    ----------
    name
        For the file; plain letters.
    register
        What was analysed; None where nothing could be.
    warnings
        What could not be taken as it was asked, in words.
    """

    name: str
    html: str
    register: Register | None
    warnings: tuple[str, ...]


def report(meter: Meter, parameters: Mapping[str, str], now: int, *, tenant: str) -> Report:
    """Write the report on one meter, in the language that is spoken.

    Parameters
    ----------
    meter
        With its registers.
    parameters
        As the analysis page takes them: the range, ``register`` and ``group``.
    now
        The present [s].
    tenant
        Whose meter it is, by name.
    """
    context: dict[str, Any] = analysis_page(meter, parameters, now)
    period = context["period"]
    context |= {
        "tenant": tenant,
        "made_at": meter.zone.at(now),
        "styles": [_style(path) for path in STYLES],
        "scripts": [_script(path) for path in SCRIPTS],
        "words": said_by_scripts,
    }
    name = slugify(f"{meter.name[:60]} {period.first_day} {period.last_day}")
    return Report(
        f"{name}.html",
        render_to_string("analytics/report.html", context),
        context["register"],
        period.warnings,
    )


def _path(name: str) -> Path:
    found = finders.find(name)
    if not isinstance(found, str):
        raise FileNotFoundError(f"The static file {name} is not there; is the checkout complete?")
    return Path(found)


# Files of ours, not of any person: within them nothing is to be escaped but what would end them.


@cache
def _style(name: str) -> SafeString:
    text = ADDRESS.sub(lambda found: f'url("{_inlined(found[1])}")', _path(name).read_text())
    return mark_safe(text.replace("</style", r"<\/style"))  # noqa: S308


@cache
def _script(name: str) -> SafeString:
    return mark_safe(_path(name).read_text().replace("</script", r"<\/script"))  # noqa: S308


def _inlined(name: str) -> str:
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return f"data:{kind};base64,{base64.b64encode(_path(name).read_bytes()).decode()}"
