"""What is asked, and where the question goes: redirects, rebinding, connections, credentials."""

import io
import socket
import threading
import time
from dataclasses import replace
from typing import Any

import pytest
import requests
from structlog.testing import capture_logs

from ingestion.addresses import Guard
from ingestion.client import Client, Endpoint, Limits, Page, UpstreamError
from ingestion.transport import Transport
from tests.ingestion.asking import BODY, GOOD, MUID, QUICK, ROWS, START, STOP, TOKEN, ask, host
from tests.ingestion.upstreams import Handler, Respond, Running, answering, refusing, rows


def told(address: str, guard: Guard | None = None, limits: Limits = QUICK) -> str:
    """Ask once, in vain, and return the words."""
    endpoint = Endpoint(address, token=TOKEN)
    with (
        Client(endpoint, limits=limits, guard=guard, sleep=lambda _: None) as client,
        pytest.raises(UpstreamError) as failed,
    ):
        client.page(MUID, START, STOP)
    assert TOKEN not in str(failed.value)
    return str(failed.value)


NOT_FROM_HERE = (
    "which is not asked from here. The operator of this installation can allow it (UPSTREAM_ALLOW)."
)


@pytest.mark.parametrize(
    "name", ["127.0.0.1", "localhost", "2130706433", "127.1", "0177.0.0.1", "[::ffff:127.0.0.1]"]
)
def test_nothing_inside_is_asked_unless_it_is_allowed(name: str) -> None:
    with answering(GOOD) as upstream:
        words = told(upstream.address.replace("127.0.0.1", name), Guard())
    assert words.endswith(NOT_FROM_HERE)
    assert not upstream.asked


