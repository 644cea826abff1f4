"""What is missing between stored readings, and how often it was asked for."""

from uuid import UUID

from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from ingestion.api.listing import PAGES, RecordView, list_parameters, parameter
from ingestion.gap_lookup import GapsWanted
from ingestion.models import Gap
from meters.api import examples
from meters.api.parameters import one_of
from meters.muids import read_muid

ONE_GAP = OpenApiExample(
    "One gap",
    value={
        "id": 5,
        "meter": examples.MUID,
        "register": "1-0:1.29.0*255",
        "start": "2023-02-03T10:15:00Z",
        "end": "2023-02-03T14:30:00Z",
        "missing": 17,
        "came": 0,
        "goes_on": False,
        "state": "open",
        "tries": 2,
        "next_try_at": "2023-02-08T06:00:00Z",
        "found_at": "2023-02-06T23:45:00Z",
        "ended_at": None,
        "last_run": 12,
    },
    response_only=True,
)


class GapSerializer(serializers.ModelSerializer[Gap]):
    meter = serializers.UUIDField(source="register.meter.muid", read_only=True, help_text="MUID.")
    register = serializers.CharField(source="register.obis", read_only=True, help_text="OBIS code.")
    end = serializers.DateTimeField(
        source="stop", read_only=True, help_text="Excluded: where the last missing interval ends."
    )
    came = serializers.IntegerField(
        read_only=True, help_text="How many of its intervals have come since it was found."
    )
    next_try_at = serializers.SerializerMethodField(
        help_text="When its source is asked for it again; null where it is not."
    )
    last_run = serializers.IntegerField(
        source="last_run_id", allow_null=True, read_only=True, help_text="That asked for it last."
    )

    class Meta:
        model = Gap
        fields = [
            *("id", "meter", "register", "start", "end", "missing", "came", "goes_on"),
            *("state", "tries", "next_try_at", "found_at", "ended_at", "last_run"),
        ]
        read_only_fields = fields

    @extend_schema_field(serializers.DateTimeField(allow_null=True))
    def get_next_try_at(self, gap: Gap) -> str | None:
        if gap.state != Gap.State.OPEN:
            return None
        return serializers.DateTimeField().to_representation(gap.next_try_at)


class GapsView(RecordView):
    """Gaps: those that lack something first, by their beginning."""

    serializer_class = GapSerializer
    queryset = Gap.objects.all()

    @extend_schema(
        operation_id="gaps_list",
        summary="List gaps",
        description="Stretches of time in which a register lacks readings, as they were found in "
        "what is stored. The source is asked for each again with growing pauses, then it is given "
        "up; it is closed as soon as the readings come by whatever door. Holes less than a day "
        "apart are one gap. The latest days are no gaps yet: each sweep asks for them again.",
        parameters=[
            *PAGES,
            parameter("state", "How it stands.", enum=Gap.State.values),
            parameter("meter", "MUID of one meter.", type=UUID),
        ],
        examples=[ONE_GAP],
        responses={
            200: GapSerializer(many=True),
            **examples.invalid(
                "state",
                "lost",
                f"“lost” is not one of {', '.join(Gap.State.values)}.",
                "open",
            ),
            **examples.ALWAYS,
        },
    )
    def get(self, request: Request) -> Response:
        parameters = list_parameters(request.query_params, ("state", "meter"))
        state = parameters.read("state", one_of(Gap.State.values), None, "open")
        meter = parameters.read("meter", read_muid, None, examples.MUID)
        parameters.check()
        wanted = GapsWanted(states=None if state is None else (state,), meter=meter)
        return self.page_of(wanted.find())
