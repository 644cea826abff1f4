"""The web process itself, asked past any client: odd, large and slow requests, over a socket."""

import re
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from config.bodies import AT_ONCE, PATIENCE
from tests.conftest import Customer
from tests.tenants.processes import environment, web

# By then the server has hung up on who has not finished a request's head [s], and some more.
HEAD_IN = 5


class Server:
    """Where the process listens, and whom it serves."""

    def __init__(self, address: str, acme: Customer, nordwind: Customer) -> None:
        self.address, self.acme, self.nordwind = address, acme, nordwind
        parts = urlsplit(address)
        self.place = (parts.hostname or "", parts.port or 0)

    def tell(self, request: str | bytes, timeout: float = 20) -> tuple[int, str]:
        """Send bytes as they are; return the status (0: hung up without a word) and the answer."""
        data = request.encode("latin-1") if isinstance(request, str) else request
        with socket.create_connection(self.place, timeout=timeout) as there:
            try:
                there.sendall(data)
                found = b""
                while not _is_whole(found) and (piece := there.recv(65_536)):
                    found += piece
            except ConnectionError:
                pass
        text = found.decode("latin-1")
        status = re.match(r"HTTP/1\.[01] (\d+)", text)
        return (int(status[1]) if status else 0), text

    def get(self, path: str = "/sign-in/", *headers: str, host: str | None = None) -> str:
        """Write a request; the connection is closed after its answer."""
        lines = [f"GET {path} HTTP/1.1", f"Host: {host or self.acme.domain}", "Connection: close"]
        return "\r\n".join([*lines, *headers, "", ""])


def _is_whole(answer: bytes) -> bool:
    head, end, body = answer.partition(b"\r\n\r\n")
    length = re.search(rb"\r\ncontent-length: (\d+)", head.lower())
    return bool(end and length) and len(body) >= int(length[1])  # type: ignore[index]


