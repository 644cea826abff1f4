"""Pages of a tenant, over HTTP: what they show, and how they meet nothing and odd requests."""

import re
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from ingestion.models import Feed, Run, Source
from meters.models import Site
from meters.wording import energy
from meters.zones import zone
from tests.conftest import Customer
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

DAY = 86_400
IMPORT_MUID = "95ce3367-cbce-4a4d-bbe3-da082831d7bd"


@pytest.fixture
def browser(acme: Customer) -> Client:
    return acme.client()


def text_of(response: Any) -> str:
    """The words of a page, without tags."""
    body = re.sub(
        r"<script.*?</script>|<svg.*?</svg>", " ", response.content.decode(), flags=re.DOTALL
    )
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body))


def test_an_empty_tenant_is_offered_the_first_step(browser: Client) -> None:
    for path in ("/", "/meters/", "/ingestion/"):
        response = browser.get(path)
        assert response.status_code == 200
    assert "Register a meter" in text_of(browser.get("/"))
    assert "No meters yet" in text_of(browser.get("/meters/"))


def test_a_households_february(browser: Client, acme: Customer, recordings: Any) -> None:
    store_recordings(acme, recordings)
    page = browser.get(f"/meters/{IMPORT_MUID}/?start=2023-02-01&end=2023-03-01")
    words = text_of(page)
    assert "97.56" in words, "kWh of the local month"
    assert "1 to 28 February 2023" in words
    assert "No readings from 1 Feb 2023, 00:00 to 1 Feb 2023, 01:00 (4 intervals)." in words
    assert "Active energy import" in words
    assert [chart.title for chart in page.context["charts"]] == [
        "Load curve",
        "Energy by day",
        "A usual day, import",
    ]
    daily = page.context["charts"][1].figure["data"][0]
    assert (daily["x"][0], daily["y"][0]) == ("2023-02-01", 1.8299)


def test_the_page_and_the_api_agree(browser: Client, acme: Customer, recordings: Any) -> None:
    store_recordings(acme, recordings)
    page = browser.get(f"/meters/{IMPORT_MUID}/?start=2023-02-01&end=2023-03-01&resolution=P1D")
    [shown] = page.context["charts"][0].figure["data"]
    answer = browser.get(page.context["curve"].api_path).json()
    [series] = answer["series"]
    assert [row["start"][:10] for row in series["rows"]] == list(shown["x"])
    assert [row["value"] for row in series["rows"]] == pytest.approx(list(shown["y"]))


@pytest.mark.parametrize("obis", [IMPORT, EXPORT, STATE, POWER, UNKNOWN])
def test_every_kind_of_register_has_a_page(browser: Client, acme: Customer, obis: str) -> None:
    with acme.tenant.entered():
        meter = make_meter()
        start = at("2024-10-20T00:00", "Europe/Zurich")
        write(make_register(meter, obis), Readings.steady(start, start + 12 * 86_400))
    for query in ("", "?range=day", "?range=all", "?range=year&resolution=P1M", "?resolution=PT1H"):
        response = browser.get(f"/meters/{meter.muid}/{query}")
        assert response.status_code == 200, query
        assert response.context["charts"], query


def test_a_meter_whose_intervals_have_changed_has_a_page(browser: Client, acme: Customer) -> None:
    start = at("2024-10-20T00:00", "Europe/Zurich")
    with acme.tenant.entered():
        meter = make_meter()
        register = make_register(meter, interval=900)
        write(register, Readings.steady(start, start + 2 * 86_400, interval=3600))
        write(register, Readings.steady(start + 2 * 86_400, start + 4 * 86_400))
    hourly = browser.get(f"/meters/{meter.muid}/?start=2024-10-20&end=2024-10-21&resolution=PT15M")
    assert "every 60 minutes" in text_of(hourly)
    assert hourly.context["charts"][0].subtitle.startswith("Mean power of hours")
    both = browser.get(f"/meters/{meter.muid}/?start=2024-10-20&end=2024-10-24")
    assert both.status_code == 200
    # An hour of 1 kWh in a grid of quarter-hours is still a mean power of 1 kW.
    first = both.context["charts"][0].figure["data"][0]["y"][0]
    assert first == 1.0