def test_a_name_that_leads_elsewhere_the_second_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection goes to the address that was checked: the name is not looked up again."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def rebinding(name: Any, *args: Any, **options: Any) -> Any:
        asked.append(str(name))
        return real("127.0.0.1" if len(asked) == 1 else "127.0.0.2", *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    guard = Guard.of(["127.0.0.1"])
    with answering(GOOD) as upstream:
        address = upstream.address.replace("127.0.0.1", "meters.example.com")
        with Client(Endpoint(address), limits=QUICK, guard=guard) as client:
            assert len(client.page(MUID, START, STOP).rows) == 3
        assert asked == ["meters.example.com"]
        # A connection of its own is a look-up of its own, and it is judged again.
        assert "is at a loopback address" in told(address, guard)
    assert len(upstream.asked) == 1
    assert upstream.asked[0].headers["Host"] == address.removeprefix("http://")


def test_a_redirect_inside_is_not_followed() -> None:
    with answering(GOOD) as inside:
        target = inside.address.replace("127.0.0.1", "127.0.0.2")
        with (
            answering(refusing(302, Location=target + "/secret")) as upstream,
            capture_logs() as logged,
        ):
            words = told(upstream.address, Guard.of(["127.0.0.1"]))
            origin = host(upstream)
    assert words == f"{origin} redirects, but 127.0.0.2 is a loopback address, {NOT_FROM_HERE}"
    assert not inside.asked
    assert [line["event"] for line in logged] == ["address refused"]


def test_a_chain_of_redirects_is_judged_link_by_link() -> None:
    with answering(GOOD) as last:
        forbidden = last.address.replace("127.0.0.1", "127.0.0.3")
        with (
            answering(refusing(307, Location=forbidden)) as second,
            answering(refusing(301, Location=second.address)) as first,
        ):
            assert "127.0.0.3 is a loopback address" in told(first.address, Guard.of(["127.0.0.1"]))
    assert (len(first.asked), len(second.asked), last.asked) == (1, 1, [])


@pytest.mark.parametrize(
    ("location", "why"),
    [
        ("file:///etc/passwd", "to an address that does not begin with https://"),
        ("ftp://127.0.0.1/", "to an address that does not begin with https://"),
        ("gopher://127.0.0.1:6379/_PING", "to an address that does not begin with https://"),
        ("http://user:pw@127.0.0.1/", "to an address with a name or password in it"),
    ],
)
def test_where_redirects_do_not_lead(location: str, why: str) -> None:
    with answering(refusing(302, Location=location)) as upstream:
        words, client, _ = ask(upstream)
        assert words == (
            f"{host(upstream)} redirects {why}; that is not followed. Check the source's address."
        )
    assert client.usage.requests == 1
    assert len(upstream.asked) == 1


def test_a_redirect_to_no_address_at_all() -> None:
    with answering(refusing(302, Location="http://[::1")) as upstream:
        words, _, _ = ask(upstream)
        assert words == (
            f"{host(upstream)} redirects to what is no address. Check the source's address."
        )


def test_the_body_of_a_redirect_is_not_read() -> None:
    sent: list[int] = []

    def endless(handler: Handler) -> None:
        handler.send_response(302)
        handler.send_header("Location", "/there")
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        for _ in range(400):
            handler.wfile.write(b"%x\r\n%s\r\n" % (50_000, b" " * 50_000))
            sent.append(50_000)

    with answering(endless, GOOD) as upstream:
        assert isinstance(ask(upstream)[0], Page)
    assert sum(sent) < 15_000_000


def test_a_redirect_within_the_host_keeps_who_asks_and_gets_no_parameters() -> None:
    with answering(refusing(302, Location="/there?page=1"), GOOD) as upstream:
        page, _, _ = ask(upstream, token=TOKEN)
    assert page == Page(ROWS, is_full=False)
    first, second = upstream.asked
    assert (second.path, second.query) == ("/there", {"page": "1"})
    assert first.headers["Authorization"] == second.headers["Authorization"]


def test_another_port_of_the_host_is_another_place() -> None:
    with (
        answering(GOOD) as other,
        answering(refusing(302, Location=other.address)) as upstream,
    ):
        ask(upstream, token=TOKEN)
    assert "Authorization" not in other.asked[0].headers


@pytest.mark.parametrize(
    "address", ["file:///etc/passwd", "http://user:pw@127.0.0.1:1/", "ftp://127.0.0.1", "x"]
)
def test_odd_addresses_end_in_words(address: str) -> None:
    words = told(address, Guard())
    assert "pw" not in words
    assert "Check the source's address." in words or words.endswith(NOT_FROM_HERE)


def test_what_stands_in_an_address_is_not_sent() -> None:
    with answering(GOOD) as upstream:
        ask(Running(upstream.address.replace("//", "//user:pw@")))
    assert "Authorization" not in upstream.asked[0].headers


def test_an_api_key_goes_under_the_name_of_its_header() -> None:
    with answering(GOOD) as upstream:
        endpoint = Endpoint(upstream.address, token=TOKEN, key_header="X-API-Key")
        with Client(endpoint, limits=QUICK) as client:
            client.page(MUID, START, STOP)
    headers = upstream.asked[0].headers
    assert (headers["X-API-Key"], headers.get("Authorization")) == (TOKEN, None)


def test_a_proxy_looks_names_up_but_is_not_asked_for_what_is_inside(settings: Any) -> None:
    with answering(GOOD) as proxy:
        settings.UPSTREAM_PROXY = proxy.address
        page, _, _ = ask(Running("http://meters.example.com"))
        assert isinstance(page, Page)
        (asked,) = proxy.asked
        assert asked.headers["Host"] == "meters.example.com"
        assert "10.0.0.1 is a private address" in told("http://10.0.0.1", Guard())
    assert len(proxy.asked) == 1


def test_the_environments_proxies_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    with answering(GOOD) as upstream:
        assert isinstance(ask(upstream)[0], Page)


def closes_after(handler: Handler) -> None:
    """Answer as if the connection were kept, and close it."""
    GOOD(handler)
    handler.close_connection = True


def test_a_kept_connection_that_the_peer_has_closed_in_the_meantime() -> None:
    with (
        answering(closes_after) as upstream,
        Client(Endpoint(upstream.address), limits=QUICK, sleep=lambda _: None) as client,
    ):
        for _ in range(3):
            assert len(client.page(MUID, START, STOP).rows) == 3
            time.sleep(0.02)
    assert client.usage.requests <= 5
    assert len(upstream.asked) == 3


def resets_midway(handler: Handler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(BODY)))
    handler.end_headers()
    handler.wfile.write(BODY[:50])
    handler.wfile.flush()
    linger = b"\x01\x00\x00\x00\x00\x00\x00\x00"
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    for end in (handler.rfile, handler.wfile, handler.connection):
        end.close()
    handler.rfile, handler.wfile = io.BytesIO(), io.BytesIO()
    handler.close_connection = True


