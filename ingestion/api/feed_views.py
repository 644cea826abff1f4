"""A meter's source over the API: looked at, set and unset, by staff."""

from http import HTTPStatus
from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from ingestion.api.listing import RecordView
from ingestion.api.record_views import find_meter
from ingestion.api.source_choice import SourceChoice
from ingestion.api.sources_serializers import FOR_STAFF, STAFF_ONLY
from ingestion.models import Feed
from ingestion.setting_up import set_source, unset_source
from meters.api import documenting, examples
from meters.api.bodies import Body, Truth, read_body
from meters.api.guarding import Guarded, Need, permitted, person_of
from meters.api.parameters import Parameters
from meters.registering import GoneError

MAY_CHANGE = permitted("Meters are given a source", "ingestion.change_feed", staff=True)
MAY_DELETE = permitted("A meter's source is taken away", "ingestion.delete_feed", staff=True)


class FeedSerializer(serializers.ModelSerializer[Feed]):
    meter = serializers.UUIDField(source="meter.muid", read_only=True, help_text="MUID.")
    source = serializers.CharField(  # type: ignore[assignment]
        source="source.name", read_only=True, help_text="Its name."
    )
    source_id = serializers.IntegerField(read_only=True, help_text="Its number.")
    last_success_at = serializers.DateTimeField(
        allow_null=True, read_only=True, help_text="When it was last read without a failure."
    )
    last_error = serializers.CharField(
        read_only=True, help_text="Why reading it failed last, in words; empty where it did not."
    )
    failures = serializers.IntegerField(
        read_only=True, help_text="In a row, while its source answered."
    )
    retry_at = serializers.DateTimeField(
        allow_null=True, read_only=True, help_text="Sweeps leave the meter out until then."
    )
    given_up_at = serializers.DateTimeField(
        allow_null=True, read_only=True, help_text="Since then it is asked for once a day."
    )
    last_run = serializers.IntegerField(
        source="last_run_id", allow_null=True, read_only=True, help_text="That asked for it last."
    )

    class Meta:
        model = Feed
        fields = [
            *("meter", "source", "source_id", "is_active", "last_success_at", "last_error"),
            *("failures", "retry_at", "given_up_at", "last_run"),
        ]
        read_only_fields = fields


class FeedBody(Body):
    """Which source feeds the meter."""

    EXAMPLE = {"source": "Grid operator", "is_active": True}

    source = SourceChoice(help_text="Its number or its name.")  # type: ignore[assignment]
    is_active = Truth(
        required=False, default=True, help_text="false keeps the source, which is not swept."
    )


FEED: dict[str, Any] = {
    "meter": examples.MUID,
    "source": "Grid operator",
    "source_id": 3,
    "is_active": True,
    "last_success_at": "2023-02-03T08:15:09Z",
    "last_error": "",
    "failures": 0,
    "retry_at": None,
    "given_up_at": None,
    "last_run": 12,
}
MADE = {**FEED, "last_success_at": None, "last_run": None}
NO_FEED = documenting.missing(
    "The tenant has no such meter, or the meter no source.",
    f"The meter {examples.MUID} has no source. Set one with PUT.",
)


class FeedView(Guarded, RecordView):
    """The source of one meter."""

    serializer_class = FeedSerializer
    queryset = Feed.objects.all()
    pagination_class = None
    needs = {"GET": Need(FOR_STAFF, staff=True), "PUT": MAY_CHANGE, "DELETE": MAY_DELETE}
    bodies: ClassVar[dict[str, type[Body]]] = {"PUT": FeedBody}

    @extend_schema(
        operation_id="meters_source_retrieve",
        summary="Get a meter's source",
        description="Staff only: where the meter's readings are pulled from, and how that goes.",
        examples=[documenting.response_example("A meter's source", FEED)],
        responses={200: FeedSerializer, **STAFF_ONLY, **NO_FEED, **examples.ALWAYS},
    )
    def get(self, request: Request, muid: UUID) -> Response:
        Parameters(request.query_params, (), "format=json").check()
        meter = find_meter(muid)
        feed = Feed.objects.select_related("meter", "source").filter(meter=meter).first()
        if feed is None:
            raise _without(muid)
        return Response(self.get_serializer(feed).data)

    @extend_schema(
        operation_id="meters_source_update",
        summary="Set a meter's source",
        description="Staff with the permission `ingestion.change_feed`. From then on each sweep of "
        "the source reads the meter, from what is stored on. The same again changes nothing; with "
        "another source the meter's failures are forgotten. To have it read at once, plan a run: "
        "`POST /api/v1/runs/`.",
        request=FeedBody,
        examples=[
            documenting.request_example(FeedBody, "A source by its name"),
            documenting.response_example("Changed", FEED),
            documenting.response_example("Set", MADE, 201),
        ],
        responses={
            200: FeedSerializer,
            201: FeedSerializer,
            **documenting.invalid_body(
                "source",
                "Grid",
                "There is no source “Grid” here; they are listed at /api/v1/sources/.",
                "Grid operator",
            ),
            **documenting.forbidden(MAY_CHANGE),
            **examples.NO_METER,
            **examples.ALWAYS,
        },
    )
    def put(self, request: Request, muid: UUID) -> Response:
        Parameters(request.query_params, (), "format=json").check()
        meter = find_meter(muid)
        said = read_body(FeedBody(), request.data)
        try:
            done = set_source(
                meter=meter,
                source=said["source"],
                is_active=said["is_active"],
                person=person_of(request),
            )
        except GoneError:
            raise NotFound(f"The meter {muid} or its source has just been deleted.") from None
        status = HTTPStatus.CREATED if done.is_made else HTTPStatus.OK
        return Response(self.get_serializer(done.feed).data, status=status)

    @extend_schema(
        operation_id="meters_source_destroy",
        summary="Take a meter's source away",
        description="Staff with the permission `ingestion.delete_feed`. Its readings are pulled "
        "from nowhere then; what is stored stays.",
        request=None,
        responses={
            204: OpenApiResponse(description="It has none any more."),
            **documenting.forbidden(MAY_DELETE),
            **NO_FEED,
            **examples.ALWAYS,
        },
    )
    def delete(self, request: Request, muid: UUID) -> Response:
        Parameters(request.query_params, (), "format=json").check()
        if not unset_source(meter=find_meter(muid), person=person_of(request)):
            raise _without(muid)
        return Response(status=HTTPStatus.NO_CONTENT)


def _without(muid: UUID) -> NotFound:
    return NotFound(f"The meter {muid} has no source. Set one with PUT.")
