"""The rules: what each one measures, where its figure is cut into classes, and on whose word.

The weight of each class for each kind stands in `analytics.hypothesis.weights`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass

from analytics.hypothesis import blocks, daylight, level, rhythm
from analytics.hypothesis.observed import Observed
from analytics.hypothesis.words import Reading
from meters.language import N_

OBIS = N_("IEC 62056-6-1, value group C: 1 counts import, 2 export")
BECKEL = "Beckel, Sadamori, Staake, Santini, Energy 78 (2014) 397–410"
HART = "Hart, Proc. IEEE 80 (1992) 1870–1891"
SPENCER = N_("Spencer, Search 2 (1971) 172, as in pvlib")
BARTLETT = "Bartlett, J. R. Stat. Soc. Suppl. 8 (1946) 27–41"
VDEW = N_("VDEW M-32/99, standard load profiles, as in demandlib")
IEC_61851 = N_("IEC 61851-1: 16 or 32 A on one or three phases")
VDI_4655 = N_("VDI 4655: heating below 15 °C")
TRADE = N_("the metering trade's usual key figure")


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing to look at.

    Attributes
    ----------
    name
        Under which its weights stand.
    measures
        What its figure is.
    measure
        Reads the figure off a meter; None where that cannot be done.
    edges
        Where the figure is cut: class i holds ``edges[i - 1] <= value < edges[i]``.
    source
        Of the measure.
    needs
        What must be had for it to be read, as `source` translated where it is told.
    """

    name: str
    measures: str
    measure: Callable[[Observed], Reading | None]
    edges: tuple[float, ...]
    source: str
    needs: str = N_("Readings with some energy in them.")

    def bin(self, value: float) -> int:
        """Number of the class in which a figure lies."""
        return bisect_right(self.edges, value)


_ZONE = N_("The meter's own time zone, of a place where the sun rises and sets.")
_NIGHTS = N_(
    "The meter's own time zone, of a place where the sun rises and sets. Nights in which nothing "
    "runs."
)
_WEEK = N_("A whole week of readings.")
_MONTH = N_("Three to four weeks of readings.")
_YEAR = N_("Three weeks of readings each of the darkest and of the lightest months.")

