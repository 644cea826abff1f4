"""Bodies that come slowly: waited for beside the thread that serves, which soon gives them up.

The server reads a body when it is asked for one, and waits for it without end; a thread that waits
serves nobody else, and there are few. Tried without this: four senders who send a form letter by
letter keep a process from answering anybody, its probes among them. So a body that is not there at
once is read by a thread of its own, a few of ours wait for such, and none for long.

A proxy that takes requests whole before it passes them on keeps all of this from ever happening.
"""

import io
import time
from queue import Empty, SimpleQueue
from threading import BoundedSemaphore, Thread
from typing import Any

# What is there by then is nobody's burden [s].
AT_ONCE = 0.2
# So many threads that serve may wait for longer; the others go on serving.
WAITING = 2
# How long a body may take: so long [s], and as long as at so many bytes a second.
PATIENCE, LEAST_RATE = 5.0, 20_000
PIECE = 262_144

# So many bodies that were given up may still be under way: a read can't be broken off, it ends when
# its sender goes. Beyond them no body is read that is not there.
UNFINISHED = 64

_places = BoundedSemaphore(WAITING)
_readers = BoundedSemaphore(UNFINISHED)


class _Timely(io.RawIOBase):
    """Reads a body piece by piece, as long as there is patience with it."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw
        self._until = 0.0
        self._is_given_up = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """Read what fits.

        Raises
        ------
        TimeoutError
            It came too slowly, or too many others come as slowly; nothing more is read of it.
        """
        if self._is_given_up:
            raise TimeoutError("The body was given up.")
        # Counted from when it is first asked for; each piece brings time for the next.
        self._until = self._until or time.monotonic() + PATIENCE
        try:
            piece = self._piece(min(len(buffer), PIECE))
        except TimeoutError:
            self._is_given_up = True
            raise
        self._until += len(piece) / LEAST_RATE
        buffer[: len(piece)] = piece
        return len(piece)

    def _piece(self, size: int) -> bytes:
        if not _readers.acquire(blocking=False):
            raise TimeoutError("Too many bodies are under way at this moment.")
        found: SimpleQueue[bytes | BaseException] = SimpleQueue()
        Thread(target=_read, args=[self._raw, size, found], daemon=True).start()
        try:
            piece = found.get(timeout=AT_ONCE)
        except Empty:
            piece = self._awaited(found)
        if isinstance(piece, BaseException):
            raise piece
        return piece

    def _awaited(self, found: "SimpleQueue[bytes | BaseException]") -> bytes | BaseException:
        if not _places.acquire(blocking=False):
            raise TimeoutError("Too many bodies come slowly at this moment.")
        try:
            return found.get(timeout=max(self._until - time.monotonic(), 0))
        except Empty:
            raise TimeoutError("The body came too slowly.") from None
        finally:
            _places.release()


def _read(raw: Any, size: int, found: "SimpleQueue[bytes | BaseException]") -> None:
    try:
        found.put(raw.read(size))
    except BaseException as error:  # noqa: BLE001 - it is raised where the body is read
        found.put(error)
    finally:
        _readers.release()


def timely(raw: Any) -> io.BufferedReader:
    """Lay patience over the input of a WSGI request."""
    return io.BufferedReader(_Timely(raw), PIECE)
