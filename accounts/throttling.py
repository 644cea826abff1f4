"""How many requests a program and a tenant may make in a minute, counted in Redis.

Two counters, one of the program (a token, or a person who is signed in) and one of its tenant, are
raised by one script in one round trip, so that any number of processes count exactly. A counter
begins with its first request and ends a minute later. Where the program is over its limit, nothing
is taken from the tenant's, so that one program that runs wild leaves the others theirs.

Without Redis requests go on uncounted: readings matter more than limits.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.db import connection
from django.http import HttpRequest
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.retry import Retry
from rest_framework.exceptions import APIException

from config.outages import redis_outage

WINDOW = 60
# So long an answer may wait for Redis [s].
PATIENCE = 0.2

# KEYS: program, tenant. ARGV: limit of each (0: none) and the window [ms]. Returns of each how
# often it was counted and how long it still counts [ms].
SCRIPT = """
local function count(key, by)
  local used = redis.call('INCRBY', key, by)
  local left = redis.call('PTTL', key)
  if left < 0 then
    redis.call('PEXPIRE', key, ARGV[3])
    left = tonumber(ARGV[3])
  end
  return used, left
end
local used, left, is_over = 0, 0, false
if tonumber(ARGV[1]) > 0 then
  used, left = count(KEYS[1], 1)
  is_over = used > tonumber(ARGV[1])
end
local all, all_left = 0, 0
if tonumber(ARGV[2]) > 0 then
  all, all_left = count(KEYS[2], is_over and 0 or 1)
end
return {used, left, all, all_left}
"""


@dataclass(frozen=True, slots=True)
class Allowance:
    """One counter after a request.

    Attributes
    ----------
    of
        Whose it is: ``program`` or ``tenant``.
    limit, used
        Requests in a minute, and how many there were.
    reset
        Until it begins anew [s].
    """

    of: str
    limit: int
    used: int
    reset: float

    @property
    def remaining(self) -> int:
        return max(self.limit - self.used, 0)

    @property
    def is_over(self) -> bool:
        return self.used > self.limit

    @property
    def seconds(self) -> int:
        """Whole seconds until it begins anew, never too few."""
        return max(math.ceil(self.reset), 1)


@dataclass(frozen=True, slots=True)
class Standing:
    """Every counter after a request, and what the answer says of them."""

    allowances: tuple[Allowance, ...]

    @property
    def tightest(self) -> Allowance:
        return min(self.allowances, key=lambda one: (not one.is_over, one.remaining, -one.reset))

    def headers(self) -> dict[str, str]:
        """Return the fields of draft-ietf-httpapi-ratelimit-headers-06.

        The later drafts have no fields of their own for limit, remaining and reset, which is what
        clients know.
        """
        policy = ", ".join(f"{one.limit};w={WINDOW}" for one in self.allowances)
        return {
            "RateLimit-Limit": str(self.tightest.limit),
            "RateLimit-Remaining": str(self.tightest.remaining),
            "RateLimit-Reset": str(self.tightest.seconds),
            "RateLimit-Policy": policy,
        }


class TooManyRequests(APIException):
    """429: more requests than are taken in a minute."""

    status_code = HTTPStatus.TOO_MANY_REQUESTS

    def __init__(self, over: Allowance) -> None:
        who = {
            "program": "This token or sign-in has",
            "tenant": "All programs of this tenant together have",
        }[over.of]
        super().__init__(
            f"{who} made more than {over.limit:,} requests in a minute. Nothing was done; ask "
            f"again in {over.seconds} seconds. Ask for longer ranges or more meters at once, and "
            "send If-None-Match, to need fewer requests."
        )
        # The framework makes Retry-After of it.
        self.wait = over.seconds


class TooManyRefused(APIException):
    """429: more tokens that are not good than are listened to in a minute."""

    status_code = HTTPStatus.TOO_MANY_REQUESTS

    def __init__(self, over: Allowance) -> None:
        super().__init__(
            f"From this address came more than {over.limit:,} tokens within a minute that are not "
            f"good here, and neither is this one. Ask again in {over.seconds} seconds, with a "
            "token made under your name → API tokens."
        )
        self.wait = over.seconds


def counters_of(schema: str) -> str:
    """Return what the keys of a tenant's counters begin with."""
    # In braces what a cluster keeps on one node, as a script needs it.
    return f"lastgang:rate:{{{schema}}}"


class Counter:
    """Counts in Redis, and does without it while it is gone."""

    def __init__(self, address: str) -> None:
        # One more try where a connection that lay idle turns out to be closed; none after a wait.
        again = Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,))
        self._redis = Redis.from_url(
            address, socket_connect_timeout=PATIENCE, socket_timeout=PATIENCE, retry=again
        )
        self._script = self._redis.register_script(SCRIPT)
        self.outage = redis_outage(address)

    def count(
        self, schema: str, program: str, limits: tuple[int, int] | None = None
    ) -> Standing | None:
        """Count a request; None where nothing is counted.

        Parameters
        ----------
        limits
            Of the program and of its tenant, 0 where there is none; the usual ones where None.
        """
        if limits is None:
            limits = settings.API_RATE_PROGRAM, settings.API_RATE_TENANT
        if not any(limits) or self.outage.rests:
            return None
        base = counters_of(schema)
        try:
            told: Any = self._script(
                keys=[f"{base}:{program}", base], args=[*limits, WINDOW * 1000]
            )
        except (RedisError, OSError) as error:
            self.outage.failed(error)
            return None
        self.outage.worked()
        found = zip(("program", "tenant"), limits, told[::2], told[1::2], strict=True)
        return Standing(
            tuple(
                Allowance(of, limit, used, left / 1000) for of, limit, used, left in found if limit
            )
        )


@lru_cache(maxsize=2)
def counter(address: str) -> Counter:
    """Return this process's counter."""
    return Counter(address)


def count_request(request: HttpRequest, program: str) -> None:
    """Count a request of somebody who has been recognised, once, and note it for the answer.

    Raises
    ------
    TooManyRequests
        It is one too many.
    """
    if hasattr(request, "rate_standing"):
        return
    schema: str = connection.schema_name  # type: ignore[attr-defined]
    standing = counter(settings.CACHES["default"]["LOCATION"]).count(schema, program)
    request.rate_standing = standing  # type: ignore[attr-defined]
    if standing is not None and standing.tightest.is_over:
        raise TooManyRequests(standing.tightest)


def count_refused(request: HttpRequest) -> None:
    """Count a token that is not good, by the address from which it came.

    Only such requests are counted and turned away, after the token was looked for: behind one
    address, often that of a proxy, may stand many programs, and none of them may lock out the
    others. Nobody guesses 256 bits; the limit is for programs that do not notice their refusal.

    Raises
    ------
    TooManyRefused
        It is one too many.
    """
    schema: str = connection.schema_name  # type: ignore[attr-defined]
    address = request.META.get("REMOTE_ADDR", "")
    limits = settings.API_RATE_REFUSED, 0
    standing = counter(settings.CACHES["default"]["LOCATION"]).count(
        schema, f"refused:{address}", limits
    )
    if standing is not None and standing.tightest.is_over:
        raise TooManyRefused(standing.tightest)
