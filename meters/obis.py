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
from functools import lru_cache

from meters.language import N_, _, _n
from meters.obis_meaning import (
    MEDIA,
    UNSPECIFIED,
    Aggregation,
    Direction,
    Meaning,
    Medium,
    Phase,
    Quantity,
    ValueKind,
    meaning,
)
from meters.obis_words import in_words

__all__ = [
    "Aggregation",
    "Direction",
    "Medium",
    "ObisCode",
    "ObisError",
    "Phase",
    "Quantity",
    "ValueKind",
]


class ObisError(ValueError):
    """What was given is no OBIS code; the message is fit to be shown to whoever wrote it."""


_EXAMPLES = N_("for example 0100011D00FF or 1-0:1.29.0*255")
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
                    _(
                        "group {name} of an OBIS code is a whole number from 0 to 255, not {group}"
                    ).format(name=name.upper(), group=repr(group))
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
            raise ObisError(
                _("an OBIS code is text, not {kind}; {examples}").format(
                    kind=type(text).__name__, examples=_(_EXAMPLES)
                )
            )
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
        return MEDIA.get(self.a, Medium.OTHER)

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
        return self.f != UNSPECIFIED and self.is_interpreted

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
        """Readable words, such as ``Active energy export, meter reading, tariff 2``."""
        if not self.is_interpreted:
            return _("{medium} {code} (not interpreted)").format(
                medium=self.medium.label, code=self.reduced
            )
        return in_words(self._meaning, self.f if self.is_billing_value else None)

    @property
    def _meaning(self) -> Meaning:
        return meaning(self.a, self.c, self.d, self.e)


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
            words = _("group {name} is {group}, and 255 is the highest")
            raise _refusal(text, words.format(name=name, group=group))
    return ObisCode(*groups)


def _what_is_wrong(text: str) -> str:
    if not text:
        return _("it is empty")
    if _HEX.fullmatch(text):
        words = _n(
            "{count} hexadecimal digit, {needed} are needed",
            "{count} hexadecimal digits, {needed} are needed",
            len(text),
        )
        return words.format(count=len(text), needed=_HEX_DIGITS)
    if len(text) > _LONGEST:
        words = _("it has {count} characters, the longest code has {longest}")
        return words.format(count=len(text), longest=_LONGEST)
    strange = re.search(r"[^0-9.:*&-]", text)
    if strange and not re.search(r"[.:*&-]", text):  # meant as hexadecimal, or no code at all
        strange = re.search(r"[^0-9A-Fa-f]", text)
        words = _("{sign} has no place in it, and a code without dots is twelve hexadecimal digits")
    else:
        words = _("{sign} has no place in it, the six groups are decimal numbers")
    if strange:
        return words.format(sign=_("a space") if strange[0].isspace() else _quoted(strange[0]))
    return _("its numbers are not set out as A-B:C.D.E*F, C.D.E or A.B.C.D.E.F")


def _quoted(text: str) -> str:
    # repr() makes control, direction and surrogate characters visible, which logs, pages and the
    # database would otherwise stumble over.
    cut = text if len(text) <= _LONGEST_QUOTE else text[:_LONGEST_QUOTE] + "…"
    return f'"{repr(cut)[1:-1]}"'


def _refusal(text: str, reason: str) -> ObisError:
    words = _("{text} is not an OBIS code: {reason}; {examples}")
    return ObisError(words.format(text=_quoted(text), reason=reason, examples=_(_EXAMPLES)))
