"""An installation as in production: servers of its own, web processes started as by the image."""

import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from socket import socket
from tempfile import mkdtemp
from typing import Any

import psutil

from config.embedded import Embedded

ROOT = Path(__file__).resolve().parents[2]
DOMAIN = "load.example"


def image_command() -> list[str]:
    """What the image starts for web, as its Dockerfile has it."""
    *_, words = re.findall(r"^CMD (.*)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    return list(json.loads(words))


def with_our_python(env: dict[str, str]) -> dict[str, str]:
    """Have `python` in a command be the one that runs this."""
    return env | {"PATH": f"{Path(sys.executable).parent}:{env.get('PATH', os.defpath)}"}


@dataclass
class Running:
    """A process of the installation, with all that it has started."""

    process: "subprocess.Popen[bytes]"
    port: int = 0

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


@dataclass
class Site:
    """Servers, the environment of processes, and who can be asked for."""

    home: Path
    env: dict[str, str]
    postgres: int
    redis: int
    tenants: list[dict[str, Any]] = field(default_factory=list)

    def call(self, *command: str) -> str:
        """Run a Python command inside to its end; return what it printed."""
        done = subprocess.run(
            [sys.executable, *command], cwd=ROOT, env=self.env, stdout=subprocess.PIPE, check=True
        )
        return done.stdout.decode()

    @contextmanager
    def process(self, name: str, command: list[str], **env: str) -> Iterator[Running]:
        with (self.home / f"{name}.log").open("ab") as log:
            running = Running(
                subprocess.Popen(
                    command,
                    cwd=ROOT,
                    env=with_our_python(self.env | env),
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            )
        try:
            yield running
        finally:
            running.stop()

    @contextmanager
    def web(self, command: list[str] | None = None, **env: str) -> Iterator[Running]:
        """Serve on a free port; it answers when the block begins."""
        port = free_port()
        with self.process(
            f"web-{port}", command or image_command(), **env, PORT=str(port)
        ) as running:
            running.port = port
            deadline = time.monotonic() + 60
            while not is_ready(running.address):
                if running.process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError((self.home / f"web-{port}.log").read_text()[-2000:])
                time.sleep(0.1)
            yield running


def free_port() -> int:
    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_ready(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://{address}/readyz", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


@contextmanager
def site(*, tenants: int, meters: int) -> Iterator[Site]:
    """Set one up with tenants, each with meters and a year of readings; nothing of it stays."""
    home = Path(mkdtemp(prefix="lastgang-load-"))
    servers = Embedded(home / "servers")
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, home, ignore_errors=True)
        stack.callback(servers.delete)
        lease = stack.enter_context(servers.lease())
        env = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": os.environ.get("HOME", "/"),
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "PYTHONPATH": str(ROOT),
            "PYTHONDONTWRITEBYTECODE": "1",
            "LASTGANG_ENV": "production",
            "SECRET_KEY": secrets.token_urlsafe(50),
            "FIELD_ENCRYPTION_KEYS": urlsafe_b64encode(secrets.token_bytes(32)).decode(),
            "PUBLIC_DOMAIN": DOMAIN,
            "HTTPS": "off",
            "LOG_LEVEL": "WARNING",
            # The upstream of the trial is on this machine.
            "UPSTREAM_ALLOW": "127.0.0.0/8",
            # As many requests as there are come from a few programs.
            **dict.fromkeys(("API_RATE_PROGRAM", "API_RATE_TENANT"), "1000000"),
            **lease.variables(),
        }
        pids = [
            json.loads((home / "servers" / name / "state.json").read_text())["pid"]
            for name in ("postgres", "redis")
        ]
        made = Site(home, env, *pids)
        made.call("manage.py", "migrate_schemas", "--shared", "--verbosity", "0")
        made.call("manage.py", "collectstatic", "--noinput", "--verbosity", "0")
        told = made.call("-m", "benchmarks.loading.crowd", str(tenants), str(meters))
        made.tenants = json.loads(told)
        yield made


@dataclass(frozen=True)
class Spent:
    """Processor time of processes and all that they have started [s]."""

    seconds: dict[str, float]

    @classmethod
    def by(cls, pids: dict[str, list[int]]) -> "Spent":
        return cls({name: sum(map(_seconds, some)) for name, some in pids.items()})

    def __sub__(self, before: "Spent") -> "Spent":
        return Spent({name: now - before.seconds[name] for name, now in self.seconds.items()})


def _seconds(pid: int) -> float:
    """What a process, its children and those that have ended have spent [s]."""
    total = 0.0
    own = psutil.Process(pid)
    for one in (own, *own.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            total += sum(one.cpu_times()[:4])
    return total


def memory(pid: int) -> float:
    """What a process and its children share with nobody [MB]."""
    own = psutil.Process(pid)
    return sum(
        float(one.memory_full_info().uss) / 1e6 for one in (own, *own.children(recursive=True))
    )
