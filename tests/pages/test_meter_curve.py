"""The curve of a meter's page: a stretch seen closer, comparisons, the table behind, the files."""

import csv
import io
import re
from html import unescape
from typing import Any

import numpy as np
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.http import urlencode

from analytics.pages.meter.choice import MOST_LISTED
from meters.models import Meter
from meters.qualities import Quality
from tests.conftest import RECORDED_IMPORT, Customer
from tests.meters.stored import (
    EXPORT,
    IMPORT,
    POWER,
    STATE,
    UNKNOWN,
    Readings,
    at,
    make_meter,
    make_register,
    store_recordings,
    write,
)

ZURICH = "Europe/Zurich"


@pytest.fixture
def browser(acme: Customer) -> Client:
    return acme.client()


def steady(
    start: str, end: str, value: float | None = 0.25, obis: str = IMPORT, **more: object
) -> Meter:
    """A meter with readings between two local times."""
    meter = make_meter(**more)
    readings = Readings.steady(at(start, ZURICH), at(end, ZURICH), value=value)
    write(make_register(meter, obis), readings)
    return meter


def page_of(browser: Client, meter: Meter, **parameters: str) -> Any:
    response = browser.get(f"/meters/{meter.muid}/?{urlencode(parameters)}")
    assert response.status_code == 200
    return response


def words_of(response: Any) -> str:
    body = re.sub(r"<script.*?</script>", " ", response.content.decode(), flags=re.DOTALL)
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body)))


def traces(response: Any, role: str) -> list[dict[str, Any]]:
    figure = response.context["curve"].chart.figure
    return [trace for trace in figure["data"] if trace["meta"]["role"] == role]


# --- A stretch seen closer ----------------------------------------------------------------------


def test_a_stretch_is_shown_finer_than_the_range(browser: Client, acme: Customer) -> None:
    with acme.tenant.entered():
        meter = steady("2024-01-01T00:00", "2024-12-01T00:00")
    whole = page_of(browser, meter, range="year")
    assert str(whole.context["period"].resolution) == "P1D"
    zoom = "2024-06-03T10:07:00+02:00/2024-06-04T12:01:00+02:00"
    close = page_of(browser, meter, range="year", zoom=zoom)
    chart = close.context["curve"].chart
    assert chart.subtitle == (
        "Mean power of 15 minutes · 3 June 2024, 10:00 to 4 June 2024, 12:15"  # whole intervals
    )
    assert close.context["curve"].zoom == "2024-06-03T10:00:00+02:00/2024-06-04T12:15:00+02:00"
    # The rest of the page is about the whole range still.
    assert close.context["tiles"] == whole.context["tiles"]
    assert close.context["period"].days == 365


def test_a_chosen_resolution_stays(browser: Client, acme: Customer) -> None:
    with acme.tenant.entered():
        meter = steady("2024-01-01T00:00", "2024-12-01T00:00")
    page = page_of(
        browser, meter, range="year", resolution="P1W", zoom="2024-06-03/2024-07-01", table="1"
    )
    assert page.context["curve"].chart.title == "Energy by week"
    assert len(page.context["curve"].table.rows) == 4


def test_steps_lead_in_and_out_and_along(browser: Client, acme: Customer) -> None:
    with acme.tenant.entered():
        meter = steady("2024-10-01T00:00", "2024-11-01T00:00")

    def steps(**parameters: str) -> dict[str, dict[str, str]]:
        page = page_of(browser, meter, start="2024-10-01", end="2024-11-01", **parameters)
        return {step["id"]: step for step in page.context["curve"].steps}

    whole = steps()
    assert [key for key, step in whole.items() if step["off"]] == [
        "out",
        "earlier",
        "later",
        "whole",
    ]
    day = steps(zoom="2024-10-10/2024-10-11")
    assert day["in"]["zoom"] == "2024-10-10T06:00:00+02:00/2024-10-10T18:00:00+02:00"
    assert day["out"]["zoom"] == "2024-10-09T12:00:00+02:00/2024-10-11T12:00:00+02:00"
    assert day["later"]["zoom"] == "2024-10-10T12:00:00+02:00/2024-10-11T12:00:00+02:00"
    assert day["whole"]["zoom"] == ""
    first = steps(zoom="2024-10-01/2024-10-02")
    assert first["earlier"]["off"]
    assert not first["later"]["off"]
    closest = steps(zoom="2024-10-10T10:00:00Z/2024-10-10T11:00:00Z")
    assert closest["in"]["off"]


