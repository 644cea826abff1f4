"""Scheduler, workers and servers as processes: fair shares, and kills at any moment."""

import json
import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import cycle
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tests.ingestion.queue.installation import SCHEDULER, WORKER, Installation, installation
from tests.ingestion.upstreams import Handler, Respond, answering
from tests.tenants.processes import wait_until

START = datetime(2023, 3, 1, tzinfo=UTC)
VICTIMS = ("worker", "postgres", "redis")


def muids(first: int, count: int) -> list[str]:
    return [str(UUID(int=(4 << 76) | (8 << 60) | n)) for n in range(first, first + count)]


def value(slot: int, variant: int) -> float:
    return (slot % 97 + 1) / 1000 + variant


def serving(days: int) -> Respond:
    """Answer for any meter, with values by which sixteen kinds of meters differ."""
    name = "muid-of-whoever-is-asked-for"
    texts = []
    for variant in range(16):
        rows = [
            {
                "measurement": "energy",
                "timestamp": (START + timedelta(minutes=15 * slot)).strftime("%Y-%m-%dT%H:%M:%SZ"),
                "tags": {"muid": name, "quality": "measured"},
                "0100011D00FF": round(value(slot, variant), 6),
            }
            for slot in reversed(range(days * 96))
        ]
        texts.append(json.dumps({"data": rows}).encode())

    def respond(handler: Handler) -> None:
        muid = handler.server.asked[-1].query["muid"]
        # Several ask at once: what this one asked for stands in its own path.
        muid = handler.path.partition("muid=")[2][:36] or muid
        body = texts[int(muid[-1], 16)].replace(name.encode(), muid.encode())
        handler.answer(body, 200)

    return respond


def expected(first: int, count: int, days: int) -> list[list[float]]:
    """How many readings each meter has, and their sum."""
    slots = days * 96
    sums = [round(sum(round(value(s, v), 6) for s in range(slots)), 6) for v in range(16)]
    return sorted([slots, sums[int(muid[-1], 16)]] for muid in muids(first, count))


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    home = tmp_path_factory.mktemp("installation")
    with installation(home, INGESTION_DISPATCH="1", INGESTION_SLICE="1") as made:
        yield made


@pytest.fixture
def quick(servers: Installation) -> Iterator[Installation]:
    """An installation in which nothing runs yet, and in the end nothing any more."""
    yield servers
    for name in list(servers.running):
        servers.kill(name)
    servers.do("end_all")


def test_ten_thousand_meters_of_one_tenant_hold_nobody_up(quick: Installation) -> None:
    """One worker, and a scheduler that alone tells it what to do."""
    with answering(lambda handler: handler.answer(b'{"data": []}')) as upstream:
        large, small = quick.do("make_tenant", slug="large"), quick.do("make_tenant", slug="small")
        quick.do("make_source", schema=large, address=upstream.address, muids=muids(0, 10_000))
        quick.start("worker", f"{WORKER} --concurrency 1")
        quick.start("scheduler", f"{SCHEDULER} --schedule {quick.home}/schedule")
        wait_until(lambda: len(upstream.asked) > 50, f"the large run: {quick.log()}", 60)
        quick.do("make_source", schema=small, address=upstream.address, muids=muids(20_000, 3))

        def states(schema: str) -> list[str]:
            return [state for _, state, *_ in quick.do("runs", schema=schema)]

        wait_until(lambda: states(small) == ["succeeded"], f"the small run: {quick.log()}", 60)
        before = len(upstream.asked)
        assert states(large) in (["running"], ["queued"])
        assert before < 10_000, "the large run is still under way"
        wait_until(lambda: len(upstream.asked) > before, "and goes on", 60)


