"""The simulated upstream on a real socket: HTTP/1.1 with keep-alive, one thread a connection.

What is answered is decided in `upstream`; how its bytes go out is `Handler.deliver` alone.
"""

from __future__ import annotations

import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import TCPServer
from typing import Any

from ingestion.simulator.answers import Answer
from ingestion.simulator.faults import NO_FAULTS, Plan
from ingestion.simulator.recordings import load_recordings
from ingestion.simulator.synthetic import SyntheticMeter
from ingestion.simulator.upstream import Now, Upstream

Log = Callable[[str], object]


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: SimulatorServer
    protocol_version = "HTTP/1.1"
    # What http.server takes a line for that it cannot read; to HTTP/0.9 it would send no head.
    default_request_version = "HTTP/1.0"
    timeout = 120
    # Head and body leave in one write; with Nagle's algorithm on, the last short segment of an
    # answer would wait 40 ms for the client's delayed acknowledgement.
    wbufsize = 1 << 16
    disable_nagle_algorithm = True

    def version_string(self) -> str:
        """Name the program, without Python and its version."""
        return "lastgang-simulator"

    def do_GET(self) -> None:
        self._serve()

    def do_HEAD(self) -> None:
        self._serve()

    def _serve(self) -> None:
        began = time.perf_counter()
        if self.headers.get("Content-Length", "0") != "0" or "Transfer-Encoding" in self.headers:
            # Nobody reads this body, so the next request on the connection would begin in it.
            self.close_connection = True
        answer = self.server.upstream.answer(self.path, self.headers)
        # Before it is sent, so that whoever has the answer finds its line in the log.
        self._note(answer, time.perf_counter() - began)
        self.deliver(answer)

    def deliver(self, answer: Answer) -> None:
        """Write an answer to the socket, without its body where the method is HEAD."""
        if any(delivery(self, answer) for delivery in answer.deliveries):
            self.close_connection = True
            return
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        for name, value in answer.headers:
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)
        self.wfile.flush()

    def send(self, data: bytes) -> None:
        """Send bytes at once, for a delivery that goes wrong."""
        self.wfile.write(data)
        self.wfile.flush()

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Refuse what is no GET or HEAD, or no HTTP, in JSON; http.server answers in HTML."""
        self.close_connection = True
        status = HTTPStatus(code)
        if status is HTTPStatus.NOT_IMPLEMENTED:
            text = f"{self.command} is not possible here, only GET and HEAD are."
            allow = ("Allow", "GET, HEAD")
            answer = Answer.refusing(HTTPStatus.METHOD_NOT_ALLOWED, None, text, allow)
        else:
            answer = Answer.refusing(status, None, f"{explain or message or status.phrase}.")
        self._note(answer, 0.0)
        self.deliver(answer)

    def _note(self, answer: Answer, seconds: float) -> None:
        # A request line that was no HTTP leaves no path and no method behind.
        line = getattr(self, "requestline", "?")
        host = self.client_address[0]
        size = len(answer.body)
        self.server.note(f"{host} {line!r} {answer.status} {size} B {seconds * 1000:.1f} ms")

    def log_message(self, *_args: Any, **_kwargs: Any) -> None:
        """Say nothing: `_note` writes the one line of a request."""


class SimulatorServer(ThreadingHTTPServer):
    """The listening socket and the connections that it gave out.

    Parameters
    ----------
    address : tuple of str and int
        Host and port; port 0 takes a free one.
    upstream : Upstream
        Who answers.
    log : callable or None
        Takes a line for each request.
    """

    daemon_threads = True
    # A burst of clients is kept waiting instead of being refused.
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], upstream: Upstream, log: Log | None) -> None:
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        self.upstream = upstream
        self._log = log
        self._open: set[socket.socket] = set()
        self._open_lock = threading.Lock()
        super().__init__(address, Handler)

    @property
    def base_url(self) -> str:
        """Where it listens, without a slash at the end."""
        host, port = self.server_address[:2]
        name = host.decode() if isinstance(host, bytes | bytearray) else str(host)
        return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"

    def note(self, line: str) -> None:
        """Log a request."""
        if self._log is not None:
            self._log(line)

    def server_bind(self) -> None:
        """Bind, without the look-up of the host's own name that HTTPServer adds.

        It can take seconds where there is no name server, and nothing here uses the name.
        """
        TCPServer.server_bind(self)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember the connection, and serve it in a thread."""
        with self._open_lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forget the connection, and close it."""
        with self._open_lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def server_close(self) -> None:
        """Close the listening socket and every connection: clients see the end at once."""
        super().server_close()
        with self._open_lock:
            for connection in self._open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    # The client was faster.
                    continue

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Note a client that went away in a line, and anything else with its traceback."""
        error = sys.exception()
        if isinstance(error, ConnectionError):
            self.note(f"{client_address[0]} went away: {type(error).__name__}")
        else:
            super().handle_error(request, client_address)


@dataclass
class RunningSimulator:
    """A simulator running in this process.

    Attributes
    ----------
    base_url : str
        Such as `http://127.0.0.1:40123`.
    upstream : Upstream
        With the meters that it serves.
    log : list of str
        A line for each request so far.
    """

    base_url: str
    upstream: Upstream
    log: list[str] = field(default_factory=list)

    @property
    def plan(self) -> Plan:
        """How it misbehaves; assign another one to change that while it runs."""
        return self.upstream.plan

    @plan.setter
    def plan(self, plan: Plan) -> None:
        self.upstream.plan = plan


@contextmanager
def running_simulator(
    *,
    recordings: Path | Iterable[Path] = (),
    meters: Iterable[SyntheticMeter] = (),
    now: datetime | Now | None = None,
    token: str | None = None,
    compress: bool = True,
    plan: Plan = NO_FAULTS,
    host: str = "127.0.0.1",
    port: int = 0,
) -> Iterator[RunningSimulator]:
    """Run a simulator in a thread for as long as the `with` block lasts.

    Parameters
    ----------
    recordings : pathlib.Path or iterable of pathlib.Path
        Folders of recordings.
    meters : iterable of SyntheticMeter
        Served beside them.
    now : datetime.datetime, callable or None
        The present, fixed or asked for at each request; the real one by default.
    token : str or None
        If given, requests need it.
    compress : bool
        Whether to answer in gzip to those who accept it.
    plan : Plan
        How it misbehaves; none by default.
    host, port
        Where to listen; a free port by default.

    Yields
    ------
    RunningSimulator
        Its address, meters and log.

    Raises
    ------
    RecordingError, ValueError, OSError
        If a folder, a meter or the address cannot be served.
    """
    folders = [recordings] if isinstance(recordings, Path) else recordings
    upstream = Upstream(
        recordings=[recording for folder in folders for recording in load_recordings(folder)],
        meters=meters,
        token=token,
        compress=compress,
        now=(lambda: now) if isinstance(now, datetime) else now,
        plan=plan,
    )
    log: list[str] = []
    with SimulatorServer((host, port), upstream, log.append) as server:
        # shutdown() waits for the loop's next look around, so look around often.
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield RunningSimulator(server.base_url, upstream, log)
        finally:
            server.shutdown()
            thread.join()
