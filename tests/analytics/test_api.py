"""The analysis over the API: what it says of the recordings, and what it refuses."""

from typing import Any

import pytest

from analytics.api.answers import PARTS, USUAL_PARTS
from analytics.api.examples import ONE
from meters.models import Meter
from tests.conftest import RECORDED_EXPORT, RECORDED_IMPORT, Customer
from tests.meters.stored import (
    EXPORT,
    IMPORT,
    Api,
    Readings,
    at,
    make_meter,
    make_register,
    statements,
    store_recordings,
    write,
)
from tests.meters.test_api_meters import DOOR, assert_asked
from tests.meters.test_api_problems import assert_problem

FEBRUARY = {"start": "2023-02-01", "end": "2023-03-02"}
ZURICH = "Europe/Zurich"


@pytest.fixture
def api(acme: Customer, recordings: Any) -> Api:
    store_recordings(acme, recordings)
    return Api(acme)


def ask(api: Api, muid: object, **query: object) -> dict[str, Any]:
    response = api.get(f"meters/{muid}/analysis/", {**FEBRUARY, **query})
    assert response.status_code == 200, response.content
    answer: dict[str, Any] = response.json()
    return answer


def refused(api: Api, muid: object, **query: object) -> dict[str, str]:
    """Ask for what can't be had; what is shown as an example works."""
    sent = {**FEBRUARY, **query}
    response = api.get(f"meters/{muid}/analysis/", sent)
    [error] = assert_problem(response, 400)["errors"]
    name, value = error["parameter"], error["example"]
    mended = {one: text for one, text in sent.items() if one != name}
    # Of a parameter that there is not, one that there is is shown with its value.
    mended |= dict([value.split("=")]) if "=" in value else {name: value}
    assert api.get(f"meters/{muid}/analysis/", mended).status_code == 200, mended
    found: dict[str, str] = error
    return found


def test_the_household(api: Api) -> None:
    said = ask(api, RECORDED_IMPORT)
    assert (said["register"], said["direction"], said["interval"]) == (IMPORT, "import", 900)
    assert said["figures"]["energy"] == pytest.approx(97.6082, abs=1e-3)
    assert said["figures"]["base_load"] == pytest.approx(0.0463, abs=1e-4)
    correlation = said["correlation"]
    assert correlation["lags"][96] == 96
    assert correlation["values"][96] == pytest.approx(-0.075, abs=5e-4)
    assert correlation["band"][96] == pytest.approx(0.062, abs=5e-4)
    assert correlation["daily"]["value"] == correlation["values"][96]
    assert correlation["daily"]["verdict"] == "opposed"
    assert len(correlation["values"]) == len(correlation["band"]) == 8 * 96 + 1
    assert len(correlation["partial"]) == 201
    assert said["spectrum"]["periods"] == []
    assert said["anomalies"] == []
    assert said["hypothesis"]["statements"][0]["kind"] == "household"
    assert "−0.075" in said["sentences"]["daily-habit"]


def test_the_feed_in(api: Api) -> None:
    said = ask(api, RECORDED_EXPORT)
    assert said["correlation"]["values"][96] == pytest.approx(0.422, abs=5e-4)
    assert said["correlation"]["daily"]["verdict"] == "repeats"
    assert said["figures"]["zero_share"] == pytest.approx(0.625, abs=5e-4)
    histogram = said["histogram"]
    assert histogram["zeros"] == 1680
    assert sum(histogram["counts"]) + histogram["zeros"] == 2688
    assert [round(one["length"] / 3600) for one in said["spectrum"]["periods"][:2]] == [24, 12]
    assert said["pattern"]["shares"]["time_of_day"]["held_out"] == pytest.approx(0.39, abs=0.005)
    hypothesis = said["hypothesis"]
    assert hypothesis["statements"][0]["kind"] == "photovoltaic_feed_in"
    assert sum(one["confidence"] for one in hypothesis["statements"]) == pytest.approx(1, abs=1e-3)
    assert hypothesis["remarks"]["steps"] == [{"register": EXPORT, "step": 0.00025}]
    assert hypothesis["remarks"]["longitude"]["degrees"] == pytest.approx(9.1, abs=0.1)
    assert hypothesis["statements"][0]["evidence_for"][0]["weight"] > 0


