"""Order in time: whether neighbours, days and weeks resemble each other, and standard profiles.

References
----------
.. [1] M. S. Bartlett, 1946, the bands of `analytics.methods.correlation`.
.. [2] VDEW M-32/99, the standard load profiles of `meters.standard_profiles`.
"""

from __future__ import annotations

import numpy as np

from analytics.hypothesis.observed import Observed, means_by
from analytics.hypothesis.words import Reading, percent
from meters.days import Floats
from meters.language import _
from meters.standard_profiles import PROFILES, seasons, week
from meters.wording import figure
from meters.zones import DAY

BUSINESSES = tuple(name for name in PROFILES if name.startswith("g"))
FEWEST_DAYS = 7
ALIKE = 0.25
"""Correlation below which a week and a profile have nothing in common."""


def neighbours(seen: Observed) -> Reading | None:
    """Autocorrelation at one interval; 0 within the band of white noise."""
    correlation = seen.correlation
    if len(correlation) < 2 or np.isnan(correlation.values[1]):
        return None
    value = float(correlation.values[1])
    if abs(value) <= 1.5 * correlation.white:
        words = _(
            "Neighbouring intervals correlate by {value}, as values in any order would (band "
            "±{band})."
        )
        band = figure(correlation.white, 2)
        return Reading(0.0, words.format(value=figure(value, 2), band=band))
    words = _("Neighbouring intervals correlate by {value}.")
    return Reading(value, words.format(value=figure(value, 2)))


def repeats_daily(seen: Observed) -> Reading | None:
    """Autocorrelation at one day, 0 within Bartlett's band [1]_."""
    lag = DAY // seen.main.interval
    correlation = seen.correlation
    if len(correlation) <= lag or correlation.length < 4 * lag:
        return None
    value, band = float(correlation.values[lag]), float(correlation.band[lag])
    if np.isnan(value):
        return None
    if value > band:
        words = _(
            "The autocorrelation at one day is {value}, Bartlett's band ±{band}: it repeats daily."
        )
    else:
        words = _(
            "The autocorrelation at one day is {value}, Bartlett's band ±{band}: no daily habit is "
            "proved."
        )
    return Reading(
        value if value > band else min(value, 0.0),
        words.format(value=figure(value, 3), band=figure(band, 3)),
    )


def repeats_weekly(seen: Observed) -> Reading | None:
    """Autocorrelation at seven days less the mean of that at one to six."""
    lag = DAY // seen.main.interval
    correlation = seen.correlation
    if len(correlation) <= 7 * lag or correlation.length < 21 * lag:
        return None
    r = correlation.values[[lag * day for day in range(1, 8)]]
    value = float(r[6] - r[:6].mean())
    if np.isnan(value):
        return None
    return Reading(
        value,
        _("After seven days it resembles itself by {week}, after one to six by {days}.").format(
            week=figure(float(r[6]), 2), days=figure(float(r[:6].mean()), 2)
        ),
    )


def weekend(seen: Observed) -> Reading | None:
    """Mean power of Saturday and Sunday over that of the other days."""
    free = seen.is_weekend
    if seen.days < FEWEST_DAYS or free.all() or not free.any():
        return None
    work = float(seen.power[~free].mean())
    if work <= 0:
        return None
    value = float(seen.power[free].mean()) / work
    words = _("At weekends the mean power is {share} of that of weekdays.")
    return Reading(value, words.format(share=percent(value)))


def time_of_day(seen: Observed) -> Reading | None:
    """The share of the variance that the time of day explains, corrected for its many means."""
    slots = DAY // seen.main.interval
    n = len(seen.power)
    total = float(seen.power.var()) * n
    if n < 5 * slots or total == 0:
        return None
    slot = (seen.hour * 3600 // seen.main.interval).astype(np.int64) % slots
    means = means_by(slot, seen.power, slots)
    within = float(((seen.power - means[slot]) ** 2).sum())
    value = max(1 - within / (n - slots) / (total / (n - 1)), 0.0)
    words = _("The time of day explains {share} of the variance.")
    return Reading(value, words.format(share=percent(value)))


def days_remember(seen: Observed) -> Reading | None:
    """Correlation of a day's energy with the day before, within weekdays' own means."""
    days, daily = seen.daily
    if len(days) < 14:
        return None
    weekday = (days + 3) % 7
    rest = daily - means_by(weekday, daily, 7)[weekday]
    after = np.flatnonzero(np.diff(days) == 1)
    if len(after) < 10 or rest[after].std() == 0 or rest[after + 1].std() == 0:
        return None
    value = float(np.corrcoef(rest[after], rest[after + 1])[0, 1])
    words = _("A day's energy correlates with the day before by {value}.")
    return Reading(value, words.format(value=figure(value, 2)))


def like_a_household(seen: Observed) -> Reading | None:
    """Correlation of the mean week with the standard profile H0 [2]_."""
    found = _likeness(seen)
    if found is None:
        return None
    words = _("The mean week resembles the standard profile of households (H0) by {value}.")
    return Reading(found["h0"], words.format(value=figure(found["h0"], 2)))


def like_a_business(seen: Observed) -> Reading | None:
    """How much more the mean week resembles the best profile of businesses than H0 [2]_."""
    found = _likeness(seen)
    if found is None:
        return None
    best = max(BUSINESSES, key=lambda name: found[name])
    if max(found.values()) < ALIKE:
        return Reading(-1.0, _("The mean week resembles none of the standard profiles."))
    return Reading(
        found[best] - found["h0"],
        _(
            "Of the standard profiles of businesses {name} is nearest, with {value}, beside "
            "{household} of H0."
        ).format(
            name=best.upper(),
            value=figure(found[best], 2),
            household=figure(found["h0"], 2),
        ),
    )


def _likeness(seen: Observed) -> dict[str, float] | None:
    """Correlation of the mean week by hours with each standard profile of the same seasons."""
    if seen.days < FEWEST_DAYS:
        return None
    at = (seen.day + 3) % 7 * 24 + seen.hour.astype(np.int64)
    mean = means_by(at, seen.power, 168)
    there = ~np.isnan(mean)
    if there.sum() < 120 or mean[there].std() == 0:
        return None
    shares = np.bincount(seasons(seen.day), minlength=3) / len(seen.day)
    found = {}
    for name in PROFILES:
        profile: Floats = sum(
            share * week(name, season).reshape(168, 4).mean(axis=1)
            for season, share in enumerate(shares)
        ) + np.zeros(168)
        found[name] = float(np.corrcoef(mean[there], profile[there])[0, 1])
    return found
