"""Units named in a file, converted into those in which registers are kept."""

import re
from dataclasses import dataclass

from meters.language import _
from meters.obis import ObisCode

PREFIXES = {"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9}
BASES = ("varh", "VArh", "VAh", "Wh", "var", "VAr", "VA", "W")
CANONICAL = {"VArh": "varh", "VAr": "var"}
# The energy that a mean power comes to in an hour.
IN_AN_HOUR = {"W": "Wh", "var": "varh", "VA": "VAh"}
KNOWN = {
    **{
        prefix + base: (scale, CANONICAL.get(base, base))
        for prefix, scale in PREFIXES.items()
        for base in BASES
    },
    "V": (1.0, "V"),
    "A": (1.0, "A"),
    "Hz": (1.0, "Hz"),
    "m³": (1.0, "m³"),
    "m3": (1.0, "m³"),
    "l": (1e-3, "m³"),
}
# By small letters, for "KWH" and "kwh" are one; what they leave open (mW, MW) is not among them.
_SMALL: dict[str, str] = {}
for _name in KNOWN:
    _SMALL.setdefault(_name.lower(), _name)
_IN_BRACKETS = re.compile(r"[\[(]\s*([^\[\]()]{1,8}?)\s*[\])]")
_LAST_WORD = re.compile(r"(?:^|[\s_,;:/|-])([^\s_,;:/|-]{1,5})\s*$")
# A lone letter at the end of a header is more often a name ("Phase A") than a unit; not so W, and
# watts taken for kilowatt-hours would do harm.
_TOO_SHORT = frozenset({"a", "v", "l", "A", "V", "w"})


class UnitError(ValueError):
    """A unit that does not fit; the message says why."""


@dataclass(frozen=True, slots=True)
class Conversion:
    """What values are multiplied with.

    Attributes
    ----------
    factor
        From the unit of the file to the register's.
    per_hour
        Whether the values are mean power, to be multiplied with the interval's length [h] as well.
    """

    factor: float
    per_hour: bool = False


def canonical_unit(text: str) -> str | None:
    """Return the usual writing of a unit, or None where it is none that is known."""
    text = text.strip()
    if text in KNOWN:
        return text
    # Milliwatts and megawatts differ by this letter alone.
    if text[:1] == "m" and text.lower() not in {"m3", "m³"}:
        return None
    return _SMALL.get(text.lower())


def unit_in(header: str) -> str | None:
    """Find the unit that a header names: ``Bezug [kWh]``, ``import_kwh``, ``Leistung in kW``."""
    for found in _IN_BRACKETS.findall(header):
        unit = canonical_unit(found)
        if unit:
            return unit
    last = _LAST_WORD.search(header)
    if last and last[1] not in _TOO_SHORT:
        return canonical_unit(last[1])
    return None


def conversion(unit: str, obis: str, *, power: bool) -> Conversion:
    """Say how values in a unit become values of a register.

    Parameters
    ----------
    unit
        As the file names it; where empty the register's own.
    obis
        The register.
    power
        Whether mean power may become energy.

    Raises
    ------
    UnitError
        The unit is unknown, or measures something else.
    """
    kept = ObisCode.parse(obis).unit
    if not unit or unit == kept:
        return Conversion(1.0)
    name = canonical_unit(unit)
    if name is None:
        words = _("the unit “{unit}” is unknown; known are kWh, Wh, MWh, kW, kvarh, m³")
        raise UnitError(words.format(unit=unit[:20]))
    scale, base = KNOWN[name]
    if kept not in KNOWN:
        words = _("the register {obis} has no unit into which {unit} could be converted")
        raise UnitError(words.format(obis=obis, unit=name))
    kept_scale, kept_base = KNOWN[kept]
    if base == kept_base:
        return Conversion(_ratio(scale, kept_scale))
    if IN_AN_HOUR.get(base) == kept_base:
        if power:
            return Conversion(_ratio(scale, kept_scale), per_hour=True)
        words = _(
            "{unit} is power, and the register {obis} counts energy in {kept}; ask for mean power "
            "to be taken as energy, or name a register of power"
        )
        raise UnitError(words.format(unit=name, obis=obis, kept=kept))
    words = _("{unit} does not fit the register {obis}, which is kept in {kept}")
    raise UnitError(words.format(unit=name, obis=obis, kept=kept))


def _ratio(scale: float, kept: float) -> float:
    return scale / kept
