"""How bodies are read, unless a view says otherwise. The framework loads this with its views."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import IO, Any

import orjson
from django.template.defaultfilters import filesizeformat
from rest_framework.exceptions import APIException, ParseError, UnsupportedMediaType
from rest_framework.parsers import BaseParser

MOST_BYTES = 1_048_576


class TooLarge(APIException):
    """413: the body is larger than is taken."""

    status_code = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class JsonParser(BaseParser):
    """JSON of a bounded size, and nested no deeper than anybody needs."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        request = (parser_context or {})["request"]
        if request.headers.get("content-encoding", "identity") != "identity":
            raise UnsupportedMediaType(
                media_type or "", "Send the body as it is, without Content-Encoding."
            )
        try:
            body: bytes = stream.read(MOST_BYTES + 1)
        except OSError:
            raise ParseError("The body broke off. Nothing was done; send it again.") from None
        if len(body) > MOST_BYTES:
            raise TooLarge(f"The body is larger than {filesizeformat(MOST_BYTES)}.")
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise ParseError(f"The body is not JSON in UTF-8: {error}.") from None
