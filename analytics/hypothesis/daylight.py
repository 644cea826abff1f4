"""Whether power follows the sun: night, sunrise and sunset, noon."""

from __future__ import annotations

import numpy as np

from analytics.hypothesis.observed import Observed
from analytics.hypothesis.words import Reading, city, percent
from meters import wording
from meters.language import _
from meters.wording import figure, power

DARK = -6.0
"""Elevation of the sun at which civil twilight ends [°]."""
FEWEST_IDLE = 0.25
NEARLY_ALL = 0.99


def follows_the_sun(seen: Observed) -> Reading | None:
    """Correlation of the power with the sine of the sun's elevation."""
    if seen.sun is None or seen.power.std() == 0:
        return None
    height = np.maximum(np.sin(np.radians(seen.sun.elevation)), 0.0)
    if height.std() == 0:
        return None
    value = float(np.corrcoef(height, seen.power)[0, 1])
    return Reading(
        value,
        _(
            "The power follows the height of the sun over {place} with a correlation of {value}."
        ).format(place=_place(seen), value=figure(value, 2)),
    )


def power_in_the_dark(seen: Observed) -> Reading | None:
    """Mean power while the sun is well below the horizon, over the mean of all."""
    if seen.sun is None or seen.mean <= 0:
        return None
    dark = seen.sun.elevation < DARK
    if dark.sum() * seen.main.interval < 2 * 86_400:
        return None
    value = float(seen.power[dark].mean()) / seen.mean
    if not seen.power[dark].any():
        return Reading(0.0, _("Not one interval after dusk and before dawn has any energy."))
    words = _("After dusk and before dawn the power is {share} of its mean.")
    return Reading(value, words.format(share=percent(value)))


def _place(seen: Observed) -> str:
    assert seen.sun is not None
    return city(seen.main.zone.name, seen.sun.place.name)


def zeros_by_night(seen: Observed) -> Reading | None:
    """The share of the dark in which nothing flows; told with the share of all intervals."""
    if seen.sun is None:
        return None
    dark = seen.sun.elevation < DARK
    if not dark.any():
        return None
    zero = seen.power == 0
    value = float((zero & dark).sum() / dark.sum())
    share = float(zero.mean())
    if share == 0:
        return Reading(value, _("No interval is zero, by day or by night."))
    of_zeros = float((zero & ~seen.sun.is_up).sum() / zero.sum())
    if of_zeros == 1:
        words = _(
            "{share} of intervals are zero, and every one of them between sunset and sunrise."
        )
    elif value > 0.98:
        words = _(
            "{share} of intervals are zero, {by_night} of them between sunset and sunrise and "
            "{nearly_all} of them while the sun over {place} stands lower than {elevation}°."
        )
    else:
        words = _("{share} of intervals are zero, {by_night} of them between sunset and sunrise.")
    return Reading(
        value,
        words.format(
            share=percent(share),
            by_night=percent(of_zeros),
            nearly_all=wording.percent(NEARLY_ALL),
            place=_place(seen),
            elevation=figure(float(np.ceil(np.quantile(seen.sun.elevation[zero], NEARLY_ALL)))),
        ),
    )


def begins_and_ends_with_the_sun(seen: Observed) -> Reading | None:
    """How far the day's first and last activity lie from sunrise and sunset [h]."""
    if seen.sun is None or not FEWEST_IDLE < seen.idle.mean() < 1:
        return None
    active = ~seen.idle
    sun_time, half = seen.sun.solar_hour[active], seen.sun.half_day[active]
    days = seen.day[active] - int(seen.day.min())
    size = int(days.max()) + 1
    first, last = np.full(size, np.inf), np.full(size, -np.inf)
    np.minimum.at(first, days, sun_time - (12 - half))
    np.maximum.at(last, days, sun_time - (12 + half))
    there = np.isfinite(first)
    if there.sum() < 5:
        return None
    begin, end = float(np.median(first[there])), float(np.median(last[there]))
    value = float(np.median(np.abs(first[there])) + np.median(np.abs(last[there]))) / 2
    return Reading(
        value,
        _("On a usual day power begins {begin} and ends {end} ({place}).").format(
            begin=(_("{span} after sunrise") if begin >= 0 else _("{span} before sunrise")).format(
                span=_span(begin)
            ),
            end=(_("{span} after sunset") if end >= 0 else _("{span} before sunset")).format(
                span=_span(end)
            ),
            place=_place(seen),
        ),
    )


def _span(hours: float) -> str:
    minutes = round(abs(hours) * 60)
    return f"{minutes} min" if minutes < 120 else f"{figure(abs(hours), 1)} h"


def noon_to_evening(seen: Observed) -> Reading | None:
    """Mean power from 11 to 15 o'clock over that from 18 to 22."""
    hours = seen.by_hour
    noon, evening = hours[11:15].mean(), hours[18:22].mean()
    if np.isnan(noon + evening) or noon + evening <= 0:
        return None
    value = float(noon / evening) if evening > 0 else np.inf
    return Reading(
        value,
        _("From 11 to 15 o'clock the mean is {noon}, from 18 to 22 o'clock {evening}.").format(
            noon=power(float(noon)), evening=power(float(evening))
        ),
    )


def idle_at_noon(seen: Observed) -> Reading | None:
    """The share of idle intervals around noon less that of the small hours."""
    noon, night = (seen.hour >= 11) & (seen.hour < 15), seen.hour < 5
    if not noon.any() or not night.any():
        return None
    by_day, by_night = float(seen.idle[noon].mean()), float(seen.idle[night].mean())
    return Reading(
        by_day - by_night,
        _(
            "{by_day} of the intervals from 11 to 15 o'clock are idle, and {by_night} of those "
            "from 0 to 5."
        ).format(by_day=percent(by_day), by_night=percent(by_night)),
    )
