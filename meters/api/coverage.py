"""What is stored of a meter within a range, and the gaps in it."""

import time
from typing import Any
from uuid import UUID

import numpy as np
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from meters.api import examples
from meters.api.bounds import read_range
from meters.api.caching import etag_of_meter, held_or
from meters.api.of_meter import TIMEZONE, MeterView
from meters.api.parameters import Parameters
from meters.api.query import read_registers
from meters.api.readings_schema import END, REGISTER, START
from meters.api.words import direction_field
from meters.coverage import Coverage, coverage
from meters.localtime import iso
from meters.zones import Zone, zone

NAMES = ("start", "end", "timezone", "register")
# Of one register in one answer.
MOST_GAPS = 1000


def _register(found: Coverage, where: Zone) -> dict[str, Any]:
    code = found.register.code
    listed = found.gaps[:MOST_GAPS]
    starts = iso(np.array([gap.start for gap in listed], dtype=np.int64), where)
    ends = iso(np.array([gap.end for gap in listed], dtype=np.int64), where)
    said: dict[str, Any] = {
        "register": found.register.obis,
        "direction": str(code.direction),
        "unit": code.unit,
        "first": None if found.first is None else where.at(found.first).isoformat(),
        "last": None if found.last is None else where.at(found.last).isoformat(),
        "count": found.count,
        "expected": found.expected,
        "missing": found.missing,
        "completeness": found.completeness,
        "quality": found.qualities,
        "gaps": [
            {"start": start, "end": end, "missing": gap.missing}
            for start, end, gap in zip(starts, ends, listed, strict=True)
        ],
    }
    if len(found.gaps) > MOST_GAPS:
        note = f"There are {len(found.gaps):,} gaps, of which the first {MOST_GAPS:,} are listed"
        said["notes"] = [f"{note}; ask for the others with start={ends[-1]}."]
    return said


class CoverageGapSerializer(serializers.Serializer[dict[str, object]]):
    """A stretch of time in which intervals are missing on end."""

    start = serializers.DateTimeField(help_text="Where the first of them begins.")
    end = serializers.DateTimeField(help_text="Where the last of them ends.")
    missing = serializers.IntegerField(help_text="How many there are.")


class RegisterCoverageSerializer(serializers.Serializer[dict[str, object]]):
    register = serializers.CharField(help_text="OBIS code.")
    direction = direction_field()
    unit = serializers.CharField()
    first = serializers.DateTimeField(
        allow_null=True, help_text="Where the first reading of the range begins."
    )
    last = serializers.DateTimeField(
        allow_null=True, help_text="Where the last reading of the range begins."
    )
    count = serializers.IntegerField(help_text="Intervals that are there.")
    expected = serializers.IntegerField(help_text="Intervals that should be there by now.")
    missing = serializers.IntegerField(help_text="Of those expected, how many are not there.")
    completeness = serializers.FloatField(
        allow_null=True, help_text="The share of those expected that is there, 0 to 1."
    )
    quality = serializers.DictField(
        child=serializers.IntegerField(), help_text="How many intervals have which quality."
    )
    gaps = CoverageGapSerializer(many=True, help_text="Oldest first.")
    notes = serializers.ListField(
        child=serializers.CharField(), required=False, help_text="What is left out, in words."
    )


class CoverageSerializer(serializers.Serializer[dict[str, object]]):
    """What is stored of a meter within a range."""

    meter = serializers.UUIDField(help_text="MUID.")
    timezone = serializers.CharField()
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    registers = RegisterCoverageSerializer(many=True)


ONE = OpenApiExample(
    "Two local days",
    summary="Two local days in Zurich",
    description="The first hour of the first local day is missing.",
    value={
        "meter": examples.MUID,
        "timezone": "Europe/Zurich",
        "start": "2023-02-01T00:00:00+01:00",
        "end": "2023-02-03T00:00:00+01:00",
        "registers": [
            {
                "register": "1-0:1.29.0*255",
                "direction": "import",
                "unit": "kWh",
                "first": "2023-02-01T01:00:00+01:00",
                "last": "2023-02-02T23:45:00+01:00",
                "count": 188,
                "expected": 192,
                "missing": 4,
                "completeness": 0.9791666666666666,
                "quality": {"measured": 188},
                "gaps": [
                    {
                        "start": "2023-02-01T00:00:00+01:00",
                        "end": "2023-02-01T01:00:00+01:00",
                        "missing": 4,
                    }
                ],
            }
        ],
    },
    response_only=True,
)


class CoverageView(MeterView):
    @extend_schema(
        operation_id="meters_coverage",
        summary="See what a meter's readings cover",
        description="Of each register within a range: its first and last reading, how many "
        "intervals there are and how many should be, of which qualities, and what is missing as "
        "ranges. What should be there is told by the register's own intervals, the meter's "
        "commissioning and removal, and the present: the future is not missing.",
        parameters=[START, END, TIMEZONE, REGISTER],
        examples=[ONE],
        responses={
            200: CoverageSerializer,
            **examples.invalid(
                "register",
                "1-0:2.29.0*255",
                "There is no register 1-0:2.29.0*255 here; there are 1-0:1.29.0*255.",
                "1-0:1.29.0*255",
            ),
            **examples.NO_METER,
            **examples.ALWAYS,
        },
    )
    def get(self, request: Request, muid: UUID) -> Response | HttpResponse:
        meter, registers = self.find(muid)
        now = int(time.time())
        parameters = Parameters(request.query_params, NAMES, "start=2023-02-01")
        where = parameters.read("timezone", zone, meter.zone, meter.timezone)
        wanted = read_registers(parameters, registers)
        start, end = read_range(parameters, where, now)
        parameters.check()

        def answer() -> dict[str, Any]:
            return {
                "meter": str(meter.muid),
                "timezone": where.name,
                "start": where.at(start).isoformat(),
                "end": where.at(end).isoformat(),
                "registers": [_register(one, where) for one in coverage(wanted, start, end, now)],
            }

        etag = etag_of_meter(request, meter, wanted, (start, end), now, where.name)
        return held_or(request, etag, answer)
