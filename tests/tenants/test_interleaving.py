"""Two tenants served in turn and at once, by one thread and by several, never mix."""

import logging
import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import redis
import requests
from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.core.cache import cache
from django.db import ProgrammingError, connection, transaction
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from meters.models import Meter, Site
from tenants.middleware import TenantMiddleware
from tenants.schema import current_schema
from tests.conftest import Customer
from tests.tenants.processes import environment, web
from tests.tenants.traces import logged

Tenants = dict[str, Customer]


@pytest.mark.django_db
def test_the_same_key_is_another_in_each_tenant(
    acme: Customer, nordwind: Customer, redis_cleared: None
) -> None:
    cache.set("total", "of public")
    for customer in (acme, nordwind):
        with customer.tenant.entered():
            assert cache.get("total") is None
            cache.set("total", customer.email)
    with acme.tenant.entered():
        assert cache.get("total") == acme.email
        cache.delete("total")
    with nordwind.tenant.entered():
        assert cache.get("total") == nordwind.email
    assert cache.get("total") == "of public"
    with redis.Redis.from_url(settings.CACHES["default"]["LOCATION"]) as client:
        keys = {key.decode() for key in client.keys("*total")}
    assert keys == {"public:lastgang:1:total", "nordwind:lastgang:1:total"}


@pytest.fixture
def log_lines() -> Iterator[Callable[[], list[str]]]:
    """What is logged meanwhile, as the settings would write it."""
    with logged() as lines:
        yield lines


@pytest.mark.django_db
def test_log_lines_carry_the_tenant(
    acme: Customer, nordwind: Customer, log_lines: Callable[[], list[str]]
) -> None:
    plain = logging.getLogger("some.library")
    plain.info("in public")
    for customer in (acme, nordwind):
        Client(HTTP_HOST=customer.domain).get("/no/such/page/")
        with customer.tenant.entered():
            plain.warning("inside %s", customer.tenant.slug)
    lines = log_lines()
    for words, tenant in (
        ("in public", "public"),
        ("inside acme", "acme"),
        ("inside nordwind", "nordwind"),
    ):
        [line] = [line for line in lines if words in line]
        assert f'"tenant": "{tenant}"' in line
    of_requests = [line for line in lines if "/no/such/page/" in line]
    for name, line in zip(("acme", "nordwind"), of_requests, strict=True):
        assert f'"tenant": "{name}"' in line


@pytest.mark.django_db
def test_each_request_ends_where_it_began(acme: Customer, nordwind: Customer) -> None:
    client, other = acme.client(), nordwind.client()
    client.raise_request_exception = False
    for one in (
        client,
        other,
        Client(HTTP_HOST="localhost"),
        Client(HTTP_HOST="unknown.localhost"),
    ):
        for path in ("/", "/sign-in/", "/meters/", "/no/such/page/", "/api/v1/meters/", "/healthz"):
            with transaction.atomic():
                one.get(path)
            assert current_schema() == "public", path
    with nordwind.tenant.entered():
        client.get("/")
        assert User.objects.get().email == nordwind.email, "and not where acme's request was"


@pytest.mark.django_db
def test_a_request_that_raises_ends_where_it_began(acme: Customer) -> None:
    class Unforeseen(BaseException):
        """Not even Django's own answer of last resort takes this."""

    def fail(request: HttpRequest) -> HttpResponse:
        assert current_schema() == "acme"
        raise Unforeseen

    with pytest.raises(Unforeseen):
        TenantMiddleware(fail)(RequestFactory(HTTP_HOST=acme.domain).get("/"))
    assert current_schema() == "public"
    with pytest.raises(ProgrammingError), transaction.atomic(), acme.tenant.entered():
        ContentType.objects.raw("SELECT * FROM no_such_table")[0]
    assert current_schema() == "public"


@pytest.mark.django_db
def test_requests_in_turn_on_one_thread(acme: Customer, nordwind: Customer) -> None:
    clients = {customer.email: customer.client() for customer in (acme, nordwind)}
    order = random.Random(7)
    for _ in range(60):
        email = order.choice(list(clients))
        path = order.choice(["/", "/meters/", "/ingestion/", "/admin/accounts/user/"])
        text = clients[email].get(path).content.decode()
        assert email in text
        assert not [other for other in clients if other != email and other in text]


