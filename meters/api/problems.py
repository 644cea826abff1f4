"""Errors of the API, in one shape: RFC 9457 problem details."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, JsonResponse
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler as rest_exception_handler

MEDIA_TYPE = "application/problem+json"


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
        A value that works.
    """

    parameter: str
    value: str
    message: str
    example: str

    def as_dict(self) -> dict[str, str]:
        return {
            "parameter": self.parameter,
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


def body(status: int, detail: str, errors: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """Shape a problem; every error of the API passes here.

    Parameters
    ----------
    status
        HTTP status.
    detail
        What happened and how to mend it, in words.
    errors
        The parameters or fields at fault.
    """
    problem: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    if errors:
        problem["errors"] = errors
    return problem


def exception_handler(exc: Exception, context: dict[str, Any]) -> Response | None:
    """Turn what a view raises into a problem."""
    if isinstance(exc, Http404):
        exc = exceptions.NotFound()
    elif isinstance(exc, PermissionDenied):
        exc = exceptions.PermissionDenied()
    response = rest_exception_handler(exc, context)
    if response is None or not isinstance(exc, exceptions.APIException):
        return response
    errors: list[dict[str, Any]] = []
    if isinstance(exc, InvalidQuery):
        errors = [error.as_dict() for error in exc.errors]
        detail = str(exc.detail)
    elif isinstance(exc, exceptions.ValidationError):
        errors = _field_errors(exc.detail)
        detail = "Some fields can't be taken as they are."
    else:
        detail = str(exc.detail)
    response.data = body(response.status_code, detail, errors)
    renderer = getattr(context.get("request"), "accepted_renderer", None)
    # The browsable API shows the problem in its page.
    if renderer is None or renderer.format == "json":
        response.content_type = MEDIA_TYPE
    return response


def _field_errors(detail: Any) -> list[dict[str, Any]]:
    if isinstance(detail, dict):
        return [
            {"field": field, "message": " ".join(map(str, messages))}
            for field, messages in detail.items()
        ]
    return [{"message": str(message)} for message in detail]


def problem_response(status: int, detail: str) -> JsonResponse:
    """Answer with a problem outside of the framework's views."""
    return JsonResponse(body(status, detail), status=status, content_type=MEDIA_TYPE)


def is_api(request: HttpRequest) -> bool:
    return request.path.startswith("/api/")
