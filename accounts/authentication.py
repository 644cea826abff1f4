"""Sign-in of programs: `Authorization: Bearer lg_…`."""

from django.utils import timezone
from knox.auth import TokenAuthentication

from accounts.models import ApiToken


class BearerAuthentication(TokenAuthentication):  # type: ignore[misc]
    """Tokens of the tenant that is asked, looked up in its schema alone."""

    def _cleanup_token(self, auth_token: ApiToken) -> bool:
        # The library walks all tokens of the person at every request, to delete the expired ones.
        # One comparison says whether this one has expired.
        return auth_token.expiry is not None and auth_token.expiry < timezone.now()
