"""What a web process tells Prometheus: by route and tenant, never in words that a caller chose."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import request_finished
from django.db import close_old_connections
from django.http import HttpRequest, StreamingHttpResponse
from django.test import Client, RequestFactory
from prometheus_client import REGISTRY, CollectorRegistry, generate_latest

from config.measuring import MeasureMiddleware
from config.metrics import serve_metrics
from tests.conftest import Customer
from tests.monitoring.exposed import Exposed
from tests.tenants.processes import environment, free_port, wait_until, web


@pytest.fixture(autouse=True)
def _measured(settings: Any) -> None:
    """Have clients measure what they ask; nothing is served in the tests' own process."""
    settings.METRICS_PORT = 1


def exposed() -> Exposed:
    return Exposed(generate_latest(REGISTRY).decode())


def answered(told: Exposed, route: str, method: str = "GET", status: int = 200) -> float:
    name = "lastgang_http_request_duration_seconds_count"
    return told.value(name, route=route, method=method, status=str(status)) or 0


def test_pages_are_told_by_the_name_of_their_route(acme: Customer) -> None:
    before = exposed()
    client = acme.client()
    client.get("/meters/")
    client.get("/meters/?page=7")
    after = exposed()
    pages = [("analytics:meters", "GET", 200, 2), ("accounts:login", "POST", 302, 1)]
    for route, method, status, count in pages:
        found = answered(after, route, method, status) - answered(before, route, method, status)
        assert found == count, route

    def by_tenant(told: Exposed, status: str) -> float:
        labels = {"tenant": "acme", "status_class": status}
        return told.value("lastgang_http_requests_total", **labels) or 0

    assert by_tenant(after, "2xx") - by_tenant(before, "2xx") == 2
    assert by_tenant(after, "3xx") - by_tenant(before, "3xx") == 1
    labels = {"tenant": "acme", "status_class": "5xx"}
    assert after.value("lastgang_http_requests_total", **labels) is not None
    assert after.value("lastgang_http_requests_in_flight") == 0


@pytest.mark.django_db
def test_nothing_that_a_caller_types_becomes_a_label(acme: Customer) -> None:
    Client(HTTP_HOST="evil-host.example").get("/evil-path/")
    Client(HTTP_HOST="not a host").get("/evil-path/")
    Client(HTTP_HOST=acme.domain).get("/evil-path/")
    Client(HTTP_HOST=acme.domain).get("/static/evil-path.css")
    Client(HTTP_HOST=acme.domain).get("/healthz/evil-path")
    client = acme.client()
    client.generic("EVILMETHOD", "/meters/")
    client.get("/api/v1/meters/evil-path/")
    client.get("/meters/95ce3367-cbce-4a4d-bbe3-da082831d7ff/?evil-path=1")
    text = generate_latest(REGISTRY).decode()
    told = Exposed(text)
    assert "evil" not in text.lower()
    assert "95ce3367" not in text
    assert answered(told, "none", status=404) >= 4
    assert told.labels("lastgang_http_requests_total", "tenant") <= {"public", "acme", "nordwind"}
    methods = told.labels("lastgang_http_request_duration_seconds_count", "method")
    assert "other" in methods


@pytest.mark.django_db
def test_probes_and_static_files_have_routes_of_their_own(acme: Customer) -> None:
    before = exposed()
    client = Client(HTTP_HOST=acme.domain)
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 200
    after = exposed()
    for probe in ("healthz", "readyz"):
        assert answered(after, probe) == answered(before, probe) + 1


@pytest.fixture
def connected(db: None) -> Iterator[None]:
    """Keep the test's connection when an answer is closed, as Django's client does."""
    request_finished.disconnect(close_old_connections)
    yield
    request_finished.connect(close_old_connections)


def streaming(parts: Iterator[bytes]) -> Any:
    middleware = MeasureMiddleware(lambda request: StreamingHttpResponse(parts))
    return middleware(RequestFactory().get("/a-file/"))


@pytest.mark.parametrize("is_read", [True, False])
def test_a_streaming_answer_is_counted_once_it_is_over(connected: None, is_read: bool) -> None:
    before, running = exposed(), exposed().value("lastgang_http_requests_in_flight")
    assert running is not None
    answer = streaming(iter([b"a", b"b"]))
    assert exposed().value("lastgang_http_requests_in_flight") == running + 1
    if is_read:
        assert b"".join(answer) == b"ab"
    assert answered(exposed(), "none") == answered(before, "none")
    # Whether it was read or its reader has gone, the server closes it, some of them twice.
    answer.close()
    answer.close()
    assert exposed().value("lastgang_http_requests_in_flight") == running
    assert answered(exposed(), "none") == answered(before, "none") + 1


def test_what_fails_is_no_longer_in_flight() -> None:
    def fail(request: HttpRequest) -> Any:
        raise MemoryError

    before = exposed().value("lastgang_http_requests_in_flight")
    with pytest.raises(MemoryError):
        MeasureMiddleware(fail)(RequestFactory().get("/"))
    assert exposed().value("lastgang_http_requests_in_flight") == before


@pytest.mark.django_db
def test_without_a_port_nothing_is_counted(acme: Customer, settings: Any) -> None:
    settings.METRICS_PORT = 0
    before = exposed()
    Client(HTTP_HOST=acme.domain).get("/sign-in/")
    assert exposed().samples.get(("lastgang_http_requests_total",)) is None
    assert answered(exposed(), "accounts:login") == answered(before, "accounts:login")


def test_a_port_that_is_taken_is_named() -> None:
    port = serve_metrics(CollectorRegistry(), 0)
    with pytest.raises(ImproperlyConfigured, match=f"port {port}: Address already in use"):
        serve_metrics(CollectorRegistry(), port)


@pytest.fixture
def database(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """The test's database exists; whoever connects to it is another process."""
    with django_db_blocker.unblock():
        yield


def test_the_web_process_tells_it_at_a_port_of_its_own(database: None, tmp_path: Path) -> None:
    """As it runs in production: its requests, its pool, itself; and nothing at its own port."""
    port = free_port()
    env = environment(METRICS_PORT=str(port), METRICS_HOST="127.0.0.1", DATABASE_POOL_SIZE="3")

    def scrape() -> Exposed:
        return Exposed(requests.get(f"http://127.0.0.1:{port}/metrics", timeout=20).text)

    with web(tmp_path / "web.log", env=env) as address:
        assert requests.get(f"{address}/readyz", timeout=20).status_code == 200
        told = scrape()
        assert answered(told, "readyz") == 1
        assert told.value("lastgang_pool_connections_max") == 3
        assert (told.value("lastgang_pool_requests_total") or 0) >= 1
        assert (told.value("process_resident_memory_bytes") or 0) > 0
        for host in ("acme.localhost", "localhost", "127.0.0.1"):
            at_web = requests.get(f"{address}/metrics", headers={"Host": host}, timeout=20)
            assert "lastgang_" not in at_web.text
            assert at_web.status_code == 404
        # A file whose reader goes away is over, too.
        acme = {"Host": "acme.localhost"}
        with requests.get(
            f"{address}/static/vendor/plotly-cartesian.min.js",
            stream=True,
            headers=acme,
            timeout=20,
        ) as some:
            assert some.status_code == 200
            next(some.iter_content(1))
        wait_until(
            lambda: scrape().value("lastgang_http_requests_in_flight") == 0, "all answers ended"
        )
        assert answered(scrape(), "static") == 1
