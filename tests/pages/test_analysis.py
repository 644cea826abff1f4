"""The analysis of a meter, over HTTP: what it says of the recordings, and of what is odd to ask."""

from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from ingestion.corrections import Range, delete_readings
from ingestion.store import store
from meters.models import Register
from tests.conftest import Customer
from tests.ingestion.plant import batch
from tests.ingestion.plant import make_meter as plant
from tests.meters.stored import (
    Readings,
    at,
    make_meter,
    make_register,
    store_recordings,
    write,
)
from tests.pages.test_pages import IMPORT_MUID, text_of

EXPORT_MUID = "1db7649e-9342-4e04-97c7-f0ebb88ed1f8"


@pytest.fixture
def browser(acme: Customer, recordings: Any) -> Client:
    store_recordings(acme, recordings)
    return acme.client()


def page(browser: Client, muid: str, query: str = "", **headers: str) -> Any:
    return browser.get(f"/meters/{muid}/analysis/{query}", headers=headers)


def test_the_household(browser: Client) -> None:
    response = page(browser, IMPORT_MUID)
    words = text_of(response)
    assert response.context["argument"].first.title == "A household's consumption"
    assert "A household&#x27;s consumption" in words
    assert "No daily habit is proved" in words
    assert "the day before is −0.075" in words
    assert "(±0.062)" in words
    assert "The base load is 46 W" in words.replace("\u2009", " ")
    # Of four weeks all there is is shown, though a year is usual.
    assert "1 February to 1 March 2023" in words


def test_the_feed_in(browser: Client) -> None:
    response = page(browser, EXPORT_MUID)
    words = text_of(response).replace("\u2009", " ")
    assert response.context["argument"].first.title == "Photovoltaic feed-in"
    assert "The load repeats daily: its correlation with the day before is 0.422" in words
    assert "±0.181" in words
    assert "62.5 % of intervals are zero" in words
    assert "9.1°" in words, "the longitude that the sun's noon tells"
    assert "0.25 Wh" in words, "the step of the values"


def test_every_chart_shows_what_was_analysed(browser: Client) -> None:
    found = page(browser, IMPORT_MUID).context
    heat = found["maps"][0].figure["data"][0]
    assert (len(heat["z"]), len(heat["z"][0])) == (96, 29)
    known = [value for row in heat["z"] for value in row if value is not None]
    assert sum(known) / 4 == pytest.approx(97.6082, abs=0.01)
    calendar = found["maps"][1].figure["data"][0]
    days = [value for row in calendar["z"] for value in row if value is not None]
    assert sum(days) == pytest.approx(97.6082, abs=0.01)
    histogram = found["distribution"][1].figure["data"][0]
    assert sum(histogram["y"]) == pytest.approx(100, abs=0.01)
    _, curve = found["memory"][0].figure["data"]
    assert curve["y"][95] == pytest.approx(-0.075, abs=0.0005)
    assert curve["x"][95] == 1.0


@pytest.mark.parametrize(
    ("group", "labels"),
    [
        ("hour", 24), ("time", 96), ("weekday", 7), ("day_type", 3), ("P1W", 5), ("P1M", 2),
        ("month", 2), ("season", 2),
    ],
)  # fmt: skip
def test_groups(browser: Client, group: str, labels: int) -> None:
    [*_, mean] = (
        page(browser, IMPORT_MUID, f"?group={group}").context["grouping"].chart.figure["data"]
    )
    assert len(mean["x"]) == labels


def test_a_group_of_ones_own_and_one_that_is_none(browser: Client) -> None:
    own = page(browser, IMPORT_MUID, "?every=PT6H&of=energy").context["grouping"]
    assert own.chart.title == "By pieces of PT6H"
    assert own.chart.figure["data"][0]["x"] == ["00:00", "06:00", "12:00", "18:00"]
    assert own.warning == ""
    for every in ("PT7M", "nonsense", "PT1M", "\x00"):
        response = page(browser, IMPORT_MUID, f"?every={every}")
        assert response.status_code == 200
        assert response.context["grouping"].warning.endswith("Grouped by hour instead.")


def test_a_changed_grouping_brings_its_card_alone(browser: Client) -> None:
    response = page(
        browser, IMPORT_MUID, "?group=weekday", HX_Request="true", HX_Target="grouping-card"
    )
    body = response.content.decode()
    assert "grouping-card" in body
    assert "<html" not in body
    assert "Autocorrelation" not in body


