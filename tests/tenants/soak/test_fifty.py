"""Fifty tenants asked at once over pools, threads and processes while workers work for all."""

import json
import re
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.ingestion.queue.installation import ROOT, SCHEDULER, installation
from tests.ingestion.upstreams import Handler, answering
from tests.tenants.processes import wait_until, web
from tests.tenants.soak.crowd import value

TENANTS, REQUESTS, TASKS = 50, 50_000, 5_000
PATH = re.compile(r"^/mark(\d\d)/")


class Upstream:
    """Answers each tenant with readings of its own, and notes whoever comes with another's."""

    def __init__(self) -> None:
        self.wrong: list[str] = []
        self.asked: Counter[str] = Counter()

    def __call__(self, handler: Handler) -> None:
        found = PATH.match(handler.path)
        number = found[1] if found else "no"
        self.asked[number] += 1
        if f"mark{number}-upstream-secret" not in str(handler.headers):
            self.wrong.append(f"{handler.path} came without the token of mark{number}")
        query = {k: v[0] for k, v in parse_qs(urlsplit(handler.path).query).items()}
        handler.answer(json.dumps({"data": self.rows(int(number), query)}).encode())

    @staticmethod
    def rows(number: int, query: dict[str, str]) -> list[dict[str, Any]]:
        start, stop = (
            datetime.fromisoformat(query[name]).astimezone(UTC) for name in ("start", "stop")
        )
        first = start + (-start.timestamp() % 900) * timedelta(seconds=1)
        count = min(int((stop - first).total_seconds() // 900), int(query["limit"]))
        return [
            {
                "measurement": "energy",
                "timestamp": (first + n * timedelta(minutes=15)).strftime("%Y-%m-%dT%H:%M:%SZ"),
                "tags": {"muid": query["muid"], "quality": "measured"},
                "0100011D00FF": value(number),
            }
            for n in reversed(range(count))
        ]


def inside(env: dict[str, str], order: str, **options: Any) -> Any:
    """Have something done inside the installation."""
    command = [sys.executable, "-m", "tests.tenants.soak.crowd", order, json.dumps(options)]
    done = subprocess.run(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def ask(env: dict[str, str], orders: list[dict[str, Any]]) -> tuple[Counter[int], list[str]]:
    """Ask with several processes at once."""
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.tenants.soak.asking"],
            cwd=ROOT,
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in orders
    ]
    for process, order in zip(running, orders, strict=True):
        assert process.stdin
        process.stdin.write(json.dumps(order))
        process.stdin.close()
        process.stdin = None
    statuses, wrong = Counter[int](), []
    for process in running:
        out, _ = process.communicate()
        assert process.returncode == 0
        told = json.loads(out)
        statuses.update({int(status): times for status, times in told["statuses"].items()})
        wrong += told["wrong"]
    return statuses, wrong


def trial(home: Path, *, tenants: int, requests: int, tasks: int) -> Counter[int]:
    upstream = Upstream()
    limits = dict.fromkeys(("API_RATE_PROGRAM", "API_RATE_TENANT", "API_RATE_REFUSED"), "0")
    with answering(upstream) as running, installation(home, **limits) as made:
        crowd = inside(made.env, "fill", first=0, stop=tenants, upstream=running.address)
        made.env |= {"TEST_QUEUE": "celery"}
        worker = "celery --quiet -A tests.tenants.queue_app worker --loglevel WARNING"
        made.start("worker", f"{worker} --without-gossip --without-mingle --concurrency 2")
        made.start("scheduler", f"{SCHEDULER} --schedule {home}/schedule")
        pooled = made.env | {"DATABASE_POOL_SIZE": "8"}
        tight = made.env | {"DATABASE_POOL_SIZE": "2"}
        with (
            web(home / "pooled.log", threads=4, env=pooled) as first,
            web(home / "tight.log", threads=4, env=tight) as second,
            web(home / "unpooled.log", threads=3, env=made.env) as third,
        ):
            inside(made.env, "send", tasks=tasks, seed=1)
            addresses = [first, second, third]
            orders = [
                {
                    "tenants": crowd,
                    "addresses": addresses,
                    "times": requests // 2,
                    "threads": 6,
                    "seed": seed,
                }
                for seed in (1, 2)
            ]
            statuses, wrong = ask(made.env, orders)
        assert wrong == []
        # What tasks are left are worked on without anybody else at it.
        wait_until(
            lambda: inside(made.env, "tell")["told"] >= tasks, f"all tasks: {made.log()}", 1800
        )
        told = inside(made.env, "tell")
        assert told["wrong"] == []
        assert told["told"] == tasks
        assert told["runs"]["succeeded"] >= tenants, told["runs"]
        assert upstream.wrong == []
        assert len(upstream.asked) == tenants
        for log in home.glob("*.log"):
            assert "level=error" not in log.read_text(), log.read_text()[-3000:]
    return statuses


@pytest.mark.soak
def test_fifty_tenants_never_mix(tmp_path: Path) -> None:
    statuses = trial(tmp_path, tenants=TENANTS, requests=REQUESTS, tasks=TASKS)
    assert statuses.total() >= REQUESTS
    print(f"\n{statuses.total():,} answers: {dict(statuses)}")  # noqa: T201 - for whoever waits
