import re
import time
from functools import cache
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404, HttpResponseBase
from django.urls import get_urlconf
from django_filters.rest_framework import DjangoFilterBackend  # type: ignore[import-untyped]
from drf_spectacular.generators import EndpointEnumerator
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound
from rest_framework.filters import SearchFilter
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import APIRootView
from rest_framework.viewsets import ReadOnlyModelViewSet

from meters.api import examples
from meters.api.answers import readings_answer
from meters.api.filters import MeterFilter, Ordering, ordering_by
from meters.api.meter_writing import MeterWriting
from meters.api.negotiation import Negotiation
from meters.api.of_meter import find_meter
from meters.api.pagination import Pages
from meters.api.parameters import Parameters, one_of, whole_number
from meters.api.query import ReadingsQuery, for_meter
from meters.api.readings_schema import FILES, READINGS_PARAMETERS
from meters.api.serializers import STATES, MeterSerializer, ReadingsSerializer
from meters.api.serving import RENDERERS, most_points, served
from meters.models import Meter
from meters.readings import readings
from meters.zones import zone

# Where a collection is: one word under the root.
COLLECTION = re.compile(r"api/v1/(\w+)/")


@cache
def collections(urlconf: str | None) -> list[tuple[str, str]]:
    """List name and path of everything that stands directly under the root, whoever brings it."""
    # The library is not typed.
    enumerator: Any = EndpointEnumerator(urlconf=urlconf)
    found = enumerator.get_api_endpoints()
    paths = {path for path, _, method, _ in found if method == "GET"}
    return sorted((one[1], path) for path in paths if (one := COLLECTION.fullmatch(path[1:])))


LIST_PARAMETERS = (
    *("page", "page_size", "search", "ordering", "site", "timezone", "source", "state"),
)


class RootView(APIRootView):
    """Where the API begins: every collection. It is described at /api/docs/."""

    content_negotiation_class = Negotiation

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        found = collections(get_urlconf())
        return Response({name: request.build_absolute_uri(path) for name, path in found})


@extend_schema_view(
    list=extend_schema(
        summary="List meters",
        description="The tenant's meters with their registers and how fresh their readings are, by "
        "name, a page at a time.",
        examples=[examples.ONE_METER],
        responses={
            200: MeterSerializer,
            **examples.invalid("page", "7", "There is no page 7; the last one is 1.", "1"),
            **examples.ALWAYS,
        },
    ),
    retrieve=extend_schema(
        summary="Get one meter",
        description="One meter with its registers.",
        examples=[examples.ONE_METER],
        responses={200: MeterSerializer, **examples.NO_METER, **examples.ALWAYS},
    ),
)
class MeterViewSet(MeterWriting, ReadOnlyModelViewSet[Meter]):
    """Meters and their registers."""

    serializer_class = MeterSerializer
    content_negotiation_class = Negotiation
    pagination_class = Pages
    lookup_field = "muid"
    lookup_value_converter = "uuid"
    filter_backends = [DjangoFilterBackend, SearchFilter, Ordering]
    filterset_class = MeterFilter
    search_fields = ["name", "metering_point", "site__name", "muid"]
    ordering_fields = ["name", "muid"]

    def get_queryset(self) -> QuerySet[Meter]:
        return Meter.objects.all().with_registers()

    def get_object(self) -> Meter:
        try:
            return super().get_object()
        except Http404:
            raise NotFound(f"There is no meter {self.kwargs['muid']} here.") from None

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        parameters = Parameters(request.query_params, LIST_PARAMETERS, "page=1")
        parameters.read("page", whole_number(10**9), 1, "1")
        parameters.read("page_size", whole_number(Pages.max_page_size), 1, "100")
        parameters.read("search", str, "", "street")
        parameters.read("ordering", ordering_by(self.ordering_fields), "", "-name")
        parameters.read("site", str, "", "street")
        parameters.read("timezone", lambda text: zone(text).name, "", "Europe/Zurich")
        parameters.read("source", str, "", "Grid operator")
        parameters.read("state", one_of(STATES), "", "silent")
        parameters.check()
        return super().list(request, *args, **kwargs)

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        Parameters(request.query_params, (), "format=json").check()
        return super().retrieve(request, *args, **kwargs)

    @extend_schema(
        summary="Read a meter's intervals",
        description="The readings of every register of the meter on one grid. An interval counts "
        "in the bucket in which it starts; an empty bucket is null, never 0.",
        parameters=READINGS_PARAMETERS,
        responses={
            (200, "application/json"): ReadingsSerializer,
            **FILES,
            **examples.invalid(
                "start",
                "2023-02-01T00:00",
                "“2023-02-01T00:00” has no offset, so it names no instant; write 2023-02-01 (a "
                "whole local day) or 2023-02-01T00:00:00+01:00.",
                "2023-02-01",
            ),
            **examples.NO_METER,
            **examples.ALWAYS,
        },
        examples=[examples.TWO_DAYS, examples.IN_COLUMNS],
        filters=False,
    )
    @action(
        detail=True,
        url_name="readings",
        pagination_class=None,
        filter_backends=[],
        renderer_classes=RENDERERS,
    )
    def readings(self, request: Request, muid: UUID) -> Response | HttpResponseBase:
        meter, registers = find_meter(muid)
        now, most = int(time.time()), most_points(request)
        asked = for_meter(request.query_params, meter, registers, now, most)
        return served(request, [meter], asked, lambda asked: self._answer(meter, asked))

    def _answer(self, meter: Meter, asked: ReadingsQuery) -> dict[str, Any]:
        return readings_answer(meter, asked, readings(asked.registers, asked.query))
