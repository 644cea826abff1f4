"""What answers before the tenant is known."""

from collections.abc import Callable

from django.core.cache import cache
from django.db import Error as DatabaseFailure
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from redis.exceptions import RedisError

from config.leaving import is_leaving
from config.replica import is_replicated, outage


class HealthMiddleware:
    """Answer the probes, which come with the pod's address as Host and so name no tenant.

    ``/healthz`` says that the process answers; ``/readyz`` that it can serve, which it cannot
    without PostgreSQL. Pages and reads go on without Redis, and without the replica that there may
    be, so their loss is told but not fatal. A process that is about to go is not ready either,
    though it answers.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path == "/healthz":
            return HttpResponse("ok\n", content_type="text/plain")
        if request.path == "/readyz":
            return self.ready()
        return self.get_response(request)

    def ready(self) -> HttpResponse:
        database = redis = "ok"
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
        except DatabaseFailure:
            database = "unreachable"
        try:
            cache.get("readyz")
        except (RedisError, OSError):
            redis = "unreachable"
        told, leaves = {"database": database, "redis": redis}, is_leaving()
        if is_replicated():
            # As requests have found it: a probe has no time for one that hangs.
            told["replica"] = "unreachable" if outage.is_on else "ok"
        if leaves:
            told["process"] = "leaving"
        return JsonResponse(told, status=200 if database == "ok" and not leaves else 503)
