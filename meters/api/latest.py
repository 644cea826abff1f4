"""The latest readings: of one meter, and of many for the tiles of a dashboard."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from meters.api import examples
from meters.api.caching import form_of, held_or, present, summed_up
from meters.api.choosing import WHICH, Chosen, read_chosen
from meters.api.negotiation import Negotiation
from meters.api.of_meter import TIMEZONE, MeterView
from meters.api.parameters import Parameters
from meters.api.problems import InvalidQuery, ParameterError
from meters.api.words import direction_field, quality_field
from meters.latest import Latest, latest_readings
from meters.models import Meter
from meters.obis import ObisCode
from meters.profiles import latest_versions
from meters.zones import Zone, zone

# At once; a dashboard of more asks by site.
MOST_METERS = 1000
FIELDS = ("muid", "name", "site__name", "timezone", "registers__pk", "registers__obis")


@dataclass
class Tile:
    """One meter of an answer, and its registers' codes by primary key."""

    muid: UUID
    name: str
    site: str | None
    timezone: str
    registers: dict[int, str] = field(default_factory=dict)


def tiles(meters: QuerySet[Meter]) -> list[Tile]:
    """Read meters and their registers by one question, in the order of names."""
    found: dict[UUID, Tile] = {}
    rows = meters.order_by("name", "muid", "registers__obis").values_list(*FIELDS)
    for muid, name, site, timezone, register, obis in rows:
        tile = found.setdefault(muid, Tile(muid, name, site, timezone))
        if register is not None:
            tile.registers[register] = obis
    return list(found.values())


def answers(found: Sequence[Tile], where: Zone | None, now: int) -> list[dict[str, Any]]:
    """Write the latest readings of meters, with one more question.

    Parameters
    ----------
    where
        In which zone times are given; each meter's where None.
    now
        The present [s].
    """
    readings = latest_readings([pk for tile in found for pk in tile.registers])
    return [_answer(tile, readings, where or zone(tile.timezone), now) for tile in found]


def _answer(tile: Tile, readings: dict[int, Latest], where: Zone, now: int) -> dict[str, Any]:
    return {
        "meter": str(tile.muid),
        "name": tile.name,
        "site": tile.site,
        "timezone": where.name,
        "registers": [
            _register(obis, readings.get(pk), where, now) for pk, obis in tile.registers.items()
        ],
    }


def _register(obis: str, latest: Latest | None, where: Zone, now: int) -> dict[str, Any]:
    code = ObisCode.parse(obis)
    said: dict[str, Any] = {
        "register": obis,
        "direction": str(code.direction),
        "unit": code.unit,
        **dict.fromkeys(("start", "end", "value", "quality", "age")),
    }
    if latest is not None:
        said |= {
            "start": where.at(latest.start).isoformat(),
            "end": where.at(latest.end).isoformat(),
            "value": latest.value,
            "quality": latest.quality,
            # A meter's clock may be ahead of ours.
            "age": max(now - latest.end, 0),
        }
    return said


class LatestReadingSerializer(serializers.Serializer[dict[str, object]]):
    """A register's latest interval; all but the first three are null where nothing is stored."""

    register = serializers.CharField(help_text="OBIS code.")
    direction = direction_field()
    unit = serializers.CharField(help_text="Of the value.")
    start = serializers.DateTimeField(allow_null=True, help_text="Where the interval begins.")
    end = serializers.DateTimeField(allow_null=True, help_text="Where it ends.")
    value = serializers.FloatField(
        allow_null=True, help_text="As it came: energy of the interval, power, a meter's state."
    )
    quality = quality_field(allow_null=True)
    age = serializers.IntegerField(allow_null=True, help_text="How long ago it ended [s].")


class LatestSerializer(serializers.Serializer[dict[str, object]]):
    """The latest readings of one meter."""

    meter = serializers.UUIDField(help_text="MUID.")
    name = serializers.CharField()
    site = serializers.CharField(allow_null=True, help_text="Its name.")
    timezone = serializers.CharField()
    registers = LatestReadingSerializer(many=True)


class LatestOfManySerializer(serializers.Serializer[dict[str, object]]):
    meters = LatestSerializer(many=True)


