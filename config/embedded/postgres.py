"""The embedded PostgreSQL."""

import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from config.embedded.accounts import (
    SHARED,
    Account,
    fingerprint,
    open_shared,
    owner_account,
    postgres_binaries,
    reachable_binaries,
    require_change_of_user,
    succeeds,
    unprivileged_account,
    version_of,
)
from config.embedded.files import (
    EmbeddedError,
    Lock,
    disk_full,
    is_root,
    private_folder,
    user_name,
    write_private,
)
from config.embedded.server import Running, Server, StartError, running_programs

MAJOR = "18"
FRESH_DATA = 100 * 1024 * 1024  # bytes: a new data folder with its first write-ahead log

# Given on the command line, not written into the data folder: a newer checkout's values hold for
# old data too. Nothing secret is among them.
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",  # a socket's path may not be longer than 107 bytes
    "max_connections": "200",
    "max_locks_per_transaction": "256",  # one migration touches the tables of many tenants
    "shared_buffers": "256MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_destination": "stderr",
    "logging_collector": "off",  # the keeper bounds the log
    "log_line_prefix": "%m [%p] %d ",
    "log_checkpoints": "off",
}
# For tests: what is committed survives the death of the server, but not that of the machine.
FAST = {"fsync": "off", "full_page_writes": "off"}

# No socket, no replication, no other address: one line instead of initdb's seven.
ACCESS = "host all all 127.0.0.1/32 scram-sha-256\n"


