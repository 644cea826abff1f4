"""What the web process tells of itself: its requests, and the use of its pool of connections."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from time import perf_counter

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.db import Error, connections
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from config.metrics import BUCKETS
from config.reading import PRIMARY, REPLICA, reading
from config.replica import Position, RequestPlace

# Labels hold only what our own code names. What a caller may choose freely, be it a host, a path or
# a method, would let anybody make as many series as they like.
METHODS = {"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"}
PROBES = {"/healthz": "healthz", "/readyz": "readyz"}

SECONDS = Histogram(
    "lastgang_http_request_duration_seconds",
    "Time from a request's arrival to the end of its answer.",
    ("route", "method", "status"),
    buckets=BUCKETS,
)
REQUESTS = Counter(
    "lastgang_http_requests", "Requests answered, by tenant.", ("tenant", "status_class")
)
IN_FLIGHT = Gauge("lastgang_http_requests_in_flight", "Requests being answered now.")


def route(request: HttpRequest, status: int) -> str:
    """Name the route that answered, never the path that was asked for."""
    if match := request.resolver_match:
        return match.view_name
    if probe := PROBES.get(request.path):
        return probe
    is_static = status < 400 and request.path.startswith(settings.STATIC_URL)
    return "static" if is_static else "none"


class MeasureMiddleware:
    """Count and time requests, from outside everything else; unused without `METRICS_PORT`.

    A streaming answer is over when the server closes it, be that at its end or because the client
    has gone.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        if not settings.METRICS_PORT:
            raise MiddlewareNotUsed
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        began = perf_counter()
        IN_FLIGHT.inc()
        try:
            response = self.get_response(request)
        except BaseException:
            IN_FLIGHT.dec()
            raise
        if not response.streaming:
            over(request, response.status_code, began)
            return response
        close, closed = response.close, False

        def close_once() -> None:
            nonlocal closed
            close()
            if not closed:
                closed = True
                over(request, response.status_code, began)

        response.close = close_once  # type: ignore[method-assign]
        return response


def over(request: HttpRequest, status: int, began: float) -> None:
    """Put down a request whose answer has ended."""
    IN_FLIGHT.dec()
    method = request.method if request.method in METHODS else "other"
    SECONDS.labels(route(request, status), method, status).observe(perf_counter() - began)
    # There is no tenant on the bare domain, nor where a host belongs to nobody.
    tenant = getattr(getattr(request, "tenant", None), "schema_name", "public")
    REQUESTS.labels(tenant, f"{status // 100}xx").inc()
    # From the tenant's first request on, for Prometheus sees no increase where there was nothing.
    REQUESTS.labels(tenant, "5xx")


class PoolCollector(Collector):
    """The pool of connections to PostgreSQL, as psycopg counts it; nothing where there is none."""

    def collect(self) -> Iterator[Metric]:
        pool = connections["default"].pool  # type: ignore[attr-defined]
        if pool is not None:
            yield from pool_told(pool.get_stats())


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a replica has got.

    Attributes
    ----------
    behind
        What it has not replayed of the primary's log [bytes].
    age
        Since when it has shown nothing more than it shows now [s]; 0 where it lacks nothing.
    """

    behind: int
    age: float


class ReplicaCollector(Collector):
    """The replica as this process finds it when it is asked for its figures."""

    def describe(self) -> list[Metric]:
        """Name nothing beforehand: otherwise the registry would look as soon as it is made."""
        return []

    def collect(self) -> Iterator[Metric]:
        try:
            with connections[PRIMARY].cursor() as cursor:
                cursor.execute(f"SELECT {Position.template}")
                [written] = cursor.fetchone()
            yield from replica_told(standing(written))
        except Error:
            # How the replica is, nobody can say without the primary.
            return
        finally:
            connections.close_all()


def standing(written: int) -> Standing | None:
    """Ask the replica how far it is, the primary being so far [bytes]; None where it is silent."""
    try:
        with reading(RequestPlace(0)), connections[REPLICA].cursor() as cursor:
            cursor.execute(
                f"SELECT {Position.template}, coalesce(extract(epoch FROM "
                "clock_timestamp() - pg_last_xact_replay_timestamp())::float8, 0)"
            )
            replayed, age = cursor.fetchone()
    except Error:
        return None
    behind = max(written - replayed, 0)
    return Standing(behind, max(age, 0.0) if behind else 0.0)


def replica_told(found: Standing | None) -> Iterator[Metric]:
    """Put what is known of the replica into metrics; of one that does not answer it is little."""
    yield GaugeMetricFamily(
        "lastgang_replica_up", "Whether the replica answers.", value=found is not None
    )
    lag = GaugeMetricFamily(
        "lastgang_replica_lag_seconds", "Age of the latest commit that it shows, if it lacks any."
    )
    behind = GaugeMetricFamily(
        "lastgang_replica_lag_bytes", "What it has not replayed of the primary's log."
    )
    if found is not None:
        lag.add_metric((), found.age)
        behind.add_metric((), found.behind)
    yield from (lag, behind)


def pool_told(stats: Mapping[str, int]) -> Iterator[Metric]:
    """Put a pool's statistics into metrics; what psycopg has not counted yet it leaves out."""

    def gauge(name: str, words: str, key: str) -> Metric:
        return GaugeMetricFamily(f"lastgang_pool_{name}", words, value=stats.get(key, 0))

    def counter(name: str, words: str, key: str, unit: float = 1) -> Metric:
        value = stats.get(key, 0) * unit
        return CounterMetricFamily(f"lastgang_pool_{name}", words, value=value)

    yield gauge("connections_max", "Most connections of the pool.", "pool_max")
    yield gauge("connections", "Connections of the pool.", "pool_size")
    yield gauge("connections_idle", "Connections that nobody uses.", "pool_available")
    yield gauge("waiting", "Threads that wait for a connection.", "requests_waiting")
    yield counter("requests", "Connections asked for.", "requests_num")
    yield counter("queued", "Connections that had to be waited for.", "requests_queued")
    yield counter("wait_seconds", "Time waited.", "requests_wait_ms", 1e-3)
    yield counter("timeouts", "Connections waited for in vain.", "requests_errors")
    yield counter("lost", "Connections that were lost.", "connections_lost")
    yield counter("failed", "Attempts to connect that failed.", "connections_errors")
