"""Reading ahead: one piece, in order, errors where they belong, and an end to it."""

import threading
import time
from collections.abc import Iterator
from uuid import uuid4

import pytest

from ingestion.client import Client, UpstreamError
from ingestion.endpoint import Endpoint
from ingestion.prefetch import Ahead
from tests.ingestion.upstreams import Handler, answering

LIMIT = 10.0


def numbers(log: list[int], count: int, error: Exception | None = None) -> Iterator[int]:
    for number in range(count):
        log.append(number)
        yield number
    if error:
        raise error


def nothing() -> None:
    """Nobody waits, so there is nothing to break off."""


def reaches(log: list[int], expected: list[int]) -> bool:
    until = time.monotonic() + LIMIT
    while log != expected and time.monotonic() < until:
        time.sleep(0.001)
    return log == expected


def is_quiet() -> bool:
    return not [one for one in threading.enumerate() if one.name.startswith("prefetch")]


def test_one_item_is_read_ahead_and_no_more() -> None:
    log: list[int] = []
    items = Ahead(numbers(log, 4), hang_up=nothing)
    assert reaches(log, [0])
    time.sleep(0.02)
    assert log == [0]
    assert next(items) == 0
    assert reaches(log, [0, 1])
    assert next(items) == 1
    assert reaches(log, [0, 1, 2])
    time.sleep(0.02)
    assert log == [0, 1, 2]
    assert list(items) == [2, 3]
    assert is_quiet()


@pytest.mark.parametrize("error", [ValueError("broken"), TimeoutError("broken")])
def test_an_error_comes_after_all_items_before_it(error: Exception) -> None:
    items = Ahead(numbers([], 2, error), hang_up=nothing, check=nothing)
    assert [next(items), next(items)] == [0, 1]
    with pytest.raises(type(error), match="broken"):
        next(items)
    assert is_quiet()


def test_nothing_at_all() -> None:
    assert list(Ahead(iter(()), hang_up=nothing)) == []


def test_leaving_breaks_off_what_is_waited_for() -> None:
    begun, gone = threading.Event(), threading.Event()

    def slow() -> Iterator[str]:
        yield "a"
        begun.set()
        assert gone.wait(LIMIT)
        raise RuntimeError("hung up")

    items = Ahead(slow(), hang_up=gone.set)
    assert next(items) == "a"
    assert begun.wait(LIMIT)
    items.close()
    assert gone.is_set()
    assert is_quiet()


def test_waiting_ends_when_the_answer_is_no_longer_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingestion.prefetch.LOOK", 0.01)
    gone = threading.Event()
    looks: list[int] = []

    def slow() -> Iterator[str]:
        assert gone.wait(LIMIT)
        yield "too late"

    def check() -> None:
        looks.append(1)
        if len(looks) == 3:
            raise LookupError("cancelled")

    with pytest.raises(LookupError, match="cancelled"):
        list(Ahead(slow(), hang_up=gone.set, check=check))
    assert gone.is_set()
    assert is_quiet()


@pytest.mark.parametrize("status", [0, 503])
def test_a_client_that_is_abandoned_waits_for_nothing(status: int) -> None:
    """Neither for an answer that does not come, nor to ask again after one that asks to wait."""
    asked, release = threading.Event(), threading.Event()

    def respond(handler: Handler) -> None:
        if status:
            handler.answer(b"{}", status, Retry_After="20")
        asked.set()
        if not status:
            assert release.wait(LIMIT)

    said: list[str] = []

    def ask(client: Client) -> None:
        with pytest.raises(UpstreamError) as refused:
            client.page(uuid4(), 0, 900)
        said.append(str(refused.value))

    with answering(respond) as upstream, Client(Endpoint(upstream.address)) as client:
        thread = threading.Thread(target=ask, args=(client,))
        thread.start()
        assert asked.wait(LIMIT)
        client.abandon()
        thread.join(LIMIT)
        assert not thread.is_alive()
        release.set()
        assert said == ["It was not asked on, for nobody waits for the answer any more."]
        with pytest.raises(UpstreamError, match="not asked on"):
            client.page(uuid4(), 0, 900)