LATEST = {
    "meter": examples.MUID,
    "name": "Bakery, main meter",
    "site": "Mill Street 4",
    "timezone": "Europe/Zurich",
    "registers": [
        {
            "register": "1-0:1.29.0*255",
            "direction": "import",
            "unit": "kWh",
            "start": "2023-03-01T00:45:00+01:00",
            "end": "2023-03-01T01:00:00+01:00",
            "value": 0.0117,
            "quality": "measured",
            "age": 420,
        }
    ],
}
ONE = OpenApiExample("The latest quarter-hour", value=LATEST, response_only=True)
MANY = OpenApiExample("One meter of many", value={"meters": [LATEST]}, response_only=True)
BAD_ZONE = examples.invalid(
    "timezone",
    "Europe/Zurch",
    "“Europe/Zurch” is not a time zone of the IANA database; did you mean Europe/Zurich?",
    "Europe/Zurich",
)


class MeterLatestView(MeterView):
    @extend_schema(
        operation_id="meters_latest",
        summary="Get a meter's latest readings",
        description="The latest stored interval of each of its registers, and how long ago it "
        "ended. The value is the reading as it came, never a sum.",
        parameters=[TIMEZONE],
        examples=[ONE],
        responses={200: LatestSerializer, **BAD_ZONE, **examples.NO_METER, **examples.ALWAYS},
    )
    def get(self, request: Request, muid: UUID) -> Response | HttpResponse:
        meter, registers = self.find(muid)
        parameters = Parameters(request.query_params, ("timezone",), "timezone=UTC")
        where = parameters.read("timezone", zone, meter.zone, meter.timezone)
        parameters.check()
        site = meter.site.name if meter.site else None
        codes = {register.pk: register.obis for register in registers}
        tile = Tile(meter.muid, meter.name, site, meter.timezone, codes)
        return _served(request, [tile], where, lambda answers: answers[0])


class LatestView(APIView):
    """The latest readings of many meters."""

    content_negotiation_class = Negotiation

    @extend_schema(
        operation_id="latest_list",
        summary="Get the latest readings of many meters",
        description="For the tiles of a dashboard: the latest stored interval of each register of "
        f"the meters named, of a site's, or of all where there are {MOST_METERS:,} at most.",
        parameters=[
            OpenApiParameter(
                "meter",
                UUID,
                many=True,
                description="MUID of a meter; several by commas, or by giving it again.",
            ),
            OpenApiParameter(
                "site",
                str,
                many=True,
                description="Name of a site, as it is written: all its meters; several by giving "
                "it again.",
            ),
            OpenApiParameter(
                "timezone",
                str,
                description="IANA name of the zone in which times are given; each meter's by "
                "default.",
            ),
        ],
        examples=[MANY],
        responses={
            200: LatestOfManySerializer,
            **BAD_ZONE,
            **examples.NO_METER,
            **examples.ALWAYS,
        },
    )
    def get(self, request: Request) -> Response | HttpResponse:
        given = request.query_params
        parameters = Parameters(given, (*WHICH, "timezone"), "timezone=UTC")
        where = parameters.read("timezone", zone, None, "Europe/Zurich")
        chosen = read_chosen(parameters)
        parameters.check()
        return _served(request, _found(chosen), where, lambda answers: {"meters": answers})


def _served(
    request: Request,
    found: Sequence[Tile],
    where: Zone | None,
    shape: Callable[[list[dict[str, Any]]], dict[str, Any]],
) -> Response | HttpResponse:
    now = int(time.time())
    versions = latest_versions([pk for tile in found for pk in tile.registers])
    # How long ago it was is of this minute.
    etag = summed_up(
        request.path, form_of(request), where and where.name, found, versions, present(now, now)
    )
    return held_or(request, etag, lambda: shape(answers(found, where, now)))


def _found(chosen: Chosen) -> list[Tile]:
    # Of the meters, not of the rows that joining them with their registers makes.
    wanted = chosen.of(Meter.objects.all()).order_by("pk").values("pk")[: MOST_METERS + 1]
    found = tiles(Meter.objects.filter(pk__in=wanted))
    if len(found) > MOST_METERS:
        words = f"These are more than {MOST_METERS:,} meters; name some, or a site."
        raise InvalidQuery([ParameterError("meter", "", words, str(found[0].muid))])
    chosen.check(tile.muid for tile in found)
    return found
