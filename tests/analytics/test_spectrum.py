"""Periods of gappy series against scipy, and how seldom noise shows one."""

import math
from pathlib import Path

import numpy as np
import pytest
from scipy.signal import lombscargle

from analytics.methods.spectrum import FALSE_ALARM, _Sums, spectrum
from tests.analytics.loads import load, with_gaps
from tests.analytics.recorded import recorded_export, recorded_import

HOUR = 3600


def red(n: int, alpha: float, rng: np.random.Generator) -> np.ndarray:
    from scipy.signal import lfilter

    return lfilter([1], [1, -alpha], rng.standard_normal(n + 200))[200:]


@pytest.mark.parametrize("share", [0.0, 0.4])
@pytest.mark.parametrize("n", [14 * 96, 1500])
def test_shares_are_lomb_and_scargles(n: int, share: float) -> None:
    power = red(n, 0.7, np.random.default_rng(n))
    of = load(with_gaps(power, share) if share else power)
    sums = _Sums(of)
    known = of.known
    centred = np.where(known, of.power - of.power[known].mean(), 0.0)
    chosen = np.linspace(0, len(sums.bins) - 1, 60).astype(int)
    angular = 2 * np.pi * sums.bins[chosen] / sums.length
    expected = lombscargle(
        np.flatnonzero(known).astype(float),
        of.power[known],
        angular,
        normalize=True,
        floating_mean=True,
    )
    assert sums.shares(centred)[chosen] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("share", [0.0, 0.3])
def test_periods_are_found_with_their_share_of_the_variance(share: float) -> None:
    n = 60 * 96
    t = np.arange(n) / 96
    rng = np.random.default_rng(3)
    power = (
        5
        + 1.0 * np.sin(2 * np.pi * t)
        + 0.6 * np.sin(2 * np.pi * t / 7 + 1)
        + red(n, 0.6, rng) * 0.5
    )
    of = load(with_gaps(power, share) if share else power)
    found = spectrum(of).periods
    assert [round(p.length / HOUR, 6) for p in found] == [24, 168]
    variance = np.nanvar(of.power)
    assert [p.share for p in found] == pytest.approx([0.5 / variance, 0.18 / variance], rel=0.15)
    assert all(p.p_value < FALSE_ALARM for p in found)


@pytest.mark.parametrize("alpha", [0.0, 0.5, 0.97])
@pytest.mark.parametrize("gaps", [0.0, 0.3])
def test_noise_with_or_without_memory_shows_none(alpha: float, gaps: float) -> None:
    rng = np.random.default_rng(11)
    alarms = 0
    for seed in range(60):
        power = red(28 * 96, alpha, rng)
        of = load(with_gaps(power, gaps, seed) if gaps else power)
        alarms += bool(spectrum(of).periods)
    # 0.01 each, so 0.6 of sixty.
    assert alarms <= 3


def test_red_noise_is_what_red_noise_shows_on_average() -> None:
    rng = np.random.default_rng(5)
    mask = with_gaps(np.zeros(14 * 96), 0.3)
    of = load(mask + 1)
    sums = _Sums(of)
    shares, expected = [], []
    for _ in range(150):
        power = np.where(sums.known, red(len(of), 0.8, rng), 0.0)
        power[sums.known] -= power[sums.known].mean()
        shares.append(sums.shares(power))
        expected.append(sums.red_noise(power))
    # In ten bands from long to short periods.
    ratio = [
        band.mean() / other.mean()
        for band, other in zip(
            np.array_split(np.mean(shares, axis=0), 10),
            np.array_split(np.mean(expected, axis=0), 10),
            strict=True,
        )
    ]
    assert ratio == pytest.approx([1.0] * 10, abs=0.12)


def test_the_recorded_export_swings_by_the_day(recordings: Path) -> None:
    found = spectrum(recorded_export(recordings)).periods
    assert [round(p.length / HOUR, 3) for p in found[:2]] == [24.0, 12.0]
    assert [p.share for p in found[:2]] == pytest.approx([0.308, 0.103], abs=0.001)


def test_the_recorded_import_has_no_daily_period(recordings: Path) -> None:
    found = spectrum(recorded_import(recordings)).periods
    assert all(not math.isclose(p.length, 24 * HOUR, rel_tol=0.05) for p in found)


def test_the_chart_keeps_every_peak() -> None:
    t = np.arange(60 * 96) / 96
    found = spectrum(load(np.sin(2 * np.pi * t) + 0.1 * np.sin(2 * np.pi * t * 24 / 7.3)))
    assert len(found.lengths) <= 400
    assert (np.diff(found.lengths) < 0).all()
    at = int(np.argmax(found.shares))
    assert found.lengths[at] == pytest.approx(86_400)
    assert found.shares[at] > found.limits[at]


def test_what_is_short_empty_or_constant_has_none() -> None:
    for power in (np.zeros(0), np.full(500, 0.3), np.full(500, np.nan), np.arange(40.0)):
        assert spectrum(load(power)).periods == ()
    # Readings once a day still have a spectrum.
    daily = load(np.sin(np.arange(140) * 2 * np.pi / 7) + 2, interval=86_400)
    assert round(spectrum(daily).periods[0].length / 86_400, 6) == 7
