"""Sources set up, changed, paused and resumed over the API, by staff."""

from http import HTTPStatus
from typing import Any, ClassVar

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import Field
from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from ingestion.api.sources_serializers import (
    NO_SOURCE,
    ONE_SOURCE,
    SOURCE,
    SourceSerializer,
)
from ingestion.lookup import SourcesWanted
from ingestion.models import Source
from ingestion.setting_up import change_source, delete_source, make_source
from meters.api import documenting, examples
from meters.api.bodies import (
    Body,
    Moment,
    Text,
    Truth,
    Whole,
    read_body,
    refused,
)
from meters.api.guarding import Guarded, permitted, person_of
from meters.api.parameters import Parameters
from meters.registering import ConflictError, GoneError, RefusedError

MAY_ADD = permitted("Sources are set up", "ingestion.add_source", staff=True)
MAY_CHANGE = permitted("Sources are changed", "ingestion.change_source", staff=True)
MAY_DELETE = permitted("Sources are deleted", "ingestion.delete_source", staff=True)
STEERED = "This is worked out; it can't be set."
TAKEN = "There is a source “Grid operator” already."


def _field(name: str) -> Field[Any, Any]:
    found = Source._meta.get_field(name)  # noqa: SLF001 - its documented name
    assert isinstance(found, Field)
    return found


def _help(name: str) -> str:
    return str(_field(name).help_text)


def _whole(name: str) -> Whole:
    """A field between the bounds that the model has for it."""
    bounds: dict[str, Any] = {"min_value": 0, "max_value": 2**31 - 1}
    for one in _field(name).validators:
        if isinstance(one, MinValueValidator):
            bounds["min_value"] = max(bounds["min_value"], one.limit_value)
        elif isinstance(one, MaxValueValidator):
            bounds["max_value"] = min(bounds["max_value"], one.limit_value)
    return Whole(required=False, help_text=_help(name), **bounds)


class SourceBody(Body):
    """An upstream, and how it is asked. What is left out is as usual, or stays as it is."""

    EXAMPLE = {
        "name": "Grid operator",
        "address": "https://meters.example.com",
        "token": "s3cr3t-0f-the-upstream",
        "key_header": "",
        "measurement": "energy",
        "limit": 5000,
        "interval": 900,
        "sweep_minutes": 15,
        "reread_hours": 72,
        "backfill_from": "2023-01-01",
        "requests_per_minute": 120,
        "concurrent_requests": 2,
        "repairs_gaps": True,
        "note": "",
    }
    ELSEWHERE = {
        "state": "A source is paused with POST …/pause/ and swept again with POST …/resume/.",
        "is_active": "A source is paused with POST …/pause/ and swept again with POST …/resume/.",
        "meters": "A meter says which source feeds it: PUT /api/v1/meters/{muid}/source/.",
        **dict.fromkeys(("failures", "rests_until", "last_failure", "next_sweep_at"), STEERED),
    }
    SECRET = frozenset({"token"})

    name = Text(max_length=100, help_text="No two sources have the same.")
    address = Text(max_length=500, help_text=_help("address"))
    token = Text(
        max_length=4096,
        required=False,
        allow_blank=True,
        write_only=True,
        help_text="Sent as Authorization: Bearer …, or in the header of `key_header`. Stored "
        "encrypted and never shown. Where the address comes to lead to another host it is to be "
        "given again.",
    )
    key_header = Text(
        max_length=64,
        required=False,
        allow_blank=True,
        write_only=True,
        help_text=_help("key_header"),
    )
    measurement = Text(max_length=20, required=False, help_text="The name it is asked for.")
    limit = _whole("limit")
    interval = _whole("interval")
    sweep_minutes = _whole("sweep_minutes")
    reread_hours = _whole("reread_hours")
    backfill_from = Moment(
        required=False,
        allow_null=True,
        help_text="Where a meter begins of which nothing is stored: a time with offset or a date "
        "(UTC); null means 31 days ago.",
    )
    requests_per_minute = _whole("requests_per_minute")
    concurrent_requests = _whole("concurrent_requests")
    repairs_gaps = Truth(required=False, help_text=_help("repairs_gaps"))
    note = Text(max_length=200, required=False, allow_blank=True, help_text=_help("note"))


