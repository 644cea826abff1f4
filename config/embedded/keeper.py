"""The keeper: starts one server, revives it, and ends it when nobody uses it any more."""

import os
import select
import signal
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime

from config.embedded.files import (
    EmbeddedError,
    Lock,
    bound_log,
    errors_in_words,
)
from config.embedded.server import Running, Server, StartError, port_is_free

GRACE = 2.0  # seconds without a user until the end; the next command of a script comes sooner
TICK = 0.25  # seconds between two looks; the death of a child and signals wake at once
HANDOVER_PATIENCE = 90.0  # seconds for the keeper before this one to end its server
BACKOFF_LIMIT = 5.0


class Keeper:
    """One server's keeper. `run` returns when the server has ended and all locks are free."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.stopping = False
        self.wake, wake_writer = os.pipe()
        os.set_blocking(self.wake, False)
        os.set_blocking(wake_writer, False)
        signal.set_wakeup_fd(wake_writer, warn_on_full_buffer=False)
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # only to wake
        for ignored in (signal.SIGINT, signal.SIGHUP):
            signal.signal(ignored, signal.SIG_IGN)
        self.life = Lock(server.folder / "keeper.lock")
        self.users = Lock(server.folder / "users.lock")

    def _stop(self, *_: object) -> None:
        self.stopping = True

    def run(self, announce: Callable[[], None]) -> None:
        """Keep the server; `announce` is called when it first answers."""
        if not self.life.take(timeout=HANDOVER_PATIENCE):
            raise EmbeddedError(
                f"The keeper before this one does not end ({self._pid_of_other()})."
            )
        os.pwrite(self.life.descriptor, f"{os.getpid():<20}".encode(), 0)
        self.server.settle()
        self.lock = Lock(self.server.place / "server.lock")
        running = None
        try:
            running = self._first()
            self._publish(running)
            announce()
            self._watch(running)
        finally:
            # Whatever went wrong with the keeper, its server does not stay behind.
            self._end(running)
            self.life.close()
            self.users.close()  # last: who comes now finds no keeper and starts one

    def _pid_of_other(self) -> str:
        return os.pread(self.life.descriptor, 20, 0).decode().strip()

    def _first(self) -> Running:
        server = self.server
        if not self.lock.take():
            if adopted := server.adopt():
                say(f"took over {server.title}, process {adopted.pid}")
                return adopted
            say(f"ending what an earlier keeper left of {server.title}")
            server.end(server.leader(), self.lock)
        server.unpublish()
        server.prepare(self.lock)
        return self._start(server.ports())

    def _start(self, ports: Iterable[int]) -> Running:
        for port in ports:
            if not port_is_free(port):
                continue
            try:
                running = self.server.launch(port, self.lock, lambda: self.stopping)
            except StartError:
                if port_is_free(port):
                    raise
                continue  # somebody took it in the same instant
            # The server has the lock now. Ask again through an opening of our own.
            self.lock.close()
            self.lock = Lock(self.server.place / "server.lock")
            return running
        raise StartError(f"No port is free for {self.server.title}.")

    def _publish(self, running: Running) -> None:
        self.server.publish(running)
        say(f"{self.server.title} answers on port {running.port}, process {running.pid}")

    def _watch(self, running: Running) -> None:
        idle_since: float | None = None
        failures, retry_at = 0, 0.0
        while not self.stopping and not self.users.orphaned():
            if time.monotonic() >= retry_at:
                try:
                    if not self.server.alive(running):
                        self._revive(running)
                    if self.server.state() is None:
                        self._publish(running)
                    failures = 0
                except (EmbeddedError, OSError) as error:
                    say(str(error))
                    failures += 1
                    retry_at = time.monotonic() + min(0.1 * 2**failures, BACKOFF_LIMIT)
            for log in (self.server.log, self.server.keeper_log):
                with suppress(OSError):  # a full disk, or a log that somebody removed
                    bound_log(log)
            if not self.users.take():
                idle_since = None
            elif idle_since is None or time.monotonic() - idle_since < GRACE:
                self.users.drop()
                idle_since = idle_since or time.monotonic()
            else:
                break  # holding the lock: who comes now waits until the server has ended
            self._sleep()

    def _end(self, running: Running | None) -> None:
        server = self.server
        if not self.users.orphaned():  # else the home was removed, and may be another's by now
            server.unpublish()
        say(f"ending {server.title}")
        leader = running.pid if running and server.alive(running) else None
        if leader or not self.lock.take():
            server.end(leader, self.lock)

    def _revive(self, running: Running) -> None:
        server = self.server
        say(f"{server.title} is dead")
        server.unpublish()
        # The same port, or none: its users know no other.
        if not self.lock.take(timeout=0.5):
            server.end(None, self.lock)  # sessions that have not noticed the death
        if not port_is_free(running.port):
            raise StartError(f"Port {running.port} has been taken by another program.")
        started = self._start([running.port])
        running.pid, running.child = started.pid, started.child

    def _sleep(self) -> None:
        if select.select([self.wake], [], [], TICK)[0]:
            os.read(self.wake, 1024)


def say(text: str) -> None:
    """A line for the keeper's log."""
    with suppress(OSError):  # a full disk ends no server
        sys.stderr.write(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} {text}\n")


def keep(server: Server, ready: int) -> int:
    """Be the keeper of `server` and report once to the pipe `ready`.

    What is written there is `ready`, or a failure in words.
    """
    # Two forks and a session of its own: no Ctrl-C reaches the keeper, and whoever started it need
    # not wait for it, not even as for a child that has ended.
    if os.fork():
        os._exit(0)

    def announce(text: str = "ready") -> None:
        try:
            os.write(ready, text.encode(errors="replace"))
            os.close(ready)
        except OSError:  # the starter has gone, or has been told already
            pass

    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    os.umask(0o077)
    try:
        with errors_in_words(server.home):
            Keeper(server).run(announce)
    except EmbeddedError as error:
        say(str(error))
        announce(str(error))
        return 1
    return 0
