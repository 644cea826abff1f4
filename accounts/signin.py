"""How often a sign-in may fail: django-axes counts in the tenant's schema, by these rules.

Failures count for a quarter of an hour, and so long a sign-in stays locked after the last of them:

- of one name from one network: few, for that is somebody who guesses, or has forgotten;
- from one network under any names: more, for many people may share it;
- of one name from anywhere: more still. Whoever would lock a person out by it does not reach them
  where they have signed in lately: for a name and a network that know each other only the first
  rule holds, and the same keeps a neighbour from locking an office out.

A network is an IPv4 address, or the 64 bits of an IPv6 address that whoever has one has all of.
"""

import ipaddress
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from axes.handlers.database import AxesDatabaseHandler
from axes.models import AccessAttempt, AccessLog
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db.models import Max, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.cache import add_never_cache_headers

LOCKED_FOR = timedelta(minutes=15)
# For so long after a sign-in a name and a network know each other, and it is on record.
KNOWN_FOR = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Rule:
    """Failures that count together, and how many of them are too many."""

    of: tuple[str, ...]
    most: int


PAIR = Rule(("username", "ip_address"), 5)
NETWORK = Rule(("ip_address",), 50)
NAME = Rule(("username",), 100)


def cool_off(request: HttpRequest | None) -> timedelta:
    """Say for how long failures count."""
    return LOCKED_FOR


def name_of(request: HttpRequest, credentials: dict[str, Any] | None) -> str | None:
    """Write the name that somebody signs in with in one way, as the accounts are looked up."""
    given = (credentials or {}).get("username") or (credentials or {}).get("email")
    if given is None:
        given = request.POST.get("username")
    # What nobody's address can be is cut, and PostgreSQL takes no NUL.
    return None if given is None else str(given).strip().lower().replace("\0", "")[:254]


def network_of(request: HttpRequest) -> str | None:
    """Say where a request comes from, by the word of the proxies that we trust."""
    sent = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
    here = request.META.get("REMOTE_ADDR", "")
    # Each proxy writes behind the others whom it serves; what stands before is the client's word.
    depth = settings.TRUSTED_PROXIES
    text = sent[-depth] if 0 < depth <= len(sent) and sent[-depth].strip() else here
    return _network(text) or _network(here)


def _network(text: str) -> str | None:
    try:
        address = ipaddress.ip_address(text.strip().strip("[]"))
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(address), 64), strict=False).network_address)


class SignIns(AxesDatabaseHandler):  # type: ignore[misc]
    """The library's handler, by our rules, each with a limit of its own."""

    def get_failures(self, request: HttpRequest, credentials: dict[str, Any] | None = None) -> int:
        # The library compares one number with one limit: 1 says that a sign-in is locked.
        return int(locked_until(request, credentials) is not None)

    def reset_user_attempts(
        self, request: HttpRequest, credentials: dict[str, Any] | None = None
    ) -> int:
        # The library would also forget the others of the network, and whoever has an account
        # could guess other people's passwords for ever, signing in to their own now and then.
        count, _ = AccessAttempt.objects.filter(
            username=name_of(request, credentials), ip_address=network_of(request)
        ).delete()
        return int(count)


def locked_until(request: HttpRequest, credentials: dict[str, Any] | None) -> datetime | None:
    """Say until when a sign-in is locked at the latest; None where it is not."""
    asked = {"username": name_of(request, credentials), "ip_address": network_of(request)}
    recent = AccessAttempt.objects.filter(attempt_time__gt=timezone.now() - LOCKED_FOR)
    for rule in _rules(asked):
        found = recent.filter(**{what: asked[what] for what in rule.of}).aggregate(
            failures=Sum("failures_since_start"), last=Max("attempt_time")
        )
        if (found["failures"] or 0) >= rule.most:
            last: datetime = found["last"]
            return last + LOCKED_FOR
    return None


def _rules(asked: dict[str, str | None]) -> Iterator[Rule]:
    yield PAIR
    since = timezone.now() - KNOWN_FOR
    if not AccessLog.objects.filter(**asked, attempt_time__gt=since).exists():
        yield NETWORK
        yield NAME


def unlock(name: str) -> None:
    """Forget the failures of a name: its person has proved to be who they are."""
    AccessAttempt.objects.filter(username=name.lower()).delete()


def forget_old(now: datetime) -> int:
    """Remove what is over from the current schema: failures, sign-ins, sessions; say how many."""
    attempts, _ = AccessAttempt.objects.filter(attempt_time__lte=now - LOCKED_FOR).delete()
    logs, _ = AccessLog.objects.filter(attempt_time__lte=now - KNOWN_FOR).delete()
    sessions, _ = Session.objects.filter(expire_date__lte=now).delete()
    return int(attempts + logs + sessions)


def locked_out(
    request: HttpRequest,
    response: HttpResponse | None = None,
    credentials: dict[str, Any] | None = None,
) -> HttpResponse:
    """Answer a sign-in that is locked, alike whether there is such a name or not."""
    now = timezone.now()
    until = locked_until(request, credentials) or now + LOCKED_FOR
    seconds = max(math.ceil((until - now).total_seconds()), 1)
    tenant = getattr(request, "tenant", None)
    context = {
        "minutes": math.ceil(seconds / 60),
        "until": until,
        "zone": tenant.timezone if tenant else settings.TIME_ZONE,
        "again": request.get_full_path(),
        "may_reset": tenant is not None and settings.SENDS_MAIL,
    }
    made = render(request, "registration/locked.html", context, status=HTTPStatus.TOO_MANY_REQUESTS)
    made.headers["Retry-After"] = str(seconds)
    add_never_cache_headers(made)
    return made
