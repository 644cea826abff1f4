"""In which language a person is spoken to."""

import re
from collections.abc import Callable

from babel.core import negotiate_locale
from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.utils.translation.trans_real import parse_accept_lang_header

# Programs read the API, and no word of it may depend on who asks. The admin is Django's.
ENGLISH_ONLY = re.compile(r"/(api/v1|meterdata|admin)(/|$)")


def spoken_to(request: HttpRequest) -> str:
    """Choose the language of an answer.

    What the person who is signed in has chosen; else what was chosen in this browser; else the
    best of what the browser prefers; else the tenant's own.
    """
    available = [code for code, _name in settings.LANGUAGES]
    tenant = getattr(request, "tenant", None)
    chosen = (
        getattr(request.user, "language", ""),
        request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME),
        _negotiated(request.headers.get("Accept-Language", ""), available),
        tenant.language if tenant else "",
    )
    return next((one for one in chosen if one in available), settings.LANGUAGE_CODE)


def _negotiated(header: str, available: list[str]) -> str | None:
    preferred = [code for code, weight in parse_accept_lang_header(header) if weight > 0]
    return negotiate_locale(preferred, available, sep="-")


class LanguageMiddleware:
    """Speak a page in the language of its reader; the API speaks English to everybody."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if ENGLISH_ONLY.match(request.path_info):
            return self.get_response(request)
        language = spoken_to(request)
        request.LANGUAGE_CODE = language
        with translation.override(language):
            response = self.get_response(request)
        patch_vary_headers(response, ("Accept-Language", "Cookie"))
        response.headers.setdefault("Content-Language", language)
        return response
