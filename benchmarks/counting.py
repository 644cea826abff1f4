"""Counting a request against two limits: one script, against the framework's own throttles.

The baseline is what the framework comes with, once for the program and once for its tenant: each
keeps the times of a minute's requests as one list in the cache, reads it and writes it back. It is
not exact when several processes do so at once.
"""

import time
from statistics import median
from types import SimpleNamespace
from typing import Any

from django.conf import settings
from redis import Redis
from rest_framework.throttling import SimpleRateThrottle

from accounts.throttling import Counter
from benchmarks.report import Report

REQUESTS, TURNS = 500, 7


class Program(SimpleRateThrottle):
    rate = f"{10 * REQUESTS}/min"

    def get_cache_key(self, request: Any, view: Any) -> str:
        return f"bench-{self.__class__.__name__}-{request.turn}"


class WholeTenant(Program):
    pass


def run(report: Report) -> None:
    settings.API_RATE_PROGRAM = settings.API_RATE_TENANT = 10**9
    address = settings.CACHES["default"]["LOCATION"]
    counter, redis = Counter(address), Redis.from_url(address)
    ours, framework, ping = [], [], []
    for turn in range(TURNS):
        request: Any = SimpleNamespace(turn=turn)

        def by_framework(request: Any = request) -> None:
            for throttle in (Program(), WholeTenant()):
                throttle.allow_request(request, None)

        ours.append(_each(lambda: counter.count("bench", "token:bench")))
        framework.append(_each(by_framework))
        ping.append(_each(redis.ping))
    report.cost("count a request", "ms", median(ours) * 1e3, median(framework) * 1e3)
    report.cost("the same, against one PING", "ms", median(ours) * 1e3, median(ping) * 1e3)


def _each(work: Any) -> float:
    """Return what one of many costs [s]."""
    before = time.perf_counter()
    for _ in range(REQUESTS):
        work()
    return (time.perf_counter() - before) / REQUESTS
