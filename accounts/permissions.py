"""Scopes of tokens, enforced at one place for every view of the API."""

from collections.abc import Collection
from http import HTTPStatus
from typing import TYPE_CHECKING

from rest_framework.exceptions import APIException
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from accounts.models import ApiToken
from accounts.scopes import Scope, ordered

if TYPE_CHECKING:
    # The framework's views look for this module while they are loaded.
    from rest_framework.views import APIView


def needed_scope(view: "APIView", method: str | None) -> Scope:
    """Say which scope a request needs.

    Looking needs `read`. What changes something needs the view's `required_scope`, and `manage`
    where the view names none: a view that somebody forgets is closed rather than open.
    """
    if method in SAFE_METHODS:
        return Scope.READ
    return Scope(getattr(view, "required_scope", Scope.MANAGE))


def missing_scope_words(needed: Scope, has: Collection[str]) -> str:
    there = ", ".join(f"“{scope}”" for scope in has) or "none"
    return (
        f"This token lacks the scope “{needed}”; it has {there}. Make a token with “{needed}” "
        f"under your name → API tokens, or with manage.py create_token --scope {needed}."
    )


class MissingScope(APIException):
    """403: the token is good, but not for this."""

    status_code = HTTPStatus.FORBIDDEN

    def __init__(self, token: ApiToken, needed: Scope) -> None:
        super().__init__(missing_scope_words(needed, ordered(token.scopes)))
        # RFC 6750, section 3.1.
        self.auth_header = f'Bearer error="insufficient_scope", scope="{needed}"'


class HasScope(BasePermission):
    """Lets a token do what its scopes say. A signed-in browser is not limited by scopes.

    What the token's person may do is another question, which the view asks as ever.
    """

    def has_permission(self, request: Request, view: "APIView") -> bool:
        token = request.auth
        if isinstance(token, ApiToken):
            needed = needed_scope(view, request.method)
            if needed not in token.scopes:
                raise MissingScope(token, needed)
        return True