def test_a_step_is_answered_with_the_curve_alone(browser: Client, acme: Customer) -> None:
    with acme.tenant.entered():
        meter = steady("2024-10-01T00:00", "2024-11-01T00:00")
    address = f"/meters/{meter.muid}/?zoom=2024-10-10/2024-10-12"
    card = browser.get(address, headers={"HX-Request": "true", "HX-Target": "curve-card"})
    assert card.content.decode().count("<h2") == 2, "the curve and its call of the API"
    assert "<html" not in card.content.decode()
    assert 'hx-swap-oob="true"' in card.content.decode()
    assert "HX-Target" in card["Vary"]
    whole = browser.get(address)
    assert whole.context["curve"].chart == card.context["curve"].chart


@pytest.mark.parametrize(
    ("zoom", "words"),
    [
        ("x", "is no date or time"),
        ("2024-10-10", "written as <start>/<end>"),
        ("2024-10-12/2024-10-10", "ends before it begins"),
        ("2020-10-10/2020-10-12", "outside the range"),
        ("2024-10-10T00:00:00/2024-10-12T00:00:00", "no offset"),
        ("a/b/c", "is no date or time"),
        ("\0/\0", "is no date or time"),
    ],
)
def test_a_stretch_that_cant_be_shown_is_told(
    browser: Client, acme: Customer, zoom: str, words: str
) -> None:
    with acme.tenant.entered():
        meter = steady("2024-10-01T00:00", "2024-11-01T00:00")
    page = page_of(browser, meter, zoom=zoom)
    assert words in words_of(page)
    assert page.context["curve"].zoom == ""


# --- Compared with ------------------------------------------------------------------------------


def test_with_the_time_before(browser: Client, acme: Customer) -> None:
    with acme.tenant.entered():
        meter = steady("2024-09-01T00:00", "2024-09-08T00:00")
        write(
            meter.registers.get(),
            Readings.steady(
                at("2024-09-08T00:00", ZURICH), at("2024-09-15T00:00", ZURICH), value=0.275
            ),
        )
    page = page_of(browser, meter, start="2024-09-08", end="2024-09-15", compare="before")
    curve = page.context["curve"]
    assert (
        curve.chart.sentence
        == "Import 184.8\u2009kWh, 10\u2009% more than 1 to 7 September 2024 (168.0\u2009kWh)."
    )
    assert not [note for note in curve.chart.notes if "Weekdays" in note]
    [own], [other] = traces(page, "import"), traces(page, "comparison")
    assert other["x"][0] == own["x"][0] == "2024-09-07T22:00:00Z"
    assert other["customdata"][0] == " · Sun 1 Sep 2024, 00:00 +02:00"
    assert {"role": "comparison", "label": "1 to 7 September 2024"} in curve.chart.legend


