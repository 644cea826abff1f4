"""HTTP connections on which a whole answer has a deadline, from its first header to its last byte.

The libraries' time-out begins anew with each byte. An upstream that sends its headers, or a packed
body of which nothing can be unpacked yet, byte by byte would so hold a worker for hours.
"""

import http.client
import io
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

_deadline: ContextVar[float | None] = ContextVar("deadline", default=None)


@contextmanager
def deadline(at: float) -> Iterator[None]:
    """Let whatever is read within the `with` block end at this moment of the monotonic clock [s].

    Past it reading raises `TimeoutError`, which the libraries turn into their own.
    """
    token = _deadline.set(at)
    try:
        yield
    finally:
        _deadline.reset(token)


class _Raw(io.RawIOBase):
    """A socket's bytes; each wait for some ends at the deadline at the latest."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket) -> None:
        self._raw, self._sock = raw, sock

    def readable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._raw.fileno()

    def readinto(self, buffer: Any, /) -> int | None:
        at = _deadline.get()
        if at is None:
            return self._raw.readinto(buffer)
        usual = self._sock.gettimeout()
        left = at - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        self._sock.settimeout(left if usual is None else min(usual, left))
        try:
            return self._raw.readinto(buffer)
        finally:
            self._sock.settimeout(usual)

    def close(self) -> None:
        self._raw.close()
        super().close()


class TimedResponse(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        self.fp = io.BufferedReader(_Raw(self.fp.detach(), sock))


class TimedConnection(HTTPConnection):
    response_class = TimedResponse


class TimedTLSConnection(HTTPSConnection):
    response_class = TimedResponse


class _Pool(HTTPConnectionPool):
    ConnectionCls = TimedConnection


class _TLSPool(HTTPSConnectionPool):
    ConnectionCls = TimedTLSConnection


class TimedAdapter(HTTPAdapter):
    """Connections whose answers heed `deadline`."""

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TLSPool}
