from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, ClassVar

from django.http import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import ParseError
from rest_framework.permissions import SAFE_METHODS, BasePermission, IsAuthenticated
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.permissions import HasScope
from accounts.scopes import Scope
from config.errors import PROBLEM_MEDIA_TYPE, problem
from ingestion.api import readings_examples as examples
from ingestion.api.answering_once import Unprocessable, answered_once, key_of
from ingestion.api.bodies import CsvBody, JsonBody
from ingestion.api.readings_parameters import PARAMETERS, Said, read_parameters
from ingestion.api.readings_serializers import StoredSerializer
from ingestion.deliveries import Delivery, names_of_meters, take_in, take_in_at_once
from ingestion.doors.brought import Opened, open_csv, read_json, take_out
from ingestion.doors.columns import Plan
from ingestion.doors.kinds import Kind
from ingestion.doors.proposal import propose
from ingestion.doors.table import DoorError
from ingestion.files import asked_of
from ingestion.idempotency import Answer
from ingestion.lease import worker_name
from ingestion.models import Run
from ingestion.results import RunResult
from meters.api import examples as meters_examples
from meters.api import many_examples
from meters.api.many_views import many_readings
from meters.api.negotiation import Negotiation
from meters.api.readings_schema import FILES, MANY_PARAMETERS
from meters.api.serializers import ManyReadingsSerializer
from meters.api.serving import RENDERERS

MOST_TOLD = 100


class MayStore(BasePermission):
    message = "This account may look at readings but not store any. An administrator can allow it."

    def has_permission(self, request: Request, view: APIView) -> bool:
        return request.method in SAFE_METHODS or bool(
            request.user and request.user.has_perm("ingestion.add_run")
        )


@dataclass(frozen=True)
class _Sent:
    delivery: Delivery
    assumed: tuple[str, ...] = ()


class ReadingsView(APIView):
    """Readings of any meters: asked for, and sent by a program."""

    parser_classes = [JsonBody, CsvBody]
    permission_classes = [IsAuthenticated, HasScope, MayStore]
    required_scope = Scope.PUSH
    content_negotiation_class = Negotiation
    example_bodies: ClassVar[dict[str, object]] = {"POST": examples.PAYLOAD}

    def get_renderers(self) -> list[BaseRenderer]:
        # Files are written of readings alone.
        is_sent = self.request.method == "POST"
        return [one() for one in (self.renderer_classes if is_sent else RENDERERS)]

    @extend_schema(
        operation_id="readings_list",
        summary="Read the intervals of several meters",
        description="The readings of any meters on one grid: each by itself, or put together by "
        "direction or as import less export. Otherwise like the readings of one meter.",
        parameters=MANY_PARAMETERS,
        responses={
            (200, "application/json"): ManyReadingsSerializer,
            **FILES,
            **meters_examples.invalid(
                "timezone",
                "",
                "These meters are in several zones (Europe/London, Europe/Zurich); say on whose "
                "clock buckets begin.",
                "Europe/London",
            ),
            **meters_examples.NO_METER,
            **meters_examples.ALWAYS,
        },
        examples=[many_examples.EACH, many_examples.TOGETHER],
    )
    def get(self, request: Request) -> Response | HttpResponseBase:
        return many_readings(request)

    @extend_schema(
        operation_id="readings_create",
        summary="Send readings",
        description="Stores readings of the tenant's meters in one run and one transaction: what "
        "can't be a reading is refused with its reason, everything else is stored. JSON is in the "
        'upstream\'s shape (`{"data": [...]}` or the bare list); CSV in any usual notation, where '
        "nothing that can be read in two ways is guessed. The same readings again change nothing.",
        parameters=PARAMETERS,
        request={
            "application/json": examples.PAYLOAD_SCHEMA,
            "text/csv": {"type": "string"},
        },
        responses={200: StoredSerializer, **examples.PROBLEMS},
        examples=[*examples.REQUESTS, examples.STORED],
    )
    def post(self, request: Request) -> Response:
        is_table = request.content_type.partition(";")[0].strip().lower() == CsvBody.media_type
        said = read_parameters(request.query_params, is_table=is_table)
        parsed = request.data
        body: bytes = parsed.get("body", b"") if isinstance(parsed, dict) else b""
        if not body.strip():
            raise ParseError("The request has no body; send readings as JSON or CSV.")
        key = key_of(request)
        if key is None:
            sent = _read(request, said, body, is_table=is_table)
            result = take_in(sent.delivery, worker=worker_name())
            return _response(_answer(request, result, sent.assumed))

        def work() -> Answer:
            sent = _read(request, said, body, is_table=is_table)
            result = take_in_at_once(sent.delivery, worker=worker_name())
            return _answer(request, result, sent.assumed)

        return _response(answered_once(request, key, body, work))


def _read(request: Request, said: Said, body: bytes, *, is_table: bool) -> _Sent:
    """Read the body into a delivery.

    Raises
    ------
    ParseError
        It is not what its type says.
    Unprocessable
        It does not show what has to be known.
    """
    try:
        opened = open_csv(body) if is_table else Opened(Kind.JSON, rows=read_json(body))
    except DoorError as error:
        raise ParseError(str(error).replace("The file", "The body")) from None
    plan: Plan | None = None
    assumed: tuple[str, ...] = ()
    try:
        if opened.table is not None:
            proposal = propose(opened.table, replace(said.wishes, names=names_of_meters()))
            plan, assumed = proposal.settled(), proposal.assumed
        brought = take_out(opened, plan, asked_of(said.muid))
    except DoorError as error:
        raise Unprocessable(str(error)) from None
    delivery = Delivery(
        brought.parsed,
        brought.raw,
        trigger=Run.Trigger.API,
        size=len(body),
        person=request.user.get_username(),
        asked=brought.asked,
        only=said.muid,
    )
    return _Sent(delivery, assumed + brought.remarks)


def _answer(request: Request, result: RunResult, assumed: tuple[str, ...]) -> Answer:
    run, counts = result.run, result.counts
    page = request.build_absolute_uri(run.get_absolute_url())
    if run.error:
        first = result.refused[0] if result.refused else None
        said = f" The first one, in row {first.row}: {first.words}." if first else ""
        words = f"{run.error}{said} See run {run.pk}: {page}"
        return Answer(422, problem(HTTPStatus.UNPROCESSABLE_ENTITY, words))
    body = {
        "run": run.pk,
        "page": page,
        **_counted(counts),
        "meters": [
            {"meter": str(one.muid), **_counted(one.counts), "warnings": list(one.warnings)}
            for one in result.meters
        ],
        "rejections": [
            {"row": one.row, "reason": str(one.reason), "message": one.words, "raw": one.raw}
            for one in result.refused[:MOST_TOLD]
        ],
        "assumed": list(assumed),
    }
    return Answer(200, body)


def _counted(counts: Any) -> dict[str, int]:
    return {
        "new": counts.new,
        "corrected": counts.corrected,
        "unchanged": counts.unchanged,
        "rejected": counts.rejected,
    }


def _response(answer: Answer) -> Response:
    headers = {"Idempotent-Replayed": "true"} if answer.is_repeated else {}
    kind = PROBLEM_MEDIA_TYPE if answer.status >= 400 else None
    return Response(answer.body, answer.status, headers=headers, content_type=kind)
