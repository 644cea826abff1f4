"""Pages of sites over HTTP: several meters together, and what can't be said of them."""

from typing import Any

import numpy as np
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from meters.models import Meter, Site
from tests.conftest import Customer
from tests.meters.stored import (
    EXPORT,
    IMPORT,
    STATE,
    Readings,
    at,
    make_meter,
    make_register,
    write,
)
from tests.pages.test_pages import FRAME, text_of

DAY = 86_400
START = at("2024-10-20T00:00", "Europe/Zurich")
# The last Sunday of October has 25 hours.
END = at("2024-10-30T00:00", "Europe/Zurich")
TEN_DAYS = "start=2024-10-20&end=2024-10-30"


@pytest.fixture
def browser(acme: Customer) -> Client:
    return acme.client()


def reads(meter: Meter, obis: str, value: float, *, interval: int = 900, end: int = END) -> None:
    register = make_register(meter, obis, interval)
    write(register, Readings.steady(START, end, interval, value=value))


def make_site(**registers: dict[str, float]) -> Site:
    """A site with meters that read steadily [kWh per quarter-hour]."""
    site = Site.objects.create(name="Mill Street 4", address="Mill Street 4, 8000 Zurich")
    for name, codes in registers.items():
        meter = make_meter(name=name.replace("_", " "), site=site)
        for obis, value in codes.items():
            reads(meter, obis, value)
    return site


def shown(browser: Client, site: Site, query: str = TEN_DAYS) -> Any:
    response = browser.get(f"/sites/{site.pk}/?{query}")
    assert response.status_code == 200
    return response


def plain(figure: str) -> float:
    return float(figure.replace("\u2009", "").replace("\u2212", "-"))


PHOTOVOLTAICS = {"Connection": {IMPORT: 0.5, EXPORT: 0.25}, "Roof": {EXPORT: 0.75}}


def test_a_connection_and_its_production(browser: Client, acme: Customer) -> None:
    with acme.tenant.entered():
        site = make_site(**PHOTOVOLTAICS)
    page = shown(browser, site)
    quarters = (END - START) // 900
    imported, exported, net, complete = page.context["tiles"]
    assert plain(imported["figure"]) == pytest.approx(0.5 * quarters, abs=0.6)
    # What the roof made and the house used has not left it: export is that of the connection.
    assert plain(exported["figure"]) == pytest.approx(0.25 * quarters, abs=0.6)
    assert plain(net["figure"]) == pytest.approx(0.25 * quarters, abs=0.6)
    assert "drawn from the grid" in net["change"]
    assert complete["figure"] == "100.0"
    # Of 0.75 kWh 0.25 were fed in, so 0.5 of 0.75 used on site, and that is half of 1.0 used.
    consumption, sufficiency, produced, used = page.context["balance_tiles"]
    assert (consumption["figure"], sufficiency["figure"]) == ("66.7", "50.0")
    assert plain(produced["figure"]) == pytest.approx(0.75 * quarters, abs=0.6)
    assert plain(used["figure"]) == pytest.approx(1.0 * quarters, abs=0.6)
    assert [chart.title for chart in page.context["charts"]] == ["Load curve", "Energy by day"]
    curves = page.context["charts"][0].figure["data"]
    assert [curve["name"] for curve in curves] == [
        *("Production", "Import minus export", "Import", "Export"),
    ]
    assert [curve["y"][0] for curve in curves] == [3.0, 1.0, 2.0, 1.0]
    long_day = page.context["charts"][1].figure["data"][0]
    assert long_day["y"][long_day["x"].index("2024-10-27")] == 0.5 * 100


def test_export_of_meters_whose_place_is_not_known_is_their_sum(
    browser: Client, acme: Customer
) -> None:
    with acme.tenant.entered():
        site = make_site(House={IMPORT: 0.5}, Roof={EXPORT: 0.75}, Barn={EXPORT: 0.25})
    page = shown(browser, site)
    _, exported, net, _ = page.context["tiles"]
    quarters = (END - START) // 900
    assert plain(exported["figure"]) == pytest.approx(1.0 * quarters, abs=0.6)
    assert net["change"] == "import less export of all meters"
    assert plain(net["figure"]) == pytest.approx(-0.5 * quarters, abs=0.6)


@pytest.mark.parametrize("registers", [PHOTOVOLTAICS, {**PHOTOVOLTAICS, "Pump": {IMPORT: 0.25}}])
def test_the_page_and_the_api_agree(browser: Client, acme: Customer, registers: Any) -> None:
    with acme.tenant.entered():
        site = make_site(**registers)
    page = shown(browser, site, f"{TEN_DAYS}&resolution=PT1H")
    answer = browser.get(page.context["api_call"].partition("acme.localhost")[2]).json()
    curves = page.context["charts"][0].figure["data"]
    assert [one["direction"] for one in answer["combined"]] == ["import", "export"]
    for series, curve in zip(answer["combined"], curves[-2:], strict=True):
        # Of hours mean power and energy are the same number; the last step is drawn to its end.
        energy = [row["value"] for row in series["rows"]]
        assert [y for y in curve["y"] if y is not None] == pytest.approx([*energy, energy[-1]])


