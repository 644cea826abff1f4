"""The readings of the API: the recorded months against pandas, and every parameter."""

import json
from pathlib import Path

import pandas as pd
import pytest

from tests.conftest import RECORDED_EXPORT, RECORDED_IMPORT, Customer
from tests.meters.stored import (
    IMPORT,
    POWER,
    STATE,
    Api,
    Readings,
    at,
    make_meter,
    make_register,
    store_recordings,
    write,
)

CODES = {RECORDED_IMPORT: "0100011D00FF", RECORDED_EXPORT: "0100021D00FF"}
EXAMPLE = {"start": "2023-02-01", "end": "2023-02-03", "resolution": "P1D"}


@pytest.fixture
def recorded(acme: Customer, recordings: Path) -> Api:
    store_recordings(acme, recordings)
    return Api(acme)


def computed(path: Path, code: str, timezone: str, resolution: str) -> pd.DataFrame:
    """What pandas computes straight from the JSON: bucket's local start, sum and count."""
    rows = json.loads(path.read_text())["data"]
    instants = pd.to_datetime([row["timestamp"] for row in rows], utc=True)
    # February knows no change of clocks in these zones, so wall time is enough.
    wall = instants.tz_convert(timezone).tz_localize(None)
    if resolution.startswith("PT"):
        bucket = wall.floor({"PT15M": "15min", "PT30M": "30min", "PT1H": "1h"}[resolution])
    elif resolution == "P1M":
        bucket = wall.normalize() - pd.to_timedelta(wall.day - 1, unit="D")
    else:
        back = wall.day_of_week if resolution == "P1W" else 0
        bucket = wall.normalize() - pd.to_timedelta(back, unit="D")
    # The answer clips buckets to the range that is asked for, from 1 February on.
    bucket = bucket.where(bucket >= "2023-02-01", pd.Timestamp("2023-02-01"))
    values = pd.Series([row[code] for row in rows], index=bucket)
    return values.groupby(level=0).agg(["sum", "count"])


@pytest.mark.parametrize("timezone", ["Europe/Zurich", "UTC", "Asia/Kathmandu"])
def test_totals_of_the_recorded_months(recorded: Api, recordings: Path, timezone: str) -> None:
    for muid, code in CODES.items():
        for resolution in ("PT15M", "PT30M", "PT1H", "P1D", "P1W", "P1M"):
            answer = recorded.readings(
                muid,
                start="2023-02-01",
                end="2023-03-02",
                resolution=resolution,
                timezone=timezone,
                layout="columns",
                fill="none",
            )
            [series] = answer["series"]
            columns = series["columns"]
            wanted = computed(recordings / f"{muid}.json", code, timezone, resolution)
            starts = [text[:19] for text in columns["start"]]
            assert starts == [start.isoformat() for start in wanted.index]
            assert columns["count"] == wanted["count"].tolist()
            assert columns["value"] == pytest.approx(wanted["sum"].tolist(), rel=1e-9, abs=1e-12)
            assert series["count"] == 2688
            assert [q["measured"] for q in columns["quality"]] == columns["count"]


def test_example_of_the_design(recorded: Api) -> None:
    answer = recorded.readings(RECORDED_IMPORT, **EXAMPLE, timezone="Europe/Zurich")
    second = answer["series"][0]["rows"].pop()
    assert answer == {
        "meter": RECORDED_IMPORT,
        "timezone": "Europe/Zurich",
        "resolution": "P1D",
        "start": "2023-02-01T00:00:00+01:00",
        "end": "2023-02-03T00:00:00+01:00",
        "series": [
            {
                "register": "1-0:1.29.0*255",
                "direction": "import",
                "unit": "kWh",
                "statistic": "sum",
                "count": 188,
                "expected": 192,
                "rows": [
                    {
                        "start": "2023-02-01T00:00:00+01:00",
                        "end": "2023-02-02T00:00:00+01:00",
                        "value": 1.8299,
                        "count": 92,
                        "expected": 96,
                        "quality": {"measured": 92},
                    }
                ],
            }
        ],
    }
    assert second["value"] == 4.0253
    assert second["count"] == second["expected"] == 96


def test_totals_of_the_month(recorded: Api) -> None:
    for muid, total in ((RECORDED_IMPORT, 97.6082), (RECORDED_EXPORT, 36.19725)):
        answer = recorded.readings(
            muid, start="2023-02-01", end="2023-03-01", resolution="P1M", timezone="UTC"
        )
        [row] = answer["series"][0]["rows"]
        assert row["value"] == total
        assert row["count"] == row["expected"] == 2688


