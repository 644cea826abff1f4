"""Faults of the answer as a whole: its status, its headers, and bytes that are not what they seem.

Each is a function of the answer, not packed yet, the fault, and the address that was asked for.
"""

from __future__ import annotations

import gzip
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import lru_cache

from ingestion.simulator.answers import Answer
from ingestion.simulator.faults.kinds import Fault, Parameter, Stage, kind

PAGE = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body>Sign in</body></html>"
PACKED = ("Content-Encoding", "gzip")


@kind(
    "status",
    Stage.ANSWER,
    {"code": Parameter(503, 200, 999), "retry-after": Parameter(""), "retry-in": Parameter(-1, -1)},
)
def status(answer: Answer, fault: Fault, target: str) -> Answer:
    """A status instead of readings, with Retry-After as a text, or as the date in some seconds."""
    headers = [("Retry-After", fault["retry-after"])] if fault["retry-after"] else []
    if fault["retry-in"] >= 0:
        date = datetime.now(UTC) + timedelta(seconds=fault["retry-in"])
        headers.append(("Retry-After", format_datetime(date, usegmt=True)))
    body = b'{"error":{"parameter":null,"message":"This fault was asked for."}}'
    return Answer(fault["code"], body, tuple(headers))


@kind("redirect", Stage.ANSWER, {"to": Parameter("loop"), "code": Parameter(302, 300, 399)})
def redirect(answer: Answer, fault: Fault, target: str) -> Answer:
    """A redirect to itself (`loop`) or to another address, such as a private one."""
    to = target if fault["to"] == "loop" else fault["to"]
    return Answer(fault["code"], b"", (("Location", to),))


@kind("bare-list", Stage.ANSWER)
def bare_list(answer: Answer, fault: Fault, target: str) -> Answer:
    """The rows come as a list, without the object around them."""
    return replace(answer, body=answer.body.removeprefix(b'{"data":').removesuffix(b"}"))


@kind("wrong-shape", Stage.ANSWER)
def wrong_shape(answer: Answer, fault: Fault, target: str) -> Answer:
    """The answer is JSON, but an object with other keys, one of them with a NUL in it."""
    return replace(answer, body=b'{"rows\\u0000":[],"next":"\\ud83d\\ude42"}')


@kind("truncated", Stage.ANSWER, {"share": Parameter(0.5, 0, 1)})
def truncated(answer: Answer, fault: Fault, target: str) -> Answer:
    """The JSON ends in the middle, although the answer's length is right."""
    return replace(answer, body=answer.body[: int(len(answer.body) * fault["share"])])


@kind("not-json", Stage.ANSWER)
def not_json(answer: Answer, fault: Fault, target: str) -> Answer:
    """The body is no JSON at all."""
    return replace(answer, body=b"\xff\xfe\x00 upstream connect error\r\n")


@kind("html-page", Stage.ANSWER)
def html_page(answer: Answer, fault: Fault, target: str) -> Answer:
    """A page for people, with status 200."""
    return replace(answer, body=PAGE, content_type="text/html; charset=utf-8")


@kind("wrong-type", Stage.ANSWER, {"type": Parameter("text/html")})
def wrong_type(answer: Answer, fault: Fault, target: str) -> Answer:
    """The readings are right, but the header says that they are something else."""
    return replace(answer, content_type=fault["type"])


@kind("nested-answer", Stage.ANSWER, {"depth": Parameter(100_000, 1)})
def nested_answer(answer: Answer, fault: Fault, target: str) -> Answer:
    """The answer is a list in a list in a list."""
    depth = fault["depth"]
    return replace(answer, body=b'{"data":' + b"[" * depth + b"]" * depth + b"}")


@kind("bomb", Stage.ANSWER, {"mebibytes": Parameter(100, 1, 10_000)})
def bomb(answer: Answer, fault: Fault, target: str) -> Answer:
    """A small answer that unpacks to a huge one."""
    return replace(
        answer, body=_packed_blanks(fault["mebibytes"]), headers=(*answer.headers, PACKED)
    )


@lru_cache(maxsize=2)
def _packed_blanks(mebibytes: int) -> bytes:
    # Members of gzip follow each other, so that nothing large is ever held here.
    return gzip.compress(b'{"data":[') + gzip.compress(b" " * 2**20, mtime=0) * mebibytes
