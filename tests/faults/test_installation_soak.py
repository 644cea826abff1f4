"""A whole installation, web, worker and scheduler, whose servers go and come back under load."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

import psycopg
import pytest
import requests

from config.embedded import Embedded
from tests.faults.victims import Victim
from tests.ingestion.queue.installation import (
    ROOT,
    SCHEDULER,
    WORKER,
    Installation,
    installation,
)
from tests.ingestion.queue.test_processes import START, expected, muids, serving
from tests.ingestion.upstreams import answering
from tests.tenants.processes import free_port, wait_until

pytestmark = pytest.mark.soak
METERS, DAYS = 6, 20
# So many that their days find no room in the pages that the tables have.
MANY = 80


class Product:
    """An installation with two tenants that are asked all the time, and what they answered."""

    def __init__(self, made: Installation, home: Path) -> None:
        self.made, self.port = made, free_port()
        servers = Embedded(home / "servers", durable=False)
        self.postgres, self.redis = Victim(servers, "postgres"), Victim(servers, "redis")
        self.tokens = {slug: self._tenant(slug) for slug in ("acme", "nordwind")}
        self.answers: list[tuple[float, int, float, str]] = []
        self.sources = 0
        made.env |= {"DATABASE_POOL_SIZE": "4", "API_RATE_PROGRAM": "0", "API_RATE_TENANT": "0"}
        made.start(
            "web",
            f"granian --interface wsgi --http 1 --host 127.0.0.1 --port {self.port} --workers 1 "
            "--blocking-threads 4 --no-access-log --log-level warning config.wsgi:application",
        )
        made.start("worker", f"{WORKER} --concurrency 2")
        made.start("scheduler", f"{SCHEDULER} --schedule {home}/schedule")
        wait_until(self.is_well, "it answers", 90)

    def _tenant(self, slug: str) -> str:
        done = subprocess.run(
            [sys.executable, "manage.py", "create_tenant", slug, "--email", f"a@{slug}.example"],
            cwd=ROOT,
            env=self.made.env,
            capture_output=True,
            text=True,
            check=True,
        )
        return next(line.split()[-1] for line in done.stdout.splitlines() if "API token" in line)

    def ask(self, slug: str) -> tuple[int, str]:
        headers = {"Host": f"{slug}.localhost", "Authorization": f"Bearer {self.tokens[slug]}"}
        address = f"http://127.0.0.1:{self.port}/api/v1/me/"
        found = requests.get(address.replace("me/", "sources/"), headers=headers, timeout=60)
        return found.status_code, found.text

    def is_well(self) -> bool:
        try:
            return all(self.ask(slug)[0] == 200 for slug in self.tokens)
        except requests.RequestException:
            return False

    @contextmanager
    def asked(self, callers: int = 6) -> Iterator[None]:
        """Ask both tenants all the time; every answer is right or says that it can't be."""
        over = threading.Event()
        self.answers.clear()

        def ask(number: int) -> None:
            while not over.is_set():
                slug = ("acme", "nordwind")[number % 2]
                began = time.monotonic()
                status, text = self.ask(slug)
                self.answers.append((began, status, time.monotonic() - began, slug + "|" + text))
                time.sleep(0.02)

        threads = [threading.Thread(target=ask, args=[n]) for n in range(callers)]
        for one in threads:
            one.start()
        try:
            yield
        finally:
            over.set()
            for one in threads:
                one.join()
        for _, status, seconds, text in self.answers:
            slug, _, body = text.partition("|")
            other = {"acme": "nordwind", "nordwind": "acme"}[slug]
            assert status in {200, 503}, (status, body[:300])
            assert seconds < 12, (status, seconds)
            assert f"of {other}" not in body, "never another tenant's"

    def ingest(self, slug: str, address: str, meters: int = METERS) -> None:
        self.sources += 1
        self.made.do(
            "make_source",
            schema=slug,
            address=address,
            muids=muids(1000 * self.sources, meters),
            backfill_from=START.isoformat(),
            limit=10_000,
        )

    def is_done(self, slug: str, runs: int = 1) -> bool:
        """Whether so many runs or more were planned, and all of them succeeded."""
        states = [state for _, state, *_ in self.made.do("runs", schema=slug)]
        return len(states) >= runs and set(states) == {"succeeded"}

    def log(self, name: str) -> str:
        return (self.made.home / f"{name}.log").read_text()


@pytest.fixture(scope="module")
def product() -> Iterator[Product]:
    # A folder that PostgreSQL's user can reach also where the tests run as root.
    home = Path(mkdtemp(prefix="lastgang-"))
    home.chmod(0o755)
    try:
        with installation(home, INGESTION_DISPATCH="1", INGESTION_SLICE="2") as made:
            yield Product(made, home)
    finally:
        rmtree(home, ignore_errors=True)


