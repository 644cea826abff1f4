"""Runs, what they did to meters, and the readings that were refused."""

from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from ingestion.api import runs_examples
from ingestion.api.listing import PAGES, RecordView, in_utc, list_parameters, parameter
from ingestion.api.run_planning import RunPlanning
from ingestion.api.runs_serializers import (
    OutcomeSerializer,
    RejectionSerializer,
    RunDetailSerializer,
    RunSerializer,
)
from ingestion.batch import Reason
from ingestion.lookup import RejectionsWanted, RunsWanted
from ingestion.models import Outcome, RejectedReading, Run
from meters.api import examples
from meters.api.parameters import Parameters, one_of, whole_number
from meters.muids import read_muid

SINCE = "a date (UTC) or a time with offset."
REASONS = [reason.value for reason in Reason]
SHOWN = {
    "failed": ~Q(error=""),
    "warned": ~Q(warnings=[]),
    "changed": Q(new__gt=0) | Q(corrected__gt=0) | Q(rejected__gt=0),
}


class RunsView(RunPlanning, RecordView):
    """Runs, newest first."""

    serializer_class = RunSerializer
    queryset = Run.objects.all()

    @extend_schema(
        operation_id="runs_list",
        summary="List runs",
        description="Sweeps of sources, files and what was sent, the latest first: what each was "
        "asked, what it cost, what it brought and why it failed.",
        parameters=[
            *PAGES,
            parameter("state", "How it stands.", enum=Run.State.values),
            parameter("trigger", "What made it.", enum=Run.Trigger.values),
            parameter("source", "Name of the source."),
            parameter("meter", "MUID of a meter to which something happened in it.", type=UUID),
            parameter("since", f"Planned from then on: {SINCE}"),
            parameter("until", f"Planned before then: {SINCE}"),
        ],
        examples=[runs_examples.LISTED_RUN],
        responses={
            200: RunSerializer(many=True),
            **examples.invalid(
                "state",
                "done",
                f"“done” is not one of {', '.join(Run.State.values)}.",
                "failed",
            ),
            **examples.ALWAYS,
        },
    )
    def get(self, request: Request) -> Response:
        parameters = list_parameters(
            request.query_params, ("state", "trigger", "source", "meter", "since", "until")
        )
        wanted = RunsWanted(
            state=parameters.read("state", one_of(Run.State.values), None, "failed"),
            trigger=parameters.read("trigger", one_of(Run.Trigger.values), None, "schedule"),
            source=parameters.read("source", str, None, "Grid operator"),
            meter=parameters.read("meter", read_muid, None, examples.MUID),
            since=parameters.read("since", in_utc, None, "2023-02-01"),
            until=parameters.read("until", in_utc, None, "2023-02-02"),
        )
        parameters.check()
        return self.page_of(wanted.find())


def find_run(wanted: int) -> Run:
    """Find a run, or answer 404."""
    found = Run.objects.select_related("source").filter(pk=wanted).first()
    if found is None:
        raise NotFound(f"There is no run {str(wanted)[:20]} here; those past are kept for a while.")
    return found


class RunView(RecordView):
    """One run."""

    serializer_class = RunDetailSerializer
    queryset = Run.objects.all()
    pagination_class = None

    @extend_schema(
        operation_id="runs_retrieve",
        summary="Get one run",
        description="One run with its warnings and errors in words.",
        examples=[runs_examples.ONE_RUN],
        responses={200: RunDetailSerializer, **runs_examples.NO_RUN, **examples.ALWAYS},
    )
    def get(self, request: Request, id: int) -> Response:  # noqa: A002 - as the address names it
        Parameters(request.query_params, (), "format=json").check()
        return Response(self.get_serializer(find_run(id)).data)


class OutcomesView(RecordView):
    """What a run did to each meter."""

    serializer_class = OutcomeSerializer
    queryset = Outcome.objects.all()

    @extend_schema(
        operation_id="runs_outcomes_list",
        summary="List a run's outcomes",
        description="Meters to which something happened in the run, by name. A meter whose "
        "readings were all stored already has none.",
        parameters=[*PAGES, parameter("show", "Only those like that.", enum=list(SHOWN))],
        examples=[runs_examples.ONE_OUTCOME],
        responses={
            200: OutcomeSerializer(many=True),
            **examples.invalid("show", "bad", f"“bad” is not one of {', '.join(SHOWN)}.", "failed"),
            **runs_examples.NO_RUN,
            **examples.ALWAYS,
        },
    )
    def get(self, request: Request, id: int) -> Response:  # noqa: A002 - as the address names it
        run = find_run(id)
        parameters = list_parameters(request.query_params, ("show",))
        show = parameters.read("show", one_of(SHOWN), None, "failed")
        parameters.check()
        found: QuerySet[Any] = Outcome.objects.filter(run=run).select_related("meter")
        if show is not None:
            found = found.filter(SHOWN[show])
        return self.page_of(found.order_by("meter__name", "pk"))


class RejectionsView(RecordView):
    """Readings that were refused."""

    serializer_class = RejectionSerializer
    queryset = RejectedReading.objects.all()

    @extend_schema(
        operation_id="rejections_list",
        summary="List refused readings",
        description="What came in and could be no reading, with its reason and its raw text, the "
        "latest met first. One that comes again is counted again. All others were stored.",
        parameters=[
            *PAGES,
            parameter("reason", "Why it was refused.", enum=REASONS),
            parameter("meter", "MUID of one meter.", type=UUID),
            parameter("run", "Number of the run that met it last.", type=int),
            parameter("since", f"Met from then on: {SINCE}"),
            parameter("until", f"Met before then: {SINCE}"),
        ],
        examples=[runs_examples.ONE_REJECTION],
        responses={
            200: RejectionSerializer(many=True),
            **examples.invalid(
                "reason", "odd", f"“odd” is not one of {', '.join(REASONS)}.", "value"
            ),
            **examples.ALWAYS,
        },
    )
    def get(self, request: Request) -> Response:
        parameters = list_parameters(
            request.query_params, ("reason", "meter", "run", "since", "until")
        )
        wanted = RejectionsWanted(
            reason=parameters.read("reason", one_of(REASONS), None, "value"),
            meter=parameters.read("meter", read_muid, None, examples.MUID),
            run=parameters.read("run", whole_number(10**9), None, "12"),
            since=parameters.read("since", in_utc, None, "2023-02-01"),
            until=parameters.read("until", in_utc, None, "2023-02-02"),
        )
        parameters.check()
        return self.page_of(wanted.find())
