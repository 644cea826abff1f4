"""What every operation has in common in the OpenAPI document: its scope."""

from typing import Any

from drf_spectacular.openapi import AutoSchema

from accounts.permissions import HasScope, missing_scope_words, needed_scope
from accounts.scopes import Scope
from config.errors import PROBLEM_MEDIA_TYPE, problem


class OperationSchema(AutoSchema):
    """The library's, which adds to each operation what no view should have to say itself."""

    def get_operation(self, *args: Any, **kwargs: Any) -> dict[str, Any] | None:
        operation: dict[str, Any] | None = super().get_operation(*args, **kwargs)
        if operation is None:
            return None
        answers = operation["responses"]
        if any(isinstance(one, HasScope) for one in self.view.get_permissions()):
            scope = needed_scope(self.view, self.method)
            said = operation.get("description", "")
            operation["description"] = f"{said}\n\nNeeds the scope `{scope}`.".strip()
            # Where a view documents a refusal of its own, that is the one to expect.
            answers.setdefault("403", _problem(403, "The token lacks the scope.", _lacks(scope)))
        return operation


def _lacks(scope: Scope) -> str:
    return missing_scope_words(scope, [one for one in Scope if one != scope][:1])


def _problem(status: int, when: str, detail: str) -> dict[str, Any]:
    content = {
        "schema": {"$ref": "#/components/schemas/Problem"},
        "examples": {"Problem": {"value": problem(status, detail)}},
    }
    return {"description": when, "content": {PROBLEM_MEDIA_TYPE: content}}
