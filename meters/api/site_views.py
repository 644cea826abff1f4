"""Sites over the API: where meters stand."""

from http import HTTPStatus
from typing import Any, ClassVar

from django.db.models import Count, QuerySet
from django.http import Http404
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.filters import SearchFilter
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.viewsets import ReadOnlyModelViewSet

from meters.api import documenting, examples
from meters.api.bodies import Body, Text, read_body, refused
from meters.api.filters import Ordering, ordering_by
from meters.api.guarding import Guarded, permitted, person_of
from meters.api.negotiation import Negotiation
from meters.api.pagination import Pages
from meters.api.parameters import Parameters, whole_number
from meters.models import Site
from meters.registering import (
    ConflictError,
    GoneError,
    RefusedError,
    change_site,
    delete_site,
    make_site,
)

LIST_PARAMETERS = ("page", "page_size", "search", "ordering")
MAY_ADD = permitted("Sites are made", "meters.add_site")
MAY_CHANGE = permitted("Sites are changed", "meters.change_site")
MAY_DELETE = permitted("Sites are deleted", "meters.delete_site")
SITE = {
    "id": 4,
    "name": "Mill Street 4",
    "address": "Mill Street 4, 8000 Zurich",
    "meters": 1,
    "url": "https://acme.example.com/api/v1/sites/4/",
}
ONE_SITE = documenting.response_example("One site", SITE)
NO_SITE = documenting.missing("The tenant has no such site.", "There is no site 7000000 here.")
TAKEN = "There is a site “Mill Street 4” already."


class SiteSerializer(serializers.ModelSerializer[Site]):
    meters = serializers.IntegerField(
        source="meters_there", read_only=True, help_text="How many stand there."
    )
    url = serializers.HyperlinkedIdentityField(
        view_name="api:site-detail", lookup_field="pk", lookup_url_kwarg="id"
    )

    class Meta:
        model = Site
        fields = ["id", "name", "address", "meters", "url"]
        read_only_fields = fields


class SiteBody(Body):
    """A site."""

    EXAMPLE = {"name": "Mill Street 4", "address": "Mill Street 4, 8000 Zurich"}
    ELSEWHERE = {"meters": "A meter says at which site it stands: PATCH /api/v1/meters/{muid}/."}

    name = Text(max_length=100, help_text="No two sites have the same.")
    address = Text(max_length=200, required=False, allow_blank=True)


