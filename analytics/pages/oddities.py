"""Days that are far off a meter's usual, by a rule cheap enough for a thousand meters at once."""

from dataclasses import dataclass

import numpy as np

from meters.days import Floats, Ints, Mask
from meters.profiles import DayTotals
from meters.zones import DAY

# How far back the usual is looked for, and how old a last day is still news.
USUAL_DAYS, NEWS_DAYS = 28, 3
# Fewer days of one kind tell no usual one.
FEWEST_DAYS = 6
# A day is odd that lies further from the median than so many deviations …
FARTHEST = 6.0
# … of which one is no less than this share of the median, for a constant load deviates by nothing,
SMALLEST_DEVIATION = 0.05
# … that is so many times the usual, or less than one part in so many,
SMALLEST_FACTOR = 2.0
# … and so much energy that somebody cares [kWh].
SMALLEST_DIFFERENCE = 1.0
# The median absolute deviation of normal values times this is their standard deviation.
TO_SIGMA = 1.4826
# A day counts as whole with so much of 24 hours; that of spring has 23.
WHOLE = 0.95


@dataclass(frozen=True, slots=True)
class OddDay:
    """A register's last whole day, far off its usual.

    Attributes
    ----------
    register
        Primary key.
    day
        Days since 1970-01-01, of its local calendar.
    energy, usual
        Of the day, and the median of the days of its kind before [kWh].
    days
        How many days the usual is told from.
    is_weekend
        Of which kind the day is.
    distance
        From the usual, in deviations.
    """

    register: int
    day: int
    energy: float
    usual: float
    days: int
    is_weekend: bool
    distance: float


def odd_days(totals: DayTotals, today: int) -> list[OddDay]:
    """Find registers whose last whole day is far off those of its kind in the four weeks before.

    A kind is working days or weekends. The usual is their median, the deviation their median
    absolute deviation: neither is moved by a few odd days among them.

    Parameters
    ----------
    totals
        Energy by day [kWh] of the last weeks.
    today
        The present day, as days since 1970-01-01.

    Returns
    -------
    The farthest first.

    References
    ----------
    C. Leys et al., "Detecting outliers: Do not use standard deviation around the mean, use absolute
    deviation around the median", J. Exp. Soc. Psychol. 49 (2013) 764–766.
    """
    first = today - NEWS_DAYS - USUAL_DAYS
    keys, energy = _matrix(totals, first, today)
    found = []
    for day in range(today - NEWS_DAYS, today):
        at = day - first
        # Of each register its last whole day alone.
        last = ~np.isnan(energy[:, at]) & np.isnan(energy[:, at + 1 :]).all(axis=1)
        found += _odd(keys[last], energy[last], first, day)
    return sorted(found, key=lambda one: -one.distance)


def _matrix(totals: DayTotals, first: int, today: int) -> tuple[Ints, Floats]:
    """Lay whole days out: a row for each register, a column for each day before today."""
    inside = (totals.day >= first) & (totals.day < today)
    inside &= totals.count * totals.interval >= WHOLE * DAY
    keys, row = np.unique(totals.register[inside], return_inverse=True)
    energy = np.full((len(keys), today - first), np.nan)
    energy[row, totals.day[inside] - first] = totals.total[inside]
    return keys, energy


def _is_weekend(days: Ints) -> Mask:
    # 1970-01-01 was a Thursday: day 2 of the epoch was a Saturday.
    weekend: Mask = (days + 3) % 7 >= 5
    return weekend


def _odd(keys: Ints, energy: Floats, first: int, day: int) -> list[OddDay]:
    before = np.arange(day - USUAL_DAYS, day)
    weekend = _is_weekend(np.array([day]))[0]
    alike = energy[:, before[_is_weekend(before) == weekend] - first]
    enough = (~np.isnan(alike)).sum(axis=1) >= FEWEST_DAYS
    keys, alike, own = keys[enough], alike[enough], energy[enough, day - first]
    if not len(keys):
        return []
    usual = np.nanmedian(alike, axis=1)
    deviation = TO_SIGMA * np.nanmedian(np.abs(alike - usual[:, None]), axis=1)
    deviation = np.maximum(deviation, SMALLEST_DEVIATION * np.abs(usual))
    difference = np.abs(own - usual)
    odd = (difference > FARTHEST * deviation) & (difference >= SMALLEST_DIFFERENCE)
    odd &= (own > SMALLEST_FACTOR * usual) | (own * SMALLEST_FACTOR < usual)
    return [
        OddDay(
            register=int(keys[at]),
            day=day,
            energy=float(own[at]),
            usual=float(usual[at]),
            days=int((~np.isnan(alike[at])).sum()),
            is_weekend=bool(weekend),
            # What was always nothing is far from anything.
            distance=float(difference[at] / max(deviation[at], 1e-3)),
        )
        for at in np.flatnonzero(odd)
    ]
