"""What reading from a replica costs a request, what it spares the primary, and how often it is.

Two web processes over the same two servers, real ones on this machine, one of which knows of the
replica: they are asked in turn. The servers share the machine's processors, so what a second
machine would bring can't be seen here; what can is the work that the primary no longer has.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np
import requests
from django.db import connection

from accounts.models import ApiToken, User
from benchmarks.report import Report
from benchmarks.serving import YEAR, fill
from benchmarks.storing import SLUG, tenant
from tenants.models import Domain
from tenants.schema import in_public
from tests.monitoring.exposed import Exposed
from tests.replica.servers import Copy, primary_and_replica
from tests.tenants.processes import environment, free_port, web

METERS, TURNS, SECONDS = 10, 200, 10.0
QUERY = "&".join(f"{name}={value}" for name, value in YEAR.items())
# Every quarter-hour of a day, sent again and again with other values.
SENT = 96


class Asker:
    """Asks one web process over one connection."""

    def __init__(self, address: str, host: str, token: str, metrics: str = "") -> None:
        self.address, self.metrics = address, metrics
        self._session = requests.Session()
        self._session.headers.update({"Host": host, "Authorization": f"Bearer {token}"})

    def get(self, path: str) -> float:
        """Ask, and return how long it took [s]."""
        began = time.perf_counter()
        answer = self._session.get(self.address + path, timeout=60)
        took = time.perf_counter() - began
        answer.raise_for_status()
        return took

    def post(self, path: str, body: object) -> None:
        self._session.post(self.address + path, json=body, timeout=60).raise_for_status()

    def share(self, work: Callable[[], object]) -> tuple[float, int]:
        """Return which part of the requests meanwhile read from the replica, and of how many."""
        before = self._reads()
        work()
        counts = self._reads() - before
        return float(counts[0] / counts.sum()), int(counts.sum())

    def _reads(self) -> np.ndarray:
        told = Exposed(requests.get(self.metrics, timeout=20).text)
        name = "lastgang_reads_total"
        kinds = (("replica", "current"), ("primary", "behind"), ("primary", "lost"))
        return np.array([told.value(name, server=s, reason=r) or 0 for s, r in kinds])


def run(report: Report) -> None:
    with tenant():
        muids = [fill(number) for number in range(METERS)]
        user = User.objects.create_superuser("bench@example.com", "a long password 1")
        _, token = ApiToken.objects.create(user=user, name="bench")
        with in_public():
            host = Domain.objects.get(tenant__schema_name=SLUG).domain
        with connection.cursor() as cursor:
            cursor.execute("VACUUM (ANALYZE)")
        with primary_and_replica(durable=True) as (primary, replica):
            with _pair(primary, replica, host, token) as (without, with_replica):
                _compare(report, primary, without, with_replica, muids)
            for wait in (20, 0):
                with _pair(primary, replica, host, token, wait=wait) as askers:
                    _under_load(report, primary, *askers, muids, wait)


@contextmanager
def _pair(
    primary: Copy, replica: Copy, host: str, token: str, wait: int = 20
) -> Iterator[tuple[Asker, Asker]]:
    """Serve without and with the replica."""
    usual = {
        "DATABASE_URL": primary.address(),
        "DATABASE_POOL_SIZE": "4",
        "METRICS_HOST": "127.0.0.1",
    }
    more = {"DATABASE_REPLICA_URL": replica.address(), "DATABASE_REPLICA_WAIT": str(wait)}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="lastgang-")))
        askers = []
        for name, variables in (("without", {}), ("with", more)):
            port = free_port()
            env = environment(**usual, **variables, METRICS_PORT=str(port))
            address = stack.enter_context(web(folder / f"{name}.log", threads=4, env=env))
            askers.append(Asker(address, host, token, f"http://127.0.0.1:{port}/metrics"))
        yield askers[0], askers[1]


def _compare(
    report: Report, primary: Copy, without: Asker, with_replica: Asker, muids: list[str]
) -> None:
    meter = f"/api/v1/meters/{muids[0]}"
    cases = {
        "the root of the API, which reads nothing": "/api/v1/",
        "a meter's latest reading": f"{meter}/latest/",
        "a meter-year by day": f"{meter}/readings/?{QUERY}&resolution=P1D",
        "a meter-year raw": f"{meter}/readings/?{QUERY}&layout=columns",
    }
    for title, path in cases.items():
        took: tuple[list[float], list[float]] = ([], [])
        for turn in range(TURNS + 10):
            # Each first in turn.
            for which in (0, 1) if turn % 2 else (1, 0):
                one = (with_replica, without)[which].get(path)
                if turn >= 10:
                    took[which].append(one)
        words = f"{title}: with a replica, beside without"
        report.cost(words, "ms", 1e3 * median(took[0]), 1e3 * median(took[1]))
    for title, path in list(cases.items())[1:3]:
        rows = [_read(primary, asker, path) for asker in (with_replica, without)]
        words = f"{title}: rows that the primary reads of tables, with and without"
        report.cost(words, "rows", rows[0], rows[1])


def _read(primary: Copy, asker: Asker, path: str) -> float:
    """Return how many rows of tables the primary reads for an answer, by its own statistics."""
    sql = (
        "SELECT sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0))::float8 "
        "FROM pg_stat_user_tables"
    )

    def told() -> float:
        # Each server process tells what it has done once a second, when it has just been asked.
        for _ in range(4):
            time.sleep(1.1)
            asker.get("/api/v1/")
        time.sleep(0.2)
        return float(primary.ask(sql)[0])

    times = 20
    nothing = told()
    before = told()
    for _ in range(times):
        asker.get(path)
    return max((told() - before - (before - nothing)) / times, 0.01)


def _under_load(
    report: Report,
    primary: Copy,
    without: Asker,
    with_replica: Asker,
    muids: list[str],
    wait: int,
) -> None:
    path = f"/api/v1/meters/{muids[0]}/readings/?{QUERY}&resolution=P1D"

    def ask() -> None:
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            with_replica.get(path)

    for title, work in (
        ("nobody writes", lambda: None),
        ("readings of another meter come in all the time", lambda: _send(without, muids[1])),
        ("a table is filled all the time", lambda: _fill_up(primary)),
    ):
        with _meanwhile(work):
            share, count = with_replica.share(ask)
        report.notes.append(
            f"{title}, wait {wait} ms: {share:.1%} of {count} requests read from the replica"
        )


@contextmanager
def _meanwhile(work: Callable[[], object]) -> Iterator[None]:
    over = threading.Event()

    def loop() -> None:
        while not over.is_set():
            work()
            over.wait(0.01)

    thread = threading.Thread(target=loop)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _send(asker: Asker, muid: str) -> None:
    """Send a day, each time with other values."""
    value = time.time() % 1000
    rows = [
        {
            "timestamp": f"2024-05-05T{at // 4:02}:{at % 4 * 15:02}:00Z",
            "measurement": "energy",
            "tags": {"muid": muid, "quality": "measured"},
            "0100011D00FF": value + at,
        }
        for at in range(SENT)
    ]
    asker.post("/api/v1/readings/", {"data": rows})


def _fill_up(primary: Copy) -> None:
    """Write some 15 MB of the log at once, as a bulk load does."""
    primary.ask(
        "CREATE TABLE IF NOT EXISTS public.filled (a bigint, b text); "
        "TRUNCATE public.filled; "
        "INSERT INTO public.filled SELECT n, repeat('x', 100) FROM generate_series(1, 100000) n"
    )
