"""What holds for every answer, whoever made it: methods that are taken, and headers of safety."""

from collections.abc import Callable
from http import HTTPMethod

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from config.errors import in_the_clear, not_allowed

# TRACE sends a request back, and CONNECT is a proxy's: nothing of ours answers either.
METHODS = [one for one in HTTPMethod if one not in {HTTPMethod.TRACE, HTTPMethod.CONNECT}]
# What no page of ours uses, and so no script that finds its way into one may use.
UNUSED = (
    "accelerometer",
    "browsing-topics",
    "camera",
    "display-capture",
    "geolocation",
    "gyroscope",
    "magnetometer",
    "microphone",
    "midi",
    "payment",
    "publickey-credentials-get",
    "screen-wake-lock",
    "serial",
    "usb",
)
HEADERS = {
    "Permissions-Policy": ", ".join(f"{name}=()" for name in UNUSED),
    # Pages of other origins embed nothing of ours. Those that a tenant allows ask by CORS, which
    # this leaves alone.
    "Cross-Origin-Resource-Policy": "same-origin",
    # No cache on the way keeps a page, and no browser shows one after its person has signed out.
    # Whoever makes an answer that may be kept says so: the API with its ETags, static files.
    "Cache-Control": "private, no-store",
}


class TlsMiddleware:
    """Refuse programs that ask without TLS, before anybody else would lead them to it.

    A browser is led on. A program that is follows for ever, and sends its token in the clear each
    time; so it is told, once and in words.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if settings.SECURE_SSL_REDIRECT and not request.is_secure():
            return in_the_clear(request) or self.get_response(request)
        return self.get_response(request)


class GuardMiddleware:
    """Refuse what is no method of ours, and give each answer the headers that it lacks."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = (
            self.get_response(request) if request.method in METHODS else self.refused(request)
        )
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    @staticmethod
    def refused(request: HttpRequest) -> HttpResponse:
        response = not_allowed(request)
        response.headers["Allow"] = ", ".join(METHODS)
        return response
