import time
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    extend_schema,
    extend_schema_view,
)
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ReadOnlyModelViewSet

from meters.api.answers import readings_answer
from meters.api.query import FILLS, LAYOUTS, parse_query
from meters.api.serializers import MeterSerializer, ProblemSerializer, ReadingsSerializer
from meters.grid import OFFERED
from meters.models import Meter
from meters.readings import readings

EXAMPLE = OpenApiExample(
    "Two local days",
    summary="Daily sums of two days in Zurich",
    description="The first local day lacks its first hour, and the answer says so.",
    value={
        "meter": "95ce3367-cbce-4a4d-bbe3-da082831d7bd",
        "timezone": "Europe/Zurich",
        "resolution": "P1D",
        "start": "2023-02-01T00:00:00+01:00",
        "end": "2023-02-03T00:00:00+01:00",
        "series": [
            {
                "register": "1-0:1.29.0*255",
                "direction": "import",
                "unit": "kWh",
                "statistic": "sum",
                "count": 188,
                "expected": 192,
                "rows": [
                    {
                        "start": "2023-02-01T00:00:00+01:00",
                        "end": "2023-02-02T00:00:00+01:00",
                        "value": 1.8299,
                        "count": 92,
                        "expected": 96,
                        "quality": {"measured": 92},
                    }
                ],
            }
        ],
    },
    response_only=True,
)


def _text(name: str, description: str, **more: Any) -> OpenApiParameter:
    return OpenApiParameter(name, str, description=description, **more)


READINGS_PARAMETERS = [
    _text(
        "start",
        "Included: a date, which begins at local midnight in `timezone`, or a time with offset. "
        "Six days before today where none is given.",
    ),
    _text("end", "Excluded, written like `start`; the present where none is given."),
    _text("resolution", "Length of a bucket; the meter's own interval by default.", enum=OFFERED),
    _text("timezone", "IANA name of the zone whose days and hours count; the meter's by default."),
    _text("fill", "What stands for an empty bucket: null, nothing at all, or zero.", enum=FILLS),
    _text("layout", "Buckets as rows, or each field as one array.", enum=LAYOUTS),
]


@extend_schema_view(
    list=extend_schema(
        summary="List meters", responses={200: MeterSerializer, 401: ProblemSerializer}
    ),
    retrieve=extend_schema(
        summary="Get one meter", responses={200: MeterSerializer, 404: ProblemSerializer}
    ),
)
class MeterViewSet(ReadOnlyModelViewSet[Meter]):
    """Meters and their registers."""

    serializer_class = MeterSerializer
    lookup_field = "muid"
    lookup_value_converter = "uuid"
    filterset_fields = ["site__name", "timezone"]
    search_fields = ["name", "metering_point", "site__name"]
    ordering_fields = ["name", "muid"]

    def get_queryset(self) -> QuerySet[Meter]:
        return Meter.objects.all().with_registers()

    @extend_schema(
        summary="Read a meter's intervals",
        description="The readings of every register of the meter on one grid. An interval counts "
        "in the bucket in which it starts; an empty bucket is null, never 0.",
        parameters=READINGS_PARAMETERS,
        responses={200: ReadingsSerializer, 400: ProblemSerializer, 404: ProblemSerializer},
        examples=[EXAMPLE],
        filters=False,
    )
    @action(detail=True, url_name="readings", pagination_class=None, filter_backends=[])
    def readings(self, request: Request, muid: str) -> Response:
        meter = self.get_object()
        registers = list(meter.registers.all())
        for register in registers:
            register.meter = meter
        asked = parse_query(
            request.query_params,
            default_zone=meter.zone,
            finest=min((register.interval or 900 for register in registers), default=900),
            now=int(time.time()),
            registers=len(registers),
        )
        return Response(readings_answer(meter, asked, readings(registers, asked.query)))
