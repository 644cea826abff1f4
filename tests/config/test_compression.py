"""Answers that are packed: whole, streamed, of no length that tells anything."""

import gzip
from collections.abc import Iterator

import pytest
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.test import RequestFactory

from config.compression import CompressMiddleware

TEXT = b'{"value": 0.125}, ' * 1_000


def asked(encoding: str = "gzip, deflate") -> HttpRequest:
    return RequestFactory().get("/", headers={"Accept-Encoding": encoding})


def answered(response: HttpResponseBase, request: HttpRequest | None = None) -> HttpResponseBase:
    middleware = CompressMiddleware(lambda _: response)  # type: ignore[arg-type]
    return middleware(request or asked())  # type: ignore[return-value]


def test_an_answer_is_packed_and_says_how_long_it_is() -> None:
    found = answered(HttpResponse(TEXT, headers={"ETag": '"a"'}))
    assert isinstance(found, HttpResponse)
    assert gzip.decompress(found.content) == TEXT
    assert found["Content-Encoding"] == "gzip"
    assert int(found["Content-Length"]) == len(found.content) < len(TEXT) / 20
    assert (found["Vary"], found["ETag"]) == ("Accept-Encoding", 'W/"a"')


@pytest.mark.django_db
def test_a_stream_is_packed_while_it_comes_and_closed_when_it_is_left() -> None:
    closed = []

    def pieces() -> Iterator[bytes]:
        try:
            for number in range(200):
                yield b"%d %s\n" % (number, TEXT)
        finally:
            closed.append(True)

    found = answered(StreamingHttpResponse(pieces()))
    assert isinstance(found, StreamingHttpResponse)
    coming = iter(found)
    first = next(coming)
    assert 0 < len(first) < 100_000, "not all of it at once"
    rest = b"".join(coming)
    assert gzip.decompress(first + rest) == b"".join(b"%d %s\n" % (n, TEXT) for n in range(200))
    left = answered(StreamingHttpResponse(pieces()))
    next(iter(left))  # type: ignore[call-overload]
    left.close()
    assert closed == [True, True]


@pytest.mark.parametrize(
    ("request_", "response"),
    [
        (asked(), HttpResponse(b"short")),
        (asked("br"), HttpResponse(TEXT)),
        (asked(), HttpResponse(gzip.compress(TEXT), headers={"Content-Encoding": "gzip"})),
    ],
    ids=["short", "not accepted", "packed already"],
)
def test_what_stays_as_it_is(request_: HttpRequest, response: HttpResponse) -> None:
    before = response.content
    found = answered(response, request_)
    assert isinstance(found, HttpResponse)
    assert found.content == before


def test_the_length_tells_nothing() -> None:
    lengths = {
        len(answered(HttpResponse(TEXT)).content)  # type: ignore[attr-defined]
        for _ in range(30)
    }
    assert len(lengths) > 5