def test_a_meter_without_readings_and_one_without_registers(
    browser: Client, acme: Customer
) -> None:
    with acme.tenant.entered():
        bare, silent = make_meter(name="Bare"), make_meter(name="Silent")
        make_register(silent)
    for meter in (bare, silent):
        assert "No readings yet" in text_of(browser.get(f"/meters/{meter.muid}/"))
    assert browser.get("/").status_code == 200


def test_an_unknown_meter_is_not_found(browser: Client) -> None:
    assert browser.get(f"/meters/{uuid4()}/").status_code == 404
    assert browser.get("/meters/not-a-muid/").status_code == 404


@pytest.mark.parametrize(
    "query",
    [
        "start=x&end=y",
        "start=2024-10-01&end=2024-09-01",
        "range=%00",
        "resolution=%F0%9F%92%A5",
        "start=0001-01-01&end=9999-12-31",
        "page=-1",
        "site=' OR 1=1&q=%25",
        "q=%00",
        "site=99999999999999999999999",
        "show=%27",
        "state=%00",
    ],
)
def test_odd_addresses_never_break_a_page(browser: Client, acme: Customer, query: str) -> None:
    with acme.tenant.entered():
        meter = make_meter()
        start = at("2024-10-20T00:00", "Europe/Zurich")
        write(make_register(meter), Readings.steady(start, start + 86_400))
    for path in ("/", "/meters/", f"/meters/{meter.muid}/", "/sites/", "/ingestion/"):
        assert browser.get(f"{path}?{query}").status_code == 200, path


def test_meters_are_searched_and_filtered(browser: Client, acme: Customer) -> None:
    with acme.tenant.entered():
        site = Site.objects.create(name="Seestrasse 12")
        here = make_meter(name="Heat pump", site=site)
        make_meter(name="Telecom cabinet")

    def names(query: str) -> list[str]:
        return [row.meter.name for row in browser.get(f"/meters/?{query}").context["rows"]]

    assert names("") == ["Heat pump", "Telecom cabinet"]
    assert names("q=heat") == ["Heat pump"]
    assert names("q=seestr") == ["Heat pump"]
    assert names(f"q={here.muid}") == ["Heat pump"]
    assert names(f"site={site.pk}") == ["Heat pump"]
    assert names("q=nothing") == []
    assert names("state=nothing") == ["Heat pump", "Telecom cabinet"]


def test_meters_are_filtered_by_state(browser: Client, acme: Customer) -> None:
    now = int(timezone.now().timestamp()) // 900 * 900
    with acme.tenant.entered():
        for name, behind in (("Fresh", 0), ("Late", 2 * DAY), ("Silent", 9 * DAY)):
            readings = Readings.steady(now - 40 * DAY, now - behind, value=1.0)
            write(make_register(make_meter(name=name)), readings)
        holed = Readings.steady(now - 40 * DAY, now, value=1.0)
        there = (holed.instants < now - 5 * DAY) | (holed.instants >= now - 4 * DAY)
        write(make_register(make_meter(name="Holed")), holed.only(there))
        make_meter(name="Unread")
    page = browser.get("/")
    links = {one["label"]: one for one in page.context["states"]}
    wanted = {
        "Up to date": ["Fresh", "Holed"],
        "Late": ["Late"],
        "Silent": ["Silent"],
        "Incomplete": ["Holed"],
        "No readings yet": ["Unread"],
    }
    assert {label: one["count"] for label, one in links.items()} == {
        label: str(len(names)) for label, names in wanted.items()
    }
    for label, names in wanted.items():
        listed = browser.get(links[label]["url"])
        assert [row.meter.name for row in listed.context["rows"]] == names
    assert "Silent No readings since" in text_of(page)


