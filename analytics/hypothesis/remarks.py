"""What the values tell beside the kind: the meter's step, how they were made, where on earth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analytics.hypothesis import words as written
from analytics.hypothesis.observed import Observed, RegisterLoad
from analytics.hypothesis.sunlight import ROOF_ERROR, Longitude, longitude
from analytics.hypothesis.words import clock, percent
from analytics.methods.load import HOUR, Load
from meters.days import Floats
from meters.language import _
from meters.wording import THIN, figure

FINEST_STEP = 1e-6
"""Finest step that is looked for [kWh]: a milliwatt-hour."""
STRAIGHT = 0.95
"""Share of straight pieces from which on values are said to be interpolated."""
BENT = 4.0
"""How much sharper the bends must be at the full hours."""


@dataclass(frozen=True, slots=True)
class Remarks:
    """What else the values tell, as figures and sentences.

    Attributes
    ----------
    steps
        Largest step of which all values of each register are multiples [kWh], by OBIS code.
    interpolated
        Whether the values run in straight lines between full hours.
    longitude
        Where the sun stands highest when half of the energy fed in has come; None of what does not
        rise and set with the sun.
    sentences
        All of it in words.
    """

    steps: tuple[tuple[str, float], ...] = ()
    interpolated: bool = False
    longitude: Longitude | None = None
    sentences: tuple[str, ...] = ()


def remark(seen: Observed) -> Remarks:
    """Read off what the kind of meter has no say in."""
    sentences, steps = [], []
    for one in seen.registers:
        step = step_of(one.load)
        if step is not None:
            steps.append((str(one.code), step))
            sentences.append(_step_in_words(one, step))
    straight, words = straightness(seen.main.power, seen.main.interval, seen.main.start)
    if words:
        sentences.append(words)
    where = _where(seen, interpolated=straight)
    if where is not None:
        sentences += _place_in_words(where, seen.main.interval, interpolated=straight)
    return Remarks(tuple(steps), straight, where, tuple(sentences))


def step_of(load: Load) -> float | None:
    """Return the largest step of which all energies are multiples [kWh]; None if there is none."""
    counts = load.energies[load.known] / FINEST_STEP
    whole = np.rint(counts)
    # What was divided and multiplied on the way is off by some last digits.
    if not len(whole) or np.abs(counts - whole).max() > 1e-3:
        return None
    step = int(np.gcd.reduce(np.unique(whole).astype(np.int64)))
    return step * FINEST_STEP if step > 1 else None


def _step_in_words(one: RegisterLoad, step: float) -> str:
    pulses = 1 / step
    watts = step * 1000 * HOUR / one.load.interval
    match abs(pulses - round(pulses)) < 1e-6, abs(watts - round(watts)) < 1e-6 and watts >= 1:
        case True, True:
            words = _(
                "All values of {code} are multiples of {step}: {pulses} pulses a kWh, or whole "
                "multiples of {watts} of mean power."
            )
        case True, False:
            words = _("All values of {code} are multiples of {step}: {pulses} pulses a kWh.")
        case False, True:
            words = _(
                "All values of {code} are multiples of {step}: whole multiples of {watts} of mean "
                "power."
            )
        case _:
            words = _(
                "All values of {code} are multiples of {step}: the meter's or the upstream's "
                "resolution."
            )
    return words.format(
        code=one.code,
        step=_watt_hours(step),
        pulses=figure(round(pulses)),
        watts=f"{figure(watts)}{THIN}W",
    )


def _watt_hours(step: float) -> str:
    """Write a step [kWh] in Wh, with the digits that it has and no more."""
    amount = step * 1000
    digits = next((n for n in range(3) if abs(amount - round(amount, n)) < 1e-9), 3)
    return f"{figure(amount, digits)}{THIN}Wh"


def straightness(power: Floats, interval: int, start: int) -> tuple[bool, str]:
    """Say whether values run in straight lines between the full hours of UTC.

    The second difference of three values that follow each other is 0 on a straight line, but for
    rounding; that of values interpolated from hourly ones is so everywhere but at full hours.
    """
    per_hour = HOUR // interval if interval < HOUR and HOUR % interval == 0 else 0
    if per_hour < 3 or len(power) < 3:
        return False, ""
    bend = np.abs(power[2:] - 2 * power[1:-1] + power[:-2])
    there = (power[2:] > 0) & (power[1:-1] > 0) & (power[:-2] > 0) & ~np.isnan(bend)
    at_hour = (start // interval + 1 + np.arange(len(bend))) % per_hour == 0
    step = _finest_difference(power)
    if step is None or min((there & at_hour).sum(), (there & ~at_hour).sum()) < 50:
        return False, ""
    # Three rounded values are off a line by two steps at most.
    within = bend[there & ~at_hour]
    straight = float((within <= 2.01 * step).mean())
    sharper = float(bend[there & at_hour].mean()) > BENT * max(float(within.mean()), step / 2)
    if straight < STRAIGHT or not sharper:
        return False, ""
    words = _(
        "Between full hours the values run in straight lines ({share} of them, within rounding), "
        "and bend at the full hours: they were interpolated from hourly values, and are not what a "
        "meter counted in each interval."
    )
    return True, words.format(share=percent(straight))


def _finest_difference(power: Floats) -> float | None:
    """The smallest difference between two different values [kW]."""
    values = np.unique(power[~np.isnan(power)])
    differences = np.diff(values)
    differences = differences[differences > 1e-9]
    return float(differences.min()) if len(differences) else None


def _where(seen: Observed, *, interpolated: bool) -> Longitude | None:
    """The longitude of a feed-in: of what is given by day and not by night."""
    if not seen.feeds_in or seen.sun is None:
        return None
    up = seen.sun.is_up
    if seen.power[~up].sum() > 0.02 * seen.power.sum():
        return None
    middles = seen.main.instants[seen.main.known] + seen.main.interval // 2
    return longitude(middles, seen.power, seen.main.interval, interpolated=interpolated)


def _place_in_words(where: Longitude, interval: int, *, interpolated: bool) -> list[str]:
    if where.equation > 0:
        words = _(
            "The energy is centred at {centre} UTC (the middles of the intervals), when a sundial "
            "is {equation} ahead of the mean sun: noon is then at {longitude}, give or take "
            "{error}° ({by_chance}° from day to day, {roof}° for the direction in which the roof "
            "may face, {placement}° for the moment to which a value belongs)."
        )
    else:
        words = _(
            "The energy is centred at {centre} UTC (the middles of the intervals), when a sundial "
            "is {equation} behind the mean sun: noon is then at {longitude}, give or take "
            "{error}° ({by_chance}° from day to day, {roof}° for the direction in which the roof "
            "may face, {placement}° for the moment to which a value belongs)."
        )
    found = [
        words.format(
            centre=clock(where.centre),
            equation=f"{figure(abs(where.equation), 1)}{THIN}min",
            longitude=written.longitude(where.degrees),
            error=figure(where.error),
            by_chance=figure(where.by_chance, 1),
            roof=figure(ROOF_ERROR),
            placement=figure(where.placement, 1),
        )
    ]
    if interpolated:
        # A value that stands for an hour's middle is placed at the middle of its own interval.
        west, east = (15 * (0.5 + sign * interval / 2 / HOUR) for sign in (-1, 1))
        found.append(
            _(
                "If each hourly value stood for the hour that begins then, that is {west}° further "
                "west, and {east}° further east if for the hour that ends then."
            ).format(west=figure(west, 1), east=figure(east, 1))
        )
    return found
