"""How long which power lasts: the load-duration curve, and the histogram of power."""

import math
from dataclasses import dataclass

import numpy as np

from analytics.methods.load import Load
from meters.days import Floats, Ints

POINTS = 200
MOST_BINS = 100
# So many values alike are an amount of their own, which no width of bins can show.
ATOM = 0.1


@dataclass(frozen=True, eq=False)
class DurationCurve:
    """The load-duration curve: for what share of the time power is at least so high; m points.

    Attributes
    ----------
    share
        From 0 to 1, rising, shape ``(m,)``: after which share of the known time the point stands.
    power
        [kW], falling, shape ``(m,)``. Every point is one of the curve's own: between two of them
        the curve, which only falls, stays within their box, and the box is either one slot wide or
        at most 1/`POINTS` of the time wide and 1/`POINTS` of the range of power high.
    """

    share: Floats
    power: Floats


@dataclass(frozen=True, eq=False)
class Histogram:
    """How often which power occurs; b bins.

    Attributes
    ----------
    edges
        Of the bins [kW], shape ``(b + 1,)``; the last bin holds its upper edge.
    counts
        How many slots fall into each, shape ``(b,)``.
    zeros
        How many slots are exactly 0, where they are told apart because over a tenth are; else 0.
    """

    edges: Floats
    counts: Ints
    zeros: int


def duration_curve(load: Load) -> DurationCurve:
    """Sort the known power from high to low, and thin it without inventing a point."""
    power = np.sort(load.power[load.known])[::-1]
    n = len(power)
    if not n:
        return DurationCurve(np.zeros(0), power)
    ranks = np.linspace(0, n - 1, POINTS + 1).astype(np.int64)
    levels = np.linspace(power[0], power[-1], POINTS + 1)
    # The last slot that is as high as each level, and the first that is lower.
    last = np.searchsorted(-power, -levels, side="right") - 1
    chosen = np.unique(np.concatenate((ranks, last, last + 1)).clip(0, n - 1))
    return DurationCurve(chosen / n, power[chosen])


def histogram(load: Load) -> Histogram:
    """Count slots by power, in bins as wide as Freedman and Diaconis choose.

    Where over a tenth of the slots are exactly 0, as of a feed-in at night, they are counted apart
    and the bins hold the others.

    References
    ----------
    D. Freedman, P. Diaconis, On the histogram as a density estimator: L2 theory, Z. Wahrsch. verw.
    Geb. 57, 1981, 453–476: twice the interquartile range over the cube root of n.
    """
    power = load.power[load.known]
    zeros = int(np.count_nonzero(power == 0))
    if zeros > ATOM * len(power):
        power = power[power != 0]
    else:
        zeros = 0
    if not len(power):
        return Histogram(np.zeros(0), np.zeros(0, dtype=np.int64), zeros)
    low, high = float(power.min()), float(power.max())
    q1, q3 = np.quantile(power, [0.25, 0.75])
    width = 2 * float(q3 - q1) / len(power) ** (1 / 3)
    # Half of the values alike leave no width; then bins follow from the number of values alone.
    bins = (high - low) / width if width > 0 else math.sqrt(len(power))
    counts, edges = np.histogram(power, bins=min(max(math.ceil(bins), 1), MOST_BINS))
    return Histogram(edges, counts.astype(np.int64), zeros)
