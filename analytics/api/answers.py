"""The analysis of a load in JSON: the numbers behind each figure, part by part."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from functools import cached_property
from typing import Any

from analytics.analysed import Analysed
from analytics.figures.curves import numbers
from analytics.figures.roles import role_of
from analytics.methods.analysis import Analysis, analyse
from analytics.methods.correlation import Habit
from analytics.methods.grouping import Bands, By, Grouping, group
from analytics.methods.heat import Cell
from analytics.methods.load import Load
from analytics.sentences.loads import sentences
from meters.days import Floats, Ints
from meters.grid import Resolution
from meters.models import Register
from meters.wording import clock
from meters.zones import DAY, Zone

# A millionth of a watt; what lies beyond is rounding.
DIGITS = 9
# Of each in one answer.
MOST_ANOMALIES = 1000
MOST_HOLES = 1000
CLOCK_CHANGES = {Cell.DOUBLED: "doubled", Cell.SKIPPED: "skipped"}

Said = dict[str, Any]


@dataclass(frozen=True)
class Told:
    """One register of a meter, analysed as far as somebody asks.

    Attributes
    ----------
    by
        By what it is to be grouped.
    corrections
        How many readings were corrected after they had first come; None where nobody counted.
    """

    analysed: Analysed
    register: Register
    load: Load
    by: Sequence[By | Resolution]
    corrections: int | None

    @cached_property
    def analysis(self) -> Analysis:
        return analyse(
            self.load,
            holidays=self.holidays,
            may_be_negative=role_of(self.register.code.direction) == "net",
            corrections=self.corrections,
        )

    @property
    def holidays(self) -> Collection[date]:
        return self.analysed.holidays(self.load).dates

    @property
    def zone(self) -> Zone:
        return self.load.zone

    def time(self, instant: int) -> str:
        return self.zone.at(instant).isoformat()


def _number(value: float | None) -> float | None:
    """Round a figure; None where there is none."""
    return None if value is None or value != value else round(float(value), DIGITS)


def _numbers(values: Floats) -> list[float | None]:
    return numbers(values, DIGITS)


def _matrix(values: Floats) -> list[list[float | None]]:
    return [_numbers(row) for row in values]


def _dates(days: Ints) -> list[str]:
    return [str(day) for day in days.astype("datetime64[D]")]


def _clocks(count: int, interval: int) -> list[str]:
    return [clock(i * interval) for i in range(count)]


# --- Parts --------------------------------------------------------------------------------------


def _figures(told: Told) -> Said:
    figures = told.analysis.figures
    said = {
        name: _number(getattr(figures, name))
        for name in (
            *("energy", "mean_power", "base_load", "load_factor", "full_load_hours"),
            *("night_share", "night_time", "weekday_ratio", "zero_share"),
        )
    }
    peak, annual = figures.peak, figures.annual
    return said | {
        "peak": peak and {"power": _number(peak.power), "start": told.time(peak.instant)},
        "annual": annual
        and {
            "energy": _number(annual.energy),
            "low": _number(annual.low),
            "high": _number(annual.high),
            "is_measured": annual.is_measured,
            "weeks": annual.weeks,
            "unseen": list(annual.unseen),
        },
    }


def _bands(bands: Bands) -> Said:
    names = ("mean", "median", "low", "high")
    return {name: _numbers(getattr(bands, name)) for name in names} | {
        "count": bands.count.tolist()
    }


def _grouping(found: Grouping) -> Said:
    return {
        "by": found.by,
        "labels": list(found.labels),
        "power": _bands(found.power),
        "energy": _bands(found.energy),
    }


def _groups(told: Told) -> list[Said]:
    return [_grouping(group(told.load, by, told.holidays)) for by in told.by]


def _heat(told: Told) -> Said:
    heat = told.analysis.heat
    days, times = _dates(heat.days), _clocks(heat.power.shape[1], heat.interval)
    return {
        "days": days,
        "times": times,
        "power": _matrix(heat.power),
        "clock_changes": [
            {"day": days[row], "time": times[column], "change": CLOCK_CHANGES[cell]}
            for row, column, cell in heat.marks
        ],
    }


def _calendar(told: Told) -> Said:
    calendar = told.analysis.calendar
    return {
        "mondays": _dates(calendar.mondays),
        "energy": _matrix(calendar.energy),
        "completeness": _matrix(calendar.completeness),
    }


def _duration(told: Told) -> Said:
    curve = told.analysis.duration
    return {"share": _numbers(curve.share), "power": _numbers(curve.power)}


def _histogram(told: Told) -> Said:
    found = told.analysis.histogram
    return {
        "edges": _numbers(found.edges),
        "counts": found.counts.tolist(),
        "zeros": found.zeros,
    }


def _habit(habit: Habit) -> Said:
    return {
        "period": habit.period,
        "value": _number(habit.value),
        "band": _number(habit.band),
        "pairs": habit.pairs,
        "verdict": str(habit.verdict),
    }


def _correlation(told: Told) -> Said:
    analysis = told.analysis
    found, test = analysis.correlation, analysis.portmanteau
    return {
        "interval": found.interval,
        "lags": list(range(len(found))),
        "values": _numbers(found.values),
        "band": _numbers(found.band),
        "pairs": found.pairs.tolist(),
        "white_noise_band": _number(found.white),
        "partial": _numbers(analysis.partial),
        "ljung_box": test
        and {
            "lags": test.lags,
            "statistic": _number(test.statistic),
            # Not rounded: how far below 0.05 it lies counts.
            "p_value": test.p_value,
        },
        "daily": _habit(analysis.daily),
        "weekly": _habit(analysis.weekly),
    }


def _spectrum(told: Told) -> Said:
    found = told.analysis.spectrum
    return {
        "periods": [
            {"length": _number(one.length), "share": _number(one.share), "p_value": one.p_value}
            for one in found.periods
        ],
        "lengths": _numbers(found.lengths),
        "shares": _numbers(found.shares),
        "limits": _numbers(found.limits),
    }


def _pattern(told: Told) -> Said:
    found = told.analysis.pattern
    parts = {"time_of_day": found.by_day, "weekday": found.by_week, "remainder": found.rest}
    return {
        "times": _clocks(len(found.daily), min(found.interval, DAY)),
        "mean": _number(found.mean),
        "daily": _numbers(found.daily),
        "weekly": _matrix(found.weekly),
        "shares": {
            name: share
            and {"explained": _number(share.explained), "held_out": _number(share.held_out)}
            for name, share in parts.items()
        },
    }


def _anomalies(told: Told) -> list[Said]:
    return [
        {
            "kind": str(one.kind),
            "start": told.time(one.start),
            "end": told.time(one.end),
            "power": _number(one.power),
            "usual": _number(one.usual),
            "reason": one.reason,
        }
        for one in told.analysis.anomalies[-MOST_ANOMALIES:]
    ]


def _quality(told: Told) -> Said:
    found = told.analysis.quality
    return {
        "expected": found.expected,
        "known": found.known,
        "estimated": found.estimated,
        "corrected": told.corrections,
        "completeness": _number(found.completeness),
        "months": [
            {
                "month": one.name,
                "expected": one.expected,
                "known": one.known,
                "estimated": one.estimated,
                "completeness": _number(one.completeness),
            }
            for one in found.months
        ],
        "holes": [
            {"start": told.time(one.start), "end": told.time(one.end), "missing": one.slots}
            for one in found.holes[:MOST_HOLES]
        ],
    }


def _sentences(told: Told) -> dict[str, str]:
    return sentences(told.analysis)


def hypothesis(analysed: Analysed) -> Said:
    """Give what a meter probably measures, from all of its registers."""
    argument = analysed.argument
    remarks = argument.remarks
    return {
        "days": _number(argument.days),
        "statements": [asdict(one) for one in argument.statements],
        "remarks": {
            "steps": [{"register": code, "step": _number(step)} for code, step in remarks.steps],
            "interpolated": remarks.interpolated,
            "longitude": remarks.longitude
            and {name: _number(value) for name, value in asdict(remarks.longitude).items()},
            "sentences": list(remarks.sentences),
        },
    }


PARTS: Mapping[str, Callable[[Told], Any]] = {
    "figures": _figures,
    "groups": _groups,
    "heat": _heat,
    "calendar": _calendar,
    "duration": _duration,
    "histogram": _histogram,
    "correlation": _correlation,
    "spectrum": _spectrum,
    "pattern": _pattern,
    "anomalies": _anomalies,
    "quality": _quality,
    "sentences": _sentences,
    "hypothesis": lambda told: hypothesis(told.analysed),
}
# Days by times grow with the range; whoever wants them says so.
USUAL_PARTS = tuple(name for name in PARTS if name not in {"heat", "calendar"})
