"""Quantiles by group, for many groups at once."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from meters.days import Floats, Ints


def quantiles_by_group(
    values: Floats,
    groups: Ints,
    n: int,
    shares: Sequence[float],
    order: npt.NDArray[np.int64] | None = None,
) -> list[Floats]:
    """Tell quantiles of each group, interpolated as numpy and pandas do by default.

    Values are sorted once and dealt out to their groups in that order, so that many groupings of
    the same values share the sorting.

    Parameters
    ----------
    values
        Finite, shape ``(m,)``.
    groups
        Of each value, from 0 to n − 1, shape ``(m,)``.
    shares
        Which quantiles, from 0 to 1.
    order
        The indices that sort `values`, where the caller has them.

    Returns
    -------
    One array of shape ``(n,)`` for each share; NaN of a group without values.
    """
    if order is None:
        order = np.argsort(values)
    # A stable sort of small integers takes them in one pass.
    small = groups.astype(np.int16) if n < 2**15 else groups
    dealt = values[order[np.argsort(small[order], kind="stable")]]
    counts = np.bincount(groups, minlength=n)
    first = np.cumsum(counts) - counts
    filled = counts > 0
    found = []
    for share in shares:
        position = share * (counts[filled] - 1)
        below = np.floor(position).astype(np.int64)
        low = dealt[first[filled] + below]
        high = dealt[first[filled] + np.minimum(below + 1, counts[filled] - 1)]
        quantile = np.full(n, np.nan)
        quantile[filled] = low + (position - below) * (high - low)
        found.append(quantile)
    return found


def means_by_group(values: Floats, groups: Ints, n: int) -> tuple[Floats, Ints]:
    """Tell the mean of each group, NaN of one without values, and how many it has."""
    counts = np.bincount(groups, minlength=n).astype(np.int64)
    means = np.full(n, np.nan)
    np.divide(np.bincount(groups, weights=values, minlength=n), counts, out=means, where=counts > 0)
    return means, counts
