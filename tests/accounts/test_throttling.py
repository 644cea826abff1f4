"""How often a program and a tenant may ask, counted exactly by any number of processes at once."""

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import Any

import pytest
from django.conf import settings as project
from django.test import Client
from redis import Redis
from redis.exceptions import RedisError
from structlog.testing import capture_logs

from accounts import throttling
from accounts.throttling import Allowance, Counter, Standing
from tests.accounts.asking import bearer, person_of, problem_of, signed_in, token_of
from tests.conftest import Customer
from tests.tenants.processes import free_port

pytestmark = pytest.mark.django_db
METERS = "/api/v1/meters/"


@pytest.fixture(autouse=True)
def _nothing_counted() -> Iterator[None]:
    redis = Redis.from_url(project.CACHES["default"]["LOCATION"])
    for when in ("before", "after"):
        for key in redis.scan_iter("lastgang:rate:*"):
            redis.delete(key)
        if when == "before":
            yield
    redis.close()


@pytest.fixture
def limits(settings: Any) -> Any:
    """Sets limits of a program and of its tenant."""

    def set_to(program: int, tenant: int) -> None:
        settings.API_RATE_PROGRAM, settings.API_RATE_TENANT = program, tenant

    return set_to


def get(customer: Customer, secret: str, path: str = METERS, **more: str) -> Any:
    return Client(HTTP_HOST=customer.domain).get(path, **bearer(secret), **more)


def fields(response: Any) -> tuple[int, int, str]:
    """Limit, remaining and policy; the rest is a matter of the moment."""
    headers = response.headers
    assert 1 <= int(headers["RateLimit-Reset"]) <= 60
    return (
        int(headers["RateLimit-Limit"]),
        int(headers["RateLimit-Remaining"]),
        headers["RateLimit-Policy"],
    )


def test_every_answer_says_what_is_left(acme: Customer, limits: Any) -> None:
    limits(10, 1000)
    secret = token_of(acme, "read")
    policy = "10;w=60, 1000;w=60"
    assert fields(get(acme, secret)) == (10, 9, policy)
    nowhere = f"{METERS}00000000-0000-4000-8000-000000000000/"
    asked: list[tuple[int, Any]] = [
        (404, get(acme, secret, nowhere)),
        (400, get(acme, secret, f"{METERS}?page=0")),
        (406, get(acme, secret, HTTP_ACCEPT="application/xml")),
        (400, get(acme, secret, f"{METERS}?format=xml")),
        (200, Client(HTTP_HOST=acme.domain).head(METERS, **bearer(secret))),
        (403, Client(HTTP_HOST=acme.domain).post("/api/v1/readings/", **bearer(secret))),
    ]
    for left, (status, answer) in zip(range(8, 2, -1), asked, strict=True):
        assert answer.status_code == status
        assert fields(answer) == (10, left, policy)


def test_one_too_many_is_told_when_to_come_again(acme: Customer, limits: Any) -> None:
    limits(2, 1000)
    secret, other = token_of(acme, "read"), token_of(acme, "read")
    for left in (1, 0):
        assert fields(get(acme, secret))[1] == left
    for _ in range(3):
        answer = get(acme, secret)
        words = problem_of(answer, 429)
        assert words.startswith(
            "This token or sign-in has made more than 2 requests in a minute. Nothing was done; ask"
        )
        assert fields(answer)[:2] == (2, 0)
        wait = int(answer.headers["Retry-After"])
        assert 1 <= wait <= 60
        assert f"again in {wait} seconds" in words
    # Nobody else waits for it; what was refused was not taken from the tenant.
    limits(2, 4)
    assert fields(get(acme, other))[:2] == (2, 1)
    assert fields(get(acme, other))[:2] == (2, 0)


def test_what_is_refused_does_nothing(acme: Customer, limits: Any) -> None:
    """Also where it would have changed something, and before anything is asked of the database."""
    limits(1, 1000)
    secret = token_of(acme, "read")
    client = Client(HTTP_HOST=acme.domain)
    path = "/api/v1/tokens/browser/"
    answers = [
        client.post(path, {}, content_type="application/json", **bearer(secret)) for _ in range(3)
    ]
    assert [one.status_code for one in answers] == [200, 429, 429]