@extend_schema_view(
    list=extend_schema(
        summary="List sites",
        description="The tenant's sites, by name, a page at a time. `search` looks into name and "
        "address; `ordering` takes `name` and `id`.",
        examples=[ONE_SITE],
        responses={
            200: SiteSerializer,
            **examples.invalid("page", "7", "There is no page 7; the last one is 1.", "1"),
            **examples.ALWAYS,
        },
    ),
    retrieve=extend_schema(
        summary="Get one site",
        description="One site, by its number.",
        examples=[ONE_SITE],
        responses={200: SiteSerializer, **NO_SITE, **examples.ALWAYS},
    ),
)
class SiteViewSet(Guarded, ReadOnlyModelViewSet[Site]):
    """Sites: connection points, the places whose meters belong together."""

    serializer_class = SiteSerializer
    content_negotiation_class = Negotiation
    pagination_class = Pages
    queryset = Site.objects.all()
    lookup_field = "pk"
    lookup_url_kwarg = "id"
    lookup_value_converter = "int"
    filter_backends = [SearchFilter, Ordering]
    search_fields = ["name", "address"]
    ordering_fields = ["name", "id"]
    needs = {"POST": MAY_ADD, "PATCH": MAY_CHANGE, "DELETE": MAY_DELETE}
    bodies: ClassVar[dict[str, type[Body]]] = {"POST": SiteBody, "PATCH": SiteBody}

    def get_queryset(self) -> QuerySet[Site]:
        return Site.objects.annotate(meters_there=Count("meters")).order_by("name", "pk")

    def get_object(self) -> Site:
        try:
            return super().get_object()
        except Http404:
            raise self._missing() from None

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        parameters = Parameters(request.query_params, LIST_PARAMETERS, "page=1")
        parameters.read("page", whole_number(10**9), 1, "1")
        parameters.read("page_size", whole_number(Pages.max_page_size), 1, "100")
        parameters.read("search", str, "", "street")
        parameters.read("ordering", ordering_by(self.ordering_fields), "", "-name")
        parameters.check()
        return super().list(request, *args, **kwargs)

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        self._no_parameters()
        return super().retrieve(request, *args, **kwargs)

    @extend_schema(
        operation_id="sites_create",
        summary="Make a site",
        description="Accounts with the permission `meters.add_site`.",
        request=SiteBody,
        examples=[
            documenting.request_example(SiteBody, "A site"),
            documenting.response_example("Made", {**SITE, "meters": 0}, 201),
        ],
        responses={
            201: SiteSerializer,
            **documenting.invalid_body("name", "", "This can't be empty.", "Mill Street 4"),
            **documenting.forbidden(MAY_ADD),
            **documenting.conflict("name", "Mill Street 4", TAKEN, "Mill Street 6"),
            **examples.ALWAYS,
        },
        filters=False,
    )
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        self._no_parameters()
        body = SiteBody()
        said = read_body(body, request.data)
        try:
            site = make_site(**said, person=person_of(request))
        except RefusedError as error:
            raise refused(body, error, request.data) from None
        address = reverse("api:site-detail", kwargs={"id": site.pk}, request=request)
        return Response(
            self._described(site), status=HTTPStatus.CREATED, headers={"Location": address}
        )

    @extend_schema(
        operation_id="sites_partial_update",
        summary="Change a site",
        description="Accounts with the permission `meters.change_site`. What is left out stays as "
        "it is.",
        request=SiteBody,
        examples=[documenting.request_example(SiteBody, "A site"), ONE_SITE],
        responses={
            200: SiteSerializer,
            **documenting.invalid_body("name", "", "This can't be empty.", "Mill Street 4"),
            **documenting.forbidden(MAY_CHANGE),
            **NO_SITE,
            **documenting.conflict("name", "Mill Street 4", TAKEN, "Mill Street 6"),
            **examples.ALWAYS,
        },
    )
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        self._no_parameters()
        site, body = self.get_object(), SiteBody(partial=True)
        changes = read_body(body, request.data)
        try:
            changed = change_site(site=site, changes=changes, person=person_of(request))
        except GoneError:
            raise self._missing() from None
        except RefusedError as error:
            raise refused(body, error, request.data) from None
        return Response(self._described(changed))

    @extend_schema(
        operation_id="sites_destroy",
        summary="Delete a site",
        description="Accounts with the permission `meters.delete_site`. A site at which meters "
        "stand can't be deleted (409): put them elsewhere first.",
        request=None,
        responses={
            204: OpenApiResponse(description="It is gone."),
            **documenting.forbidden(MAY_DELETE),
            **NO_SITE,
            **documenting.conflict(
                "meters", "", "1 meter stands at “Mill Street 4”. Put them elsewhere first.", ""
            ),
            **examples.ALWAYS,
        },
    )
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        self._no_parameters()
        site = self.get_object()
        try:
            delete_site(site=site, person=person_of(request))
        except ConflictError as error:
            raise refused(SiteBody(), error, {}) from None
        return Response(status=HTTPStatus.NO_CONTENT)

    def _no_parameters(self) -> None:
        Parameters(self.request.query_params, (), "format=json").check()

    def _missing(self) -> NotFound:
        return NotFound(f"There is no site {str(self.kwargs['id'])[:20]} here.")

    def _described(self, site: Site) -> Any:
        return self.get_serializer(self.get_queryset().get(pk=site.pk)).data
