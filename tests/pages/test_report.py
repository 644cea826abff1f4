"""The report: one file that needs nothing else, by button and by command."""

import json
import re
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from meters.models import Meter
from tests.conftest import RECORDED_EXPORT, RECORDED_IMPORT, Customer
from tests.meters.stored import Readings, at, make_meter, make_register, store_recordings, write

CHARTS = {
    *("grouping", "heat", "calendar", "pattern", "correlation", "partial", "duration"),
    *("histogram", "spectrum", "quality"),
}
WICKED = '</script><script>alert(1)</script>"Mühle" & Söhne'


class Read(HTMLParser):
    """Tags with their attributes, and what stands in scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.inside: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag in {"script", "style"}:
            self.inside.append("")

    def handle_data(self, data: str) -> None:
        if self.cdata_elem:
            self.inside[-1] += data

    @property
    def figures(self) -> dict[str, Any]:
        kinds = [attributes for tag, attributes in self.tags if tag in {"script", "style"}]
        return {
            str(attributes["id"]): json.loads(text)
            for attributes, text in zip(kinds, self.inside, strict=True)
            if attributes.get("type") == "application/json" and attributes["id"] != "words"
        }


@pytest.fixture
def browser(acme: Customer, recordings: Any) -> Client:
    store_recordings(acme, recordings)
    return acme.client()


def text_of(browser: Client, muid: object, query: str = "") -> str:
    response = browser.get(f"/meters/{muid}/report/{query}")
    assert response.status_code == 200
    assert response["Content-Type"] == "text/html; charset=utf-8"
    return response.content.decode()


def test_the_household(browser: Client) -> None:
    response = browser.get(f"/meters/{RECORDED_IMPORT}/report/")
    said = response["Content-Disposition"]
    assert re.fullmatch(r'attachment; filename="[a-z0-9-]+2023-02-01-2023-03-01\.html"', said)
    html = response.content.decode()
    for words in ("A household&#x27;s consumption", "the day before is −0.075", "Nothing odd"):
        assert words in html
    figures = Read(html).figures
    assert set(figures) == CHARTS
    assert figures["correlation"]["data"][1]["y"][95] == pytest.approx(-0.075, abs=5e-4)


def test_it_says_what_the_page_says(browser: Client) -> None:
    page = browser.get(f"/meters/{RECORDED_EXPORT}/analysis/").content.decode()
    html = text_of(browser, RECORDED_EXPORT)
    sentences = re.findall(r'<p class="card__sentence">(.*?)</p>', page)
    assert len(sentences) > 8
    assert not [words for words in sentences if words not in html]
    assert set(Read(html).figures) == CHARTS
    asked = f"/meters/{RECORDED_EXPORT}/report/?start=2023-02-01&amp;end=2023-03-02&amp;register="
    assert asked in page


def test_nothing_is_fetched(browser: Client) -> None:
    read = Read(text_of(browser, RECORDED_IMPORT))
    named = [
        (tag, name, value)
        for tag, attributes in read.tags
        for name, value in attributes.items()
        if name in {"src", "href", "action", "srcset", "data"}
    ]
    assert named == []
    assert "link" not in {tag for tag, _ in read.tags}
    styles = [text for text in read.inside if "@font-face" in text]
    assert styles
    for text in styles:
        assert {one[:5] for one in re.findall(r'url\("?(.*?)"?\)', text)} == {"data:"}
        assert "@import" not in text
    [policy] = [one["content"] for _, one in read.tags if one.get("http-equiv")]
    assert str(policy).startswith("default-src 'none'; ")
    assert "http" not in str(policy)


def test_a_wicked_name_does_nothing(browser: Client, acme: Customer) -> None:
    with acme.tenant.entered():
        Meter.objects.filter(muid=RECORDED_IMPORT).update(name=WICKED)
    plain = Read(text_of(browser, RECORDED_EXPORT))
    wicked = Read(text_of(browser, RECORDED_IMPORT))
    scripts = [sum(tag == "script" for tag, _ in one.tags) for one in (plain, wicked)]
    assert scripts[0] == scripts[1]
    assert not [text for text in wicked.inside if "alert(1)" in text]
    assert "&lt;/script&gt;&lt;script&gt;" in text_of(browser, RECORDED_IMPORT)


def test_a_range_without_readings(browser: Client) -> None:
    html = text_of(browser, RECORDED_IMPORT, "?start=2020-01-01&end=2020-02-01")
    assert "Nothing to analyse in this range" in html
    assert Read(html).figures == {}


def test_it_costs_the_same_queries_whatever_the_range(browser: Client) -> None:
    counts = []
    for query in ("", "?start=2023-02-01&end=2023-02-09"):
        with CaptureQueriesContext(connection) as caught:
            text_of(browser, RECORDED_IMPORT, query)
        counts.append(len(caught))
    assert len(set(counts)) == 1, counts


def test_another_tenants_meter_is_not_there(browser: Client, nordwind: Customer) -> None:
    assert nordwind.client().get(f"/meters/{RECORDED_IMPORT}/report/").status_code == 404


# --- The command --------------------------------------------------------------------------------


def command(*arguments: str) -> str:
    out = StringIO()
    call_command("report", "--tenant", "acme", *arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


def test_the_command_writes_the_same(browser: Client, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    said = command(
        *("--meter", RECORDED_EXPORT, "--start", "2023-02-01", "--end", "2023-03-01"),
        *("--output", str(path)),
    )
    assert said == f"Written to {path}.\n"
    asked = "?start=2023-02-01&end=2023-03-01"
    made = re.compile(r"Written by Lastgang on [^.]*")
    assert made.sub("", path.read_text()) == made.sub("", text_of(browser, RECORDED_EXPORT, asked))


def test_the_command_names_the_file(
    browser: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    command("--meter", RECORDED_IMPORT)
    [path] = tmp_path.iterdir()
    assert path.name.endswith("2023-02-01-2023-03-01.html")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--meter", "00000000-0000-4000-8000-00000000dead"], "has no meter"),
        (["--meter", "x"], "MUID"),
        (["--meter", RECORDED_IMPORT, "--start", "2023-02-01"], "A range has two dates"),
        (["--meter", RECORDED_IMPORT, "--start", "1 May", "--end", "x"], "is no date"),
        (
            ["--meter", RECORDED_IMPORT, "--start", "2023-03-01", "--end", "2023-02-01"],
            "--end must lie after --start",
        ),
        (
            ["--meter", RECORDED_IMPORT, "--start", "2020-01-01", "--end", "2020-02-01"],
            "no readings of energy or power in this range",
        ),
        (
            ["--meter", RECORDED_IMPORT, "--register", "1-0:2.29.0*255"],
            "can't be analysed in this range; 1-0:1.29.0*255 can.",
        ),
        (["--meter", RECORDED_IMPORT, "--output", "/nowhere/at/all.html"], "can't be written"),
    ],
)
def test_what_the_command_refuses(browser: Client, arguments: list[str], words: str) -> None:
    with pytest.raises(CommandError, match=re.escape(words)):
        command(*arguments)


def test_a_meter_without_a_load(acme: Customer) -> None:
    with acme.tenant.entered():
        voltage = make_register(make_meter(name="Transformer"), "1-0:32.7.0*255")
        start = at("2023-02-01")
        write(voltage, Readings.steady(start, start + 86_400, value=230.0))
        muid = voltage.meter.muid
    assert "has no load" in text_of(acme.client(), muid)
