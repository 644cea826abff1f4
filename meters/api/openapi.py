"""What every operation has in common in the OpenAPI document: its scope, its limits."""

from typing import Any

from drf_spectacular.openapi import AutoSchema

from accounts.permissions import HasScope, missing_scope_words, needed_scope
from accounts.scopes import Scope
from config.errors import PROBLEM_MEDIA_TYPE, problem

HEADERS: dict[str, Any] = {
    "RateLimit-Limit": ("integer", "Requests that may be made in a minute, by the tightest limit."),
    "RateLimit-Remaining": ("integer", "How many of them are left."),
    "RateLimit-Reset": ("integer", "Seconds until they are all there again."),
    "RateLimit-Policy": ("string", "Every limit that holds, such as `600;w=60, 6000;w=60`."),
}
OFTEN = (
    "This token or sign-in has made more than 600 requests in a minute. Nothing was done; ask "
    "again in 23 seconds. Ask for longer ranges or more meters at once, and send "
    "If-None-Match, to need fewer requests."
)
LARGE = "The body is larger than 1.0 MB."
NO_JSON = "“text/plain” is not taken here; send application/json."


class OperationSchema(AutoSchema):
    """The library's, which adds to each operation what no view should have to say itself."""

    def get_operation(self, *args: Any, **kwargs: Any) -> dict[str, Any] | None:
        operation: dict[str, Any] | None = super().get_operation(*args, **kwargs)
        if operation is None:
            return None
        answers = operation["responses"]
        for status, answer in answers.items():
            if status != "401":
                answer.setdefault("headers", {}).update(_headers())
        if any(isinstance(one, HasScope) for one in self.view.get_permissions()):
            scope = needed_scope(self.view, self.method)
            said = operation.get("description", "")
            operation["x-required-scope"] = scope.value
            operation["description"] = f"{said}\n\nNeeds the scope `{scope}`.".strip()
            # Where a view documents a refusal of its own, that is the one to expect.
            answers.setdefault("403", _problem(403, "The token lacks the scope.", _lacks(scope)))
        if "requestBody" in operation:
            answers.setdefault("413", _problem(413, "The body is too large.", LARGE))
            answers.setdefault("415", _problem(415, "The body is not JSON.", NO_JSON))
        answers["429"] = _problem(429, "There were too many requests in a minute.", OFTEN)
        answers["429"]["headers"] = _headers() | {
            "Retry-After": _header("integer", "Ask again after so many seconds.")
        }
        return operation


def _lacks(scope: Scope) -> str:
    return missing_scope_words(scope, [one for one in Scope if one != scope][:1])


def _header(kind: str, words: str) -> dict[str, Any]:
    return {"schema": {"type": kind}, "description": words}


def _headers() -> dict[str, Any]:
    return {name: _header(kind, words) for name, (kind, words) in HEADERS.items()}


def _problem(status: int, when: str, detail: str) -> dict[str, Any]:
    content = {
        "schema": {"$ref": "#/components/schemas/Problem"},
        "examples": {"Problem": {"value": problem(status, detail)}},
    }
    return {"description": when, "content": {PROBLEM_MEDIA_TYPE: content}}
