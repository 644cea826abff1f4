"""What a meter's curve is compared with: the time before, the year before, or another meter."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

import numpy as np
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from analytics.figures.compared import Bars, Line
from analytics.figures.curves import mean_power
from analytics.methods.aligning import laid_over, rolled, shifted
from analytics.pages.cards import named_within
from analytics.pages.meter.choice import YEAR, Choice
from analytics.period import Period
from meters.dates import dated, weekday
from meters.grid import Resolution
from meters.models import Register
from meters.readings import Query, RegisterReadings, TooFineError, readings
from meters.series import Buckets
from meters.templatetags.units import THIN, Amount, change_in_words, energy, figure

# Below this share of its intervals a sum says too little to be called more or less than another.
COMPLETE = 0.9
BY_MONTH = {"P1M", "P1Y"}


@dataclass(frozen=True)
class Pair:
    """One register of the curve and what it is compared with, over what is shown."""

    shown: RegisterReadings
    other: RegisterReadings

    @property
    def is_alike(self) -> bool:
        return self.shown.register.code.direction is self.other.register.code.direction


@dataclass
class Comparison:
    """What is drawn and said beside a curve.

    Attributes
    ----------
    name
        The other range, or the other meter.
    query
        What is read of it: a time of its own.
    lines, bars
        What is drawn: lines on a load curve, bars among bars.
    notes
        What is to be known about it.
    """

    choice: Choice
    name: str
    query: Query
    pairs: Sequence[Pair]
    lines: list[Line] = field(default_factory=list)
    bars: list[Bars] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def sentence(self) -> str:
        return " ".join(_sentence(pair, self) for pair in self.pairs)

    @property
    def registers(self) -> list[Register]:
        return [pair.other.register for pair in self.pairs]


def compare(
    choice: Choice, shown: Sequence[RegisterReadings], period: Period, view: Period
) -> Comparison | None:
    """Read what the curve is compared with, and lay it over what is shown.

    Parameters
    ----------
    shown
        The registers of the curve, over `view`.
    period
        The page's range, from whose beginning times are counted.
    view
        The stretch of it that is shown.

    Returns
    -------
    None where nothing is compared.
    """
    if not choice or not shown:
        return None
    start, end, shift = _range(choice, period, view)
    by_day = view.resolution.is_calendar
    resolution = Resolution.parse("P1D") if by_day else view.resolution
    query = Query(start, end, resolution, view.zone, view.now)
    registers = _counterparts(choice, shown)
    others = dict(zip(registers, _read(list(registers.values()), query), strict=True))
    pairs = [Pair(one, others[i]) for i, one in enumerate(shown) if i in others]
    name = choice.meter.name if choice.meter else replace(view, start=start, end=end).words
    found = Comparison(choice, name, replace(query, resolution=view.resolution), pairs)
    if not pairs:
        words = _("{name} has no register that can be compared with this meter's.")
        found.notes.append(words.format(name=name))
    left = 0
    for pair in pairs:
        left = max(left, _draw(found, pair, view, shift))
    found.notes += _notes(found, view, shift, left)
    return found


def _range(choice: Choice, period: Period, view: Period) -> tuple[int, int, int]:
    """Say which range [s] is compared with, and how many days later its days stand."""
    if choice.meter:
        return view.start, view.end, 0
    zone, first, last = period.zone, period.first_day, period.last_day
    if choice.time == YEAR:
        other_first, other_last = _year_before(first), _year_before(last)
    else:
        other_first, other_last = first - timedelta(days=period.days), first - timedelta(days=1)
    shift = (first - other_first).days
    if (view.start, view.end) == (period.start, period.end):
        end = zone.midnight(other_last + timedelta(days=1))
        return zone.midnight(other_first), end, shift
    return shifted(view.start, zone, -shift), shifted(view.end, zone, -shift), shift


def _year_before(day: date) -> date:
    try:
        return day.replace(year=day.year - 1)
    except ValueError:
        return day.replace(year=day.year - 1, day=28)


def _counterparts(choice: Choice, shown: Sequence[RegisterReadings]) -> dict[int, Register]:
    """Find for each register of the curve, by its place, the one that it is compared with."""
    if choice.meter is None:
        return {i: one.register for i, one in enumerate(shown)}
    others = list(choice.meter.registers.all())
    main = [one for one in others if one.is_main_energy]
    found = {}
    for i, one in enumerate(shown):
        register = one.register
        for other in main if register.is_main_energy else others:
            same = other.code.direction is register.code.direction
            if same if register.is_main_energy else other.obis == register.obis:
                found[i] = other
                break
    if not found and main and shown[0].register.code.unit == main[0].code.unit:
        # Nothing of the same direction: the curves can be looked at side by side all the same.
        found[0] = main[0]
    return found


def _read(registers: Sequence[Register], query: Query) -> list[RegisterReadings]:
    if not registers:
        return []
    try:
        return readings(registers, query)
    except TooFineError as error:
        return readings(registers, replace(query, resolution=error.fits))


def _draw(found: Comparison, pair: Pair, view: Period, shift: int) -> int:
    """Lay one register over the curve; return how many of its buckets have no place there."""
    code, buckets = pair.other.register.code, pair.other.buckets
    label = found.name
    if len(found.pairs) > 1 or not pair.is_alike:
        label = f"{label}, {named_within(code.direction)}"
    is_elsewhen = found.choice.meter is None
    if view.resolution.is_calendar:
        by_date = found.choice.time == YEAR and view.resolution.text in BY_MONTH
        days, left = rolled(buckets, view.zone, pair.shown.buckets.edges, shift, by_date=by_date)
        found.bars.append(Bars(label, code.unit, days, is_elsewhen))
        return left
    starts = laid_over(buckets.edges[:-1], view.zone, shift, view.start, view.end)
    unit, values = code.unit, buckets.values
    if code.is_summable:
        unit, values = unit.removesuffix("h"), mean_power(buckets)
    lengths = np.diff(buckets.edges)
    resolution = str(view.resolution)
    if len(lengths) and int(np.median(lengths)) != view.resolution.seconds:
        resolution = str(Resolution.of_seconds(int(np.median(lengths))))
    found.lines.append(
        Line(label, unit, code.unit, buckets, starts, values, resolution, is_elsewhen)
    )
    return int(((starts < 0) & (buckets.count > 0)).sum())


def _notes(found: Comparison, view: Period, shift: int, left: int) -> list[str]:
    notes = []
    by_month = view.resolution.text in BY_MONTH
    if shift % 7 and not by_month:
        here, there = (view.zone.date_at(at) for at in (view.start, found.query.start))
        words = _("Weekdays do not match: {here} was a {weekday_here}, {there} a {weekday_there}.")
        notes.append(
            words.format(
                here=dated(here, "long"),
                weekday_here=weekday(here),
                there=dated(there, "long"),
                weekday_there=weekday(there),
            )
        )
    if left:
        if view.resolution.is_calendar:
            words = ngettext(
                "{count} day of {name} has no counterpart here and is not drawn; the sum holds it.",
                "{count} days of {name} have no counterpart here and are not drawn; the sum holds "
                "them.",
                left,
            )
        else:
            words = ngettext(
                "{count} piece of {name} has no counterpart here and is not drawn; the sum holds "
                "it.",
                "{count} pieces of {name} have no counterpart here and are not drawn; the sum "
                "holds them.",
                left,
            )
        notes.append(words.format(count=figure(left), name=found.name))
    missing = max((_missing(pair.other.buckets) for pair in found.pairs), default=0)
    if missing:
        words = ngettext(
            "{name} lacks {count} interval.", "{name} lacks {count} intervals.", missing
        )
        notes.append(words.format(name=found.name, count=figure(missing)))
    return notes


def _missing(buckets: Buckets) -> int:
    return max(int(buckets.expected.sum() - buckets.count.sum()), 0)


def _share(buckets: Buckets) -> float:
    """Say which share of the intervals that should be there is there."""
    expected = int(buckets.expected.sum())
    return int(buckets.count.sum()) / expected if expected else 0.0


def _sentence(pair: Pair, found: Comparison) -> str:
    """Say in words how much more or less it is, where both are complete enough to say so."""
    here, there = pair.shown.buckets, pair.other.buckets
    unit = pair.shown.register.code.unit
    label = pair.shown.register.code.direction.label
    if not there.count.any():
        words = _("{label}: there are no readings of {name} to compare with.")
        return words.format(label=label, name=found.name)
    if here.total is None or there.total is None:
        return ""
    sums = f"{energy(here.total)}{THIN}{unit}", f"{energy(there.total)}{THIN}{unit}"
    if not pair.is_alike:
        words = _(
            "{label} here {here}, {other} of {name} {there}: they run in different directions, so "
            "neither is more."
        )
        other = named_within(pair.other.register.code.direction)
        return words.format(label=label, here=sums[0], other=other, name=found.name, there=sums[1])
    change = ""
    if min(_share(here), _share(there)) >= COMPLETE:
        change = change_in_words(_amount(here), _amount(there), _than(found))
    if change:
        words = _("{label} {here}, {change} ({there}).")
        return words.format(label=label, here=sums[0], change=change, there=sums[1])
    words = _(
        "{label} {here} here, {there} for {name}: too many intervals are missing to say which is "
        "more."
    )
    return words.format(label=label, here=sums[0], there=sums[1], name=found.name)


def _than(found: Comparison) -> str:
    """Name what is compared with, as it stands behind “more than”."""
    if found.choice.meter:
        return found.name
    query = found.query
    if query.zone.date_at(query.start) == query.zone.date_at(query.end - 1):
        return pgettext("more than", "{day}").format(day=found.name)
    return pgettext("more than", "{range}").format(range=found.name)


def _amount(buckets: Buckets) -> Amount:
    """Give a sum with the seconds it was measured in, so that meters of any interval compare."""
    covered = buckets.covered if buckets.covered is not None else buckets.count
    return Amount(buckets.total or 0.0, int(covered.sum()))
