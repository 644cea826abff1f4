"""The upstream over HTTP, against sockets that misbehave: each failure is words for an operator."""

import logging
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from ingestion.client import Client, Endpoint, Page, UnreachableError
from tests.ingestion.asking import BODY, GOOD, MUID, QUICK, ROWS, START, STOP, TOKEN, ask, host
from tests.ingestion.upstreams import Handler, Running, answering, refusing


def test_every_parameter_is_sent() -> None:
    with answering(GOOD) as upstream:
        page, client, _ = ask(upstream, token=TOKEN)
    assert page == Page(ROWS, is_full=False)
    (asked,) = upstream.asked
    assert asked.path == "/meterdata/measurement"
    assert asked.query == {
        "muid": str(MUID),
        "measurement": "energy",
        "limit": "100",
        "start": "2023-02-01T00:00:00Z",
        "stop": "2023-03-01T00:00:00Z",
    }
    assert asked.headers["Authorization"] == f"Bearer {TOKEN}"
    assert "gzip" in asked.headers["Accept-Encoding"]
    assert (client.usage.requests, client.usage.retries) == (1, 0)
    assert client.usage.bytes == len(BODY)


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("https://m.example", "https://m.example/meterdata/measurement"),
        ("https://m.example/", "https://m.example/meterdata/measurement"),
        ("https://m.example/api", "https://m.example/api/meterdata/measurement"),
        ("https://m.example/meterdata/measurement", "https://m.example/meterdata/measurement"),
        ("https://m.example/x/{muid}.json?v=1", f"https://m.example/x/{MUID}.json?v=1"),
    ],
)
def test_addresses(address: str, url: str) -> None:
    assert Endpoint(address).url(MUID) == url


def test_one_connection_serves_many_questions() -> None:
    ports: set[int] = set()

    def note(handler: Handler) -> None:
        ports.add(handler.client_address[1])
        GOOD(handler)

    with answering(note) as upstream, Client(Endpoint(upstream.address)) as client:
        for _ in range(5):
            client.page(MUID, START, STOP)
    assert len(ports) == 1


def test_a_full_page_is_known() -> None:
    with answering(GOOD) as upstream:
        page, _, _ = ask(upstream, limit=3)
    assert isinstance(page, Page)
    assert page.is_full


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_what_may_pass_is_asked_again(status: int) -> None:
    with answering(refusing(status), refusing(status), GOOD) as upstream:
        page, client, waits = ask(upstream)
    assert page == Page(ROWS, is_full=False)
    assert (client.usage.requests, client.usage.retries) == (3, 2)
    assert 0.5 <= waits[0] <= 1.0 <= waits[1] <= 2.0


def test_what_does_not_pass_is_told() -> None:
    with answering(refusing(503)) as upstream:
        words, client, waits = ask(upstream)
        assert words == f"{host(upstream)} answered 503 Service Unavailable. (3 attempts.)"
    assert (client.usage.requests, client.usage.retries, len(waits)) == (3, 2, 2)


@pytest.mark.parametrize(
    ("said", "waited"),
    [
        ("7", 7),
        ("0", 0),
        (" 12 ", 12),
        ("86400", 30),  # no longer than the longest pause
        ("999999999999999999999", 30),
        ("soon", None),
        ("-5", None),
        ("²", None),  # a digit to Python, not to a clock
        ("", None),
        ("Tue, 15 Nov 1994 08:12:31 GMT", 0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 30),
        ("Fri, 99 Dec 9999 23:59:59 GMT", None),
    ],
)
def test_retry_after(said: str, waited: float | None) -> None:
    with answering(refusing(429, Retry_After=said), GOOD) as upstream:
        page, _, waits = ask(upstream)
    assert isinstance(page, Page)
    if waited is None:
        assert 0.5 <= waits[0] <= 1.0
    else:
        assert waits == [waited]


def test_retry_after_a_date() -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=20), usegmt=True)
    with answering(refusing(503, Retry_After=soon), GOOD) as upstream:
        _, _, waits = ask(upstream)
    assert 15 < waits[0] <= 20


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (400, "answered 400 Bad Request. Check the source's measurement and limit."),
        (401, "answered 401 Unauthorized. Check the source's token."),
        (403, "answered 403 Forbidden. Check the source's token."),
        (404, "answered 404 Not Found. It does not know this meter, or the address is wrong."),
        (204, "answered 204 No Content."),
        (418, "answered 418 I'm a Teapot."),
    ],
)
def test_what_will_not_pass_is_not_asked_again(status: int, words: str) -> None:
    with answering(refusing(status)) as upstream:
        told, client, waits = ask(upstream, token=TOKEN)
        assert told == f"{host(upstream)} {words}"
    assert (client.usage.requests, waits) == (1, [])


