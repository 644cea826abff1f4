"""The header Idempotency-Key, for whatever makes a run: sent again it is answered as before."""

import hashlib
from collections.abc import Callable
from http import HTTPStatus

from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import APIException, ParseError
from rest_framework.request import Request

from ingestion.idempotency import LONGEST_KEY, Answer, KeyInUseError, KeyTakenError, answer_once

IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    description="Of your choice, one for each request. Sent again within 24 hours with the "
    "same request it is answered as before, and nothing is done twice.",
)
IN_USE = "A request with this Idempotency-Key is being answered. Ask again in a moment."
TAKEN = (
    "This Idempotency-Key was sent with another request before. Nothing was done; choose another "
    "key for another request."
)


class Unprocessable(APIException):
    """422: it was understood, and can't be done."""

    status_code = HTTPStatus.UNPROCESSABLE_ENTITY


class InUse(APIException):
    """409: the same is under way."""

    status_code = HTTPStatus.CONFLICT


def key_of(request: Request) -> str | None:
    """Read the key; None where none was sent.

    Raises
    ------
    ParseError
        400: it is none.
    """
    if "idempotency-key" not in request.headers:
        return None
    key = request.headers["idempotency-key"]
    if not (0 < len(key) <= LONGEST_KEY and key.isascii() and key.isprintable()):
        raise ParseError(
            f"The header Idempotency-Key holds 1 to {LONGEST_KEY} printable ASCII characters, "
            "for example a UUID."
        )
    return key


def answered_once(request: Request, key: str, body: bytes, work: Callable[[], Answer]) -> Answer:
    """Do the work, unless the same request came with this key before; then answer as before.

    Parameters
    ----------
    body
        What was sent, or the same written in one way.
    work
        Done in the transaction that keeps its answer. Where it raises, the key stays free.

    Raises
    ------
    InUse
        409: the same is under way.
    Unprocessable
        422: the key stands for another request.
    """
    person = int(request.user.pk or 0)
    try:
        return answer_once(person=person, key=key, digest=_digest(request, body), work=work)
    except KeyInUseError:
        raise InUse(IN_USE) from None
    except KeyTakenError:
        raise Unprocessable(TAKEN) from None


def _digest(request: Request, body: bytes) -> str:
    """Sum up everything that the request says; the order of parameters says nothing."""
    query = sorted((name, request.query_params.getlist(name)) for name in request.query_params)
    head = repr((request.method, request.path, query, request.content_type))
    return hashlib.sha256(head.encode() + b"\0" + body).hexdigest()
