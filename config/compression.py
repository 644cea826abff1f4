"""Answers packed for those who take them so: by ISA-L, at a fifteenth of what zlib's level 6 costs.

Django's own middleware, in whose place this stands, has no choice of level and no other library. A
meter-year packed by it takes five times as long as all else that is done for the answer
(`python -m benchmarks servers`).
"""

import secrets
from collections.abc import Iterable, Iterator
from io import BytesIO

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware, re_accepts_gzip
from django.utils.cache import patch_vary_headers
from isal import igzip

# Of 0 to 3. Text gets about as small as by zlib's level 6.
LEVEL = 2
# What is shorter is sent as it is [bytes].
LEAST = 200


class CompressMiddleware(GZipMiddleware):
    """Pack answers, in one piece or as they are streamed, where the request says it takes gzip."""

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        is_short = isinstance(response, HttpResponse) and len(response.content) < LEAST
        if is_short or response.has_header("Content-Encoding"):
            return response
        patch_vary_headers(response, ("Accept-Encoding",))
        if not re_accepts_gzip.search(request.META.get("HTTP_ACCEPT_ENCODING", "")):
            return response
        if isinstance(response, StreamingHttpResponse):
            response.streaming_content = packed(response.streaming_content, self.max_random_bytes)  # type: ignore[arg-type]
            del response.headers["Content-Length"]
        elif isinstance(response, HttpResponse):
            body = b"".join(packed([response.content], self.max_random_bytes))
            if len(body) >= len(response.content):
                return response
            response.content = body
            response.headers["Content-Length"] = str(len(body))
        if (etag := response.get("ETag", "")).startswith('"'):
            # It names the bytes that were there before (RFC 9110, 8.8.1).
            response.headers["ETag"] = f"W/{etag}"
        response.headers["Content-Encoding"] = "gzip"
        return response


def packed(pieces: Iterable[bytes], longest_name: int) -> Iterator[bytes]:
    """Pack pieces as they come.

    The file is given a name of random length, shorter than `longest_name` [bytes]: from the length
    of an answer nobody can learn then how well a guess of theirs was packed with a secret in it
    (Paulsson, Heal the Breach).
    """
    buffer, name = BytesIO(), "a" * secrets.randbelow(longest_name)
    with igzip.IGzipFile(name, "wb", compresslevel=LEVEL, fileobj=buffer, mtime=0) as into:  # type: ignore[no-untyped-call]
        for piece in pieces:
            into.write(piece)  # type: ignore[no-untyped-call]
            if data := _taken(buffer):
                yield data
    yield buffer.getvalue()


def _taken(buffer: BytesIO) -> bytes:
    data = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return data
