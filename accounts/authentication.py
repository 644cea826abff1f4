"""Sign-in of programs, `Authorization: Bearer lg_…`, and of browsers that are signed in."""

from datetime import datetime, timedelta
from hmac import compare_digest
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.models import Q
from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from knox.auth import TokenAuthentication
from knox.crypto import hash_token
from knox.settings import CONSTANTS
from rest_framework import authentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.request import Request

from accounts.models import ApiToken, User
from accounts.scopes import MEANINGS
from accounts.throttling import count_refused, count_request
from config.compiled import CompiledQuery
from config.databasefaults import stores_nothing

# The last use is kept to the minute, for a row that is written at each request costs more than it
# tells.
USE_NOTED = timedelta(minutes=1)

# The same for each, so that nobody learns from it whether there is such a token or person.
NOT_GOOD = (
    "This token is not good here: it may be mistyped, revoked or made for another address. Make "
    "one under your name → API tokens."
)


_by_key = CompiledQuery(
    lambda: ApiToken.objects.filter(token_key="lg_").select_related("user"),  # noqa: S106 - none
)


class BearerAuthentication(TokenAuthentication):  # type: ignore[misc]
    """Tokens of the tenant that is asked, looked up in its schema alone."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        try:
            found: tuple[User, ApiToken] | None = super().authenticate(request)
        except AuthenticationFailed:
            request._request.refused_token = True  # type: ignore[attr-defined]  # noqa: SLF001 - the documented way to Django's request
            count_refused(request._request)  # noqa: SLF001 - as above
            raise
        if found is None:
            return None
        _, token = found
        count_request(request._request, f"token:{token.token_key}")  # noqa: SLF001 - as above
        _check_origin(request, token)
        _note_use(token, timezone.now())
        return found

    def authenticate_credentials(self, token: bytes) -> tuple[User, ApiToken]:
        # What can't be a token is not looked for: PostgreSQL refuses some of it, such as a NUL.
        if not (token.isascii() and token.decode("latin-1").isprintable()):
            raise AuthenticationFailed(NOT_GOOD)
        text = token.decode()
        digest, key = hash_token(text), text[: CONSTANTS.TOKEN_KEY_LENGTH]
        # Not the library's way, which walks all tokens of the person to delete the expired ones.
        for one in _by_key(key):
            if compare_digest(one.digest, digest) and one.user.is_active:
                if one.has_expired:
                    # Told to whoever holds the whole token, to whom it is worth nothing any more.
                    raise AuthenticationFailed(
                        f"This token expired at {one.expiry:%Y-%m-%dT%H:%M:%SZ}. Make another one "
                        "under your name → API tokens."
                    )
                return one.user, one
        raise AuthenticationFailed(NOT_GOOD)

    def authenticate_header(self, request: Request) -> str:
        is_refused = getattr(request._request, "refused_token", False)  # noqa: SLF001 - as above
        return 'Bearer error="invalid_token"' if is_refused else "Bearer"


def _check_origin(request: Request, token: ApiToken) -> None:
    """Refuse a browser's token to pages that it is not bound to."""
    if token.origins and request.headers.get("origin") not in token.origins:
        raise PermissionDenied(
            f"This token is good for pages of {', '.join(token.origins)} alone, and the header "
            "Origin of this request names none of them."
        )


def _note_use(token: ApiToken, now: datetime) -> None:
    before = now - USE_NOTED
    if token.last_used_at is not None and token.last_used_at > before:
        return
    # Asked again in the database: of several processes one writes.
    unnoted = Q(last_used_at=None) | Q(last_used_at__lte=before)
    try:
        ApiToken.objects.filter(unnoted, pk=token.pk).update(last_used_at=now)
    except DatabaseError as error:
        # Where nothing can be written, reading goes on.
        if connection.in_atomic_block or not stores_nothing(error):
            raise


class SessionAuthentication(authentication.SessionAuthentication):
    """People who are signed in, counted like programs."""

    def authenticate(self, request: Request) -> tuple[Any, None] | None:
        found = super().authenticate(request)
        if found is not None:
            count_request(request._request, f"person:{found[0].pk}")  # noqa: SLF001 - as above
        return found


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the schema describes tokens. Each operation says which scope it needs."""

    target_class = "accounts.authentication.BearerAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        scopes = "".join(f"\n- `{scope}`: {what}" for scope, what in MEANINGS.items())
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "A token, made under your name → API tokens or with `manage.py "
            f"create_token`. It has one scope or more, and none implies another:\n{scopes}\n\n"
            "It never may more than its person.",
        }


class SessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the schema describes sessions."""

    target_class = "accounts.authentication.SessionAuthentication"
    name = "session"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "apiKey",
            "in": "cookie",
            "name": settings.SESSION_COOKIE_NAME,
            "description": "A browser that is signed in. Scopes do not limit it.",
        }
