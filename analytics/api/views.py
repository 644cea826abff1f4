"""The numbers behind the analysis of a meter."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.http import HttpResponse, QueryDict
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from analytics.analysed import MOST_DAYS, Analysed
from analytics.api.answers import (
    MOST_ANOMALIES,
    MOST_HOLES,
    PARTS,
    USUAL_PARTS,
    Told,
    hypothesis,
)
from analytics.api.examples import ONE
from analytics.api.serializers import AnalysisSerializer
from analytics.corrected import count_corrected
from analytics.methods.grouping import By, read_by
from meters.api import examples
from meters.api.bounds import read_range
from meters.api.caching import etag_of_meter, held_or
from meters.api.of_meter import MeterView
from meters.api.parameters import Parameters
from meters.api.problems import InvalidQuery, ParameterError
from meters.api.query import read_registers
from meters.api.readings_schema import END
from meters.grid import Resolution, ResolutionError
from meters.models import Meter, Register
from meters.zones import DAY, Zone

NAMES = ("start", "end", "register", "group", "include")
MOST_GROUPINGS = 20
USUAL_DAYS = 365
TELL_CORRECTIONS = {"quality", "sentences"}

PARAMETERS = [
    OpenApiParameter(
        "start",
        str,
        description="Included: a date, which begins at the meter's local midnight, a time with "
        "offset, or a duration before the end, such as -P28D. A year before today where none is "
        "given.",
    ),
    END,
    OpenApiParameter(
        "register",
        str,
        description="OBIS code of one register in any notation, or import or export. By default "
        "the first that can be analysed, total active energy first.",
    ),
    OpenApiParameter(
        "group",
        str,
        description=f"By what `groups` groups: {', '.join(By)}, or an ISO 8601 length such as "
        "PT2H, which cuts the day, or P1D, P1W, P1M and P1Y, which cut the range; several with "
        f"commas. {', '.join(By)} by default.",
    ),
    OpenApiParameter(
        "include",
        str,
        description=f"Which parts are given: {', '.join(PARTS)}; several with commas. By default "
        "all but heat and calendar, which are large.",
    ),
]


@dataclass(frozen=True)
class AnalysisQuery:
    """What was asked for, checked.

    Attributes
    ----------
    wanted
        The registers of which the first that can be is analysed.
    is_named
        Whether somebody asked for them.
    """

    start: int
    end: int
    wanted: Sequence[Register]
    is_named: bool
    by: Sequence[By | Resolution]
    parts: Sequence[str]

    @classmethod
    def read(
        cls, given: QueryDict, registers: Sequence[Register], where: Zone, now: int
    ) -> "AnalysisQuery":
        """Read the parameters, and name every one that can't be taken."""
        parameters = Parameters(given, NAMES, "include=figures")
        wanted = _one_register(parameters, registers)
        usual: tuple[Sequence[str], Sequence[By | Resolution]] = (USUAL_PARTS, tuple(By))
        parts = parameters.read_all("include", _parts, usual[0], "figures,correlation")
        by = parameters.read_all("group", _groups, usual[1], "hour,P1W")
        before = where.midnight(where.date_at(now) - timedelta(days=USUAL_DAYS))
        start, end = read_range(parameters, where, now, usual_start=before)
        # Twice the hour of a clock change at most.
        if end - start > MOST_DAYS * DAY + 7200 and not parameters.errors:
            recent = where.date_at(end) - timedelta(days=USUAL_DAYS)
            parameters.refuse(
                "start",
                f"The range has {(end - start) // DAY:,} days, and three years ({MOST_DAYS:,} "
                "days) are analysed at most. Ask for a later start or an earlier end.",
                recent.isoformat(),
            )
        parameters.check()
        return cls(start, end, wanted, bool(given.get("register")), by, parts)


def _one_register(parameters: Parameters, registers: Sequence[Register]) -> Sequence[Register]:
    wanted = read_registers(parameters, registers)
    texts = [
        part.strip() for text in parameters.given.getlist("register") for part in text.split(",")
    ]
    named = sorted({text for text in texts if text})
    if len(named) > 1 and not parameters.is_refused("register"):
        words = "One register is analysed at a time; ask for each by itself."
        parameters.refuse("register", words, wanted[0].obis, ",".join(named))
    return wanted


def _parts(texts: Sequence[str]) -> Sequence[str]:
    for text in texts:
        if text not in PARTS:
            raise ValueError(f"“{text[:40]}” is not one of {', '.join(PARTS)}.")
    return [name for name in PARTS if name in texts]


def _groups(texts: Sequence[str]) -> Sequence[By | Resolution]:
    if len(texts) > MOST_GROUPINGS:
        raise ValueError(f"{len(texts):,} groupings are asked for; {MOST_GROUPINGS} are the most.")
    return [_by(text) for text in texts]


