"""Sign-in of programs: `Authorization: Bearer lg_…`."""

from typing import Any

from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from knox.auth import TokenAuthentication
from rest_framework.exceptions import AuthenticationFailed

from accounts.models import ApiToken


class BearerAuthentication(TokenAuthentication):  # type: ignore[misc]
    """Tokens of the tenant that is asked, looked up in its schema alone."""

    def authenticate_credentials(self, token: bytes) -> Any:
        # What can't be a token is not looked for: PostgreSQL refuses some of it, such as a NUL.
        if not (token.isascii() and token.decode("latin-1").isprintable()):
            raise AuthenticationFailed("Invalid token.")
        return super().authenticate_credentials(token)

    def _cleanup_token(self, auth_token: ApiToken) -> bool:
        # The library walks all tokens of the person at every request, to delete the expired ones.
        # One comparison says whether this one has expired.
        return auth_token.expiry is not None and auth_token.expiry < timezone.now()


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the schema describes it."""

    target_class = "accounts.authentication.BearerAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "A token made with `manage.py create_token`.",
        }
