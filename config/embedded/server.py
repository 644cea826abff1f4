"""What PostgreSQL and Redis have in common: a folder, a port, a start and an end."""

import functools
import json
import os
import random
import secrets
import signal
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar

from config.embedded.accounts import Account, fingerprint
from config.embedded.files import (
    POLL,
    EmbeddedError,
    Lock,
    disk_full,
    exclusive,
    open_log,
    private_folder,
    tail,
    write_private,
)

START_PATIENCE = 120.0  # seconds: PostgreSQL may have a crash to recover from first
STOP_PATIENCE = 30.0
KILL_PATIENCE = 30.0

# Below the range from which Linux takes the ports of outgoing connections: within it, a client
# that retries while its server restarts can be given the server's own port, and block it.
PORTS = range(20_000, 32_000)


class StartError(EmbeddedError):
    """The server did not come up."""


@dataclass(frozen=True)
class State:
    """What a keeper says of its server, while it answers."""

    pid: int
    port: int
    durable: bool


@dataclass
class Running:
    """A server process: a child of this keeper, or one that an earlier keeper left."""

    pid: int
    port: int
    child: subprocess.Popen[bytes] | None = None


class Server(ABC):
    """One server of one home. Making the object touches nothing."""

    name: ClassVar[str]
    title: ClassVar[str]
    program: ClassVar[str]
    polite: ClassVar[signal.Signals]

    def __init__(self, home: Path, *, durable: bool = True) -> None:
        self.home = home
        self.durable = durable
        self.folder = home / self.name
        self.log = self.folder / "server.log"
        self.keeper_log = self.folder / "keeper.log"

    # What each server says of itself

    @abstractmethod
    def url(self, port: int) -> str:
        """The address for clients, password included."""

    @abstractmethod
    def version(self) -> str:
        """The version of the installed program; raises EmbeddedError where it is missing."""

    @abstractmethod
    def account(self) -> Account | None:
        """Whom to run as, where not as the current user."""

    @abstractmethod
    def prepare(self, lock: Lock, /) -> None:
        """Make the data folder, where there is none. The caller holds `lock`, the server's."""

    @abstractmethod
    def command(self, port: int, /) -> list[str]:
        """The command line, which everybody on the machine can read."""

    def configuration(self, _port: int, /) -> bytes:
        """What the server reads from its standard input."""
        return b""

    @abstractmethod
    def answers(self, port: int, pid: int, /) -> bool:
        """Whether this process answers on this port."""

    # Where things are

    @functools.cached_property
    def password(self) -> str:
        """The password of the server, made with the home."""
        return secret(self.home, self.name)

    @property
    def place(self) -> Path:
        """The folder that holds the data."""
        return self.folder

    @property
    def data(self) -> Path:
        """The server's own folder, in which it runs."""
        return self.place / "data"

    @property
    def tag(self) -> str:
        """A word on the command line of this server and its children, and of no other."""
        return f"lastgang-{fingerprint(self.place)}"

    def settle(self) -> None:
        """Make sure that there is a place."""
        private_folder(self.home)
        private_folder(self.folder)

    def state(self) -> State | None:
        """What the keeper says; None while the server does not answer."""
        try:
            return State(**json.loads((self.folder / "state.json").read_bytes()))
        except (FileNotFoundError, NotADirectoryError, ValueError, TypeError):
            return None

    def publish(self, running: Running) -> None:
        """Say where the server answers."""
        state = State(running.pid, running.port, self.durable)
        write_private(self.folder / "port", str(running.port).encode())
        write_private(self.folder / "state.json", json.dumps(asdict(state)).encode())

    def unpublish(self) -> None:
        """Say that it does not answer."""
        (self.folder / "state.json").unlink(missing_ok=True)

    def ports(self) -> Iterator[int]:
        """Ports to try: that of last time, then others, in this home's own order."""
        with suppress(OSError, ValueError):
            yield int((self.folder / "port").read_text())
        order = random.Random(f"{self.folder}")  # noqa: S311  (no secret, only the same each time)
        yield from order.sample(PORTS, 200)

    # Starting and ending, by the keeper

    def launch(self, port: int, lock: Lock, give_up: Callable[[], bool]) -> Running:
        """Start the server and wait until it answers.

        The server inherits `lock`, and all its children from it, so that the lock tells when the
        last of them has gone, whatever became of the keeper.
        """
        start = self.log.stat().st_size if self.log.exists() else 0
        child = self.spawn(self.command(port), lock, cwd=self.data, stdin=subprocess.PIPE)
        assert child.stdin is not None
        with suppress(BrokenPipeError), child.stdin as stream:
            stream.write(self.configuration(port))
        deadline = time.monotonic() + START_PATIENCE
        while not self.answers(port, child.pid):
            if child.poll() is not None:
                raise StartError(self.failure(start))
            if give_up() or time.monotonic() > deadline:
                child.kill()
                child.wait()
                if give_up():
                    raise StartError(f"{self.title} was stopped while it started.")
                raise StartError(f"{self.title} takes too long to start.\n{tail(self.log, start)}")
            time.sleep(POLL)
        return Running(child.pid, port, child)

    def spawn(
        self, command: list[str], lock: Lock, *, cwd: Path, stdin: int
    ) -> subprocess.Popen[bytes]:
        """Start one of the server's programs, as its account and in an environment of its own."""
        account = self.account()
        output = open_log(self.log)
        try:
            return subprocess.Popen(
                command,
                cwd=cwd,
                env=clean_environment(),
                stdin=stdin,
                stdout=output,
                stderr=output,
                pass_fds=[lock.descriptor],
                user=account.uid if account else None,
                group=account.gid if account else None,
                extra_groups=[] if account else None,
                umask=0o077,
            )
        except OSError as error:
            raise StartError(f"{command[0]} cannot be run: {error.strerror}.") from error
        finally:
            os.close(output)

    def failure(self, start: int) -> str:
        """Why it did not come up, from what its log says from byte `start` on."""
        text = tail(self.log, start)
        if "No space left on device" in text:
            return disk_full(self.place)
        return f"{self.title} did not start. Its log, {self.log}, ends with\n{text}"

    def leader(self) -> int | None:
        """The main process of a server whose keeper has gone."""
        found = self.processes()
        state = self.state()
        return state.pid if state and state.pid in found else next(iter(found), None)

    def adopt(self) -> Running | None:
        """The server that an earlier keeper left, if it is as good as a new one."""
        state = self.state()
        if (
            state
            and state.durable == self.durable
            and state.pid in self.processes()
            and self.answers(state.port, state.pid)
        ):
            return Running(state.pid, state.port)
        return None

    def alive(self, running: Running) -> bool:
        """Whether the main process is there."""
        if running.child is not None:
            return running.child.poll() is None
        return running.pid in self.processes()

    def end(self, leader: int | None, lock: Lock) -> None:
        """End the server, politely at first, and return holding `lock`: all of it has gone."""
        if leader is not None:
            with suppress(ProcessLookupError):
                os.kill(leader, self.polite)
            if lock.take(timeout=STOP_PATIENCE):
                return
        deadline = time.monotonic() + KILL_PATIENCE
        while time.monotonic() < deadline:
            for pid in self.processes():
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            if lock.take(timeout=0.5):
                return
        raise EmbeddedError(f"Something of {self.title} still runs on {self.data}.")

    def processes(self) -> list[int]:
        """The processes of this server, known by its tag: they may have another user and parent."""
        return sorted(pid for pid, words in running_programs(self.program) if self.tag in words)