def test_maps_hold_every_interval_once(api: Api) -> None:
    said = ask(api, RECORDED_IMPORT, include="heat,calendar")
    heat = said["heat"]
    assert (len(heat["days"]), len(heat["times"])) == (29, 96)
    assert (heat["days"][0], heat["times"][4]) == ("2023-02-01", "01:00")
    # The recording begins at midnight UTC: an hour of the first local day is not known.
    assert heat["power"][0][:4] == [None] * 4
    known = [value for row in heat["power"] for value in row if value is not None]
    assert len(known) == 2688
    assert sum(known) / 4 == pytest.approx(97.6082, abs=1e-3)
    days = [value for week in said["calendar"]["energy"] for value in week if value is not None]
    assert sum(days) == pytest.approx(97.6082, abs=1e-3)
    assert said["calendar"]["mondays"][0] == "2023-01-30"


def test_a_doubled_hour_is_marked(acme: Customer) -> None:
    with acme.tenant.entered():
        start, end = at("2023-10-28", ZURICH), at("2023-10-31", ZURICH)
        meter: Meter = make_meter()
        write(make_register(meter, IMPORT), Readings.steady(start, end, 3600))
    said = ask(Api(acme), meter.muid, start="2023-10-28", end="2023-10-31", include="heat")
    assert said["heat"]["clock_changes"] == [
        {"day": "2023-10-29", "time": "02:00", "change": "doubled"}
    ]


def test_parts_are_chosen(api: Api) -> None:
    frame = {"meter", "timezone", "start", "end", "register", "direction", "interval"}
    assert set(ask(api, RECORDED_IMPORT)) == frame | set(USUAL_PARTS)
    assert set(ask(api, RECORDED_IMPORT, include="quality,figures")) == frame | {
        "quality",
        "figures",
    }
    assert set(ask(api, RECORDED_IMPORT, include=",".join(PARTS))) == frame | set(PARTS)


def test_groups(api: Api) -> None:
    usual = ask(api, RECORDED_IMPORT, include="groups")["groups"]
    assert [(one["by"], len(one["labels"])) for one in usual] == [
        ("hour", 24), ("time", 96), ("weekday", 7), ("day_type", 3), ("month", 2), ("season", 2),
    ]  # fmt: skip
    own = ask(api, RECORDED_IMPORT, include="groups", group="PT6H,P1W")["groups"]
    assert own[0]["labels"] == ["00:00", "06:00", "12:00", "18:00"]
    assert sum(own[0]["power"]["count"]) == 2688
    assert own[1]["labels"][0] == "2023-W05"


def test_what_the_documentation_shows_comes(api: Api) -> None:
    said = ask(api, RECORDED_IMPORT, end="2023-03-01", include="figures,groups", group="day_type")
    assert said == ONE.value


def test_a_range_without_readings(api: Api) -> None:
    said = ask(api, RECORDED_IMPORT, start="2020-01-01", end="2020-02-01")
    assert said["register"] is None
    assert said["notes"] == ["There are no readings of energy or power in this range to analyse."]
    assert said["hypothesis"]["statements"][0]["kind"] == "cannot_tell"
    assert "figures" not in said


def test_what_has_no_load(acme: Customer) -> None:
    api = Api(acme)
    with acme.tenant.entered():
        start = at("2023-02-01")
        meter: Meter = make_meter(name="Transformer")
        voltage = make_register(meter, "1-0:32.7.0*255")
        write(voltage, Readings.steady(start, start + 86_400, value=230.0))
    assert "has no load" in ask(api, meter.muid)["notes"][0]
    with acme.tenant.entered():
        write(make_register(meter, EXPORT), Readings.steady(start, start + 86_400))
    assert ask(api, meter.muid)["register"] == EXPORT
    error = refused(api, meter.muid, register="1-0:32.7.0*255")
    assert (error["parameter"], error["example"]) == ("register", EXPORT)
    assert "has no load" in error["message"]