def test_rows_and_columns_hold_the_same(recorded: Api) -> None:
    for fill in ("null", "none", "zero"):
        query = {**EXAMPLE, "start": "2023-01-31", "resolution": "PT1H", "fill": fill}
        rows = recorded.readings(RECORDED_IMPORT, **query, layout="rows")
        columns = recorded.readings(RECORDED_IMPORT, **query, layout="columns")
        [of_rows], [of_columns] = rows.pop("series"), columns.pop("series")
        assert rows == columns
        names = list(of_columns["columns"])
        by_row = zip(*of_columns.pop("columns").values(), strict=True)
        assert of_rows.pop("rows") == [dict(zip(names, row, strict=True)) for row in by_row]
        assert of_rows == of_columns


def test_fill(recorded: Api) -> None:
    query = {"start": "2023-01-31", "end": "2023-02-02", "resolution": "P1D"}
    empty = {
        "start": "2023-01-31T00:00:00+01:00",
        "end": "2023-02-01T00:00:00+01:00",
        "value": None,
        "count": 0,
        "expected": 96,
        "quality": {},
    }

    def rows(**more: str) -> list[dict]:
        return recorded.readings(RECORDED_IMPORT, **query, **more)["series"][0]["rows"]

    [first, second] = rows()
    assert first == empty
    assert rows(fill="null") == [first, second]
    assert rows(fill="none") == [second]
    assert rows(fill="zero") == [{**empty, "value": 0.0}, second]


def test_a_range_is_half_open_to_the_interval(recorded: Api) -> None:
    def count(start: str, end: str) -> int:
        answer = recorded.readings(RECORDED_IMPORT, start=start, end=end, resolution="PT15M")
        return answer["series"][0]["count"]

    assert count("2023-02-10T10:00:00+01:00", "2023-02-10T11:00:00+01:00") == 4
    assert count("2023-02-10T10:00:01+01:00", "2023-02-10T11:00:00+01:00") == 3
    assert count("2023-02-10T10:00:00+01:00", "2023-02-10T11:00:01+01:00") == 5
    assert count("2023-02-10T10:00:00+01:00", "2023-02-10T10:00:01+01:00") == 1
    assert count("2023-02-10T10:14:59+01:00", "2023-02-10T10:15:00+01:00") == 0


def test_dates_begin_at_midnight_in_the_zone_asked_for(recorded: Api) -> None:
    there = recorded.readings(RECORDED_IMPORT, **EXAMPLE, timezone="Asia/Kathmandu")
    assert there["start"] == "2023-02-01T00:00:00+05:45"
    same = recorded.readings(
        RECORDED_IMPORT,
        start="2023-01-31T18:15:00Z",
        end="2023-02-03T00:00:00+05:45",
        resolution="P1D",
        timezone="Asia/Kathmandu",
    )
    assert there == same


def test_a_plus_may_arrive_as_a_space(recorded: Api) -> None:
    texts = [
        f"start=2023-02-01T00:00:00{sign}01:00&end=2023-02-03T00:00:00{sign}01:00&resolution=P1D"
        for sign in ("+", "%2B", "%20")
    ]
    path = f"meters/{RECORDED_IMPORT}/readings/"
    answers = [recorded.get(path, text).json() for text in texts]
    assert answers[0] == answers[1] == answers[2]
    assert answers[0]["series"][0]["count"] == 188


def test_without_parameters_the_last_seven_days(recorded: Api) -> None:
    answer = recorded.readings(RECORDED_IMPORT)
    assert answer["resolution"] == "PT15M"
    assert answer["start"].endswith("T00:00:00" + answer["start"][19:])
    days = pd.Timestamp(answer["end"][:10]) - pd.Timestamp(answer["start"][:10])
    assert days == pd.Timedelta(days=6)
    series = answer["series"][0]
    assert series["count"] == 0
    assert series["expected"] >= 6 * 92
    assert all(row["value"] is None for row in series["rows"])


def test_meter_without_registers(acme: Customer) -> None:
    with acme.tenant.entered():
        meter = make_meter()
    assert Api(acme).readings(meter.muid, **EXAMPLE)["series"] == []


def test_register_without_readings(acme: Customer) -> None:
    with acme.tenant.entered():
        meter = make_meter()
        make_register(meter, interval=None)
    for resolution in ("P1D", "PT15M"):
        answer = Api(acme).readings(meter.muid, **{**EXAMPLE, "resolution": resolution})
        [series] = answer["series"]
        assert (series["count"], series["expected"]) == (0, 192)
        assert {row["value"] for row in series["rows"]} == {None}