def running_programs(program: str) -> Iterator[tuple[int, str]]:
    """The process id and command line of everything that runs `program`. Zombies have none."""
    proc = Path("/proc")
    if (proc / "self" / "comm").exists():
        for entry in proc.iterdir():
            with suppress(OSError):
                if entry.name.isdigit() and (entry / "comm").read_text().strip() == program:
                    words = os.fsdecode((entry / "cmdline").read_bytes())
                    if words:
                        yield int(entry.name), words
        return
    listing = subprocess.run(
        ["ps", "-axo", "pid=,command="], capture_output=True, check=True, text=True
    )
    for line in listing.stdout.splitlines():
        pid, _, words = line.strip().partition(" ")
        if program in words:
            yield int(pid), words


def port_is_free(port: int) -> bool:
    """Whether a server could listen on 127.0.0.1 there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as both servers do
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError):
            return False
    return True


def clean_environment() -> dict[str, str]:
    """The environment of the servers: no PGDATA, locale or zone of whoever came first."""
    kept = {
        name: os.environ[name]
        for name in ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")  # where some systems keep zlib
        if name in os.environ
    }
    return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC", **kept}


def secret(home: Path, name: str, make: Callable[[], str] = lambda: secrets.token_hex(24)) -> str:
    """A secret of this home, made when first asked for and kept in `secrets.json`."""
    private_folder(home)
    path = home / "secrets.json"
    with exclusive(home / "secrets.lock", timeout=30):
        known: dict[str, str] = {}
        if path.exists():
            try:
                known = json.loads(path.read_bytes())
            except ValueError:
                raise EmbeddedError(
                    f"{path} is damaged. Put it back, or remove {home} to start afresh."
                ) from None
        if name not in known:
            known[name] = make()
            write_private(path, json.dumps(known, indent=1).encode())
        return known[name]
