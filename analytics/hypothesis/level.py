"""Which way energy flows, how much of it, and how evenly."""

from __future__ import annotations

import numpy as np

from analytics.hypothesis.observed import Observed
from analytics.hypothesis.words import Reading, energy, percent
from meters.language import _
from meters.wording import figure, power

HOURS_OF_A_YEAR = 8766


def direction(seen: Observed) -> Reading:
    """The share of the energy that is fed in, by the registers' OBIS codes."""
    hours = seen.main.interval / 3600
    taken, given = (
        0.0 if flow is None else float(np.nansum(flow)) * hours for flow in (seen.taken, seen.given)
    )
    share = given / (taken + given) if taken + given > 0 else 0.0
    if seen.taken is None:
        words = _("Only an export register is there: {given} fed in.")
    elif seen.given is None:
        words = _("Only an import register is there: {taken} taken.")
    else:
        words = _("{share} of the energy is fed in: {given}, and {taken} taken.")
    return Reading(
        share, words.format(share=percent(share), given=energy(given), taken=energy(taken))
    )


def base_share(seen: Observed) -> Reading | None:
    """The base load as a share of the mean power."""
    if seen.mean <= 0:
        return None
    share = max(seen.base_load, 0.0) / seen.mean
    return Reading(
        share,
        _("The base load is {base_load}, {share} of the mean of {mean}.").format(
            base_load=power(seen.base_load), share=percent(share), mean=power(seen.mean)
        ),
    )


def load_factor(seen: Observed) -> Reading | None:
    """Mean power over the highest."""
    highest = float(seen.power.max())
    if highest <= 0:
        return None
    factor = seen.mean / highest
    words = _("The load factor is {factor}: the highest interval has {highest}.")
    return Reading(factor, words.format(factor=percent(factor), highest=power(highest)))


def spread(seen: Observed) -> Reading | None:
    """Standard deviation over mean: how steady the power is."""
    if seen.mean <= 0:
        return None
    share = float(seen.power.std()) / seen.mean
    words = _("The power varies by {share} of its mean (one standard deviation).")
    return Reading(share, words.format(share=percent(share)))


def size(seen: Observed) -> Reading:
    """What a year at this mean power would come to; a season alone may be far from it."""
    year = seen.mean * HOURS_OF_A_YEAR
    words = _("At this mean power a year would come to {energy}.")
    return Reading(seen.mean, words.format(energy=energy(year)))


def highest(seen: Observed) -> Reading:
    """The power that is passed for a thousandth of the time."""
    words = _("It passes {power} for a thousandth of the time alone.")
    return Reading(seen.top, words.format(power=power(seen.top)))


def idle_share(seen: Observed) -> Reading:
    """The share of intervals in which nothing runs but standby."""
    share = float(seen.idle.mean())
    if share == 0:
        words = _("It never falls idle: the lowest is {lowest}.")
        return Reading(0.0, words.format(lowest=power(float(seen.power.min()))))
    words = _("Nothing runs, standby apart, in {share} of the intervals.")
    return Reading(share, words.format(share=percent(share)))


def days_differ(seen: Observed) -> Reading | None:
    """How much whole days differ: standard deviation over mean of their energy."""
    _days, daily = seen.daily
    if len(daily) < 5 or daily.mean() <= 0:
        return None
    share = float(daily.std() / daily.mean())
    low, high = np.quantile(daily, [0.1, 0.9]) * 24
    return Reading(
        share,
        _("Days differ by {share}: most have {low} to {high}.").format(
            share=percent(share), low=energy(low), high=energy(high)
        ),
    )


def seasons_differ(seen: Observed) -> Reading | None:
    """Mean power of the dark quarter of the year over that of the light one."""
    if seen.sun is None:
        return None
    light = seen.sun.half_day
    # The longest and the shortest days of the place, within a month and a half of the solstices.
    tilt = np.abs(seen.sun.place.latitude)
    if tilt < 25:
        return None
    low, high = (float(value) for value in np.quantile(light, [0.0, 1.0]))
    if high - low < 2 * np.radians(tilt):
        return None
    dark_days, light_days = light < low + 0.25 * (high - low), light > high - 0.25 * (high - low)
    if min(dark_days.sum(), light_days.sum()) * seen.main.interval < 21 * 86_400:
        return None
    dark, bright = float(seen.power[dark_days].mean()), float(seen.power[light_days].mean())
    if min(dark, bright) <= 0:
        return None
    ratio = dark / bright
    return Reading(
        ratio,
        _(
            "In the shortest days it is {ratio} times the power of the longest ones: {dark} to "
            "{bright}."
        ).format(ratio=figure(ratio, 2), dark=power(dark), bright=power(bright)),
    )
