"""What the documentation shows of writing: bodies that work, and the problems that others meet."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiResponse

from config.errors import PROBLEM_MEDIA_TYPE
from meters.api.bodies import Body
from meters.api.examples import one_problem
from meters.api.guarding import Need

Problems = dict[Any, OpenApiResponse]


def request_example(body: type[Body], name: str) -> OpenApiExample:
    """Show the body that works."""
    return OpenApiExample(name, value=dict(body.EXAMPLE), request_only=True)


def response_example(name: str, value: object, status: int = 200) -> OpenApiExample:
    return OpenApiExample(name, value=value, response_only=True, status_codes=[str(status)])


def _problem(status: int, when: str, words: str, *errors: dict[str, Any]) -> Problems:
    return {(status, PROBLEM_MEDIA_TYPE): one_problem(status, when, words, *errors)}


def _error(field: str, value: str, words: str, example: str) -> dict[str, str]:
    return {"parameter": field, "value": value, "message": words, "example": example}


def invalid_body(field: str, value: str, words: str, example: str) -> Problems:
    """Document 400, 413 and 415 of a body."""
    when = "A field or parameter can't be taken; `errors` names each, with a value that works."
    return {
        **_problem(400, when, words, _error(field, value, words, example)),
        **_problem(413, "The body is too large.", "The body is larger than 1.0 MB."),
        **_problem(
            415,
            "The body is not JSON.",
            "“text/plain” is not taken here; send application/json.",
        ),
    }


def conflict(field: str, value: str, words: str, example: str) -> Problems:
    """Document 409 with the field that is in the way."""
    when = "It can't be as things stand."
    return _problem(409, when, words, _error(field, value, words, example))


def in_the_way(words: str) -> Problems:
    """Document 409 of something that takes no field."""
    return _problem(409, "It can't be as things stand.", words)


def forbidden(need: Need) -> Problems:
    """Document 403: who may."""
    return _problem(403, "The account may not do that.", need.words)


def missing(when: str, words: str) -> Problems:
    """Document 404."""
    return _problem(404, when, words)


def not_again(words: str) -> Problems:
    """Document 422 of a request whose Idempotency-Key stands for another one."""
    return _problem(422, "The Idempotency-Key was sent with another request before.", words)
