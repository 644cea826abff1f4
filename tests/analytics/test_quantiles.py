"""Quantiles by group against pandas."""

import numpy as np
import pandas as pd
import pytest

from analytics.methods.quantiles import means_by_group, quantiles_by_group

SHARES = (0.0, 0.1, 0.5, 0.9, 1.0)


@pytest.mark.parametrize("n", [1, 7, 500, 40_000])
@pytest.mark.parametrize("m", [1, 3, 5_000])
def test_quantiles_and_means_are_as_pandas_has_them(n: int, m: int) -> None:
    rng = np.random.default_rng(n + m)
    # With ties, as stepped readings have them.
    values = np.round(rng.gamma(2, 1, m), 1)
    groups = rng.integers(0, n, m)
    grouped = pd.Series(values).groupby(groups)
    for share, found in zip(SHARES, quantiles_by_group(values, groups, n, SHARES), strict=True):
        expected = grouped.quantile(share).reindex(range(n)).to_numpy()
        assert found == pytest.approx(expected, nan_ok=True)
    means, counts = means_by_group(values, groups, n)
    assert means == pytest.approx(grouped.mean().reindex(range(n)).to_numpy(), nan_ok=True)
    assert counts.sum() == m


def test_no_values_have_no_quantiles() -> None:
    nothing = np.zeros(0)
    [found] = quantiles_by_group(nothing, nothing.astype(np.int64), 3, [0.5])
    assert np.isnan(found).all()
