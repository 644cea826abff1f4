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

from meters.language import N_, _


class _Labelled(StrEnum):
    """A string enumeration whose members carry a readable label beside the stored value."""

    english: str

    # Every member has its label; the default lets type checkers pass a look-up, Medium("gas").
    def __new__(cls, value: str, english: str = "") -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.english = english
        return member

    @property
    def label(self) -> str:
        """What people call it, in the language that is spoken."""
        return _(self.english)


class Medium(_Labelled):
    """Value group A: what flows through the meter."""

    ABSTRACT = "abstract", N_("Abstract")
    ELECTRICITY = "electricity", N_("Electricity")
    HEAT_COST = "heat_cost", N_("Heat cost allocator")
    COOLING = "cooling", N_("Cooling")
    HEAT = "heat", N_("Heat")
    GAS = "gas", N_("Gas")
    COLD_WATER = "cold_water", N_("Cold water")
    HOT_WATER = "hot_water", N_("Hot water")
    OTHER = "other", N_("Other medium")


class Quantity(_Labelled):
    """What is measured, with the unit in which Lastgang stores and shows it ('' for none)."""

    unit: str

    def __new__(cls, value: str, english: str = "", unit: str = "") -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.english = english
        member.unit = unit
        return member

    ACTIVE_ENERGY = "active_energy", N_("Active energy"), "kWh"
    ACTIVE_POWER = "active_power", N_("Active power"), "kW"
    REACTIVE_ENERGY = "reactive_energy", N_("Reactive energy"), "kvarh"
    REACTIVE_POWER = "reactive_power", N_("Reactive power"), "kvar"
    APPARENT_ENERGY = "apparent_energy", N_("Apparent energy"), "kVAh"
    APPARENT_POWER = "apparent_power", N_("Apparent power"), "kVA"
    CURRENT = "current", N_("Current"), "A"
    VOLTAGE = "voltage", N_("Voltage"), "V"
    FREQUENCY = "frequency", N_("Frequency"), "Hz"
    POWER_FACTOR = "power_factor", N_("Power factor"), ""
    THERMAL_ENERGY = "thermal_energy", N_("Thermal energy"), "kWh"
    VOLUME = "volume", N_("Volume"), "m³"
    OTHER = "other", N_("Not interpreted"), ""


class Direction(_Labelled):
    """Which way the quantity flows, seen from the customer: import is drawn from the grid."""

    IMPORT = "import", N_("Import")
    EXPORT = "export", N_("Export")
    ABSOLUTE = "absolute", N_("Import plus export")
    NET = "net", N_("Import minus export")
    NONE = "none", N_("No direction")


class Phase(_Labelled):
    """The conductor that is measured."""

    ALL = "all", N_("All phases")
    ANY = "any", N_("Any phase")
    L1 = "l1", "L1"
    L2 = "l2", "L2"
    L3 = "l3", "L3"
    NEUTRAL = "neutral", N_("Neutral")
    NONE = "none", N_("No phase")


class Aggregation(_Labelled):
    """The default statistic when values are rolled up to a coarser grid."""

    SUM = "sum", N_("Sum")
    MEAN = "mean", N_("Mean")
    MAX = "max", N_("Maximum")
    MIN = "min", N_("Minimum")
    ADVANCE = "advance", N_("Advance")
    NONE = "none", N_("None")


class ValueKind(_Labelled):
    """How a value counts, with the statistic that follows from it."""

    aggregation: Aggregation

    def __new__(
        cls, value: str, english: str = "", aggregation: Aggregation = Aggregation.NONE
    ) -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.english = english
        member.aggregation = aggregation
        return member

    INTERVAL = "interval", N_("Amount of its recording interval"), Aggregation.SUM
    CUMULATIVE = "cumulative", N_("Meter reading"), Aggregation.ADVANCE
    INSTANTANEOUS = "instantaneous", N_("Instantaneous value"), Aggregation.MEAN
    AVERAGE = "average", N_("Average (demand)"), Aggregation.MEAN
    MINIMUM = "minimum", N_("Minimum"), Aggregation.MIN
    MAXIMUM = "maximum", N_("Maximum"), Aggregation.MAX
    CUMULATIVE_DEMAND = "cumulative_demand", N_("Cumulative extreme"), Aggregation.NONE
    BILLING_PERIOD = "billing_period", N_("Value of its billing period"), Aggregation.NONE
    OTHER = "other", N_("Other"), Aggregation.NONE


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


class _Way(NamedTuple):
    """One row of the table of value group D for electricity."""

    kind: ValueKind
    words: str
    number: int | None = None  # of the averaging scheme or measuring period, from the second on