def _by(text: str) -> By | Resolution:
    try:
        return read_by(text)
    except ResolutionError:
        raise ValueError(
            f"“{text[:40]}” is not one of {', '.join(By)}, nor a length that divides a day, such "
            "as PT2H, nor P1D, P1W, P1M or P1Y."
        ) from None


class AnalysisView(MeterView):
    @extend_schema(
        operation_id="meters_analysis",
        summary="Analyse a meter",
        description="The numbers behind every figure of a meter's analysis page, of one register "
        "within a range of at most three years: key figures, groups, duration curve, histogram, "
        "autocorrelation with Bartlett's bands, periods, pattern, anomalies and quality; the "
        "sentences that the page shows; and the hypothesis on what the meter measures, which "
        "rests on all of its registers. Power is in kW, energy in kWh, and null stands where "
        "nothing is known. Days and times are those of the meter's own clock.",
        parameters=PARAMETERS,
        examples=[ONE],
        responses={
            200: AnalysisSerializer,
            **examples.invalid(
                "include",
                "acf",
                f"“acf” is not one of {', '.join(PARTS)}.",
                "figures,correlation",
            ),
            **examples.NO_METER,
            **examples.ALWAYS,
        },
    )
    def get(self, request: Request, muid: UUID) -> Response | HttpResponse:
        meter, registers = self.find(muid)
        now = int(time.time())
        asked = AnalysisQuery.read(request.query_params, registers, meter.zone, now)
        of_interest = registers if TELL_CORRECTIONS & set(asked.parts) else []
        corrected = count_corrected(of_interest, asked.start, asked.end)
        # What is kept of corrections may grow old and go, while the readings stay.
        said = (
            list(map(str, asked.by)),
            list(asked.parts),
            [one.pk for one in asked.wanted],
            sorted(corrected.items()),
        )
        # The hypothesis rests on all registers, whichever is asked for.
        etag = etag_of_meter(request, meter, registers, (asked.start, asked.end), now, said)
        return held_or(request, etag, lambda: answer(meter, registers, asked, corrected))


def answer(
    meter: Meter,
    registers: Sequence[Register],
    asked: AnalysisQuery,
    corrected: Mapping[int, int],
) -> dict[str, Any]:
    """Analyse the first register that can be, with one query whatever the range.

    Parameters
    ----------
    corrected
        How many readings of each register were corrected, by its primary key; none where no part
        tells it.
    """
    analysed = Analysed.within(meter, registers, asked.start, asked.end)
    wanted = {one.pk for one in asked.wanted}
    register = next((one for one in analysed.choices if one.pk in wanted), None)
    said: dict[str, Any] = {
        "meter": str(meter.muid),
        "timezone": meter.zone.name,
        "start": meter.zone.at(asked.start).isoformat(),
        "end": meter.zone.at(asked.end).isoformat(),
        "register": None,
        "direction": None,
        "interval": None,
    }
    if register is None:
        if "hypothesis" in asked.parts:
            said["hypothesis"] = hypothesis(analysed)
        return said | {"notes": _why_none(analysed, asked)}
    load = analysed.loads[register.pk]
    said |= {
        "register": register.obis,
        "direction": str(register.code.direction),
        "interval": load.interval,
    }
    told = Told(analysed, register, load, asked.by, corrected.get(register.pk))
    try:
        said |= {name: PARTS[name](told) for name in asked.parts}
    except ResolutionError as error:
        texts = ",".join(map(str, asked.by))
        raise InvalidQuery([ParameterError("group", texts, str(error), "hour")]) from None
    if notes := _notes(told, asked.parts):
        said["notes"] = notes
    return said


def _why_none(analysed: Analysed, asked: AnalysisQuery) -> list[str]:
    refused = [
        words for pk, words in analysed.refused_by.items() if pk in {one.pk for one in asked.wanted}
    ]
    if refused and asked.is_named:
        fits = next((one.obis for one in analysed.choices), "1-0:1.29.0*255")
        raise InvalidQuery([ParameterError("register", asked.wanted[0].obis, refused[0], fits)])
    return [*refused, "There are no readings of energy or power in this range to analyse."]


def _notes(told: Told, parts: Sequence[str]) -> list[str]:
    notes = []
    if "anomalies" in parts and (count := len(told.analysis.anomalies)) > MOST_ANOMALIES:
        notes.append(f"There are {count:,} anomalies; the latest {MOST_ANOMALIES:,} are listed.")
    if "quality" in parts and (count := len(told.analysis.quality.holes)) > MOST_HOLES:
        notes.append(f"There are {count:,} holes; the longest {MOST_HOLES:,} are listed.")
    return notes
