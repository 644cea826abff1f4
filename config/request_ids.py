"""The identifier of a request: in every line that is logged about it, and in its answer."""

import re
import uuid
from collections.abc import Callable, Iterator
from typing import Any

from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from structlog.contextvars import bound_contextvars

HEADER = "X-Request-ID"
# What a proxy or a client makes of random bytes or a clock; nothing that could pretend to be
# another field or line of the log.
WELL_FORMED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{7,63}")


def identifier(given: str | None) -> str:
    """Return the identifier that came with a request where it is well-formed, else a fresh one."""
    return given if given and WELL_FORMED.fullmatch(given) else uuid.uuid4().hex


class RequestIdMiddleware:
    """Know a request by its `X-Request-ID`, or give it one, and give it back in the answer.

    Nothing is decided by it: whoever sends a request chooses it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        known = identifier(request.headers.get(HEADER))
        # For what Django logs once the middleware is left: see `config.logs`.
        request.identifier = known  # type: ignore[attr-defined]
        with bound_contextvars(request=known):
            response = self.get_response(request)
        response.headers[HEADER] = known
        # A file that the server sends by itself has no parts of ours.
        is_file = getattr(response, "file_to_stream", None) is not None
        if isinstance(response, StreamingHttpResponse) and not is_file:
            response.streaming_content = known_by(known, response.streaming_content)
        return response


def known_by(known: str, parts: Any) -> Iterator[bytes]:
    """Yield the parts of an answer, each of which is made under the request's identifier.

    Not bound around them all: a generator has no context of its own, so between two parts the
    identifier would be that of whatever else the thread does.
    """
    while True:
        with bound_contextvars(request=known):
            part = next(parts, None)
        if part is None:
            return
        yield part
