"""The processes of an installation, started for a test against its own database and Redis."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import requests
from django.conf import settings
from django.db import connection

PYTHON = sys.executable


def environment(**more: str) -> dict[str, str]:
    """What a process needs to work on the test's database and Redis."""
    server = connection.settings_dict
    account = f"{quote(str(server['USER']))}:{quote(str(server['PASSWORD']))}"
    return os.environ | {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DATABASE_URL": f"postgres://{account}@{server['HOST']}:{server['PORT']}/{server['NAME']}",
        "REDIS_URL": settings.REDIS_URL,
        "LOG_LEVEL": "WARNING",
        # Trials ask faster than any program should.
        "API_RATE_PROGRAM": "0",
        "API_RATE_TENANT": "0",
        "API_RATE_REFUSED": "0",
        "PYTHONPATH": str(settings.BASE_DIR),
        **more,
    }


def wait_until(what: Callable[[], Any], words: str, seconds: float = 90) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := what():
            return found
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds} s: {words}")


@contextmanager
def process(log: Path, *command: str, env: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process for as long as the block lasts; what it says goes into a file."""
    with log.open("wb") as out:
        running = subprocess.Popen(
            [PYTHON, "-m", *command],
            cwd=settings.BASE_DIR,
            env=env,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
        try:
            yield running
        finally:
            running.terminate()
            try:
                running.wait(10)
            except subprocess.TimeoutExpired:
                running.kill()
                running.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def web(
    log: Path, *, threads: int = 4, host: str = "127.0.0.1", env: dict[str, str]
) -> Iterator[str]:
    """Serve as the Procfile does; give the address."""
    port = free_port()
    address = f"http://{host}:{port}"
    command = (
        f"granian --interface wsgi --http 1 --host {host} --port {port} --workers 1 "
        f"--blocking-threads {threads} --http1-header-read-timeout 5000 --http1-buffer-size 65536 "
        "--no-access-log --log-level warning config.wsgi:application"
    )

    def answers() -> bool:
        try:
            return requests.get(f"{address}/healthz", timeout=2).ok
        except requests.RequestException:
            return False

    with process(log, *command.split(), env=env) as running:
        wait_until(lambda: running.poll() is not None or answers(), f"an answer: {log.read_text()}")
        assert running.poll() is None, log.read_text()
        yield address


@contextmanager
def worker(
    log: Path, *, queue: str, concurrency: int, **more: str
) -> Iterator[subprocess.Popen[bytes]]:
    """Work as the Procfile does, on a queue of the test's own."""
    command = (
        "celery --quiet -A tests.tenants.queue_app worker --loglevel INFO --without-gossip "
        f"--without-mingle --concurrency {concurrency} --queues {queue}"
    )
    env = environment(TEST_QUEUE=queue, LOG_LEVEL="INFO", **more)
    with process(log, *command.split(), env=env) as running:
        wait_until(
            lambda: running.poll() is not None or " ready" in log.read_text(), "the worker is ready"
        )
        assert running.poll() is None, log.read_text()
        yield running
