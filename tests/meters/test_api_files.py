"""Readings as CSV, XLSX, Parquet and Arrow: the same numbers as in JSON, however large."""

import csv
import io
import tracemalloc
from typing import Any

import numpy as np
import openpyxl
import pyarrow as pa
import pytest
from django.db import connection
from pyarrow import parquet

from meters.api import tables
from meters.models import Meter
from tests.conftest import Customer
from tests.meters.stored import (
    EXPORT,
    IMPORT,
    POWER,
    Api,
    Readings,
    at,
    make_meter,
    make_register,
    write,
)

START, END = at("2023-10-28", "Europe/Zurich"), at("2023-10-31", "Europe/Zurich")
DAYS = {"start": "2023-10-28", "end": "2023-10-31"}
FORMS = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "parquet": "application/vnd.apache.parquet",
    "arrow": "application/vnd.apache.arrow.stream",
}
Row = dict[str, Any]


@pytest.fixture
def meter(acme: Customer) -> str:
    with acme.tenant.entered():
        made = make_meter()
        some = Readings.steady(START, END, value=0.1)
        some.values[:] = np.round(np.linspace(0.01, 9.99, len(some.values)), 4)
        some.qualities[7:11] = 2
        kept = np.ones(len(some.instants), dtype=bool)
        kept[20:60] = False
        write(make_register(made, IMPORT), some.only(kept))
        write(make_register(made, EXPORT), Readings.steady(START, END, value=0.25))
        return str(made.muid)


def content(response: Any) -> bytes:
    assert response.status_code == 200, response.content
    return b"".join(response.streaming_content)


def number(text: str) -> float | None:
    return float(text) if text else None


def of_csv(data: bytes) -> list[Row]:
    found = list(csv.DictReader(io.StringIO(data.decode())))
    [value] = [name for name in found[0] if name.startswith("value")]
    return [
        {
            **row,
            "value": number(row[value]),
            "count": int(row["count"]),
            "expected": int(row["expected"]),
        }
        for row in found
    ]


def of_xlsx(data: bytes) -> list[Row]:
    rows = openpyxl.load_workbook(io.BytesIO(data)).active.iter_rows(values_only=True)
    head = next(rows)
    found = [dict(zip(head, row, strict=True)) for row in rows]
    for row in found:
        row["start"] = row["start"].isoformat() + row["offset"]
    return found


def of_table(table: Any) -> list[Row]:
    found = table.to_pylist()
    for row in found:
        row["start"] = row["start"].isoformat()
    return found