RULES: tuple[Rule, ...] = (
    Rule("direction", "share fed in", level.direction, (1e-6, 0.03, 0.9, 0.9999), OBIS),
    Rule(
        "follows the sun",
        "correlation with the sun's height",
        daylight.follows_the_sun,
        (-0.1, 0.1, 0.3, 0.5, 0.7),
        SPENCER,
        _ZONE,
    ),
    Rule(
        "in the dark",
        "power in the dark over the mean",
        daylight.power_in_the_dark,
        (0.002, 0.05, 0.4, 0.8, 1.2, 2.0),
        SPENCER,
        _ZONE,
    ),
    Rule(
        "zero at night",
        "share of the dark without any energy",
        daylight.zeros_by_night,
        (0.001, 0.5, 0.9, 0.995),
        SPENCER,
        _ZONE,
    ),
    Rule(
        "sunrise and sunset",
        "distance of activity from sunrise and sunset [h]",
        daylight.begins_and_ends_with_the_sun,
        (1.2, 2.5, 4.5),
        SPENCER,
        _NIGHTS,
    ),
    Rule(
        "noon and evening",
        "power at noon over that of the evening",
        daylight.noon_to_evening,
        (0.3, 0.6, 0.95, 1.4, 3.0),
        BECKEL,
    ),
    Rule(
        "idle at noon",
        "share idle at noon less that at night",
        daylight.idle_at_noon,
        (-0.5, -0.05, 0.05, 0.2),
        BECKEL,
    ),
    Rule("base load", "base load over mean", level.base_share, (0.02, 0.15, 0.35, 0.6, 0.9), TRADE),
    Rule(
        "load factor",
        "mean over highest",
        level.load_factor,
        (0.03, 0.06, 0.12, 0.25, 0.5, 0.9),
        TRADE,
    ),
    Rule(
        "steadiness",
        "standard deviation over mean",
        level.spread,
        (0.04, 0.3, 0.8, 1.4, 2.5),
        TRADE,
    ),
    Rule("size", "mean power [kW]", level.size, (0.06, 0.25, 0.8, 2.5), BECKEL),
    Rule(
        "highest", "power of the highest thousandth [kW]", level.highest, (1, 3, 6, 12, 25), BECKEL
    ),
    Rule("idle", "share without activity", level.idle_share, (0.005, 0.1, 0.4, 0.75), HART),
    Rule(
        "days",
        "spread of daily energies",
        level.days_differ,
        (0.04, 0.15, 0.3, 0.5, 0.9),
        BECKEL,
        N_("Five whole days of readings."),
    ),
    Rule(
        "seasons",
        "dark over light months",
        level.seasons_differ,
        (0.6, 0.95, 1.4, 2.5),
        VDI_4655,
        _YEAR,
    ),
    Rule(
        "neighbours",
        "autocorrelation at one interval",
        rhythm.neighbours,
        (-1e-9, 1e-9, 0.35, 0.6, 0.8, 0.92),
        BARTLETT,
    ),
    Rule(
        "one day",
        "autocorrelation at one day",
        rhythm.repeats_daily,
        (1e-9, 0.15, 0.35, 0.6),
        BARTLETT,
        _WEEK,
    ),
    Rule(
        "seven days",
        "autocorrelation at a week over that at days",
        rhythm.repeats_weekly,
        (-0.05, 0.06, 0.15, 0.3),
        BARTLETT,
        _MONTH,
    ),
    Rule(
        "weekend",
        "weekend over weekdays",
        rhythm.weekend,
        (0.4, 0.8, 0.93, 1.08, 1.4),
        BECKEL,
        _WEEK,
    ),
    Rule(
        "time of day",
        "variance told by the time of day",
        rhythm.time_of_day,
        (0.01, 0.08, 0.25, 0.5),
        BECKEL,
        _WEEK,
    ),
    Rule(
        "days remember",
        "correlation of days",
        rhythm.days_remember,
        (0.0, 0.25, 0.55, 0.8),
        BARTLETT,
        _MONTH,
    ),
    Rule(
        "H0", "likeness to H0", rhythm.like_a_household, (0.0, 0.25, 0.45, 0.65, 0.8), VDEW, _WEEK
    ),
    Rule(
        "G0 to G6",
        "likeness to a business over that to H0",
        rhythm.like_a_business,
        (-0.9, -0.1, 0.05, 0.2, 0.4),
        VDEW,
        _WEEK,
    ),
    Rule("one level", "energy at one power", blocks.plateau, (0.1, 0.2, 0.4, 0.6), IEC_61851),
    Rule(
        "busy", "time above a fifth of the highest", blocks.busy, (0.03, 0.1, 0.25, 0.45, 0.8), HART
    ),
    Rule("starts", "starts a day", blocks.switches, (0.2, 1.2, 2.5, 5.0, 10.0), HART, _WEEK),
    Rule(
        "starts at night",
        "starts between 0 and 5 o'clock",
        blocks.starts_at_night,
        (0.02, 0.1, 0.17, 0.25),
        HART,
        _WEEK,
    ),
    Rule(
        "small hours",
        "power of the small hours over the mean",
        blocks.low_at_night,
        (0.02, 0.3, 0.6, 0.9, 1.2),
        BECKEL,
    ),
    Rule("runs", "usual time on [h]", blocks.longest_run, (0.4, 1.0, 2.5, 5.0), HART),
)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule has read off a meter: None where it could not be read."""

    rule: Rule
    reading: Reading | None

    @property
    def bin(self) -> int | None:
        """Class of the figure."""
        return None if self.reading is None else self.rule.bin(self.reading.value)


def look(seen: Observed) -> list[Finding]:
    """Apply every rule."""
    return [Finding(rule, rule.measure(seen)) for rule in RULES]