def test_content_types_are_remembered_for_each_schema(committed: Tenants) -> None:
    """They have another number in each, and the cache is one for all threads of the process."""
    entered, filled = threading.Event(), threading.Event()
    asked: list[int] = []

    def other_thread() -> None:
        with committed["nordwind"].tenant.entered():
            entered.set()
            filled.wait(10)
            with CaptureQueriesContext(connection) as queries:
                ContentType.objects.get_for_model(Meter)
            asked.append(len([q for q in queries if "django_content_type" in q["sql"]]))
        connection.close()

    thread = threading.Thread(target=other_thread)
    thread.start()
    assert entered.wait(10)
    # From here on nobody enters a tenant, which would clear the cache and hide the matter.
    connection.schema_name = "acme"  # type: ignore[attr-defined]
    connection.search_path_set_schemas = None  # type: ignore[attr-defined]
    connection.include_public_schema = False  # type: ignore[attr-defined]
    ContentType.objects.get_for_model(Meter)
    filled.set()
    thread.join(10)
    assert asked == [1], "the other thread took acme's"


@pytest.fixture
def with_meters(committed: Tenants) -> Iterator[Tenants]:
    """Each tenant has a meter of its name, for other processes to see."""
    try:
        for slug in ("acme", "nordwind"):
            with committed[slug].tenant.entered():
                site = Site.objects.create(name=f"{slug}-site")
                Meter.objects.create(name=f"{slug}-meter", site=site)
        yield committed
    finally:
        for slug in ("acme", "nordwind"):
            with committed[slug].tenant.entered():
                Meter.objects.filter(name=f"{slug}-meter").delete()
                Site.objects.filter(name=f"{slug}-site").delete()


def ask_at_random(
    address: str, tenants: Tenants, cookies: dict[str, str], seed: int, times: int
) -> int:
    """Ask one tenant or the other over one connection; return how many answers were whole."""
    order = random.Random(seed)
    with requests.Session() as session:
        for _ in range(times):
            mine, other = order.sample(["acme", "nordwind"], 2)
            host = {"Host": tenants[mine].domain}
            path, more = order.choice(
                [
                    ("/api/v1/meters/", {"Authorization": f"Bearer {tenants[mine].token}"}),
                    ("/meters/", {"Cookie": f"session={cookies[mine]}"}),
                    ("/admin/meters/site/", {"Cookie": f"session={cookies[mine]}"}),
                    # What breaks off must leave nothing behind for whoever comes next.
                    ("/no/such/page/", {}),
                    ("/api/v1/meters/", {"Authorization": f"Bearer {tenants[other].token}"}),
                    ("/readyz", {}),
                ]
            )
            answer = session.get(address + path, headers=host | more, timeout=30)
            assert f"{other}-" not in answer.text, (mine, path, answer.text)
            assert tenants[other].domain not in answer.text, (mine, path)
            if answer.status_code == 200 and path != "/readyz":
                assert f"{mine}-" in answer.text, (mine, path, answer.text)
            else:
                expected = {401, 404} if path != "/readyz" else {200}
                assert answer.status_code in expected, (mine, path, answer.text)
    return times


def hammer(
    log: Path, tenants: Tenants, *, pool: int, threads: int, callers: int, times: int
) -> None:
    cookies = {}
    for slug in ("acme", "nordwind"):
        client = tenants[slug].client()
        cookies[slug] = client.cookies["session"].value
    env = environment(DATABASE_POOL_SIZE=str(pool))
    with web(log, threads=threads, env=env) as address, ThreadPoolExecutor(callers) as threads_:
        jobs = [
            threads_.submit(ask_at_random, address, tenants, cookies, seed, times)
            for seed in range(callers)
        ]
        assert sum(job.result() for job in jobs) == callers * times


@pytest.mark.parametrize("pool", [0, 2], ids=["no pool", "a pool that is too small"])
def test_requests_at_once_never_mix(with_meters: Tenants, tmp_path: Path, pool: int) -> None:
    hammer(tmp_path / "web.log", with_meters, pool=pool, threads=4, callers=5, times=30)


@pytest.mark.soak
@pytest.mark.parametrize("pool", [0, 1, 3, 8])
def test_thousands_of_requests_at_once_never_mix(
    with_meters: Tenants, tmp_path: Path, pool: int
) -> None:
    hammer(tmp_path / "web.log", with_meters, pool=pool, threads=8, callers=16, times=500)


def test_threads_of_one_process_never_mix(committed: Tenants) -> None:
    """Each thread has a connection of its own, which knows where it is."""

    def work(seed: int) -> list[Any]:
        order = random.Random(seed)
        wrong = []
        for _ in range(40):
            customer = committed[order.choice(["acme", "nordwind"])]
            try:
                with customer.tenant.entered():
                    if User.objects.get(email=customer.email).email != customer.email:
                        wrong.append(customer)
                    if order.random() < 0.2:
                        raise InterruptedError  # noqa: TRY301 - what breaks off, breaks off here
            except InterruptedError:
                pass
            if current_schema() != "public":
                wrong.append(current_schema())
        connection.close()
        return wrong

    with ThreadPoolExecutor(6) as threads:
        assert [found for job in threads.map(work, range(6)) for found in job] == []
