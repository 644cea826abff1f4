"""The user's side: take a lease, and ask for a keeper where there is none."""

import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from config.embedded.accounts import CHECKOUT
from config.embedded.files import (
    POLL,
    EmbeddedError,
    Lock,
    above_standard,
    errors_in_words,
    exclusive,
    open_log,
    private_folder,
    tail,
)
from config.embedded.keeper import HANDOVER_PATIENCE
from config.embedded.postgres import Postgres
from config.embedded.redis import Redis
from config.embedded.server import START_PATIENCE, Server, State

PATIENCE = START_PATIENCE + HANDOVER_PATIENCE  # seconds for a server to answer


class Lease:
    """The right to use servers: they run until it is closed, or its process has ended.

    Processes forked from its holder hold it too, as long as they live.
    """

    def __init__(self) -> None:
        self.database_url: str | None = None
        self.redis_url: str | None = None
        self._locks: list[Lock] = []

    def variables(self) -> dict[str, str]:
        """What the leased servers are called in the environment."""
        named = {"DATABASE_URL": self.database_url, "REDIS_URL": self.redis_url}
        return {name: url for name, url in named.items() if url is not None}

    def hand_down(self) -> None:
        """Let the program that this process becomes (`os.exec*`) hold the lease."""
        for lock in self._locks:
            os.set_inheritable(lock.descriptor, True)

    def hold(self, lock: Lock) -> None:
        """Keep one server's `users.lock` with this lease."""
        self._locks.append(lock)

    def close(self) -> None:
        """Give it back. The servers end two seconds after the last lease."""
        for lock in self._locks:
            lock.close()
        self._locks.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


@dataclass(frozen=True)
class ServerStatus:
    """One server as it is now."""

    title: str
    version: str
    port: int | None  # None: it does not run
    pid: int | None
    kept: bool  # whether its keeper lives; the next lease brings one
    durable: bool
    data: Path
    users: tuple[int, ...]  # process ids of the lease holders, where the system tells (Linux)


class Embedded:
    """The servers of one home. Making the object touches nothing.

    `durable=False` is for tests: no fsync, so that the data survive a killed server but not a
    crash of the machine.
    """

    def __init__(self, home: Path, *, durable: bool = True) -> None:
        self.home = home.resolve()
        self.durable = durable

    @property
    def postgres(self) -> Postgres:
        """PostgreSQL in this home, as it is now."""
        return Postgres(self.home, durable=self.durable)

    @property
    def redis(self) -> Redis:
        """Redis in this home, as it is now."""
        return Redis(self.home, durable=self.durable)

    @property
    def servers(self) -> tuple[Server, Server]:
        """Both, in the order in which they are started."""
        return self.postgres, self.redis

    def lease(self, *, postgres: bool = True, redis: bool = True) -> Lease:
        """Take a lease on the servers asked for, and start what does not run.

        Returns when they answer. To be used as a context manager, or closed.

        Raises
        ------
        EmbeddedError
            If one cannot be started; the text says why and what mends it.
        """
        lease = Lease()
        try:
            with errors_in_words(self.home):
                # A missing wheel is told before anything is made or started.
                for server, wanted in zip(self.servers, (postgres, redis), strict=True):
                    if wanted:
                        server.version()
                if postgres:
                    lease.database_url = self._use(self.postgres, lease)
                if redis:
                    lease.redis_url = self._use(self.redis, lease)
        except BaseException:
            lease.close()
            raise
        return lease

    def status(self) -> list[ServerStatus]:
        """What runs, and who uses it. Starts and locks nothing."""
        with errors_in_words(self.home):
            return [_status(server) for server in self.servers]

    def stop(self) -> list[str]:
        """End the servers, whoever uses them; returns the titles of those that ran."""
        with errors_in_words(self.home):
            return [server.title for server in self.servers if _stop(server)]

    def delete(self) -> None:
        """End the servers and remove all their data, and this home's secrets."""
        self.stop()
        with errors_in_words(self.home):
            for server in self.servers:
                for folder in {server.place, server.folder}:
                    if folder.exists():
                        shutil.rmtree(folder)
            for name in ("secrets.json", "secrets.lock"):
                (self.home / name).unlink(missing_ok=True)
            with suppress(OSError):  # there may be somebody's other files in it
                self.home.rmdir()

    def _use(self, server: Server, lease: Lease) -> str:
        private_folder(server.home)
        private_folder(server.folder)
        users = Lock(server.folder / "users.lock")
        lease.hold(users)
        # First the lock: from here on the keeper that runs will not end for want of users.
        if not users.take(shared=True, timeout=HANDOVER_PATIENCE):
            raise EmbeddedError(f"{server.title} in {self.home} takes too long to end.")
        state = (_is_kept(server) and _answering(server)) or _started(server)
        if server.durable and not state.durable:
            raise EmbeddedError(
                f"{server.title} in {self.home} runs without fsync (LASTGANG_EMBEDDED_FSYNC=off). "
                "Set the same here, or wait until its users have gone, or set LASTGANG_HOME to "
                "another folder."
            )
        return server.url(state.port)


