"""Where a process tells its figures: on a port of its own, which no tenant's domain leads to."""

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from prometheus_client import disable_created_metrics, start_http_server
from prometheus_client.registry import Collector, CollectorRegistry

# The moment at which each series was made would double what is told, and nobody asks for it.
disable_created_metrics()  # type: ignore[no-untyped-call]

# Of a request or a task [s].
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


def serve_metrics(registry: CollectorRegistry | Collector, port: int | None = None) -> int:
    """Answer Prometheus from a thread of this process for as long as it lives; return the port.

    Parameters
    ----------
    registry
        What is told.
    port
        Where; `METRICS_PORT` where None.

    Raises
    ------
    ImproperlyConfigured
        Another process has the port.
    """
    port = settings.METRICS_PORT if port is None else port
    try:
        server, _thread = start_http_server(port, settings.METRICS_HOST, registry)
    except OSError as error:
        raise ImproperlyConfigured(
            f"Metrics can't be served at {settings.METRICS_HOST}, port {port}: {error.strerror}. "
            "Each process needs a METRICS_PORT of its own, or 0."
        ) from None
    return int(server.server_port)
