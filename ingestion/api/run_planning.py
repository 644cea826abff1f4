"""Runs planned over the API: what is to be ingested now."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, ClassVar

import orjson
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from ingestion.api.answering_once import IDEMPOTENCY_KEY, TAKEN, answered_once, key_of
from ingestion.api.runs_examples import PLANNED
from ingestion.api.runs_serializers import RunDetailSerializer
from ingestion.api.source_choice import SourceChoice
from ingestion.idempotency import Answer
from ingestion.models import Run
from ingestion.planning import MOST_METERS, plan_asked
from ingestion.tasks import ingest_soon
from meters.api import documenting, examples
from meters.api.bodies import Body, Moment, Muid, read_body, refused
from meters.api.guarding import Guarded, Need, person_of
from meters.api.parameters import Parameters
from meters.registering import RefusedError

WINDOW = {"start": "2023-02-01T00:00:00Z", "stop": "2023-02-03T00:00:00Z"}
FOR_STAFF = Need("Runs are planned by staff alone.", staff=True)


class Muids(serializers.ListField):
    default_error_messages = {
        "not_a_list": "This is a list of MUIDs.",
        "null": "This is a list of MUIDs, not null; leave it out for all meters.",
        "empty": "This names no meter; leave it out for all meters of the source.",
        "max_length": "At most {max_length:,} meters; leave it out for all of the source.",
    }


class RunBody(Body):
    """What to ask for: a source, or meters of one source; and which time, where not the usual."""

    EXAMPLE = {
        "source": "Grid operator",
        "meters": [examples.MUID],
        "start": "2023-02-01",
        "stop": "2023-02-03",
    }
    ELSEWHERE = {
        "end": "Here the window ends with “stop”, as a run says it.",
        "meter": "Name it in “meters”, which is a list of MUIDs.",
    }

    source = SourceChoice(  # type: ignore[assignment]
        required=False, help_text="Its number or its name; the meters' own where left out."
    )
    meters = Muids(
        child=Muid(),
        required=False,
        allow_empty=False,
        max_length=MOST_METERS,
        help_text="MUIDs; all that the source feeds where left out.",
    )
    start = Moment(
        required=False,
        allow_null=True,
        help_text="Included: a time with offset, or a date (UTC). Where left out, each meter goes "
        "on from what is stored, with a look back.",
    )
    stop = Moment(
        required=False, allow_null=True, help_text="Excluded; the present where left out."
    )


class RunPlanning(Guarded):
    """The half of the list of runs that writes."""

    needs = {"POST": FOR_STAFF}
    bodies: ClassVar[dict[str, type[Body]]] = {"POST": RunBody}

    @extend_schema(
        operation_id="runs_create",
        summary="Ingest now",
        description="Staff only: plans a run of a source, or of some meters of one source, and "
        "wakes a worker for it. 202 means that it is planned: `Location` is its address, to be "
        "asked until its `state` is neither `queued` nor `running`. The same again asks again, and "
        "changes nothing of what is stored already.",
        parameters=[IDEMPOTENCY_KEY],
        request=RunBody,
        examples=[
            documenting.request_example(RunBody, "Two days of a meter"),
            documenting.response_example("Planned", {**PLANNED, **WINDOW}, 202),
        ],
        responses={
            202: RunDetailSerializer,
            **documenting.invalid_body(
                "meters",
                "00000000-0000-0000-0000-000000000000",
                "There is no meter 00000000-0000-0000-0000-000000000000 here.",
                f'["{examples.MUID}"]',
            ),
            **documenting.forbidden(FOR_STAFF),
            **documenting.conflict(
                "meters",
                f'["{examples.MUID}"]',
                f"No source feeds the meter {examples.MUID}. Set it with "
                "PUT /api/v1/meters/{muid}/source/.",
                f'["{examples.MUID}"]',
            ),
            **documenting.not_again(TAKEN),
            **examples.ALWAYS,
        },
    )
    def post(self, request: Request) -> Response:
        Parameters(request.query_params, (), "format=json").check()
        body = RunBody()
        said = read_body(body, request.data)
        key = key_of(request)

        def work() -> Answer:
            run = _planned(body, said, request)
            told = RunDetailSerializer(run, context={"request": request}).data
            return Answer(HTTPStatus.ACCEPTED, dict(told))

        if key is None:
            answer = work()
        else:
            sent = orjson.dumps(request.data, option=orjson.OPT_SORT_KEYS)
            answer = answered_once(request, key, sent, work)
        address = reverse("runs-api:run", kwargs={"id": answer.body["id"]}, request=request)
        headers = {"Location": address}
        if answer.is_repeated:
            headers["Idempotent-Replayed"] = "true"
        return Response(answer.body, status=answer.status, headers=headers)


def _planned(body: RunBody, said: Mapping[str, Any], request: Request) -> Run:
    try:
        run = plan_asked(
            source=said.get("source"),
            meters=said.get("meters", ()),
            start=said.get("start"),
            stop=said.get("stop"),
            person=person_of(request),
        )
    except RefusedError as error:
        raise refused(body, error, request.data) from None
    ingest_soon([run])
    return run