# The table of value group D for electricity: first the values of the quantity itself, then its
# time integrals. Rows 31 to 46 (limits, their counters and durations, contracted values) are left
# out on purpose, for they are settings and events, not series.
_SCHEME = {
    1: _Way(ValueKind.CUMULATIVE_DEMAND, N_("cumulative minimum")),
    2: _Way(ValueKind.CUMULATIVE_DEMAND, N_("cumulative maximum")),
    3: _Way(ValueKind.MINIMUM, N_("minimum")),
    4: _Way(ValueKind.AVERAGE, N_("current average")),
    5: _Way(ValueKind.AVERAGE, N_("last average")),
    6: _Way(ValueKind.MAXIMUM, N_("maximum")),
}
_VALUES = {
    0: _Way(ValueKind.BILLING_PERIOD, N_("billing period average")),
    **_SCHEME,
    7: _Way(ValueKind.INSTANTANEOUS, N_("instantaneous")),
    # The second and the third averaging scheme repeat the first, in the next two decades.
    **{d + 10: way._replace(number=2) for d, way in _SCHEME.items()},
    **{d + 20: way._replace(number=3) for d, way in _SCHEME.items()},
    27: _Way(ValueKind.AVERAGE, N_("current average"), 5),
    28: _Way(ValueKind.AVERAGE, N_("current average"), 6),
    49: _Way(ValueKind.AVERAGE, N_("average per interval")),
    50: _Way(ValueKind.AVERAGE, N_("average per interval"), 2),
    51: _Way(ValueKind.MINIMUM, N_("minimum per interval")),
    52: _Way(ValueKind.MINIMUM, N_("minimum per interval"), 2),
    53: _Way(ValueKind.MAXIMUM, N_("maximum per interval")),
    54: _Way(ValueKind.MAXIMUM, N_("maximum per interval"), 2),
    55: _Way(ValueKind.OTHER, N_("test average")),
}
_INTEGRALS = {
    8: _Way(ValueKind.CUMULATIVE, N_("meter reading")),
    9: _Way(ValueKind.BILLING_PERIOD, N_("billing period to date")),
    10: _Way(ValueKind.OTHER, N_("excess over a threshold")),
    17: _Way(ValueKind.CUMULATIVE, N_("meter reading at interval end")),
    18: _Way(ValueKind.CUMULATIVE, N_("meter reading at interval end"), 2),
    19: _Way(ValueKind.BILLING_PERIOD, N_("billing period to interval end")),
    20: _Way(ValueKind.BILLING_PERIOD, N_("billing period to interval end"), 2),
    29: _Way(ValueKind.INTERVAL, N_("per interval")),
    30: _Way(ValueKind.INTERVAL, N_("per interval"), 2),
    58: _Way(ValueKind.OTHER, N_("test integral")),
}

# Of the other media only the counters that EN 13757-1 states beyond doubt, by (medium, C, D).
_COUNTERS = {
    (Medium.COOLING, 1, 0): (Quantity.THERMAL_ENERGY, N_("Cooling energy")),
    (Medium.HEAT, 1, 0): (Quantity.THERMAL_ENERGY, N_("Heat energy")),
    (Medium.GAS, 3, 0): (Quantity.VOLUME, N_("Gas volume")),
    (Medium.GAS, 3, 1): (Quantity.VOLUME, N_("Gas volume corrected")),
    (Medium.GAS, 3, 2): (Quantity.VOLUME, N_("Gas volume at base conditions")),
    (Medium.COLD_WATER, 1, 0): (Quantity.VOLUME, N_("Cold water volume")),
    (Medium.HOT_WATER, 1, 0): (Quantity.VOLUME, N_("Hot water volume")),
}

UNSPECIFIED = 255
_HIGHEST_RATE = 63
# With instantaneous values group E counts harmonics, not tariff rates.
_HARMONICS = frozenset({7, 24})


class Meaning(NamedTuple):
    """What the groups A, C, D and E of a code say together; `meters.obis_words` puts it in words.

    Attributes
    ----------
    counter
        What a counter of another medium than electricity is called, to be translated.
    way, number
        How a value came about, to be translated, and by which scheme.
    """

    quantity: Quantity = Quantity.OTHER
    kind: ValueKind = ValueKind.OTHER
    direction: Direction = Direction.NONE
    quadrant: int | None = None
    phase: Phase = Phase.NONE
    tariff: int | None = None
    counter: str = ""
    way: str = ""
    number: int | None = None


@lru_cache(maxsize=4096)
def meaning(a: int, c: int, d: int, e: int) -> Meaning:
    """Interpret value groups; what the standards do not state is not interpreted."""
    medium, unknown = MEDIA.get(a, Medium.OTHER), Meaning()
    if e > _HIGHEST_RATE and e != UNSPECIFIED:  # reserved, or the manufacturer's own
        return unknown
    tariff = None if e == UNSPECIFIED else e
    if medium is not Medium.ELECTRICITY:
        if (medium, c, d) not in _COUNTERS:
            return unknown
        quantity, name = _COUNTERS[medium, c, d]
        return Meaning(
            quantity, ValueKind.CUMULATIVE, tariff=tariff, counter=name, way=_INTEGRALS[8].words
        )
    measured = _ELECTRICITY.get(c)
    if measured is None:
        return unknown
    if d in _VALUES:
        quantity, way = measured.quantity, _VALUES[d]
        if d in _HARMONICS and tariff is not None:
            if tariff:
                return unknown
            tariff = None
    elif d in _INTEGRALS and measured.quantity in _TIME_INTEGRAL:
        quantity, way = _TIME_INTEGRAL[measured.quantity], _INTEGRALS[d]
    else:
        return unknown
    return Meaning(
        quantity, way.kind, *measured[1:], tariff=tariff, way=way.words, number=way.number
    )
