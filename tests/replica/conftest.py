"""A web process as in production, between a primary and a real replica."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any

import pytest
from django.db import connection

from accounts.models import ApiToken
from meters.models import DailyProfile, Meter
from tests.conftest import CUSTOMERS
from tests.meters.stored import Readings, at, make_meter, make_register, write
from tests.replica.asking import LEAVING, MUID, Pair
from tests.replica.servers import Copy, primary_and_replica
from tests.tenants.processes import environment, free_port, web

# What the meter of each tenant counts in the first two hours of the day.
VALUES = {"acme": 1.25, "nordwind": 7.75}
SETTINGS = {
    # So that the servers themselves tell what they were asked.
    "log_statement": "all",
    # A question that is in the way of what is replayed is broken off at once.
    "max_standby_streaming_delay": "0",
}


@pytest.fixture(scope="package")
def servers(
    cookies: dict[str, str], django_db_setup: None, django_db_blocker: Any
) -> Iterator[tuple[Copy, Copy]]:
    """Copy the two tenants, each with a meter of its name and readings of its own."""
    with django_db_blocker.unblock():
        try:
            for slug in VALUES:
                _furnish(slug)
            with primary_and_replica(**SETTINGS) as (primary, replica):
                _clear()
                yield primary, replica
        finally:
            _clear()


@pytest.fixture(scope="package")
def cookies(django_db_setup: None, django_db_blocker: Any) -> dict[str, str]:
    with django_db_blocker.unblock():
        connection.set_schema_to_public()
        return {slug: CUSTOMERS[slug].client().cookies["session"].value for slug in VALUES}


@pytest.fixture(scope="package")
def pair(cookies: dict[str, str], servers: tuple[Copy, Copy]) -> Iterator[Pair]:
    primary, replica = servers
    home, port = Path(mkdtemp(prefix="lastgang-")), free_port()
    log = home / "web.log"
    env = environment(
        DATABASE_URL=primary.address(),
        DATABASE_REPLICA_URL=replica.address(),
        # Other tests run meanwhile, on a machine that may be small.
        DATABASE_REPLICA_WAIT="300",
        DATABASE_POOL_SIZE="4",
        METRICS_PORT=str(port),
        METRICS_HOST="127.0.0.1",
        LOG_LEVEL="INFO",
    )
    with ExitStack() as stack:
        stack.callback(rmtree, home, ignore_errors=True)
        address = stack.enter_context(web(log, threads=4, env=env))
        metrics = f"http://127.0.0.1:{port}/metrics"
        yield Pair(primary, replica, address, metrics, log, cookies)


@pytest.fixture
def well(pair: Pair) -> Pair:
    """The same, with the replica there again after the test before."""
    pair.in_use()
    return pair


def _furnish(slug: str) -> None:
    start = at("2023-02-01T00:00")
    with CUSTOMERS[slug].tenant.entered():
        for muid in (MUID, LEAVING):
            register = make_register(make_meter(muid=muid, name=f"{slug}-meter"))
            write(register, Readings.steady(start, start + 7200, value=VALUES[slug]))


def _clear() -> None:
    for slug in VALUES:
        with CUSTOMERS[slug].tenant.entered():
            meters = Meter.objects.filter(muid__in=[MUID, LEAVING])
            DailyProfile.objects.filter(register__meter__in=meters).delete()
            meters.delete()
            ApiToken.objects.update(last_used_at=None)
    connection.set_schema_to_public()
    connection.close()
