"""What is asked of the record, read and checked: query parameters, and the body of a correction."""

import math
from dataclasses import dataclass
from typing import Any

from ingestion.corrections import CorrectionError, Range
from ingestion.models import ReadingRevision
from meters.api.problems import InvalidQuery, ParameterError
from meters.models import Meter, Register
from meters.obis import ObisCode, ObisError
from meters.qualities import BY_NAME, Quality
from meters.ranges import MomentError, parse_moment

Act = ReadingRevision.Act
# A value that works for each field, shown to whoever sends another one.
EXAMPLES = {
    "act": "set",
    "register": "1-0:1.29.0*255",
    "start": "2023-02-01T00:00:00+01:00",
    "end": "2023-02-02",
    "value": "0.25",
    "quality": "substituted",
    "revision": "7",
    "reason": "The meter was exchanged.",
    "seen": "42",
}


@dataclass(frozen=True, slots=True)
class AskedCorrection:
    """What is to be done by hand.

    Attributes
    ----------
    where
        Which intervals; None for a restoring, which has its `revision`.
    """

    act: ReadingRevision.Act
    reason: str
    where: Range | None = None
    value: float | None = None
    quality: Quality | None = None
    revision: ReadingRevision | None = None
    seen: int | None = None


def refused(error: CorrectionError, body: Any) -> InvalidQuery:
    """Turn what can't be done into a problem that names the field at fault."""
    field = error.field or "start"
    return InvalidQuery([_error(field, body.get(field), str(error))])


def _error(field: str, value: object, words: str) -> ParameterError:
    text = "" if value is None else str(value)
    return ParameterError(field, text, words, EXAMPLES.get(field, "act"))


class _Body:
    """The fields of one correction, and what was wrong with them so far."""

    def __init__(self, body: object, meter: Meter) -> None:
        if not isinstance(body, dict):
            raise InvalidQuery([_error("act", "", "The body is a JSON object with these fields.")])
        self.body: dict[str, Any] = body
        self.meter = meter
        self.errors: list[ParameterError] = [
            _error(name[:40], body[name], f"“{name[:40]}” is not a field here.")
            for name in sorted(map(str, body.keys() - EXAMPLES.keys()))
        ]

    def refuse(self, field: str, words: str) -> None:
        self.errors.append(_error(field, self.body.get(field), words))

    def text(self, field: str) -> str:
        value = self.body.get(field)
        if value is None or value == "":
            self.refuse(field, f"“{field}” is needed here.")
            return ""
        if not isinstance(value, str):
            self.refuse(field, f"“{field}” is a text.")
            return ""
        return value

    def whole(self, field: str) -> int | None:
        value = self.body.get(field)
        if value is None or (type(value) is int and 0 <= value < 2**63):
            return value
        self.refuse(field, f"“{field}” is a whole number.")
        return None

    def number(self, field: str) -> float | None:
        value = self.body.get(field)
        if value is None:
            return None
        if type(value) in {int, float} and abs(value) < 1e300 and math.isfinite(value):
            return float(value)
        self.refuse(field, f"“{field}” is a number.")
        return None

    def quality(self) -> Quality | None:
        value = self.body.get("quality")
        if value is None:
            return None
        found = BY_NAME.get(value) if isinstance(value, str) else None
        if found is None:
            self.refuse("quality", f"The quality is one of {', '.join(BY_NAME)}.")
        return found

    def act(self) -> ReadingRevision.Act | None:
        value = self.body.get("act")
        if isinstance(value, str) and value in Act.values:
            return Act(value)
        self.refuse("act", f"“act” is one of {', '.join(Act.values)}.")
        return None

    def moment(self, field: str) -> int:
        text = self.text(field)
        if not text:
            return 0
        try:
            return parse_moment(text, self.meter.zone)
        except MomentError as error:
            self.refuse(field, str(error))
            return 0

    def register(self) -> Register | None:
        registers = list(self.meter.registers.all())
        for one in registers:
            one.meter = self.meter
        if "register" not in self.body and len(registers) == 1:
            return registers[0]
        text = self.text("register")
        have = ", ".join(one.obis for one in registers) or "none"
        try:
            code = str(ObisCode.parse(text)) if text else ""
        except ObisError as error:
            self.refuse("register", str(error))
            return None
        found = [one for one in registers if one.obis == code]
        if text and not found:
            self.refuse("register", f"The meter has no register {code}; it has {have}.")
        return found[0] if found else None

    def own_revision(self) -> ReadingRevision | None:
        own = ReadingRevision.objects.filter(register__meter=self.meter)
        number = self.whole("revision")
        found = own.select_related("register__meter").filter(pk=number or 0).first()
        if found is None:
            self.refuse("revision", "This meter has no such revision.")
        return found


def read_correction(body: object, meter: Meter) -> AskedCorrection:
    """Read the body of a correction, and name every field that can't be taken.

    Raises
    ------
    InvalidQuery
        400, with each field at fault, what is wrong, and a value that works.
    """
    fields = _Body(body, meter)
    act, reason, seen = fields.act(), fields.text("reason"), fields.whole("seen")
    where, revision = None, None
    # Also where the act makes nothing of them: what is no number or quality is a mistake.
    value, quality = fields.number("value"), fields.quality()
    if act is not Act.RESTORE:
        fields.whole("revision")
    if act is Act.RESTORE:
        revision = fields.own_revision()
    elif act is not None:
        register, start, end = fields.register(), fields.moment("start"), fields.moment("end")
        where = Range(register, start, end, seen) if register else None
    if fields.errors or act is None:
        raise InvalidQuery(fields.errors)
    return AskedCorrection(act, reason, where, value, quality, revision, seen)
