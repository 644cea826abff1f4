"""Corrections by hand, and the revisions that they and sources leave."""

from http import HTTPStatus
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import APIException, NotFound, PermissionDenied
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from ingestion.api import record_examples
from ingestion.api.listing import (
    PAGES,
    RecordView,
    in_utc,
    list_parameters,
    moment_in,
    parameter,
)
from ingestion.api.record_parameters import (
    AskedCorrection,
    read_correction,
    refused,
)
from ingestion.api.record_serializers import (
    ACTS,
    SOURCE,
    CorrectedSerializer,
    CorrectionSerializer,
    RevisionSerializer,
)
from ingestion.corrections import (
    ChangedMeanwhileError,
    Corrected,
    CorrectionError,
    delete_readings,
    restore_readings,
    set_readings,
)
from ingestion.models import ReadingRevision
from meters.api import examples
from meters.api.negotiation import Negotiation
from meters.api.parameters import Parameters, one_of, whole_number
from meters.models import Meter
from meters.muids import read_muid
from meters.obis import ObisCode


class Conflict(APIException):
    """409: somebody was faster."""

    status_code = HTTPStatus.CONFLICT


def find_meter(wanted: UUID) -> Meter:
    """Find a meter with its registers, or answer 404."""
    found = Meter.objects.all().with_registers().filter(muid=wanted).first()
    if found is None:
        raise NotFound(f"There is no meter {wanted} here.")
    return found


SINCE = parameter("since", "What was recorded from then on: a date (UTC) or a time with offset.")
ACT = parameter("act", "How it came about.", enum=ACTS)
REGISTER = parameter("register", "OBIS code of one register, in any notation.")


def _act(text: str) -> str:
    one_of(ACTS)(text)
    return "" if text == SOURCE else text


def narrowed(found: QuerySet[ReadingRevision], parameters: Parameters) -> QuerySet[ReadingRevision]:
    """Narrow revisions down by the parameters that both lists have."""
    since = parameters.read("since", in_utc, None, "2023-02-01")
    act = parameters.read("act", _act, None, SOURCE)
    register = parameters.read(
        "register", lambda text: str(ObisCode.parse(text)), None, "1-0:1.29.0*255"
    )
    if since is not None:
        found = found.filter(recorded_at__gte=since)
    if act is not None:
        found = found.filter(act=act)
    if register is not None:
        found = found.filter(register__obis=register)
    return found


class RevisionView(RecordView):
    serializer_class = RevisionSerializer
    queryset = ReadingRevision.objects.select_related("register__meter", "author").order_by(
        "-version", "-pk"
    )


class RevisionsView(RevisionView):
    """What was replaced, of all meters."""

    @extend_schema(
        operation_id="revisions_list",
        summary="List revisions",
        description="What was replaced, the latest first: by sources, and by hand with author and "
        "reason.",
        parameters=[
            *PAGES,
            parameter("meter", "MUID of one meter.", type=UUID),
            REGISTER,
            ACT,
            SINCE,
            parameter("run", "Number of the run that brought it.", type=int),
        ],
        examples=[record_examples.ONE_REVISION],
        responses={
            200: RevisionSerializer(many=True),
            **examples.invalid(
                "act", "sent", "“sent” is not one of source, set, delete, restore.", "source"
            ),
            **examples.ALWAYS,
        },
    )
    def get(self, request: Request) -> Response:
        parameters = list_parameters(
            request.query_params, ("meter", "register", "act", "since", "run")
        )
        found = narrowed(self.get_queryset(), parameters)
        meter = parameters.read("meter", read_muid, None, examples.MUID)
        run = parameters.read("run", whole_number(10**9), None, "12")
        parameters.check()
        if meter is not None:
            found = found.filter(register__meter__muid=meter)
        if run is not None:
            found = found.filter(run=run)
        return self.page_of(found)


class MeterRevisionsView(RevisionView):
    """What was replaced, of one meter."""

    @extend_schema(
        operation_id="meters_revisions_list",
        summary="List a meter's revisions",
        description="What was replaced of one meter, the latest first. With `start` and `end`, of "
        "the local days that meet this range.",
        parameters=[
            *PAGES,
            parameter("start", "Included: a date or a time with offset."),
            parameter("end", "Excluded, written like `start`."),
            REGISTER,
            ACT,
            SINCE,
        ],
        examples=[record_examples.ONE_REVISION],
        responses={
            200: RevisionSerializer(many=True),
            **examples.invalid(
                "act", "sent", "“sent” is not one of source, set, delete, restore.", "source"
            ),
            **examples.NO_METER,
            **examples.ALWAYS,
        },
    )
    def get(self, request: Request, muid: UUID) -> Response:
        meter = find_meter(muid)
        parameters = list_parameters(
            request.query_params, ("start", "end", "register", "act", "since")
        )
        found = narrowed(self.get_queryset().filter(register__meter=meter), parameters)
        moment = moment_in(meter.zone)
        start = parameters.read("start", moment, None, "2023-02-01")
        end = parameters.read("end", moment, None, "2023-02-08")
        parameters.check()
        if start is not None:
            found = found.filter(day__gte=meter.zone.date_at(int(start.timestamp())))
        if end is not None:
            found = found.filter(day__lte=meter.zone.date_at(int(end.timestamp()) - 1))
        return self.page_of(found)


class CorrectionsView(GenericAPIView[Any]):
    """Corrections by hand."""

    content_negotiation_class = Negotiation
    serializer_class = CorrectionSerializer
    example_bodies: ClassVar[dict[str, object]] = {"POST": record_examples.SET.value}
    pagination_class = None
    filter_backends = []

    @extend_schema(
        operation_id="meters_corrections_create",
        summary="Correct, delete or restore readings",
        description="Staff only. What stood there before is kept as a revision with the author "
        "and the reason, and can be put back. All of it is done, or nothing. A correction holds "
        "when a source sends again what it replaced, and gives way when it sends something new.",
        request=CorrectionSerializer,
        examples=[
            record_examples.SET,
            record_examples.DELETE,
            record_examples.RESTORE,
            record_examples.CORRECTED,
        ],
        responses={
            200: CorrectedSerializer,
            **record_examples.NO_REASON,
            **record_examples.STAFF_ONLY,
            **examples.NO_METER,
            **record_examples.CHANGED,
            **examples.ALWAYS,
        },
    )
    def post(self, request: Request, muid: UUID) -> Response:
        if not request.user.is_staff:
            raise PermissionDenied("Readings are corrected by staff alone.")
        Parameters(request.query_params, (), "format=json").check()
        meter = find_meter(muid)
        asked = read_correction(request.data, meter)
        try:
            done = _do(asked, request.user)
        except ChangedMeanwhileError as error:
            raise Conflict(str(error)) from None
        except CorrectionError as error:
            raise refused(error, request.data) from None
        told = CorrectedSerializer(
            {
                "changed": done.changed,
                "unchanged": done.unchanged,
                "revisions": list(done.revisions),
            }
        )
        return Response(told.data)


def _do(asked: AskedCorrection, author: User) -> Corrected:
    if asked.revision is not None:
        return restore_readings(
            revision=asked.revision, author=author, reason=asked.reason, seen=asked.seen
        )
    assert asked.where is not None
    if asked.act == ReadingRevision.Act.DELETE:
        return delete_readings(where=asked.where, author=author, reason=asked.reason)
    return set_readings(
        where=asked.where,
        value=asked.value,
        quality=asked.quality,
        author=author,
        reason=asked.reason,
    )
