"""The table behind a curve: the same figures, a page of rows at a time."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from django.core.paginator import Page, Paginator
from django.utils.translation import gettext as _

from analytics.figures.compared import days_in_words, moments
from analytics.figures.curves import mean_power
from analytics.pages.meter.comparison import Comparison
from meters.days import Floats, Ints
from meters.qualities import quality_in_words
from meters.readings import RegisterReadings
from meters.series import Buckets
from meters.templatetags.units import figure
from meters.zones import Zone

ROWS = 100
MOST_DIGITS = 6


# A text, and whether it is a number, which stands at the right.
Cell = tuple[str, bool]


@dataclass(frozen=True)
class Table:
    """A page of the table as the template takes it.

    Attributes
    ----------
    groups
        The registers: what each is called, and over how many columns it stands.
    heads
        Of the columns, but for the first, which holds the time.
    rows
        The time of each, and its cells.
    """

    groups: Sequence[tuple[str, int]]
    heads: Sequence[Cell]
    rows: Sequence[tuple[str, Sequence[Cell]]]
    page: "Page[int]"


@dataclass(frozen=True)
class _Register:
    """A register's buckets, and which of them stands beside each bucket of the curve.

    Attributes
    ----------
    power_unit
        Of the mean power, which is given beside the energy; empty where it is not.
    own_times
        When its buckets begin, where that is not when the curve's do.
    """

    label: str
    unit: str
    power_unit: str
    buckets: Buckets
    which: Ints
    own_times: Sequence[str] | None

    @property
    def heads(self) -> list[Cell]:
        own = [(_("Its time"), False)] if self.own_times else []
        power = [(self.power_unit, True)] if self.power_unit else []
        return [*own, (self.unit, True), *power, (_("Readings"), True), (_("Quality"), False)]

    def cells(self, low: int, high: int) -> list[list[Cell]]:
        """Write the cells of some rows."""
        chosen = self.which[low:high]
        there = chosen[chosen >= 0]
        amounts = [self.buckets.values]
        if self.power_unit:
            amounts.append(mean_power(self.buckets))
        digits = [_digits(values[there]) for values in amounts]
        return [
            self._row(i, [figure(float(v[i]), n) for v, n in zip(amounts, digits, strict=True)])
            if i >= 0
            else [("", is_number) for _text, is_number in self.heads]
            for i in chosen.tolist()
        ]

    def _row(self, i: int, amounts: Sequence[str]) -> list[Cell]:
        own = [(self.own_times[i], False)] if self.own_times else []
        count, expected = int(self.buckets.count[i]), int(self.buckets.expected[i])
        return [
            *own,
            *((amount, True) for amount in amounts),
            (_("{count} of {expected}").format(count=count, expected=max(expected, count)), True),
            (_quality(self.buckets, i), False),
        ]


def table_of(
    shown: Sequence[RegisterReadings],
    labels: Sequence[str],
    comparison: Comparison | None,
    zone: Zone,
    page: str,
    *,
    as_power: bool,
) -> Table:
    """Write a page of the table.

    Parameters
    ----------
    shown
        The registers of the curve, on one grid.
    labels
        What the curve calls each.
    page
        Which one is asked for; the first where it is none.
    as_power
        Whether the curve shows energy as mean power: both are then given.
    """
    edges = shown[0].buckets.edges
    found = Paginator(range(len(edges) - 1), ROWS).get_page(page)
    low, high = max(found.start_index() - 1, 0), found.end_index()
    registers = [
        _own(one, label, as_power=as_power) for one, label in zip(shown, labels, strict=True)
    ]
    if comparison:
        registers += _compared(comparison, edges, zone)
    parts = zip(*(one.cells(low, high) for one in registers), strict=True)
    return Table(
        [(one.label, len(one.heads)) for one in registers],
        [head for one in registers for head in one.heads],
        [
            (time, [cell for part in row for cell in part])
            for time, row in zip(moments(edges[low:high], zone), parts, strict=True)
        ],
        found,
    )


def _own(one: RegisterReadings, label: str, *, as_power: bool) -> _Register:
    code = one.register.code
    power = code.unit.removesuffix("h") if as_power and code.is_summable else ""
    return _Register(label, code.unit, power, one.buckets, np.arange(len(one.buckets)), None)


def _compared(comparison: Comparison, edges: Ints, zone: Zone) -> list[_Register]:
    registers = []
    for line in comparison.lines:
        own = moments(line.buckets.edges[:-1], zone) if line.is_elsewhen else None
        power = line.unit if line.unit != line.stored_unit else ""
        registers.append(
            _Register(line.label, line.stored_unit, power, line.buckets, line.beside(edges), own)
        )
    for bars in comparison.bars:
        buckets = bars.rolled.buckets
        own = days_in_words(bars.rolled.first, bars.rolled.last) if bars.is_elsewhen else None
        registers.append(
            _Register(bars.label, bars.unit, "", buckets, np.arange(len(buckets)), own)
        )
    return registers


def _digits(values: Floats) -> int:
    """Say how many digits behind the point all of the values need."""
    known = values[np.isfinite(values)]
    exact = np.round(known, MOST_DIGITS)
    fits = (n for n in range(MOST_DIGITS) if np.array_equal(np.round(known, n), exact))
    return next(fits, MOST_DIGITS)


def _quality(buckets: Buckets, at: int) -> str:
    """Say how the intervals of a bucket came about: measured, or 90 measured, 2 estimated."""
    counts = {name: int(n[at]) for name, n in buckets.qualities.items() if n[at]}
    if len(counts) < 2:
        name = next(iter(counts), "missing" if buckets.expected[at] else "")
        return quality_in_words(name) if name else ""
    return ", ".join(f"{n} {quality_in_words(name)}" for name, n in counts.items())