LOOPBACK = (
    "localhost is a name of this machine or its own network, which is not asked from here. The "
    "operator of this installation can allow it (UPSTREAM_ALLOW)."
)
WRONG = documenting.invalid_body(
    "address", "http://localhost:9000", LOOPBACK, "https://meters.example.com"
)
NAME_TAKEN = documenting.conflict("name", "Grid operator", TAKEN, "Grid operator, north")


def described(source: Source) -> dict[str, Any]:
    """Describe a source as the list does."""
    found = SourcesWanted().find(timezone.now()).filter(pk=source.pk).first()
    if found is None:
        raise missing(source.pk)
    return dict(SourceSerializer(found).data)


def missing(wanted: int) -> NotFound:
    return NotFound(f"There is no source {str(wanted)[:20]} here.")


def find_source(wanted: int) -> Source:
    """Find a source, or answer 404."""
    found = Source.objects.filter(pk=wanted).first()
    if found is None:
        raise missing(wanted)
    return found


class SourceMaking(Guarded):
    """The half of the list of sources that writes."""

    needs = {"POST": MAY_ADD}
    bodies: ClassVar[dict[str, type[Body]]] = {"POST": SourceBody}

    @extend_schema(
        operation_id="sources_create",
        summary="Set up a source",
        description="Staff with the permission `ingestion.add_source`. Its meters are those that "
        "are given it (`PUT /api/v1/meters/{muid}/source/`); from then on it is swept. An address "
        "inside the installation's own network is refused unless its operator allows it.",
        request=SourceBody,
        examples=[
            documenting.request_example(SourceBody, "A source"),
            documenting.response_example("Set up", SOURCE, 201),
        ],
        responses={
            201: SourceSerializer,
            **WRONG,
            **documenting.forbidden(MAY_ADD),
            **NAME_TAKEN,
            **examples.ALWAYS,
        },
    )
    def post(self, request: Request) -> Response:
        Parameters(request.query_params, (), "format=json").check()
        body = SourceBody()
        said = read_body(body, request.data)
        try:
            source = make_source(said=said, person=person_of(request))
        except RefusedError as error:
            raise refused(body, error, request.data) from None
        address = reverse("runs-api:source", kwargs={"id": source.pk}, request=request)
        return Response(described(source), status=HTTPStatus.CREATED, headers={"Location": address})


class SourceChanging(Guarded):
    """The half of one source that writes."""

    needs = {"PATCH": MAY_CHANGE, "DELETE": MAY_DELETE}
    bodies: ClassVar[dict[str, type[Body]]] = {"PATCH": SourceBody}

    @extend_schema(
        operation_id="sources_partial_update",
        summary="Change a source",
        description="Staff with the permission `ingestion.change_source`. What is left out stays "
        "as it is, the token too: an empty one takes it away. A source that was left alone since "
        "it kept failing is asked again at once.",
        request=SourceBody,
        examples=[documenting.request_example(SourceBody, "A source"), ONE_SOURCE],
        responses={
            200: SourceSerializer,
            **WRONG,
            **documenting.forbidden(MAY_CHANGE),
            **NO_SOURCE,
            **NAME_TAKEN,
            **examples.ALWAYS,
        },
    )
    def patch(self, request: Request, id: int) -> Response:  # noqa: A002 - as the address names it
        Parameters(request.query_params, (), "format=json").check()
        source, body = find_source(id), SourceBody(partial=True)
        changes = read_body(body, request.data)
        try:
            changed = change_source(source=source, changes=changes, person=person_of(request))
        except GoneError:
            raise missing(id) from None
        except RefusedError as error:
            raise refused(body, error, request.data) from None
        return Response(described(changed))

    @extend_schema(
        operation_id="sources_destroy",
        summary="Delete a source",
        description="Staff with the permission `ingestion.delete_source`. One that feeds meters "
        "can't be deleted (409). Its runs stay on record.",
        request=None,
        responses={
            204: OpenApiResponse(description="It is gone."),
            **documenting.forbidden(MAY_DELETE),
            **NO_SOURCE,
            **documenting.conflict(
                "meters", "", "“Grid operator” feeds 20 meters. Give them another source first.", ""
            ),
            **examples.ALWAYS,
        },
    )
    def delete(self, request: Request, id: int) -> Response:  # noqa: A002 - as the address names it
        Parameters(request.query_params, (), "format=json").check()
        source = find_source(id)
        try:
            delete_source(source=source, person=person_of(request))
        except ConflictError as error:
            raise refused(SourceBody(), error, {}) from None
        return Response(status=HTTPStatus.NO_CONTENT)
