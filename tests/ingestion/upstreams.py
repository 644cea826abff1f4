"""Upstreams that tests run: real sockets, which answer as they are told, badly if need be."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

Respond = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "Server"

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        with self.server.lock:
            self.server.asked.append(Asked(parts.path, query, dict(self.headers)))
            script = self.server.script
            respond = script.pop(0) if len(script) > 1 else script[0]
        respond(self)

    def answer(self, body: bytes, status: int = 200, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content_Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def drop(self) -> None:
        """End the connection here, whatever was promised."""
        self.wfile.flush()
        self.close_connection = True

    def log_message(self, *_args: Any) -> None:
        pass


@dataclass(frozen=True)
class Asked:
    path: str
    query: dict[str, str]
    headers: dict[str, str]


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, script: list[Respond]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.lock = threading.Lock()
        self.script, self.asked = script, list[Asked]()

    def handle_error(self, *_args: Any) -> None:
        """A client that goes away is what some tests are about."""


@dataclass
class Running:
    address: str
    server: Server | None = None
    asked: list[Asked] = field(default_factory=list)


@contextmanager
def _running(server: ThreadingHTTPServer) -> Iterator[str]:
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def answering(*script: Respond) -> Iterator[Running]:
    """Answer each request by the next of the script; the last one answers for ever."""
    server = Server(list(script))
    with _running(server) as address:
        yield Running(address, server, server.asked)


class _Files(SimpleHTTPRequestHandler):
    def log_message(self, *_args: Any) -> None:
        pass


@contextmanager
def static_files(folder: Path) -> Iterator[str]:
    """Serve a folder as an object store does: whatever the parameters, the whole file."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Files, directory=str(folder)))
    with _running(server) as address:
        yield address


def rows(payload: Any, status: int = 200, **headers: str) -> Respond:
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return lambda handler: handler.answer(body, status, **headers)


def refusing(status: int, **headers: str) -> Respond:
    return lambda handler: handler.answer(b"{}", status, **headers)


def row(muid: object, timestamp: str, value: object = 0.1, **more: Any) -> dict[str, Any]:
    tags = {"muid": str(muid), "quality": "measured"}
    return {
        "measurement": "energy",
        "timestamp": timestamp,
        "tags": tags,
        "0100011D00FF": value,
    } | more
