"""Days far off a meter's usual: what is named, and what is left in peace."""

import numpy as np
import pytest

from analytics.pages.oddities import odd_days
from meters.profiles import DayTotals
from meters.zones import DAY

# A Monday: its last whole day is a Sunday.
MONDAY = 20_052
assert (MONDAY + 3) % 7 == 0


def totals(energy: np.ndarray, today: int = MONDAY, count: int = 96) -> DayTotals:
    """Days up to yesterday; a row for each register, NaN where a day is not there."""
    registers, n = energy.shape
    register = np.repeat(np.arange(1, registers + 1), n)
    day = np.tile(np.arange(today - n, today), registers)
    there = ~np.isnan(energy.ravel())
    whole = [register, day, day * DAY, np.full(len(day), 900), np.full(len(day), count)]
    columns = [one[there].astype(np.int64) for one in (*whole, np.ones(len(day)))]
    return DayTotals(*columns, energy.ravel()[there])


def usual(registers: int = 1, days: int = 40) -> np.ndarray:
    return np.random.default_rng(3).normal(10.0, 1.0, (registers, days))


@pytest.mark.parametrize("energy", [80.0, 1.0])
def test_a_burst_and_a_stop_are_named(energy: float) -> None:
    days = usual(3)
    days[1, -1] = energy
    [odd] = odd_days(totals(days), MONDAY)
    assert (odd.register, odd.day, odd.energy, odd.is_weekend) == (2, MONDAY - 1, energy, True)
    assert odd.usual == pytest.approx(10.0, abs=1.0)
    assert odd.days == 8


def test_weekends_are_measured_by_weekends() -> None:
    """A shop that is closed on Sundays is not odd on a Sunday."""
    days = usual()
    day = np.arange(MONDAY - 40, MONDAY)
    days[0, (day + 3) % 7 >= 5] = 1.0
    assert odd_days(totals(days), MONDAY) == []
    days[0, -1] = 10.0
    assert [one.usual for one in odd_days(totals(days), MONDAY)] == [1.0]


def test_a_day_that_is_not_over_or_not_whole_says_nothing() -> None:
    days = usual()
    days[0, -1] = 80.0
    assert odd_days(totals(days, count=80), MONDAY) == []
    # The day named is the last whole one, and old ones are no news.
    days[0, -1] = np.nan
    days[0, -2] = 80.0
    assert [one.day for one in odd_days(totals(days), MONDAY)] == [MONDAY - 2]
    days[0, -4:] = np.nan
    assert odd_days(totals(days), MONDAY) == []


def test_few_days_tell_no_usual() -> None:
    days = usual(days=12)
    days[0, -1] = 80.0
    assert odd_days(totals(days), MONDAY) == []
    assert odd_days(totals(np.zeros((0, 0))), MONDAY) == []


def test_a_constant_load_and_a_standstill() -> None:
    days = np.full((1, 40), 10.0)
    days[0, -1] = 10.4
    assert odd_days(totals(days), MONDAY) == []
    days[0] = 0.0
    days[0, -1] = 5.0
    assert [one.energy for one in odd_days(totals(days), MONDAY)] == [5.0]


def test_a_thousand_ordinary_meters_stay_in_peace() -> None:
    """Gamma-distributed days, as of households: under one in a hundred is called odd."""
    days = np.random.default_rng(7).gamma(8.0, 1.2, (1_000, 40))
    assert len(odd_days(totals(days), MONDAY)) < 10