def test_a_range_without_readings_and_a_meter_without_a_load(
    browser: Client, acme: Customer
) -> None:
    words = text_of(page(browser, IMPORT_MUID, "?start=2020-01-01&end=2020-02-01"))
    assert "Nothing to analyse in this range" in words
    with acme.tenant.entered():
        voltage = make_register(make_meter(name="Transformer"), "1-0:32.7.0*255")
        start = at("2023-02-01")
        write(voltage, Readings.steady(start, start + 86_400, value=230.0))
        muid = voltage.meter.muid
    words = text_of(page(browser, str(muid)))
    assert "Choose a register of active energy" in words


def test_a_page_costs_the_same_queries_whatever_the_range(browser: Client) -> None:
    counts = []
    for query in ("", "?start=2023-02-01&end=2023-02-09", "?group=P1W&range=all"):
        with CaptureQueriesContext(
            connection,
        ) as caught:
            assert page(browser, IMPORT_MUID, query).status_code == 200
        counts.append(len(caught))
    assert len(set(counts)) == 1, counts


def test_another_tenants_meter_is_not_there(browser: Client, nordwind: Customer) -> None:
    assert nordwind.client().get(f"/meters/{IMPORT_MUID}/analysis/").status_code == 404


def test_holidays_of_the_country_count_as_sundays(browser: Client, acme: Customer) -> None:
    # From Monday 22 April to Sunday 5 May 2024; 1 May is kept throughout Germany.
    start, end = at("2024-04-22", "Europe/Berlin"), at("2024-05-06", "Europe/Berlin")
    readings = Readings.steady(start, end, value=1.0)
    holiday = at("2024-05-01", "Europe/Berlin")
    readings.values[(readings.instants >= holiday) & (readings.instants < holiday + 86_400)] = 4.0
    with acme.tenant.entered():
        register = make_register(make_meter(name="Office", timezone="Europe/Berlin"))
        write(register, readings)
    response = page(browser, str(register.meter.muid), "?group=day_type&range=all")
    card = response.context["grouping"]
    mean = card.chart.figure["data"][0]
    assert mean["y"] == pytest.approx([4.0, 4.0, (4 + 16 + 4) / 3])
    assert "Europe/Berlin: Germany) count as Sundays; in this range there are 1" in text_of(
        response
    )
    said = acme.client().get(
        f"/api/v1/meters/{register.meter.muid}/analysis/",
        {"start": "2024-04-22", "end": "2024-05-06", "include": "groups", "group": "day_type"},
    )
    assert said.json()["groups"][0]["power"]["mean"] == pytest.approx(mean["y"])


def test_corrections_that_came_are_counted(browser: Client, acme: Customer) -> None:
    start = at("2024-10-20", "Europe/Zurich")

    def bring(muid: UUID, begin: int, count: int, value: float) -> None:
        store(batch(muid, [(begin + i * 900, value) for i in range(count)]))

    with acme.tenant.entered():
        meter = plant("Bakery")
        bring(meter.muid, start, 1920, 0.25)
    quality = "?range=all"
    words = page(browser, str(meter.muid), quality).context["quality"].sentence
    assert words.endswith("No reading was corrected after it had first come.")
    with acme.tenant.entered():
        bring(meter.muid, start + 96 * 900, 3, 0.5)
        # One of them once more, and one of another day.
        bring(meter.muid, start + 96 * 900, 1, 0.75)
        bring(meter.muid, start + 500 * 900, 1, 0.5)
        register = Register.objects.select_related("meter").get(meter=meter)
        gone = Range(register, start + 600 * 900, start + 604 * 900)
        author = User.objects.get(email=acme.email)
        delete_readings(where=gone, author=author, reason="Not this meter's.")
    words = page(browser, str(meter.muid), quality).context["quality"].sentence
    assert words.endswith("4 readings were corrected after they had first come.")
    # Of a part of the range only those within it.
    part = "?start=2024-10-20&end=2024-10-23"
    words = page(browser, str(meter.muid), part).context["quality"].sentence
    assert words.endswith("3 readings were corrected after they had first come.")
    api = {"start": "2024-10-20", "end": "2024-11-10", "include": "quality"}
    said = acme.client().get(f"/api/v1/meters/{meter.muid}/analysis/", api).json()
    assert said["quality"]["corrected"] == 4
