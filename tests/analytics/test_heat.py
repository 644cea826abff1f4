"""Heat maps: every slot has its cell, and days of 23 and 25 hours say what they are."""

from datetime import date

import numpy as np
import pytest

from analytics.methods.heat import Cell, calendar_map, heat_map
from meters.zones import epoch_day, zone
from tests.analytics.loads import DAY, START, at, load, with_gaps


def test_a_day_of_25_hours_shows_the_mean_of_its_doubled_hour_and_says_so() -> None:
    power = np.ones(96 + 100)
    power[96 + 8 : 96 + 12], power[96 + 12 : 96 + 16] = 2.0, 4.0
    found = heat_map(load(power, start=at(2024, 10, 25, 22)))
    assert found.days.tolist() == [
        epoch_day(date(2024, 10, 26)), epoch_day(date(2024, 10, 27))
    ]  # fmt: skip
    assert found.power[1, 8:12].tolist() == [3.0] * 4
    assert found.marks == [(1, column, Cell.DOUBLED) for column in range(8, 12)]
    assert (found.cells != Cell.OUTSIDE).all()


def test_a_day_of_23_hours_lacks_an_hour_that_is_not_missing() -> None:
    power = np.ones(96 + 92)
    power[96 + 20] = np.nan
    found = heat_map(load(power, start=at(2024, 3, 29, 23)))
    assert found.marks == [(1, column, Cell.SKIPPED) for column in range(8, 12)]
    assert np.isnan(found.power[1, 8:12]).all()
    assert np.argwhere(found.cells == Cell.MISSING).tolist() == [[1, 24]]


def test_one_of_two_hours_that_is_missing_leaves_the_other() -> None:
    power = np.ones(100)
    power[8:12] = np.nan
    power[12:16] = 4.0
    found = heat_map(load(power, start=at(2024, 10, 26, 22)))
    assert found.power[0, 8:12].tolist() == [4.0] * 4
    assert (found.cells[0, 8:12] == Cell.DOUBLED).all()


def test_a_date_that_never_was_is_skipped_whole() -> None:
    start = at(2011, 12, 29, 10)
    found = heat_map(load(np.ones(48), interval=3600, start=start, place=zone("Pacific/Apia")))
    assert len(found.days) == 3
    assert (found.cells[1] == Cell.SKIPPED).all()
    assert (found.cells[[0, 2]] == Cell.KNOWN).all()


def test_half_an_hour_is_skipped_on_lord_howe() -> None:
    start = at(2024, 10, 5, 13, 30)
    place = zone("Australia/Lord_Howe")
    found = heat_map(load(np.ones(94), start=start, place=place))
    assert [mark[1:] for mark in found.marks] == [(8, Cell.SKIPPED), (9, Cell.SKIPPED)]


def test_energy_is_kept_cell_by_cell() -> None:
    rng = np.random.default_rng(2)
    of = load(with_gaps(rng.gamma(2, 0.2, 30 * 96), 0.1), start=at(2024, 4, 10, 7))
    found = heat_map(of)
    assert np.nansum(found.power) / 4 == pytest.approx(of.energy)
    assert (found.cells == Cell.KNOWN).sum() == of.count
    assert (found.cells == Cell.OUTSIDE).sum() == found.cells.size - len(of)


def test_the_calendar_holds_each_days_energy_in_its_week() -> None:
    # From Wednesday, 23 October 2024, over the autumn change to Tuesday, 29 October.
    power = np.ones(7 * 96 + 4)
    power[:12] = np.nan
    found = calendar_map(load(power, start=at(2024, 10, 22, 22)))
    assert found.mondays.tolist() == [
        epoch_day(date(2024, 10, 21)), epoch_day(date(2024, 10, 28))
    ]  # fmt: skip
    expected = [[np.nan, np.nan, 21, 24, 24, 24, 25], [24, 24, *[np.nan] * 5]]
    assert found.energy == pytest.approx(np.array(expected), nan_ok=True)
    assert found.completeness[0].tolist() == [0, 0, 0.875, 1, 1, 1, 1]


def test_a_day_that_the_range_cuts_is_incomplete() -> None:
    found = calendar_map(load(np.ones(48), start=START + DAY // 2))
    assert found.completeness[0, 0] == 0.5
    assert found.energy[0, 0] == 12


def test_nothing_has_no_days() -> None:
    assert heat_map(load(np.zeros(0))).power.shape == (0, 96)
    assert calendar_map(load(np.zeros(0))).energy.shape == (0, 7)
    gap = heat_map(load(np.full(96, np.nan)))
    assert (gap.cells == Cell.MISSING).all()
    # Readings of an hour and of an odd length have their times of day as well.
    assert heat_map(load(np.ones(48), interval=3600)).power.shape == (2, 24)
    assert heat_map(load(np.ones(300), interval=420)).power.shape == (2, 206)
    assert heat_map(load(np.ones(5), interval=DAY)).power.shape == (5, 1)
