"""What the hypothesis comes to: ranked statements with their evidence, for pages and the API."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from analytics.hypothesis.kinds import SETTLES, Kind
from analytics.hypothesis.observed import NothingReadError, Observed, RegisterLoad
from analytics.hypothesis.reasoning import FEWEST_DAYS, KINDS, confidences, weights_of
from analytics.hypothesis.remarks import Remarks, remark
from analytics.hypothesis.rules import Finding, look
from meters.language import _
from meters.wording import figure
from meters.zones import Zone

SHOWN = 0.2
"""A finding of less weight is not told [nat]: it is 1.2 times as likely with the kind."""
MOST_SETTLING = 4


@dataclass(frozen=True, slots=True)
class Evidence:
    """One finding as it speaks for or against one kind.

    Attributes
    ----------
    rule
        Its name.
    sentence
        What was found, with its figure.
    weight
        Logarithm of how much likelier the finding is with this kind than with the average of all
        [nat]; below 0 it speaks against.
    source
        Of the measure.
    """

    rule: str
    sentence: str
    weight: float
    source: str


@dataclass(frozen=True, slots=True)
class Statement:
    """One kind that the meter may measure.

    Attributes
    ----------
    confidence
        From 0 to 1; those of all statements add up to 1.
    evidence_for, evidence_against
        The weightiest first.
    would_settle
        What data would confirm or refute it.
    """

    kind: Kind
    title: str
    confidence: float
    evidence_for: tuple[Evidence, ...]
    evidence_against: tuple[Evidence, ...]
    would_settle: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Argument:
    """The hypothesis on what a meter measures.

    Attributes
    ----------
    statements
        Of all kinds, the most confident first; 'cannot tell' is one of them.
    days
        How much time is known [days].
    remarks
        What else the values tell: their step, how they were made, where on earth.
    """

    statements: tuple[Statement, ...]
    days: float
    remarks: Remarks

    @property
    def first(self) -> Statement:
        """The statement that is made."""
        return self.statements[0]

    def as_json(self) -> dict[str, Any]:
        """All of it in dicts, lists, texts and numbers."""
        return asdict(self)


def argue(registers: Sequence[RegisterLoad], *, zone: Zone | None = None) -> Argument:
    """Argue what a meter measures from the readings of its registers.

    Parameters
    ----------
    registers
        Of one meter: of energy or power, taken or given. Totals come before tariffs.
    zone
        On whose clock days are told; that of the loads where None.

    Returns
    -------
    Argument
        Without readings it says that it cannot tell.
    """
    try:
        seen = Observed.of(registers, zone)
    except NothingReadError as error:
        return _nothing(str(error))
    findings = look(seen)
    found = confidences(findings, seen.days)
    ranked = sorted(KINDS, key=lambda kind: -found[kind])
    return Argument(
        tuple(_state(kind, found[kind], findings, seen.days) for kind in ranked),
        seen.days,
        remark(seen),
    )


def _state(kind: Kind, confidence: float, findings: Sequence[Finding], days: float) -> Statement:
    column = KINDS.index(kind)
    evidence = [
        Evidence(
            finding.rule.name,
            finding.reading.sentence,
            round(float(weights_of(finding)[column]), 3),
            _(finding.rule.source),
        )
        for finding in findings
        if finding.reading is not None
    ]
    evidence.sort(key=lambda one: -abs(one.weight))
    return Statement(
        kind,
        kind.words,
        round(confidence, 4),
        tuple(one for one in evidence if one.weight >= SHOWN),
        tuple(one for one in evidence if one.weight <= -SHOWN),
        _settling(kind, findings, days),
    )


def _settling(kind: Kind, findings: Sequence[Finding], days: float) -> tuple[str, ...]:
    """What would settle it: what the kind is known by, and what rules could not read."""
    # A dict, for it keeps the order, and several rules need the same.
    missing = {_(finding.rule.needs): None for finding in findings if finding.reading is None}
    if days < FEWEST_DAYS:
        words = _("At least {least} days of readings; there are {number}.")
        least = words.format(least=figure(FEWEST_DAYS), number=figure(days, 1))
        missing = {least: None} | missing
    return (*map(_, SETTLES[kind]), *missing)[:MOST_SETTLING]


def _nothing(words: str) -> Argument:
    evidence = (Evidence("readings", words, 0.0, ""),)
    cannot = Kind.CANNOT_TELL
    statement = Statement(cannot, cannot.words, 1.0, evidence, (), tuple(map(_, SETTLES[cannot])))
    return Argument((statement,), 0.0, Remarks())
