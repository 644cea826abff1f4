"""Every page speaks German to whoever reads German: no English word is left on it.

English is known by its small words, which no sentence does without. What is English by its nature
(code, the record of operations) stands in elements that say so: `<code>`, or `lang="en"`.
"""

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from django.conf import settings
from django.db import transaction
from django.test import Client

from accounts.languages import ENGLISH_ONLY
from accounts.models import ApiToken
from tests.tenants.marks import Marked
from tests.tenants.walk import TENANT, paths

pytestmark = pytest.mark.django_db
# None of them is a German word, too.
ENGLISH = frozenset(
    """
    the of and is are were no with without this that these those for to too by which what who whose
    where when how why has have had been be from into its their there they than then each every any
    some only other others nothing your you at or as if but because while until since before after
    between within over under above below does did can could may might must should would here now
    never always more less least fewer few many much such one two both day days week weeks month
    months year years hour hours minutes today yesterday reading readings missing value values
    interval intervals range ranges shows show read write written file files stored made asked find
    nobody nowhere yet again still back once it
    """.split()  # noqa: SIM905 - read as sentences
)
# The API's reference is written by libraries, from descriptions in English.
REFERENCE = "/api/"
UNSPOKEN = {"script", "style", "code", "pre", "kbd", "samp", "svg"}
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"}
READ_ALOUD = (
    "aria-label",
    "title",
    "placeholder",
    "alt",
    "data-label",
    "data-title",
    "aria-description",
)


class Texts(HTMLParser):
    """Gathers what a page says: its text, what is read aloud, and the words of its figures."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.silent: list[str] = []  # open elements since one whose text is not the page's words
        self.figure = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = dict(attrs)
        quiet = (
            tag in UNSPOKEN
            or has.get("translate") == "no"
            or (tag != "html" and has.get("lang", "de") != "de")
        )
        self.figure = tag == "script" and has.get("type") == "application/json"
        if tag not in VOID and (self.silent or quiet):
            self.silent.append(tag)
        if not self.silent and not quiet:
            self.found += [has[name] or "" for name in READ_ALOUD if name in has]
            if tag == "input" and has.get("type") in {"submit", "button"}:
                self.found.append(has.get("value") or "")

    def handle_endtag(self, tag: str) -> None:
        self.figure = False
        if tag in self.silent:
            while self.silent.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if self.figure:
            self.found += strings(json.loads(data))
        elif not self.silent:
            self.found.append(data)


def strings(value: Any) -> Iterator[str]:
    """Go through the texts of a figure, without names of its parts."""
    if isinstance(value, str):
        yield re.sub(r"%\{.*?\}", "", value)
    elif isinstance(value, list):
        for one in value:
            yield from strings(one)
    elif isinstance(value, dict):
        silent = (
            {"meta", "role", "mode", "hoverinfo", "type", "name"}
            if "layout" not in value
            else {"meta"}
        )
        for key, one in value.items():
            if key == "name" and isinstance(one, str) and "type" in value:
                yield one
            elif key not in silent:
                yield from strings(one)


def english(html: str, marks: tuple[str, ...]) -> list[str]:
    """Find the texts of a page that have an English word."""
    parser = Texts()
    parser.feed(html)
    found = []
    for text in parser.found:
        plain = " ".join(text.split())
        if any(mark in plain for mark in marks):
            plain = " ".join(word for word in plain.split() if not any(m in word for m in marks))
        words = re.findall(r"[A-Za-zÄÖÜäöüß]+", plain)
        if any(word.lower() in ENGLISH for word in words):
            found.append(plain)
    return found


def test_every_page_speaks_german(marked: tuple[Marked, Marked]) -> None:
    mine = marked[0]
    client = mine.customer.client()
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = "de"
    with mine.customer.tenant.entered():
        # The name that a command gave it is data.
        ApiToken.objects.update(name=mine.word)
        found = paths(TENANT, mine.fill)
    told: dict[str, list[str]] = {}
    pages = 0
    for address, path in found:
        if ENGLISH_ONLY.match(path) or path.startswith(REFERENCE) or "logout" in address.name:
            continue
        response = _get(client, path)
        if "text/html" not in response.headers.get("Content-Type", ""):
            continue
        pages += 1
        assert response.headers["Content-Language"] == "de", path
        if left := english(response.content.decode(), (mine.word,)):
            told[f"{path} ({address.name})"] = left
    assert not told, "\n".join(
        f"{page}\n" + "\n".join(f"    {text}" for text in texts) for page, texts in told.items()
    )


def _get(client: Client, path: str) -> Any:
    client.raise_request_exception = False
    with transaction.atomic():
        response = client.get(path, headers={"Accept": "text/html"})
        transaction.set_rollback(True)
    return response


def test_english_is_found(db: None) -> None:
    html = """<html lang="de"><p title="Show the day">Der Tag <code>the day</code></p>
    <p lang="en">which is English</p><script type="application/json">
    {"data": [{"type": "bar", "name": "all of it", "mode": "of"}], "layout": {}}</script>"""
    assert english(html, ()) == ["Show the day", "all of it"]
