"""A short-lived token that only reads, for a front end to hold in a browser."""

from typing import Any, cast

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import ApiToken, User
from accounts.origins import EXAMPLE, checked_origin
from accounts.scopes import Scope
from accounts.tokens import TokenError, make_browser_token
from meters.api import examples
from meters.api.negotiation import Negotiation
from meters.api.parameters import Parameters
from meters.api.problems import InvalidQuery, ParameterError

MOST_ORIGINS = 20


class BrowserTokenBodySerializer(serializers.Serializer[dict[str, object]]):
    """What may be said; an empty body will do."""

    origins = serializers.ListField(
        child=serializers.CharField(),
        required=False,
        max_length=MOST_ORIGINS,
        help_text="The pages that the token is good for: origins that the tenant allows. All of "
        "them where none are given.",
    )


class BrowserTokenSerializer(serializers.Serializer[dict[str, object]]):
    """A token, shown this once."""

    token = serializers.CharField(help_text="To be sent as `Authorization: Bearer …`.")
    scopes = serializers.ListField(
        child=serializers.ChoiceField(choices=Scope.values), help_text="`read` alone."
    )
    origins = serializers.ListField(child=serializers.CharField())
    expires_at = serializers.DateTimeField(help_text="From then on it is refused; ask for another.")


SHORT_LIVED = OpenApiExample(
    "A token for a page",
    value={
        "token": "lg_0a1b2c3d4e5f…",
        "scopes": ["read"],
        "origins": [EXAMPLE],
        "expires_at": "2026-11-24T10:30:00Z",
    },
    response_only=True,
)
FOR_A_PAGE = OpenApiExample("For a page", value={"origins": [EXAMPLE]}, request_only=True)


class BrowserTokenView(GenericAPIView[Any]):
    """Tokens for browsers."""

    content_negotiation_class = Negotiation
    serializer_class = BrowserTokenBodySerializer
    pagination_class = None
    filter_backends = []
    required_scope = Scope.READ

    @extend_schema(
        operation_id="tokens_browser_create",
        summary="Get a token for a browser",
        description="Makes a token that only reads and ends by itself after some minutes, so that "
        "a front end never holds a long-lived one. Ask from your own server with a token that "
        "may read, or from a page of ours that is signed in. It ends with the token that it was "
        "made with, and can't make another one.",
        request=BrowserTokenBodySerializer,
        examples=[FOR_A_PAGE, SHORT_LIVED],
        responses={
            200: BrowserTokenSerializer,
            **examples.invalid(
                "origins",
                "https://shop.example.com",
                "https://shop.example.com is not among the tenant's allowed origins, so no browser "
                "could use this token there. Staff can add it under API tokens → Allowed origins.",
                EXAMPLE,
            ),
            **examples.ALWAYS,
        },
    )
    def post(self, request: Request) -> Response:
        Parameters(request.query_params, (), "format=json").check()
        origins = _read(request.data)
        parent = request.auth if isinstance(request.auth, ApiToken) else None
        try:
            made = make_browser_token(
                person=cast("User", request.user), parent=parent, origins=origins
            )
        except TokenError as error:
            if error.field:
                raise _refused(str(error), ", ".join(origins)) from None
            raise PermissionDenied(str(error)) from None
        answer = {
            "token": made.secret,
            "scopes": made.token.scopes,
            "origins": made.token.origins,
            "expires_at": made.token.expiry,
        }
        return Response(BrowserTokenSerializer(answer).data, headers={"Cache-Control": "no-store"})


def _read(body: object) -> list[str]:
    """Read the body and return the origins, as browsers write them."""
    if not isinstance(body, dict):
        raise _refused("The body is an object, or empty.", "", "origins")
    for name, value in body.items():
        if name != "origins":
            raise _refused("This is not a field here.", str(value), str(name)[:40])
    given = body.get("origins", [])
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        raise _refused(f'Write a list of origins, such as ["{EXAMPLE}"].', str(given))
    if len(given) > MOST_ORIGINS:
        raise _refused(f"{MOST_ORIGINS} origins are the most.", f"{len(given)} origins")
    found = []
    for one in given:
        try:
            found.append(checked_origin(one))
        except ValueError as error:
            raise _refused(str(error), one) from None
    return found


def _refused(words: str, value: str, field: str = "origins") -> InvalidQuery:
    return InvalidQuery([ParameterError(field, value[:40], words, EXAMPLE)])
