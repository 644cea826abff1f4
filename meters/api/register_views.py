"""Registers over the API, of all meters in one list."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404, QueryDict
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ReadOnlyModelViewSet

from meters.api import documenting, examples
from meters.api.filters import ordering_by
from meters.api.negotiation import Negotiation
from meters.api.pagination import Pages
from meters.api.parameters import Parameters, one_of, whole_number
from meters.api.serializers import RegisterSerializer
from meters.models import Register
from meters.muids import EXAMPLE, read_muid
from meters.obis import ObisCode
from meters.obis_meaning import Direction

NARROWING = ("meter", "site", "register", "direction", "unit")
LIST_PARAMETERS = ("page", "page_size", "ordering", *NARROWING)
ORDERINGS = {"meter": "meter__name", "obis": "obis", "id": "pk"}
DIRECTIONS = [str(one) for one in Direction]
REGISTER = {
    "id": 7,
    "meter": examples.MUID,
    "meter_name": "Bakery, main meter",
    "site": "Mill Street 4",
    **examples.METER["registers"][0],
    "readings": f"{examples.METER['readings']}?register=1-0:1.29.0*255",
}
ONE_REGISTER = documenting.response_example("One register", REGISTER)
NO_REGISTER = documenting.missing(
    "The tenant has no such register.", "There is no register 7000000 here."
)


def _query(name: str, description: str, **more: Any) -> OpenApiParameter:
    return OpenApiParameter(name, more.pop("type", str), description=description, **more)


class FlatRegisterSerializer(RegisterSerializer):
    meter = serializers.UUIDField(source="meter.muid", read_only=True, help_text="MUID.")
    meter_name = serializers.CharField(source="meter.name", read_only=True)
    site = serializers.CharField(
        source="meter.site.name", default=None, allow_null=True, read_only=True
    )
    readings = serializers.SerializerMethodField(help_text="Where its readings are.")

    class Meta(RegisterSerializer.Meta):
        fields = [
            *("id", "meter", "meter_name", "site"),
            *RegisterSerializer.Meta.fields,
            "readings",
        ]
        read_only_fields = fields

    def get_readings(self, register: Register) -> str:
        request = self.context["request"]
        path = f"/api/v1/meters/{register.meter.muid}/readings/?register={register.obis}"
        return str(request.build_absolute_uri(path))


@extend_schema_view(
    list=extend_schema(
        summary="List registers",
        description="The registers of all meters, by meter and code, a page at a time. A register "
        "is one quantity that a meter counts; its OBIS code says which. `ordering` takes `obis`, "
        "`meter` (its name) and `id`.",
        parameters=[
            _query("meter", "MUID of one meter.", type=UUID),
            _query("site", "Name of the site, as it is written."),
            _query("register", "OBIS code, in any notation."),
            _query("direction", "Which way it counts.", enum=DIRECTIONS),
            _query("unit", "Its unit, such as kWh, kW or kvarh."),
            _query("ordering", "Field to order by, with a minus before it for the reverse."),
        ],
        examples=[ONE_REGISTER],
        responses={
            200: FlatRegisterSerializer,
            **examples.invalid(
                "direction",
                "in",
                f"“in” is not one of {', '.join(DIRECTIONS)}.",
                "import",
            ),
            **examples.ALWAYS,
        },
    ),
    retrieve=extend_schema(
        summary="Get one register",
        description="One register, by its number.",
        examples=[ONE_REGISTER],
        responses={200: FlatRegisterSerializer, **NO_REGISTER, **examples.ALWAYS},
    ),
)
class RegisterViewSet(ReadOnlyModelViewSet[Register]):
    """Registers of all meters. They come with the readings."""

    serializer_class = FlatRegisterSerializer
    content_negotiation_class = Negotiation
    pagination_class = Pages
    queryset = Register.objects.all()
    lookup_field = "pk"
    lookup_url_kwarg = "id"
    lookup_value_converter = "int"
    filter_backends = []

    def get_queryset(self) -> QuerySet[Register]:
        return Register.objects.select_related("meter__site").order_by("meter__name", "obis", "pk")

    def get_object(self) -> Register:
        try:
            return super().get_object()
        except Http404:
            raise NotFound(f"There is no register {str(self.kwargs['id'])[:20]} here.") from None

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        page = self.paginate_queryset(_narrowed(self.get_queryset(), request.query_params))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        Parameters(request.query_params, (), "format=json").check()
        return super().retrieve(request, *args, **kwargs)


def _narrowed(found: QuerySet[Register], given: QueryDict) -> QuerySet[Register]:
    """Keep the registers that are asked for, in the order that is asked for."""
    parameters = Parameters(given, LIST_PARAMETERS, "page=1")
    parameters.read("page", whole_number(10**9), 1, "1")
    parameters.read("page_size", whole_number(Pages.max_page_size), 1, "100")
    meter = parameters.read("meter", read_muid, None, EXAMPLE)
    site = parameters.read("site", str, None, "Mill Street 4")
    code = parameters.read("register", _code, None, "1-0:1.29.0*255")
    direction = parameters.read("direction", one_of(DIRECTIONS), None, "import")
    unit = parameters.read("unit", str, None, "kWh")
    ordering = parameters.read("ordering", ordering_by(ORDERINGS), "", "obis")
    parameters.check()
    if meter is not None:
        found = found.filter(meter__muid=meter)
    if site is not None:
        found = found.filter(meter__site__name=site)
    if code is not None:
        found = found.filter(obis=code)
    if direction is not None or unit is not None:
        found = found.filter(obis__in=_codes(direction, unit))
    if ordering:
        # Always to the end: pages would overlap else.
        found = found.order_by(*map(_order, ordering.split(",")), "pk")
    return found


def _code(text: str) -> str:
    return str(ObisCode.parse(text))


def _codes(direction: str | None, unit: str | None) -> list[str]:
    """Find the codes that mean that. However many registers there are, they share a few codes."""
    codes = Register.objects.order_by("obis").values_list("obis", flat=True).distinct()
    return [
        text
        for text in codes
        if direction in {None, str(ObisCode.parse(text).direction)}
        and unit in {None, ObisCode.parse(text).unit}
    ]


def _order(field: str) -> str:
    name = field.strip()
    return f"-{ORDERINGS[name[1:]]}" if name.startswith("-") else ORDERINGS[name]