def test_with_the_year_before_over_a_change_of_the_clocks(browser: Client, acme: Customer) -> None:
    """28 October 2023 to 2024: in 2024 the hour from 02:00 of the 27th happens twice."""
    with acme.tenant.entered():
        meter = steady("2023-10-20T00:00", "2024-11-05T00:00", value=0.25)
    page = page_of(browser, meter, start="2024-10-27", end="2024-10-28", compare="year", table="1")
    chart = page.context["curve"].chart
    assert "27 October 2024 was a Sunday, 27 October 2023 a Friday." in " ".join(chart.notes)
    [other] = traces(page, "comparison")
    drawn = [x for x, y in zip(other["x"], other["y"], strict=True) if y is not None]
    # The second hour from 02:00 has no counterpart; everything after stands at its own wall time.
    assert "2024-10-27T00:45:00Z" in drawn
    assert "2024-10-27T01:00:00Z" not in drawn
    at_three = other["x"].index("2024-10-27T02:00:00Z")
    assert other["customdata"][at_three] == " · Fri 27 Oct 2023, 03:00 +02:00"
    rows = dict(page.context["curve"].table.rows)
    assert rows["Sun 27 Oct 2024, 02:00 +01:00"][4][0] == ""
    assert rows["Sun 27 Oct 2024, 03:00 +01:00"][4][0] == "Fri 27 Oct 2023, 03:00 +02:00"


def test_an_hour_that_only_the_other_range_has_is_told_of(browser: Client, acme: Customer) -> None:
    with acme.tenant.entered():
        meter = steady("2023-10-20T00:00", "2024-11-05T00:00")
    page = page_of(browser, meter, start="2024-10-29", end="2024-10-30", compare="year")
    chart = page.context["curve"].chart
    assert "4 pieces of 29 October 2023 have no counterpart" in " ".join(chart.notes)
    # 100 quarter-hours against 96: the sum holds what is not drawn.
    assert "4\u2009% less than 29 October 2023 (25.00\u2009kWh)" in chart.sentence


def test_months_stand_beside_the_same_months_of_the_year_before(
    browser: Client, acme: Customer
) -> None:
    with acme.tenant.entered():
        meter = steady("2023-01-01T00:00", "2025-01-01T00:00")
    page = page_of(
        browser, meter, start="2024-01-01", end="2025-01-01", resolution="P1M", compare="year"
    )
    [other] = traces(page, "comparison")
    # Quarter-hours of 0.25 kWh: 24 kWh a day; February 2023 has 28 days, March a day of 23 hours.
    assert other["y"][:4] == [744, 672, 743, 720]
    assert other["customdata"][1] == " · 1 Feb 2023 to 28 Feb 2023"


def test_a_stretch_is_compared_with_the_same_stretch(browser: Client, acme: Customer) -> None:
    with acme.tenant.entered():
        meter = steady("2024-09-01T00:00", "2024-09-15T00:00", value=None)
    page = page_of(
        browser,
        meter,
        start="2024-09-08",
        end="2024-09-15",
        compare="before",
        zoom="2024-09-10T08:00:00+02:00/2024-09-10T12:00:00+02:00",
    )
    [other] = traces(page, "comparison")
    assert other["x"][0] == "2024-09-10T06:00:00Z"
    # 1, 2, 3, … kWh from 1 September on: 08:00 of the 3rd is quarter-hour 2 × 96 + 32.
    assert other["y"][0] == 4 * (2 * 96 + 32 + 1)
    assert "3 September 2024, 08:00 to 12:00" in page.context["curve"].chart.sentence


def test_with_another_meter_of_the_tenant(browser: Client, acme: Customer) -> None:
    with acme.tenant.entered():
        meter = steady("2024-09-01T00:00", "2024-09-08T00:00", name="Here")
        other = steady("2024-09-01T00:00", "2024-09-08T00:00", value=0.2, name="<b>There</b>")
        against = steady("2024-09-01T00:00", "2024-09-08T00:00", obis=EXPORT, name="Roof")
        hourly = make_meter(name="Hourly")
        start, end = at("2024-09-01T00:00", ZURICH), at("2024-09-08T00:00", ZURICH)
        write(make_register(hourly, interval=3600), Readings.steady(start, end, 3600, 1.0))
    week = {"start": "2024-09-01", "end": "2024-09-08"}
    page = page_of(browser, meter, **week, compare=str(other.muid))
    assert "25\u2009% more than <b>There</b>" in page.context["curve"].chart.sentence
    [line] = traces(page, "comparison")
    assert line["name"] == "&lt;b&gt;There&lt;/b&gt;"
    assert line["customdata"] is None
    assert b"<b>There" not in page.content
    page = page_of(browser, meter, **week, compare=str(against.muid))
    assert "they run in different directions" in page.context["curve"].chart.sentence
    page = page_of(browser, meter, **week, compare=str(hourly.muid))
    [line] = traces(page, "comparison")
    assert line["meta"]["resolution"] == "PT1H"
    assert "the same as Hourly" in page.context["curve"].chart.sentence


