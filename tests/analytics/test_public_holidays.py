"""Which days count as Sundays, by a meter's time zone."""

from datetime import date

import numpy as np
import pytest

from analytics.methods.grouping import By, group
from analytics.public_holidays import public_holidays
from meters.zones import epoch_day
from tests.analytics.loads import at, load

YEAR = date(2026, 1, 1), date(2026, 12, 31)


@pytest.mark.parametrize(
    ("name", "country", "day"),
    [
        ("Europe/Zurich", "Switzerland", date(2026, 8, 1)),
        ("Europe/Berlin", "Germany", date(2026, 10, 3)),
        ("Europe/Vienna", "Austria", date(2026, 10, 26)),
        ("Europe/Vaduz", "Liechtenstein", date(2026, 8, 15)),
        ("America/Chicago", "United States", date(2026, 11, 26)),
        ("Asia/Tokyo", "Japan", date(2026, 5, 5)),
    ],
)
def test_the_country_of_a_zone_has_its_own(name: str, country: str, day: date) -> None:
    found = public_holidays(name, *YEAR)
    assert found.country == country
    assert day in found.dates
    assert f"by the zone {name}: {country}) count as Sundays" in found.words
    assert f"there are {len(found.dates)}." in found.words


@pytest.mark.parametrize("name", ["UTC", "Etc/GMT-1", "CET"])
def test_a_zone_of_no_country_has_none_and_says_so(name: str) -> None:
    found = public_holidays(name, *YEAR)
    assert found.dates == frozenset()
    assert f"can't be told from the zone {name}" in found.words


def test_only_those_within_the_days_are_there() -> None:
    found = public_holidays("Europe/Zurich", date(2025, 12, 25), date(2026, 1, 1))
    assert sorted(found.dates) == [date(2025, 12, 25), date(2026, 1, 1)]
    assert not public_holidays("Europe/Zurich", date(2023, 2, 1), date(2023, 2, 28)).dates


def test_a_region_s_own_are_not_among_them() -> None:
    # Epiphany is kept in Bavaria, not in all of Germany.
    assert date(2026, 1, 6) not in public_holidays("Europe/Berlin", *YEAR).dates


def test_a_holiday_counts_with_the_sundays() -> None:
    # A fortnight around Wednesday 1 May 2024, each day's power its number.
    first = date(2024, 4, 22)
    of = load(np.repeat(np.arange(14.0), 24), interval=3600, start=at(2024, 4, 21, 22))
    assert int(of.day[0]) == epoch_day(first)
    holidays = public_holidays("Europe/Berlin", first, date(2024, 5, 5))
    assert holidays.dates == {date(2024, 5, 1)}
    without, found = group(of, By.DAY_TYPE), group(of, By.DAY_TYPE, holidays.dates)
    assert without.power.mean[2] == pytest.approx((6 + 13) / 2)
    assert found.power.mean[2] == pytest.approx((6 + 9 + 13) / 3)
    assert found.power.count.sum() == without.power.count.sum()
