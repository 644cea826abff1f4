"""Answers of last resort: a page for people, a problem (RFC 9457) for programs."""

from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views import defaults


def _problem(request: HttpRequest, status: HTTPStatus, detail: str) -> HttpResponse | None:
    if not request.path.startswith("/api/"):
        return None
    body = {"type": "about:blank", "title": status.phrase, "status": status, "detail": detail}
    return JsonResponse(body, status=status, content_type="application/problem+json")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    words = f"There is nothing at {request.path[:200]}; the addresses are listed at /api/docs/."
    return _problem(request, HTTPStatus.NOT_FOUND, words) or defaults.page_not_found(
        request, exception
    )


def server_error(request: HttpRequest) -> HttpResponse:
    words = "Something went wrong on our side; what is stored is safe. It has been logged."
    return _problem(request, HTTPStatus.INTERNAL_SERVER_ERROR, words) or defaults.server_error(
        request
    )
