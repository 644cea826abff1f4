"""OBIS codes: what a meter's register measures, and how its values may be added up.

An OBIS code names a register by six numbers, A to F. This module reads the notations that the
trade writes and says what Lastgang needs to know: medium, quantity, direction, phase, tariff,
unit, and the statistic by which values are rolled up to a coarser grid. It interprets what the
standards state and no more: every other code is stored and shown, but never summed.

References
----------
.. [1] IEC 62056-6-1 (formerly IEC 62056-61), Object Identification System (OBIS).
.. [2] DLMS UA 1000-1 (Blue Book), part 1, AC electricity: "Value group C codes", "Value group D
   codes", and "Value group E codes" for tariff rates and for harmonics.
.. [3] EN 13757-1, the OBIS codes of heat, cooling, gas and water meters.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple, Self


class ObisError(ValueError):
    """What was given is no OBIS code; the message is fit to be shown to whoever wrote it."""


class _Labelled(StrEnum):
    """A string enumeration whose members carry a readable label beside the stored value."""

    label: str

    # Every member has its label; the default lets type checkers pass a look-up, Medium("gas").
    def __new__(cls, value: str, label: str = "") -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.label = label
        return member


class Medium(_Labelled):
    """Value group A: what flows through the meter."""

    ABSTRACT = "abstract", "Abstract"
    ELECTRICITY = "electricity", "Electricity"
    HEAT_COST = "heat_cost", "Heat cost allocator"
    COOLING = "cooling", "Cooling"
    HEAT = "heat", "Heat"
    GAS = "gas", "Gas"
    COLD_WATER = "cold_water", "Cold water"
    HOT_WATER = "hot_water", "Hot water"
    OTHER = "other", "Other medium"


class Quantity(_Labelled):
    """What is measured, with the unit in which Lastgang stores and shows it ('' for none)."""

    unit: str

    def __new__(cls, value: str, label: str = "", unit: str = "") -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.label = label
        member.unit = unit
        return member

    ACTIVE_ENERGY = "active_energy", "Active energy", "kWh"
    ACTIVE_POWER = "active_power", "Active power", "kW"
    REACTIVE_ENERGY = "reactive_energy", "Reactive energy", "kvarh"
    REACTIVE_POWER = "reactive_power", "Reactive power", "kvar"
    APPARENT_ENERGY = "apparent_energy", "Apparent energy", "kVAh"
    APPARENT_POWER = "apparent_power", "Apparent power", "kVA"
    CURRENT = "current", "Current", "A"
    VOLTAGE = "voltage", "Voltage", "V"
    FREQUENCY = "frequency", "Frequency", "Hz"
    POWER_FACTOR = "power_factor", "Power factor", ""
    THERMAL_ENERGY = "thermal_energy", "Thermal energy", "kWh"
    VOLUME = "volume", "Volume", "m³"
    OTHER = "other", "Not interpreted", ""


class Direction(_Labelled):
    """Which way the quantity flows, seen from the customer: import is drawn from the grid."""

    IMPORT = "import", "Import"
    EXPORT = "export", "Export"
    ABSOLUTE = "absolute", "Import plus export"
    NET = "net", "Import minus export"
    NONE = "none", "No direction"


class Phase(_Labelled):
    """The conductor that is measured."""

    ALL = "all", "All phases"
    ANY = "any", "Any phase"
    L1 = "l1", "L1"
    L2 = "l2", "L2"
    L3 = "l3", "L3"
    NEUTRAL = "neutral", "Neutral"
    NONE = "none", "No phase"


class Aggregation(_Labelled):
    """The default statistic when values are rolled up to a coarser grid."""

    SUM = "sum", "Sum"
    MEAN = "mean", "Mean"
    MAX = "max", "Maximum"
    MIN = "min", "Minimum"
    ADVANCE = "advance", "Advance"
    NONE = "none", "None"


class ValueKind(_Labelled):
    """How a value counts, with the statistic that follows from it."""

    aggregation: Aggregation

    def __new__(
        cls, value: str, label: str = "", aggregation: Aggregation = Aggregation.NONE
    ) -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.label = label
        member.aggregation = aggregation
        return member

    INTERVAL = "interval", "Amount of its recording interval", Aggregation.SUM
    CUMULATIVE = "cumulative", "Meter reading", Aggregation.ADVANCE
    INSTANTANEOUS = "instantaneous", "Instantaneous value", Aggregation.MEAN
    AVERAGE = "average", "Average (demand)", Aggregation.MEAN
    MINIMUM = "minimum", "Minimum", Aggregation.MIN
    MAXIMUM = "maximum", "Maximum", Aggregation.MAX
    CUMULATIVE_DEMAND = "cumulative_demand", "Cumulative extreme", Aggregation.NONE
    BILLING_PERIOD = "billing_period", "Value of its billing period", Aggregation.NONE
    OTHER = "other", "Other", Aggregation.NONE


_MEDIA = {
    0: Medium.ABSTRACT, 1: Medium.ELECTRICITY, 4: Medium.HEAT_COST, 5: Medium.COOLING,
    6: Medium.HEAT, 7: Medium.GAS, 8: Medium.COLD_WATER, 9: Medium.HOT_WATER,
}  # fmt: skip


class _Measured(NamedTuple):
    """One row of the table of value group C for electricity."""

    quantity: Quantity
    direction: Direction = Direction.NONE
    quadrant: int | None = None
    phase: Phase = Phase.ALL


# The sum of all phases; the same twenty rows repeat for L1 (C + 20), L2 (C + 40) and L3 (C + 60).
# The direction is the sign of the quantity itself: quadrants I and II are reactive import,
# I and IV active import.
_ALL_PHASES = {
    1: _Measured(Quantity.ACTIVE_POWER, Direction.IMPORT),
    2: _Measured(Quantity.ACTIVE_POWER, Direction.EXPORT),
    3: _Measured(Quantity.REACTIVE_POWER, Direction.IMPORT),
    4: _Measured(Quantity.REACTIVE_POWER, Direction.EXPORT),
    5: _Measured(Quantity.REACTIVE_POWER, Direction.IMPORT, 1),
    6: _Measured(Quantity.REACTIVE_POWER, Direction.IMPORT, 2),
    7: _Measured(Quantity.REACTIVE_POWER, Direction.EXPORT, 3),
    8: _Measured(Quantity.REACTIVE_POWER, Direction.EXPORT, 4),
    9: _Measured(Quantity.APPARENT_POWER, Direction.IMPORT),
    10: _Measured(Quantity.APPARENT_POWER, Direction.EXPORT),
    11: _Measured(Quantity.CURRENT, phase=Phase.ANY),
    12: _Measured(Quantity.VOLTAGE, phase=Phase.ANY),
    13: _Measured(Quantity.POWER_FACTOR),
    14: _Measured(Quantity.FREQUENCY),
    15: _Measured(Quantity.ACTIVE_POWER, Direction.ABSOLUTE),
    16: _Measured(Quantity.ACTIVE_POWER, Direction.NET),
    17: _Measured(Quantity.ACTIVE_POWER, Direction.IMPORT, 1),
    18: _Measured(Quantity.ACTIVE_POWER, Direction.EXPORT, 2),
    19: _Measured(Quantity.ACTIVE_POWER, Direction.EXPORT, 3),
    20: _Measured(Quantity.ACTIVE_POWER, Direction.IMPORT, 4),
}
_ELECTRICITY = _ALL_PHASES | {
    c + offset: measured._replace(phase=phase)
    for offset, phase in ((20, Phase.L1), (40, Phase.L2), (60, Phase.L3))
    for c, measured in _ALL_PHASES.items()
}
_ELECTRICITY |= {
    84: _Measured(Quantity.POWER_FACTOR, Direction.EXPORT),
    85: _Measured(Quantity.POWER_FACTOR, Direction.EXPORT, phase=Phase.L1),
    86: _Measured(Quantity.POWER_FACTOR, Direction.EXPORT, phase=Phase.L2),
    87: _Measured(Quantity.POWER_FACTOR, Direction.EXPORT, phase=Phase.L3),
    90: _Measured(Quantity.CURRENT),
    91: _Measured(Quantity.CURRENT, phase=Phase.NEUTRAL),
    92: _Measured(Quantity.VOLTAGE, phase=Phase.NEUTRAL),
}

_TIME_INTEGRAL = {
    Quantity.ACTIVE_POWER: Quantity.ACTIVE_ENERGY,
    Quantity.REACTIVE_POWER: Quantity.REACTIVE_ENERGY,
    Quantity.APPARENT_POWER: Quantity.APPARENT_ENERGY,
}

# The table of value group D for electricity: first the values of the quantity itself, then its
# time integrals. Rows 31 to 46 (limits, their counters and durations, contracted values) are left
# out on purpose, for they are settings and events, not series.
_SCHEME = {
    1: (ValueKind.CUMULATIVE_DEMAND, "cumulative minimum"),
    2: (ValueKind.CUMULATIVE_DEMAND, "cumulative maximum"),
    3: (ValueKind.MINIMUM, "minimum"),
    4: (ValueKind.AVERAGE, "current average"),
    5: (ValueKind.AVERAGE, "last average"),
    6: (ValueKind.MAXIMUM, "maximum"),
}
_VALUES = {
    0: (ValueKind.BILLING_PERIOD, "billing period average"),
    **_SCHEME,
    7: (ValueKind.INSTANTANEOUS, "instantaneous"),
    # The second and the third averaging scheme repeat the first, in the next two decades.
    **{d + 10: (kind, f"{way} 2") for d, (kind, way) in _SCHEME.items()},
    **{d + 20: (kind, f"{way} 3") for d, (kind, way) in _SCHEME.items()},
    27: (ValueKind.AVERAGE, "current average 5"),
    28: (ValueKind.AVERAGE, "current average 6"),
    49: (ValueKind.AVERAGE, "average per interval"),
    50: (ValueKind.AVERAGE, "average per interval 2"),
    51: (ValueKind.MINIMUM, "minimum per interval"),
    52: (ValueKind.MINIMUM, "minimum per interval 2"),
    53: (ValueKind.MAXIMUM, "maximum per interval"),
    54: (ValueKind.MAXIMUM, "maximum per interval 2"),
    55: (ValueKind.OTHER, "test average"),
}
_INTEGRALS = {
    8: (ValueKind.CUMULATIVE, "meter reading"),
    9: (ValueKind.BILLING_PERIOD, "billing period to date"),
    10: (ValueKind.OTHER, "excess over a threshold"),
    17: (ValueKind.CUMULATIVE, "meter reading at interval end"),
    18: (ValueKind.CUMULATIVE, "meter reading at interval end 2"),
    19: (ValueKind.BILLING_PERIOD, "billing period to interval end"),
    20: (ValueKind.BILLING_PERIOD, "billing period to interval end 2"),
    29: (ValueKind.INTERVAL, "per interval"),
    30: (ValueKind.INTERVAL, "per interval 2"),
    58: (ValueKind.OTHER, "test integral"),
}

# Of the other media only the counters that EN 13757-1 states beyond doubt, by (medium, C, D).
_COUNTERS = {
    (Medium.COOLING, 1, 0): (Quantity.THERMAL_ENERGY, "Cooling energy"),
    (Medium.HEAT, 1, 0): (Quantity.THERMAL_ENERGY, "Heat energy"),
    (Medium.GAS, 3, 0): (Quantity.VOLUME, "Gas volume"),
    (Medium.GAS, 3, 1): (Quantity.VOLUME, "Gas volume corrected"),
    (Medium.GAS, 3, 2): (Quantity.VOLUME, "Gas volume at base conditions"),
    (Medium.COLD_WATER, 1, 0): (Quantity.VOLUME, "Cold water volume"),
    (Medium.HOT_WATER, 1, 0): (Quantity.VOLUME, "Hot water volume"),
}

_UNSPECIFIED = 255
_HIGHEST_RATE = 63
# With instantaneous values group E counts harmonics, not tariff rates.
_HARMONICS = frozenset({7, 24})


class _Meaning(NamedTuple):
    words: str
    quantity: Quantity = Quantity.OTHER
    kind: ValueKind = ValueKind.OTHER
    direction: Direction = Direction.NONE
    quadrant: int | None = None
    phase: Phase = Phase.NONE
    tariff: int | None = None


@lru_cache(maxsize=4096)
def _meaning(a: int, c: int, d: int, e: int) -> _Meaning:
    medium = _MEDIA.get(a, Medium.OTHER)
    unknown = _Meaning(f"{medium.label} {c}.{d}.{e} (not interpreted)")
    if e > _HIGHEST_RATE and e != _UNSPECIFIED:  # reserved, or the manufacturer's own
        return unknown
    tariff = None if e == _UNSPECIFIED else e
    rate = f", tariff {tariff}" if tariff else ""
    if medium is not Medium.ELECTRICITY:
        if (medium, c, d) not in _COUNTERS:
            return unknown
        quantity, name = _COUNTERS[medium, c, d]
        words = f"{name}, meter reading{rate}"
        return _Meaning(words, quantity, ValueKind.CUMULATIVE, tariff=tariff)
    measured = _ELECTRICITY.get(c)
    if measured is None:
        return unknown
    if d in _VALUES:
        quantity, (kind, way) = measured.quantity, _VALUES[d]
        if d in _HARMONICS and tariff is not None:
            if tariff:
                return unknown
            tariff = None
    elif d in _INTEGRALS and measured.quantity in _TIME_INTEGRAL:
        quantity, (kind, way) = _TIME_INTEGRAL[measured.quantity], _INTEGRALS[d]
    else:
        return unknown
    words = f"{_name(quantity, measured)}, {way}{rate}"
    return _Meaning(words, quantity, kind, *measured[1:], tariff=tariff)


def _name(quantity: Quantity, measured: _Measured) -> str:
    words = [quantity.label]
    if measured.quadrant:
        words.append(f"quadrant {('I', 'II', 'III', 'IV')[measured.quadrant - 1]}")
    elif measured.direction is not Direction.NONE:
        words.append(measured.direction.value)
    # Power and energy are of all phases unless said otherwise; a current or a voltage is not.
    if quantity in (Quantity.CURRENT, Quantity.VOLTAGE) or measured.phase is not Phase.ALL:
        conductor = measured.phase in (Phase.L1, Phase.L2, Phase.L3)
        words.append(measured.phase.label if conductor else measured.phase.label.lower())
    return " ".join(words)


_EXAMPLES = "for example 0100011D00FF or 1-0:1.29.0*255"
_HEX = re.compile(r"[0-9A-Fa-f]+")
_LOGICAL_NAME = re.compile(r"([0-9]+)\.([0-9]+)\.([0-9]+)\.([0-9]+)\.([0-9]+)\.([0-9]+)")
# F may follow a dot only after A-B:, where it cannot be mistaken for another group.
_WRITTEN = re.compile(
    r"(?:([0-9]+)-([0-9]+):)?([0-9]+)\.([0-9]+)(?:\.([0-9]+))?(?:(?(1)[*&.]|[*&])([0-9]+))?"
)
_DEFAULTS = (1, 0, 0, 0, 0, 255)
_HEX_DIGITS = 12
_LONGEST = len("255-255:255.255.255*255")
_LONGEST_QUOTE = 40


@dataclass(frozen=True, slots=True, order=True)
class ObisCode:
    """One OBIS code: an immutable, ordered, hashable sextuple of value groups.

    Parameters
    ----------
    a, b, c, d, e, f : int
        Value groups [0 to 255]: A medium, B channel, C quantity, D processing, E tariff rate,
        F billing period (255: the current one).

    Raises
    ------
    ObisError
        If a group is not a whole number from 0 to 255.

    References
    ----------
    IEC 62056-6-1; DLMS UA 1000-1, part 1; EN 13757-1.
    """

    a: int
    b: int
    c: int
    d: int
    e: int
    f: int

    def __post_init__(self) -> None:
        for name in ("a", "b", "c", "d", "e", "f"):
            group = getattr(self, name)
            if type(group) is not int or not 0 <= group <= 255:
                raise ObisError(
                    f"group {name.upper()} of an OBIS code is a whole number from 0 to 255, "
                    f"not {group!r}"
                )

    @classmethod
    def parse(cls, text: str) -> ObisCode:
        """Read an OBIS code in any notation of the trade; the code of a known text is cached.

        Parameters
        ----------
        text : str
            Twelve hexadecimal digits (``0100011D00FF``), the full notation
            (``1-0:1.29.0*255``; ``&`` marks a manual reset and stands for ``*``, and after
            ``A-B:`` a dot may), a reduced one (``1-0:1.8.0``, ``1.8.0``, ``1.29.0*255``) or the
            COSEM logical name (``1.0.1.29.0.255``). Groups left out are A = 1 (electricity),
            B = 0, E = 0 (total) and F = 255 (current). White space around is ignored.

        Returns
        -------
        ObisCode

        Raises
        ------
        ObisError
            If it is none of these; the message says what is wrong and gives an example.

        References
        ----------
        IEC 62056-6-1, OBIS code structure and reduced ID codes.
        """
        if not isinstance(text, str):
            raise ObisError(f"an OBIS code is text, not {type(text).__name__}; {_EXAMPLES}")
        return _parse(text.strip())

    def __str__(self) -> str:
        return f"{self.a}-{self.b}:{self.c}.{self.d}.{self.e}*{self.f}"

    @property
    def hex(self) -> str:
        """Twelve upper-case hexadecimal digits."""
        return bytes((self.a, self.b, self.c, self.d, self.e, self.f)).hex().upper()

    @property
    def reduced(self) -> str:
        """The short notation C.D.E, as it is printed on meters and their displays."""
        return f"{self.c}.{self.d}.{self.e}"

    @property
    def medium(self) -> Medium:
        """What flows through the meter (group A)."""
        return _MEDIA.get(self.a, Medium.OTHER)

    @property
    def channel(self) -> int:
        """The meter's measuring channel (group B); 0 where it has only one."""
        return self.b

    @property
    def tariff(self) -> int | None:
        """The tariff rate (group E): 0 is the total, None where E does not tell a rate."""
        return self._meaning.tariff

    @property
    def quantity(self) -> Quantity:
        """What is measured: a time integral of power is energy."""
        return self._meaning.quantity

    @property
    def direction(self) -> Direction:
        """Import, export, their sum or difference, of the quantity itself."""
        return self._meaning.direction

    @property
    def quadrant(self) -> int | None:
        """1 to 4 for a register of one quadrant, a part of the import or export register."""
        return self._meaning.quadrant

    @property
    def phase(self) -> Phase:
        """The conductor that is measured."""
        return self._meaning.phase

    @property
    def kind(self) -> ValueKind:
        """How a value counts (group D); OTHER also for every code that is not interpreted."""
        return self._meaning.kind

    @property
    def is_interpreted(self) -> bool:
        """Whether quantity and unit are known; else values are stored and shown, not summed."""
        return self._meaning.quantity is not Quantity.OTHER

    @property
    def is_billing_value(self) -> bool:
        """Whether the value was stored at the end of a past billing period (group F)."""
        # Where the code is not interpreted, F may count anything: 1-0:0.2.0*1 is a parameter set.
        return self.f != _UNSPECIFIED and self.is_interpreted

    @property
    def aggregation(self) -> Aggregation:
        """The default statistic when values are rolled up to a coarser grid."""
        # A stored billing value belongs to the period that it closed, not to the time of reading.
        return Aggregation.NONE if self.is_billing_value else self.kind.aggregation

    @property
    def is_summable(self) -> bool:
        """Whether values may be added up over time: only amounts of their own interval."""
        return self.aggregation is Aggregation.SUM

    @property
    def unit(self) -> str:
        """The unit in which values are stored and shown; '' for none or where not interpreted."""
        return self._meaning.quantity.unit

    @property
    def label(self) -> str:
        """Readable English, such as ``Active energy export, meter reading, tariff 2``."""
        words = self._meaning.words
        return f"{words}, billing period {self.f}" if self.is_billing_value else words

    @property
    def _meaning(self) -> _Meaning:
        return _meaning(self.a, self.c, self.d, self.e)


