"""Redis stopped, empty, silent and full: pages, sign-in and the API go on, and it is told once."""

from collections.abc import Iterator
from contextlib import contextmanager

import redis
import requests

from config.outages import REST
from ingestion.models import Run
from tests.conftest import CUSTOMERS
from tests.faults.asking import Site, check_whole
from tests.tenants.processes import wait_until

# Of a machine that others use as well. A wait for Redis takes longer, and there would be one with
# each request [s].
SOON = 3.0


@contextmanager
def outage(site: Site) -> Iterator[None]:
    """It begins within, is told once however many ask, and is told to be over afterwards."""
    gone, back = site.told('"Redis is gone"'), site.told('"Redis is back"')
    yield
    assert site.told('"Redis is gone"') == gone + 1
    assert site.told('"Redis is back"') == back

    def found_again() -> bool:
        assert site.ask("/api/v1/meters/").status == 200
        return site.told('"Redis is back"') == back + 1

    wait_until(found_again, "Redis is found again", REST + 10)
    assert site.told('"Redis is gone"') == gone + 1


def check_that_all_goes_on(site: Site, *, ready: str) -> None:
    check_whole(site.ask_at_once(8))
    assert site.sign_in().status == 302
    probes = [requests.get(f"{site.address}/readyz", timeout=30) for _ in "123"]
    # Pods stay in service: what they can't do without Redis is the least of what they do.
    assert [(one.status_code, one.json()["redis"]) for one in probes] == [(200, ready)] * 3
    assert min(one.elapsed.total_seconds() for one in probes) < SOON
    with CUSTOMERS["acme"].tenant.entered():
        before = Run.objects.count()
    planned = [site.ask("/api/v1/runs/", method="post", json={"source": "Grid"}) for _ in "12345"]
    assert {one.status for one in planned} == {202}, planned[0].text
    # One may have waited for an answer; who comes soon after it does not.
    assert min(one.seconds for one in planned) < SOON
    with CUSTOMERS["acme"].tenant.entered():
        assert Run.objects.filter(state=Run.State.QUEUED).count() >= before + 5, "on record"


def test_stopped_and_back_with_nothing_in_it(well: Site) -> None:
    check_whole(well.ask_at_once(8))
    with outage(well):
        well.redis.stop()
        try:
            check_that_all_goes_on(well, ready="unreachable")
        finally:
            well.redis.start()
        with redis.Redis.from_url(well.redis_url) as client:
            client.flushall()
    check_whole(well.ask_at_once(8))
    limit = well.ask("/api/v1/meters/").headers
    assert int(limit["RateLimit-Remaining"]) > int(limit["RateLimit-Limit"]) - 100, "counted anew"


def test_silent(well: Site) -> None:
    with outage(well):
        well.redis.freeze()
        try:
            check_that_all_goes_on(well, ready="unreachable")
        finally:
            well.redis.thaw()


def test_full(well: Site) -> None:
    with redis.Redis.from_url(well.redis_url) as client, outage(well):
        client.config_set("maxmemory", 1)
        try:
            # It still answers what only reads.
            check_that_all_goes_on(well, ready="ok")
        finally:
            client.config_set("maxmemory", 0)