class Trial:
    """Ingestions that are killed, and what must hold of each."""

    def __init__(self, made: Installation, address: str, *, meters: int, days: int) -> None:
        self.made, self.address, self.meters, self.days = made, address, meters, days
        self.schema = made.do("make_tenant", slug="killed")
        self.ingestions = 0
        self.longest = 0.0

    def start(self, concurrency: int) -> None:
        self.worker = f"{WORKER} --concurrency {concurrency}"
        self.made.start("worker", self.worker)
        self.made.start("scheduler", f"{SCHEDULER} --schedule {self.made.home}/schedule")

    def runs(self) -> dict[int, list[Any]]:
        return {one[0]: one[1:] for one in self.made.do("runs", schema=self.schema)}

    def round(self, victim: str, ingestions: int, rng: random.Random, *, patient: bool) -> None:
        """Begin some ingestions, kill at a moment, and see all of it done.

        Where nobody is patient, the leases of the dead run out at once.
        """
        known = set(self.runs())
        for _ in range(ingestions):
            first = 1000 + self.ingestions * self.meters
            self.made.do(
                "make_source",
                schema=self.schema,
                address=self.address,
                muids=muids(first, self.meters),
                backfill_from=START.isoformat(),
                limit=10_000,
            )
            self.ingestions += 1
        wait_until(lambda: self._begun(known, ingestions), f"a start: {self.made.log()}", 90)
        time.sleep(rng.uniform(0, 1.5))
        hit = {pk: one[1] for pk, one in self.runs().items() if one[0] == "running"}
        killed = time.monotonic()
        if victim == "worker":
            self.made.kill("worker")
            # As whoever keeps processes does.
            self.made.start("worker", self.worker)
        else:
            self.made.kill_server(victim)
        if not patient:
            time.sleep(0.5)
            self.made.do("forget_leases", schema=self.schema)
        wait_until(lambda: self._taken_up(hit), f"{victim}: {self.made.log()}", 90)
        self.longest = max(self.longest, time.monotonic() - killed)
        wait_until(self._done, f"the end after {victim}: {self.made.log()}", 300)
        self.check()

    def _begun(self, known: set[int], ingestions: int) -> bool:
        new = {pk: one for pk, one in self.runs().items() if pk not in known}
        return len(new) == ingestions and any(one[0] != "queued" for one in new.values())

    def _taken_up(self, hit: dict[int, str]) -> bool:
        """Whether each run has ended or is in other hands."""
        now = self.runs()
        return all(
            now[pk][0] not in {"queued", "running"} or now[pk][1] not in {"", worker}
            for pk, worker in hit.items()
        )

    def _done(self) -> bool:
        return all(one[0] not in {"queued", "running"} for one in self.runs().values())

    def check(self) -> None:
        """Every total is right, nothing is twice, no run is left running."""
        runs = self.runs()
        assert {tuple(one[:2]) for one in runs.values() if one[0] != "succeeded"} == set(), runs
        assert len(runs) == self.ingestions
        told = self.made.do("counts", schema=self.schema)
        meters = self.ingestions * self.meters
        assert told["meters"] == expected(1000, meters, self.days)
        stored = meters * self.days * 96
        assert told["rows"] >= meters * self.days
        assert (told["runs"], told["outcomes"]) == (stored, stored)
        assert (told["corrected"], told["revisions"]) == (0, 0)


def test_whatever_is_killed_nothing_is_lost_and_nothing_is_twice(quick: Installation) -> None:
    rng = random.Random(7)
    with answering(serving(20)) as upstream:
        trial = Trial(quick, upstream.address, meters=6, days=20)
        trial.start(2)
        for victim in VICTIMS:
            trial.round(victim, 3, rng, patient=False)


@pytest.mark.soak
def test_two_hundred_ingestions_killed(tmp_path: Path) -> None:
    rng = random.Random(11)
    with (
        installation(tmp_path, INGESTION_SHARE="8") as made,
        answering(serving(60)) as upstream,
    ):
        trial = Trial(made, upstream.address, meters=20, days=60)
        trial.start(8)
        victims = cycle(VICTIMS)
        while trial.ingestions < 200:
            trial.round(next(victims), 8, rng, patient=True)
            assert trial.longest < 60, "taken up within a minute"
    print(f"{trial.ingestions} ingestions, taken up after {trial.longest:.0f} s at most")  # noqa: T201