def test_a_reset_in_the_middle_of_an_answer() -> None:
    with answering(resets_midway) as upstream:
        words, _, _ = ask(upstream)
        assert words == f"{host(upstream)} broke off in the middle of its answer. (3 attempts.)"
    with answering(resets_midway, GOOD) as upstream:
        assert isinstance(ask(upstream)[0], Page)


def many_headers(handler: Handler) -> None:
    handler.send_response(200)
    for n in range(200):
        handler.send_header(f"X-{n}", "x")
    handler.end_headers()


def long_header(handler: Handler) -> None:
    handler.answer(BODY, X="x" * 100_000)


def no_http(handler: Handler) -> None:
    handler.wfile.write(b"SSH-2.0-OpenSSH_9.2\r\n")
    handler.drop()


@pytest.mark.parametrize("respond", [many_headers, long_header, no_http])
def test_headers_that_are_too_much_or_none(respond: Respond) -> None:
    with answering(respond) as upstream:
        words, client, _ = ask(upstream)
        assert str(words).startswith(f"{host(upstream)} broke off before it answered: ")
    assert client.usage.requests == 3


def dripping_headers(handler: Handler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    for n in range(60):
        handler.wfile.write(b"X-%d: x\r\n" % n)
        handler.wfile.flush()
        time.sleep(0.05)


def test_headers_that_drip_in_end_at_the_total_time_out() -> None:
    limits = Limits(read=0.25, total=0.3, attempts=1)
    with answering(dripping_headers) as upstream:
        words, _, _ = ask(upstream, limits=limits)
        assert words == (
            f"{host(upstream)} took longer than 0.3 s to answer. (1 attempts.) "
            "Lower the source's limit."
        )


ROOMY = replace(QUICK, size=64_000_000, total=20.0, read=10.0)


def test_more_values_than_memory_should_hold() -> None:
    with answering(rows(b"[" + b"0," * 3_000_000 + b"0]")) as upstream:
        words, client, _ = ask(upstream, limits=ROOMY)
        assert words == (
            f"{host(upstream)} answered with more than 3,000,000 values; nothing of it was used. "
            "Lower the source's limit."
        )
    assert client.usage.requests == 1


def test_more_rows_than_are_taken_at_once() -> None:
    with answering(rows([{}] * 20)) as upstream:
        words, _, _ = ask(upstream, limits=replace(QUICK, rows=19))
    assert "answered with 20 rows, more than the 19 that are taken at once" in str(words)


def test_json_that_is_nested_without_end() -> None:
    for depth in (2_000, 90_000):
        with answering(rows(b"[" * depth + b"]" * depth)) as upstream:
            words, client, _ = ask(upstream)
            assert str(words).startswith(f"{host(upstream)} answered with JSON that is nested")
        assert client.usage.requests == 1


def test_hanging_up_between_question_and_answer_is_not_missed() -> None:
    """Whoever hangs up when the question is out, and nothing is read yet, is not waited out."""
    wanted = threading.Event()

    def silent(_handler: Handler) -> None:
        wanted.wait(20)

    limits = replace(QUICK, read=20.0, total=20.0)
    transport = Transport(limits, Guard.of(["127.0.0.1"]))
    with answering(silent) as upstream:
        transport.hang_up()
        until = time.monotonic() + limits.total
        with (
            pytest.raises(requests.ConnectionError, match="closed connection"),
            transport.get(upstream.address, {}, {}, until),
        ):
            pass
        wanted.set()
    transport.close()
