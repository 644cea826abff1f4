from collections.abc import Iterable
from typing import Any

from django.http import Http404
from rest_framework.exceptions import NotAcceptable, UnsupportedMediaType
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from meters.api.parameters import FORMAT
from meters.api.problems import InvalidQuery, ParameterError


class Negotiation(DefaultContentNegotiation):
    """The framework's, which says in words what there is when something else is asked for."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> Any:
        parsers = list(parsers)
        found = super().select_parser(request, parsers)
        if found is None:
            there = " or ".join(str(parser.media_type) for parser in parsers)
            words = f"“{request.content_type[:80]}” is not taken here; send {there}."
            raise UnsupportedMediaType(request.content_type, words)
        return found

    def select_renderer(
        self,
        request: Request,
        renderers: Iterable[BaseRenderer],
        format_suffix: str | None = None,
    ) -> Any:
        renderers = list(renderers)
        try:
            return super().select_renderer(request, renderers, format_suffix)
        except Http404:
            asked = request.query_params.get(FORMAT, "")
            there = ", ".join(str(renderer.format) for renderer in renderers)
            words = f"“{asked[:40]}” is not a format here; there are {there}."
            raise InvalidQuery(
                [ParameterError(FORMAT, asked, words, str(renderers[0].format))]
            ) from None
        except NotAcceptable:
            there = ", ".join(str(renderer.media_type) for renderer in renderers)
            raise NotAcceptable(
                f"Nothing that the header Accept asks for can be served here; there are {there}."
            ) from None
