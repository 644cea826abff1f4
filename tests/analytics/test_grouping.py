"""Groups against plain Python, across changes of the clock."""

import math
from collections import defaultdict
from datetime import date, datetime
from statistics import mean, median
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from analytics.methods.grouping import DAY_TYPES, WEEKDAYS, By, group
from analytics.methods.load import Load
from meters.grid import Resolution, ResolutionError
from tests.analytics.loads import START, at, load, with_gaps

PLACE = ZoneInfo("Europe/Zurich")


def year(seed: int = 1, gaps: float = 0.1) -> Load:
    """A year of quarter-hours from 1 January 2024 on, with both changes of the clock and gaps."""
    power = np.random.default_rng(seed).gamma(2, 0.2, 366 * 96)
    return load(with_gaps(power, gaps) if gaps else power)


def local(of: Load, slot: int) -> datetime:
    return datetime.fromtimestamp(of.start + slot * of.interval, PLACE)


NAMED = {
    By.HOUR: lambda t: f"{t.hour:02}:00",
    By.TIME: lambda t: f"{t:%H:%M}",
    By.WEEKDAY: lambda t: WEEKDAYS[t.weekday()],
    By.DAY_TYPE: lambda t: DAY_TYPES[max(t.weekday() - 4, 0)],
    By.MONTH: lambda t: f"{t:%B}",
    By.SEASON: lambda t: ("Dec–Feb", "Mar–May", "Jun–Aug", "Sep–Nov")[t.month % 12 // 3],
    "PT2H": lambda t: f"{t.hour // 2 * 2:02}:00",
    "P1D": lambda t: f"{t:%Y-%m-%d}",
    "P1W": lambda t: f"{t:%G-W%V}",
    "P1M": lambda t: f"{t:%Y-%m}",
    "P1Y": lambda t: f"{t:%Y}",
}


@pytest.mark.parametrize("by", NAMED, ids=str)
def test_power_is_grouped_as_plain_python_groups_it(by: By | str) -> None:
    of = year()
    expected: dict[str, list[float]] = defaultdict(list)
    for slot in range(len(of)):
        if not math.isnan(of.power[slot]):
            expected[NAMED[by](local(of, slot))].append(float(of.power[slot]))
    found = group(of, by if isinstance(by, By) else Resolution.parse(by))
    there = {label for label, n in zip(found.labels, found.power.count, strict=True) if n}
    assert there == set(expected)
    # A day of which nothing is known has its place all the same.
    assert len(found) >= len(there)
    for i, label in enumerate(found.labels):
        powers = expected[label]
        if not powers:
            continue
        assert found.power.count[i] == len(powers)
        assert found.power.mean[i] == pytest.approx(mean(powers))
        assert found.power.median[i] == pytest.approx(median(powers))
        assert found.power.low[i] == pytest.approx(np.quantile(powers, 0.1))
        assert found.power.high[i] == pytest.approx(np.quantile(powers, 0.9))


def test_energy_is_that_of_each_time_a_group_occurs() -> None:
    of = year(gaps=0)
    days: dict[date, float] = defaultdict(float)
    for slot in range(len(of)):
        days[local(of, slot).date()] += float(of.energies[slot])
    mondays = [energy for day, energy in days.items() if day.weekday() == 0]
    found = group(of, By.WEEKDAY).energy
    assert found.count[0] == len(mondays) == 53
    assert found.mean[0] == pytest.approx(mean(mondays))
    assert found.high[0] == pytest.approx(np.quantile(mondays, 0.9))
    # Months and the year are whole, so nothing is lost.
    assert sum(group(of, By.MONTH).energy.mean) == pytest.approx(of.energy)
    assert group(of, Resolution.parse("P1Y")).energy.mean.tolist() == pytest.approx([of.energy])


def test_an_hour_that_comes_twice_occurs_twice_and_one_that_is_skipped_does_not() -> None:
    of = load(np.ones(366 * 96))
    hours = group(of, By.HOUR)
    assert hours.energy.count.tolist() == [366, 366, 366, *[366] * 21]
    assert hours.energy.mean.tolist() == pytest.approx([1.0] * 24)
    spring = of.within(at(2024, 3, 30, 23), at(2024, 3, 31, 22))
    assert group(spring, By.HOUR).energy.count.tolist() == [1, 1, 0, *[1] * 21]
    autumn = of.within(at(2024, 10, 26, 22), at(2024, 10, 27, 23))
    assert group(autumn, By.HOUR).energy.count.tolist() == [1, 1, 2, *[1] * 21]
    assert group(autumn, By.WEEKDAY).energy.mean[6] == pytest.approx(25.0)


def test_what_the_range_cuts_or_gaps_hide_is_no_whole_occurrence() -> None:
    # From 12:00 on Monday until Sunday at noon.
    of = load(np.ones(6 * 96), start=START + 12 * 3600)
    days = group(of, By.WEEKDAY)
    assert days.energy.count.tolist() == [0, 1, 1, 1, 1, 1, 0]
    assert days.power.count.tolist() == [48, *[96] * 5, 48]
    assert math.isnan(days.energy.mean[0])
    assert group(of, Resolution.parse("P1W")).energy.count.tolist() == [0]

    power = np.full(7 * 96, 2.0)
    power[10:19] = np.nan  # 9 of Monday's 96: what is missing is taken at the mean
    power[96:110] = np.nan  # 14 of Tuesday's: too many
    gappy = group(load(power), By.WEEKDAY).energy
    assert gappy.count.tolist() == [1, 0, 1, 1, 1, 1, 1]
    assert gappy.mean[0] == pytest.approx(48.0)


def test_holidays_count_with_sundays() -> None:
    of = load(np.ones(7 * 96))
    found = group(of, By.DAY_TYPE, holidays=[date(2024, 1, 1), date(2024, 1, 2)])
    assert dict(zip(found.labels, found.energy.count.tolist(), strict=True)) == {
        "Weekday": 3, "Saturday": 1, "Sunday or holiday": 3
    }  # fmt: skip


def test_an_interval_finer_than_the_load_is_refused_with_what_fits() -> None:
    with pytest.raises(ResolutionError, match="PT15M"):
        group(load(np.ones(96)), Resolution.parse("PT5M"))


def test_slots_of_an_hour_or_a_day_have_as_many_times_of_day_as_they_can() -> None:
    assert len(group(load(np.ones(48), interval=3600), By.TIME)) == 24
    assert group(load(np.ones(14), interval=86_400), By.HOUR).labels == ("00:00",)
    assert group(load(np.ones(14), interval=86_400), By.WEEKDAY).power.count.tolist() == [2] * 7


@pytest.mark.parametrize("power", [np.zeros(0), np.full(96, np.nan)])
def test_nothing_has_groups_without_figures(power: np.ndarray) -> None:
    for by in (*By, Resolution.parse("P1D")):
        found = group(load(power), by)
        assert np.isnan(found.power.mean).all()
        assert not found.power.count.any()
        assert not found.energy.count.any()