def test_meter_in_the_future_and_removed(acme: Customer) -> None:
    with acme.tenant.entered():
        meter = make_meter(
            commissioned_at="2023-02-01T12:00:00+01:00", removed_at="2023-02-02T12:00:00+01:00"
        )
        make_register(meter)
        future = make_meter(commissioned_at="2098-01-01T00:00:00Z")
        make_register(future)
    api = Api(acme)
    rows = api.readings(meter.muid, **EXAMPLE)["series"][0]["rows"]
    assert [row["expected"] for row in rows] == [48, 48]
    for resolution in ("P1D", "PT1H"):
        for range_ in (("2023-02-01", "2023-02-03"), ("2098-02-01", "2098-02-03")):
            query = {"start": range_[0], "end": range_[1], "resolution": resolution}
            [series] = api.readings(future.muid, **query)["series"]
            assert (series["count"], series["expected"]) == (0, 0)


def test_registers_of_one_meter_that_read_at_different_intervals(acme: Customer) -> None:
    """Every one can be read as finely as it is, and together at what fits them all."""
    start, end = at("2023-02-01", "Europe/Zurich"), at("2023-02-03", "Europe/Zurich")
    with acme.tenant.entered():
        meter = make_meter()
        write(make_register(meter), Readings.steady(start, end))
        write(make_register(meter, POWER, 3600), Readings.steady(start, end, 3600))
    api, query = Api(acme), {"start": "2023-02-01", "end": "2023-02-03"}
    together = api.readings(meter.muid, **query)
    assert together["resolution"] == "PT1H"
    assert [s["count"] for s in together["series"]] == [192, 48]
    fine = api.readings(meter.muid, **query, register="0100011D00FF", resolution="PT15M")
    assert [s["register"] for s in fine["series"]] == [IMPORT]
    assert fine["resolution"] == api.readings(meter.muid, **query, register="1.29.0")["resolution"]
    refused = api.get(f"meters/{meter.muid}/readings/", {**query, "resolution": "PT15M"})
    assert refused.status_code == 400
    [error] = refused.json()["errors"]
    assert error["parameter"] == "resolution"
    assert error["example"] == "PT1H"
    assert "PT1H is the finest that fits" in error["message"]


def test_a_register_that_has_changed_its_interval(acme: Customer) -> None:
    """What fits is what was read in the range, not what is read today."""
    change = at("2023-02-03", "Europe/Zurich")
    day = 86_400
    with acme.tenant.entered():
        finer, coarser = make_meter(), make_meter()
        register = make_register(finer, interval=900)
        write(register, Readings.steady(change - 2 * day, change, 3600))
        write(register, Readings.steady(change, change + 2 * day, 900))
        register = make_register(coarser, interval=3600)
        write(register, Readings.steady(change - 2 * day, change, 900))
        write(register, Readings.steady(change, change + 2 * day, 3600))
    api, early = Api(acme), {"start": "2023-02-01", "end": "2023-02-02"}
    assert api.readings(finer.muid, **early)["resolution"] == "PT1H"
    refused = api.get(f"meters/{finer.muid}/readings/", {**early, "resolution": "PT15M"})
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["example"] == "PT1H"
    fine = api.readings(coarser.muid, **early, resolution="PT15M")
    assert fine["series"][0]["count"] == fine["series"][0]["expected"] == 96
    both = {"start": "2023-02-01", "end": "2023-02-05", "resolution": "PT1H"}
    for meter in (finer, coarser):
        [series] = api.readings(meter.muid, **both)["series"]
        assert series["count"] == series["expected"] == 2 * 24 + 2 * 96


def test_notes(acme: Customer) -> None:
    start, end = at("2023-02-01", "Europe/Zurich"), at("2023-02-02", "Europe/Zurich")
    with acme.tenant.entered():
        meter = make_meter()
        hourly = Readings.steady(start + 1800, end, 3600, value=1.0)
        write(make_register(meter, interval=3600), hourly)
        states = Readings.steady(start, end + 86_400, 3600)
        states.values[12:] -= 12
        write(make_register(meter, STATE, interval=3600), states)
    query = {"start": "2023-02-01", "end": "2023-02-02", "resolution": "P1D"}
    energy, state = Api(acme).readings(meter.muid, **query)["series"]
    assert energy["notes"] == [
        "1 interval reaches beyond the bucket in which it starts; it is counted where it starts."
    ]
    assert energy["count"] == 24
    assert state["statistic"] == "advance"
    assert state["rows"][0]["value"] == 23
    [note] = state["notes"]
    assert "fell, as after a reset or an exchange, at 2023-02-01T12:00:00+01:00;" in note
