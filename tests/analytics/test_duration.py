"""The load-duration curve and the histogram."""

from pathlib import Path

import numpy as np
import pytest

from analytics.methods.duration import POINTS, duration_curve, histogram
from tests.analytics.loads import load, with_gaps
from tests.analytics.recorded import recorded_export


@pytest.mark.parametrize("kind", ["gamma", "steps", "one spike", "negative"])
def test_the_thinned_curve_is_the_curve(kind: str) -> None:
    rng = np.random.default_rng(6)
    power = {
        "gamma": rng.gamma(1, 0.3, 35_136),
        "steps": np.round(rng.gamma(1, 0.3, 35_136)),
        "one spike": np.append(np.full(9_999, 0.1), 50.0),
        "negative": rng.standard_normal(5_000),
    }[kind]
    of = load(with_gaps(power, 0.1))
    found = duration_curve(of)
    whole = np.sort(of.power[of.known])[::-1]
    n = len(whole)
    ranks = np.rint(found.share * n).astype(int)
    assert len(ranks) <= 3 * POINTS + 3
    assert found.power.tolist() == whole[ranks].tolist()
    assert (ranks[0], ranks[-1]) == (0, n - 1)
    wide, high = np.diff(ranks), -np.diff(found.power)
    bounds = (wide <= n / POINTS + 1) & (high <= np.ptp(whole) / POINTS + 1e-9)
    assert (bounds | (wide == 1)).all()


def test_the_histogram_is_freedmans_and_diaconis() -> None:
    power = np.random.default_rng(1).gamma(4, 0.2, 5_000)
    found = histogram(load(power))
    assert found.edges == pytest.approx(np.histogram_bin_edges(power, "fd"))
    assert found.counts.sum() == 5_000


def test_zeros_that_are_many_are_counted_apart(recordings: Path) -> None:
    of = recorded_export(recordings)
    found = histogram(of)
    assert found.zeros == 0.625 * len(of)
    assert found.counts.sum() == 0.375 * len(of)
    assert found.edges[0] > 0
    few = histogram(load(np.append(np.random.default_rng(2).gamma(2, 1, 99), 0.0)))
    assert (few.zeros, few.counts.sum()) == (0, 100)


@pytest.mark.parametrize(
    ("power", "counts", "zeros"),
    [
        (np.zeros(0), 0, 0),
        (np.zeros(50), 0, 50),
        (np.full(50, 2.0), 50, 0),
        (np.array([*[1.0] * 98, 2.0, 1e6]), 100, 0),
    ],
)
def test_degenerate_loads_have_a_histogram(power: np.ndarray, counts: int, zeros: int) -> None:
    found = histogram(load(power))
    assert (int(found.counts.sum()), found.zeros) == (counts, zeros)
    assert len(found.counts) <= 100
    assert set(duration_curve(load(power)).power.tolist()) == set(power.tolist())