@pytest.mark.parametrize(
    ("registers", "words"),
    [
        ({"Roof": {EXPORT: 1.0}}, "a meter at the connection that counts both import and export"),
        ({"House": {IMPORT: 1.0, EXPORT: 1.0}}, "a production meter, one that counts export alone"),
        (
            {"One": {IMPORT: 1.0, EXPORT: 1.0}, "Two": {IMPORT: 1.0, EXPORT: 1.0}},
            "exactly one meter at the connection that counts both import and export; here One and",
        ),
        ({**PHOTOVOLTAICS, "Pump": {IMPORT: 1.0}}, "Pump counts import alone, so it is not known"),
        ({**PHOTOVOLTAICS, "Old": {STATE: 1.0}}, "Old counts no energy by intervals"),
    ],
)
def test_what_self_consumption_needs(
    browser: Client, acme: Customer, registers: Any, words: str
) -> None:
    with acme.tenant.entered():
        site = make_site(**registers)
    page = shown(browser, site)
    assert page.context["balance_tiles"] == []
    assert f"Self-consumption needs {words}" in text_of(page) or words in text_of(page)
    assert "Self-consumption needs" in text_of(page)


def test_nobody_asks_where_nothing_is_produced(browser: Client, acme: Customer) -> None:
    with acme.tenant.entered():
        site = make_site(House={IMPORT: 1.0}, Pump={IMPORT: 0.5})
    page = shown(browser, site)
    assert page.context["balance"] is None
    assert "Self-consumption" not in text_of(page)
    # Of one direction alone there is nothing to take off.
    assert [tile["label"] for tile in page.context["tiles"]] == ["Import", "Complete"]


def test_meters_that_contradict_each_other(browser: Client, acme: Customer) -> None:
    with acme.tenant.entered():
        site = make_site(Connection={IMPORT: 0.1, EXPORT: 1.0}, Roof={EXPORT: 0.9})
    page = shown(browser, site)
    assert page.context["balance_tiles"] == []
    assert "The meters contradict each other" in text_of(page)
    assert "Roof produced only" in text_of(page)


def test_two_meters_may_disagree_a_little(browser: Client, acme: Customer) -> None:
    with acme.tenant.entered():
        site = make_site(Connection={IMPORT: 0.1, EXPORT: 1.0}, Roof={EXPORT: 0.99})
    consumption, sufficiency, *_ = shown(browser, site).context["balance_tiles"]
    assert (consumption["figure"], sufficiency["figure"]) == ("0.0", "0.0")


def test_a_gap_is_named_and_a_delay_is_none(browser: Client, acme: Customer) -> None:
    with acme.tenant.entered():
        site = make_site(Connection={IMPORT: 0.5, EXPORT: 0.25})
        late = make_meter(name="Roof", site=site)
        reads(late, EXPORT, 0.75, end=END - 2 * DAY - 3600)
    page = shown(browser, site)
    # The last days have not come yet; the whole days before are told.
    assert page.context["balance_tiles"][0]["figure"] == "66.7"
    assert "20 October 2024 to 26 October 2024, up to where all have" in page.context[
        "balance"
    ].words.replace("27", "26")
    with acme.tenant.entered():
        late.delete()
        holed = make_meter(name="Roof", site=site)
        readings = Readings.steady(START, END, value=0.75)
        hole = np.ones(len(readings.instants), dtype=bool)
        hole[100:104] = False
        write(make_register(holed, EXPORT), readings.only(hole))
    page = shown(browser, site)
    assert page.context["balance_tiles"] == []
    assert "complete readings; Roof lacks 4 of 964 intervals" in text_of(page)


def test_a_meter_that_came_within_the_range(browser: Client, acme: Customer) -> None:
    with acme.tenant.entered():
        site = make_site(**PHOTOVOLTAICS)
        Meter.objects.filter(name="Roof").update(commissioned_at="2024-10-24T00:00+02:00")
    assert "Roof was commissioned or removed within the range" in text_of(shown(browser, site))


def test_different_zones_and_intervals(browser: Client, acme: Customer) -> None:
    with acme.tenant.entered():
        site = make_site(**PHOTOVOLTAICS)
        hourly = make_meter(name="Depot", site=site, timezone="Asia/Kathmandu")
        reads(hourly, EXPORT, 3.0, interval=3600)
    page = shown(browser, site)
    assert str(page.context["period"].zone) == "Europe/Zurich"
    assert page.context["charts"][0].subtitle.startswith("Mean power of hours")
    # 0.75 kWh in a quarter-hour and 3 kWh in an hour are 6 kW.
    made = page.context["charts"][0].figure["data"][0]
    assert {y for y in made["y"] if y is not None} == {6.0}
    assert page.context["balance_tiles"][0]["figure"] == "83.3"
    fine = shown(browser, site, f"{TEN_DAYS}&resolution=PT15M")
    assert "nothing finer can be shown" in text_of(fine)


