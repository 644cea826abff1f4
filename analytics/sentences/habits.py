"""What correlation, spectrum and pattern say of a load's habits, in plain sentences."""

from typing import NamedTuple

import numpy as np

from analytics.methods.correlation import Correlation, Habit, Portmanteau, Verdict
from analytics.methods.echo import Echo
from analytics.methods.pattern import Pattern
from analytics.methods.spectrum import Spectrum
from meters.days import Floats
from meters.language import N_, _, _n
from meters.wording import figure, lasting, listed, percent

# A value that is outside its band by less than this is barely so.
BARELY = 1.5


class _Verdicts(NamedTuple):
    """What is said of a habit, by what is known of it."""

    constant: str
    too_short: str
    repeats: str
    not_proved: str
    barely_opposed: str
    opposed: str


DAILY = _Verdicts(
    constant=N_("The load does not vary, so no daily habit can show."),
    too_short=N_("A daily habit shows in four days of readings or more."),
    repeats=N_(
        "The load repeats daily: its correlation with the day before is {value}, and chance gives "
        "no more than {band}."
    ),
    not_proved=N_(
        "No daily habit is proved: the correlation with the day before is {value}, within what "
        "chance gives ({band})."
    ),
    barely_opposed=N_(
        "No daily habit is proved: the correlation with the day before is {value}, negative and "
        "barely outside what chance gives ({band})."
    ),
    opposed=N_(
        "No daily habit is proved: the correlation with the day before is {value}, negative and "
        "outside what chance gives ({band})."
    ),
)
WEEKLY = _Verdicts(
    constant=N_("The load does not vary, so no weekly habit can show."),
    too_short=N_("A weekly habit shows in four weeks of readings or more."),
    repeats=N_(
        "The load repeats weekly: its correlation with the week before is {value}, and chance "
        "gives no more than {band}."
    ),
    not_proved=N_(
        "No weekly habit is proved: the correlation with the week before is {value}, within what "
        "chance gives ({band})."
    ),
    barely_opposed=N_(
        "No weekly habit is proved: the correlation with the week before is {value}, negative and "
        "barely outside what chance gives ({band})."
    ),
    opposed=N_(
        "No weekly habit is proved: the correlation with the week before is {value}, negative and "
        "outside what chance gives ({band})."
    ),
)


def of_daily_habit(habit: Habit) -> str:
    """Say whether a load repeats daily."""
    return _of_habit(habit, DAILY)


def of_weekly_habit(habit: Habit) -> str:
    """Say whether a load repeats weekly beyond what it repeats daily."""
    words = _of_habit(habit, WEEKLY)
    if habit.verdict in {Verdict.TOO_SHORT, Verdict.CONSTANT}:
        return words
    return " ".join((words, _("The daily pattern was taken off first.")))


def _of_habit(habit: Habit, verdicts: _Verdicts) -> str:
    return _(_verdict(habit, verdicts)).format(
        value=figure(habit.value, 3), band=f"±{figure(habit.band, 3)}"
    )


def _verdict(habit: Habit, verdicts: _Verdicts) -> str:
    match habit.verdict:
        case Verdict.CONSTANT:
            return verdicts.constant
        case Verdict.TOO_SHORT:
            return verdicts.too_short
        case Verdict.REPEATS:
            return verdicts.repeats
        case Verdict.NOT_PROVED:
            return verdicts.not_proved
    barely = abs(habit.value) < BARELY * habit.band
    return verdicts.barely_opposed if barely else verdicts.opposed


def of_echo(echo: Echo | None) -> str:
    """Say after how long a load comes back to itself within the day."""
    if echo is None:
        return _("No rhythm within the day is proved.")
    return _(
        "Within the day it resembles itself most after {lag} (rank correlation {value}, chance "
        "gives {band})."
    ).format(lag=lasting(echo.lag), value=figure(echo.value, 3), band=f"±{figure(echo.band, 3)}")


def of_partial(partial: Floats, correlation: Correlation) -> str:
    """Say how many values before tell the next one."""
    if len(partial) < 2 or np.isnan(partial[1]):
        return _("How far a value depends on those before it can't be told.")
    clear = np.abs(np.nan_to_num(partial[1:])) > correlation.white
    last = len(clear) if clear.all() else int(np.argmin(clear))
    if not last:
        return _("The value before says nothing of the next one.")
    return _n(
        "The value before, {span}, tells of the next one (partial correlation {value}).",
        "The {number} values before, {span}, tell of the next one; the one just before most "
        "plainly (partial correlation {value}).",
        last,
    ).format(
        number=figure(last),
        span=lasting(last * correlation.interval),
        value=figure(float(partial[1]), 2),
    )


def of_portmanteau(test: Portmanteau | None, correlation: Correlation) -> str:
    """Say whether values depend on their past at all."""
    if test is None:
        return _("Whether values depend on their past can't be told.")
    sign, p = ("<", 0.001) if test.p_value < 0.001 else ("=", test.p_value)
    if test.p_value < 0.05:
        words = _("Values depend on those of the {span} before them (Ljung–Box, {p}).")
    else:
        words = _(
            "That values depend on those of the {span} before them is not proved (Ljung–Box, {p})."
        )
    return words.format(
        span=lasting(test.lags * correlation.interval), p=f"p {sign} {figure(p, 3)}"
    )


def of_spectrum(spectrum: Spectrum) -> str:
    """Name the periods that stand out."""
    if not len(spectrum.lengths):
        return _("There are too few readings, or none that vary, to look for periods.")
    if not spectrum.periods:
        return _("No period stands out from what a load with a memory shows by chance.")
    first, *rest = [f"{lasting(p.length)} ({_share(p.share)})" for p in spectrum.periods]
    if not rest:
        return _("Of how the load varies, a swing of {first} explains most.").format(first=first)
    return _n(
        "Of how the load varies, a swing of {first} explains most; besides it {rest} stands out.",
        "Of how the load varies, a swing of {first} explains most; besides it {rest} stand out.",
        len(rest),
    ).format(first=first, rest=listed(rest))


def of_pattern(pattern: Pattern) -> str:
    """Say how much time of day and weekday explain."""
    if pattern.by_day is None or pattern.by_week is None or pattern.rest is None:
        return _("The load does not vary, so there is nothing to explain.")
    by_day = _share(pattern.by_day.held_out)
    if np.isnan(pattern.weekly).all():
        return _(
            "Told from the other days, the time of day explains {by_day} of the variance; two "
            "weeks are needed to tell what weekdays add."
        ).format(by_day=by_day)
    if pattern.rest.held_out > 0:
        words = _(
            "Told from the other days, the time of day explains {by_day} of the variance and the "
            "weekday {by_week} more; {rest} follow neither."
        )
    else:
        words = _(
            "Told from the other days, the time of day explains {by_day} of the variance and the "
            "weekday {by_week} more, which leaves nothing."
        )
    return words.format(
        by_day=by_day,
        by_week=_share(pattern.by_week.held_out),
        rest=_share(pattern.rest.held_out),
    )


def _share(share: float) -> str:
    """Write a share in a form that stands after “explains”."""
    if 0 < share < 0.01:
        return _("less than {share}").format(share=percent(0.01))
    return percent(share) if share else _("nothing")
