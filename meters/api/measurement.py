"""The upstream's own contract, so that whoever pulls from it can pull from here instead.

``GET /meterdata/measurement``: the same parameters, order and rows. Only what goes wrong is told in
the API's shape.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.http import HttpResponse, QueryDict
from drf_spectacular.extensions import OpenApiSerializerExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import Direction, OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from config.errors import PROBLEM_MEDIA_TYPE
from meters.api import examples
from meters.api.of_meter import NotHere
from meters.api.parameters import FORMAT, Parameters, one_of, whole_number
from meters.api.problems import InvalidQuery, ParameterError
from meters.api.words import quality_field
from meters.models import Meter, Register
from meters.muids import MuidError, read_muid
from meters.newest import newest_rows
from meters.ranges import LOST_PLUS, read_iso
from meters.rowtext import written

MOST_ROWS = 100_000
EXAMPLES = {
    "muid": examples.MUID,
    "measurement": "energy",
    "limit": "5000",
    "start": "2023-02-01",
    "stop": "2023-03-01",
}
WHOLE = "&".join(f"{name}={value}" for name, value in EXAMPLES.items())
HOW = (
    "write a date (2023-02-01, midnight UTC) or a time with its offset (2023-02-01T00:00:00Z, "
    "2023-02-01T00:00:00+01:00)"
)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Asked:
    """One question.

    Attributes
    ----------
    limit
        Most rows to answer, the newest.
    start, stop
        The range ``[start, stop)`` [s].
    """

    muid: str
    measurement: str
    limit: int
    start: int
    stop: int


def parse(given: QueryDict) -> Asked:
    """Read the parameters, all of which are needed.

    Raises
    ------
    InvalidQuery
        400, with each parameter at fault, what is wrong, and a value that works.
    """
    parameters = Parameters(given, EXAMPLES, "limit=5000")
    parameters.read(FORMAT, one_of(("json",)), "json", "json")
    for name, example in EXAMPLES.items():
        if not any(given.getlist(name)):
            parameters.refuse(name, f"“{name}” is missing; an example is ?{WHOLE}.", example)
    muid = parameters.read("muid", str, "", EXAMPLES["muid"])
    measurement = parameters.read("measurement", str, "", EXAMPLES["measurement"])
    limit = parameters.read("limit", whole_number(MOST_ROWS), 1, EXAMPLES["limit"])
    start = parameters.read("start", instant, 0, EXAMPLES["start"])
    stop = parameters.read("stop", instant, start, EXAMPLES["stop"])
    if start > stop and not parameters.errors:
        # As the upstream has it, the same moment twice is a range with nothing in it: who pages
        # backwards may end there.
        words = f"The stop {given['stop']} lies before the start {given['start']}."
        parameters.refuse("stop", words, given.get("start", ""))
    parameters.check()
    return Asked(muid, measurement, limit, start, stop)


def instant(text: str) -> int:
    """Read a date, which begins at midnight UTC, or a time with its offset, in whole seconds.

    Fractions are rounded up, so that a half-open range holds the same whole seconds.
    """
    text = LOST_PLUS.sub(r"\1+\2", text)
    try:
        moment = read_iso(text)
    except ValueError:
        raise ValueError(f"“{text[:40]}” is no date; {HOW}.") from None
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
        moment = moment.replace(tzinfo=UTC)
    elif moment.tzinfo is None:
        raise ValueError(f"“{text[:40]}” has no offset, so it names no instant; {HOW}.")
    return -((EPOCH - moment) // timedelta(seconds=1))


def find(asked: Asked) -> tuple[Meter, list[Register]]:
    """Find the meter and its registers that came under the measurement.

    Raises
    ------
    NotHere
        404; so is another tenant's meter.
    InvalidQuery
        400, where none of its registers came under that measurement.
    """
    try:
        muid = read_muid(asked.muid)
    except MuidError:
        meter = None
    else:
        meter = Meter.objects.filter(muid=muid).prefetch_related("registers").first()
    if meter is None:
        words = f"There is no meter with the muid “{asked.muid[:40]}” here."
        raise NotHere([ParameterError("muid", asked.muid, words, EXAMPLES["muid"])])
    registers = list(meter.registers.all())
    own = sorted({register.measurement for register in registers})
    # A meter of which nothing has come yet answers with no rows, whatever is asked for: who pulls
    # it need not know.
    if own and asked.measurement not in own:
        words = f"“{asked.measurement[:40]}” is none of this meter's; there is {', '.join(own)}."
        raise InvalidQuery([ParameterError("measurement", asked.measurement, words, own[0])])
    return meter, [one for one in registers if one.measurement == asked.measurement]


def body_of(asked: Asked) -> bytes:
    """Answer one question."""
    meter, registers = find(asked)
    if not registers:
        return b'{"data":[]}'
    return written(
        newest_rows(registers, asked.start, asked.stop, asked.limit),
        muid=str(meter.muid),
        measurement=asked.measurement,
        codes=[register.code.hex for register in registers],
    )


class JSONAlone(DefaultContentNegotiation):
    """JSON whatever is accepted: so the upstream has it."""

    def select_renderer(
        self,
        request: Request,
        renderers: Iterable[BaseRenderer],
        format_suffix: str | None = None,
    ) -> Any:
        renderer = next(iter(renderers))
        return renderer, renderer.media_type


class TagsSerializer(serializers.Serializer[dict[str, object]]):
    muid = serializers.CharField()
    quality = quality_field(help_text="unspecified where it came without one.")


class MeasurementRowSerializer(serializers.Serializer[dict[str, object]]):
    """One row: beside these fields a number under each code, such as 0100011D00FF."""

    measurement = serializers.CharField(help_text="Under which the values came.")
    timestamp = serializers.DateTimeField(help_text="Where the interval begins, in UTC.")
    tags = TagsSerializer()


class RowSchema(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]
    """Names the numbers under codes, for which there is no field."""

    target_class = MeasurementRowSerializer

    def map_serializer(self, auto_schema: AutoSchema, direction: Direction) -> dict[str, Any]:
        # The library has no other door for what an extension builds upon.
        make: Any = auto_schema._map_serializer  # noqa: SLF001
        schema: dict[str, Any] = make(self.target, direction, bypass_extensions=True)
        return schema | {"additionalProperties": {"type": "number"}}


class MeasurementSerializer(serializers.Serializer[dict[str, object]]):
    data = MeasurementRowSerializer(many=True)  # type: ignore[assignment]


def _parameter(name: str, description: str, **more: Any) -> OpenApiParameter:
    return OpenApiParameter(name, more.pop("type", str), description=description, required=True)


def _row(time: str, value: float) -> dict[str, Any]:
    return {
        "measurement": "energy",
        "timestamp": time,
        "tags": {"muid": examples.MUID, "quality": "measured"},
        "0100011D00FF": value,
    }


TWO_ROWS = OpenApiExample(
    "Two rows",
    summary="The newest two quarter-hours of February 2023",
    value={
        "data": [
            _row("2023-02-28T23:45:00.000Z", 0.0117),
            _row("2023-02-28T23:30:00.000Z", 0.0117),
        ]
    },
    response_only=True,
)
UNKNOWN = "00000000-0000-0000-0000-000000000000"
NO_METER = {
    (404, PROBLEM_MEDIA_TYPE): examples.one_problem(
        404,
        "The tenant has no such meter.",
        f"There is no meter with the muid “{UNKNOWN}” here.",
        ParameterError(
            "muid", UNKNOWN, f"There is no meter with the muid “{UNKNOWN}” here.", examples.MUID
        ).as_dict(),
    )
}


class MeasurementView(APIView):
    """The stored readings in the upstream's own shape."""

    content_negotiation_class = JSONAlone

    @extend_schema(
        operation_id="meterdata_measurement",
        summary="Read rows as the upstream serves them",
        description="The newest stored readings of one meter in the shape of the upstream from "
        "which they came, for programs that already read that: newest first, values under the "
        "registers' codes in hexadecimal. Registers that have read at one instant with one quality "
        "share a row. Page backwards by asking up to the oldest time of the last page. All five "
        "parameters are needed. The answer is JSON, whatever Accept asks for.",
        parameters=[
            _parameter("muid", "MUID of the meter."),
            _parameter("measurement", "Under which the readings came: energy, power."),
            _parameter("limit", f"Most rows, 1 to {MOST_ROWS:,}; the newest are given.", type=int),
            _parameter("start", "Included: a date (midnight UTC) or a time with its offset."),
            _parameter("stop", "Excluded, written like `start`."),
        ],
        examples=[TWO_ROWS],
        responses={
            200: MeasurementSerializer,
            **examples.invalid(
                "start",
                "2023-02-01T00:00",
                f"“2023-02-01T00:00” has no offset, so it names no instant; {HOW}.",
                "2023-02-01",
            ),
            **NO_METER,
            **examples.UNAUTHORIZED,
        },
    )
    def get(self, request: Request) -> HttpResponse:
        body = body_of(parse(request.query_params))
        return HttpResponse(body, content_type="application/json")
