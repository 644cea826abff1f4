"""A primary and a replica of it, copied with `pg_basebackup` from the server of the tests.

Copies, so that what other tests write meanwhile is not in their logs: a trial decides alone how far
the one is ahead of the other.
"""

import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import psycopg
import pytest
from django.db import connection

from config.embedded import Embedded
from config.embedded.accounts import reachable_binaries
from config.embedded.files import Lock
from config.embedded.postgres import Postgres
from config.embedded.server import Running

REPLICATION = "host replication postgres 127.0.0.1/32 scram-sha-256\n"


class Copy(Postgres):
    """A server that begins as the copy of another, and as a replica goes on following it.

    It is a child of the test, which may stop, freeze and start it again; there is no keeper.
    """

    def __init__(
        self,
        home: Path,
        source: Postgres,
        *,
        follows: bool = False,
        durable: bool = False,
        **settings: str,
    ) -> None:
        super().__init__(home, durable=durable)
        self.source, self.follows, self.settings = source, follows, settings
        self._running: Running | None = None

    @property
    def password(self) -> str:  # type: ignore[override]
        return self.source.password

    @property
    def port(self) -> int:
        """Where it answers; of a server of the tests' own, where its keeper says."""
        assert self._running is not None
        return self._running.port

    def prepare(self, lock: Lock, /) -> None:
        account = self.account()
        binary = reachable_binaries(account) / "pg_basebackup"
        self.data.mkdir(mode=0o700)
        if account is not None:
            os.chown(self.data, account.uid, account.gid)
        command = [str(binary), "--pgdata", str(self.data), "--dbname", superuser(self.source)]
        command += ["--checkpoint=fast", "--wal-method=stream", "--no-sync"]
        self._run([*command, *(["--write-recovery-conf"] if self.follows else [])], lock)

    def command(self, port: int, /) -> list[str]:
        more = [word for one in self.settings.items() for word in ("-c", "=".join(one))]
        return [*super().command(port), *more]

    def start(self) -> None:
        """Make it where there is none yet, and start it, on the port that it had."""
        lock = Lock(self.place / "server.lock")
        try:
            assert lock.take(timeout=10)
            if not self.data.exists():
                self.prepare(lock)
            ports = [self._running.port] if self._running else self.ports()
            for port in ports:
                try:
                    self._running = self.launch(port, lock, lambda: False)
                except Exception as error:
                    if "could not bind" not in str(error):
                        raise
                else:
                    return
            raise AssertionError("no port is free")
        finally:
            # What it has started holds it as well, for as long as any of that lives.
            lock.close()

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End it: by SIGINT fast, by SIGQUIT at once with nothing written down."""
        assert self._running is not None
        assert self._running.child is not None
        self.thaw()
        self._running.child.send_signal(how)
        self._running.child.wait(30)

    def freeze(self) -> None:
        """Have it accept connections and say nothing."""
        for pid in self.processes():
            os.kill(pid, signal.SIGSTOP)

    def thaw(self) -> None:
        for pid in self.processes():
            os.kill(pid, signal.SIGCONT)

    def ask(self, sql: str, *values: Any) -> Any:
        """Ask as the superuser, in the test's database; return the first row, if any."""
        with psycopg.connect(superuser(self), autocommit=True, connect_timeout=10) as asked:
            found = asked.execute(sql, values or None)
            return found.fetchone() if found.description else None

    def address(self) -> str:
        """Where the application finds the test's database."""
        return self.url(self.port).replace("/lastgang?", f"/{database()}?")

    # What a test does to replaying, which a frozen server could not do.

    def pause(self) -> None:
        """Let what the primary writes come, and not be seen."""
        self.ask("SELECT pg_wal_replay_pause()")
        while self.ask("SELECT pg_get_wal_replay_pause_state()") != ("paused",):
            pass

    def resume(self) -> None:
        self.ask("SELECT pg_wal_replay_resume()")


class Foreign(Copy):
    """A replica of another database: it was never copied from ours, and follows nobody."""

    def prepare(self, lock: Lock, /) -> None:
        Postgres.prepare(self, lock)
        (self.data / "standby.signal").touch()


def database() -> str:
    return str(connection.settings_dict["NAME"])


def superuser(server: Postgres) -> str:
    port = server.port if isinstance(server, Copy) else connection.settings_dict["PORT"]
    return f"postgresql://postgres:{server.password}@127.0.0.1:{port}/{database()}?sslmode=disable"


def tests_own() -> Postgres:
    """Return the server of the tests, opened to who copies it; skip where it is another's."""
    server = Embedded(Path(os.environ.get("LASTGANG_HOME", "/nowhere"))).postgres
    state = server.state()
    if state is None or str(state.port) != str(connection.settings_dict["PORT"]):
        pytest.skip("DATABASE_URL names a server that the tests can't copy")
    access = server.data / "pg_hba.conf"
    if REPLICATION not in access.read_text():
        with access.open("a") as file:
            file.write(REPLICATION)
    with psycopg.connect(superuser(server), autocommit=True) as asked:
        asked.execute("SELECT pg_reload_conf()")
    return server


@contextmanager
def started(server: Copy) -> Iterator[Copy]:
    server.settle()
    try:
        server.start()
        yield server
    finally:
        if server._running is not None and server.processes():
            server.stop(signal.SIGQUIT)
        for folder in {server.place, server.folder}:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def primary_and_replica(*, durable: bool = False, **settings: str) -> Iterator[tuple[Copy, Copy]]:
    """Copy the tests' server with all that has been committed there, and the copy once more.

    Parameters
    ----------
    settings
        PostgreSQL's, of both.
    """
    home = Path(mkdtemp(prefix="lastgang-"))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, home, ignore_errors=True)
        first = Copy(home / "primary", tests_own(), durable=durable, **settings)
        primary = stack.enter_context(started(first))
        second = Copy(home / "replica", primary, follows=True, durable=durable, **settings)
        yield primary, stack.enter_context(started(second))
