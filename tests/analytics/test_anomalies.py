"""What is odd is found, and what is not odd is left alone."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.signal import lfilter

from analytics.methods.anomalies import Anomaly, Kind, anomalies
from meters.wording import THIN
from tests.analytics.loads import load, with_gaps
from tests.analytics.recorded import recorded_export, recorded_import

WEEKS = 8
N = WEEKS * 7 * 96


def household(rng: np.random.Generator, n: int = N) -> np.ndarray:
    """A fridge, mornings and evenings, and a kettle now and then [kW], in steps of 1 Wh."""
    t = np.arange(n)
    habit = 0.2 + np.exp(-(((t % 96 - 75) / 10) ** 2)) + 0.5 * np.exp(-(((t % 96 - 30) / 6) ** 2))
    on = rng.random(n) < 0.08 * habit
    power = 0.06 + 0.03 * rng.gamma(2, 0.5, n) + on * rng.gamma(2, 0.5, n)
    return np.round(power * 250) / 250


def feed_in(rng: np.random.Generator, n: int = N) -> np.ndarray:
    """Photovoltaics under changing clouds [kW], in steps of 0.25 Wh, and nothing at night."""
    t = np.arange(n)
    sun = np.clip(np.sin((t % 96 - 30) / 36 * np.pi), 0, None) * ((t % 96 > 30) & (t % 96 < 66))
    sky = rng.beta(1, 1, n // 96 + 1)[t // 96]
    return np.round(5 * sun * sky * rng.uniform(0.6, 1, n) * 1000) / 1000


NOISE: dict[str, Callable[[np.random.Generator], np.ndarray]] = {
    "normal": lambda rng: 5 + rng.standard_normal(N),
    "exponential": lambda rng: rng.exponential(1, N),
    "skewed": lambda rng: rng.gamma(2, 0.2, N),
    "uniform": lambda rng: rng.random(N),
    "with a memory": lambda rng: 20 + lfilter([1], [1, -0.95], rng.standard_normal(N)),
    "in coarse steps": lambda rng: np.round(rng.gamma(2, 0.05, N) * 100) / 25,
    "constant but for noise": lambda rng: 1 + 0.001 * rng.standard_normal(N),
    "household": household,
    "feed-in": feed_in,
}


@pytest.mark.parametrize("kind", NOISE)
@pytest.mark.parametrize("gaps", [0.0, 0.1])
def test_false_alarms_are_few(kind: str, gaps: float) -> None:
    rng = np.random.default_rng(17)
    found = []
    for seed in range(10):
        power = NOISE[kind](rng)
        found += anomalies(load(with_gaps(power, gaps, seed) if gaps else power))
    # In 560 days.
    assert len(found) <= 1, [one.reason for one in found]


def test_a_heavy_tail_costs_few_alarms_in_a_year() -> None:
    power = np.random.default_rng(3).lognormal(0, 1, 365 * 96)
    assert len(anomalies(load(power))) <= 8


def test_the_recordings_hold_nothing_odd(recordings: Path) -> None:
    assert anomalies(recorded_import(recordings)) == []
    assert anomalies(recorded_export(recordings)) == []


def only(of: np.ndarray, **known: float) -> Anomaly:
    [found] = anomalies(load(of), **known)
    return found


def test_a_spike_is_found_with_its_time_and_what_is_usual() -> None:
    power = household(np.random.default_rng(1))
    power[1000:1002] = [40.0, 30.0]
    found = only(power)
    of = load(power)
    assert found.kind is Kind.SPIKE
    assert (found.start, found.end) == (of.start + 900_000, of.start + 901_800)
    usual = np.median(power[1000 % 96 :: 96])
    assert (found.power, found.usual) == (40.0, pytest.approx(usual))
    assert f"40.0{THIN}kW, {40 / usual:.0f} times the usual" in found.reason
    assert found.reason.endswith("at 10:00.")


def test_a_drop_is_found_where_the_load_is_steady() -> None:
    rng = np.random.default_rng(2)
    power = 5 + 0.1 * rng.standard_normal(N)
    power[2000:2004] = 2.0
    found = only(power)
    assert (found.kind, found.power) == (Kind.DROP, 2.0)
    assert found.end - found.start == 4 * 900
    assert found.usual == pytest.approx(5.0, abs=0.05)
    assert found.reason.startswith(f"Only 2.00{THIN}kW, where {found.usual:.2f}{THIN}kW are usual")


def test_a_meter_that_stands_still_is_found() -> None:
    power = household(np.random.default_rng(3))
    power[3000:3020] = 0.12
    found = only(power)
    assert found.kind is Kind.FROZEN
    # The slot before or after may show the same value by chance.
    assert abs((found.end - found.start) // 900 - 20) <= 2
    assert f"exactly 120{THIN}W for 5{THIN}h" in found.reason


def test_days_of_standing_still_do_not_hide_themselves() -> None:
    power = household(np.random.default_rng(4))
    power[1000 : 1000 + 10 * 96] = 0.3
    found = only(power)
    assert found.kind is Kind.FROZEN
    assert f"10.0{THIN}days" in found.reason or f"10{THIN}days" in found.reason


def test_a_base_load_that_is_missing_is_found() -> None:
    power = household(np.random.default_rng(5))
    power[3000:3010] = 0.0
    found = only(power)
    assert (found.kind, found.power) == (Kind.NO_BASE_LOAD, 0.0)
    assert (found.end - found.start) == 10 * 900
    assert f"Only 0{THIN}W for 2{THIN}h 30{THIN}min" in found.reason


def test_who_often_draws_nothing_lacks_no_base_load() -> None:
    power = household(np.random.default_rng(6))
    # A household behind photovoltaics: nothing at noon on most days.
    for day in range(0, WEEKS * 7, 2):
        power[day * 96 + 44 : day * 96 + 56] = 0.0
    assert [one for one in anomalies(load(power)) if one.kind is Kind.NO_BASE_LOAD] == []


def test_the_impossible_is_found_however_short_the_load_is() -> None:
    power = np.full(10, 1.0)
    power[2], power[5:7] = -0.5, 20.0
    found = anomalies(load(power), limit=17.3)
    assert [(one.kind, one.power, one.usual) for one in found] == [
        (Kind.IMPOSSIBLE, -0.5, 0.0), (Kind.IMPOSSIBLE, 20.0, 17.3)
    ]  # fmt: skip
    assert f"20.0{THIN}kW is more than the 17.3{THIN}kW" in found[1].reason
    assert [one.power for one in anomalies(load(power), may_be_negative=True)] == []


def test_no_slot_is_odd_twice_and_all_come_in_order() -> None:
    power = household(np.random.default_rng(8))
    power[100], power[2000:2008], power[4000] = 60.0, 0.0, -3.0
    found = anomalies(load(power), limit=50.0)
    assert [one.kind for one in found] == [Kind.IMPOSSIBLE, Kind.NO_BASE_LOAD, Kind.IMPOSSIBLE]


@pytest.mark.parametrize(
    "power", [np.zeros(0), np.full(N, np.nan), np.full(N, 0.3), np.zeros(N), np.arange(50.0)]
)
def test_little_and_constant_loads_have_none(power: np.ndarray) -> None:
    assert anomalies(load(power)) == []
