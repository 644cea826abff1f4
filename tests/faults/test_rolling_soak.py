"""Web, workers and scheduler replaced under load: no request and no work gets lost."""

import http.client
import json
import random
import select
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from benchmarks.loading import crowd
from ingestion.lease import PATIENCE
from tests.deployment.rendering import one, render
from tests.faults.rolling import deployment
from tests.ingestion.queue.installation import (
    ROOT,
    SCHEDULER,
    WORKER,
    Installation,
    installation,
)
from tests.ingestion.queue.test_processes import START, expected, muids, serving
from tests.ingestion.upstreams import Handler, answering
from tests.tenants.processes import wait_until

pytestmark = pytest.mark.soak
# So many clients of either kind.
ROUNDS, CLIENTS = 3, 8
LIMITS = dict.fromkeys(("API_RATE_PROGRAM", "API_RATE_TENANT", "API_RATE_REFUSED"), "0")
QUESTIONS = {
    "page": "/",
    "meter": "/meters/{muid}/",
    "month": "/api/v1/meters/{muid}/readings/?start=-P30D&resolution=PT15M&layout=columns",
    "year": "/api/v1/meters/{muid}/readings/?start=-P300D&resolution=PT15M&format=csv",
}
METERS, DAYS = 12, 20
LATE = muids(2000, METERS)[5]
FIRST = datetime(2019, 1, 1, tzinfo=UTC)


@dataclass
class Client:
    """Asks over a connection that it keeps open, and asks nothing a second time."""

    port: int
    tenants: list[dict[str, Any]]
    order: random.Random
    numbers: "count[int]"
    over: threading.Event
    # How long it waits between questions [s]. Now and then that is longer than the server lets a
    # connection lie idle; those who never wait have a request under way at each moment.
    pauses: list[float]
    kinds: list[str]
    told: Counter[str] = field(default_factory=Counter)
    sent: list[int] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    connections: int = 0
    _connection: http.client.HTTPConnection | None = None

    def run(self) -> None:
        while not self.over.is_set():
            kind = self.order.choice(self.kinds)
            try:
                self.send(kind) if kind.startswith("send") else self.ask(kind)
            except (OSError, http.client.HTTPException) as error:
                self.wrong.append(f"{datetime.now(UTC):%X} {kind}: {error!r}")
                self._drop()
            time.sleep(self.order.choice(self.pauses))
        self._drop()

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def ask(self, kind: str) -> None:
        tenant = self.order.choice(self.tenants)
        path = QUESTIONS[kind].format(muid=tenant["muids"][0])
        headers = {"Host": tenant["domain"], "Accept-Encoding": self.order.choice(["gzip", ""])}
        if path.startswith("/api/"):
            headers["Authorization"] = f"Bearer {tenant['token']}"
        else:
            headers["Cookie"] = tenant["cookie"]
        self._look(kind, self._exchange("GET", path, headers))

    def send(self, kind: str) -> None:
        """Send one reading that nobody else sends, at once or in two pieces."""
        tenant, number = self.order.choice(self.tenants), next(self.numbers)
        row = {
            "measurement": "energy",
            "timestamp": f"{FIRST + number * timedelta(minutes=15):%Y-%m-%dT%H:%M:%SZ}",
            "tags": {"muid": tenant["muids"][0], "quality": "measured"},
            "0100011D00FF": 0.25,
        }
        body = json.dumps({"data": [row]}).encode()
        headers = {
            "Host": tenant["domain"],
            "Authorization": f"Bearer {tenant['token']}",
            "Content-Type": "application/json",
        }
        pieces = [body[:20], body[20:]] if kind == "send slowly" else [body]
        status, text = self._exchange("POST", "/api/v1/readings/", headers, pieces)
        self._look(kind, (status, text))
        if status == 200:
            assert json.loads(text)["new"] == 1, text
            self.sent.append(number)

    def _look(self, kind: str, answer: tuple[int, bytes]) -> None:
        status, text = answer
        self.told[kind] += 1
        if status != 200:
            self.wrong.append(f"{kind}: {status} {text[:300]!r}")

    def _exchange(
        self, method: str, path: str, headers: dict[str, str], pieces: list[bytes] | None = None
    ) -> tuple[int, bytes]:
        connection = self._open()
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        if pieces is not None:
            connection.putheader("Content-Length", str(sum(map(len, pieces))))
        connection.endheaders()
        for number, piece in enumerate(pieces or []):
            time.sleep(0.3 * number)
            connection.send(piece)
        answer = connection.getresponse()
        # An answer that is cut short is an error here, be it of a known length or not.
        return answer.status, answer.read()

    def _open(self) -> http.client.HTTPConnection:
        """Take the connection that there is; as all that keep some do, see first if it ended."""
        kept = self._connection
        if kept is not None and kept.sock is not None:
            if not select.select([kept.sock], [], [], 0)[0]:
                return kept
            kept.close()
        self.connections += 1
        self._connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        self._connection.connect()
        return self._connection