def test_incomplete_readings_are_neither_more_nor_less(browser: Client, acme: Customer) -> None:
    with acme.tenant.entered():
        meter = steady("2024-09-05T00:00", "2024-09-15T00:00")
    page = page_of(browser, meter, start="2024-09-08", end="2024-09-15", compare="before")
    chart = page.context["curve"].chart
    assert "too many intervals are missing to say which is more" in chart.sentence
    assert "1 to 7 September 2024 lacks 384 intervals." in chart.notes
    page = page_of(browser, meter, start="2024-09-08", end="2024-09-15", compare="year")
    assert "no readings of 8 to 14 September 2023" in page.context["curve"].chart.sentence


def test_estimated_intervals_and_gaps_stay_marked(browser: Client, acme: Customer) -> None:
    start, end = at("2024-09-01T00:00", ZURICH), at("2024-09-03T00:00", ZURICH)
    with acme.tenant.entered():
        meter = make_meter()
        readings = Readings.steady(start, end, value=0.25)
        for first in (8, 96 + 8):
            readings.qualities[first : first + 4] = Quality.ESTIMATED
        kept = np.ones(192, dtype=bool)
        kept[[20, 21, 96 + 40]] = False
        write(make_register(meter), readings.only(kept))
    page = page_of(
        browser,
        meter,
        start="2024-09-02",
        end="2024-09-03",
        compare="before",
        zoom="2024-09-02T00:00:00+02:00/2024-09-02T12:00:00+02:00",
    )
    estimated = traces(page, "estimated")
    assert [trace["meta"]["of"] for trace in estimated] == ["import", "comparison"]
    assert [trace["x"][0] for trace in estimated] == ["2024-09-02T00:00:00Z"] * 2
    [other] = traces(page, "comparison")
    assert other["y"].count(None) == 3, "broken before the estimates, at the gap, and at the end"
    shapes = page.context["curve"].chart.figure["layout"]["shapes"]
    assert [(shape["name"], shape["x0"]) for shape in shapes] == [
        ("missing", "2024-09-02T08:00:00Z")
    ]


@pytest.mark.parametrize(
    ("compare", "words"),
    [
        ("yesterday", "“yesterday” is nothing to compare with"),
        ("7e57ab1e-0000-4000-8000-000000000000", "There is no such meter"),
        ("<script>", "is nothing to compare with"),
        ("\0", "is nothing to compare with"),
    ],
)
def test_what_cant_be_compared_with_is_told(
    browser: Client, acme: Customer, compare: str, words: str
) -> None:
    with acme.tenant.entered():
        meter = steady("2024-09-01T00:00", "2024-09-08T00:00")
    page = page_of(browser, meter, compare=compare)
    assert words in words_of(page)
    assert traces(page, "comparison") == []
    assert "not compared with itself" in words_of(page_of(browser, meter, compare=str(meter.muid)))


def test_a_meter_of_another_tenant_does_not_exist(
    browser: Client, acme: Customer, nordwind: Customer
) -> None:
    with acme.tenant.entered():
        meter = steady("2024-09-01T00:00", "2024-09-08T00:00")
    with nordwind.tenant.entered():
        secret = steady("2024-09-01T00:00", "2024-09-08T00:00", name="Secret place")
    page = page_of(browser, meter, compare=str(secret.muid), find="Secret")
    assert "There is no such meter" in words_of(page)
    assert b"Secret place" not in page.content
    assert page.context["meters"] == []


