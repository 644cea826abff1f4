"""Doors to a server that a test can shut, between it and the process that is tried."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit


class Gate:
    """A door to a server that a test can shut."""

    def __init__(self, target: tuple[str, int]) -> None:
        self.target = target
        self.port = 0
        self._open: list[socket.socket] = []
        self._listener: socket.socket | None = None

    def open(self) -> None:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen()
        self.port = listener.getsockname()[1]
        self._listener = listener
        threading.Thread(target=self._serve, args=[listener], daemon=True).start()

    def shut(self) -> None:
        assert self._listener is not None
        # A listener that another thread waits on is only gone once it is shut down.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for one in self._open:
            shut_down(one)
        self._open.clear()

    def _serve(self, listener: socket.socket) -> None:
        while True:
            try:
                caller, _ = listener.accept()
            except OSError:
                return
            server = socket.create_connection(self.target)
            self._open += [caller, server]
            for source, sink in ((caller, server), (server, caller)):
                threading.Thread(target=_pass_on, args=[source, sink], daemon=True).start()


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(65_536):
            sink.sendall(data)
    except OSError:
        pass
    finally:
        shut_down(source)
        shut_down(sink)


def shut_down(one: socket.socket) -> None:
    with suppress(OSError):  # it may be shut already
        one.shutdown(socket.SHUT_RDWR)
    one.close()


@contextmanager
def gate(url: str) -> Iterator[tuple[Gate, str]]:
    parts = urlsplit(url)
    door = Gate((parts.hostname or "", parts.port or 0))
    door.open()
    yield door, url.replace(f":{parts.port}/", f":{door.port}/")
    door.shut()
