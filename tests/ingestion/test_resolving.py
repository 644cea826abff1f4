"""A resolver that says nothing: it is not waited for any longer than a connection would be."""

import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from ingestion.addresses import Guard
from ingestion.client import Client, Endpoint, Limits, UnreachableError, UpstreamError
from ingestion.models import Run
from ingestion.resolving import MOST_AT_ONCE, LookUp, LookUpError
from tests.conftest import Customer
from tests.ingestion.asking import GOOD, MUID, QUICK, START, STOP
from tests.ingestion.plant import make_meter, make_source, sweep
from tests.ingestion.upstreams import answering

LONG = 20.0
OPEN = Guard.of(["127.0.0.0/8"])


class Resolver:
    """The system's, but for the names that it is told to be silent about."""

    def __init__(self) -> None:
        self.real = socket.getaddrinfo
        self.speak, self.asked = threading.Event(), threading.Semaphore(0)
        self.silent = True

    def __call__(self, host: Any, *args: Any, **options: Any) -> Any:
        if str(host).endswith(".example.com"):
            if self.silent:
                self.asked.release()
                assert self.speak.wait(LONG)
            host = "127.0.0.1"
        return self.real(host, *args, **options)


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Resolver]:
    one = Resolver()
    monkeypatch.setattr(socket, "getaddrinfo", one)
    yield one
    one.speak.set()
    for thread in threading.enumerate():
        if thread.name.startswith("look up"):
            thread.join(LONG)


def client(address: str, limits: Limits = QUICK) -> Client:
    return Client(Endpoint(address), limits=limits, guard=OPEN, sleep=lambda _: None)


def test_a_name_that_nobody_looks_up_is_unreachable(resolver: Resolver) -> None:
    with client("http://meters.example.com") as asking, pytest.raises(UnreachableError) as failed:
        asking.page(MUID, START, STOP)
    assert str(failed.value) == (
        "meters.example.com can't be reached: its name could not be looked up within 0.3 s. "
        "(3 attempts.) Check the source's address, and that the upstream is up."
    )


def test_a_resolver_that_speaks_again(resolver: Resolver) -> None:
    """The next question finds its way, whatever became of those before."""
    with answering(GOOD) as upstream:
        address = upstream.address.replace("127.0.0.1", "meters.example.com")
        with client(address) as asking:
            with pytest.raises(UnreachableError):
                asking.page(MUID, START, STOP)
            resolver.silent = False
            assert len(asking.page(MUID, START, STOP).rows) == 3
    assert len(upstream.asked) == 1


def test_hanging_up_ends_the_waiting(resolver: Resolver) -> None:
    """A worker that hands a run over does not wait for the name of the piece after it."""
    said: list[str] = []

    def ask(asking: Client) -> None:
        with pytest.raises(UpstreamError) as refused:
            asking.page(MUID, START, STOP)
        said.append(str(refused.value))

    patient = Limits(connect=10 * LONG, total=10 * LONG)
    with client("http://meters.example.com", patient) as asking:
        thread = threading.Thread(target=ask, args=(asking,))
        thread.start()
        assert resolver.asked.acquire(timeout=LONG)
        asking.abandon()
        thread.join(LONG)
        assert not thread.is_alive()
    assert said == ["It was not asked on, for nobody waits for the answer any more."]


def test_so_many_hang_and_no_more(resolver: Resolver) -> None:
    hanging = [LookUp(f"m{n}.example.com", 80) for n in range(MOST_AT_ONCE)]
    with pytest.raises(LookUpError, match=f"{MOST_AT_ONCE} names are being looked up already"):
        LookUp("one-more.example.com", 80)
    # What is written as an address asks nobody, so it finds its way.
    with answering(GOOD) as upstream, client(upstream.address) as asking:
        assert len(asking.page(MUID, START, STOP).rows) == 3
    resolver.speak.set()
    for one in hanging:
        assert one.result(LONG)[0][1] == ("127.0.0.1", 80)
    assert LookUp("one-more.example.com", 80).result(LONG)


def test_what_the_resolver_says_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnicodeError):
        LookUp("a" * 70 + ".example", 80).result(LONG)

    def unknown(*_args: Any, **_options: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with client("http://meters.example.com") as asking, pytest.raises(UnreachableError) as failed:
        asking.page(MUID, START, STOP)
    assert "can't be reached: Name or service not known. (3 attempts.)" in str(failed.value)


def test_a_run_tells_it_in_words(
    in_acme: Customer, resolver: Resolver, impatient: Limits, settings: Any
) -> None:
    settings.UPSTREAM_ALLOW = ["127.0.0.0/8"]
    result = sweep(make_source("http://meters.example.com", make_meter()))
    assert result.run.state == Run.State.FAILED
    assert "its name could not be looked up within 0.5 s" in result.run.error
