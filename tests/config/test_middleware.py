"""The probes: they answer before any tenant is known, and tell what is gone."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from django.test import Client

from tests.faults.gates import gate
from tests.tenants.processes import environment, free_port, wait_until, web

HOSTS = ["10.1.2.3:8000", "[::1]", "unknown.example", "", "acme.localhost", "not a host"]


@pytest.mark.django_db
@pytest.mark.parametrize("host", HOSTS)
def test_probes_answer_under_any_host(host: str) -> None:
    client = Client(HTTP_HOST=host)
    alive, ready = client.get("/healthz"), client.get("/readyz")
    assert (alive.status_code, alive.content) == (200, b"ok\n")
    assert (ready.status_code, ready.json()) == (200, {"database": "ok", "redis": "ok"})


def test_alive_needs_no_database() -> None:
    # Without its mark pytest-django refuses every query of this test.
    assert Client(HTTP_HOST="10.1.2.3").get("/healthz").status_code == 200


@pytest.mark.django_db
def test_probes_need_no_tenant(settings: Any) -> None:
    """Not even its tables: a probe comes while they are migrated, too."""
    settings.MIDDLEWARE = ["config.middleware.HealthMiddleware"]
    assert Client(HTTP_HOST="10.1.2.3").get("/readyz").status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/healthz/", "/readyz/", "/healthz/x", "//healthz"])
def test_only_the_exact_address_is_a_probe(path: str) -> None:
    assert Client(HTTP_HOST="unknown.example").get(path).status_code == 404


@pytest.mark.django_db
def test_redis_gone_is_told_and_not_fatal(settings: Any) -> None:
    cache = settings.CACHES["default"] | {"LOCATION": f"redis://127.0.0.1:{free_port()}/0"}
    settings.CACHES = {"default": cache}
    ready = Client(HTTP_HOST="10.1.2.3").get("/readyz")
    assert (ready.status_code, ready.json()) == (200, {"database": "ok", "redis": "unreachable"})


@pytest.fixture
def database(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """The test's database exists; whoever connects to it is another process."""
    with django_db_blocker.unblock():
        yield


@pytest.mark.parametrize("pool", ["0", "2"])
def test_a_lost_server_is_told_and_found_again(database: None, tmp_path: Path, pool: str) -> None:
    """Against a web process as it runs in production, with and without its pool."""
    env = environment(DATABASE_POOL_SIZE=pool)
    with gate(env["DATABASE_URL"]) as (postgres, url), gate(env["REDIS_URL"]) as (redis, cache):
        env |= {"DATABASE_URL": url, "REDIS_URL": cache}
        with web(tmp_path / "web.log", env=env) as address:

            def ready() -> tuple[int, dict[str, str]]:
                found = requests.get(f"{address}/readyz", timeout=20)
                return found.status_code, found.json()

            assert ready() == (200, {"database": "ok", "redis": "ok"})
            postgres.shut()
            assert ready() == (503, {"database": "unreachable", "redis": "ok"})
            assert requests.get(f"{address}/healthz", timeout=20).status_code == 200
            redis.shut()
            assert ready() == (503, {"database": "unreachable", "redis": "unreachable"})
            postgres.open()
            wait_until(
                lambda: ready() == (200, {"database": "ok", "redis": "unreachable"}), "back again"
            )
            redis.open()
            wait_until(lambda: ready() == (200, {"database": "ok", "redis": "ok"}), "both are back")