class Postgres(Server):
    """PostgreSQL on 127.0.0.1 with a database `lastgang` and its owner, who is no superuser.

    The superuser `postgres` has the same password. A default that the application must not rely
    on in production is not there in development either.
    """

    name = "postgres"
    title = "PostgreSQL"
    program = "postgres"
    polite = signal.SIGINT  # fast shutdown: sessions are ended, a checkpoint written

    def url(self, port: int) -> str:
        """The address for clients, password included.

        The build has no TLS; said in the address, it cannot be contradicted by a PGSSLMODE.
        """
        return f"postgresql://lastgang:{self.password}@127.0.0.1:{port}/lastgang?sslmode=disable"

    def version(self) -> str:
        """The version of the installed program."""
        return version_of(postgres_binaries() / "postgres").split()[-1]

    def account(self) -> Account | None:
        """The current user; as root the owner of the data, of the home, or an unprivileged user."""
        if not is_root():
            return None
        if self.data.exists() and (stat := self.data.stat()).st_uid:
            return Account(user_name(stat.st_uid), stat.st_uid, stat.st_gid)
        return owner_account(self.folder) or unprivileged_account()

    @property
    def place(self) -> Path:
        """The folder that holds the data: the server's folder, or where its pointer points."""
        try:
            return Path(os.fsdecode((self.folder / "place").read_bytes()))
        except (FileNotFoundError, NotADirectoryError):
            return self.folder

    def settle(self) -> None:
        """Decide, for root, whether the data can be in the home or must be elsewhere."""
        super().settle()
        account = self.account()
        if account is None:
            return
        require_change_of_user(account)
        pointer = self.folder / "place"
        if pointer.exists() and self._is_ours(self.place):
            return
        pointer.unlink(missing_ok=True)
        if self.data.exists() or _can_live_in(self.folder, account):
            return
        open_shared()
        place = SHARED / fingerprint(self.folder)
        private_folder(place)
        # Written before the pointer: killed in between, the place is made afresh, as it should be.
        write_private(place / "home.new", os.fsencode(self.folder.resolve()))
        write_private(pointer, os.fsencode(place))

    def _is_ours(self, place: Path) -> bool:
        """Whether the place belongs to this home, and not to the one that it was copied from."""
        here = self.folder.resolve()
        try:
            owner = Path(os.fsdecode((place / "home").read_bytes()))
        except FileNotFoundError:
            return (place / "home.new").exists()
        if owner == here:
            return True
        with suppress(OSError):
            if (owner / "place").read_bytes() == os.fsencode(place):
                return False
        write_private(place / "home", os.fsencode(here))  # the home was moved
        return True

    def prepare(self, lock: Lock, /) -> None:
        """Make the data folder with its roles and its database, whole or not at all."""
        claim = self.place / "home.new"
        if claim.exists():
            # Left by a home that was removed, passwords and all: its end was wanted.
            shutil.rmtree(self.data, ignore_errors=True)
            claim.replace(self.place / "home")
        version = self.data / "PG_VERSION"
        if version.exists():
            if (found := version.read_text().strip()) != MAJOR:
                raise EmbeddedError(
                    f"{self.data} was made by PostgreSQL {found} and this is {MAJOR}. "
                    "Dump it with the old version, or remove it to start afresh."
                )
            self._catch_up()
            return
        if shutil.disk_usage(self.place).free < FRESH_DATA:
            raise EmbeddedError(disk_full(self.place))
        new = self.place / "data.new"
        shutil.rmtree(new, ignore_errors=True)
        account = self.account()
        _make_for(new, account)
        initdb = [str(reachable_binaries(account) / "initdb"), "--pgdata", str(new)]
        initdb += ["--username=postgres", "--auth=trust", "--encoding=UTF8"]
        # PostgreSQL's own C.UTF-8 knows what an umlaut's capital is, on every machine the same,
        # where C knows ASCII only and a locale of the system may be missing or change its order.
        initdb += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        if not self.durable:
            initdb.append("--no-sync")
        self._run(initdb, lock)
        access = new / "pg_hba.conf"
        access.write_text(ACCESS)
        single = [str(reachable_binaries(account) / "postgres"), "--single", "-D", str(new)]
        # Stretching makes guessing dear; nobody guesses 24 random bytes, and every connection of
        # the tests would pay for it.
        single += ["-c", "exit_on_error=on", "-c", "scram_iterations=1", "postgres"]
        self._run(
            single,
            lock,
            f"ALTER ROLE postgres PASSWORD '{self.password}'\n"
            f"CREATE ROLE lastgang LOGIN CREATEDB PASSWORD '{self.password}'\n"
            "GRANT pg_monitor TO lastgang\n"
            "CREATE DATABASE lastgang OWNER lastgang\n",
        )
        new.rename(self.data)
        self._catch_up()

    def _catch_up(self) -> None:
        """Before a durable start, get to the disk what a start without fsync left to the system."""
        mark = self.place / "unsynced"
        if not self.durable:
            mark.touch(mode=0o600)
        elif mark.exists():
            os.sync()
            mark.unlink()

    def _run(self, command: list[str], lock: Lock, statements: str = "") -> None:
        start = self.log.stat().st_size if self.log.exists() else 0
        child = self.spawn(command, lock, cwd=Path("/"), stdin=subprocess.PIPE)
        child.communicate(statements.encode())
        if child.returncode:
            text = self.failure(start)
            if "could not look up effective user ID" in text:
                text += (
                    "\nPostgreSQL wants its user to have a name: run this as a user with an entry "
                    "in /etc/passwd, or set DATABASE_URL."
                )
            raise StartError(text)

    def command(self, port: int, /) -> list[str]:
        """`cluster_name` is in the title of every process, and so carries the tag."""
        settings = {**SETTINGS, **({} if self.durable else FAST)}
        settings |= {"port": str(port), "cluster_name": self.tag}
        command = [str(reachable_binaries(self.account()) / "postgres"), "-D", str(self.data)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        return command

    def launch(self, port: int, lock: Lock, give_up: Callable[[], bool]) -> Running:
        """Start it, after removing the process id that a killed postmaster left.

        PostgreSQL would refuse to start while any process of its user has that number: a zombie
        not yet reaped, or after a restart of the machine whatever has it now. Our lock knows
        better, except of a postmaster that somebody started by hand; that one is left alone.
        """
        lines = self._postmaster()
        if lines and not any(
            lines[0] == str(pid) and self._is_in_data(pid, words)
            for pid, words in running_programs(self.program)
        ):
            (self.data / "postmaster.pid").unlink(missing_ok=True)
        return super().launch(port, lock, give_up)

    def _is_in_data(self, pid: int, words: str) -> bool:
        with suppress(OSError):  # a container's root may not look at others' processes
            if Path(f"/proc/{pid}/cwd").samefile(self.data):
                return True
        return str(self.data) in words

    def answers(self, port: int, pid: int, /) -> bool:
        """What pg_ctl goes by: the file's first line is the process, its eighth says ready."""
        lines = self._postmaster()
        return (
            len(lines) > 7
            and lines[0] == str(pid)
            and lines[3] == str(port)
            and lines[7].strip() == "ready"
        )

    def leader(self) -> int | None:
        """The postmaster, if it lives; without it the others are only to be killed."""
        lines = self._postmaster()
        pid = int(lines[0]) if lines and lines[0].isdigit() else 0
        return pid if pid in self.processes() else None

    def _postmaster(self) -> list[str]:
        with suppress(OSError):
            return (self.data / "postmaster.pid").read_text(errors="replace").splitlines()
        return []


def _make_for(folder: Path, account: Account | None) -> None:
    folder.mkdir()
    folder.chmod(0o700)
    if account is not None:
        os.chown(folder, account.uid, account.gid)


def _can_live_in(folder: Path, account: Account) -> bool:
    """Whether data of `account` can be in `folder`: not below one that is closed to it."""
    probe = folder / "probe"
    try:
        _make_for(probe, account)
        return succeeds(["/bin/sh", "-c", 'cd "$1" && : > file', "sh", str(probe)], account)
    except OSError:
        return False
    finally:
        shutil.rmtree(probe, ignore_errors=True)