def test_a_tenants_programs_share_its_limit(
    acme: Customer, nordwind: Customer, limits: Any
) -> None:
    limits(1000, 3)
    one, two = token_of(acme, "read"), token_of(acme, "read")
    assert [get(acme, secret).status_code for secret in (one, two, one)] == [200, 200, 200]
    answer = get(acme, two)
    assert problem_of(answer, 429).startswith("All programs of this tenant together have made")
    assert fields(answer)[:2] == (3, 0)
    assert fields(get(nordwind, nordwind.token))[:2] == (3, 2), "another tenant has its own"


def test_people_who_are_signed_in_are_counted(acme: Customer, limits: Any) -> None:
    limits(2, 1000)
    person_of(acme, "reader@example.com")
    client, elsewhere = (signed_in(acme, "reader@example.com") for _ in range(2))
    assert fields(client.get(METERS))[:2] == (2, 1)
    assert fields(elsewhere.get(METERS, headers={"Accept": "text/html"}))[:2] == (2, 0)
    assert client.get(METERS).status_code == 429
    page = client.get(METERS, headers={"Accept": "text/html"})
    assert page.status_code == 429
    assert "more than 2 requests" in page.content.decode()
    assert client.get("/meters/").status_code == 200, "pages are not counted"
    assert acme.client().get(METERS).status_code == 200, "nor is anybody else"


def test_whoever_is_nobody_takes_from_nobody(acme: Customer, limits: Any) -> None:
    limits(5, 5)
    for _ in range(7):
        for answer in (get(acme, "lg_" + 64 * "0"), Client(HTTP_HOST=acme.domain).get(METERS)):
            assert answer.status_code == 401
            assert "RateLimit-Limit" not in answer.headers
    assert fields(get(acme, token_of(acme, "read")))[:2] == (5, 4)


def test_tokens_that_are_not_good_are_limited_by_address(
    acme: Customer, nordwind: Customer, settings: Any
) -> None:
    settings.API_RATE_REFUSED = 3
    wrong, good = "lg_" + 64 * "0", token_of(acme, "read")
    here, there = "192.0.2.1", "192.0.2.2"
    for secret in (wrong, nordwind.token, "lg_" + 64 * "1"):
        assert get(acme, secret, REMOTE_ADDR=here).status_code == 401
    answer = get(acme, wrong, REMOTE_ADDR=here)
    words = problem_of(answer, 429)
    assert words.startswith("From this address came more than 3 tokens within a minute")
    wait = int(answer.headers["Retry-After"])
    assert 1 <= wait <= 60
    assert f"again in {wait} seconds" in words
    assert "RateLimit-Limit" not in answer.headers
    # No other address, tenant or good token suffers for it, nor who sends none at all.
    assert get(acme, wrong, REMOTE_ADDR=there).status_code == 401
    assert get(nordwind, wrong, REMOTE_ADDR=here).status_code == 401
    assert get(acme, good, REMOTE_ADDR=here).status_code == 200
    assert Client(HTTP_HOST=acme.domain).get(METERS, REMOTE_ADDR=here).status_code == 401
    settings.API_RATE_REFUSED = 0
    assert get(acme, wrong, REMOTE_ADDR=here).status_code == 401


def test_a_preflight_is_not_counted(acme: Customer, limits: Any) -> None:
    limits(5, 5)
    for _ in range(7):
        Client(HTTP_HOST=acme.domain).options(
            METERS, HTTP_ORIGIN="https://x.example", HTTP_ACCESS_CONTROL_REQUEST_METHOD="GET"
        )
    assert fields(get(acme, token_of(acme, "read")))[1] == 4


def test_limits_can_be_turned_off(acme: Customer, limits: Any) -> None:
    secret = token_of(acme, "read")
    limits(0, 0)
    assert "RateLimit-Limit" not in get(acme, secret).headers
    limits(0, 7)
    assert fields(get(acme, secret)) == (7, 6, "7;w=60")
    limits(7, 0)
    assert fields(get(acme, secret)) == (7, 6, "7;w=60")


def counter() -> Counter:
    return Counter(project.CACHES["default"]["LOCATION"])


