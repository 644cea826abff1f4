"""Daily pattern, weekly pattern, remainder, and what each explains."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analytics.methods.pattern import decompose
from tests.analytics.loads import load, with_gaps
from tests.analytics.recorded import recorded_export, recorded_import

DAYS = 56


def parts(seed: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A daily swing, a weekend, and noise, of 56 days from a Monday on."""
    rng = np.random.default_rng(seed)
    t = np.arange(DAYS * 96)
    daily = np.sin(2 * np.pi * t / 96)
    weekly = np.where(t // 96 % 7 >= 5, -1.0, 0.4)
    return daily, weekly, rng.standard_normal(len(t)) * 0.7


@pytest.mark.parametrize("gaps", [0.0, 0.3])
def test_shares_add_up_to_one_and_parts_to_the_load(gaps: float) -> None:
    power = sum(parts()) + 5
    of = load(with_gaps(power, gaps) if gaps else power)
    found = decompose(of)
    assert found.by_day is not None
    assert found.by_week is not None
    assert found.rest is not None
    shares = (found.by_day, found.by_week, found.rest)
    assert sum(s.explained for s in shares) == pytest.approx(1, abs=1e-12)
    assert sum(s.held_out for s in shares) == pytest.approx(1, abs=1e-12)
    assert all(s.explained >= 0 and s.held_out >= 0 for s in shares)
    # Winter: local time is UTC and one hour.
    time = (of.instants + 3600) // 900 % 96
    weekday = ((of.instants + 3600) // 86_400 + 3) % 7
    rebuilt = found.daily[time] + found.weekly[weekday, time] + found.remainder
    assert rebuilt == pytest.approx(of.power, nan_ok=True)


def test_shares_are_those_of_sequential_analysis_of_variance() -> None:
    of = load(with_gaps(sum(parts()) + 5, 0.2))
    found = decompose(of)
    frame = pd.DataFrame({
        "power": of.power, "time": of.second // 900, "weekday": (of.day + 3) % 7
    }).dropna()  # fmt: skip
    total = ((frame.power - frame.power.mean()) ** 2).sum()
    day = frame.power - frame.groupby("time").power.transform("mean")
    week = frame.power - frame.groupby(["time", "weekday"]).power.transform("mean")
    assert found.by_day is not None
    assert found.by_week is not None
    assert found.by_day.explained == pytest.approx(1 - (day**2).sum() / total)
    assert found.by_week.explained == pytest.approx(((day**2).sum() - (week**2).sum()) / total)
    # Each value told from the others of its group, one by one.
    others = frame.groupby("time").power.transform(lambda g: (g.sum() - g) / (len(g) - 1))
    assert found.by_day.held_out == pytest.approx(1 - ((frame.power - others) ** 2).sum() / total)


def test_what_is_held_out_never_flatters_as_what_is_explained_does() -> None:
    daily, weekly, noise = parts()
    whole = np.var(daily) + np.var(weekly) + np.var(noise)
    found = decompose(load(daily + weekly + noise))
    assert found.by_day is not None
    assert found.by_week is not None
    assert found.by_day.held_out == pytest.approx(np.var(daily) / whole, abs=0.02)
    # Told from seven others, a mean is off by a seventh of the noise.
    truth = (np.var(weekly) - np.var(noise) / 7) / whole
    assert found.by_week.held_out == pytest.approx(truth, abs=0.02)
    assert found.by_week.explained > np.var(weekly) / whole

    of_noise = decompose(load(np.random.default_rng(3).standard_normal(28 * 96)))
    assert of_noise.by_week is not None
    assert of_noise.rest is not None
    assert of_noise.by_week.explained > 0.15
    assert of_noise.rest.held_out == 1


def test_of_less_than_two_weeks_there_is_no_weekly_pattern() -> None:
    found = decompose(load(sum(parts())[: 13 * 96]))
    assert np.isnan(found.weekly).all()
    assert found.by_week is not None
    assert (found.by_week.explained, found.by_week.held_out) == (0, 0)


def test_the_recordings_differ_in_what_the_day_explains(recordings: Path) -> None:
    bought, fed_in = decompose(recorded_import(recordings)), decompose(recorded_export(recordings))
    assert bought.by_day is not None
    assert fed_in.by_day is not None
    assert bought.by_day.explained < 0.04
    assert bought.by_day.held_out == 0
    assert fed_in.by_day.explained == pytest.approx(0.432, abs=0.001)
    assert fed_in.by_day.held_out == pytest.approx(0.389, abs=0.001)


@pytest.mark.parametrize("power", [np.zeros(0), np.full(2000, np.nan), np.full(2000, 0.1 + 0.2)])
def test_what_does_not_vary_has_no_shares(power: np.ndarray) -> None:
    found = decompose(load(power))
    assert (found.by_day, found.by_week, found.rest) == (None, None, None)
    assert len(found.remainder) == len(power)
