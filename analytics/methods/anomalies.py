r"""What is odd in a load: spikes, drops, frozen values, a missing base load, impossible values.

Each slot is compared with its own time of day: its distance from the median there over the spread
there, told from the side on which it lies [1]_, [2]_. A fixed limit on that score cries wolf, for
loads have heavy tails: a kettle is twenty spreads above the median and not odd at all. So the limit
follows the tail. The scores beyond their 98 % quantile are taken to fall off exponentially [3]_,
and a slot is odd where fewer than `EXPECTED` slots of the whole load would lie so far out.

References
----------
.. [1] B. Iglewicz, D. C. Hoaglin, How to Detect and Handle Outliers, ASQC 1993: scores from the
   median absolute deviation.
.. [2] P. J. Rousseeuw, C. Croux, Alternatives to the median absolute deviation, J. Am. Stat. Assoc.
   88, 1993, 1273–1283: why a spread that takes both sides for alike misleads on skewed values.
.. [3] A. C. Davison, R. L. Smith, Models for exceedances over high thresholds, J. R. Stat. Soc. B
   52, 1990, 393–442, with the shape 0 of the exponential.
.. [4] P. Erdős, A. Rényi, On a new law of large numbers, J. Anal. Math. 23, 1970, 103–111: the
   longest run of n trials is about :math:`\log_{1/p} n`.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import pandas as pd

from analytics.methods.key_figures import base_load
from analytics.methods.load import HOUR, Load
from analytics.methods.pattern import times_of_day
from analytics.methods.quantiles import quantiles_by_group
from meters.days import Floats, Ints, Mask
from meters.language import N_, _
from meters.wording import figure, lasting, percent, power
from meters.zones import Zone

# How many slots of a load of ordinary ones may be called odd, on average.
EXPECTED = 0.02
# Below so many days a time of day has no usual value.
LEAST_DAYS = 7
# The normal distribution's spread over its median absolute deviation.
NORMAL = 1.482602218505602
TAIL = 0.98
LEAST_SCORE = 8.0
# The spread of a time of day is told from the hours around it as well, this many to either side.
AROUND = 1
# A flow that is this small a part of the base load is none.
NO_FLOW = 0.1
# How often a meter with a base load may lack it, as a share of its days.
RARE = 0.1


class Kind(StrEnum):
    SPIKE = "spike"
    DROP = "drop"
    FROZEN = "frozen"
    NO_BASE_LOAD = "no_base_load"
    IMPOSSIBLE = "impossible"

    @property
    def words(self) -> str:
        """What it is called where it is listed."""
        return _(NAMES[self])


NAMES = {
    Kind.SPIKE: N_("spike"),
    Kind.DROP: N_("drop"),
    Kind.FROZEN: N_("frozen"),
    Kind.NO_BASE_LOAD: N_("no base load"),
    Kind.IMPOSSIBLE: N_("impossible"),
}


@dataclass(frozen=True, slots=True)
class Anomaly:
    """A stretch of slots that is odd.

    Attributes
    ----------
    start, end
        ``[start, end)`` [s UTC].
    power
        What stands out [kW]: the highest of a spike or of impossible values, the lowest of others.
    usual
        What is usual there [kW], or the limit that is broken.
    reason
        In words, with figures.
    """

    kind: Kind
    start: int
    end: int
    power: float
    usual: float
    reason: str


def anomalies(
    load: Load, *, limit: float | None = None, may_be_negative: bool = False
) -> list[Anomaly]:
    """Find what is odd, in order of time.

    Parameters
    ----------
    limit
        What the connection can carry [kW]; more is impossible.
    may_be_negative
        Whether the register counts in both directions, as one of import minus export does.
    """
    impossible = list(_impossible(load, limit, may_be_negative=may_be_negative))
    taken = np.zeros(len(load), dtype=bool)
    _take(taken, load, impossible)
    found = impossible
    if has_usual_days(load):
        for search in (_frozen, _without_base_load, _outliers):
            some = list(search(load, taken))
            _take(taken, load, some)
            found += some
    return sorted(found, key=lambda one: (one.start, one.kind))


def has_usual_days(load: Load) -> bool:
    """Whether a load is long and fine enough to tell what is usual, and so what is odd."""
    return load.days >= LEAST_DAYS and load.interval <= HOUR


def _take(taken: Mask, load: Load, found: list[Anomaly]) -> None:
    """Mark what has been told, so that no slot is odd for two reasons."""
    for one in found:
        begin, end = (one.start - load.start, one.end - load.start)
        taken[begin // load.interval : end // load.interval] = True


def _stretches(mask: Mask) -> Iterator[tuple[int, int]]:
    """Go through the stretches ``[begin, end)`` in which a mask holds."""
    edges = np.diff(mask.astype(np.int8), prepend=0, append=0)
    yield from zip(
        np.flatnonzero(edges == 1).tolist(), np.flatnonzero(edges == -1).tolist(), strict=True
    )


def _anomaly(
    load: Load, kind: Kind, begin: int, end: int, figures: tuple[float, float], reason: str
) -> Anomaly:
    return Anomaly(
        kind,
        load.start + begin * load.interval,
        load.start + end * load.interval,
        *figures,
        reason,
    )


def _impossible(load: Load, limit: float | None, *, may_be_negative: bool) -> Iterator[Anomaly]:
    values = np.nan_to_num(load.power)
    if not may_be_negative:
        for begin, end in _stretches(values < 0):
            lowest = float(values[begin:end].min())
            words = _("The energy is negative, down to {lowest}, and it counts one way only.")
            reason = words.format(lowest=power(lowest))
            yield _anomaly(load, Kind.IMPOSSIBLE, begin, end, (lowest, 0.0), reason)
    if limit is not None:
        for begin, end in _stretches(values > limit):
            highest = float(values[begin:end].max())
            words = _("{highest} is more than the {limit} that the connection carries.")
            reason = words.format(highest=power(highest), limit=power(limit))
            yield _anomaly(load, Kind.IMPOSSIBLE, begin, end, (highest, limit), reason)


def _frozen(load: Load, taken: Mask) -> Iterator[Anomaly]:
    """Find runs of one value, not 0, that last longer than chance lets them.

    How often a value is that of the slot before is told for each hour of the day, and by day, so
    that neither quiet nights nor the frozen stretch itself hide it.
    """
    values = load.power
    same = np.zeros(len(load), dtype=bool)
    same[1:] = (values[1:] == values[:-1]) & (values[1:] != 0) & ~taken[1:]
    can = np.zeros(len(load), dtype=bool)
    can[1:] = load.known[1:] & load.known[:-1] & (values[1:] != 0)
    if not same.any():
        return
    hours = pd.DataFrame(
        {"hour": load.second[can] // HOUR, "day": load.day[can], "same": same[can]}
    )
    by_hour = hours.groupby(["hour", "day"])["same"].mean().groupby("hour").median()
    likely = float(np.clip(by_hour.max(), hours["same"].mean(), 1.0))
    if likely > 1 - 1e-6 or hours["same"].mean() > 0.5:
        return  # it is its habit to stand still
    chance = math.log(len(load) / EXPECTED) / math.log(1 / max(likely, 1 / len(load)))
    least = max(chance, 2 * HOUR / load.interval, 4)
    for begin, end in _stretches(same):
        if end - begin >= least:
            value = float(values[begin])
            reason = _(
                "The value stays at exactly {value} for {span}; otherwise it changes in {share} of "
                "the intervals."
            ).format(
                value=power(value),
                span=lasting((end - begin + 1) * load.interval),
                share=percent(1 - float(hours["same"].mean())),
            )
            yield _anomaly(load, Kind.FROZEN, begin - 1, end, (value, value), reason)


def _without_base_load(load: Load, taken: Mask) -> Iterator[Anomaly]:
    """Find where a load that never rests lies still, for an hour or more."""
    usual = base_load(load)
    if not usual or usual <= 0:
        return
    none = (np.nan_to_num(load.power, nan=np.inf) < NO_FLOW * usual) & ~taken
    days = np.unique(load.day[load.known])
    if len(np.unique(load.day[none])) > max(RARE * len(days), 1):
        return
    least = max(HOUR // load.interval, 2)
    for begin, end in _stretches(none):
        if end - begin >= least:
            lowest = float(load.power[begin:end].min())
            reason = _(
                "Only {lowest} for {span}, and even at quiet times {usual} are usual."
            ).format(
                lowest=power(lowest),
                span=lasting((end - begin) * load.interval),
                usual=power(usual),
            )
            yield _anomaly(load, Kind.NO_BASE_LOAD, begin, end, (lowest, usual), reason)


def _outliers(load: Load, taken: Mask) -> Iterator[Anomaly]:
    """Find spikes and drops against the time of day."""
    usable = load.known & ~taken
    time, count = times_of_day(load)
    values = load.power
    median = _by_time(values, time, count, usable, 0.5)
    if np.isnan(median[time[usable]]).all():
        return
    distance = values - median[time]
    for kind, side in ((Kind.SPIKE, 1.0), (Kind.DROP, -1.0)):
        beyond = side * distance
        scores = beyond / _spread(beyond, time, count, usable)
        odd = usable & (np.nan_to_num(scores) > _limit(scores[usable]))
        for begin, end in _stretches(odd):
            at = begin + int(np.argmax(scores[begin:end]))
            value, usual = float(values[at]), float(median[time[at]])
            reason = _outlier_words(kind, load, at, value, usual)
            yield _anomaly(load, kind, begin, end, (value, usual), reason)


def _by_time(values: Floats, time: Ints, count: int, usable: Mask, share: float) -> Floats:
    """Tell a quantile of each time of day; NaN where fewer than `LEAST_DAYS` values are."""
    [found] = quantiles_by_group(values[usable], time[usable], count, [share])
    few = np.bincount(time[usable], minlength=count) < LEAST_DAYS
    return np.where(few, np.nan, found)


def _spread(beyond: Floats, time: Ints, count: int, usable: Mask) -> Floats:
    """Tell each slot's spread: that of its time of day on the side concerned, or of all if more.

    A time of day that never varies, as the night of a feed-in, would make anything infinitely odd.
    """
    side = usable & (beyond > 0)
    if not side.any():
        return np.full(len(beyond), np.inf)
    own = _smoothed(_by_time(beyond, time, count, side, 0.5), AROUND * count // 24)[time]
    floor = 0.5 * float(np.median(beyond[side]))
    return NORMAL * np.maximum(np.nan_to_num(own), floor)


def _smoothed(values: Floats, reach: int) -> Floats:
    """Average around the clock, `reach` values to either side, as far as they are known."""
    known = ~np.isnan(values)
    sums, counts = np.zeros(len(values)), np.zeros(len(values))
    for shift in range(-reach, reach + 1):
        sums += np.roll(np.where(known, values, 0.0), shift)
        counts += np.roll(known, shift)
    means = np.full(len(values), np.nan)
    np.divide(sums, counts, out=means, where=counts > 0)
    return means


def _limit(scores: Floats) -> float:
    """Say beyond which score a slot is odd, from how the scores fall off."""
    scores = scores[~np.isnan(scores)]
    if not len(scores):
        return math.inf
    high = float(np.quantile(scores, TAIL))
    excess = scores[scores > high] - high
    if not len(excess) or high <= 0:
        return math.inf
    # The median of an exponential distribution is ln 2 of its mean; half of the tail may be odd.
    fall = float(np.median(excess)) / math.log(2)
    return max(LEAST_SCORE, high + fall * math.log(len(excess) / EXPECTED))


def _outlier_words(kind: Kind, load: Load, at: int, value: float, usual: float) -> str:
    times = value / usual if usual > 0 else math.inf
    if kind is Kind.DROP:
        words = _("Only {value}, where {usual} are usual at {time}.")
    elif 1.5 <= times < 1000:
        words = _("{value}, {times} times the usual {usual} at {time}.")
    else:
        words = _("{value}, where {usual} are usual at {time}.")
    return words.format(
        value=power(value),
        times=figure(times, 1 if times < 10 else 0),
        usual=power(usual),
        time=_clock(load.start + at * load.interval, load.zone),
    )


def _clock(instant: int, zone: Zone) -> str:
    return f"{zone.at(instant):%H:%M}"
