"""PgBouncer between web and PostgreSQL: in session mode nothing mixes, another mode is refused."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from benchmarks.loading.bouncer import RESET, found, pgbouncer
from tests.ingestion.queue.installation import ROOT, Installation, installation
from tests.tenants.processes import web
from tests.tenants.soak.test_fifty import ask, inside

pytestmark = [
    pytest.mark.soak,
    pytest.mark.skipif(found() is None, reason="there is no pgbouncer on this machine"),
]
TENANTS, REQUESTS, THREADS = 6, 2_000, 8


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    limits = dict.fromkeys(("API_RATE_PROGRAM", "API_RATE_TENANT", "API_RATE_REFUSED"), "0")
    with installation(tmp_path_factory.mktemp("bounced"), **limits) as made:
        yield made


@pytest.fixture(scope="module")
def crowd(made: Installation) -> list[dict[str, object]]:
    return list(inside(made.env, "fill", first=0, stop=TENANTS, upstream="http://127.0.0.1:1"))


# Without a pool of its own each request of web is a session, on a connection that was another's
# before; and with one, sessions last. The first is tried without any reset as well.
@pytest.mark.parametrize(
    ("pool", "reset"), [("0", RESET), ("8", RESET), ("0", "")], ids=["no pool", "pool", "no reset"]
)
def test_in_session_mode_tenants_never_mix(
    made: Installation, crowd: list[dict[str, object]], tmp_path: Path, pool: str, reset: str
) -> None:
    with ExitStack() as stack:
        url = stack.enter_context(
            pgbouncer(made.env["DATABASE_URL"], connections=2 * THREADS, reset=reset)
        )
        env = made.env | {"DATABASE_URL": url, "DATABASE_POOL_SIZE": pool}
        addresses = [stack.enter_context(web(tmp_path / f"{n}.log", env=env)) for n in range(2)]
        orders = [
            {
                "tenants": crowd,
                "addresses": addresses,
                "times": REQUESTS // 2,
                "threads": THREADS,
                "seed": seed,
            }
            for seed in (1, 2)
        ]
        statuses, wrong = ask(made.env, orders)
    # Nobody works on what is asked for here, so all of it is a question of who sees what.
    assert wrong == []
    assert statuses.total() >= REQUESTS


@pytest.mark.parametrize(
    ("mode", "refused"), [("transaction", True), ("statement", True), ("session", False)]
)
def test_other_modes_are_refused(made: Installation, mode: str, refused: bool) -> None:
    with pgbouncer(made.env["DATABASE_URL"], mode=mode) as url:
        done = subprocess.run(
            [sys.executable, "manage.py", "check", "--database", "default"],
            cwd=ROOT,
            env=made.env | {"DATABASE_URL": url},
            capture_output=True,
            text=True,
        )
    assert (done.returncode != 0) == refused, done.stderr
    assert ("share one session of PostgreSQL" in done.stderr) == refused
