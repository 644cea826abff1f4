"""What staff decides about the queue, over the API: pause, resume, cancel, do again."""

from http import HTTPStatus
from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from ingestion import steering
from ingestion.api import runs_examples
from ingestion.api.listing import RecordView
from ingestion.api.runs_serializers import RunDetailSerializer
from ingestion.api.runs_views import find_run
from ingestion.api.source_writing import described, find_source
from ingestion.api.sources_serializers import NO_SOURCE, ONE_SOURCE, SOURCE, SourceSerializer
from ingestion.models import Run, Source
from ingestion.tasks import ingest_soon
from meters.api import documenting, examples
from meters.api.bodies import Body, Conflict, read_body
from meters.api.guarding import Guarded, Need
from meters.api.parameters import Parameters

FOR_STAFF = Need("The queue is steered by staff alone.", staff=True)


class NothingBody(Body):
    """Nothing need be said."""


class SteeringView(Guarded, RecordView):
    """A button: what it does stands in its address."""

    pagination_class = None
    needs = {"POST": FOR_STAFF}
    bodies: ClassVar[dict[str, type[Body]]] = {"POST": NothingBody}

    def check_request(self, request: Request) -> None:
        Parameters(request.query_params, (), "format=json").check()
        read_body(NothingBody(), request.data or {})


class SourceSteeringView(SteeringView):
    serializer_class = SourceSerializer
    queryset = Source.objects.all()


class PauseView(SourceSteeringView):
    """Pause a source."""

    @extend_schema(
        operation_id="sources_pause",
        summary="Pause a source",
        description="Staff only. It is swept no more until it is resumed, and then from where it "
        "was; a sweep under way stops within one window and waits. What somebody asks for is still "
        "done. Pausing again changes nothing.",
        request=None,
        examples=[
            documenting.response_example(
                "Paused",
                {
                    **SOURCE,
                    "state": "paused",
                    "paused_by": "ada@solar-village.example",
                    "next_sweep_at": None,
                },
            )
        ],
        responses={
            200: SourceSerializer,
            **documenting.forbidden(FOR_STAFF),
            **NO_SOURCE,
            **examples.ALWAYS,
        },
    )
    def post(self, request: Request, id: int) -> Response:  # noqa: A002 - as the address names it
        self.check_request(request)
        source = find_source(id)
        if source.is_active:
            steering.pause_source(source=source, person=request.user.get_username())
        return Response(described(source))


class ResumeView(SourceSteeringView):
    """Resume a source."""

    @extend_schema(
        operation_id="sources_resume",
        summary="Resume a source",
        description="Staff only. It is swept at once, each meter from where it is; also one that "
        "was left alone since it kept failing.",
        request=None,
        examples=[ONE_SOURCE],
        responses={
            200: SourceSerializer,
            **documenting.forbidden(FOR_STAFF),
            **NO_SOURCE,
            **examples.ALWAYS,
        },
    )
    def post(self, request: Request, id: int) -> Response:  # noqa: A002 - as the address names it
        self.check_request(request)
        source = find_source(id)
        steering.resume_source(source=source)
        return Response(described(source))


class RunSteeringView(SteeringView):
    serializer_class = RunDetailSerializer
    queryset = Run.objects.all()


class CancelView(RunSteeringView):
    """Cancel a run."""

    @extend_schema(
        operation_id="runs_cancel",
        summary="Cancel a run",
        description="Staff only: ends a run that waits or is under way; what it has stored stays. "
        "One that has ended, or was sent to us, can't be cancelled (409).",
        request=None,
        examples=[documenting.response_example("Cancelled", runs_examples.CANCELLED)],
        responses={
            200: RunDetailSerializer,
            **documenting.forbidden(FOR_STAFF),
            **runs_examples.NO_RUN,
            **documenting.in_the_way("Run 12 has ended already: succeeded."),
            **examples.ALWAYS,
        },
    )
    def post(self, request: Request, id: int) -> Response:  # noqa: A002 - as the address names it
        self.check_request(request)
        try:
            run = steering.cancel_run(run=find_run(id), person=request.user.get_username())
        except steering.SteeringError as error:
            raise Conflict.of(str(error)) from None
        return Response(self.get_serializer(run).data)


class RetryView(RunSteeringView):
    """Do a run again."""

    @extend_schema(
        operation_id="runs_retry",
        summary="Do a run again",
        description="Staff only: plans a run of the meters that failed in this one, or of all "
        "where all failed or it was cancelled. `Location` is the address of the one to follow.",
        request=None,
        examples=[documenting.response_example("Planned", runs_examples.PLANNED, 202)],
        responses={
            202: RunDetailSerializer,
            **documenting.forbidden(FOR_STAFF),
            **runs_examples.NO_RUN,
            **documenting.in_the_way("Run 12 can't be done again: succeeded."),
            **examples.ALWAYS,
        },
    )
    def post(self, request: Request, id: int) -> Response:  # noqa: A002 - as the address names it
        self.check_request(request)
        try:
            again = steering.retry_run(run=find_run(id))
        except steering.SteeringError as error:
            raise Conflict.of(str(error)) from None
        ingest_soon([again])
        return Response(
            self.get_serializer(again).data,
            status=HTTPStatus.ACCEPTED,
            headers={"Location": run_address(request, again)},
        )


def run_address(request: Request, run: Run) -> str:
    """Return where a run can be followed."""
    return reverse("runs-api:run", kwargs={"id": run.pk}, request=request)
