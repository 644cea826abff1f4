"""A thousand tenants cost a request no more than two, and can be made and migrated."""

import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from statistics import median
from typing import Any

import psutil
import pytest
import requests

from tests.ingestion.queue.installation import ROOT, Installation, installation
from tests.tenants.processes import wait_until, web
from tests.tenants.soak.thousand import MUID, own_memory

pytestmark = pytest.mark.soak
TENANTS, BEHIND = 1_000, 60
QUESTIONS = [
    "/meters/",
    f"/meters/{MUID}/",
    f"/api/v1/meters/{MUID}/readings/?start=-P30D",
]


def inside(env: dict[str, str], order: str, **options: Any) -> Any:
    """Have something done inside the installation."""
    command = [sys.executable, "-m", "tests.tenants.soak.thousand", order, json.dumps(options)]
    done = subprocess.run(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def forgetful() -> requests.Session:
    """Keep the connection, but no cookies.

    Those of a thousand domains take the one who asks longer than the answer takes.
    """
    session = requests.Session()
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return session


@dataclass
class House:
    """An installation with tenants, and one web process that serves them on one connection."""

    made: Installation
    tenants: list[dict[str, str]]
    seconds: list[float]
    address: str = ""
    session: requests.Session = field(default_factory=forgetful)

    @classmethod
    def with_tenants(cls, made: Installation, count: int) -> "House":
        told = inside(made.env, "make", count=count)
        return cls(made, told["tenants"], told["seconds"])

    def ask(self, number: int, path: str) -> float:
        """Return how long an answer took [ms]."""
        one = self.tenants[number % len(self.tenants)]
        headers = {"Host": one["domain"], "Cookie": f"session={one['cookie']}"}
        if path.startswith("/api/"):
            headers = {"Host": one["domain"], "Authorization": f"Bearer {one['token']}"}
        began = time.perf_counter()
        answer = self.session.get(self.address + path, headers=headers, timeout=60)
        took = 1e3 * (time.perf_counter() - began)
        assert answer.status_code == 200, (one["domain"], path, answer.text[:300])
        return took

    def web_process(self) -> psutil.Process:
        """The one that answers: granian's only child."""
        port = self.address.rsplit(":", 1)[1]
        found = [p for p in psutil.process_iter(["cmdline"]) if port in (p.info["cmdline"] or ())]
        [child] = [p for one in found for p in one.children()] or found
        return child


@pytest.fixture(scope="module")
def houses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[House, House]]:
    home = tmp_path_factory.mktemp("houses")
    limits = dict.fromkeys(("API_RATE_PROGRAM", "API_RATE_TENANT", "API_RATE_REFUSED"), "0")
    with installation(home / "few", **limits) as few, installation(home / "many", **limits) as many:
        yield House.with_tenants(few, 2), House.with_tenants(many, TENANTS)


def test_a_tenant_is_made_quickly_however_many_there_are(houses: tuple[House, House]) -> None:
    _, many = houses
    first, last = median(many.seconds[1:101]), median(many.seconds[-100:])
    say(f"create_tenant: {first:.2f} s among 100, {last:.2f} s among {TENANTS:,}")
    assert last < 1.5


def test_requests_take_as_long_among_a_thousand_as_among_two(
    houses: tuple[House, House], tmp_path: Path
) -> None:
    few, many = houses
    # One connection for all rounds: a new one would have forgotten whom it has met.
    pool = {"DATABASE_POOL_SIZE": "1", "DATABASE_POOL_LIFETIME": "86400"}
    with (
        web(tmp_path / "few.log", threads=1, env=few.made.env | pool) as few.address,
        web(tmp_path / "many.log", threads=1, env=many.made.env | pool) as many.address,
    ):
        order = list(range(TENANTS))
        held = []
        for turn in range(3):
            random.Random(turn).shuffle(order)
            # What a process has seen of a tenant it knows the next time: PostgreSQL reads its
            # catalogue once for each connection.
            took: dict[str, tuple[list[float], list[float]]] = {q: ([], []) for q in QUESTIONS}
            for count, number in enumerate(order):
                for path in QUESTIONS:
                    one, other = (few, many) if (count + turn) % 2 else (many, few)
                    for house in (one, other):
                        took[path][house is many].append(house.ask(number, path))
            ratios = {path: median(b) / median(a) for path, (a, b) in took.items()}
            own = own_memory(many.web_process().pid), inside(many.made.env, "memory")
            held.append(own)
            told = ", ".join(
                f"{path.replace(str(MUID), '…')} {median(took[path][1]):.1f} ms ({ratio:.2f} ×)"
                for path, ratio in ratios.items()
            )
            say(f"round {turn + 1}: {told}; web {own[0]:.0f} MB, its backend {own[1]:.0f} MB")
    assert max(ratios.values()) < 1.2, "among tenants that were seen before"
    assert held[2][0] < 1.05 * held[1][0], "the web process stays as large as it is"
    assert held[2][1] < 1.05 * held[1][1], "and so does its connection's process"


def test_migrations_skip_what_is_up_to_date_and_go_on_where_they_were_broken_off(
    houses: tuple[House, House],
) -> None:
    _, many = houses
    began = time.perf_counter()
    code, out = migrate(many.made.env)
    took = time.perf_counter() - began
    say(f"migrate_schemas with nothing to do: {took:.1f} s")
    assert code == 0
    assert f"{TENANTS:,} of {TENANTS:,}".replace(",", "") in out, out
    assert took < 30

    inside(many.made.env, "leave_behind", count=BEHIND)
    with begin(many.made.env) as process:
        assert process.stdout
        for line in process.stdout:
            if line.startswith(f"[{BEHIND // 3}/"):
                break
        process.send_signal(signal.SIGKILL)
    wait_until(lambda: not running_migrations(), "what was under way has ended")
    code, out = migrate(many.made.env)
    assert code == 0, out
    left = [line for line in out.splitlines() if line.endswith("done")]
    say(f"killed after {BEHIND // 3} of {BEHIND}; {len(left)} were left for the next call")
    assert 0 < len(left) <= BEHIND - BEHIND // 3, out


def begin(env: dict[str, str]) -> "subprocess.Popen[str]":
    command = [sys.executable, "manage.py", "migrate_schemas"]
    return subprocess.Popen(
        command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def migrate(env: dict[str, str]) -> tuple[int, str]:
    with begin(env) as process:
        out, _ = process.communicate()
    return process.returncode, out


def running_migrations() -> bool:
    found = psutil.process_iter(["cmdline", "cwd"])
    return any("migrate_schemas" in (one.info["cmdline"] or ()) for one in found)


def say(words: str) -> None:
    print(f"\n{words}", end="")  # noqa: T201 - figures, for whoever waits for them