def _is_kept(server: Server) -> bool:
    lock = Lock(server.folder / "keeper.lock")
    try:
        # Shared, so that two who ask at once do not take each other for the keeper.
        return not lock.take(shared=True)
    finally:
        lock.close()


def _answering(server: Server) -> State | None:
    """The state, unless the server has died in this moment and its keeper does not know yet."""
    state = server.state()
    if state is not None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", state.port), timeout=5):
            return state
    return None


def _started(server: Server) -> State:
    with exclusive(server.folder / "start.lock", timeout=PATIENCE):
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if not _is_kept(server):
                _spawn_keeper(server)
            elif state := _answering(server):
                return state
            time.sleep(POLL)
    raise EmbeddedError(f"{server.title} does not answer. Its log ends with\n{tail(server.log)}")


def _spawn_keeper(server: Server) -> None:
    ready, writer = map(above_standard, os.pipe())
    log = open_log(server.keeper_log)
    start = os.fstat(log).st_size
    command = [sys.executable, "-m", "config.embedded", "keep", server.name, str(server.home)]
    command += [str(writer), "durable" if server.durable else "fast"]
    try:
        subprocess.run(
            command,
            cwd=CHECKOUT,
            env=_keeper_environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=[writer],
            start_new_session=True,
            check=False,
        )
        os.close(writer)
        writer = -1
        answer = b""
        while select.select([ready], [], [], PATIENCE)[0] and (part := os.read(ready, 65_536)):
            answer += part
    finally:
        for descriptor in (ready, log, writer):
            if descriptor >= 0:
                os.close(descriptor)
    if answer != b"ready":
        text = answer.decode(errors="replace") or (
            f"The keeper of {server.title} failed. Its log, {server.keeper_log}, ends with\n"
            f"{tail(server.keeper_log, start)}"
        )
        raise EmbeddedError(text)


def _keeper_environment() -> dict[str, str]:
    # It outlives who starts it, so it gets what it needs and no secrets.
    kept = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "LANG", "LASTGANG_POSTGRES_USER")
    environment = {
        name: value
        for name, value in os.environ.items()
        if name in kept or name.startswith(("LC_", "PYTHON"))
    }
    above = environment.get("PYTHONPATH")
    environment["PYTHONPATH"] = f"{CHECKOUT}{os.pathsep}{above}" if above else str(CHECKOUT)
    return environment


def _status(server: Server) -> ServerStatus:
    version = server.version()
    kept = (server.folder / "keeper.lock").exists() and _is_kept(server)
    state = server.state()
    if state and not kept and state.pid not in server.processes():
        state = None  # left by a keeper that was killed with its server
    return ServerStatus(
        title=server.title,
        version=version,
        port=state.port if state else None,
        pid=state.pid if state else None,
        kept=kept,
        durable=state.durable if state else server.durable,
        data=server.data,
        users=_holders(server.folder / "users.lock"),
    )


def _holders(path: Path) -> tuple[int, ...]:
    with suppress(OSError):
        inode = f":{path.stat().st_ino}"
        fields = [line.split() for line in Path("/proc/locks").read_text().splitlines()]
        return tuple(
            sorted(
                {int(line[4]) for line in fields if line[3] == "READ" and line[5].endswith(inode)}
            )
        )
    return ()


def _stop(server: Server) -> bool:
    if not server.folder.is_dir():
        return False
    life = Lock(server.folder / "keeper.lock")
    try:
        # A moment's patience: somebody may just be asking whether there is a keeper.
        ran = not life.take(timeout=0.1)
        ended = not ran
        deadline = time.monotonic() + HANDOVER_PATIENCE
        while not ended:
            pid = os.pread(life.descriptor, 20, 0).decode().strip()
            if _is_keeper(pid):
                with suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGTERM)
            ended = life.take(timeout=0.5)
            if not ended and time.monotonic() > deadline:
                raise EmbeddedError(f"The keeper of {server.title}, process {pid}, does not end.")
        return _end_orphan(server) or ran
    finally:
        life.close()


def _is_keeper(pid: str) -> bool:
    """Whether the number in `keeper.lock` is still that of a keeper, and not of a stranger."""
    if not pid.isdigit():
        return False
    if not Path("/proc/self/cmdline").exists():
        return True
    with suppress(OSError):
        return b"config.embedded" in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False


def _end_orphan(server: Server) -> bool:
    """End a server whose keeper was killed. The caller holds the keeper's lock."""
    if not (server.place / "server.lock").exists():
        return False
    lock = Lock(server.place / "server.lock")
    try:
        if lock.take():
            return False
        server.end(server.leader(), lock)
        server.unpublish()
        return True
    finally:
        lock.close()
