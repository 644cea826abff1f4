"""The embedded Redis."""

import signal
import socket
from contextlib import suppress

from config.embedded.accounts import Account, owner_account, redis_server, version_of
from config.embedded.files import Lock, private_folder
from config.embedded.server import Server


class Redis(Server):
    """Redis on 127.0.0.1, its data in an append-only file.

    Every change is in the file before its answer goes out, so a killed server forgets nothing that
    it confirmed; snapshots would lose what came after the last one. Nothing is ever evicted: the
    queue is in here.
    """

    name = "redis"
    title = "Redis"
    program = "redis-server"
    polite = signal.SIGTERM

    def url(self, port: int) -> str:
        """The address for clients, password included."""
        return f"redis://:{self.password}@127.0.0.1:{port}/0"

    def version(self) -> str:
        """The version of the installed program."""
        return version_of(redis_server()).partition("v=")[2].split()[0]

    def account(self) -> Account | None:
        """The current user, or as root the home's owner."""
        return owner_account(self.folder)

    def prepare(self, _lock: Lock, /) -> None:
        """Make the folder of the append-only file."""
        private_folder(self.data, passage=False)

    def command(self, _port: int, /) -> list[str]:
        """All else comes by standard input, where no `ps` and no file shows the password."""
        return [str(redis_server()), "-"]

    def configuration(self, port: int, /) -> bytes:
        """Relative to the folder it runs in, so no path has to be quoted."""
        lines = [
            "bind 127.0.0.1",
            f"port {port}",
            f"requirepass {self.password}",
            "dir .",
            'save ""',
            "appendonly yes",
            f"appendfsync {'everysec' if self.durable else 'no'}",
            "maxmemory-policy noeviction",
            "always-show-logo no",
            # The tag first: a title is cut to the length of the command line it replaces.
            f'proc-title-template "{self.tag} {{listen-addr}} {{title}}"',
        ]
        return "\n".join(lines).encode()

    def answers(self, port: int, _pid: int, /) -> bool:
        """Whether it knows our password, which tells it from a stranger, and has loaded its data.

        Spoken by hand: the client library takes longer to import than the server to start.
        """
        question = f"AUTH {self.password}\r\nPING\r\n".encode()
        answer = b""
        with (
            suppress(OSError),
            socket.create_connection(("127.0.0.1", port), timeout=1) as connection,
        ):
            connection.sendall(question)
            while answer.count(b"\r\n") < 2 and (part := connection.recv(256)):
                answer += part
        return answer == b"+OK\r\n+PONG\r\n"
