"""Web processes that are replaced as Kubernetes replaces pods, behind a front like its Services.

A Service leads each new connection to one of the pods that are ready, and leaves those that are
open where they are, whatever becomes of the pod. It hears of changes a little late.
"""

import asyncio
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import requests

from benchmarks.loading.site import image_command, with_our_python
from tests.deployment.rendering import one, render
from tests.ingestion.queue.installation import ROOT
from tests.tenants.processes import free_port, wait_until

# So long after a pod is marked as going it may still get new connections [s].
NEWS = 2.0
# So long a request is under way to a pod [s]: a pod that ends its connections meanwhile loses it.
WAY = 0.05


class Front:
    """Passes bytes on, each connection to the next of the ports that are in its list."""

    def __init__(self) -> None:
        self.ports: list[int] = []
        self.port = 0
        self._next = count()
        self._loop = asyncio.new_event_loop()
        self._up = threading.Event()
        threading.Thread(target=self._run, daemon=True).start()
        self._up.wait()

    def _run(self) -> None:
        async def listen() -> None:
            server = await asyncio.start_server(self._pass_on, "127.0.0.1", 0)
            self.port = server.sockets[0].getsockname()[1]
            self._up.set()
            await server.serve_forever()

        self._loop.run_until_complete(listen())

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        port = self.ports[next(self._next) % len(self.ports)]
        try:
            inner, outer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            # As the caller of a Service sees it.
            writer.transport.abort()
            return
        await asyncio.gather(_pump(reader, outer, WAY), _pump(inner, writer))
        for one_writer in (outer, writer):
            one_writer.close()


async def _pump(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: float = 0.0
) -> None:
    with suppress(OSError):
        while data := await reader.read(65_536):
            await asyncio.sleep(way)
            writer.write(data)
            await writer.drain()
        writer.write_eof()
        return
    # Cut off: so the other side hears of it.
    writer.transport.abort()


@dataclass
class Pod:
    """One web process as its manifest has it."""

    home: Path
    env: dict[str, str]
    number: int
    port: int = field(default_factory=free_port)
    process: "subprocess.Popen[bytes]" = field(init=False)

    def __post_init__(self) -> None:
        env = with_our_python(self.env)
        env |= {"PORT": str(self.port), "LEAVING_FILE": str(self.leaving)}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                image_command(), cwd=ROOT, env=env, stdout=log, stderr=log, start_new_session=True
            )

    @property
    def log(self) -> Path:
        return self.home / f"web-{self.number}.log"

    @property
    def leaving(self) -> Path:
        return self.home / f"leaving-{self.number}"

    def is_ready(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        with suppress(requests.RequestException):
            return requests.get(f"http://127.0.0.1:{self.port}/readyz", timeout=2).ok
        return False

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


class Deployment:
    """Two pods behind a front, and how the manifest says that they are replaced."""

    def __init__(self, home: Path, env: dict[str, str]) -> None:
        self.home, self.env, self.front = home, env, Front()
        spec = one(render("production"), "Deployment", "web")["spec"]["template"]["spec"]
        self.grace = spec["terminationGracePeriodSeconds"]
        [*_, words] = spec["containers"][0]["lifecycle"]["preStop"]["exec"]["command"]
        self.stop_words = words
        self.endings: list[float] = []
        self._numbers = count()
        self.pods = [self._made() for _ in range(2)]
        self.front.ports = [pod.port for pod in self.pods]

    def _made(self) -> Pod:
        pod = Pod(self.home, self.env, next(self._numbers))
        wait_until(pod.is_ready, "a pod is ready")
        return pod

    def roll(self) -> None:
        """Replace both, one after the other: the new one first, for none may be missing."""
        for old in list(self.pods):
            self.pods.append(self._made())
            self.front.ports.append(self.pods[-1].port)
            self._end(old)
            self.pods.remove(old)

    def _end(self, pod: Pod) -> None:
        began = time.monotonic()
        hook = subprocess.Popen(
            ["sh", "-c", self.stop_words], env={**os.environ, "LEAVING_FILE": str(pod.leaving)}
        )
        time.sleep(NEWS)
        self.front.ports.remove(pod.port)
        hook.wait()
        told = time.monotonic()
        pod.process.send_signal(signal.SIGTERM)
        code = pod.process.wait(self.grace - (told - began))
        assert code == 0, pod.log.read_text()
        self.endings.append(time.monotonic() - told)


@contextmanager
def deployment(home: Path, env: dict[str, str]) -> Iterator[Deployment]:
    made = Deployment(home, env)
    try:
        yield made
    finally:
        for pod in made.pods:
            pod.kill()
