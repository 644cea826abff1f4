"""Figures as people read them."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meters.templatetags.units import THIN, Amount, change_in_words, energy, figure, iso, local
from meters.zones import zone


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (0, 0, "0"),
        (1234567.891, 1, f"1{THIN}234{THIN}567.9"),
        (-1234.5, 0, f"−1{THIN}234"),
        (-0.4, 0, "0"),
        (-0.0, 2, "0.00"),
        (0.05, 1, "0.1"),
        (None, 0, "–"),
        (float("nan"), 0, "–"),
        (float("inf"), 2, "–"),
    ],
)
def test_figure(value: float | None, digits: int, text: str) -> None:
    assert figure(value, digits) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0.000"),
        (0.0117, "0.012"),
        (0.9994, "0.999"),
        (0.9996, "1.00"),
        (1.8299, "1.83"),
        (97.6082, "97.61"),
        (99.996, "100.0"),
        (123.44, "123.4"),
        (999.96, f"1{THIN}000"),
        (12345.6, f"12{THIN}346"),
        (-36.19725, "−36.20"),
        (None, "–"),
    ],
)
def test_energy(value: float | None, text: str) -> None:
    assert energy(value) == text


@given(st.floats(-1e12, 1e12))
def test_energy_reads_back(value: float) -> None:
    text = energy(value).replace(THIN, "").replace("−", "-")
    assert float(text) == pytest.approx(value, rel=5e-3, abs=5e-4)
    assert text != "-0.000"


@pytest.mark.parametrize(
    ("now", "before", "words"),
    [
        (Amount(110, 96), Amount(100, 96), f"10{THIN}% more than last week"),
        (Amount(90, 96), Amount(100, 96), f"10{THIN}% less than last week"),
        (Amount(0, 96), Amount(100, 96), f"100{THIN}% less than last week"),
        (Amount(500, 96), Amount(100, 96), "5.0 times last week"),
        (Amount(100, 96), Amount(100, 96), "the same as last week"),
        (Amount(0, 96), Amount(0, 96), "the same as last week"),
        (Amount(100.3, 96), Amount(100, 96), "about the same as last week"),
        (Amount(5, 96), Amount(0, 96), "nothing in last week"),
        # A day of 92 is no less than one of 96; half a day is.
        (Amount(110, 92), Amount(100, 96), f"10{THIN}% more than last week"),
        (Amount(50, 48), Amount(100, 96), ""),
        (Amount(5, 0), Amount(100, 96), ""),
        (None, Amount(100, 96), ""),
        (Amount(100, 96), None, ""),
        # Net registers count below zero.
        (Amount(-50, 96), Amount(-100, 96), f"50{THIN}% more than last week"),
        (Amount(-150, 96), Amount(-100, 96), f"50{THIN}% less than last week"),
        (Amount(-500, 96), Amount(-100, 96), "5.0 times last week"),
        (Amount(500, 96), Amount(-100, 96), f"600{THIN}% more than last week"),
        (Amount(50, 96), Amount(-100, 96), f"150{THIN}% more than last week"),
    ],
)
def test_change_in_words(now: Amount | None, before: Amount | None, words: str) -> None:
    assert change_in_words(now, before, "last week") == words


def test_local() -> None:
    instant = int(datetime(2024, 3, 3, 13, 15, tzinfo=UTC).timestamp())
    assert local(instant) == "3 Mar 2024, 13:15"
    assert local(instant, "Europe/Zurich") == "3 Mar 2024, 14:15"
    assert local(instant, zone("Asia/Kathmandu")) == "3 Mar 2024, 19:00"
    assert local(datetime.fromtimestamp(instant, UTC), "Europe/Zurich") == "3 Mar 2024, 14:15"
    assert local(None) == "–"


def test_iso() -> None:
    assert iso(1_675_209_600) == "2023-02-01T00:00:00+00:00"
    assert iso(datetime(2023, 2, 1, 0, 0, 0, 5, tzinfo=UTC)) == "2023-02-01T00:00:00+00:00"
    assert iso(None) == ""