READ = {
    "csv": of_csv,
    "xlsx": of_xlsx,
    "parquet": lambda data: of_table(parquet.read_table(io.BytesIO(data))),
    "arrow": lambda data: of_table(pa.ipc.open_stream(data).read_all()),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("resolution", ["PT15M", "PT1H", "P1D"])
@pytest.mark.parametrize("fill", ["null", "none", "zero"])
def test_a_file_holds_what_the_answer_holds(
    acme: Customer, meter: str, form: str, resolution: str, fill: str, monkeypatch: Any
) -> None:
    # Several pieces for each register.
    monkeypatch.setattr(tables, "PIECE", 50)
    api, query = Api(acme), {**DAYS, "resolution": resolution, "fill": fill}
    response = api.get(f"meters/{meter}/readings/", {**query, "format": form})
    assert response["Content-Type"] == FORMS[form]
    assert f"readings-2023-10-28-2023-10-30-{resolution}.{form}" in response["Content-Disposition"]
    rows = READ[form](content(response))
    expected = [
        (one["register"], row["start"], row["value"], row["count"], row["expected"])
        for one in api.readings(meter, **query)["series"]
        for row in one["rows"]
    ]
    assert [
        (row["register"], row["start"], row["value"], row["count"], row["expected"]) for row in rows
    ] == expected
    assert {row["meter"] for row in rows} == {meter}
    assert {row["unit"] for row in rows} == {"kWh"}
    if resolution == "P1D":
        assert rows[0]["quality"] == "measured:52 estimated:4"


def test_by_accept_as_well(acme: Customer, meter: str) -> None:
    response = Api(acme).get(f"meters/{meter}/readings/", DAYS, HTTP_ACCEPT="text/csv")
    text = content(response).decode()
    assert text.splitlines()[0] == (
        "meter,register,direction,statistic,unit,start,end,value [kWh],count,expected,quality"
    )
    assert text.splitlines()[1].startswith(
        f"{meter},{IMPORT},import,sum,kWh,2023-10-28T00:00:00+02:00,2023-10-28T00:15:00+02:00,0.01,"
    )
    assert text.endswith("\r\n")


def test_several_units_stand_in_their_column(acme: Customer, meter: str) -> None:
    with acme.tenant.entered():
        write(make_register(Meter.objects.get(), POWER), Readings.steady(START, END))
    text = content(Api(acme).get(f"meters/{meter}/readings/", {**DAYS, "format": "csv"})).decode()
    assert ",value,count" in text.splitlines()[0]
    assert {row["unit"] for row in of_csv(text.encode())} == {"kWh", "kW"}


@pytest.mark.parametrize("combine", ["sum", "net"])
def test_put_together_as_a_file(acme: Customer, meter: str, combine: str, monkeypatch: Any) -> None:
    monkeypatch.setattr(tables, "PIECE", 10)
    api, query = Api(acme), {**DAYS, "resolution": "PT1H", "combine": combine}
    rows = of_csv(content(api.get("readings/", {**query, "format": "csv"})))
    expected = [
        (one["direction"], row["start"], row["value"])
        for one in api.get("readings/", query).json()["combined"]
        for row in one["rows"]
    ]
    assert [(row["direction"], row["start"], row["value"]) for row in rows] == [
        (direction, start, pytest.approx(value)) for direction, start, value in expected
    ]


def test_problems_stay_problems(acme: Customer, meter: str) -> None:
    api = Api(acme)
    for form in FORMS:
        refused = api.get(f"meters/{meter}/readings/", {**DAYS, "format": form, "unit": "kvarh"})
        assert (refused.status_code, refused["Content-Type"]) == (400, "application/problem+json")
        assert refused.json()["errors"][0]["parameter"] == "unit"
    too_fine = api.get(f"meters/{meter}/readings/", {**DAYS, "format": "csv", "resolution": "PT5M"})
    assert too_fine.status_code == 400
    large = {"start": "2000-01-01", "end": "2023-01-01", "format": "xlsx", "resolution": "PT15M"}
    assert "50,000 are the most" in api.get(f"meters/{meter}/readings/", large).content.decode()


def test_nothing_is_a_file_with_a_header(acme: Customer) -> None:
    with acme.tenant.entered():
        made = make_meter()
    for form in FORMS:
        response = Api(acme).get(f"meters/{made.muid}/readings/", {**DAYS, "format": form})
        assert content(response)


def test_an_answer_that_is_read_later_is_made_in_its_own_tenant(
    acme: Customer, nordwind: Customer, meter: str, monkeypatch: Any
) -> None:
    """Two of them by turns on one thread, and the thread is in no tenant."""
    monkeypatch.setattr(tables, "PIECE", 20)
    with nordwind.tenant.entered():
        other = make_meter()
        write(make_register(other, IMPORT), Readings.steady(START, END, value=77.0))
    query = {**DAYS, "format": "csv", "register": "import"}
    ours = Api(acme).get(f"meters/{meter}/readings/", query)
    theirs = Api(nordwind).get(f"meters/{other.muid}/readings/", query)
    before = connection.schema_name  # type: ignore[attr-defined]
    told: list[bytes] = [b"", b""]
    streams = [iter(one.streaming_content) for one in (ours, theirs)]
    for _ in range(40):
        for which, stream in enumerate(streams):
            told[which] += next(stream, b"")
            assert connection.schema_name == before  # type: ignore[attr-defined]
    assert {row["value"] for row in of_csv(told[1])} == {77.0}
    values = [row["value"] for row in of_csv(told[0])]
    assert 77.0 not in values
    assert len(values) == 292


def test_a_decade_streams_with_flat_memory(acme: Customer) -> None:
    """What is held at a time is a piece, not the ten years."""
    start, end = at("2013-01-01", "Europe/Zurich"), at("2023-01-01", "Europe/Zurich")
    with acme.tenant.entered():
        made = make_meter()
        write(make_register(made, IMPORT), Readings.steady(start, end, interval=3600, value=1.0))
    query = {"start": "2013-01-01", "end": "2023-01-01", "format": "csv", "resolution": "PT1H"}
    response = Api(acme).get(f"meters/{made.muid}/readings/", query)
    tracemalloc.start()
    try:
        size = peak_late = 0
        for index, block in enumerate(response.streaming_content):
            size += len(block)
            if index == 1:
                _, early = tracemalloc.get_traced_memory()
        _, peak_late = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert size > 87_000 * 100
    assert peak_late < 1.5 * early
