"""Machines that switch: how often, when, and at which power."""

from __future__ import annotations

import numpy as np

from analytics.hypothesis.observed import Observed
from analytics.hypothesis.words import Reading, percent
from meters.days import Ints
from meters.language import _
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
        _("{share} of the energy flows within {width} of {power}.").format(
            share=percent(share), width=f"{figure(BAND * 50)}{THIN}%", power=power(level)
        ),
    )


def busy(seen: Observed) -> Reading | None:
    """The share of the time in which it takes more than a fifth of its highest power."""
    if seen.top <= 0:
        return None
    share = float((seen.power > 0.2 * seen.top).mean())
    words = _("Above a fifth of its highest power it is for {share} of the time.")
    return Reading(share, words.format(share=percent(share)))


def switches(seen: Observed) -> Reading | None:
    """How often a day it goes on."""
    starts = _starts(seen)
    if seen.days < 5:
        return None
    value = len(starts) / seen.days
    words = _("It goes on {number} times a day (above {power}).")
    return Reading(value, words.format(number=figure(value, 1), power=power(ON * seen.top)))


def starts_at_night(seen: Observed) -> Reading | None:
    """The share of starts between 0 and 5 o'clock."""
    starts = _starts(seen)
    if len(starts) < 12:
        return None
    share = float((seen.hour[starts] < 5).mean())
    words = _("{share} of its starts fall between 0 and 5 o'clock.")
    return Reading(share, words.format(share=percent(share)))


def low_at_night(seen: Observed) -> Reading | None:
    """Mean power of the small hours over the mean of all."""
    night = seen.hour < 5
    if not night.any() or seen.mean <= 0:
        return None
    value = float(seen.power[night].mean()) / seen.mean
    words = _("From 0 to 5 o'clock the power is {share} of its mean.")
    return Reading(value, words.format(share=percent(value)))


def longest_run(seen: Observed) -> Reading | None:
    """How long it usually stays on [h]."""
    state = _states(seen)
    edges = np.flatnonzero(np.diff(np.concatenate(([0], state, [0]))))
    lengths = (edges[1::2] - edges[::2]) * seen.main.interval / 3600
    if len(lengths) < 5 or seen.main.interval > 3600:
        return None
    value = float(np.median(lengths))
    words = _("Once on, it usually stays so for {minutes} min.")
    return Reading(value, words.format(minutes=figure(value * 60)))


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
