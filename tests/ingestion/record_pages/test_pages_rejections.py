"""The page and the file of refused readings, whose text is hostile."""

import csv
import io
import re
from datetime import timedelta
from typing import Any

import pytest

from ingestion.download import COLUMNS, harmless
from ingestion.lookup import RejectionsWanted, in_pieces
from ingestion.templatetags.hostile import visible
from tests.conftest import Customer
from tests.ingestion.plant import make_meter
from tests.ingestion.record_pages.plenty import DAY, make_run, refuse

PAGE, FILE = "/ingestion/rejections/", "/ingestion/rejections/download/"
HOSTILE = '<script>alert(1)</script>"><img src=x onerror=alert(2)>'


def words(response: Any) -> str:
    assert response.status_code == 200
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def lines(response: Any) -> list[dict[str, str]]:
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def test_nothing_refused_is_good_news(acme: Customer) -> None:
    text = words(acme.client().get(PAGE))
    assert "Nothing has been refused" in text
    assert "Download" not in text
    assert "kept 180 days after they last came" in text


def test_hostile_text_is_shown_and_does_nothing(acme: Customer) -> None:
    with acme.tenant.entered():
        run = make_run()
        refuse(1, run=run, raw=HOSTILE, words=HOSTILE, timestamp="\u202eZ51:00\x1b[31m", muid="<b>")
    client = acme.client()
    for path in (PAGE, f"/ingestion/runs/{run.pk}/"):
        html = client.get(path).content.decode()
        assert "<script>alert" not in html
        assert "<img src=x" not in html
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
        assert "\u202e" not in html
        assert "\x1b" not in html
        assert "\\u202eZ51:00\\u001b[31m" in html


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain – Grüße 東京 1 000", "plain – Grüße 東京 1 000"),
        ("a\u202eb", "a\\u202eb"),
        ("a\u200bb\ufeffc", "a\\u200bb\\ufeffc"),
        ("line\nbreak\x00", "line\\u000abreak\\u0000"),
        ("\U000e0001", "\\U000e0001"),
        ("", ""),
    ],
)
def test_what_hides_is_written_out(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_the_page_is_filtered(acme: Customer) -> None:
    with acme.tenant.entered():
        meter, run = make_meter("Bakery"), make_run()
        refuse(1, meter=meter, run=run, raw="first-one")
        refuse(2, reason="time", raw="second-one", last_seen_at=DAY + timedelta(days=1))
    client = acme.client()
    both = words(client.get(PAGE))
    assert "first-one" in both
    assert "second-one" in both
    for query, first, second in [
        ({"reason": "value"}, True, False),
        ({"meter": str(meter.muid)}, True, False),
        ({"run": str(run.pk)}, True, False),
        # Local days, both included: 08:00 UTC is in the same day of Zurich.
        ({"until": "2023-02-01"}, True, False),
        ({"since": "2023-02-02"}, False, True),
        ({"since": "2023-02-01", "until": "2023-02-02"}, True, True),
        ({"run": "999999"}, False, False),
    ]:
        text = words(client.get(PAGE, query))
        assert ("first-one" in text, "second-one" in text) == (first, second), query
        told = {line["raw"] for line in lines(client.get(FILE, query))}
        assert ("first-one" in told, "second-one" in told) == (first, second), query


@pytest.mark.parametrize("name", ["reason", "meter", "run", "since", "until"])
@pytest.mark.parametrize("text", ["\0", "x" * 300, "-1", "9999-99-99", "٣"])
def test_a_filter_that_can_not_be_read_is_named_and_left_out(
    acme: Customer, name: str, text: str
) -> None:
    with acme.tenant.entered():
        refuse(1, raw="still-here")
    for path in (PAGE, FILE):
        response = acme.client().get(path, {name: text})
        assert response.status_code == 200
        if path == PAGE:
            assert "left out" in words(response)
            assert "still-here" in words(response)


def test_the_last_day_of_all(acme: Customer) -> None:
    with acme.tenant.entered():
        refuse(1, raw="still-here")
    assert "still-here" in words(acme.client().get(PAGE, {"until": "9999-12-31"}))


def test_the_file_holds_every_column_and_no_formula(acme: Customer) -> None:
    with acme.tenant.entered():
        meter = make_meter("=cmd|' /C calc'!A0")
        one = refuse(1, meter=meter, raw='=HYPERLINK("http://evil.example")', timestamp="+1")
        refuse(2, raw="@SUM(A1)", words='-1 is,\n"odd"', code="\t=1+1")
    response = acme.client().get(FILE)
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    assert "acme-refused-readings.csv" in response.headers["content-disposition"]
    assert response.headers["x-content-type-options"] == "nosniff"
    second, first = lines(response)
    assert list(first) == COLUMNS
    assert first["raw"] == '\'=HYPERLINK("http://evil.example")'
    assert first["meter"].startswith("'=cmd")
    assert first["timestamp"] == "'+1"
    assert first["last_seen_at"] == one.last_seen_at.isoformat(timespec="seconds")
    assert second["words"] == '\'-1 is,\n"odd"'
    assert second["code"] == "'\t=1+1"
    assert second["run"] == ""


@pytest.mark.parametrize("text", ["plain", "1.5", "a=b", "“n/a”", ""])
def test_harmless_text_stays_as_it_is(text: str) -> None:
    assert harmless(text) == text


@pytest.mark.parametrize("text", ["=1", " =1", "\u00a0@x", "＝1", "-2+3", "\r=1"])
def test_a_formula_gets_an_apostrophe(text: str) -> None:
    assert harmless(text) == f"'{text}"


def test_pieces_tell_each_once(in_acme: Customer) -> None:
    for number in range(7):
        refuse(number)
    pieces = list(in_pieces(RejectionsWanted(), size=3))
    assert [len(piece) for piece in pieces] == [3, 3, 1]
    assert len({one.pk for piece in pieces for one in piece}) == 7
    assert list(in_pieces(RejectionsWanted(run=1), size=3)) == []


def test_an_outsider_gets_none_of_it(acme: Customer, nordwind: Customer) -> None:
    with acme.tenant.entered():
        run = make_run()
        refuse(1, run=run, raw="secret-of-acme")
    outsider = nordwind.client()
    assert "secret-of-acme" not in words(outsider.get(PAGE, {"run": str(run.pk)}))
    assert lines(outsider.get(FILE)) == []
    for path in (PAGE, FILE):
        assert nordwind.client(signed_in=False).get(path).status_code == 302
    assert outsider.get(f"/admin/ingestion/rejectedreading/{1}/change/").status_code == 302


def test_the_admin_shows_what_hides(acme: Customer) -> None:
    with acme.tenant.entered():
        one = refuse(1, raw="\u202eevil", timestamp="")
    client = acme.client()
    for path in ("", f"{one.pk}/change/"):
        html = client.get(f"/admin/ingestion/rejectedreading/{path}")
        assert html.status_code == 200
        assert "\u202e" not in html.content.decode()
    assert "\\u202eevil" in html.content.decode()