def test_today_and_this_month_stand_beside_the_same_part_before(
    browser: Client, acme: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At 10:00 on 30 March: beside yesterday until 10:00, and beside all of February."""
    now = at("2024-03-30T10:00", "Europe/Zurich")
    monkeypatch.setattr("analytics.pages.views.time.time", lambda: now)
    start = at("2024-02-01T00:00", "Europe/Zurich")
    today = at("2024-03-30T00:00", "Europe/Zurich")
    readings = Readings.steady(start, now, value=1.0)
    readings.values[readings.instants >= today] = 1.5
    # What yesterday brought later than it is now, counts for nothing.
    later = (readings.instants >= today - 14 * 3600) & (readings.instants < today)
    readings.values[later] = 7.0
    with acme.tenant.entered():
        write(make_register(make_meter()), readings)
    day, month, days = browser.get("/").context["tiles"]
    assert (day["lines"][0]["figure"], day["lines"][0]["change"]) == (
        "60.00",
        "50\u2009% more than yesterday by then",
    )
    # February has no 30th, so all of it is what there is to compare; 29 days and 29 and a bit.
    quarters = 29 * 96 + 40
    total = quarters + 40 * 0.5 + 56 * 6.0
    assert month["lines"][0]["figure"].replace("\u2009", "") == f"{total:.0f}"
    share = (total / (29 * 96) - 1) * 100
    assert month["lines"][0]["change"] == f"{share:.0f}\u2009% more than last month by then"
    assert days["lines"][0]["change"].endswith("more than the 28 days before")


def test_nothing_has_come_today(browser: Client, acme: Customer) -> None:
    start = at("2023-02-01T00:00", "Europe/Zurich")
    with acme.tenant.entered():
        write(make_register(make_meter()), Readings.steady(start, start + 40 * DAY, value=1.0))
    today, month, days = browser.get("/").context["tiles"]
    assert (today["lines"][0]["figure"], today["lines"][0]["change"]) == ("–", "no readings yet")
    assert (month["lines"][0]["figure"], month["lines"][0]["change"]) == ("–", "no readings yet")
    # Of an old recording the latest days are shown.
    assert days["lines"][0]["figure"].replace("\u2009", "") == str(28 * 96)


def test_silent_meters_do_not_shade_the_curve_of_the_others(
    browser: Client, acme: Customer
) -> None:
    now = int(timezone.now().timestamp()) // 900 * 900
    with acme.tenant.entered():
        for name, end in (("Reads", now), ("Silent", now - 60 * DAY)):
            readings = Readings.steady(now - 90 * DAY, end, value=1.0)
            write(make_register(make_meter(name=name)), readings)
    for query in ("", "?range=year"):
        curve = browser.get(f"/{query}").context["charts"][0]
        assert not curve.figure["layout"].get("shapes") or query
    [words] = [note for note in browser.get("/").context["charts"][0].notes if note]
    assert words == "1 of 2 meters has no readings in this range."


def test_a_day_far_off_the_usual_is_named(browser: Client, acme: Customer) -> None:
    now = int(timezone.now().timestamp())
    midnight = zone("Europe/Zurich").midnight(zone("Europe/Zurich").date_at(now))
    readings = Readings.steady(midnight - 40 * DAY, midnight, value=0.1)
    with acme.tenant.entered():
        usual, odd = make_meter(name="As usual"), make_meter(name="Burst pipe")
        write(make_register(usual), readings)
        last = readings.instants >= zone("Europe/Zurich").midnight(
            zone("Europe/Zurich").date_at(midnight - 1)
        )
        readings.values[last] = 1.0
        write(make_register(odd), readings)
    page = browser.get("/")
    [row] = page.context["odd"]["rows"]
    assert row["title"] == "Burst pipe"
    assert "10.0 times the usual" in row["words"]
    day = zone("Europe/Zurich").date_at(midnight - 1)
    assert row["url"].startswith(f"/meters/{odd.muid}/?start={day}&end=")


def test_a_name_with_markup_is_shown_as_text(browser: Client, acme: Customer) -> None:
    with acme.tenant.entered():
        meter = make_meter(name="<script>alert(1)</script>")
        start = at("2024-10-20T00:00", "Europe/Zurich")
        write(make_register(meter), Readings.steady(start, start + 86_400))
    for path in ("/", "/meters/", f"/meters/{meter.muid}/"):
        assert b"<script>alert" not in browser.get(path).content


def test_runs_tell_what_they_did(browser: Client, acme: Customer) -> None:
    with acme.tenant.entered():
        source = Source.objects.create(name="Upstream", address="https://meters.example.com")
        good = Run.objects.create(
            source=source, trigger=Run.Trigger.SCHEDULE, state=Run.State.SUCCEEDED, new=12_345
        )
        bad = Run.objects.create(
            source=source,
            trigger=Run.Trigger.COMMAND,
            state=Run.State.FAILED,
            error="meters.example.com answered 401 Unauthorized. Check the source's token.",
        )
    listed = text_of(browser.get("/ingestion/"))
    assert "12 345" in listed
    assert "Check the source" in listed
    assert [run.pk for run in browser.get("/ingestion/?show=failed").context["page_obj"]] == [
        bad.pk
    ]
    assert "what was stored before is as it was" in text_of(
        browser.get(f"/ingestion/runs/{bad.pk}/")
    )
    assert browser.get(f"/ingestion/runs/{good.pk}/").status_code == 200
    assert browser.get("/ingestion/runs/999999/").status_code == 404


def test_the_overview_adds_up_all_meters(browser: Client, acme: Customer) -> None:
    now = int(timezone.now().timestamp()) // 900 * 900
    start = now - 40 * 86_400
    with acme.tenant.entered():
        for number in range(3):
            meter = make_meter(name=f"Meter {number}")
            write(
                make_register(meter, EXPORT if number == 2 else IMPORT),
                Readings.steady(start, now, value=0.25),
            )
    page = browser.get("/?range=week")
    rows = page.context["rows"]
    assert sum(row.imported for row in rows if row.imported) == pytest.approx(2 * rows[2].exported)
    today, month, week = page.context["tiles"]
    assert [tile["label"] for tile in (today, month, week)] == ["Today", "This month", "7 days"]
    imported, exported = week["lines"]
    assert (imported["label"], exported["label"]) == ("Import", "Export")
    assert imported["figure"] == energy(2 * rows[2].exported)
    # They read steadily, so the same part of the week before was the same, whatever the hour.
    assert imported["change"] == "the same as the week before"
    assert page.context["states"] == [
        {"label": "Up to date", "kind": "ok", "count": "3", "url": "/meters/?state=fresh"}
    ]
    assert page.context["completeness"].startswith("100.0")
    curve, bars = page.context["charts"]
    assert [trace["name"] for trace in curve.figure["data"]] == [
        *("Import minus export", "Import", "Export"),
    ]
    # Two meters draw, and one feeds in, a quarter of a kilowatt-hour each quarter of an hour.
    assert [trace["y"][0] for trace in curve.figure["data"]] == [1.0, 2.0, 1.0]
    assert [len(trace["x"]) for trace in bars.figure["data"]] == [7, 7]


# Search path of public, the tenant, search path of the tenant, session, person.
FRAME = 5
QUESTIONS = {
    # meters, registers, latest days, day totals of 30 days and of the periods at once, the days
    # compared, the curve
    "/": FRAME + 6,
    # by day, which is all that is there of a year
    "/?range=year": FRAME + 5,
    # count, meters, registers, latest days, day totals twice, count of all, sites
    "/meters/": FRAME + 8,
    # meters, registers, latest days, day totals; of those shown latest days, day totals twice;
    # count of all, sites
    "/meters/?state=silent": FRAME + 9,
    # count, sites, meters, registers, day totals, latest days, day totals of 30 days, count of all
    "/sites/": FRAME + 8,
    # meter, registers; health: latest days, day totals; first days; buckets, raw intervals, days;
    # the period before; meters to compare with; feed and source
    "/meters/{muid}/": FRAME + 12,
    # count of runs, sources, meters that were given up
    "/ingestion/": FRAME + 3,
}


@pytest.mark.parametrize("path", QUESTIONS)
@pytest.mark.parametrize("meters", [1, 12])
def test_pages_ask_a_fixed_number_of_questions(
    browser: Client, acme: Customer, path: str, meters: int
) -> None:
    start = at("2024-10-20T00:00", "Europe/Zurich")
    with acme.tenant.entered():
        source = Source.objects.create(name="Upstream", address="https://meters.example.com")
        site = Site.objects.create(name="Seestrasse 12")
        for number in range(meters):
            meter = make_meter(name=f"Meter {number:02}", site=site)
            Feed.objects.create(meter=meter, source=source)
            write(make_register(meter), Readings.steady(start, start + 2 * 86_400))
    with CaptureQueriesContext(connection) as asked:
        assert browser.get(path.format(muid=meter.muid)).status_code == 200
    assert len(asked) == QUESTIONS[path], "\n".join(q["sql"][:120] for q in asked)