def test_sites_without_meters_and_without_readings(browser: Client, acme: Customer) -> None:
    assert "No sites yet" in text_of(browser.get("/sites/"))
    with acme.tenant.entered():
        bare = Site.objects.create(name="Bare")
        site = Site.objects.create(name="Silent")
        make_register(make_meter(name="Never read", site=site))
        make_meter(name="Without registers", site=site)
        only_states = Site.objects.create(name="States")
        meter = make_meter(name="Counter", site=only_states)
        write(make_register(meter, STATE), Readings.steady(START, END))
    assert "No meters here yet" in text_of(browser.get(f"/sites/{bare.pk}/"))
    silent = text_of(browser.get(f"/sites/{site.pk}/"))
    assert "No readings yet" in silent
    assert "Never read" in silent
    assert "Counter counts no energy by intervals" in text_of(
        browser.get(f"/sites/{only_states.pk}/")
    )
    listed = text_of(browser.get("/sites/"))
    assert "no meters" in listed
    assert browser.get("/sites/?q=bar").context["rows"][0].site == bare
    assert "No site matches" in text_of(browser.get("/sites/?q=nothing"))


def test_the_list_counts_what_leaves_the_site_once(browser: Client, acme: Customer) -> None:
    now = int(timezone.now().timestamp()) // 900 * 900
    with acme.tenant.entered():
        site = Site.objects.create(name="Mill Street 4")
        for name, codes in PHOTOVOLTAICS.items():
            meter = make_meter(name=name, site=site)
            for obis, value in codes.items():
                readings = Readings.steady(now - 10 * DAY, now, value=value)
                write(make_register(meter, obis), readings)
    [row] = browser.get("/sites/").context["rows"]
    assert row.exported == pytest.approx(0.25 * 960)
    assert row.imported == pytest.approx(0.5 * 960)
    assert row.state == "up to date"


def test_unknown_sites_and_odd_addresses(browser: Client, acme: Customer) -> None:
    for path in ("/sites/7000000/", "/sites/99999999999999999999999/", "/sites/x/"):
        assert browser.get(path).status_code == 404, path
    with acme.tenant.entered():
        site = make_site(**PHOTOVOLTAICS)
    for query in (
        "start=x&end=y",
        "start=0001-01-01&end=9999-12-31",
        "range=%00",
        "resolution=%F0%9F%92%A5",
        "range=all",
        "range=day",
        "range=year&resolution=P1M",
        "start=2023-01-01&end=2023-02-01",
        "q=%00",
        "page=-1",
    ):
        for path in (f"/sites/{site.pk}/", "/sites/"):
            assert browser.get(f"{path}?{query}").status_code == 200, (path, query)


def test_another_tenants_site_is_not_there(nordwind: Customer, acme: Customer) -> None:
    with acme.tenant.entered():
        site = make_site(House={IMPORT: 1.0})
    assert nordwind.client().get(f"/sites/{site.pk}/").status_code == 404


@pytest.mark.parametrize("meters", [1, 8])
@pytest.mark.parametrize("query", ["range=month", "range=year", TEN_DAYS])
def test_a_site_asks_a_fixed_number_of_questions(
    browser: Client, acme: Customer, meters: int, query: str
) -> None:
    with acme.tenant.entered():
        site = Site.objects.create(name="Mill Street 4")
        for number in range(meters):
            reads(make_meter(name=f"Meter {number}", site=site), EXPORT if number else IMPORT, 1.0)
    # Site, meters, registers; last days and first day of registers; the curve; health: latest days,
    # day totals; day totals and the days compared; days.
    with CaptureQueriesContext(connection) as asked:
        assert browser.get(f"/sites/{site.pk}/?{query}").status_code == 200
    assert len(asked) == FRAME + 11, "\n".join(q["sql"][:120] for q in asked)


def test_the_overview_counts_what_leaves_a_site_once(browser: Client, acme: Customer) -> None:
    with acme.tenant.entered():
        make_site(connection={IMPORT: 0.1, EXPORT: 0.2}, roof={EXPORT: 0.5})
        # What stands alone, or beside a meter that counts import alone, is counted.
        reads(make_meter(name="Field", site=Site.objects.create(name="Field")), EXPORT, 0.3)
        reads(make_meter(name="Nowhere"), EXPORT, 0.4)
    page = browser.get(f"/?{TEN_DAYS}")
    imported, exported = page.context["tiles"][2]["lines"]
    quarters = (END - START) // 900
    assert plain(imported["figure"]) == pytest.approx(quarters * 0.1, abs=0.5)
    assert plain(exported["figure"]) == pytest.approx(quarters * (0.2 + 0.3 + 0.4), abs=0.5)
    # Each meter's own energy is as it was read.
    [roof] = [row for row in page.context["rows"] if row.meter.name == "roof"]
    assert roof.exported == pytest.approx(quarters * 0.5)
    bars = page.context["charts"][1].figure["data"]
    exports = next(one for one in bars if one["meta"]["role"] == "export")
    assert sum(exports["y"]) == pytest.approx(quarters * 0.9)