def make_tenants(env: dict[str, str], tenants: int) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", crowd.__name__, str(tenants), "1"]
    done = subprocess.run(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, check=True)
    return list(json.loads(done.stdout))


def stored_rows(made: Installation, tenants: list[dict[str, Any]]) -> tuple[int, int, int]:
    """Return how many readings and runs there are of what was sent, and the corrections."""
    told = [made.do("counts", schema=tenant["schema"]) for tenant in tenants]
    runs = sum(len(made.do("runs", schema=tenant["schema"])) for tenant in tenants)
    return sum(one["runs"] for one in told), runs, sum(one["corrected"] for one in told)


def test_web_is_replaced_and_no_request_gets_lost(tmp_path: Path) -> None:
    with installation(tmp_path, **LIMITS) as made:
        tenants = make_tenants(made.env, 3)
        over, numbers = threading.Event(), count()
        with deployment(tmp_path, made.env) as web:
            clients = [
                Client(web.front.port, tenants, random.Random(seed), numbers, over, pauses, kinds)
                for seed in range(CLIENTS)
                for pauses, kinds in (
                    ([0.01, 0.1, 0.5, 2, 6], [*QUESTIONS, "send", "send slowly"]),
                    ([0], ["month", "send"]),
                )
            ]
            threads = [threading.Thread(target=client.run) for client in clients]
            for thread in threads:
                thread.start()
            time.sleep(2)
            for _ in range(ROUNDS):
                web.roll()
            over.set()
            for thread in threads:
                thread.join()
            longest = max(web.endings)
        wrong = [words for client in clients for words in client.wrong]
        told = sum((client.told for client in clients), Counter[str]())
        sent = sum(len(client.sent) for client in clients)
        print(f"\n{dict(told)}, {sum(c.connections for c in clients)} connections")  # noqa: T201
        print(f"longest end after SIGTERM: {longest:.1f} s")  # noqa: T201
        assert wrong == []
        assert min(told.values()) > 20, "all kinds were asked"
        # What was sent was stored, once each, by one run each.
        assert stored_rows(made, tenants) == (sent, sent, 0)


def test_workers_and_scheduler_are_replaced_and_no_work_gets_lost(tmp_path: Path) -> None:
    """An upstream that takes its time, and now and then longer than a worker that ends has."""
    worker = one(render("production"), "Deployment", "worker")["spec"]["template"]["spec"]
    grace = worker["terminationGracePeriodSeconds"]
    serve, order = serving(DAYS), random.Random(5)

    def slowly(handler: Handler) -> None:
        # One question takes longer than a worker that is to end waits for.
        time.sleep(PATIENCE + 5 if handler.server.asked[-1].query["muid"] == LATE else 0.3)
        serve(handler)

    endings = []
    with (
        answering(slowly) as upstream,
        installation(tmp_path, INGESTION_DISPATCH="1", INGESTION_SLICE="5") as made,
    ):
        schema = made.do("make_tenant", slug="rolled")
        made.start("worker", f"{WORKER} --concurrency 2")
        made.start("scheduler", f"{SCHEDULER} --schedule {tmp_path}/schedule")
        sources = 3
        for number in range(sources):
            made.do(
                "make_source",
                schema=schema,
                address=upstream.address,
                muids=muids(1000 * (number + 1), METERS),
                backfill_from=START.isoformat(),
                limit=10_000,
            )

        def runs() -> list[list[Any]]:
            return list(made.do("runs", schema=schema))

        wait_until(lambda: len(runs()) == sources, f"all are planned: {made.log()}", 60)
        for _ in range(ROUNDS):
            time.sleep(order.uniform(2, 6))
            endings.append(ended(made, "worker", grace))
            made.start("worker", f"{WORKER} --concurrency 2")
            ended(made, "scheduler", grace)
            made.start("scheduler", f"{SCHEDULER} --schedule {tmp_path}/schedule")
            assert max(attempts for *_, attempts, _ in runs()) <= 1, "no worker counts as dead"
        wait_until(
            lambda: all(state not in {"queued", "running"} for _, state, *_ in runs()),
            f"the end: {made.log()}",
            300,
        )
        assert [one[1] for one in runs()] == ["succeeded"] * sources
        told = made.do("counts", schema=schema)
    stored = sources * METERS * DAYS * 96
    assert told["meters"] == sorted(
        pair for n in range(sources) for pair in expected(1000 * (n + 1), METERS, DAYS)
    )
    assert (told["runs"], told["corrected"], told["revisions"]) == (stored, 0, 0)
    print(f"\na worker ended within {max(endings):.1f} s")  # noqa: T201
    assert max(endings) > PATIENCE / 2, "one of them had to break off"


def ended(made: Installation, name: str, grace: float) -> float:
    """End a process as Kubernetes does: the first one is told, and has so long [s]."""
    process, began = made.running.pop(name), time.monotonic()
    process.send_signal(signal.SIGTERM)
    # One that has not come as far as to listen to signals ends by them, and has nothing in hand.
    assert process.wait(grace) in {0, -signal.SIGTERM}, made.log()
    return time.monotonic() - began
