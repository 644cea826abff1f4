"""What every answer of the API says of its limits."""

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase


class RateLimitMiddleware:
    """Write into the answer how many more requests there may be, where the request was counted."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        standing = getattr(request, "rate_standing", None)
        if standing is not None:
            for name, value in standing.headers().items():
                response.headers[name] = value
        return response
