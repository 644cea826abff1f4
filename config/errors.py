"""Answers of last resort: a page for people, a problem (RFC 9457) for programs."""

import sys
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.views import defaults
from django.views.decorators.csrf import csrf_exempt

from config.databasefaults import Fault, fault_of

PROBLEM_MEDIA_TYPE = "application/problem+json"


def problem(status: int, detail: str, errors: list[dict[str, Any]] | None = None) -> dict[str, Any]:
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
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": int(status),
        "detail": detail,
    }
    if errors:
        body["errors"] = errors
    return body


def _for_programs(request: HttpRequest, status: HTTPStatus, detail: str) -> HttpResponse | None:
    if not f"{request.path}/".startswith(("/api/", "/meterdata/")):
        return None
    return JsonResponse(problem(status, detail), status=status, content_type=PROBLEM_MEDIA_TYPE)


def _page(request: HttpRequest, make: Callable[[], HttpResponse]) -> HttpResponse:
    """Make a page in the reader's language, as far as the request itself tells it.

    An error may come before anybody has asked who reads, or while that is asked.
    """
    language = getattr(request, "LANGUAGE_CODE", None) or translation.get_language_from_request(
        request
    )
    with translation.override(language):
        response = make()
    response.headers["Content-Language"] = language
    patch_vary_headers(response, ("Accept-Language", "Cookie"))
    return response


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    words = f"There is nothing at {request.path[:200]}; the addresses are listed at /api/docs/."
    return _for_programs(request, HTTPStatus.NOT_FOUND, words) or _page(
        request, lambda: defaults.page_not_found(request, exception)
    )


def server_error(request: HttpRequest) -> HttpResponse:
    # Called while the error is being handled: a database that is gone, busy for too long, full or
    # read-only is no error of ours, and a program may ask again.
    if fault := fault_of(sys.exc_info()[1]):
        return unavailable(request, fault)
    words = "Something went wrong on our side; what is stored is safe. It has been logged."
    return _for_programs(request, HTTPStatus.INTERNAL_SERVER_ERROR, words) or _page(
        request, lambda: defaults.server_error(request)
    )


@csrf_exempt
@login_not_required
def suspended(request: HttpRequest) -> HttpResponse:
    """403: the operators have suspended the tenant."""
    why = request.tenant.suspended_why  # type: ignore[attr-defined]
    words = (
        "This organisation's account is suspended by the operators of the installation"
        f"{f' ({why})' if why else ''}. What is stored is safe, and nothing was done."
    )
    status = HTTPStatus.FORBIDDEN
    return _for_programs(request, status, words) or render(
        request, "suspended.html", {"why": why}, status=status
    )


def in_the_clear(request: HttpRequest) -> HttpResponse | None:
    """403 for programs that ask without TLS; None for browsers, which are led to it."""
    words = (
        "Ask by https://. What was sent could be read on its way: nothing was done, and a token "
        "that was in it should be revoked."
    )
    return _for_programs(request, HTTPStatus.FORBIDDEN, words)


def not_allowed(request: HttpRequest) -> HttpResponse:
    """405: a method that no page and no operation has. No browser sends one by itself."""
    words = f"{(request.method or '')[:20]} is no method that is answered here."
    status = HTTPStatus.METHOD_NOT_ALLOWED
    return _for_programs(request, status, words) or HttpResponse(
        f"{words}\n", status=status, content_type="text/plain; charset=utf-8"
    )


def unavailable(request: HttpRequest, fault: Fault) -> HttpResponse:
    """503: the database can't at the moment."""
    with translation.override("en"):
        words = (
            f"{fault.words}; what is stored is safe, and nothing was done. "
            f"Ask again in {fault.retry_after} seconds."
        )
    # Leans on nothing that may have failed: no context of the request, which asks who is signed in.
    response = _for_programs(request, fault.status, words) or _page(
        request,
        lambda: HttpResponse(
            render_to_string("503.html", {"words": fault.words}), status=fault.status
        ),
    )
    response.headers["Retry-After"] = str(fault.retry_after)
    return response