@pytest.fixture(scope="module")
def server(
    django_db_setup: None, django_db_blocker: object, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    from tests.conftest import CUSTOMERS

    log: Path = tmp_path_factory.mktemp("server") / "web.log"
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        env = environment()
    with web(log, env=env) as address:
        yield Server(address, CUSTOMERS["acme"], CUSTOMERS["nordwind"])


def test_a_request_is_answered(server: Server) -> None:
    status, text = server.tell(server.get())
    assert status == 200
    assert server.acme.tenant.name in text


@pytest.mark.parametrize("target", ["http://nordwind.localhost/sign-in/", "https://evil.example/"])
def test_an_address_with_a_host_in_it_names_no_other_tenant(server: Server, target: str) -> None:
    """The header Host says whose pages are asked for, as it does everywhere."""
    _, text = server.tell(server.get(target))
    assert server.nordwind.tenant.name not in text
    assert "evil.example" not in text


def test_a_request_without_a_host_or_with_two_is_nobodys(server: Server) -> None:
    without = server.get().replace(f"Host: {server.acme.domain}\r\n", "")
    twice = server.get("/sign-in/", f"Host: {server.nordwind.domain}")
    for request in (without, twice):
        status, text = server.tell(request)
        assert status in {400, 404}
        for one in (server.acme, server.nordwind):
            assert one.tenant.name not in text


CHUNKED = "Transfer-Encoding: chunked"
ODD = {
    "two lengths": "Content-Length: 4\r\nContent-Length: 5",
    "a length that is none": "Content-Length: -1",
    "a length that is too long": "Content-Length: 99999999999999999999999",
    "a folded line": "X-One: a\r\n b",
    "a space before the colon": "X-One : a",
    "a line end that is none": "X-One: a\rX-Two: b",
    "a name that is none": "X(One): a",
    "a control character": "X-One: a\x00b",
}


@pytest.mark.parametrize("head", ODD.values(), ids=ODD)
def test_what_two_servers_could_read_differently_is_refused(server: Server, head: str) -> None:
    status, _ = server.tell(server.get("/sign-in/", head))
    assert status == 400


def test_no_second_request_hides_in_the_first(server: Server) -> None:
    hidden = server.get("/api/v1/meters/")
    smuggled = (
        f"POST /sign-in/ HTTP/1.1\r\nHost: {server.acme.domain}\r\nConnection: close\r\n"
        f"Content-Length: {5 + len(hidden)}\r\n{CHUNKED}\r\n\r\n0\r\n\r\n{hidden}"
    )
    _, text = server.tell(smuggled)
    assert text.count("HTTP/1.1 ") == 1


@pytest.mark.parametrize(
    "request_line",
    [
        "GET /sign-in/?{} HTTP/1.1\r\nHost: acme.localhost\r\n\r\n".format("a" * 200_000),
        "GET /sign-in/ HTTP/1.1\r\nHost: acme.localhost\r\nX: {}\r\n\r\n".format("a" * 200_000),
        "GET /sign-in/ HTTP/1.1\r\nHost: acme.localhost\r\n{}\r\n".format(
            "".join(f"X-{n}: a\r\n" for n in range(500))
        ),
    ],
    ids=["a long address", "a long header", "many headers"],
)
def test_a_head_that_is_too_large(server: Server, request_line: str) -> None:
    status, text = server.tell(request_line)
    assert status in {414, 431}
    assert len(text) < 1_000


def test_addresses_of_some_length_are_taken(server: Server) -> None:
    """A list of a thousand meters is one."""
    meters = ",".join(["95ce3367-cbce-4a4d-bbe3-da082831d7bd"] * 1_000)
    status, text = server.tell(
        server.get(
            f"/api/v1/readings/?meter={meters}", f"Authorization: Bearer {server.acme.token}"
        )
    )
    assert status in {400, 404}
    assert "problem+json" in text


def test_slow_senders_are_hung_up_on_and_keep_nobody_waiting(server: Server) -> None:
    """A head that comes letter by letter holds a connection, and no thread, and not for long."""
    begun = time.monotonic()
    ended: list[float] = []

    def drip() -> None:
        with socket.create_connection(server.place, timeout=3 * HEAD_IN) as there:
            there.sendall(b"GET / HTTP/1.1\r\nX-One: ")
            there.settimeout(0.2)
            while time.monotonic() - begun < 3 * HEAD_IN:
                try:
                    there.sendall(b"a")
                    if not there.recv(1_000):
                        break
                except TimeoutError:
                    continue
                except OSError:
                    break
        ended.append(time.monotonic() - begun)

    slow = [threading.Thread(target=drip) for _ in range(50)]
    for one in slow:
        one.start()
    for _ in range(5):
        assert requests.get(f"{server.address}/healthz", timeout=5).ok
    for one in slow:
        one.join()
    assert len(ended) == 50
    assert max(ended) < 2 * HEAD_IN


def test_who_says_nothing_is_hung_up_on(server: Server) -> None:
    """Else a thousand of them would leave nobody else a connection (`--backpressure`)."""
    with socket.create_connection(server.place, timeout=3 * HEAD_IN) as silent:
        begun = time.monotonic()
        assert silent.recv(1) == b""
    assert time.monotonic() - begun < 2 * HEAD_IN


def test_bodies_that_drip_in_keep_nobody_waiting(server: Server) -> None:
    """Sent to a form that is open to anybody, by more senders than there are threads."""
    token = requests.get(
        f"{server.address}/sign-in/", headers={"Host": server.acme.domain}, timeout=20
    ).cookies["csrf"]
    head = (
        f"POST /sign-in/ HTTP/1.1\r\nHost: {server.acme.domain}\r\nCookie: csrf={token}\r\n"
        "Connection: close\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        "Content-Length: 1000\r\n\r\nusername=a"
    )
    told: list[tuple[int, float]] = []

    def drip() -> None:
        begun = time.monotonic()
        status, _ = server.tell(head, timeout=8 * PATIENCE)
        told.append((status, time.monotonic() - begun))

    slow = [threading.Thread(target=drip) for _ in range(12)]
    for one in slow:
        one.start()
    # All of them are at it, and have used up what anybody is given.
    time.sleep(2 * AT_ONCE)
    for path in ("/healthz", "/sign-in/", "/healthz"):
        answer = requests.get(
            f"{server.address}{path}", headers={"Host": server.acme.domain}, timeout=30
        )
        assert answer.ok
    for one in slow:
        one.join()
    # The few that were waited for were given up as well.
    assert [status for status, _ in told] == [403] * len(slow)
    assert max(seconds for _, seconds in told) < 8 * PATIENCE
    status, text = server.tell(server.get())
    assert status == 200
    assert server.acme.tenant.name in text


def test_a_large_body_of_a_stranger_is_not_read(server: Server) -> None:
    """What is refused by its head is refused at once, however much would follow."""
    head = (
        f"POST /api/v1/readings/ HTTP/1.1\r\nHost: {server.acme.domain}\r\nConnection: close\r\n"
        "Content-Type: application/json\r\nContent-Length: 10000000000\r\n\r\n["
    )
    begun = time.monotonic()
    status, _ = server.tell(head)
    assert status == 401
    assert time.monotonic() - begun < 5


def test_the_server_does_not_say_in_which_version_it_is(server: Server) -> None:
    _, text = server.tell(server.get())
    head = text.partition("\r\n\r\n")[0].lower()
    assert re.findall(r"\r\n(?:server|x-powered-by|via): (.*?)\r", head) == ["granian"]