def test_many_at_once_are_counted_exactly(limits: Any) -> None:
    """Eight connections at the same moment: neither one more nor one less than the limit."""
    limits(100, 1000)
    start = threading.Barrier(8)

    def ask(number: int) -> tuple[int, int]:
        own, program = counter(), f"token:{number % 2}"
        start.wait(10)
        found = [own.count("a-tenant", program) for _ in range(40)]
        good = [one for one in found if one is not None and not one.tightest.is_over]
        return number % 2, len(good)

    with ThreadPoolExecutor(8) as pool:
        answered = list(pool.map(ask, range(8)))
    for program in (0, 1):
        assert sum(good for which, good in answered if which == program) == 100
    # 320 were asked; what two programs were refused was not taken from the tenant.
    last = counter().count("a-tenant", "token:2")
    assert last is not None
    assert last.allowances[1].used == 201


def test_a_minute_begins_with_the_first_and_always_ends() -> None:
    redis = Redis.from_url(project.CACHES["default"]["LOCATION"])
    own = counter()
    own.count("a-tenant", "token:1")
    for key in ("lastgang:rate:{a-tenant}", "lastgang:rate:{a-tenant}:token:1"):
        assert 0 < redis.pttl(key) <= 60_000
        # However it came to be without an end, it gets one.
        redis.persist(key)
    own.count("a-tenant", "token:1")
    for key in ("lastgang:rate:{a-tenant}", "lastgang:rate:{a-tenant}:token:1"):
        assert 0 < redis.pttl(key) <= 60_000
        redis.pexpire(key, 1)
    while redis.exists("lastgang:rate:{a-tenant}:token:1"):
        pass
    standing = own.count("a-tenant", "token:1")
    assert standing is not None
    assert standing.tightest.used == 1
    redis.close()


def test_the_tightest_limit_is_told() -> None:
    few, many = Allowance("program", 10, 9, 3.2), Allowance("tenant", 100, 20, 50.0)
    over = Allowance("tenant", 100, 101, 0.01)
    assert Standing((few, many)).headers() == {
        "RateLimit-Limit": "10",
        "RateLimit-Remaining": "1",
        "RateLimit-Reset": "4",
        "RateLimit-Policy": "10;w=60, 100;w=60",
    }
    empty = Allowance("program", 10, 10, 30)
    assert Standing((empty, over)).tightest is over, "the one by which it was refused"
    assert over.seconds == 1


def test_redis_gone_lets_everybody_through_with_one_warning(
    acme: Customer, limits: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits(1, 1)
    port = free_port()
    gone = settings.CACHES["default"] | {"LOCATION": f"redis://127.0.0.1:{port}/0"}
    settings.CACHES = {"default": gone}
    throttling.counter.cache_clear()
    secret = token_of(acme, "read")
    with capture_logs() as logs:
        for _ in range(5):
            answer = get(acme, secret)
            assert answer.status_code == 200
            assert "RateLimit-Limit" not in answer.headers
        # It is asked again after a rest, and the log is not filled with it.
        own = throttling.counter(gone["LOCATION"])
        own.outage._until = 0.0
        assert get(acme, secret).status_code == 200
    warnings = [one for one in logs if one["log_level"] == "warning"]
    assert [one["event"] for one in warnings] == ["Redis is gone"]
    assert "Requests are not counted, so nobody is limited" in warnings[0]["words"]
    throttling.counter.cache_clear()


def test_redis_back_counts_again(limits: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    limits(5, 5)
    own = counter()
    real = own._script

    def fail(**_more: Any) -> None:
        raise RedisError("MISCONF it can't write")

    own._script = fail  # type: ignore[assignment]
    with capture_logs() as logs:
        assert own.count("a-tenant", "token:1") is None
        own._script = real
        assert own.count("a-tenant", "token:1") is None, "it is left alone for a while"
        own.outage._until = 0.0
        assert own.count("a-tenant", "token:1") is not None
    assert [one["event"] for one in logs] == ["Redis is gone", "Redis is back"]


def test_a_redis_that_never_answers_is_not_waited_for(limits: Any) -> None:
    """It takes the connection and says nothing: one short wait, then none for a while."""
    limits(5, 5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        own = Counter(f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        waits = []
        for _ in range(3):
            before = monotonic()
            assert own.count("a-tenant", "token:1") is None
            waits.append(monotonic() - before)
    # Far below the patience of whoever asked; the exact time is the machine's.
    assert waits[0] < 5
    assert sum(waits[1:]) < waits[0]
