"""Two days on which the clock changes, and gaps: told alike in every format and by every endpoint.

Zurich, 31 March 2024 (23 hours) and 27 October 2024 (25 hours). What is expected is written out
here and not worked out by code of ours.
"""

import math
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from meters.models import Meter
from tests.conftest import Customer
from tests.meters.stored import IMPORT, Api, Readings, at, make_meter, make_register, write
from tests.meters.test_api_files import READ, content

ZURICH = "Europe/Zurich"
FORMS = ("rows", "columns", "csv", "xlsx", "parquet", "arrow")
EVERY_FORM = pytest.mark.parametrize("form", FORMS)
# Quarter-hours, hours, and the offsets at which the day begins and ends.
DAYS = {
    "2024-03-31": (92, 23, "+01:00", "+02:00"),
    "2024-10-27": (100, 25, "+02:00", "+01:00"),
}
EVERY_DAY = pytest.mark.parametrize("day", DAYS)
Row = dict[str, Any]


def next_day(day: str, days: int = 1) -> str:
    return (datetime.fromisoformat(day) + timedelta(days=days)).date().isoformat()


def value(instant: int) -> float:
    """Of each quarter-hour another one [kWh], so that none can stand in another one's place."""
    return round(0.25 + (instant // 900 % 977) / 1000, 3)


def readings_of(start: int, end: int) -> Readings:
    found = Readings.steady(start, end)
    found.values[:] = [value(int(instant)) for instant in found.instants]
    return found


def rows_of(api: Api, path: str, form: str, **query: object) -> list[Row]:
    """Ask in one format, and read what comes as the rows of one register."""
    if form in READ:
        found: list[Row] = READ[form](content(api.get(path, {**query, "format": form})))
        return found
    answer = api.get(path, {**query, "layout": form})
    assert answer.status_code == 200, answer.content
    body = answer.json()
    [series] = (body["meters"][0] if "meters" in body else body).get("series") or body["combined"]
    if form == "rows":
        rows: list[Row] = series["rows"]
        return rows
    columns = series["columns"]
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def instant(row: Row) -> int:
    moment = datetime.fromisoformat(row["start"])
    assert moment.tzinfo is not None
    return int(moment.timestamp())


@pytest.fixture
def meter(acme: Customer) -> Meter:
    """Without a gap from the day before each change of the clock to the day after."""
    with acme.tenant.entered():
        made = make_meter()
        register = make_register(made, IMPORT)
        for day in DAYS:
            span = at(next_day(day, -1), ZURICH), at(next_day(day, 2), ZURICH)
            write(register, readings_of(*span))
        return made


@EVERY_DAY
@EVERY_FORM
@pytest.mark.parametrize("many", [False, True], ids=["one", "many"])
def test_a_day_on_which_the_clock_changes(
    acme: Customer, meter: Meter, day: str, form: str, many: bool
) -> None:
    quarters, hours, _, _ = DAYS[day]
    begin, end = at(day, ZURICH), at(next_day(day), ZURICH)
    assert (end - begin) == quarters * 900
    sum_of_all = math.fsum(value(moment) for moment in range(begin, end, 900))
    api, query = Api(acme), {"start": day, "end": next_day(day)}
    path = f"meters/{meter.muid}/readings/"
    if many:
        path, query = "readings/", {**query, "meter": str(meter.muid)}
    for resolution, buckets, length in (
        ("PT15M", quarters, 900),
        ("PT1H", hours, 3600),
        ("P1D", 1, end - begin),
    ):
        rows = rows_of(api, path, form, **query, resolution=resolution)
        assert len(rows) == buckets
        # Each begins where the one before ended, by the instant and not by the clock.
        assert [instant(row) for row in rows] == list(range(begin, end, length))
        for row in rows:
            assert row["count"] == row["expected"] == length // 900
            first = instant(row)
            wanted = math.fsum(value(one) for one in range(first, first + length, 900))
            assert row["value"] == pytest.approx(wanted, rel=1e-11)
        assert math.fsum(row["value"] for row in rows) == pytest.approx(sum_of_all, rel=1e-11)
        assert sum(row["count"] for row in rows) == quarters


@EVERY_DAY
def test_totals_coverage_and_what_is_put_together_agree(
    acme: Customer, meter: Meter, day: str
) -> None:
    quarters = DAYS[day][0]
    begin, end = at(day, ZURICH), at(next_day(day), ZURICH)
    sum_of_all = math.fsum(value(moment) for moment in range(begin, end, 900))
    api, query = Api(acme), {"start": day, "end": next_day(day)}
    [total] = api.get(f"meters/{meter.muid}/totals/", query).json()["registers"]
    [period] = total["periods"]
    assert (period["count"], period["expected"], period["completeness"]) == (quarters, quarters, 1)
    [covered] = api.get(f"meters/{meter.muid}/coverage/", query).json()["registers"]
    assert (covered["count"], covered["expected"]) == (quarters, quarters)
    assert (covered["missing"], covered["gaps"]) == (0, [])
    edges = {"edges": f"{day},{next_day(day)}"}
    [by_edges] = api.get(f"meters/{meter.muid}/totals/", edges).json()["registers"]
    [net] = rows_of(api, "readings/", "rows", **query, combine="net", resolution="P1D")
    sums = [period["total"], by_edges["periods"][0]["total"], net["value"]]
    assert sums == pytest.approx([sum_of_all] * 3, rel=1e-11)
    # Whole local days, whatever zone they are asked for in.
    kathmandu = {**query, "timezone": "Asia/Kathmandu", "resolution": "PT1H"}
    assert len(rows_of(api, f"meters/{meter.muid}/readings/", "rows", **kathmandu)) == 24


@EVERY_DAY
@pytest.mark.parametrize("form", ["rows", "columns", "csv", "xlsx"])
def test_offsets_are_written_as_they_hold(
    acme: Customer, meter: Meter, day: str, form: str
) -> None:
    _, hours, before, after = DAYS[day]
    path, query = f"meters/{meter.muid}/readings/", {"start": day, "end": next_day(day)}
    rows = rows_of(Api(acme), path, form, **query, resolution="PT1H")
    starts = [row["start"] for row in rows]
    if day == "2024-03-31":
        # 02:00 is not.
        clock = [*range(2), *range(3, 24)]
        change = 2
    else:
        # 02:00 is twice, and the offset tells which.
        clock = [0, 1, 2, 2, *range(3, 24)]
        change = 3
    assert len(clock) == hours
    offsets = [before] * change + [after] * (hours - change)
    assert starts == [
        f"{day}T{hour:02}:00:00{offset}" for hour, offset in zip(clock, offsets, strict=True)
    ]
    if form != "xlsx":
        assert rows[-1]["end"] == f"{next_day(day)}T00:00:00{after}"
        assert [row["end"] for row in rows[:-1]] == starts[1:]


@EVERY_DAY
@EVERY_FORM
def test_the_end_is_not_in_and_the_start_is(
    acme: Customer, meter: Meter, day: str, form: str
) -> None:
    """To the second, whichever way it is written."""
    api, path = Api(acme), f"meters/{meter.muid}/readings/"
    last = at(next_day(day), ZURICH)
    for end in (last - 1, last, last + 1):
        text = datetime.fromtimestamp(end, UTC).isoformat()
        query = {"start": day, "end": text, "resolution": "PT15M"}
        found = [instant(row) for row in rows_of(api, path, form, **query)]
        # A reading belongs where it starts.
        assert found[-1] == (end - 1) // 900 * 900
        assert (last in found) == (end > last)
    for start in (last, last + 1):
        text = datetime.fromtimestamp(start, UTC).isoformat()
        query = {"start": text, "end": next_day(day, 2), "resolution": "PT15M", "fill": "none"}
        rows = rows_of(api, path, form, **query)
        first = next(instant(row) for row in rows if row["count"])
        assert first - first % 900 == (last if start == last else last + 900)


# --- Gaps -----------------------------------------------------------------------------------------

GAP_DAY = "2024-10-27"


@pytest.fixture
def gappy(acme: Customer) -> Meter:
    """Of the day of 25 hours the second 02:00 and the whole of 05:00 but one quarter is missing."""
    begin, end = at(GAP_DAY, ZURICH), at(next_day(GAP_DAY), ZURICH)
    some = readings_of(begin, end)
    quarter = (some.instants - begin) // 900
    kept = ~((quarter >= 12) & (quarter < 16)) & ~((quarter >= 24) & (quarter < 27))
    with acme.tenant.entered():
        made = make_meter()
        write(make_register(made, IMPORT), some.only(kept))
        return made


@EVERY_FORM
def test_a_gap_is_null_and_never_zero(acme: Customer, gappy: Meter, form: str) -> None:
    api, path = Api(acme), f"meters/{gappy.muid}/readings/"
    query = {"start": GAP_DAY, "end": next_day(GAP_DAY)}
    by_quarter = rows_of(api, path, form, **query, resolution="PT15M")
    assert len(by_quarter) == 100
    missing = [at for at, row in enumerate(by_quarter) if row["value"] is None]
    assert missing == [12, 13, 14, 15, 24, 25, 26]
    for at_, row in enumerate(by_quarter):
        assert (row["count"], row["expected"]) == (int(at_ not in missing), 1)
    by_hour = rows_of(api, path, form, **query, resolution="PT1H")
    assert [row["count"] for row in by_hour] == [4, 4, 4, 0, 4, 4, 1, *[4] * 18]
    assert {row["expected"] for row in by_hour} == {4}
    # An hour of which something is there is a number, an empty one is none.
    assert [at for at, row in enumerate(by_hour) if row["value"] is None] == [3]
    [whole] = rows_of(api, path, form, **query, resolution="P1D")
    assert (whole["count"], whole["expected"]) == (93, 100)
    assert whole["value"] == pytest.approx(math.fsum(row["value"] or 0 for row in by_quarter))


@EVERY_FORM
def test_a_gap_is_left_out_or_zero_where_that_is_asked_for(
    acme: Customer, gappy: Meter, form: str
) -> None:
    api, path = Api(acme), f"meters/{gappy.muid}/readings/"
    query = {"start": GAP_DAY, "end": next_day(GAP_DAY), "resolution": "PT1H"}
    null = rows_of(api, path, form, **query)
    none = rows_of(api, path, form, **query, fill="none")
    zero = rows_of(api, path, form, **query, fill="zero")
    assert [row["start"] for row in none] == [row["start"] for row in null if row["count"]]
    assert len(none) == 24
    assert [row["value"] for row in zero if not row["count"]] == [0]
    # What is filled in is not counted.
    assert [row["count"] for row in zero] == [row["count"] for row in null]


def test_null_is_written_as_nothing_in_csv(acme: Customer, gappy: Meter) -> None:
    query = {"start": GAP_DAY, "end": next_day(GAP_DAY), "resolution": "PT1H", "format": "csv"}
    text = content(Api(acme).get(f"meters/{gappy.muid}/readings/", query)).decode()
    [line] = [one for one in text.splitlines() if "T02:00:00+01:00,2024" in one]
    assert line.endswith(",2024-10-27T02:00:00+01:00,2024-10-27T03:00:00+01:00,,0,4,")


def test_a_gap_is_a_range_in_coverage(acme: Customer, gappy: Meter) -> None:
    query = {"start": GAP_DAY, "end": next_day(GAP_DAY)}
    api = Api(acme)
    [found] = api.get(f"meters/{gappy.muid}/coverage/", query).json()["registers"]
    assert found["gaps"] == [
        {
            "start": "2024-10-27T02:00:00+01:00",
            "end": "2024-10-27T03:00:00+01:00",
            "missing": 4,
        },
        {
            "start": "2024-10-27T05:00:00+01:00",
            "end": "2024-10-27T05:45:00+01:00",
            "missing": 3,
        },
    ]
    assert (found["count"], found["expected"], found["missing"]) == (93, 100, 7)
    [total] = api.get(f"meters/{gappy.muid}/totals/", query).json()["registers"]
    assert (total["periods"][0]["count"], total["periods"][0]["expected"]) == (93, 100)
    assert total["periods"][0]["completeness"] == 0.93


@pytest.fixture
def half_past_ten(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """It is 10:40 on the day of 25 hours, ten minutes into an interval that has not ended."""
    now = at("2024-10-27T10:40", ZURICH)
    monkeypatch.setattr("time.time", lambda: float(now))
    return now


@EVERY_FORM
def test_neither_the_future_nor_what_was_before_commissioning_is_a_gap(
    acme: Customer, half_past_ten: int, form: str
) -> None:
    with acme.tenant.entered():
        made = make_meter(
            commissioned_at=datetime.fromtimestamp(at("2024-10-27T01:00", ZURICH), UTC)
        )
        read = readings_of(at("2024-10-27T01:00", ZURICH), at("2024-10-27T10:30", ZURICH))
        write(make_register(made, IMPORT), read)
    api, path = Api(acme), f"meters/{made.muid}/readings/"
    query = {"start": "2024-10-26", "end": "2024-10-29"}
    days = rows_of(api, path, form, **query, resolution="P1D")
    # From 01:00 to 10:30 there are ten and a half hours on that day.
    assert [(row["count"], row["expected"]) for row in days] == [(0, 0), (42, 42), (0, 0)]
    hours = rows_of(api, path, form, **query, resolution="PT1H")
    assert all(row["count"] == row["expected"] for row in hours)
    # Where nothing is expected there is nothing, and not 0.
    assert [row["value"] is None for row in hours] == [row["count"] == 0 for row in hours]
    [found] = api.get(f"meters/{made.muid}/coverage/", query).json()["registers"]
    assert (found["count"], found["expected"], found["missing"]) == (42, 42, 0)
    assert (found["gaps"], found["completeness"]) == ([], 1)
    [total] = api.get(f"meters/{made.muid}/totals/", query).json()["registers"]
    [period] = total["periods"]
    assert (period["count"], period["expected"], period["completeness"]) == (42, 42, 1)


def test_what_has_ended_and_did_not_come_is_a_gap(
    acme: Customer, half_past_ten: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with acme.tenant.entered():
        made = make_meter()
        read = readings_of(at("2024-10-27T09:00", ZURICH), at("2024-10-27T10:30", ZURICH))
        write(make_register(made, IMPORT), read)
    query = {"start": "2024-10-27T09:00:00+01:00", "end": "2024-10-28"}
    ask: Callable[[], Any] = lambda: (  # noqa: E731
        Api(acme).get(f"meters/{made.muid}/coverage/", query).json()["registers"][0]
    )
    assert ask()["gaps"] == []
    monkeypatch.setattr("time.time", lambda: float(half_past_ten + 300))
    assert ask()["gaps"] == [
        {
            "start": "2024-10-27T10:30:00+01:00",
            "end": "2024-10-27T10:45:00+01:00",
            "missing": 1,
        }
    ]
