"""Meters registered and changed over the API."""

from http import HTTPStatus
from typing import Any, ClassVar

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from meters.api import documenting, examples
from meters.api.bodies import Body, Moment, Muid, Text, read_body, refused
from meters.api.guarding import Guarded, permitted, person_of
from meters.api.parameters import Parameters
from meters.api.serializers import MeterSerializer
from meters.models import Meter
from meters.registering import ConflictError, GoneError, RefusedError, change_meter, make_meter
from meters.zones import Zone, ZoneError, zone

MAY_ADD = permitted("Meters are registered", "meters.add_meter")
MAY_CHANGE = permitted("Meters are changed", "meters.change_meter")
WORKED_OUT = "This is worked out from what is stored; it can't be set."
ELSEWHERE = {
    "source": "A meter's source is set with PUT /api/v1/meters/{muid}/source/.",
    "registers": "Registers come with the readings; they can't be set.",
    **dict.fromkeys(("state", "readings_until", "readings"), WORKED_OUT),
}


class MeterChangeBody(Body):
    """What may be said of a meter. What is left out stays as it is."""

    EXAMPLE = {
        "name": "Bakery, main meter",
        "metering_point": "CH1012301234500000000000000011642",
        "site": None,
        "timezone": "Europe/Zurich",
        "commissioned_at": "2023-01-01T00:00:00+01:00",
        "removed_at": None,
    }
    ELSEWHERE = {**ELSEWHERE, "muid": "A meter keeps its MUID; register another one instead."}

    name = Text(max_length=100, help_text="What people call it.")
    metering_point = Text(
        max_length=40,
        required=False,
        allow_blank=True,
        help_text="The official designation of the metering point, where there is one.",
    )
    site = Text(
        max_length=100, required=False, allow_null=True, help_text="Name of a site that there is."
    )
    timezone = Text(
        max_length=64,
        required=False,
        help_text="IANA name of the zone in whose local days readings are kept; the tenant's where "
        "none is said. Once there are readings it can't be changed (409).",
    )
    commissioned_at = Moment(
        required=False,
        allow_null=True,
        help_text="No reading is expected before: a time with offset, or a date, which begins at "
        "midnight in the meter's zone. null means always there.",
    )
    removed_at = Moment(
        required=False, allow_null=True, help_text="No reading is expected from then on."
    )


class MeterBody(MeterChangeBody):
    """A meter to be registered."""

    EXAMPLE = {"muid": "5a1cbbe6-7c2b-4f6e-9d3a-2f0f6f6d1c11", **MeterChangeBody.EXAMPLE}
    ELSEWHERE = ELSEWHERE

    muid = Muid(
        required=False, help_text="The identifier the upstream knows; made where none is said."
    )


LISTED_ZONE = "“Europe/Zurch” is not a time zone; did you mean Europe/Zurich?"
THERE = (
    f"There is a meter {examples.MUID} already: "
    f"https://acme.example.com/api/v1/meters/{examples.MUID}/"
)
HAS_READINGS = (
    "This meter already has readings, kept in local days of Europe/Zurich, so its zone can't be "
    f"changed here. Have them cut anew: manage.py recut --tenant … --meter {examples.MUID} "
    "--timezone Europe/Vienna"
)


class MeterWriting(Guarded):
    """The half of the meters' endpoint that writes."""

    needs = {"POST": MAY_ADD, "PATCH": MAY_CHANGE}
    bodies: ClassVar[dict[str, type[Body]]] = {"POST": MeterBody, "PATCH": MeterChangeBody}

    @extend_schema(
        operation_id="meters_create",
        summary="Register a meter",
        description="Accounts with the permission `meters.add_meter`. The meter can be sent "
        "readings at once; to have them pulled, give it a source "
        "(`PUT /api/v1/meters/{muid}/source/`) and plan a run (`POST /api/v1/runs/`). Its "
        "registers come with the readings.",
        request=MeterBody,
        examples=[
            documenting.request_example(MeterBody, "A meter"),
            documenting.response_example("Registered", examples.METER, 201),
        ],
        responses={
            201: MeterSerializer,
            **documenting.invalid_body("timezone", "Europe/Zurch", LISTED_ZONE, "Europe/Zurich"),
            **documenting.forbidden(MAY_ADD),
            **documenting.conflict("muid", examples.MUID, THERE, str(MeterBody.EXAMPLE["muid"])),
            **examples.ALWAYS,
        },
        filters=False,
    )
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        Parameters(request.query_params, (), "format=json").check()
        usual = request.tenant.timezone  # type: ignore[attr-defined]
        body = MeterBody(context={"zone": _zone_of(request.data, zone(usual))})
        said = read_body(body, request.data)
        try:
            meter = make_meter(said=said, default_zone=usual, person=person_of(request))
        except ConflictError as error:
            address = self._address(request, said["muid"])
            words = f"{error.faults['muid'].rstrip('.')}: {address}"
            raise refused(body, ConflictError({"muid": words}), request.data) from None
        except RefusedError as error:
            raise refused(body, error, request.data) from None
        return Response(
            self._described(meter),
            status=HTTPStatus.CREATED,
            headers={"Location": self._address(request, meter.muid)},
        )

    @extend_schema(
        operation_id="meters_partial_update",
        summary="Change a meter",
        description="Accounts with the permission `meters.change_meter`. What is left out stays as "
        "it is. The zone of a meter that has readings can't be changed here: that is done with "
        "`manage.py recut`, which cuts its stored days anew. A meter that is gone gets "
        "`removed_at`; its readings stay.",
        request=MeterChangeBody,
        examples=[documenting.request_example(MeterChangeBody, "A meter"), examples.ONE_METER],
        responses={
            200: MeterSerializer,
            **documenting.invalid_body("timezone", "Europe/Zurch", LISTED_ZONE, "Europe/Zurich"),
            **documenting.forbidden(MAY_CHANGE),
            **examples.NO_METER,
            **documenting.conflict("timezone", "Europe/Vienna", HAS_READINGS, "Europe/Zurich"),
            **examples.ALWAYS,
        },
    )
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        Parameters(request.query_params, (), "format=json").check()
        meter: Meter = self.get_object()  # type: ignore[attr-defined]
        body = MeterChangeBody(partial=True, context={"zone": _zone_of(request.data, meter.zone)})
        changes = read_body(body, request.data)
        try:
            changed = change_meter(meter=meter, changes=changes, person=person_of(request))
        except GoneError:
            raise NotFound(f"There is no meter {meter.muid} here.") from None
        except RefusedError as error:
            raise refused(body, error, request.data) from None
        return Response(self._described(changed))

    def _described(self, meter: Meter) -> Any:
        queryset: QuerySet[Meter] = self.get_queryset()  # type: ignore[attr-defined]
        return self.get_serializer(queryset.get(pk=meter.pk)).data  # type: ignore[attr-defined]

    def _address(self, request: Request, muid: object) -> str:
        return reverse("api:meter-detail", kwargs={"muid": muid}, request=request)


def _zone_of(given: object, usual: Zone) -> Zone:
    """Choose the zone in which dates begin: the one that the body names, if it is one."""
    name = given.get("timezone") if isinstance(given, dict) else None
    try:
        return zone(name) if isinstance(name, str) else usual
    except ZoneError:
        return usual
