"""Sources over the API: how each is asked, and how it is doing."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from ingestion.api.listing import PAGES, RecordView, list_parameters, parameter
from ingestion.api.source_writing import SourceChanging, SourceMaking, missing
from ingestion.api.sources_serializers import (
    FOR_STAFF,
    NO_SOURCE,
    ONE_SOURCE,
    STAFF_ONLY,
    STATES,
    SourceSerializer,
)
from ingestion.lookup import SourcesWanted
from ingestion.models import Source
from meters.api import examples
from meters.api.filters import ordering_by
from meters.api.parameters import Parameters, one_of

ORDERINGS = ("name", "meters", "given_up", "id")


class SourceView(RecordView):
    """What the list and one source have in common."""

    serializer_class = SourceSerializer
    queryset = Source.objects.all()

    def check_permissions(self, request: Request) -> None:
        super().check_permissions(request)
        if not request.user.is_staff:
            raise PermissionDenied(FOR_STAFF)


class SourcesView(SourceMaking, SourceView):
    """Sources, by name."""

    @extend_schema(
        operation_id="sources_list",
        summary="List sources",
        description="Staff only: the upstreams that meters are read from, by name, or ordered by "
        "`name`, `meters`, `given_up` or `id`. How each is "
        "asked, whether it is paused or left alone since it keeps failing, and how many of its "
        "meters were given up. Tokens and keys are never shown.",
        parameters=[
            *PAGES,
            parameter("search", "Part of the name."),
            parameter("state", "How it stands.", enum=STATES),
            parameter("ordering", "Field to order by, with a minus before it for the reverse."),
        ],
        examples=[ONE_SOURCE],
        responses={
            200: SourceSerializer(many=True),
            **examples.invalid(
                "state", "off", f"“off” is not one of {', '.join(STATES)}.", "paused"
            ),
            **STAFF_ONLY,
            **examples.ALWAYS,
        },
    )
    def get(self, request: Request) -> Response:
        parameters = list_parameters(request.query_params, ("search", "state", "ordering"))
        wanted = SourcesWanted(
            search=parameters.read("search", str, None, "Grid"),
            state=parameters.read("state", one_of(STATES), None, "paused"),
        )
        ordering = parameters.read("ordering", ordering_by(ORDERINGS), "", "-meters")
        parameters.check()
        found = wanted.find(timezone.now())
        if ordering:
            # Always to the end: pages would overlap else.
            found = found.order_by(*(field.strip() for field in ordering.split(",")), "pk")
        return self.page_of(found)


class OneSourceView(SourceChanging, SourceView):
    """One source."""

    pagination_class = None

    @extend_schema(
        operation_id="sources_retrieve",
        summary="Get one source",
        description="Staff only: one source, by its number.",
        examples=[ONE_SOURCE],
        responses={200: SourceSerializer, **STAFF_ONLY, **NO_SOURCE, **examples.ALWAYS},
    )
    def get(self, request: Request, id: int) -> Response:  # noqa: A002 - as the address names it
        Parameters(request.query_params, (), "format=json").check()
        found: Any = SourcesWanted().find(timezone.now()).filter(pk=id).first()
        if found is None:
            raise missing(id)
        return Response(self.get_serializer(found).data)