def test_the_meters_to_choose_from_are_few_and_searched(browser: Client, acme: Customer) -> None:
    with acme.tenant.entered():
        meter = steady("2024-09-01T00:00", "2024-09-08T00:00", name="Here")
        for number in range(MOST_LISTED + 5):
            last = make_meter(name=f"Meter {number:02}")
    page = page_of(browser, meter)
    assert len(page.context["meters"]) == MOST_LISTED
    assert 'type="search"' in page.content.decode()
    page = page_of(browser, meter, find="meter 3")
    assert [name for _, name in page.context["meters"]] == [f"Meter {n}" for n in range(30, 35)]
    # What is chosen stays in the list, whatever is looked for.
    page = page_of(browser, meter, find="no such", compare=str(last.muid))
    assert [name for _, name in page.context["meters"]] == [last.name]


# --- The table behind, and files ----------------------------------------------------------------


def test_the_table_holds_the_same_figures(browser: Client, acme: Customer, recordings: Any) -> None:
    store_recordings(acme, recordings)
    with acme.tenant.entered():
        meter = Meter.objects.get(muid=RECORDED_IMPORT)
    february = {"start": "2023-02-01", "end": "2023-03-01", "table": "1"}
    page = page_of(browser, meter, **february)
    table = page.context["curve"].table
    assert [text for text, _ in table.heads] == ["kWh", "kW", "Readings", "Quality"]
    assert (len(table.rows), table.page.paginator.num_pages) == (100, 27)
    assert table.rows[0] == (
        "Wed 1 Feb 2023, 00:00 +01:00",
        [("–", True), ("–", True), ("0 of 1", True), ("missing", False)],
    )
    assert "Wed 1 Feb 2023, 00:15 +01:00" in words_of(page)
    total = 0.0
    for number in range(1, 28):
        rows = page_of(browser, meter, **february, page=str(number)).context["curve"].table.rows
        total += sum(float(cells[0][0]) for _, cells in rows if cells[0][0] != "–")
    assert total == pytest.approx(97.56, abs=0.005)
    assert page_of(browser, meter, **february, page="x").context["curve"].table.page.number == 1
    assert page_of(browser, meter, **february, page="99").context["curve"].table.page.number == 27
    assert page_of(browser, meter).context["curve"].table is None


@pytest.mark.parametrize("resolution", ["", "PT1H", "P1W"])
def test_files_hold_what_is_shown(
    browser: Client, acme: Customer, recordings: Any, resolution: str
) -> None:
    store_recordings(acme, recordings)
    with acme.tenant.entered():
        meter = Meter.objects.get(muid=RECORDED_IMPORT)
    zoom = "2023-02-03/2023-02-10"
    page = page_of(
        browser,
        meter,
        start="2023-02-01",
        end="2023-03-01",
        zoom=zoom,
        resolution=resolution,
        compare="before",
        table="1",
    )
    (_, links), (name, others) = page.context["curve"].files
    assert (
        [label for label, _ in links]
        == [label for label, _ in others]
        == ["CSV", "XLSX", "Parquet"]
    )
    assert name == "6 to 12 January 2023"
    for _, address in (*links, *others):
        answer = browser.get(address)
        assert answer.status_code == 200, address
        assert len(b"".join(answer.streaming_content)) > 100
    file = b"".join(browser.get(links[0][1]).streaming_content).decode()
    rows = list(csv.DictReader(io.StringIO(file)))
    assert len(rows) == page.context["curve"].table.page.paginator.count
    [own] = traces(page, "import")
    heights = [y for y in own["y"] if y is not None]
    total = sum(float(row["value [kWh]"] or 0) for row in rows)
    if resolution == "P1W":
        assert total == pytest.approx(sum(heights))
    else:
        # The line's closing point is its last height again.
        hours = 1.0 if resolution else 0.25
        assert total == pytest.approx(sum(heights[:-1]) * hours, abs=1e-4)


