"""The annual estimate holds what it promises."""

import numpy as np
import pytest

from analytics.methods.annual import annual_estimate
from tests.analytics.loads import START, load, with_gaps

WEEK = 7 * 24


def test_of_a_full_year_it_is_what_was_measured() -> None:
    power = np.random.default_rng(1).gamma(2, 0.2, 400 * 24)
    found = annual_estimate(load(power, interval=3600))
    assert found is not None
    assert found.is_measured
    assert found.energy == pytest.approx(power[-365 * 24 :].sum())
    assert found.low == found.high == pytest.approx(found.energy)
    assert found.unseen == ()


def test_gaps_of_a_full_year_are_filled_from_their_own_month() -> None:
    # January is ten times as high as the rest, and half of it is missing.
    power = np.ones(365 * 24)
    power[: 31 * 24] = 10.0
    whole = power.sum()
    power[100 : 100 + 15 * 24] = np.nan
    found = annual_estimate(load(power, interval=3600))
    assert found is not None
    assert found.energy == pytest.approx(whole, rel=1e-3)
    assert found.low is not None
    assert found.high is not None
    assert found.low < found.energy < found.high


@pytest.mark.parametrize("weeks", [2, 4, 12])
def test_the_interval_holds_the_truth_as_often_as_it_says(weeks: int) -> None:
    rng = np.random.default_rng(weeks)
    hits = 0
    for _ in range(400):
        power = np.repeat(rng.gamma(9, 1 / 9, weeks), WEEK)
        found = annual_estimate(load(power, interval=3600))
        assert found is not None
        assert found.low is not None
        assert found.high is not None
        hits += found.low <= 8760 <= found.high
    assert 0.92 <= hits / 400 <= 0.98


def test_seasons_that_were_not_seen_are_named() -> None:
    found = annual_estimate(load(with_gaps(np.ones(28 * 96), 0.05)))
    assert found is not None
    assert found.energy == pytest.approx(8760)
    assert found.weeks >= 2
    assert found.unseen == ("Mar–May", "Jun–Aug", "Sep–Nov")
    spring = annual_estimate(load(np.ones(100 * 96)))
    assert spring is not None
    assert spring.unseen == ("Jun–Aug", "Sep–Nov")


def test_little_has_no_interval_and_next_to_nothing_no_estimate() -> None:
    days = annual_estimate(load(np.full(3 * 96, 2.0)))
    assert days is not None
    assert (days.energy, days.low, days.weeks) == (pytest.approx(17_520), None, 0)
    assert annual_estimate(load(np.ones(90))) is None
    assert annual_estimate(load(np.full(500, np.nan))) is None
    monthly = annual_estimate(load(np.ones(6), interval=31 * 86_400, start=START))
    assert monthly is not None
    assert monthly.low is None
