"""What memory a web process and a worker hold that have answered and are at work."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import requests

ROOT = Path(__file__).resolve().parents[2]
WEB = (
    "granian --interface wsgi --host 127.0.0.1 --port {port} --workers 1 --blocking-threads 4 "
    "--no-access-log --log-level error config.wsgi:application"
)
WORKER = (
    "celery --quiet -A config.celery worker --concurrency {children} --loglevel ERROR "
    "--without-gossip --without-mingle --queues capacity"
)
CHILDREN = 2


def memory(host: str, pages: list[tuple[str, dict[str, str]]]) -> tuple[float, float]:
    """Start a web process and a worker; return what each process of theirs holds [B].

    What several share is shared out among them.
    """
    port = _free_port()
    with _started(WEB.format(port=port), DATABASE_POOL_SIZE="8") as web:
        _answers(port)
        for path, headers in pages:
            answer = requests.get(
                f"http://127.0.0.1:{port}{path}", headers={"Host": host, **headers}, timeout=60
            )
            assert answer.ok, answer.text[:300]
        of_web = _held(web)
    with _started(WORKER.format(children=CHILDREN)) as worker:
        deadline = time.monotonic() + 60
        while len(psutil.Process(worker.pid).children()) < CHILDREN:
            assert time.monotonic() < deadline, "the worker has not begun"
            time.sleep(0.1)
        time.sleep(1)
        of_worker = _held(worker) / CHILDREN
    return of_web, of_worker


@contextmanager
def _started(command: str, **more: str) -> Iterator["subprocess.Popen[bytes]"]:
    env = os.environ | {"METRICS_PORT": "0", **more}
    running = subprocess.Popen([sys.executable, "-m", *command.split()], cwd=ROOT, env=env)
    try:
        yield running
    finally:
        running.terminate()
        running.wait(30)


def _held(started: "subprocess.Popen[bytes]") -> float:
    process = psutil.Process(started.pid)
    everyone = [process, *process.children(recursive=True)]
    return float(sum(one.memory_full_info().pss for one in everyone))


def _answers(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if requests.get(f"http://127.0.0.1:{port}/healthz", timeout=2).ok:
                return
        except requests.RequestException:
            time.sleep(0.1)
    raise AssertionError("the web process does not answer")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
