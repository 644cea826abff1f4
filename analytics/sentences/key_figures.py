"""What the key figures of a load say, in plain sentences."""

import numpy as np

from analytics.methods.annual import Annual
from analytics.methods.key_figures import KeyFigures
from analytics.sentences.words import NOTHING, kilowatt_hours
from meters.language import _, _n
from meters.wording import THIN, figure, listed, local, percent, power
from meters.zones import Zone


def of_base_load(figures: KeyFigures) -> str:
    """Say what is never switched off."""
    if figures.mean_power is None:
        return _(NOTHING)
    if figures.base_load is None:
        return _("The base load shows only in readings of an hour or less.")
    if figures.base_load == 0:
        return _("There is no base load: on a usual day the power falls to 0.")
    if figures.mean_power <= 0:
        return _("The base load is {base_load}.").format(base_load=power(figures.base_load))
    return _(
        "The base load is {base_load}: on a usual day the power is higher for {time} of the time. "
        "It makes up {share} of the energy."
    ).format(
        base_load=power(figures.base_load),
        time=percent(0.95),
        share=percent(min(figures.base_load / figures.mean_power, 1.0)),
    )


def of_peak(figures: KeyFigures, zone: Zone) -> str:
    """Say how high and when the peak was."""
    if figures.peak is None:
        return _(NOTHING)
    return _("The peak was {peak}, on {when}.").format(
        peak=power(figures.peak.power), when=local(figures.peak.instant, zone)
    )


def of_load_factor(figures: KeyFigures) -> str:
    """Say how evenly the load runs."""
    if figures.load_factor is None or figures.full_load_hours is None:
        return _("Without any power there is no load factor.")
    return _(
        "The mean power is {share} of the peak (load factor {factor}): the peak would give the "
        "same energy in {hours}."
    ).format(
        share=percent(figures.load_factor, 1),
        factor=figure(figures.load_factor, 2),
        hours=f"{figure(figures.full_load_hours)}{THIN}h",
    )


def of_night(figures: KeyFigures) -> str:
    """Compare the night's share of the energy with its share of the time."""
    if figures.night_share is None or figures.night_time is None:
        return _("What the night takes can't be told.")
    return _("Between 22:00 and 06:00 falls {share} of the energy, in {time} of the time.").format(
        share=percent(figures.night_share), time=percent(figures.night_time)
    )


def of_weekdays(figures: KeyFigures) -> str:
    """Compare weekdays with weekends."""
    ratio = figures.weekday_ratio
    if figures.mean_power is None:
        return _(NOTHING)
    if ratio is None:
        return _("Weekdays and weekends can't be compared: one of them has no energy.")
    if 0.95 <= ratio <= 1.05:
        words = _("Weekdays and weekends are about alike (ratio {ratio}).")
    elif ratio > 1:
        words = _("A weekday has {share} more energy than a day of the weekend (ratio {ratio}).")
    else:
        words = _("A weekday has {share} less energy than a day of the weekend (ratio {ratio}).")
    return words.format(share=percent(abs(ratio - 1)), ratio=figure(ratio, 2))


def of_annual(annual: Annual | None) -> str:
    """Say what a year comes to, how sure that is, and what was not seen."""
    if annual is None:
        return _("Less than a day is known, too little to tell a year from.")
    if annual.low is None or annual.high is None or annual.high <= annual.low:
        if annual.is_measured:
            words = _("The last 365 days came to {energy}.")
        else:
            words = _(
                "A year of such weeks would come to {energy}, and less than two whole weeks can't "
                "say how sure that is."
            )
        words = words.format(energy=kilowatt_hours(annual.energy))
    else:
        if annual.is_measured:
            words = _("The last 365 days came to {energy} ({confidence} sure: {low} to {high}).")
        else:
            words = _(
                "A year of such weeks would come to {energy} ({confidence} sure: {low} to {high})."
            )
        step = _step((annual.high - annual.low) / 2)
        words = words.format(
            energy=f"{_rounded(annual.energy, step)}{THIN}kWh",
            confidence=percent(0.95),
            low=_rounded(annual.low, step),
            high=f"{_rounded(annual.high, step)}{THIN}kWh",
        )
    if annual.is_measured or not annual.unseen:
        return words
    unseen = _n(
        "{seasons} was not seen and may differ.",
        "{seasons} were not seen and may differ.",
        len(annual.unseen),
    ).format(seasons=listed([_(season) for season in annual.unseen]))
    return f"{words} {unseen}"


def _step(half: float) -> float:
    """Choose the digit to which an estimate is given: the second one of its uncertainty."""
    return float(10 ** (np.floor(np.log10(half)) - 1)) if half > 0 else 0.001


def _rounded(value: float, step: float) -> str:
    digits = max(int(-np.floor(np.log10(step))), 0)
    return figure(round(value / step) * step, digits)
