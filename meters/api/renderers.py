"""JSON by orjson, which writes numpy arrays as they are and NaN as null."""

from collections.abc import Mapping
from typing import Any

import orjson
from rest_framework.renderers import BaseRenderer


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
        return orjson.dumps(data, default=str, option=options)