@pytest.mark.parametrize("how", ["stop", "crash"])
def test_postgres_restarted_under_load(product: Product, how: str) -> None:
    with answering(serving(DAYS)) as upstream:
        product.ingest("acme", upstream.address)
        with product.asked():
            time.sleep(2)
            getattr(product.postgres, how)()
            gone = time.monotonic()
            time.sleep(12)
            product.postgres.start()
            back = time.monotonic()
            time.sleep(6)
        during = [one for one in product.answers if gone + 0.5 < one[0] < back - 1]
        after = [one for one in product.answers if one[0] > back + 4]
        assert {status for _, status, *_ in during} == {503}
        assert len(during) > 100, "refused at once, not after a wait each"
        assert {status for _, status, *_ in after} == {200}, "by itself, within seconds"
        wait_until(
            lambda: product.is_done("acme", product.sources), f"the run: {product.made.log()}", 120
        )
    told = product.made.do("counts", schema="acme")
    assert len(told["meters"]) == METERS * product.sources
    assert told["corrected"] == told["revisions"] == 0
    assert told["meters"] == sorted(
        one
        for number in range(1, product.sources + 1)
        for one in expected(1000 * number, METERS, DAYS)
    )


def test_redis_gone_for_long_and_back_empty(product: Product) -> None:
    with answering(serving(DAYS)) as upstream, product.asked():
        wait_until(product.is_well, "all is well", 60)
        product.redis.stop()
        product.ingest("acme", upstream.address)
        time.sleep(20)
        assert product.made.do("runs", schema="acme")[-1][1] in {"queued", "succeeded"}
        for path in product.redis.server.data.glob("appendonly*"):
            path.unlink() if path.is_file() else rmtree(path)
        product.redis.start()
        wait_until(
            lambda: product.is_done("acme", product.sources), f"the run: {product.made.log()}", 120
        )
    assert {status for _, status, *_ in product.answers} == {200}


@pytest.mark.skipif(os.geteuid() != 0, reason="a disk of its own takes root to mount")
@pytest.mark.parametrize("what", ["tables", "log"])
def test_disk_really_full(what: str) -> None:
    """With room again all of it is stored, once.

    Where the tables find no room the run waits; where PostgreSQL's own log finds none, the server
    is down until there is some.
    """
    home = Path(mkdtemp(prefix="lastgang-"))
    home.chmod(0o755)
    disk, folder = home / "disk", home / "servers" / "postgres"
    for one in (disk, home / "servers", folder):
        one.mkdir()
        one.chmod(0o711)
    mount = ["mount", "-t", "tmpfs", "-o", "size=320m,mode=0711", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        rmtree(home)
        pytest.skip("this machine lets nobody mount a disk")
    place_on(disk / "place", folder)
    try:
        with installation(home, INGESTION_DISPATCH="1", INGESTION_SLICE="2") as made:
            product = Product(made, home)
            with answering(serving(DAYS)) as upstream:
                # Tables with some pages: what is planned finds room, what is stored does not.
                product.ingest("acme", upstream.address)
                wait_until(lambda: product.is_done("acme"), f"the first run: {made.log()}", 120)
                made.kill("worker")
                product.ingest("acme", upstream.address, MANY)
                ballast = disk / "ballast"
                fill(ballast)
                made.start("worker", f"{WORKER} --concurrency 1")
                with product.asked(2):

                    def is_noticed() -> bool:
                        # What a checkpoint gives back is taken as well.
                        fill(ballast)
                        if what == "log":
                            write_log(made)
                            return not product.is_well()
                        return "run waits" in product.log("worker") or not product.is_well()

                    wait_until(is_noticed, "there is no room", 120)
                    time.sleep(5)
                    ballast.unlink()
                wait_until(
                    lambda: product.is_done("acme", runs=2), f"the second run: {made.log()}", 180
                )
            told = made.do("counts", schema="acme")
            assert told["meters"] == sorted(
                expected(1000, METERS, DAYS) + expected(2000, MANY, DAYS)
            ), (told, made.do("runs", schema="acme"), made.log())
            assert told["corrected"] == told["revisions"] == 0
            assert product.is_well()
            waited = product.log("worker").count("run waits")
            refused = sum(status == 503 for _, status, *_ in product.answers)
            print(f"waited {waited} times, {refused} of {len(product.answers)} requests refused")  # noqa: T201
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=False)
        rmtree(home, ignore_errors=True)


def write_log(made: Installation) -> None:
    """Have PostgreSQL's log of changes grow by 60 MB that no table needs, or by what there is."""
    with (
        suppress(psycopg.Error),
        psycopg.connect(
            made.env["DATABASE_URL"].replace("//lastgang:", "//postgres:"), autocommit=True
        ) as session,
    ):
        for _ in range(30):
            session.execute("SELECT pg_logical_emit_message(false, 'log', repeat('x', 2000000))")


def place_on(place: Path, folder: Path) -> None:
    """Have an embedded PostgreSQL that is not made yet keep its data elsewhere."""
    place.mkdir()
    place.chmod(0o711)
    (place / "home.new").write_bytes(os.fsencode(folder.resolve()))
    (folder / "place").write_bytes(os.fsencode(place))


def fill(ballast: Path) -> None:
    """Fill the disk to the last byte."""
    with ballast.open("ab", buffering=0) as file:
        for size in (1_000_000, 1_000):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                continue
