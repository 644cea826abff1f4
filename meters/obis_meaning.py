"""What an OBIS code says: the tables of the value groups, and what follows from them.

References
----------
.. [1] IEC 62056-6-1 (formerly IEC 62056-61), Object Identification System (OBIS).
.. [2] DLMS UA 1000-1 (Blue Book), part 1, AC electricity: "Value group C codes", "Value group D
   codes", and "Value group E codes" for tariff rates and for harmonics.
.. [3] EN 13757-1, the OBIS codes of heat, cooling, gas and water meters.
"""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple, Self


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


MEDIA = {
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

UNSPECIFIED = 255
_HIGHEST_RATE = 63
# With instantaneous values group E counts harmonics, not tariff rates.
_HARMONICS = frozenset({7, 24})


class Meaning(NamedTuple):
    """What the groups A, C, D and E of a code say together."""

    words: str
    quantity: Quantity = Quantity.OTHER
    kind: ValueKind = ValueKind.OTHER
    direction: Direction = Direction.NONE
    quadrant: int | None = None
    phase: Phase = Phase.NONE
    tariff: int | None = None


@lru_cache(maxsize=4096)
def meaning(a: int, c: int, d: int, e: int) -> Meaning:
    """Interpret value groups; what the standards do not state is not interpreted."""
    medium = MEDIA.get(a, Medium.OTHER)
    unknown = Meaning(f"{medium.label} {c}.{d}.{e} (not interpreted)")
    if e > _HIGHEST_RATE and e != UNSPECIFIED:  # reserved, or the manufacturer's own
        return unknown
    tariff = None if e == UNSPECIFIED else e
    rate = f", tariff {tariff}" if tariff else ""
    if medium is not Medium.ELECTRICITY:
        if (medium, c, d) not in _COUNTERS:
            return unknown
        quantity, name = _COUNTERS[medium, c, d]
        words = f"{name}, meter reading{rate}"
        return Meaning(words, quantity, ValueKind.CUMULATIVE, tariff=tariff)
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
    return Meaning(words, quantity, kind, *measured[1:], tariff=tariff)


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