@pytest.mark.parametrize(
    ("query", "parameter", "words"),
    [
        ({"include": "acf"}, "include", "“acf” is not one of figures, groups,"),
        ({"group": "moon"}, "group", "“moon” is not one of hour, time, weekday"),
        ({"group": "PT7M"}, "group", "“PT7M” is not one of hour"),
        ({"group": "PT5M"}, "group", "PT5M"),
        ({"group": "hour,PT1M"}, "group", "PT1M"),
        ({"start": "2019-02-01"}, "start", "The range has 1,490 days, and three years"),
        ({"start": "2023-02-01T00:00"}, "start", "has no offset"),
        ({"end": "2023-01-01"}, "end", "does not lie after"),
        ({"register": "export"}, "register", "There is no register export here"),
        ({"timezone": "UTC"}, "timezone", "is not a parameter here"),
        ({"inlcude": "figures"}, "inlcude", "did you mean include?"),
    ],
)
def test_refusals(api: Api, query: dict[str, str], parameter: str, words: str) -> None:
    error = refused(api, RECORDED_IMPORT, **query)
    assert error["parameter"] == parameter
    assert words in error["message"]


def test_one_register_at_a_time(acme: Customer) -> None:
    with acme.tenant.entered():
        start = at("2023-02-01", ZURICH)
        meter: Meter = make_meter()
        for obis in (IMPORT, EXPORT):
            write(make_register(meter, obis), Readings.steady(start, start + 10 * 86_400))
    api = Api(acme)
    assert ask(api, meter.muid)["register"] == IMPORT
    assert ask(api, meter.muid, register="export")["register"] == EXPORT
    error = refused(api, meter.muid, register="import,export")
    assert error["message"] == "One register is analysed at a time; ask for each by itself."


@pytest.mark.parametrize("query", [{}, {"include": "figures"}, {"start": "2022-01-01"}])
def test_what_it_asks(api: Api, query: dict[str, str]) -> None:
    sent = {**FEBRUARY, **query}
    # What was corrected is told with the quality, and not asked for without it.
    corrected = [] if "include" in query else ["ingestion_readingrevision"]
    assert_asked(
        lambda: api.get(f"meters/{RECORDED_IMPORT}/analysis/", sent),
        [*DOOR, "meters_register", *corrected, "FROM daily_profile", "COPY"],
    )


def test_what_is_held_is_not_analysed_again(api: Api) -> None:
    path = f"meters/{RECORDED_IMPORT}/analysis/"
    held = api.get(path, FEBRUARY)
    again = {"HTTP_IF_NONE_MATCH": held["ETag"]}
    with statements() as sent:
        assert api.get(path, FEBRUARY, **again).status_code == 304
    assert not any("COPY" in one for one in sent)
    assert api.get(path, {**FEBRUARY, "include": "figures"}, **again).status_code == 200
    assert api.get(path, {**FEBRUARY, "group": "hour"}, **again).status_code == 200


def test_another_tenants_meter_is_not_there(api: Api, nordwind: Customer) -> None:
    response = Api(nordwind).get(f"meters/{RECORDED_IMPORT}/analysis/", FEBRUARY)
    assert_problem(response, 404)


def test_it_speaks_english_to_whoever_prefers_german(api: Api) -> None:
    where, query = f"meters/{RECORDED_EXPORT}/analysis/", {**FEBRUARY, "group": "weekday"}
    answers = [
        api.get(where, query, HTTP_ACCEPT_LANGUAGE=language).content for language in ("en", "de")
    ]
    assert answers[0] == answers[1]
    assert b"A household" in answers[1]
    assert b"Monday" in answers[1]
