"""A web process as in production, between servers that are taken from it."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any

import pytest
from django.contrib.auth.hashers import ScryptPasswordHasher
from django.db import connection
from django.utils import timezone

from accounts.models import ApiToken, User
from config.embedded import Embedded
from ingestion.models import Feed, Run, Source
from meters.models import Meter
from tests.conftest import CUSTOMERS
from tests.faults.asking import PASSWORD, Site
from tests.faults.gates import gate
from tests.faults.victims import Victim
from tests.tenants.processes import environment, wait_until, web


@pytest.fixture(scope="package")
def site(django_db_setup: None, django_db_blocker: Any) -> Iterator[Site]:
    """Serve acme and nordwind, each with a meter of its name and acme with a source."""
    home = Path(mkdtemp(prefix="lastgang-"))
    servers = Embedded(home / "servers", durable=False)
    env = environment(DATABASE_POOL_SIZE="4", LOG_LEVEL="INFO", API_RATE_PROGRAM="100000")
    with django_db_blocker.unblock(), ExitStack() as stack:
        stack.callback(rmtree, home, ignore_errors=True)
        stack.callback(servers.delete)
        lease = stack.enter_context(servers.lease(postgres=False))
        door, url = stack.enter_context(gate(env["DATABASE_URL"]))
        env |= {"DATABASE_URL": url, "REDIS_URL": str(lease.redis_url), "CACHE_URL": ""}
        stack.callback(_clear)
        cookies = {slug: _furnish(slug) for slug in ("acme", "nordwind")}
        log = home / "web.log"
        address = stack.enter_context(web(log, threads=4, env=env))
        yield Site(address, log, cookies, Victim(servers, "redis"), door, str(lease.redis_url))


@pytest.fixture
def well(site: Site) -> Site:
    """The same, with everything there again after the test before."""
    wait_until(lambda: site.ask("/meters/").status == 200, "all is back", 15)
    return site


def _furnish(slug: str) -> str:
    """Make a meter, a source and a person who can sign in; return a session of the admin's."""
    customer = CUSTOMERS[slug]
    connection.set_schema_to_public()
    cookie = customer.client().cookies["session"].value
    with customer.tenant.entered():
        meter = Meter.objects.create(name=f"{slug}-meter")
        later = timezone.now() + timedelta(days=1000)
        source = Source.objects.create(
            name="Grid", address="http://127.0.0.1:1/", next_sweep_at=later
        )
        Feed.objects.create(meter=meter, source=source)
        person = User.objects.create_user(f"signs-in@{slug}.example", "")
        # As the web process has it; the tests' own are hashed quickly.
        person.password = ScryptPasswordHasher().encode(PASSWORD, "salt")
        person.save()
    return cookie


def _clear() -> None:
    for slug in ("acme", "nordwind"):
        with CUSTOMERS[slug].tenant.entered():
            Run.objects.all().delete()
            Feed.objects.all().delete()
            Source.objects.all().delete()
            Meter.objects.filter(name=f"{slug}-meter").delete()
            User.objects.filter(email=f"signs-in@{slug}.example").delete()
            ApiToken.objects.update(last_used_at=None)
    connection.set_schema_to_public()
    connection.close()