def test_nobody_listens() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{taken.getsockname()[1]}"
        told, client, _ = ask(Running(address))
    assert told == (
        f"{address[7:]} can't be reached: Connection refused. (3 attempts.) "
        "Check the source's address, and that the upstream is up."
    )
    assert client.usage.requests == 3
    client = Client(Endpoint(address), limits=QUICK, sleep=lambda _: None)
    with client, pytest.raises(UnreachableError):
        client.page(MUID, START, STOP)


def test_a_name_that_does_not_exist() -> None:
    told, _, _ = ask(Running("http://upstream.invalid"))
    assert isinstance(told, str)
    assert told.startswith("upstream.invalid can't be reached: ")
    assert "attempts.) Check the source's address" in told


@pytest.mark.parametrize("token", ["with blank", "line\nbreak", "umläut", "\N{EURO SIGN}", "a\0b"])
def test_a_token_that_can_not_be_sent(token: str) -> None:
    """The libraries' own errors would quote it."""
    with answering(GOOD) as upstream:
        told, _, _ = ask(upstream, token=token)
    assert isinstance(told, str)
    assert told.endswith("Enter it anew.")
    assert token not in told
    assert not upstream.asked


def unreadable(handler: Handler) -> None:
    handler.answer(b"none")


def test_the_token_is_shown_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    endpoint = Endpoint("http://127.0.0.1:1", token=TOKEN)
    assert TOKEN not in repr(endpoint)
    for respond in (GOOD, refusing(401), refusing(500), unreadable):
        with answering(respond) as upstream:
            _, client, _ = ask(upstream, token=TOKEN)
            assert TOKEN not in repr(vars(client))
    assert TOKEN not in caplog.text


def test_the_machines_own_passwords_are_not_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    with answering(GOOD) as upstream:
        ask(upstream, token=TOKEN)
        ask(upstream)
    first, second = (asked.headers.get("Authorization") for asked in upstream.asked)
    assert (first, second) == (f"Bearer {TOKEN}", None)


def test_a_redirect_to_another_host_does_not_get_the_token() -> None:
    with answering(GOOD) as other:
        elsewhere = other.address.replace("127.0.0.1", "localhost")
        with answering(refusing(302, Location=elsewhere + "/x")) as upstream:
            page, _, _ = ask(upstream, token=TOKEN)
    assert isinstance(page, Page)
    assert "Authorization" not in other.asked[0].headers


def test_redirects_that_never_end() -> None:
    with answering(refusing(302, Location="/again")) as upstream:
        told, _, _ = ask(upstream, limits=replace(QUICK, total=10))
        assert told == (
            f"{host(upstream)} redirects more than 3 times. Check the source's address."
        )
    assert len(upstream.asked) == 4


def self_signed(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "key").write_bytes(key.private_bytes(pem, *plain))
    (folder / "certificate").write_bytes(certificate.public_bytes(pem))
    return folder / "key", folder / "certificate"


@contextmanager
def over_tls(folder: Path) -> Iterator[tuple[Running, Path]]:
    """Answer over TLS; give the upstream and its certificate, for which no authority vouches."""
    key, certificate = self_signed(folder)
    with answering(GOOD) as upstream:
        assert upstream.server
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        upstream.server.socket = context.wrap_socket(upstream.server.socket, server_side=True)
        address = upstream.address.replace("http://127.0.0.1", "https://localhost")
        yield Running(address), certificate


def test_a_certificate_that_nobody_vouches_for(tmp_path: Path) -> None:
    with over_tls(tmp_path) as (upstream, _):
        told, client, _ = ask(upstream)
    assert isinstance(told, str)
    assert "can't be trusted: certificate verify failed" in told
    assert told.endswith("Check its certificate.")
    assert client.usage.requests == 1


def test_a_certificate_that_the_operator_vouches_for(tmp_path: Path, settings: Any) -> None:
    """The connection is made to an address; the certificate is still held to the name."""
    with over_tls(tmp_path) as (upstream, certificate):
        settings.UPSTREAM_CA_FILE = str(certificate)
        page, _, _ = ask(upstream)
        assert isinstance(page, Page)
        told, _, _ = ask(Running(upstream.address.replace("localhost", "127.0.0.1")))
        assert "can't be trusted: certificate verify failed: IP address mismatch" in str(told)


@pytest.mark.parametrize(
    "address", ["http://[::1", "http://127.0.0.1:99999", "http://", "http:///x"]
)
def test_addresses_that_are_none(address: str) -> None:
    told, _, _ = ask(Running(address))
    assert isinstance(told, str)
    assert told.startswith("The source could not be asked: ")
    assert told.endswith("Check the source's address.")
