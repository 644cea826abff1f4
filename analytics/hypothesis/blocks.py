"""Machines that switch: how often, when, and at which power."""

from __future__ import annotations

import numpy as np

from analytics.hypothesis.observed import Observed
from analytics.hypothesis.words import Reading, percent
from meters.days import Ints
from meters.wording import THIN, figure, power

ON, OFF = 0.3, 0.15
"""Shares of the highest power above which it is on, and below which it is off again."""
BAND = 0.06
"""Width of a level, as a share of its power."""


def plateau(seen: Observed) -> Reading | None:
    """The share of the energy that flows at one same high power."""
    high = seen.power[seen.power > ON * seen.top]
    if not len(high) or seen.power.sum() <= 0:
        return None
    levels = np.floor(np.log(high) / BAND * 2).astype(np.int64)
    energy = np.bincount(levels - levels.min(), weights=high)
    # Two half-bands together, so that no level falls between two.
    pairs = energy + np.concatenate((energy[1:], [0.0]))
    best = int(np.argmax(pairs))
    share = float(pairs[best] / seen.power.sum())
    level = float(np.exp((best + levels.min() + 1) * BAND / 2))
    return Reading(
        share,
        f"{percent(share)} of the energy flows within {figure(BAND * 50)}{THIN}% of "
        f"{power(level)}.",
    )


def busy(seen: Observed) -> Reading | None:
    """The share of the time in which it takes more than a fifth of its highest power."""
    if seen.top <= 0:
        return None
    share = float((seen.power > 0.2 * seen.top).mean())
    return Reading(
        share, f"Above a fifth of its highest power it is for {percent(share)} of the time."
    )


def switches(seen: Observed) -> Reading | None:
    """How often a day it goes on."""
    starts = _starts(seen)
    if seen.days < 5:
        return None
    value = len(starts) / seen.days
    return Reading(
        value, f"It goes on {figure(value, 1)} times a day (above {power(ON * seen.top)})."
    )


def starts_at_night(seen: Observed) -> Reading | None:
    """The share of starts between 0 and 5 o'clock."""
    starts = _starts(seen)
    if len(starts) < 12:
        return None
    share = float((seen.hour[starts] < 5).mean())
    return Reading(share, f"{percent(share)} of its starts fall between 0 and 5 o'clock.")


def low_at_night(seen: Observed) -> Reading | None:
    """Mean power of the small hours over the mean of all."""
    night = seen.hour < 5
    if not night.any() or seen.mean <= 0:
        return None
    value = float(seen.power[night].mean()) / seen.mean
    return Reading(value, f"From 0 to 5 o'clock the power is {percent(value)} of its mean.")


def longest_run(seen: Observed) -> Reading | None:
    """How long it usually stays on [h]."""
    state = _states(seen)
    edges = np.flatnonzero(np.diff(np.concatenate(([0], state, [0]))))
    lengths = (edges[1::2] - edges[::2]) * seen.main.interval / 3600
    if len(lengths) < 5 or seen.main.interval > 3600:
        return None
    value = float(np.median(lengths))
    return Reading(value, f"Once on, it usually stays so for {figure(value * 60)} min.")


def _states(seen: Observed) -> Ints:
    """1 where it is on and 0 where it is off: on above `ON` until it falls below `OFF`."""
    marks = np.full(len(seen.power), -1)
    marks[seen.power >= ON * seen.top] = 1
    marks[seen.power < OFF * seen.top] = 0
    # What lies between holds the state before it.
    last = np.maximum.accumulate(np.where(marks >= 0, np.arange(len(marks)), 0))
    found: Ints = np.maximum(marks[last], 0)
    return found


def _starts(seen: Observed) -> Ints:
    """Numbers of the known slots in which it goes on."""
    if seen.top <= 0:
        return np.zeros(0, np.int64)
    found: Ints = np.flatnonzero(np.diff(_states(seen)) > 0) + 1
    return found
