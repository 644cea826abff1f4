"""Whose pages may ask this tenant's API from a browser: the list, for django-cors-headers."""

import time
from typing import Any

import structlog
from django.conf import settings
from django.db import connection
from django.http import HttpRequest
from django.utils.translation import gettext as _

from accounts.acts import record
from accounts.models import Act, AllowedOrigin

log = structlog.get_logger(__name__)

# So long a process goes on with what it knows [s]: what one changes, others know that much later.
KEPT = 10
MOST = 100

# By schema: until when it holds, and what. One dictionary for all threads; its items are replaced.
_known: dict[str, tuple[float, frozenset[str]]] = {}


def allowed_origins() -> frozenset[str]:
    """Return the current tenant's origins, known for seconds without asking the database."""
    schema: str = connection.schema_name  # type: ignore[attr-defined]
    until, found = _known.get(schema, (0.0, frozenset()))
    now = time.monotonic()
    if now >= until:
        found = frozenset(AllowedOrigin.objects.values_list("origin", flat=True))
        _known[schema] = now + KEPT, found
    return found


def forget() -> None:
    """Ask the database again, for every tenant."""
    _known.clear()


def may_ask(sender: object, request: HttpRequest, **_more: Any) -> bool:
    """Answer django-cors-headers whether the page that asks may read the answer.

    The library asks for every address, to switch itself on; here it is on for the API alone.
    """
    if not settings.CORS_URLS_REGEX.match(request.path_info):
        return False
    if getattr(request, "tenant", None) is None:
        return False
    return request.headers.get("origin") in allowed_origins()


class OriginError(ValueError):
    """The list stays as it is; the text says why."""


def allow_origin(one: AllowedOrigin, *, by: str) -> AllowedOrigin:
    """Let an origin's pages ask the API of the current tenant.

    Raises
    ------
    django.core.exceptions.ValidationError
        It is not an origin, or is allowed already.
    OriginError
        There are too many.
    """
    one.full_clean()
    if AllowedOrigin.objects.exclude(pk=one.pk).count() >= MOST:
        words = _("{most} origins are the most; remove one that is no longer needed.")
        raise OriginError(words.format(most=MOST))
    one.save()
    forget()
    record(Act.What.ORIGIN_ALLOWED, one.origin, by=by, detail=one.note)
    log.info("origin allowed", origin=one.origin, by=by)
    return one


def disallow_origin(one: AllowedOrigin, *, by: str) -> None:
    """Take an origin off the list; browsers that asked before may ask for minutes (preflights)."""
    one.delete()
    forget()
    record(Act.What.ORIGIN_REMOVED, one.origin, by=by)
    log.info("origin no longer allowed", origin=one.origin, by=by)
