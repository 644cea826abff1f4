"""What a bucket says of a register: which statistic, in which unit, and what can't be said.

Energy of intervals may be given as mean power, for an interval says how long it lasted. Power is
never added up to energy here: what lies between two instantaneous values nobody has measured.
"""

from dataclasses import dataclass

from meters.obis import ObisCode
from meters.obis_meaning import Aggregation
from meters.series import Statistic

# What is said of a bucket where nobody asks for something else.
USUAL = {
    Aggregation.SUM: Statistic.SUM,
    Aggregation.MEAN: Statistic.MEAN,
    Aggregation.MAX: Statistic.MAX,
    Aggregation.MIN: Statistic.MIN,
    Aggregation.ADVANCE: Statistic.ADVANCE,
    # Stored and shown, not summed: what the value counts is not known.
    Aggregation.NONE: Statistic.MEAN,
}
STATISTICS = (Statistic.SUM, Statistic.MEAN, Statistic.MIN, Statistic.MAX)
# Of energy and power alike, active, reactive and apparent.
PREFIXES = {"": 1e-3, "k": 1.0, "M": 1e3}
STEMS = ("W", "var", "VA")
UNITS = tuple(
    f"{prefix}{stem}{hours}" for stem in STEMS for hours in ("h", "") for prefix in PREFIXES
)


class MeasureError(ValueError):
    """A statistic or a unit that a register can't be given in; the text says why.

    Attributes
    ----------
    parameter
        Which of the two is at fault.
    fits
        One that can be had.
    """

    def __init__(self, words: str, parameter: str, fits: str) -> None:
        super().__init__(words)
        self.parameter, self.fits = parameter, fits


@dataclass(frozen=True, slots=True)
class Measure:
    """How the values of one register are given.

    Attributes
    ----------
    statistic
        What a bucket says of the intervals in it.
    unit
        In which unit.
    factor
        By which values in the register's own unit are multiplied.
    per_hour
        Whether energy is given as mean power: divided by the hours that its intervals last.
    """

    statistic: Statistic
    unit: str
    factor: float = 1.0
    per_hour: bool = False

    @property
    def is_usual(self) -> bool:
        """Whether nothing is computed but what day rows say of themselves."""
        return self.statistic is Statistic.SUM and self.factor == 1.0 and not self.per_hour


def usual_measure(code: ObisCode) -> Measure:
    """Say what a register tells: a sum of energy, a mean of power, …"""
    return Measure(USUAL[code.aggregation], code.unit)


def measure_of(code: ObisCode, statistic: str | None, unit: str | None) -> Measure:
    """Say how a register is given as it was asked for.

    Parameters
    ----------
    statistic
        ``sum``, ``mean``, ``min`` or ``max``; the register's usual one where None.
    unit
        The register's own where None.

    Raises
    ------
    MeasureError
        It can't be.
    """
    factor, per_hour = _converted(code, unit)
    return Measure(_chosen(code, statistic, per_hour=per_hour), unit or code.unit, factor, per_hour)


def _chosen(code: ObisCode, statistic: str | None, *, per_hour: bool) -> Statistic:
    usual = USUAL[code.aggregation]
    if usual is Statistic.ADVANCE:
        # A sum of advances is an advance. Their smallest and largest say nothing of the meter.
        if statistic in {None, "sum"} and not per_hour:
            return usual
        if statistic in {None, "mean"} and per_hour:
            return Statistic.MEAN
        raise MeasureError(
            f"The register {code} counts up; of it there are advances (sum) and, in a unit of "
            "power, their mean.",
            "statistic",
            "mean" if per_hour else "sum",
        )
    if usual is Statistic.SUM:
        if per_hour and statistic == "sum":
            raise MeasureError("Power is not added up; ask for its mean.", "statistic", "mean")
        if statistic is None:
            return Statistic.MEAN if per_hour else usual
        return Statistic(statistic)
    if statistic == "sum":
        raise MeasureError(
            f"The values of the register {code} can't be added up; ask for their {usual}.",
            "statistic",
            str(usual),
        )
    return usual if statistic is None else Statistic(statistic)


def _converted(code: ObisCode, unit: str | None) -> tuple[float, bool]:
    """Return by what values are multiplied, and whether energy turns into power."""
    own = _taken_apart(code.unit)
    if unit is None or unit == code.unit:
        return 1.0, False
    asked = _taken_apart(unit)
    if own is None or asked is None or own[1] != asked[1] or (asked[2] and not own[2]):
        fitting = ", ".join(units_of(code)) or "no unit"
        raise MeasureError(
            f"The register {code} can't be given in {unit}; it is kept in "
            f"{code.unit or 'no unit'} and can be given in {fitting}.",
            "unit",
            code.unit or "",
        )
    return PREFIXES[own[0]] / PREFIXES[asked[0]], own[2] and not asked[2]


def units_of(code: ObisCode) -> list[str]:
    """List the units in which a register can be given."""
    own = _taken_apart(code.unit)
    if own is None:
        return [code.unit] if code.unit else []
    hours = ("h", "") if own[2] else ("",)
    return [f"{prefix}{own[1]}{end}" for end in hours for prefix in PREFIXES]


def _taken_apart(unit: str) -> tuple[str, str, bool] | None:
    """Take ``kWh`` apart into its prefix, its stem, and whether it is energy."""
    for prefix in PREFIXES:
        for stem in STEMS:
            for end in ("h", ""):
                if unit == f"{prefix}{stem}{end}":
                    return prefix, stem, bool(end)
    return None
