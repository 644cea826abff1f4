"""From findings to confidence: the weights of evidence added up, tempered, and held back.

The kinds start equal. A finding speaks for a kind by the logarithm of how much likelier it is with
that kind than with the average of all, which I. J. Good called weight of evidence [1]_. Findings
depend on each other, so that their sum is tempered by one factor before it becomes a confidence
[2]_. The factor is calibrated on synthetic meters.

References
----------
.. [1] I. J. Good, Probability and the Weighing of Evidence, Griffin, London 1950.
.. [2] C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger, On calibration of modern neural networks, ICML
   2017, section 4.2: temperature scaling.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from analytics.hypothesis.kinds import Kind
from analytics.hypothesis.rules import Finding
from analytics.hypothesis.weights import TEMPER, WEIGHTS
from meters.days import Floats

KINDS = tuple(Kind)
"""The order of the weights of a class; the last is `Kind.CANNOT_TELL`."""

FEWEST_DAYS = 7.0
"""Below so many days of readings nothing is claimed: a week has not been seen."""

LEAST_CONFIDENCE = 0.5
"""Below it the first kind is not claimed."""

ANOTHER = 0.03
"""Share of every confidence that is left to 'cannot tell': there are meters of kinds that are none
of these, and synthetic meters cannot teach how many."""

STEADY = 0.04
"""Spread below which a load is steady, in whatever order its values come."""

FEED_IN = KINDS.index(Kind.FEED_IN)
UNLIKELY = 0.3
"""The most confidence in feed-in where nothing is fed in."""

FULL_DAYS = 28.0
"""From so many days on the evidence counts in full."""


def weights_of(finding: Finding) -> Floats:
    """The weight of a finding for each of `KINDS` [nat]; 0 where nothing could be read."""
    if finding.bin is None:
        return np.zeros(len(KINDS))
    return np.array(WEIGHTS[finding.rule.name][finding.bin])


def confidences(findings: Sequence[Finding], days: float) -> dict[Kind, float]:
    """Tell how confident one may be of each kind; all add up to 1.

    Parameters
    ----------
    findings
        Of all rules.
    days
        How much time is known.
    """
    total = np.sum([weights_of(finding) for finding in findings], axis=0)
    return claimed(
        softmax(total * tempering(days)),
        may_claim=days >= FEWEST_DAYS and in_order(findings),
        may_feed_in=_value(findings, "direction") > 0,
    )


def in_order(findings: Sequence[Finding]) -> bool:
    """Whether the order of the values says anything, or they vary too little for it to matter.

    Whatever a load is, what runs in one interval often runs in the next one: values of which
    neighbours have nothing to do with each other are no load's, whatever else they resemble.
    """
    return _value(findings, "neighbours") != 0 or _value(findings, "steadiness") < STEADY


def _value(findings: Sequence[Finding], name: str) -> float:
    """The figure of a rule; NaN where it could not be read."""
    (reading,) = (finding.reading for finding in findings if finding.rule.name == name)
    return math.nan if reading is None else reading.value


def tempering(days: float) -> float:
    """The factor on the sum of all weights: less of it, the shorter the readings."""
    return float(TEMPER * min(1.0, days / FULL_DAYS) ** 0.5)


def softmax(logits: Floats) -> Floats:
    """Probabilities of logarithms of odds, along the last axis."""
    shares = np.exp(logits - logits.max(axis=-1, keepdims=True))
    found: Floats = shares / shares.sum(axis=-1, keepdims=True)
    return found


def claimed(probabilities: Floats, *, may_claim: bool, may_feed_in: bool) -> dict[Kind, float]:
    """Hold back what must not be claimed: then 'cannot tell' comes first, before all hints.

    Parameters
    ----------
    probabilities
        Of `KINDS`.
    may_claim
        Whether there is enough to claim anything.
    may_feed_in
        Whether anything is fed in at all. A meter of production may count it as import, but that is
        for people to say.
    """
    named = probabilities[:-1] * (1 - ANOTHER)
    if not may_feed_in:
        named[FEED_IN] = min(named[FEED_IN], UNLIKELY)
    rest = 1.0 - float(named.sum())
    best = float(named.max())
    if not may_claim or best < max(LEAST_CONFIDENCE, rest):
        # As much is left of every kind as lets 'cannot tell' lead.
        named = named * min(1.0, 0.98 / (float(named.sum()) + best))
        rest = 1.0 - float(named.sum())
    return dict(zip(KINDS, [*map(float, named), rest], strict=True))
