"""Self-consumption and self-sufficiency from sums."""

import pytest

from analytics.methods.selfuse import ContradictionError, self_use


def test_by_the_formulas() -> None:
    """Luthander et al.: C / P and C / (I + C), with C = P − E."""
    found = self_use(imported=2_000.0, exported=3_000.0, produced=5_000.0)
    assert found.on_site == 2_000.0
    assert found.used == 4_000.0
    assert found.consumption == pytest.approx(0.4)
    assert found.sufficiency == pytest.approx(0.5)


def test_nothing_produced_and_nothing_used() -> None:
    assert self_use(10.0, 0.0, 0.0).consumption is None
    assert self_use(10.0, 0.0, 0.0).sufficiency == 0.0
    assert self_use(0.0, 5.0, 5.0).sufficiency is None


def test_more_fed_in_than_produced() -> None:
    # Two meters of class B may differ by so much.
    assert self_use(1.0, 100.0, 98.5).consumption == 0.0
    with pytest.raises(ContradictionError):
        self_use(1.0, 100.0, 97.5)
    with pytest.raises(ContradictionError):
        self_use(1.0, 0.1, 0.0)
