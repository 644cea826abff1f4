"""What docs/exploration.md says of the two published meters, against what the product computes."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from analytics.hypothesis.sunlight import place_of
from meters.wording import THIN, figure
from tests.conftest import RECORDED_EXPORT, RECORDED_IMPORT, Customer
from tests.docs.examples import DOCS, blocks, matches
from tests.meters.stored import store_recordings

PAGE = DOCS / "exploration.md"
METERS = {"import": RECORDED_IMPORT, "export": RECORDED_EXPORT}
ALL_OF_IT = "start=2023-02-01&end=2023-03-02"
# What the API's kW, kWh, seconds and shares are multiplied by, by the unit of a row.
SCALES = {"W": 1000, "Wh": 1000, "%": 100, "h": 1 / 3600}
ROW = re.compile(r"^\| ([^|]+) \| ([^|]+) \| ([^|]+) \| `([\w.]+)` \|$", re.MULTILINE)

DECIMAL = re.compile(r"−?\d+\.\d+")

Answers = dict[str, dict[str, Any]]


@pytest.fixture
def customer(acme: Customer, recordings: Path) -> Customer:
    store_recordings(acme, recordings)
    return acme


@pytest.fixture
def answers(customer: Customer) -> Answers:
    return {
        name: ask(customer, f"{muid}/analysis/?{ALL_OF_IT}&group=P1D,P1W").json()
        for name, muid in METERS.items()
    }


def ask(customer: Customer, path: str) -> Any:
    client = customer.client(signed_in=False)
    response = client.get(f"/api/v1/meters/{path}", **customer.bearer)
    assert response.status_code == 200
    return response


def at(answer: Any, path: str) -> Any:
    """Go down a path; None where a list is too short or something on the way is null."""
    for step in path.split("."):
        if isinstance(answer, list):
            answer = answer[int(step)] if int(step) < len(answer) else None
        elif answer is not None:
            answer = answer[step]
    return answer


def written(value: Any, like: str, label: str) -> str:
    """Write a value as the page does: in the unit of its row, as precisely as it stands there."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    unit = re.search(r"\[(\S+)\]$", label)
    scale = SCALES.get(unit[1], 1) if unit else 1
    return figure(value * scale, len(like.partition(".")[2])).replace(THIN, " ")


def test_the_table_holds_what_the_api_gives(answers: Answers) -> None:
    rows = ROW.findall(PAGE.read_text())
    assert len(rows) > 30
    differ = [
        f"{label}, {name}: {shown} is {now}"
        for label, *cells, path in rows
        for name, shown in zip(METERS, cells, strict=True)
        if (now := written(at(answers[name], path), shown, label)) != shown
    ]
    assert differ == []


def test_what_is_quoted_is_said(answers: Answers) -> None:
    said = set[str]()
    for answer in answers.values():
        said |= {*answer["sentences"].values(), *answer["hypothesis"]["remarks"]["sentences"]}
    said = {words.replace(THIN, " ") for words in said}
    quotes = re.findall(r"(?:^> .*\n)+", PAGE.read_text(), re.MULTILINE)
    assert len(quotes) >= 9
    plain = [" ".join(line.removeprefix("> ") for line in quote.splitlines()) for quote in quotes]
    assert [words for words in plain if not any(words in one for one in said)] == []


def test_the_script_counts_what_is_shown(customer: Customer, tmp_path: Path) -> None:
    for name, muid in METERS.items():
        query = f"{ALL_OF_IT}&unit=kW&layout=columns"
        answer = ask(customer, f"{muid}/readings/?{query}")
        content = b"".join(answer) if answer.streaming else answer.content
        (tmp_path / f"{name}.json").write_bytes(content)
    script, shown = blocks(PAGE)
    assert (script.kind, shown.kind) == ("python", "text")
    done = subprocess.run(
        [sys.executable, "-c", script.text], cwd=tmp_path, capture_output=True, text=True
    )
    assert matches(shown.text, done.stdout), done.stdout + done.stderr


def derived(answers: Answers) -> dict[str, float]:
    """What the text works out from the figures, or picks from a long list of the answer."""
    taken, given = (
        {
            one["by"]: [value for value in one["energy"]["mean"] if value]
            for one in answers[name]["groups"]
        }
        for name in METERS
    )
    spectrum = answers["import"]["spectrum"]
    peaks = sorted(zip(spectrum["shares"], spectrum["lengths"], strict=True), reverse=True)
    fast = max(one for one in peaks if one[1] < 6 * 3600)
    bursts = (13, 10, 19, 18)
    return {
        "2.3": min(taken["P1D"]),
        "4.8": max(taken["P1D"]),
        "21.7": min(taken["P1W"]),
        "25.4": max(taken["P1W"]),
        "0.198": min(given["P1D"]),
        "4.37": max(given["P1D"]),
        "0.2": min(given["P1D"]),
        "4.4": max(given["P1D"]),
        "2.1": 100 * peaks[0][0],
        "9.9": peaks[0][1] / 3600,
        "1.6": 100 * fast[0],
        # The share that as many means of noise explain, and what the refrigerator takes in a day.
        "3.5": 100 * 95 / 2687,
        "0.34": 69 / 1000 * 24 / 4.9,
        # An even spread over the quarters of the day, by Pearson's test.
        "3.6": sum((one - 15) ** 2 / 15 for one in bursts),
        "18.5": 24 * 60 / (19.5 * 4),
        "36.4": 12 * 60
        + 13.8
        - 60 * answers["export"]["hypothesis"]["remarks"]["longitude"]["centre"],
        "8.5": place_of("Europe/Zurich").longitude,  # type: ignore[union-attr]
    }


def test_figures_of_the_text_are_in_the_table_said_or_worked_out(answers: Answers) -> None:
    """So none is out of date where the table, the quotations and the counts are not."""
    text, rest = PAGE.read_text().split("## The figures")
    said = [
        one["sentence"]
        for answer in answers.values()
        for statement in answer["hypothesis"]["statements"][:1]
        for one in (*statement["evidence_for"], *statement["evidence_against"])
    ]
    told = DECIMAL.findall(" ".join([rest, *re.findall("^> .*$", text, re.MULTILINE), *said]))
    worked_out = derived(answers)
    for shown, value in worked_out.items():
        assert figure(value, len(shown.partition(".")[2])) == shown
    codes = {"1.29", "2.29"}
    assert {*DECIMAL.findall(text)} <= {*told, *worked_out, *codes}
