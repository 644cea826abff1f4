"""What correlation, spectrum and pattern say of a load's habits, in plain sentences."""

import numpy as np

from analytics.methods.correlation import Correlation, Habit, Portmanteau, Verdict
from analytics.methods.echo import Echo
from analytics.methods.pattern import Pattern
from analytics.methods.spectrum import Spectrum
from meters.days import Floats
from meters.wording import figure, lasting, listed, percent

# A value that is outside its band by less than this is barely so.
BARELY = 1.5


def of_daily_habit(habit: Habit) -> str:
    """Say whether a load repeats daily."""
    return _of_habit(habit, "daily", "the day before", "four days")


def of_weekly_habit(habit: Habit) -> str:
    """Say whether a load repeats weekly beyond what it repeats daily."""
    words = _of_habit(habit, "weekly", "the week before", "four weeks")
    if habit.verdict in {Verdict.TOO_SHORT, Verdict.CONSTANT}:
        return words
    return f"{words} The daily pattern was taken off first."


def _of_habit(habit: Habit, how: str, before: str, least: str) -> str:
    match habit.verdict:
        case Verdict.CONSTANT:
            return f"The load does not vary, so no {how} habit can show."
        case Verdict.TOO_SHORT:
            return f"A {how} habit shows in {least} of readings or more."
    value, band = figure(habit.value, 3), f"±{figure(habit.band, 3)}"
    if habit.verdict is Verdict.REPEATS:
        return (
            f"The load repeats {how}: its correlation with {before} is {value}, and chance gives "
            f"no more than {band}."
        )
    words = f"No {how} habit is proved: the correlation with {before} is {value}, "
    if habit.verdict is Verdict.NOT_PROVED:
        return f"{words}within what chance gives ({band})."
    barely = "barely " if abs(habit.value) < BARELY * habit.band else ""
    return f"{words}negative and {barely}outside what chance gives ({band})."


def of_echo(echo: Echo | None) -> str:
    """Say after how long a load comes back to itself within the day."""
    if echo is None:
        return "No rhythm within the day is proved."
    return (
        f"Within the day it resembles itself most after {lasting(echo.lag)} (rank correlation "
        f"{figure(echo.value, 3)}, chance gives ±{figure(echo.band, 3)})."
    )


def of_partial(partial: Floats, correlation: Correlation) -> str:
    """Say how many values before tell the next one."""
    if len(partial) < 2 or np.isnan(partial[1]):
        return "How far a value depends on those before it can't be told."
    clear = np.abs(np.nan_to_num(partial[1:])) > correlation.white
    last = len(clear) if clear.all() else int(np.argmin(clear))
    if not last:
        return "The value before says nothing of the next one."
    which = "value" if last == 1 else f"{figure(last)} values"
    return (
        f"The {which} before, {lasting(last * correlation.interval)}, tell{'s' * (last == 1)} of "
        f"the next one; the one just before most plainly (partial correlation "
        f"{figure(float(partial[1]), 2)})."
    )


def of_portmanteau(test: Portmanteau | None, correlation: Correlation) -> str:
    """Say whether values depend on their past at all."""
    if test is None:
        return "Whether values depend on their past can't be told."
    span = lasting(test.lags * correlation.interval)
    p = "p < 0.001" if test.p_value < 0.001 else f"p = {figure(test.p_value, 3)}"
    if test.p_value < 0.05:
        return f"Values depend on those of the {span} before them (Ljung–Box, {p})."
    return f"That values depend on those of the {span} before them is not proved (Ljung–Box, {p})."


def of_spectrum(spectrum: Spectrum) -> str:
    """Name the periods that stand out."""
    if not len(spectrum.lengths):
        return "There are too few readings, or none that vary, to look for periods."
    if not spectrum.periods:
        return "No period stands out from what a load with a memory shows by chance."
    named = [f"{lasting(p.length)} ({_share(p.share)})" for p in spectrum.periods]
    first, *rest = named
    words = f"Of how the load varies, a swing of {first} explains most"
    if not rest:
        return f"{words}."
    return f"{words}; besides it {listed(rest)} stand{'s' * (len(rest) == 1)} out."


def of_pattern(pattern: Pattern) -> str:
    """Say how much time of day and weekday explain."""
    if pattern.by_day is None or pattern.by_week is None or pattern.rest is None:
        return "The load does not vary, so there is nothing to explain."
    words = (
        f"Told from the other days, the time of day explains {_share(pattern.by_day.held_out)} of "
        "the variance"
    )
    if np.isnan(pattern.weekly).all():
        return f"{words}; two weeks are needed to tell what weekdays add."
    return (
        f"{words} and the weekday {_share(pattern.by_week.held_out)} more; "
        f"{_share(pattern.rest.held_out)} follow neither."
    )


def _share(share: float) -> str:
    if 0 < share < 0.01:
        return f"less than {percent(0.01)}"
    return percent(share) if share else "nothing"
