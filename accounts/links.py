"""Signed links by which people choose a password: when they are invited, or have lost it.

A link names the person and carries a signature over what ends it: the password, the last sign-in,
the address, and here also the schema, for a restored tenant has the same people under the same
numbers.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.db import connection
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import base36_to_int, urlsafe_base64_encode

from accounts.models import User

INVITATION_GOOD_FOR = timedelta(seconds=settings.PASSWORD_RESET_TIMEOUT)
RESET_GOOD_FOR = timedelta(hours=2)


class LinkTokens(PasswordResetTokenGenerator):
    """Makes and checks signatures of one kind of link."""

    def __init__(self, kind: str, good_for: timedelta) -> None:
        super().__init__()
        self.key_salt = f"accounts.links.{kind}"
        self.good_for = good_for

    def _make_hash_value(self, user: User, timestamp: int) -> str:
        schema: str = connection.schema_name  # type: ignore[attr-defined]
        return f"{schema}:{super()._make_hash_value(user, timestamp)}"

    def check_token(self, user: User | None, token: str | None) -> bool:
        if not super().check_token(user, token):
            return False
        assert token is not None
        age = self._num_seconds(self._now()) - base36_to_int(token.split("-")[0])
        return bool(age <= self.good_for.total_seconds())


class InvitationTokens(LinkTokens):
    """Those of invitations: only the last one sent is good, and only until it is accepted."""

    def _make_hash_value(self, user: User, timestamp: int) -> str:
        at = user.invited_at.timestamp() if user.invited_at else ""
        return f"{super()._make_hash_value(user, timestamp)}{at}"

    def check_token(self, user: User | None, token: str | None) -> bool:
        waits = user is not None and user.is_invited and user.is_active
        return waits and super().check_token(user, token)


class ResetTokens(LinkTokens):
    """Those for a lost password, which who was invited and never came has not."""

    def check_token(self, user: User | None, token: str | None) -> bool:
        may = user is not None and user.is_active and user.has_usable_password()
        return may and super().check_token(user, token)


invitation_tokens = InvitationTokens("invitation", INVITATION_GOOD_FOR)
reset_tokens = ResetTokens("reset", RESET_GOOD_FOR)


def invitation_link(person: User, address: str) -> str:
    """Write the link of a person's invitation; `address` is where the tenant's pages begin."""
    return _link("accounts:invitation", person, invitation_tokens, address)


def reset_link(person: User, address: str) -> str:
    """Write a link by which a person chooses another password."""
    return _link("accounts:reset", person, reset_tokens, address)


def _link(name: str, person: User, tokens: LinkTokens, address: str) -> str:
    number = urlsafe_base64_encode(force_bytes(person.pk))
    path = reverse(name, urlconf=settings.ROOT_URLCONF, args=[number, tokens.make_token(person)])
    return f"{address.rstrip('/')}{path}"


def invitation_ends(person: User) -> datetime | None:
    """Say until when a person's invitation is good; None where there is none."""
    if not person.is_invited or person.invited_at is None:
        return None
    return person.invited_at + INVITATION_GOOD_FOR
