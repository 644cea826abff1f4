"""A rhythm that no clock keeps: found where there is one, and seldom in noise."""

import math
from pathlib import Path

import numpy as np
import pytest

from analytics.methods.correlation import autocorrelation
from analytics.methods.echo import echo, ranked
from tests.analytics.loads import load, with_gaps
from tests.analytics.recorded import recorded_export, recorded_import
from tests.analytics.test_correlation import persistent


def echo_of(power: np.ndarray, interval: int = 900) -> tuple[int, float] | None:
    found = echo(autocorrelation(ranked(load(power, interval=interval)), len(power) // 4))
    return None if found is None else (found.lag, found.value)


@pytest.mark.parametrize("share", [0.0, 0.05, 0.5, 0.97])
def test_noise_seldom_has_an_echo_however_high_its_peaks(share: float) -> None:
    found = 0
    for seed in range(30):
        power = persistent(2688, seed, share)
        heavy = np.exp(2 * power * math.sqrt(1 - share**2))
        found += sum(echo_of(with_gaps(one, 0.1, seed)) is not None for one in (power, heavy))
    assert found <= 3


def test_what_returns_by_no_clock_has_an_echo() -> None:
    """A cooling appliance starts again four to five hours after it has stopped."""
    rng = np.random.default_rng(1)
    power = np.full(28 * 96, 0.047)
    begin = 0
    while begin < len(power):
        power[begin : begin + 4] += 0.07
        begin += int(rng.integers(17, 22))
    found = echo_of(with_gaps(power, 0.1))
    assert found is not None
    assert 17 * 900 <= found[0] <= 21 * 900


@pytest.mark.parametrize("interval", [900, 3600, 6 * 3600, 86_400])
def test_a_day_is_no_echo_of_its_own(interval: int) -> None:
    swing = np.sin(2 * np.pi * np.arange(40 * 86_400 // interval) * interval / 86_400)
    assert echo_of(2 + swing + 0.1 * persistent(len(swing), 2), interval) is None


@pytest.mark.parametrize("power", [np.zeros(0), np.ones(900), np.full(900, np.nan), np.arange(3)])
def test_of_little_there_is_no_echo(power: np.ndarray) -> None:
    assert echo_of(power) is None


def test_ranks_are_shared_by_equal_values() -> None:
    ranks = ranked(load(np.array([5.0, 0.0, np.nan, 0.0, 7.0]))).power
    assert ranks[[0, 1, 3, 4]].tolist() == [3, 1.5, 1.5, 4]
    assert math.isnan(ranks[2])


def test_the_recorded_import_has_a_rhythm_of_its_own(recordings: Path) -> None:
    found = echo(autocorrelation(ranked(recorded_import(recordings)), 768))
    assert found is not None
    assert found.lag == 9.75 * 3600
    assert found.value == pytest.approx(0.322, abs=5e-4)
    assert found.band == pytest.approx(0.076, abs=5e-4)
    assert echo(autocorrelation(ranked(recorded_export(recordings)), 768)) is None
