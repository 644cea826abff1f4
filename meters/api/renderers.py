"""JSON by orjson, which writes numpy arrays as they are and NaN as null."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import orjson
from rest_framework.renderers import BaseRenderer


class Written(ABC):
    """A large part of an answer that writes itself, faster than as objects one by one."""

    @abstractmethod
    def plain(self) -> Any:
        """Make it of lists and dictionaries, for whoever wants it indented."""

    @abstractmethod
    def json(self) -> bytes:
        """Write the same as JSON."""


class OrjsonRenderer(BaseRenderer):
    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        if data is None:
            return b""
        options = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS
        # The browsable API asks for indented text through the context, a client may through Accept.
        asked = (renderer_context or {}).get("indent") or "indent=" in (accepted_media_type or "")
        if asked:
            options |= orjson.OPT_INDENT_2
        return orjson.dumps(data, default=_indented if asked else _compact, option=options)


def _compact(value: object) -> Any:
    return orjson.Fragment(value.json()) if isinstance(value, Written) else str(value)


def _indented(value: object) -> Any:
    return value.plain() if isinstance(value, Written) else str(value)


class TableRenderer(BaseRenderer):
    """A format that is written as a stream: the view answers by itself, and this one stands for it.

    It takes part in the negotiation alone. What else is answered in its place, such as a problem,
    is written as JSON.
    """

    charset = None

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        return OrjsonRenderer().render(data)


class CsvRenderer(TableRenderer):
    media_type, format = "text/csv", "csv"


class XlsxRenderer(TableRenderer):
    media_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    format = "xlsx"


class ParquetRenderer(TableRenderer):
    media_type, format = "application/vnd.apache.parquet", "parquet"


class ArrowRenderer(TableRenderer):
    media_type, format = "application/vnd.apache.arrow.stream", "arrow"


TABLES = [CsvRenderer, XlsxRenderer, ParquetRenderer, ArrowRenderer]
