"""The figures by which a load is known: base load, peak, load factor, night share and the like."""

from dataclasses import dataclass

import numpy as np

from analytics.methods.annual import Annual, annual_estimate
from analytics.methods.load import HOUR, Load
from analytics.methods.pattern import weekdays
from analytics.methods.quantiles import quantiles_by_group
from meters.zones import DAY

# The night of the grid's off-peak hours: from 22:00 to 06:00 on the local clock.
NIGHT_BEGINS, NIGHT_ENDS = 22 * HOUR, 6 * HOUR
BASE_LOAD_QUANTILE = 0.05
# A day of which less is known says nothing of its quiet hours.
DAY_KNOWN_ENOUGH = 0.5


@dataclass(frozen=True, slots=True)
class Peak:
    """The slot of the highest mean power."""

    power: float
    """[kW]"""
    instant: int
    """Start of the slot [s]."""


@dataclass(frozen=True, slots=True)
class KeyFigures:
    """What a load comes to; None where too little is known to say.

    Attributes
    ----------
    energy
        Of what is known [kWh].
    mean_power, base_load
        [kW]
    peak
        When the highest power was, and how high.
    load_factor
        Mean power over peak power, from 0 to 1.
    full_load_hours
        For how long the peak would give the same energy [h], of the range as long as it is known.
    night_share
        Share of the energy between 22:00 and 06:00 local time.
    night_time
        Share of the known time that is night, which the share of an even load would be.
    weekday_ratio
        Mean power of Monday to Friday over that of Saturday and Sunday.
    zero_share
        Share of the known slots of which the power is exactly 0.
    annual
        What a year would come to.
    """

    energy: float
    mean_power: float | None
    base_load: float | None
    peak: Peak | None
    load_factor: float | None
    full_load_hours: float | None
    night_share: float | None
    night_time: float | None
    weekday_ratio: float | None
    zero_share: float | None
    annual: Annual | None


def key_figures(load: Load) -> KeyFigures:
    """Work out the figures by which a load is known."""
    known = load.known
    power = load.power[known]
    if not len(power):
        return KeyFigures(0.0, *(None,) * 10)
    highest = peak(load)
    mean = float(power.mean())
    second = load.second[known]
    night = (second >= NIGHT_BEGINS) | (second < NIGHT_ENDS)
    has_times_of_day = load.interval <= HOUR
    total = float(power.sum())
    positive_peak = highest is not None and highest.power > 0
    factor = mean / highest.power if highest is not None and positive_peak else None
    return KeyFigures(
        energy=load.energy,
        mean_power=mean,
        base_load=base_load(load),
        peak=highest,
        load_factor=factor,
        full_load_hours=None if factor is None else factor * len(power) * load.interval / HOUR,
        night_share=float(power[night].sum()) / total if has_times_of_day and total > 0 else None,
        night_time=float(night.mean()) if has_times_of_day else None,
        weekday_ratio=_weekday_ratio(load),
        zero_share=float((power == 0).mean()),
        annual=annual_estimate(load),
    )


def peak(load: Load) -> Peak | None:
    """Find the slot of the highest mean power; None where nothing is known."""
    if not load.count:
        return None
    at = int(np.nanargmax(load.power))
    return Peak(float(load.power[at]), load.start + at * load.interval)


def base_load(load: Load) -> float | None:
    """Return the base load [kW]: the median over local days of each day's 5 % quantile of power.

    A single quiet hour, or one day away from home, does not move it. Days of which less than half
    is known do not count, unless there are no others. None where nothing is known, or a slot is
    longer than an hour and hides the quiet moments.
    """
    if not load.count or load.interval > HOUR:
        return None
    day = load.day[load.known] - load.day[0]
    days = int(day[-1]) + 1
    [quiet] = quantiles_by_group(
        load.power[load.known], day, days, [BASE_LOAD_QUANTILE], load.order
    )
    count = np.bincount(day, minlength=days)
    enough = count >= DAY_KNOWN_ENOUGH * DAY / load.interval
    return float(np.median(quiet[enough if enough.any() else count > 0]))


def _weekday_ratio(load: Load) -> float | None:
    """Compare mean powers, for days that the range cuts count by what is known of them."""
    known = load.known
    weekend = weekdays(load)[known] >= 5
    power = load.power[known]
    if load.interval > DAY or weekend.all() or not weekend.any():
        return None
    of_weekend = float(power[weekend].mean())
    return float(power[~weekend].mean()) / of_weekend if of_weekend > 0 else None
