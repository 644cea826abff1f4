"""The list of analyses: what each meter seems to measure, quickly and whenever it was read."""

from typing import Any
from uuid import UUID

import numpy as np
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from ingestion.simulator.catalogue import default_meters
from ingestion.simulator.meter import SyntheticMeter
from ingestion.simulator.synthetic import readings
from meters.models import Meter, Site
from tests.conftest import RECORDED_EXPORT, RECORDED_IMPORT, Customer
from tests.meters.stored import EXPORT, IMPORT, Readings, make_meter, make_register, write
from tests.meters.stored import store_recordings as store
from tests.pages.test_pages import text_of

DAY = 86_400
VOLTAGE = "1-0:32.7.0*255"


@pytest.fixture
def browser(acme: Customer) -> Client:
    return acme.client()


def simulated(kind: str, site: Site | None = None) -> Meter:
    """Store a synthetic meter's ten latest weeks."""
    [made] = [one for one in _catalogue() if one.kind == kind]
    now = int(timezone.now().timestamp()) // 900 * 900
    found = readings(made, now - 70 * DAY, now)
    meter = make_meter(name=made.name, muid=UUID(made.muid), site=site)
    columns = [(made.obis, found.values)]
    if made.second_obis and found.second is not None:
        columns.append((made.second_obis, found.second))
    for code, values in columns:
        register = make_register(meter, {"0100011D00FF": IMPORT, "0100021D00FF": EXPORT}[code])
        n = len(values)
        lasting, measured = np.full(n, 900), np.ones(n, dtype=np.int64)
        write(register, Readings(found.instants, lasting, values, measured))
    return meter


def _catalogue() -> list[SyntheticMeter]:
    return default_meters(1, "Europe/Zurich", 47.38, 8.54, 1, 1, 1, prosumers=1, productions=1)


def rows(browser: Client, query: str = "") -> dict[str, Any]:
    response = browser.get(f"/analysis/?{query}")
    assert response.status_code == 200
    return {row.meter.name: row for row in response.context["rows"]}


def test_each_meter_is_told_with_its_figures(browser: Client, acme: Customer) -> None:
    with acme.tenant.entered():
        site = Site.objects.create(name="Bergstrasse 1")
        names = {kind: simulated(kind, site).name for kind in ("prosumer", "production")}
        names["constant"] = simulated("constant").name
    found = rows(browser)
    assert found[names["prosumer"]].title == "A household behind its own photovoltaics"
    assert found[names["production"]].title == "Photovoltaic feed-in"
    cabinet = found[names["constant"]]
    assert cabinet.title == "A constant technical load"
    assert cabinet.confidence > 0.9
    mean, base, peak = map(float, (cabinet.mean_day, cabinet.base_load, cabinet.peak))
    assert base < mean / 24 < peak < 1.1 * base
    words = text_of(browser.get("/analysis/"))
    assert f"{cabinet.confidence:.0%}".removesuffix("%") in words
    assert list(rows(browser, f"site={site.pk}")) == [names["production"], names["prosumer"]]
    assert list(rows(browser, "q=telecom")) == [names["constant"]]
    assert "No meter matches" in text_of(browser.get("/analysis/?q=nothing"))


def test_old_recordings_are_told_from_where_they_are(
    browser: Client, acme: Customer, recordings: Any
) -> None:
    store(acme, recordings)
    found = {str(row.meter.muid): row for row in rows(browser).values()}
    assert found[RECORDED_IMPORT].title == "A household's consumption"
    assert found[RECORDED_EXPORT].title == "Photovoltaic feed-in"
    assert found[RECORDED_EXPORT].until == "1 Mar 2023"
    # The page of one meter, of the same readings, says the same.
    page = browser.get(f"/meters/{RECORDED_IMPORT}/analysis/")
    first = page.context["argument"].first
    assert first.confidence == pytest.approx(found[RECORDED_IMPORT].confidence)
    assert page.context["breadcrumbs"][1]["url"] == f"/meters/{RECORDED_IMPORT}/"


def test_only_the_latest_weeks_count(browser: Client, acme: Customer) -> None:
    end = int(timezone.now().timestamp()) // 3600 * 3600
    with acme.tenant.entered():
        old = Readings.steady(end - 200 * DAY, end, 3600, value=1.0)
        old.values[old.instants < end - 57 * DAY] = 50.0
        write(make_register(make_meter(name="Pump"), interval=3600), old)
    assert float(rows(browser)["Pump"].peak) == 1.0


def test_what_cannot_be_told_is_said(browser: Client, acme: Customer) -> None:
    assert "Nothing to analyse yet" in text_of(browser.get("/analysis/"))
    now = int(timezone.now().timestamp()) // 900 * 900
    with acme.tenant.entered():
        make_meter(name="Unread")
        transformer = make_register(make_meter(name="Transformer"), VOLTAGE)
        write(transformer, Readings.steady(now - 9 * DAY, now, value=230.0))
    found = rows(browser)
    assert found["Unread"].why_not == "No readings yet."
    assert "nothing that has a load" in found["Transformer"].why_not


def test_pages_are_short_and_cost_the_same_however_many_meters_there_are(
    browser: Client, acme: Customer
) -> None:
    now = int(timezone.now().timestamp()) // 900 * 900

    def add(numbers: range) -> None:
        with acme.tenant.entered():
            for number in numbers:
                register = make_register(make_meter(name=f"Meter {number:03}"))
                write(register, Readings.steady(now - 9 * DAY, now, value=1.0))

    def asked() -> int:
        with CaptureQueriesContext(connection) as caught:
            assert browser.get("/analysis/").status_code == 200
        return len(caught)

    add(range(2))
    few = asked()
    add(range(2, 30))
    assert asked() == few
    assert len(rows(browser)) == 25
    assert len(rows(browser, "page=2")) == 5


def test_the_rail_leads_there(browser: Client, nordwind: Customer, acme: Customer) -> None:
    with acme.tenant.entered():
        make_meter(name="Acme's own")
    items = {one["label"]: one for one in browser.get("/analysis/").context["navigation"]}
    assert list(items)[:5] == ["Overview", "Meters", "Sites", "Analysis", "Ingestion"]
    assert items["Analysis"]["url"] == "/analysis/"
    assert [label for label, one in items.items() if one["active"]] == ["Analysis"]
    assert "Acme" not in nordwind.client().get("/analysis/").content.decode()


def test_a_meter_and_its_analysis_lead_to_its_site(browser: Client, acme: Customer) -> None:
    now = int(timezone.now().timestamp()) // 900 * 900
    with acme.tenant.entered():
        site = Site.objects.create(name="Mill Street 4")
        meter = make_meter(name="Mill", site=site)
        write(make_register(meter), Readings.steady(now - 9 * DAY, now, value=1.0))
    for path in (f"/meters/{meter.muid}/", f"/meters/{meter.muid}/analysis/"):
        body = browser.get(path).content.decode()
        assert f'<a href="/sites/{site.pk}/">Mill Street 4</a>' in body, path
