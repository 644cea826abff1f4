"""Readings of many meters on one grid, each by itself and put together; relative ranges."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from meters.models import Meter, Site
from meters.ranges import MomentError, parse_relative
from meters.zones import zone
from tests.conftest import Customer
from tests.meters.stored import (
    EXPORT,
    IMPORT,
    POWER,
    STATE,
    Api,
    Readings,
    at,
    make_meter,
    make_register,
    write,
)

START = at("2023-10-28", "Europe/Zurich")
END = at("2023-10-31", "Europe/Zurich")
DAYS = {"start": "2023-10-28", "end": "2023-10-31"}
L1 = "1-0:21.29.0*255"


@pytest.fixture
def house(acme: Customer) -> dict[str, Meter]:
    """Two meters of one site, and one elsewhere in another zone; the clocks go back on the 29th."""
    with acme.tenant.entered():
        site = Site.objects.create(name="Mill Street 4")
        grid, roof = make_meter(name="Grid", site=site), make_meter(name="Roof", site=site)
        far = make_meter(name="Far", timezone="Europe/London")
        write(make_register(grid, IMPORT), Readings.steady(START, END, value=0.5))
        write(make_register(grid, EXPORT), Readings.steady(START, END, value=0.125))
        write(make_register(grid, L1), Readings.steady(START, END, value=0.25))
        write(make_register(grid, STATE), Readings.steady(START, END))
        half = Readings.steady(START, END, value=1.0)
        half.values[:] = 1.0
        write(make_register(roof, EXPORT), half.only(half.instants < START + 86_400))
        write(make_register(far, IMPORT), Readings.steady(START, END, value=2.0))
        write(make_register(far, POWER), Readings.steady(START, END, value=3.0))
        return {"grid": grid, "roof": roof, "far": far}


def test_each_by_itself_is_what_its_own_address_says(
    acme: Customer, house: dict[str, Meter]
) -> None:
    api = Api(acme)
    muids = [str(house[name].muid) for name in ("roof", "grid")]
    query = {**DAYS, "resolution": "PT1H"}
    both = api.get("readings/", {**query, "meter": ",".join(muids)})
    assert both.status_code == 200, both.content
    answer = both.json()
    assert [one["meter"] for one in answer["meters"]] == muids
    assert [one["site"] for one in answer["meters"]] == ["Mill Street 4"] * 2
    for one in answer["meters"]:
        alone = api.readings(one["meter"], **query)
        assert one["series"] == alone["series"]
        assert {name: answer[name] for name in ("start", "end", "timezone", "resolution")} == {
            name: alone[name] for name in ("start", "end", "timezone", "resolution")
        }
    of_site = api.get("readings/", {**query, "site": "Mill Street 4"}).json()
    assert {one["meter"] for one in of_site["meters"]} == set(muids)
    everything = api.get("readings/", {**query, "timezone": "UTC"}).json()
    assert len(everything["meters"]) == 3


def test_put_together(acme: Customer, house: dict[str, Meter]) -> None:
    api = Api(acme)
    query = {**DAYS, "resolution": "P1D", "site": "Mill Street 4", "layout": "columns"}
    answer = api.get("readings/", {**query, "combine": "sum"}).json()
    given, fed = answer["combined"]
    assert (given["direction"], given["registers"], fed["direction"], fed["registers"]) == (
        *("import", 1),
        *("export", 2),
    )
    # 96, 100 and 96 quarter-hours; the roof has stopped after the first day.
    assert given["columns"]["value"] == [48.0, 50.0, 48.0]
    assert fed["columns"]["value"] == [12.0 + 96.0, 12.5, 12.0]
    assert fed["columns"]["count"] == [192, 100, 96]
    assert fed["columns"]["expected"] == [192, 200, 192]
    [net] = api.get("readings/", {**query, "combine": "net"}).json()["combined"]
    assert net["direction"] == "net"
    assert net["columns"]["value"] == [48.0 - 108.0, 37.5, 36.0]
    assert net["registers"] == 3
    [power] = [
        one
        for one in api.get("readings/", {**query, "combine": "sum", "unit": "kW"}).json()[
            "combined"
        ]
        if one["direction"] == "import"
    ]
    assert (power["statistic"], power["columns"]["value"]) == ("mean", [2.0, 2.0, 2.0])


def test_sums_hold_whatever_the_grid(acme: Customer, house: dict[str, Meter]) -> None:
    api = Api(acme)
    totals = set()
    for resolution in ("PT15M", "PT1H", "P1D", "P1W", "P1M"):
        [net] = api.get(
            "readings/",
            {**DAYS, "resolution": resolution, "combine": "net", "timezone": "Asia/Kathmandu"},
        ).json()["combined"]
        totals.add(round(math.fsum(row["value"] or 0 for row in net["rows"]), 9))
    assert len(totals) == 1


@pytest.mark.parametrize(
    ("query", "parameter", "words"),
    [
        ({"meter": "x"}, "meter", "MUID"),
        ({}, "timezone", "in several zones (Europe/London, Europe/Zurich)"),
        ({"combine": "mean", "timezone": "UTC"}, "combine", "not one of sum, net"),
        (
            {"combine": "sum", "statistic": "max", "timezone": "UTC"},
            "statistic",
            "The max of several meters is not that of their sum.",
        ),
        ({"register": "1-0:5.29.0*255", "timezone": "UTC"}, "register", "There is no register"),
        ({"site": "Mill Street 4", "statistic": "max"}, "statistic", "Choose others with"),
        ({"resolution": "PT5M", "timezone": "UTC"}, "resolution", "PT15M is the finest that fits"),
        ({"metre": "x"}, "metre", "did you mean meter?"),
    ],
)
def test_what_can_not_be_had(
    acme: Customer,
    house: dict[str, Meter],
    query: dict[str, str],
    parameter: str,
    words: str,
) -> None:
    api = Api(acme)
    refused = api.get("readings/", {**DAYS, **query})
    assert refused.status_code == 400, refused.content
    [error] = [one for one in refused.json()["errors"] if one["parameter"] == parameter]
    assert words in error["message"]
    # What is shown works.
    mended = {**DAYS, "timezone": "UTC", **query, parameter: error["example"]}
    if parameter == "metre":
        mended = {**DAYS, "timezone": "UTC"}
    elif parameter == "meter":
        mended["meter"] = str(house["grid"].muid)
    elif parameter == "register":
        mended.pop("register")
    elif parameter == "statistic" and "site" in query:
        mended["register"] = IMPORT
    assert api.get("readings/", mended).status_code == 200


def test_only_ones_own(acme: Customer, nordwind: Customer, house: dict[str, Meter]) -> None:
    other = Api(nordwind)
    assert other.get("readings/", DAYS).json()["meters"] == []
    for muid in (house["grid"].muid, "00000000-0000-4000-8000-000000000000"):
        for form in ("json", "csv"):
            query = {**DAYS, "meter": str(muid), "format": form}
            answer = other.get("readings/", query)
            assert answer.status_code == 404
            [error] = answer.json()["errors"]
            assert (error["parameter"], error["message"]) == (
                "meter",
                f"There is no meter {muid} here.",
            )
    assert other.get("readings/", {**DAYS, "combine": "net"}).json()["combined"] == []


def test_registers_by_direction_and_several(acme: Customer, house: dict[str, Meter]) -> None:
    api, grid = Api(acme), house["grid"].muid

    def chosen(**query: str) -> list[str]:
        return [one["register"] for one in api.readings(grid, **DAYS, **query)["series"]]

    assert chosen(register="import") == [IMPORT]
    assert chosen(register="import,export") == [IMPORT, EXPORT]
    assert chosen(register=f"{STATE},0100011D00FF") == [IMPORT, STATE]


def test_a_range_back_from_its_end(acme: Customer, house: dict[str, Meter]) -> None:
    api, grid = Api(acme), house["grid"].muid
    # Two days of the calendar, of which one has 25 hours.
    answer = api.readings(grid, start="-P2D", end="2023-10-31", resolution="P1D", register="import")
    assert answer["start"] == "2023-10-29T00:00:00+02:00"
    assert [row["value"] for row in answer["series"][0]["rows"]] == [50.0, 48.0]
    hours = api.readings(grid, start="-PT6H", end="2023-10-29T04:00:00+01:00", register="import")
    assert hours["start"] == "2023-10-28T23:00:00+02:00"
    until_now = api.readings(grid, start="-P7D", resolution="P1D", register="import")
    begin = datetime.fromisoformat(until_now["start"])
    assert timedelta(days=6, hours=22) < datetime.now(UTC) - begin < timedelta(days=7, hours=2)


@pytest.mark.parametrize(
    ("text", "anchor", "expected"),
    [
        ("-P1M", "2023-03-31T12:00", "2023-02-28T12:00"),
        ("-P1Y", "2024-02-29T00:00", "2023-02-28T00:00"),
        ("-P1W", "2023-04-02T00:00", "2023-03-26T00:00"),
        ("-P1Y2M3DT4H", "2023-05-10T10:00", "2022-03-07T06:00"),
        # 02:30 does not exist on the 26th of March.
        ("-P1D", "2023-03-27T02:30", "2023-03-26T03:30"),
    ],
)
def test_durations_before_a_moment(text: str, anchor: str, expected: str) -> None:
    place = zone("Europe/Zurich")
    found = parse_relative(text, place, at(anchor, "Europe/Zurich"))
    assert found is not None
    assert place.at(found).replace(tzinfo=None) == datetime.fromisoformat(expected)


@pytest.mark.parametrize("text", ["P7D", "-P", "-PT", "-7D", "2023-02-01", "-P1.5D", "-P٧D"])
def test_what_is_no_duration(text: str) -> None:
    assert parse_relative(text, zone("UTC"), 0) is None


def test_durations_stay_within_the_years_that_are_served() -> None:
    for text in ("-P999Y", "-P9999M9999W", "-P40Y"):
        with pytest.raises(MomentError, match="out of the years"):
            parse_relative(text, zone("UTC"), at("2023-02-01"))


@pytest.mark.parametrize("query", [{}, {"site": "Mill Street 4"}, {"meter": ""}])
def test_more_meters_than_are_taken_are_refused_and_never_left_out(
    acme: Customer, house: dict[str, Meter], monkeypatch: Any, query: dict[str, str]
) -> None:
    monkeypatch.setattr("meters.api.many.MOST_METERS", 1)
    if "meter" in query:
        query = {"meter": ",".join(str(meter.muid) for meter in house.values())}
    refused = Api(acme).get("readings/", {**DAYS, "timezone": "UTC", **query})
    assert refused.status_code == 400
    [error] = refused.json()["errors"]
    assert error["message"].startswith("These are more than 1 meters.")
    one = {**DAYS, "timezone": "UTC", "meter": error["example"]}
    assert len(Api(acme).get("readings/", one).json()["meters"]) == 1


def test_a_site_is_named_as_it_is_written(
    acme: Customer, nordwind: Customer, house: dict[str, Meter]
) -> None:
    with acme.tenant.entered():
        Site.objects.create(name="Empty, with a comma")
        house["grid"].site = Site.objects.create(name="Mill, Zurich")
        house["grid"].save()
    api, query = Api(acme), {**DAYS, "timezone": "UTC"}
    for path, more in (("readings/", query), ("latest/", {})):

        def muids(site: str, path: str = path, more: dict[str, str] = more) -> list[str]:
            found = api.get(path, {**more, "site": site}).json()["meters"]
            return [one["meter"] for one in found]

        assert muids("Mill, Zurich") == [str(house["grid"].muid)]
        # None of its meters are all of them, not all of the tenant's.
        assert muids("Empty, with a comma") == []
        for other, site in ((api, "Nowhere"), (Api(nordwind), "Mill, Zurich")):
            answer = other.get(path, {**more, "site": site})
            assert answer.status_code == 404
            [error] = answer.json()["errors"]
            assert (error["parameter"], error["value"]) == ("site", site)
            assert error["message"].startswith(f"There is no site “{site}” here")
