"""Erasure of a person's meter over the API, and the record of erasures."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from config.errors import PROBLEM_MEDIA_TYPE, problem
from ingestion.api.listing import PAGES, RecordView, list_parameters
from ingestion.api.record_views import find_meter
from ingestion.erasing import REASON_LENGTH, ErasureError, erase_meter
from ingestion.erasure_views import PERMISSION
from ingestion.models import Erasure
from meters.api import examples
from meters.api.parameters import Parameters
from meters.api.problems import InvalidQuery, ParameterError
from meters.api.serializers import ProblemSerializer

REASON = "Request 2026-17."
FORBIDDEN = "Meters are erased by staff who may delete meters."


class ErasureBodySerializer(serializers.Serializer[dict[str, object]]):
    """What is to be said to erase a meter."""

    confirm = serializers.UUIDField(help_text="The meter's MUID once more, to be sure.")
    reason = serializers.CharField(
        max_length=REASON_LENGTH, help_text="Why. It stays, so leave out what names the meter."
    )


class ErasureSerializer(serializers.ModelSerializer[Erasure]):
    counts = serializers.DictField(
        child=serializers.IntegerField(), help_text="How many of what was erased."
    )

    class Meta:
        model = Erasure
        fields = ["id", "erased_at", "person", "reason", "counts"]
        read_only_fields = fields


ONE = OpenApiExample(
    "One erasure",
    value={
        "id": 3,
        "erased_at": "2026-11-24T10:15:00Z",
        "person": "ada@solar-village.example",
        "reason": REASON,
        "counts": {"readings": 35036, "stored days": 366, "registers": 1, "revisions": 4},
    },
    response_only=True,
)
ASKED = OpenApiExample(
    "Erase", value={"confirm": examples.MUID, "reason": REASON}, request_only=True
)
NOT_ALLOWED = {
    (403, PROBLEM_MEDIA_TYPE): OpenApiResponse(
        ProblemSerializer,
        description="Only staff who may delete meters may do that.",
        examples=[OpenApiExample("Problem", value=problem(403, FORBIDDEN, []), response_only=True)],
    )
}


class ErasureView(RecordView):
    """Erase one meter."""

    serializer_class = ErasureBodySerializer
    pagination_class = None

    @extend_schema(
        operation_id="meters_erasure_create",
        summary="Erase a meter for good",
        description="Staff who may delete meters only. Removes the meter with its registers, "
        "readings, revisions, refused readings and whatever else is kept of it; it can't be "
        "undone. That it was done is kept, without what names the meter.",
        request=ErasureBodySerializer,
        examples=[ASKED, ONE],
        responses={
            200: ErasureSerializer,
            **examples.invalid("reason", "", "Say why.", REASON),
            **NOT_ALLOWED,
            **examples.NO_METER,
            **examples.ALWAYS,
        },
    )
    def post(self, request: Request, muid: UUID) -> Response:
        _check_may(request)
        Parameters(request.query_params, (), "format=json").check()
        meter = find_meter(muid)
        reason = _read(request.data, meter.muid)
        try:
            erasure = erase_meter(
                muid=meter.muid, person=request.user.get_username(), reason=reason
            )
        except ErasureError as error:
            raise InvalidQuery(
                [ParameterError(error.field, reason[:40], str(error), REASON)]
            ) from None
        return Response(ErasureSerializer(erasure).data)


class ErasuresView(RecordView):
    """What was erased."""

    serializer_class = ErasureSerializer
    queryset = Erasure.objects.all()

    @extend_schema(
        operation_id="erasures_list",
        summary="List erasures",
        description="Staff only: which erasures there were, the latest first; not of which meters.",
        parameters=PAGES,
        examples=[ONE],
        responses={
            200: ErasureSerializer(many=True),
            **examples.invalid("page", "0", "“0” is no whole number from 1 on.", "1"),
            **NOT_ALLOWED,
            **examples.ALWAYS,
        },
    )
    def get(self, request: Request) -> Response:
        if not request.user.is_staff:
            raise PermissionDenied("The record of erasures is for staff alone.")
        list_parameters(request.query_params, ()).check()
        return self.page_of(self.get_queryset())


def _check_may(request: Request) -> None:
    if not (request.user.is_staff and request.user.has_perm(PERMISSION)):
        raise PermissionDenied(FORBIDDEN)


def _read(body: object, muid: UUID) -> str:
    """Read the body and return the reason."""
    given: dict[str, Any] = body if isinstance(body, dict) else {}
    errors = [
        ParameterError(str(name)[:40], str(value)[:40], "This is not a field here.", "reason")
        for name, value in given.items()
        if name not in {"confirm", "reason"}
    ]
    confirm, reason = given.get("confirm"), given.get("reason")
    if str(confirm).lower() != str(muid):
        words = "Give the meter's MUID once more, to be sure. Nothing was erased."
        shown = "" if confirm is None else str(confirm)[:40]
        errors.append(ParameterError("confirm", shown, words, str(muid)))
    if not isinstance(reason, str):
        errors.append(ParameterError("reason", "", "Say why, in a text.", REASON))
    if errors or not isinstance(reason, str):
        raise InvalidQuery(errors)
    return reason
