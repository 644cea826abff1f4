"""What the lists of the record have in common: pages, their parameters, and how those are read."""

from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import Any

from django.db.models import QuerySet
from django.http import QueryDict
from drf_spectacular.utils import OpenApiParameter
from rest_framework.generics import GenericAPIView
from rest_framework.response import Response

from meters.api.negotiation import Negotiation
from meters.api.pagination import Pages
from meters.api.parameters import Parameters, whole_number
from meters.ranges import parse_moment
from meters.zones import Zone, zone

PAGING = ("page", "page_size")


def parameter(name: str, description: str, **more: Any) -> OpenApiParameter:
    return OpenApiParameter(name, more.pop("type", str), description=description, **more)


# Named here, for the generator takes a view with several kinds of answers for no list.
PAGES = [
    parameter("page", Pages.page_query_description, type=int),
    parameter("page_size", Pages.page_size_query_description, type=int),
]


def list_parameters(given: QueryDict, names: Collection[str]) -> Parameters:
    """Begin to read the parameters of a list."""
    parameters = Parameters(given, (*PAGING, *names), "page=1")
    parameters.read("page", whole_number(10**9), 1, "1")
    parameters.read("page_size", whole_number(Pages.max_page_size), 1, "100")
    return parameters


def moment_in(place: Zone) -> Callable[[str], datetime]:
    """Make a parser of moments; a date begins at midnight in the zone."""

    def parse(text: str) -> datetime:
        return datetime.fromtimestamp(parse_moment(text, place), UTC)

    return parse


in_utc = moment_in(zone("UTC"))


class RecordView(GenericAPIView[Any]):
    """A list of the record, a page at a time."""

    content_negotiation_class = Negotiation
    pagination_class: type[Pages] | None = Pages
    filter_backends = []

    def page_of(self, found: QuerySet[Any]) -> Response:
        page = self.paginate_queryset(found)
        return self.get_paginated_response(self.get_serializer(page, many=True).data)
