"""Servers that a test takes away and gives back: stopped, crashed, or silent."""

import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass

from config.embedded import Embedded
from config.embedded.server import Server


@dataclass
class Victim:
    """PostgreSQL or Redis of an embedded home, whose users keep their lease meanwhile."""

    embedded: Embedded
    name: str

    @property
    def server(self) -> Server:
        server: Server = getattr(self.embedded, self.name)
        return server

    def stop(self) -> None:
        """End it politely (PostgreSQL: fast), and let it stay away."""
        self._signal_keeper(signal.SIGTERM)
        self._wait_until_gone()

    def crash(self) -> None:
        """End it at once, with nothing written down (PostgreSQL: immediate)."""
        self._signal_keeper(signal.SIGKILL)
        hard = signal.SIGQUIT if self.name == "postgres" else signal.SIGKILL
        if leader := self.server.leader():
            os.kill(leader, hard)
        self._wait_until_gone()

    def start(self) -> None:
        """Give it back on the port that it had."""
        self.embedded.lease(postgres=self.name == "postgres", redis=self.name == "redis").close()

    def freeze(self) -> None:
        """Have it accept connections and say nothing."""
        for pid in self.server.processes():
            os.kill(pid, signal.SIGSTOP)

    def thaw(self) -> None:
        for pid in self.server.processes():
            os.kill(pid, signal.SIGCONT)

    def _signal_keeper(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.kill(int((self.server.folder / "keeper.lock").read_text()), number)

    def _wait_until_gone(self) -> None:
        deadline = time.monotonic() + 30
        while self.server.processes():
            assert time.monotonic() < deadline, f"{self.name} does not end"
            time.sleep(0.02)
