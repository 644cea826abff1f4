"""Answers that break off, hang, drip, are too large or no answers at all, over real sockets."""

import gzip
import io
import socket
import time

import pytest

from ingestion.client import Limits, Page
from tests.ingestion.asking import BODY, GOOD, ROWS, ask, host
from tests.ingestion.upstreams import Handler, Respond, answering, rows


def too_short(handler: Handler) -> None:
    handler.answer(BODY[:-20], Content_Length=str(len(BODY)))
    handler.drop()


def chunks_break_off(handler: Handler) -> None:
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    handler.wfile.write(b"%x\r\n%s\r\n" % (40, BODY[:40]))
    handler.drop()


def chunk_breaks_off(handler: Handler) -> None:
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    handler.wfile.write(b"%x\r\n%s" % (len(BODY), BODY[:40]))
    handler.drop()


def chunked_nonsense(handler: Handler) -> None:
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    handler.wfile.write(b"not a length\r\n" + BODY)
    handler.drop()


def packed_breaks_off(handler: Handler) -> None:
    packed = gzip.compress(BODY)
    handler.answer(packed[:-30], Content_Length=str(len(packed)), Content_Encoding="gzip")
    handler.drop()


@pytest.mark.parametrize(
    "cut", [too_short, chunks_break_off, chunk_breaks_off, chunked_nonsense, packed_breaks_off]
)
def test_cut_off(cut: Respond) -> None:
    with answering(cut) as upstream:
        told, _, _ = ask(upstream)
        assert told == f"{host(upstream)} broke off in the middle of its answer. (3 attempts.)"
    with answering(cut, GOOD) as upstream:
        page, client, _ = ask(upstream)
    assert page == Page(ROWS, is_full=False)
    assert client.usage.retries == 1


def hang_up(handler: Handler) -> None:
    handler.drop()


def reset(handler: Handler) -> None:
    # Closed with data unread and no linger: a reset instead of an orderly end.
    handler.connection.setsockopt(
        socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00"
    )
    for end in (handler.rfile, handler.wfile, handler.connection):
        end.close()
    handler.rfile, handler.wfile = io.BytesIO(), io.BytesIO()
    handler.close_connection = True


@pytest.mark.parametrize("end", [hang_up, reset])
def test_hung_up_before_the_answer(end: Respond) -> None:
    with answering(end) as upstream:
        told, _, _ = ask(upstream)
        assert isinstance(told, str)
        assert told.startswith(f"{host(upstream)} broke off before it answered: ")
        assert told.endswith(". (3 attempts.)")
    with answering(end, GOOD) as upstream:
        assert isinstance(ask(upstream)[0], Page)


def silent(handler: Handler) -> None:
    time.sleep(0.5)
    handler.drop()


def stalls(handler: Handler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(BODY)))
    handler.end_headers()
    handler.wfile.write(BODY[:50])
    handler.wfile.flush()
    time.sleep(0.5)
    handler.drop()


@pytest.mark.parametrize("slow", [silent, stalls])
def test_silence(slow: Respond) -> None:
    with answering(slow) as upstream:
        told, _, _ = ask(upstream)
        assert told == (
            f"{host(upstream)} sent nothing for 0.25 s. (3 attempts.) "
            "The upstream is slow: lower the source's limit."
        )


def drips(handler: Handler) -> None:
    """A byte now and then: never silent long enough for a time-out between bytes."""
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(BODY)))
    handler.end_headers()
    for at in range(len(BODY)):
        handler.wfile.write(BODY[at : at + 1])
        handler.wfile.flush()
        time.sleep(0.05)


def test_a_dripping_answer_is_given_up_after_the_total_time_out() -> None:
    began = time.monotonic()
    with answering(drips) as upstream:
        told, _, _ = ask(upstream, limits=Limits(read=0.25, total=0.3, attempts=2))
        assert told == (
            f"{host(upstream)} took longer than 0.3 s to answer. (2 attempts.) "
            "Lower the source's limit."
        )
    assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    "body", [b"<html>Sign in</html>", b"", b'{"data": [{"measurement"', b"\xff\xfe", b"[NaN"]
)
def test_no_json(body: bytes) -> None:
    with answering(rows(body)) as upstream:
        told, client, _ = ask(upstream)
        assert isinstance(told, str)
        assert told.startswith(f"{host(upstream)} answered with something that is not JSON (")
        assert told.endswith("(3 attempts.) Check the source's address.")
    assert client.usage.retries == 2


def test_json_of_the_wrong_shape() -> None:
    for payload in ({"rows": []}, "text", 7, None, {"data": {"a": 1}}):
        with answering(rows(payload)) as upstream:
            told, client, _ = ask(upstream)
            assert isinstance(told, str)
            assert told.startswith(f"{host(upstream)}: The answer is ")
        assert client.usage.requests == 1


def test_packed_answers_are_unpacked() -> None:
    with answering(rows(gzip.compress(BODY), Content_Encoding="gzip")) as upstream:
        page, client, _ = ask(upstream)
    assert page == Page(ROWS, is_full=False)
    assert client.usage.bytes == len(BODY)


def test_what_is_not_packed_though_it_says_so() -> None:
    with answering(rows(BODY, Content_Encoding="gzip")) as upstream:
        told, _, _ = ask(upstream)
        assert told == (
            f"{host(upstream)} answered with something that can't be unpacked. (3 attempts.)"
        )


def endless(sent: list[int]) -> Respond:
    def respond(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        block = b" " * 50_000
        for _ in range(200):
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(block), block))
            sent.append(len(block))

    return respond


def test_too_large_is_not_read_to_its_end() -> None:
    sent: list[int] = []
    with answering(endless(sent)) as upstream:
        told, client, _ = ask(upstream)
        assert told == (
            f"{host(upstream)} answered with more than 200,000 B; nothing of it was used. "
            "Lower the source's limit."
        )
    assert client.usage.requests == 1
    assert client.usage.bytes < 200_000 + 256 * 1024
    assert sum(sent) < 10_000_000


def test_a_packed_bomb_is_not_unpacked_to_its_end() -> None:
    bomb = gzip.compress(b" " * 100_000_000)
    with answering(rows(bomb, Content_Encoding="gzip")) as upstream:
        told, client, _ = ask(upstream)
    assert isinstance(told, str)
    assert "more than 200,000 B" in told
    assert client.usage.bytes < 1_000_000