@lru_cache(maxsize=4096)
def _parse(text: str) -> ObisCode:
    if len(text) == _HEX_DIGITS and _HEX.fullmatch(text):
        return ObisCode(*bytes.fromhex(text))
    # The length comes first: it bounds the work below, whatever a client sends.
    match = None
    if len(text) <= _LONGEST:
        match = _LOGICAL_NAME.fullmatch(text) or _WRITTEN.fullmatch(text)
    if match is None:
        raise _refusal(text, _what_is_wrong(text))
    groups = [
        default if digits is None else int(digits)
        for digits, default in zip(match.groups(), _DEFAULTS, strict=True)
    ]
    for name, group in zip("ABCDEF", groups, strict=True):
        if group > 255:
            raise _refusal(text, f"group {name} is {group}, and 255 is the highest")
    return ObisCode(*groups)


def _what_is_wrong(text: str) -> str:
    if not text:
        return "it is empty"
    if _HEX.fullmatch(text):
        digits = "1 hexadecimal digit" if len(text) == 1 else f"{len(text)} hexadecimal digits"
        return f"{digits}, {_HEX_DIGITS} are needed"
    if len(text) > _LONGEST:
        return f"it has {len(text)} characters, the longest code has {_LONGEST}"
    strange = re.search(r"[^0-9.:*&-]", text)
    if strange and not re.search(r"[.:*&-]", text):  # meant as hexadecimal, or no code at all
        strange = re.search(r"[^0-9A-Fa-f]", text)
        rule = "and a code without dots is twelve hexadecimal digits"
    else:
        rule = "the six groups are decimal numbers"
    if strange:
        sign = "a space" if strange[0].isspace() else _quoted(strange[0])
        return f"{sign} has no place in it, {rule}"
    return "its numbers are not set out as A-B:C.D.E*F, C.D.E or A.B.C.D.E.F"


def _quoted(text: str) -> str:
    # repr() makes control, direction and surrogate characters visible, which logs, pages and the
    # database would otherwise stumble over.
    cut = text if len(text) <= _LONGEST_QUOTE else text[:_LONGEST_QUOTE] + "…"
    return f'"{repr(cut)[1:-1]}"'


def _refusal(text: str, reason: str) -> ObisError:
    return ObisError(f"{_quoted(text)} is not an OBIS code: {reason}; {_EXAMPLES}")
