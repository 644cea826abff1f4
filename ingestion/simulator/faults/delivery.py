"""Faults of the connection: bytes that come slowly, in part, without end, or not at all.

Each is a function of the connection, the answer and the fault; it returns whether the answer has
been sent, and if so the connection is not used again.
"""

from __future__ import annotations

import socket
import struct
import time
from dataclasses import replace
from http import HTTPStatus

from ingestion.simulator.answers import Answer, Connection
from ingestion.simulator.faults.kinds import Fault, Parameter, Stage, kind

SHARE = Parameter(0.5, 0, 1)
PAUSE = Parameter(0.05, 0, 3600)
CHUNK = b" " * 65_536


def head(answer: Answer, *length: tuple[str, str]) -> bytes:
    """The head of an answer, with whatever it says of the body's length."""
    try:
        phrase = HTTPStatus(answer.status).phrase
    except ValueError:
        phrase = ""
    headers = (("Content-Type", answer.content_type), *length, *answer.headers)
    lines = [f"HTTP/1.1 {answer.status} {phrase}", *(f"{name}: {text}" for name, text in headers)]
    return "\r\n".join([*lines, "", ""]).encode("latin-1", "replace")


def _sized(answer: Answer) -> bytes:
    return head(answer, ("Content-Length", str(len(answer.body))))


def _chunked(answer: Answer) -> bytes:
    return head(answer, ("Transfer-Encoding", "chunked"))


def _begun(answer: Answer, fault: Fault) -> bytes:
    return answer.body[: int(len(answer.body) * fault["share"])]


@kind("delay", Stage.DELIVERY, {"seconds": Parameter(5.0, 0, 3600)})
def delay(line: Connection, answer: Answer, fault: Fault) -> bool:
    """The answer comes late."""
    time.sleep(fault["seconds"])
    return False


@kind("drip", Stage.DELIVERY, {"pause": PAUSE})
def drip(line: Connection, answer: Answer, fault: Fault) -> bool:
    """The body comes byte by byte, never silent for long [s]."""
    line.send(_sized(answer))
    return _dripped(line, answer.body, fault["pause"])


@kind("drip-head", Stage.DELIVERY, {"pause": PAUSE})
def drip_head(line: Connection, answer: Answer, fault: Fault) -> bool:
    """The headers come byte by byte, and there is no end of them."""
    _dripped(line, head(answer)[:-2], fault["pause"])
    while True:
        _dripped(line, b"X-More: yes\r\n", fault["pause"])


def _dripped(line: Connection, data: bytes, pause: float) -> bool:
    for at in range(len(data)):
        line.send(data[at : at + 1])
        time.sleep(pause)
    return True


@kind("hang-up", Stage.DELIVERY)
def hang_up(line: Connection, answer: Answer, fault: Fault) -> bool:
    """The connection ends before the answer."""
    return True


@kind("reset", Stage.DELIVERY)
def reset(line: Connection, answer: Answer, fault: Fault) -> bool:
    """The connection is reset before the answer."""
    # Closed with no time to linger: a reset instead of an orderly end.
    line.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    line.connection.close()
    return True


@kind("cut", Stage.DELIVERY, {"share": SHARE})
def cut(line: Connection, answer: Answer, fault: Fault) -> bool:
    """The connection ends in the middle of a body whose length was promised."""
    line.send(_sized(answer) + _begun(answer, fault))
    return True


@kind("cut-chunked", Stage.DELIVERY, {"share": SHARE})
def cut_chunked(line: Connection, answer: Answer, fault: Fault) -> bool:
    """The connection ends in the middle of a body that comes in chunks."""
    begun = _begun(answer, fault)
    line.send(_chunked(answer) + b"%x\r\n%s\r\n" % (len(begun), begun))
    return True


@kind("stall", Stage.DELIVERY, {"share": SHARE, "seconds": Parameter(60.0, 0, 3600)})
def stall(line: Connection, answer: Answer, fault: Fault) -> bool:
    """In the middle of the body nothing more comes."""
    line.send(_sized(answer) + _begun(answer, fault))
    time.sleep(fault["seconds"])
    return True


@kind("endless", Stage.DELIVERY, {"mebibytes": Parameter(1024, 1)})
def endless(line: Connection, answer: Answer, fault: Fault) -> bool:
    """The body goes on and on."""
    # Blanks are nothing packed, whatever the answer was.
    plain = tuple(header for header in answer.headers if header[0] != "Content-Encoding")
    line.send(_chunked(replace(answer, headers=plain)))
    for _ in range(fault["mebibytes"] * 2**20 // len(CHUNK)):
        line.send(b"%x\r\n%s\r\n" % (len(CHUNK), CHUNK))
    return True
