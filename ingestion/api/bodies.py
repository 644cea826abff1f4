"""Request bodies as they came: bytes, and never more of them than are taken."""

from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from django.template.defaultfilters import filesizeformat
from rest_framework.exceptions import ParseError, UnsupportedMediaType
from rest_framework.parsers import BaseParser

from meters.api.parsers import TooLarge


class RawBody(BaseParser):
    """Hands the body on; who reads it says best what is wrong with it."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, bytes]:
        request = (parser_context or {})["request"]
        if request.headers.get("content-encoding", "identity") != "identity":
            raise UnsupportedMediaType(
                media_type or "", "Send the body as it is, without Content-Encoding."
            )
        most = settings.UPLOAD_MAX_BYTES
        try:
            body: bytes = stream.read(most + 1)
        except OSError:
            raise ParseError("The body broke off. Nothing was stored; send it again.") from None
        if len(body) > most:
            raise TooLarge(
                f"The body is larger than {filesizeformat(most)}. Nothing was stored; send the "
                "readings in several pieces, for example month by month."
            )
        return {"body": body}


class JsonBody(RawBody):
    media_type = "application/json"


class CsvBody(RawBody):
    media_type = "text/csv"
