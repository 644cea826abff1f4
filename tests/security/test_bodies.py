"""How a body is read that comes whole, in pieces, slowly, or not at all."""

import io
import os
import threading
import time
from typing import Any

import pytest

from config import bodies
from config.bodies import timely


class Slow:
    """A body of which each piece takes its time [s]."""

    def __init__(self, pieces: list[bytes], seconds: float) -> None:
        self.pieces, self.seconds = pieces, seconds
        self.asked = 0

    def read(self, size: int) -> bytes:
        self.asked += 1
        time.sleep(self.seconds)
        return self.pieces.pop(0) if self.pieces else b""


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "AT_ONCE", 0.02)
    monkeypatch.setattr(bodies, "PATIENCE", 0.2)
    monkeypatch.setattr(bodies, "_places", threading.BoundedSemaphore(1))


@pytest.mark.parametrize("size", [0, 1, 1_000, 262_144, 262_145, 3_000_000])
def test_a_body_is_read_whole(size: int) -> None:
    data = os.urandom(size)
    assert timely(io.BytesIO(data)).read() == data
    body = timely(io.BytesIO(data))
    assert b"".join(iter(lambda: body.read(10_007), b"")) == data


def test_line_by_line() -> None:
    body = timely(io.BytesIO(b"one\r\ntwo\n\nthree"))
    assert list(body) == [b"one\r\n", b"two\n", b"\n", b"three"]


def test_a_body_that_comes_slowly_but_comes() -> None:
    """Each piece brings patience for the next: what flows is read to its end."""
    piece = b"x" * 10_000
    assert timely(Slow([piece] * 6, 0.1)).read() == piece * 6


def test_a_body_that_drips_is_given_up_and_not_asked_again() -> None:
    raw = Slow([b"x"] * 100, 0.08)
    body = timely(raw)
    begun = time.monotonic()
    with pytest.raises(TimeoutError, match="too slowly"):
        body.read()
    assert time.monotonic() - begun < 6
    asked = raw.asked
    with pytest.raises(TimeoutError, match="given up"):
        body.read(1)
    assert raw.asked == asked


def test_only_a_few_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "PATIENCE", 5.0)
    told: list[Any] = []
    first = threading.Thread(target=lambda: told.append(timely(Slow([b"a"], 0.5)).read(1)))
    first.start()
    time.sleep(0.2)
    begun = time.monotonic()
    with pytest.raises(TimeoutError, match="Too many"):
        timely(Slow([b"b"], 3)).read(1)
    assert time.monotonic() - begun < 2.5
    # Who is quick needs no place.
    assert timely(io.BytesIO(b"c")).read() == b"c"
    first.join()
    assert told == [b"a"]
    # The place is free again.
    assert timely(Slow([b"d"], 0.1)).read(1) == b"d"


def test_what_nobody_can_break_off_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reads that were given up go on until their senders go; there are not more and more."""
    monkeypatch.setattr(bodies, "_readers", threading.BoundedSemaphore(2))
    for _ in range(2):
        with pytest.raises(TimeoutError, match="slowly"):
            timely(Slow([b"a"], 0.6)).read(1)
    raw = Slow([b"b"], 0)
    with pytest.raises(TimeoutError, match="under way"):
        timely(raw).read(1)
    assert raw.asked == 0
    time.sleep(0.8)
    assert timely(raw).read(1) == b"b"


def test_what_breaks_off_is_told_as_it_is() -> None:
    class Broken:
        def read(self, size: int) -> bytes:
            raise ConnectionResetError("gone")

    with pytest.raises(ConnectionResetError, match="gone"):
        timely(Broken()).read()
