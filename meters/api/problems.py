"""Errors of the API, in one shape: RFC 9457 problem details."""

from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler as rest_exception_handler

from config.errors import PROBLEM_MEDIA_TYPE, problem
from meters.api.renderers import OrjsonRenderer


@dataclass(frozen=True, slots=True)
class ParameterError(Exception):
    """A query parameter that can't be taken.

    Attributes
    ----------
    parameter, value
        Which one, and what was sent.
    message
        What is wrong, in words.
    example
        A value that works; of a parameter that there isn't, name and value of one that there is.
    """

    parameter: str
    value: str
    message: str
    example: str

    def as_dict(self) -> dict[str, str]:
        return {
            "parameter": self.parameter[:200],
            "value": self.value[:200],
            "message": self.message,
            "example": self.example,
        }


class InvalidQuery(exceptions.APIException):
    """400: one query parameter or more can't be taken."""

    status_code = HTTPStatus.BAD_REQUEST

    def __init__(self, errors: list[ParameterError]) -> None:
        super().__init__(errors[0].message if len(errors) == 1 else "Several parameters are wrong.")
        self.errors = errors


def exception_handler(exc: Exception, context: dict[str, Any]) -> Response | None:
    """Turn what a view raises into a problem."""
    if isinstance(exc, Http404):
        exc = exceptions.NotFound()
    elif isinstance(exc, PermissionDenied):
        exc = exceptions.PermissionDenied()
    elif isinstance(exc, SuspiciousOperation):
        # For instance more parameters than anybody needs.
        exc = exceptions.ParseError(str(exc))
    response = rest_exception_handler(exc, context)
    if response is None or not isinstance(exc, exceptions.APIException):
        return response
    _count(context.get("request"))
    errors: list[dict[str, Any]] = []
    if isinstance(exc, InvalidQuery):
        errors = [error.as_dict() for error in exc.errors]
        detail = str(exc.detail)
    elif isinstance(exc, exceptions.NotAuthenticated):
        detail = (
            "This needs an API token, sent as “Authorization: Bearer lg_…”, or a browser that is "
            "signed in."
        )
    elif isinstance(exc, exceptions.MethodNotAllowed):
        there = ", ".join(getattr(context.get("view"), "allowed_methods", ()))
        asked = str(getattr(context.get("request"), "method", ""))[:20]
        detail = f"{asked} is not answered here; there are {there}."
    else:
        detail = str(exc.detail)
    response.data = problem(response.status_code, detail, errors)
    request = context.get("request")
    renderer = getattr(request, "accepted_renderer", None)
    # The browsable API shows the problem in its page. Nobody else is shown it as YAML or HTML.
    if renderer is None or renderer.format != "api":
        response.content_type = PROBLEM_MEDIA_TYPE
        if request is not None:
            request.accepted_renderer = OrjsonRenderer()
            request.accepted_media_type = OrjsonRenderer.media_type
    return response


def _count(request: Any) -> None:
    """Recognise, and so count, also whose request was refused before anybody asked who it is."""
    if request is not None:
        with suppress(exceptions.APIException):
            _ = request.user
