"""How long the intervals of a register are, told from how far apart its readings stand.

A reading names only the start of its interval. Where readings follow each other without a gap, the
steps between them are the intervals; where they are few, or some are missing, a length is the less
certain the longer it is.
"""

from itertools import pairwise

import numpy as np

from meters.days import Ints

# The lengths of interval [s] that are understood: the whole minutes that divide an hour.
LENGTHS = np.array([60, 120, 180, 240, 300, 360, 600, 720, 900, 1200, 1800, 3600])
# So many steps, most of them alike, show a length; so many show that a register which is known for
# short intervals now has longer ones, for else gaps would look like that.
PROOF, PROOF_OF_LONGER = 3, 8
# Shorter ones are believed only where two readings stand that close: one stray minute would
# otherwise turn every day into minutes.
COMMON = 300


def shown_interval(instants: Ints, fallback: int, *, proof: int = PROOF) -> int:
    """Say how long the intervals of readings are, from how far apart most of them stand.

    Parameters
    ----------
    instants
        Starts of intervals [s], rising.
    fallback
        The length [s] that stays where the readings don't clearly show another.
    proof
        How many steps of one length, and more than half of all, show another.
    """
    steps = np.diff(instants)
    # More than half of all are of one length or none is; so each is asked for, and nothing sorted.
    for length in LENGTHS:
        count = np.count_nonzero(steps == length)
        if count >= proof and 2 * count > len(steps):
            return int(length)
    return fallback


def settled_interval(instants: Ints, expected: int, *, known: bool) -> tuple[int, bool]:
    """Settle how long the intervals of one day are, of which readings are known.

    Parameters
    ----------
    instants
        Starts of intervals [s], rising, at least one.
    expected
        What the length would be by what is known otherwise [s].
    known
        Whether the register has shown that length; else it is only a guess.

    Returns
    -------
    interval, clear
        The length [s], and whether the readings of this day show it by themselves.
    """
    steps = np.diff(instants)
    all_fit = not (steps % expected).any()
    usual = shown_interval(instants, 0)
    if usual > expected and known:
        usual = shown_interval(instants, 0, proof=PROOF_OF_LONGER)
    if usual:
        odd = len(instants) - int(np.unique(instants % usual, return_counts=True)[1].max())
        # Many odd ones are none: there are gaps, and what most steps show is too long.
        if 3 * odd <= len(instants) and not (odd and all_fit):
            return usual, True
    if all_fit:
        return expected, False
    if known and expected in steps:
        return expected, False
    # The longest intervals in which all readings fit, so that none must be refused.
    fitting = LENGTHS[np.gcd.reduce(steps) % LENGTHS == 0]
    longest = int(fitting.max(initial=0))
    if longest >= COMMON or longest == steps.min():
        return longest, False
    return expected, False


def finer_runs(instants: Ints, interval: int) -> list[slice]:
    """Find the readings that follow each other faster than the intervals of their day [s]."""
    steps = np.diff(instants)
    if not len(steps):
        return []
    bounds = np.concatenate(([0], np.flatnonzero(np.diff(steps)) + 1, [len(steps)]))
    return [
        slice(int(begin), int(end) + 1)
        for begin, end in pairwise(bounds)
        if end - begin >= PROOF and steps[begin] < interval and steps[begin] in LENGTHS
    ]


def common_phase(instants: Ints, interval: int) -> int:
    """Return where most of the readings start, modulo the interval [s]."""
    phases, counts = np.unique(instants % interval, return_counts=True)
    return int(phases[np.argmax(counts)])


def first_slot(begins: Ints, interval: Ints, phase: Ints | int) -> Ints:
    """Return the first instant of each day that is congruent to the phase [s]."""
    return begins + (phase - begins) % interval


def slot_count(first: Ints, ends: Ints, interval: Ints) -> Ints:
    """Return how many intervals of each day start before it ends, at least 1."""
    counts: Ints = np.maximum(-((first - ends) // interval), 1)
    return counts
