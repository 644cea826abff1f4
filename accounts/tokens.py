"""Tokens made and revoked: the one place for pages, admin, API and commands."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _
from knox.models import get_digest_token
from knox.settings import CONSTANTS

from accounts.acts import record
from accounts.cors import allowed_origins
from accounts.models import Act, ApiToken, User
from accounts.scopes import Scope, ordered, scopes_of

log = structlog.get_logger(__name__)

# What browsers' tokens leave behind is removed so long after they have expired.
KEPT_EXPIRED = timedelta(days=1)


class TokenError(ValueError):
    """The token can't be made; the text says why and what to do.

    Attributes
    ----------
    field
        What is at fault: ``scopes``, ``expires`` or ``origins``; empty for the whole.
    """

    def __init__(self, words: str, field: str = "") -> None:
        super().__init__(words)
        self.field = field


@dataclass(frozen=True, slots=True)
class Made:
    """A token with its secret, which is nowhere else and can't be shown again."""

    token: ApiToken
    secret: str


def make_token(
    *,
    person: User,
    by: str,
    name: str = "",
    scopes: Collection[str] | None = None,
    expires_at: datetime | None = None,
) -> Made:
    """Make a token for a person.

    Parameters
    ----------
    by
        Who makes it, for the log.
    scopes
        All that the person could use where none are given.
    expires_at
        From then on it is good for nothing; never where it is None.

    Raises
    ------
    TokenError
        A scope is none or of no use to the person, or the expiry is past.
    """
    usable = scopes_of(person)
    try:
        wanted = usable if scopes is None else ordered(scopes)
    except ValueError as error:
        raise TokenError(str(error), "scopes") from None
    if not wanted:
        raise TokenError(_("Choose at least one scope."), "scopes")
    for scope in wanted:
        if scope not in usable:
            words = _(
                "{person} may not use “{scope}”, so neither may a token. An administrator can "
                "allow it to the person first."
            )
            raise TokenError(words.format(person=person.email, scope=scope), "scopes")
    if expires_at is not None and expires_at <= timezone.now():
        raise TokenError(_("This expiry is past; name a moment to come."), "expires")
    return _make(person, by=by, name=name, scopes=wanted, expiry=expires_at)


def make_browser_token(
    *, person: User, parent: ApiToken | None = None, origins: Collection[str] = ()
) -> Made:
    """Make a short-lived token that only reads, for a front end to hold.

    Parameters
    ----------
    parent
        The token that asks for it; None where the person is signed in. With it this one ends.
    origins
        The pages that it is good for, as browsers write them; all that the tenant allows if empty.

    Raises
    ------
    TokenError
        A browser's token asks for another, or an origin is none that the tenant allows.
    """
    if parent is not None and parent.for_browser:
        raise TokenError(
            "A browser's token can't make another one, or it would never end. Ask with a token "
            "that was made under your name → API tokens, from your own server."
        )
    for one in origins:
        if one not in allowed_origins():
            raise TokenError(
                f"{one[:60]} is not among the tenant's allowed origins, so no browser could use "
                "this token there. Staff can add it under API tokens → Allowed origins.",
                "origins",
            )
    ApiToken.objects.filter(for_browser=True, expiry__lt=timezone.now() - KEPT_EXPIRED).delete()
    expires_at = timezone.now() + timedelta(minutes=settings.BROWSER_TOKEN_MINUTES)
    if parent is not None and parent.expiry is not None:
        expires_at = min(expires_at, parent.expiry)
    return _make(
        person,
        by=person.email if parent is None else f"token {parent.token_key}",
        name="browser",
        scopes=[Scope.READ],
        expiry=expires_at,
        parent=parent,
        for_browser=True,
        origins=sorted(set(origins)),
    )


def _make(person: User, *, by: str, **more: Any) -> Made:
    # Not the manager's `create`, which takes a duration and adds it to another moment than ours.
    digest, secret = get_digest_token()
    key = secret[: CONSTANTS.TOKEN_KEY_LENGTH]
    token = ApiToken(digest=digest, token_key=key, user=person, **more)
    token.save(force_insert=True)
    until = token.expiry.isoformat() if token.expiry else "never"
    log.info("API token made", by=by, expires=until, **_told(token))
    _record(Act.What.TOKEN_MADE, token, by=by, detail=f"expires {until}")
    return Made(token, secret)


def revoke_token(*, token: ApiToken, by: str) -> int:
    """End a token and those of browsers that were made with it; return how many ended."""
    told = _told(token)
    _count, rows = ApiToken.objects.filter(pk=token.pk).delete()
    ended: int = rows.get("accounts.ApiToken", 0)
    log.info("API token revoked", by=by, ended=ended, **told)
    _record(Act.What.TOKEN_REVOKED, token, by=by)
    return ended


def log_change(token: ApiToken, *, by: str) -> None:
    """Put on record that somebody has given a token another name or expiry."""
    until = token.expiry.isoformat() if token.expiry else "never"
    log.info("API token changed", by=by, expires=until, **_told(token))
    _record(Act.What.TOKEN_CHANGED, token, by=by, detail=f"expires {until}")


def _record(what: Act.What, token: ApiToken, *, by: str, detail: str = "") -> None:
    # A browser's token lives for minutes, is asked for by the hundred, and only reads.
    if not token.for_browser:
        words = f"“{token.name}” of {token.user.email}, {token.scopes_in_words}"
        record(what, token.token_key, by=by, detail=f"{words}; {detail}" if detail else words)


def _told(token: ApiToken) -> dict[str, object]:
    """What the log says of a token: never the token itself, nor its hash."""
    return {
        "token": token.token_key,
        "name": token.name,
        "person": token.user.email,
        "scopes": list(token.scopes),
        "for_browser": token.for_browser,
        "origins": list(token.origins),
    }
