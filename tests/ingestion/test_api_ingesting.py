"""From nothing to readings by the API alone, with a worker of its own; and two at once."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from accounts.models import ApiToken, User
from config.celery import app
from ingestion.models import Feed, Run, Source
from ingestion.simulator.catalogue import default_meters
from ingestion.simulator.server import running_simulator
from ingestion.simulator.synthetic import readings
from ingestion.store import store
from meters.models import Meter, Site
from tenants.models import Tenant
from tenants.schema import in_public
from tests.conftest import Customer
from tests.ingestion.plant import JANUARY, batch, make_meter, make_source
from tests.meters.stored import Api
from tests.tenants.processes import environment, process, wait_until

TOKEN = "upstream-t0ken"
START, STOP = datetime(2024, 3, 30, 23, tzinfo=UTC), datetime(2024, 4, 1, 22, tzinfo=UTC)
AT_ONCE = 6


@pytest.fixture
def api(committed: Tenant) -> Iterator[Api]:
    """The API of a tenant that other processes and threads see."""
    user = User.objects.get()
    _, token = ApiToken.objects.create(user=user)
    with in_public():
        domain = committed.domains.get().domain
    yield Api(Customer(committed, domain, user.email, "", token))
    # Nobody works on what a test has planned and left: its messages would meet another test.
    app.control.purge()


def test_a_meter_is_registered_and_ingested(api: Api, tmp_path: Path) -> None:
    [household] = default_meters(7, "Europe/Zurich", 47.4, 8.5, 1, 0, 0)
    household = replace(household, missing_share=0)
    muid = str(household.muid)
    command = "celery --quiet -A config.celery worker --pool solo --loglevel WARNING"
    log = tmp_path / "worker.log"
    with (
        running_simulator(meters=[household], token=TOKEN) as upstream,
        process(log, *command.split(), "--without-gossip", "--without-mingle", env=environment()),
    ):
        source = {"name": "Simulator", "address": upstream.base_url, "token": TOKEN}
        assert api.send("post", "sources/", source).status_code == 201
        assert api.send("post", "meters/", {"muid": muid, "name": "House"}).status_code == 201
        fed = api.send("put", f"meters/{muid}/source/", {"source": "Simulator"})
        assert fed.status_code == 201
        asked = {
            "meters": [muid],
            "start": "2024-03-31T00:00:00+01:00",
            "stop": "2024-04-01T22:00Z",
        }
        planned = api.send("post", "runs/", asked)
        assert planned.status_code == 202

        def ended() -> Any:
            run = api.client.get(planned.headers["location"], **api.customer.bearer).json()
            return run if run["state"] not in {"queued", "running"} else None

        run = wait_until(ended, f"the run has ended: {log.read_text()[-2000:]}", seconds=60)
    expected = readings(household, START, STOP)
    assert (run["state"], run["error"], run["failed"]) == ("succeeded", "", 0)
    # 92 quarter-hours of the day on which the clocks go forward, and 96 of the next one.
    assert (len(expected), run["new"]) == (92 + 96, 92 + 96)
    days = {"start": "2024-03-31", "end": "2024-04-02", "resolution": "PT15M"}
    [series] = api.readings(muid, **days, layout="columns")["series"]
    assert series["columns"]["value"] == expected.values.tolist()
    meter = api.get(f"meters/{muid}/").json()
    assert (meter["source"], meter["readings_until"]) == ("Simulator", "2024-04-01T22:00:00Z")
    assert meter["state"] == "silent"
    [register] = api.get("registers/", {"meter": muid}).json()["results"]
    assert register["interval"] == "PT15M"


def at_once(work: Callable[[], Any]) -> list[Any]:
    """Do the same in several threads, which begin together."""
    barrier = threading.Barrier(AT_ONCE)
    done: list[Any] = []

    def one() -> None:
        try:
            barrier.wait(20)
            done.append(work())
        finally:
            connection.close()

    threads = [threading.Thread(target=one) for _ in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(done) == AT_ONCE
    return done


def statuses(api: Api, method: str, path: str, body: object = None) -> list[int]:
    def ask() -> int:
        # A client for each thread, which asks as a program of its own.
        return int(Api(api.customer).send(method, path, body).status_code)

    return sorted(at_once(ask))


def test_of_several_at_once_one_registers(api: Api) -> None:
    for n in range(3):
        body = {"muid": f"0000000{n}-0000-4000-8000-000000000000", "name": "Bakery"}
        assert statuses(api, "post", "meters/", body) == [201, *[409] * (AT_ONCE - 1)]
    assert Meter.objects.count() == 3
    assert statuses(api, "post", "sites/", {"name": "Mill"}) == [201, *[409] * (AT_ONCE - 1)]
    said = {"name": "Grid", "address": "https://meters.example.com"}
    assert statuses(api, "post", "sources/", said) == [201, *[409] * (AT_ONCE - 1)]
    assert (Site.objects.count(), Source.objects.count()) == (1, 1)


def test_of_several_at_once_one_gives_a_source_and_one_cancels(api: Api) -> None:
    meter, source = make_meter(), make_source("https://meters.example.com", name="Grid")
    path = f"meters/{meter.muid}/source/"
    assert statuses(api, "put", path, {"source": "Grid"}) == [*[200] * (AT_ONCE - 1), 201]
    assert Feed.objects.get().source == source
    run = api.send("post", "runs/", {"source": "Grid"}).json()
    cancel = f"runs/{run['id']}/cancel/"
    assert statuses(api, "post", cancel) == [200, *[409] * (AT_ONCE - 1)]
    assert Run.objects.get().state == Run.State.CANCELLED
    assert statuses(api, "delete", path) == [204, *[404] * (AT_ONCE - 1)]


def test_a_site_is_deleted_while_meters_come_to_it(api: Api) -> None:
    """Whatever comes first, no meter stands at a site that is gone, and nobody meets a 500."""
    for n in range(4):
        site = Site.objects.create(name=f"Site {n}")
        turn = iter(range(AT_ONCE))

        def ask(site: Site = site, turn: Iterator[int] = turn) -> int:
            mine = Api(api.customer)
            if next(turn) % 2:
                return int(mine.send("delete", f"sites/{site.pk}/").status_code)
            body = {"name": "Attic", "site": site.name}
            return int(mine.send("post", "meters/", body).status_code)

        found = set(at_once(ask))
        assert found <= {201, 204, 400, 404, 409}, found
        if not Site.objects.filter(pk=site.pk).exists():
            assert not Meter.objects.filter(site_id=site.pk).exists()


def test_a_change_of_zone_waits_for_readings_that_are_being_stored(api: Api) -> None:
    meter = make_meter(zone="Europe/Zurich")
    rows = [(JANUARY + 900 * n, 1.0) for n in range(96)]
    turn = iter(range(AT_ONCE))
    tenant = api.customer.tenant

    def ask() -> int:
        if next(turn) == 0:
            with tenant.entered():
                store(batch(meter.muid, rows))
            return 0
        body = {"timezone": "Pacific/Auckland"}
        return int(Api(api.customer).send("patch", f"meters/{meter.muid}/", body).status_code)

    found = set(at_once(ask)) - {0}
    assert found <= {200, 409}
    meter.refresh_from_db()
    # Either all came before the readings, or none was let through; the days say which.
    first = meter.registers.get()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT min(day)::text FROM daily_profile WHERE register_id = %s", [first.pk]
        )
        [day] = cursor.fetchone()
    assert day == "2023-01-01"
    assert found == ({409} if meter.timezone == "Europe/Zurich" else {200})