def test_files_hold_no_register_that_is_not_shown(browser: Client, acme: Customer) -> None:
    with acme.tenant.entered():
        meter = steady("2024-09-01T00:00", "2024-09-08T00:00")
        start, end = at("2024-09-01T00:00", ZURICH), at("2024-09-08T00:00", ZURICH)
        write(make_register(meter, POWER), Readings.steady(start, end, value=1.0))
    page = page_of(browser, meter)
    (_, [(_, address), *_]), *_ = page.context["curve"].files
    assert {
        row["register"]
        for row in csv.DictReader(
            io.StringIO(b"".join(browser.get(address).streaming_content).decode())
        )
    } == {IMPORT}


@pytest.mark.parametrize("obis", [IMPORT, EXPORT, STATE, POWER, UNKNOWN])
@pytest.mark.parametrize("compare", ["before", "year"])
def test_every_kind_of_register_is_compared(
    browser: Client, acme: Customer, obis: str, compare: str
) -> None:
    with acme.tenant.entered():
        meter = steady("2023-10-20T00:00", "2024-11-01T00:00", obis=obis)
    for resolution in ("", "PT1H", "P1D", "P1W", "P1M"):
        page = page_of(
            browser,
            meter,
            start="2024-10-01",
            end="2024-11-01",
            compare=compare,
            resolution=resolution,
            table="1",
        )
        drawn = traces(page, "comparison")
        assert any(y is not None for trace in drawn for y in trace["y"]), resolution


@pytest.mark.parametrize("place", ["Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia"])
def test_odd_zones_are_compared(browser: Client, acme: Customer, place: str) -> None:
    with acme.tenant.entered():
        meter = make_meter(timezone=place)
        start, end = at("2011-03-01T00:00", place), at("2012-02-01T00:00", place)
        write(make_register(meter), Readings.steady(start, end, value=0.25))
    for compare in ("before", "year"):
        for resolution in ("", "P1D", "P1W"):
            page = page_of(
                browser,
                meter,
                start="2011-12-01",
                end="2012-01-15",
                compare=compare,
                resolution=resolution,
                table="1",
            )
            assert page.context["curve"].chart.sentence, (compare, resolution)


# --- What it costs ------------------------------------------------------------------------------

FRAME = 5
COMPARED = {"": 0, "before": 1, "year": 1, "meter": 3}


@pytest.mark.parametrize("compare", COMPARED)
@pytest.mark.parametrize("days", ["7", "31"])
@pytest.mark.parametrize("zoomed", [False, True])
@pytest.mark.parametrize("only_card", [False, True])
def test_the_page_asks_a_fixed_number_of_questions(
    browser: Client, acme: Customer, compare: str, days: str, zoomed: bool, only_card: bool
) -> None:
    with acme.tenant.entered():
        meter = steady("2023-10-20T00:00", "2024-11-01T00:00")
        other = steady("2024-10-20T00:00", "2024-11-01T00:00")
    parameters = {
        "start": "2024-10-01",
        "end": f"2024-10-{days}",
        "compare": str(other.muid) if compare == "meter" else compare,
        "table": "1",
        **({"zoom": "2024-10-03/2024-10-05"} if zoomed else {}),
    }
    headers = {"HX-Request": "true", "HX-Target": "curve-card"} if only_card else {}
    with CaptureQueriesContext(connection) as asked:
        answer = browser.get(f"/meters/{meter.muid}/?{urlencode(parameters)}", headers=headers)
    assert answer.status_code == 200
    # Meter, registers; health: latest days, day totals; first days; the curve's buckets.
    expected = FRAME + 6 + COMPARED[compare]
    if not only_card:
        # Raw intervals, days, the period before, meters to compare with, feed; the curve's own
        # stretch where it is not the whole.
        expected += 5 + zoomed
    assert len(asked) == expected, "\n".join(q["sql"][:120] for q in asked)
