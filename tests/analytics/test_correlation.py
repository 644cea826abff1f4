"""Autocorrelation against statsmodels, and with gaps against its plain definition."""

import math
from pathlib import Path

import numpy as np
import pytest
from statsmodels.stats.diagnostic import acorr_ljungbox
from statsmodels.tsa.stattools import acf, pacf

from analytics.methods.correlation import (
    Verdict,
    autocorrelation,
    daily_habit,
    ljung_box,
    partial_autocorrelation,
)
from tests.analytics.loads import load, with_gaps
from tests.analytics.recorded import recorded_export, recorded_import


def persistent(n: int, seed: int, share: float = 0.7) -> np.ndarray:
    """Make an autoregressive series."""
    noise = np.random.default_rng(seed).standard_normal(n)
    for i in range(1, n):
        noise[i] += share * noise[i - 1]
    return noise + 3


@pytest.mark.parametrize("n", [50, 999, 2688])
def test_of_a_complete_series_all_is_as_statsmodels_has_it(n: int) -> None:
    power = persistent(n, seed=n)
    # What statsmodels does for the partial ones grows with the fourth power of these.
    lags = min(n // 3, 336)
    found = autocorrelation(load(power), lags)
    values, interval = acf(power, nlags=lags, alpha=0.05, result_object=False)

    assert found.values == pytest.approx(values, abs=1e-8)
    assert found.band[1:] == pytest.approx((interval[:, 1] - values)[1:], abs=1e-8)
    assert found.white == pytest.approx(interval[1, 1] - values[1], abs=1e-8)
    assert found.pairs.tolist() == list(range(n, n - lags - 1, -1))
    assert partial_autocorrelation(found, lags) == pytest.approx(
        pacf(power, nlags=lags, result_object=False), abs=1e-8
    )


@pytest.mark.parametrize("share", [0.0, 0.05, 0.7])
@pytest.mark.parametrize("lags", [1, 10, 96])
def test_ljung_box_is_as_statsmodels_has_it(share: float, lags: int) -> None:
    power = persistent(500, seed=lags, share=share)
    found = ljung_box(autocorrelation(load(power), lags), lags)
    expected = acorr_ljungbox(power, lags=[lags])
    assert found is not None
    assert found.statistic == pytest.approx(expected["lb_stat"].iloc[0], rel=1e-8)
    assert found.p_value == pytest.approx(expected["lb_pvalue"].iloc[0], abs=1e-8)


def plain(power: np.ndarray, lag: int) -> tuple[float, int]:
    """Tell one autocorrelation and its pairs by going through all pairs."""
    known = [x for x in power if not math.isnan(x)]
    mean = sum(known) / len(known)
    variance = sum((x - mean) ** 2 for x in known) / len(known)
    products = [
        (power[t] - mean) * (power[t + lag] - mean)
        for t in range(len(power) - lag)
        if not math.isnan(power[t]) and not math.isnan(power[t + lag])
    ]
    if not products:
        return math.nan, 0
    taper = (len(power) - lag) / len(power)
    return sum(products) / len(products) / variance * taper, len(products)


@pytest.mark.parametrize("share", [0.02, 0.3, 0.8])
def test_with_gaps_it_is_the_plain_definition_over_pairs(share: float) -> None:
    power = with_gaps(persistent(700, seed=9), share)
    found = autocorrelation(load(power), 200)
    for lag in range(201):
        value, pairs = plain(power, lag)
        assert found.pairs[lag] == pairs
        assert found.values[lag] == pytest.approx(value, abs=1e-10, nan_ok=True)
        if lag and pairs:
            before = sum(v * v for v in found.values[1:lag] if not math.isnan(v))
            length = pairs * len(power) / (len(power) - lag)
            band = 1.959963984540054 * math.sqrt((1 + 2 * before) / length)
            assert found.band[lag] == pytest.approx(band, rel=1e-10)


def test_a_lag_without_pairs_is_not_known() -> None:
    power = np.tile([1.0, np.nan, 2.0, np.nan, 4.0, np.nan, 3.0, np.nan], 20)
    found = autocorrelation(load(power), 8)
    assert np.isnan(found.values[1::2]).all()
    assert not np.isnan(found.values[::2]).any()
    assert ljung_box(found, 4) is None


def test_with_gaps_ljung_box_keeps_its_promise_on_noise() -> None:
    # Of 400 series of noise with a third missing, 5 % should fall below 0.05.
    rng = np.random.default_rng(4)
    p_values = []
    for seed in range(400):
        power = with_gaps(rng.standard_normal(600), 0.33, seed)
        test = ljung_box(autocorrelation(load(power), 20), 20)
        assert test is not None
        p_values.append(test.p_value)
    rejected = np.mean(np.array(p_values) < 0.05)
    assert 0.02 <= rejected <= 0.09
    assert 0.4 < np.mean(p_values) < 0.6


def test_partial_autocorrelation_stops_where_gaps_contradict_themselves() -> None:
    power = with_gaps(persistent(60, seed=2), 0.8, seed=5)
    partial = partial_autocorrelation(autocorrelation(load(power), 40), 40)
    known = ~np.isnan(partial)
    assert known[0]
    assert (np.abs(partial[known]) <= 1).all()
    assert not known[np.argmin(known) :].any()


def test_the_recorded_import_proves_no_daily_habit(recordings: Path) -> None:
    found = autocorrelation(recorded_import(recordings), 96)
    daily = daily_habit(found)
    assert daily.value == pytest.approx(-0.075, abs=5e-4)
    assert daily.band == pytest.approx(0.062, abs=5e-4)
    assert daily.verdict is Verdict.OPPOSED
    # The band of white noise would call it clear.
    assert abs(daily.value) > 1.9 * found.white


def test_the_recorded_export_repeats_daily(recordings: Path) -> None:
    daily = daily_habit(autocorrelation(recorded_export(recordings), 96))
    assert daily.value == pytest.approx(0.422, abs=5e-4)
    assert daily.band == pytest.approx(0.181, abs=5e-4)
    assert daily.verdict is Verdict.REPEATS


def test_habits_are_told_from_enough_days_only() -> None:
    power = 1 + np.sin(np.arange(96 * 5) * 2 * np.pi / 96)
    assert daily_habit(autocorrelation(load(power[: 96 * 3]), 96)).verdict is Verdict.TOO_SHORT
    assert daily_habit(autocorrelation(load(power), 96)).verdict is Verdict.REPEATS
    # Not even a lag of one day is there of readings that come once a day.
    assert daily_habit(autocorrelation(load(power[:2]), 96)).verdict is Verdict.TOO_SHORT
    assert daily_habit(autocorrelation(load(power[:0]), 96)).verdict is Verdict.TOO_SHORT


def test_noise_seldom_proves_a_habit() -> None:
    rng = np.random.default_rng(8)
    noise = [autocorrelation(load(rng.standard_normal(28 * 96)), 96) for _ in range(300)]
    verdicts = [daily_habit(one).verdict for one in noise]
    assert verdicts.count(Verdict.REPEATS) <= 0.05 * 300


def test_what_does_not_vary_has_no_correlation() -> None:
    found = autocorrelation(load(np.full(500, 0.1 + 0.2)), 96)
    assert np.isnan(found.values).all()
    assert daily_habit(found).verdict is Verdict.CONSTANT
    assert ljung_box(found, 10) is None
    assert np.isnan(partial_autocorrelation(found, 5)[1:]).all()
    nothing = autocorrelation(load(np.full(500, np.nan)), 96)
    assert len(nothing) == 0
    assert len(partial_autocorrelation(nothing, 5)) == 0
