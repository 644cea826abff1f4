"""A request's identifier: who may choose it, where it is told, and that no two are mixed up."""

import json
import logging
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.test import Client, RequestFactory
from structlog.contextvars import get_contextvars

from config.request_ids import RequestIdMiddleware
from tests.config.test_measuring import connected as connected
from tests.conftest import Customer

GIVEN = "0b9e4bd2a3f14c6f9e3b7c1f2d4e5a6b"
log = structlog.get_logger("tests.request_ids")


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, Any]]]:
    """What is logged, as a production process writes it."""
    found: list[dict[str, Any]] = []
    processors = logging.getLogger().handlers
    formatter = next(h.formatter for h in processors if h.formatter is not None)

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            self.format(record)

    def keep(_logger: Any, _name: str, event: dict[str, Any]) -> str:
        found.append(dict(event))
        return json.dumps(event, default=str)

    handler = Kept()
    assert isinstance(formatter, structlog.stdlib.ProcessorFormatter)
    kept = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=formatter.foreign_pre_chain,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, keep],
    )
    handler.setFormatter(kept)
    root = logging.getLogger()
    root.addHandler(handler)
    yield found
    root.removeHandler(handler)


@pytest.mark.django_db
def test_a_well_formed_identifier_is_given_back(acme: Customer) -> None:
    client = Client(HTTP_HOST=acme.domain)
    assert client.get("/sign-in/", HTTP_X_REQUEST_ID=GIVEN).headers["X-Request-ID"] == GIVEN
    assert client.get("/healthz", HTTP_X_REQUEST_ID="a-b_c.0123").headers["X-Request-ID"] == (
        "a-b_c.0123"
    )


BAD = [
    "",
    "short",
    "x" * 65,
    "a b c d e f g",
    'abcdefgh"',
    "abcdefgh\n",
    "-rf-abcdefgh",
    "ünïcödé0",
]


@pytest.mark.django_db
@pytest.mark.parametrize("given", BAD)
def test_any_other_is_replaced(acme: Customer, given: str) -> None:
    client = Client(HTTP_HOST=acme.domain)
    found = client.get("/sign-in/", HTTP_X_REQUEST_ID=given).headers["X-Request-ID"]
    assert found != given
    assert len(found) == 32
    assert client.get("/sign-in/").headers["X-Request-ID"] != found


@pytest.mark.django_db
def test_what_django_logs_of_a_refused_request_names_it(
    acme: Customer, lines: list[dict[str, Any]]
) -> None:
    Client(HTTP_HOST=acme.domain).get("/nowhere/", HTTP_X_REQUEST_ID=GIVEN)
    client = acme.client()
    client.get("/meters/95ce3367-cbce-4a4d-bbe3-da082831d7ff/", HTTP_X_REQUEST_ID=GIVEN)
    refused = [line for line in lines if line["event"].startswith("Not Found")]
    assert [(line["tenant"], line["request"]) for line in refused] == [("acme", GIVEN)] * 2
    # Nothing of it stays with the thread.
    assert "request" not in get_contextvars()


def test_two_requests_at_once_keep_their_identifiers(lines: list[dict[str, Any]]) -> None:
    both = threading.Barrier(2, timeout=30)

    def answer(request: HttpRequest) -> HttpResponse:
        for step in ("begun", "half done", "done"):
            # Neither goes on before the other has come as far.
            both.wait()
            log.warning(step, path=request.path)
        return HttpResponse()

    middleware = RequestIdMiddleware(answer)

    def ask(name: str) -> None:
        middleware(RequestFactory().get(f"/{name}/", HTTP_X_REQUEST_ID=name * 8))

    threads = [threading.Thread(target=ask, args=[name]) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    told = [(line["path"], line["request"]) for line in lines if "path" in line]
    assert sorted(told) == [("/a/", "a" * 8)] * 3 + [("/b/", "b" * 8)] * 3


def test_answers_streamed_in_turns_keep_their_identifiers(lines: list[dict[str, Any]]) -> None:
    def parts(name: str) -> Iterator[bytes]:
        for step in range(3):
            log.warning("part", name=name, step=step)
            yield b"."

    def answer(request: HttpRequest) -> StreamingHttpResponse:
        return StreamingHttpResponse(parts(request.path.strip("/")))

    middleware = RequestIdMiddleware(answer)
    running: list[Any] = [
        iter(middleware(RequestFactory().get(f"/{name}/", HTTP_X_REQUEST_ID=name * 8)))  # type: ignore[call-overload]
        for name in "ab"
    ]
    for _ in range(3):
        for one in running:
            assert next(one) == b"."
            assert "request" not in get_contextvars()
    told = [(line["name"], line["request"]) for line in lines if line["event"] == "part"]
    assert told == [("a", "a" * 8), ("b", "b" * 8)] * 3


def test_a_file_is_closed_with_its_answer(connected: None) -> None:
    closed: list[str] = []

    def parts() -> Iterator[bytes]:
        try:
            yield b"a"
            yield b"b"
        finally:
            closed.append("parts")

    middleware = RequestIdMiddleware(lambda request: StreamingHttpResponse(parts()))
    answer: Any = middleware(RequestFactory().get("/"))
    assert next(iter(answer)) == b"a"
    answer.close()
    assert closed == ["parts"]
