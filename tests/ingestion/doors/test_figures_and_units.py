"""Numbers in every usual writing, and units; what can be read in two ways is refused."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.doors.figures import FigureError, read_figure, sniff_decimal
from ingestion.doors.table import DoorError
from ingestion.doors.units import UnitError, canonical_unit, conversion, unit_in
from tests.ingestion.doors.writing import IMPORT, read_text, readings, refused


@pytest.mark.parametrize(
    ("text", "decimal", "value"),
    [
        ("1", ".", 1),
        ("-1,5", ",", -1.5),
        ("+0,25", ",", 0.25),
        (",5", ",", 0.5),
        ("5.", ".", 5),
        (" 1.5 ", ".", 1.5),
        ("1.234,5", ",", 1234.5),
        ("1,234.5", ".", 1234.5),
        ("1'234.5", ".", 1234.5),
        ("1’234,5", ",", 1234.5),
        ("1 234 567,5", ",", 1234567.5),
        ("1\u00a0234", ".", 1234),
        ("1.234", ",", 1234),
        ("1.234", ".", 1.234),
        ("1,5E-3", ",", 0.0015),
        (7, ",", 7),
        (7.25, ",", 7.25),
        ("", ".", None),
        ("-", ".", None),
        ("n/a", ",", None),
        (None, ".", None),
    ],
)
def test_figures(text: object, decimal: str, value: float | None) -> None:
    assert read_figure(text, decimal) == value  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "decimal"),
    [
        ("1.5", ","),
        ("1,5", "."),
        ("1.2345,6", ","),
        ("12.34.567", ","),
        ("1,234.567,8", ","),
        ("0.123.456", ","),
        ("1e999", "."),
        ("nan", "."),
        ("inf", "."),
        ("1_000", "."),
        ("٣", "."),
        ("0x1F", "."),
        ("1 kWh", "."),
        ("=1+1", "."),
        ("#REF!", "."),
        (math.nan, "."),
        (math.inf, "."),
        (True, "."),
        (10**400, "."),
    ],
)
def test_what_is_no_figure(text: object, decimal: str) -> None:
    with pytest.raises(FigureError):
        read_figure(text, decimal)  # type: ignore[arg-type]


@given(st.text(max_size=12) | st.text("0123456789.,'+-eE ", max_size=12), st.sampled_from(".,"))
def test_any_text_is_a_finite_figure_or_refused(text: str, decimal: str) -> None:
    try:
        value = read_figure(text, decimal)
    except FigureError as error:
        assert 0 < len(str(error)) < 120  # noqa: PT017
    else:
        assert value is None or math.isfinite(value)


@pytest.mark.parametrize(
    ("texts", "mark"),
    [
        (["1", "2"], None),
        (["1,234", "0,5"], ","),
        (["1.234", "0.123"], "."),
        (["1.234", "1.234.567"], ","),
        (["1.234", "1.234,5"], ","),
        (["1'234.5"], "."),
        (["0.123"], "."),
        (["1,2345"], ","),
        ([None, 1.5, "x"], None),
    ],
)
def test_the_decimal_mark_is_found_out(texts: list[str], mark: str | None) -> None:
    assert sniff_decimal(texts) == mark


def test_a_mark_that_may_be_either_is_refused() -> None:
    with pytest.raises(DoorError, match=r"“1\.234” can be read in two ways"):
        sniff_decimal(["1", "1.234", "12.345"])
    with pytest.raises(DoorError, match=r"a decimal point \(“1.5”\) and a decimal comma \(“1,5”\)"):
        sniff_decimal(["1.5", "1,5"])
    lines = ["Zeit;kWh", "01.06.2023 00:00;1,234", "01.06.2023 00:15;2,345"]
    with pytest.raises(DoorError, match="can be read in two ways"):
        read_text(*lines)
    assert [value for _, value in readings(read_text(*lines, decimal=","))] == [1.234, 2.345]
    assert [value for _, value in readings(read_text(*lines, decimal="."))] == [1234, 2345]


@pytest.mark.parametrize(
    ("header", "unit"),
    [
        ("Bezug [kWh]", "kWh"),
        ("Bezug (KWH)", "kWh"),
        ("import_wh", "Wh"),
        ("Leistung in kW", "kW"),
        ("P [MW]", "MW"),
        ("Blindarbeit kVArh", "kVArh"),
        ("Leistung W", "W"),
        ("kWh", "kWh"),
        ("Gas [m³]", "m³"),
        ("Phase A", None),
        ("Zähler", None),
        ("x [mW]", None),
        ("Wert", None),
        ("", None),
    ],
)
def test_units_in_headers(header: str, unit: str | None) -> None:
    assert unit_in(header) == unit


def test_conversions() -> None:
    assert conversion("Wh", IMPORT, power=False).factor == 0.001
    assert conversion("MWh", IMPORT, power=False).factor == 1000
    assert conversion("", IMPORT, power=False).factor == 1
    assert conversion("W", "1-0:1.7.0*255", power=False).factor == 0.001
    assert conversion("kVArh", "1-0:3.29.0*255", power=False).factor == 1
    how = conversion("kW", IMPORT, power=True)
    assert (how.factor, how.per_hour) == (1, True)
    for unit, obis, words in (
        ("kW", IMPORT, "kW is power, and the register 1-0:1.29.0.255 counts energy"),
        ("kvarh", IMPORT, "kvarh does not fit"),
        ("kWh", "1-0:1.7.0*255", "kWh does not fit"),
        ("furlong", IMPORT, "is unknown"),
        ("kWh", "1-0:99.1.0*255", "has no unit"),
    ):
        with pytest.raises(UnitError, match=words):
            conversion(unit, obis, power=False)
    assert canonical_unit("mw") is None, "milli or mega?"


def test_mean_power_becomes_energy_where_that_is_asked_for() -> None:
    lines = ["Zeit;P [kW]", *(f"01.06.2023 00:{m:02};4" for m in (0, 15, 30, 45))]
    with pytest.raises(DoorError, match=r"“P .kW.”: kW is power"):
        read_text(*lines)
    assert [value for _, value in readings(read_text(*lines, power=True))] == [1, 1, 1, 1]
    with pytest.raises(DoorError, match=r"needed to turn power into energy. Name the interval"):
        read_text(*lines[:2], power=True)
    assert [value for _, value in readings(read_text(*lines[:2], power=True, interval=1800))] == [2]


def test_a_unit_of_its_own_for_each_row() -> None:
    found = read_text(
        "Zeit;Wert;Einheit",
        "01.06.2023 00:00;1500;Wh",
        "01.06.2023 00:15;1,5;kWh",
        "01.06.2023 00:30;1,5;kvarh",
    )
    assert [value for _, value in readings(found)] == [1.5, 1.5]
    [(row, words)] = refused(found)
    assert (row, words[:18]) == (4, "kvarh does not fit")
