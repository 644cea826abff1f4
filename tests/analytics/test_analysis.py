"""The whole of an analysis: what weeks prove, and that no load however odd breaks it."""

import warnings

import numpy as np
import pytest

from analytics.methods.analysis import analyse
from analytics.methods.correlation import Verdict
from meters.zones import zone
from tests.analytics.loads import at, load, with_gaps

N = 56 * 96
TIME = np.arange(N)
DAILY = 2 + np.sin(2 * np.pi * TIME / 96)
WEEKLY = np.where(TIME // 96 % 7 >= 5, 0.3, 1.0)


def noise(seed: int) -> np.ndarray:
    return 0.5 * np.random.default_rng(seed).standard_normal(N)


def test_a_business_repeats_daily_and_weekly() -> None:
    found = analyse(load(with_gaps(DAILY * WEEKLY + noise(1), 0.1)))
    assert found.daily.verdict is Verdict.REPEATS
    assert found.weekly.verdict is Verdict.REPEATS


def test_what_repeats_daily_proves_no_week() -> None:
    verdicts = [analyse(load(DAILY + noise(seed))).weekly.verdict for seed in range(20)]
    assert verdicts.count(Verdict.REPEATS) <= 2
    # Though its value after seven days is as high as after one.
    found = analyse(load(DAILY + noise(1))).correlation
    assert found.values[7 * 96] > found.band[7 * 96]


@pytest.mark.parametrize(
    ("power", "interval"),
    [
        (np.zeros(0), 900),
        (np.ones(1), 900),
        (np.full(500, np.nan), 900),
        (np.zeros(3000), 900),
        (np.append(np.full(2000, np.nan), np.ones(10)), 900),
        (-DAILY[:1000], 900),
        (DAILY[:1440], 60),
        (DAILY[:900], 420),
        (DAILY[:800], 3600),
        (DAILY[:400], 86_400),
        (DAILY[:30], 7 * 86_400),
        (DAILY * 1e12, 900),
        (DAILY * 1e-9, 900),
    ],
)
@pytest.mark.parametrize("place", ["Europe/Zurich", "Asia/Kathmandu", "Australia/Lord_Howe"])
def test_no_load_however_odd_breaks_it(power: np.ndarray, interval: int, place: str) -> None:
    of = load(power, interval=interval, start=at(2024, 3, 3, 1, 20), place=zone(place))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = analyse(of, limit=3.0)
    assert found.figures.energy == pytest.approx(np.nansum(power) * interval / 3600)
    assert found.quality.known == of.count
    assert sum(int(g.power.count.sum()) for g in found.groups.values()) == 6 * of.count
