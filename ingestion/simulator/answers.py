"""What the simulated upstream answers, and what the answer's way out may ask of a connection."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Protocol, Self

import orjson


class Connection(Protocol):
    """What a faulty delivery needs of a connection."""

    connection: socket.socket

    def send(self, data: bytes, /) -> None:
        """Send bytes at once."""


@dataclass(frozen=True)
class Answer:
    """One answer: everything but the bytes' way through the socket.

    Attributes
    ----------
    status : int
        Also one that HTTP has no name for.
    body : bytes
        As it goes out, packed if a header says so.
    headers : tuple of (str, str)
        Besides Content-Type and Content-Length.
    content_type : str
        What the body says it is.
    deliveries : tuple of callable
        What goes wrong on the socket: each says whether it has sent the answer, and if so the
        connection is not used again.
    """

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()
    content_type: str = "application/json"
    deliveries: tuple[Callable[[Connection, Answer], bool], ...] = ()

    @classmethod
    def refusing(
        cls,
        status: HTTPStatus,
        parameter: str | None,
        message: str,
        *headers: tuple[str, str],
    ) -> Self:
        """An error, in the one shape that errors have."""
        body = orjson.dumps({"error": {"parameter": parameter, "message": message}})
        return cls(status, body, headers)
