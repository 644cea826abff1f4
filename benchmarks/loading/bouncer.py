"""PgBouncer before a PostgreSQL, pooling as CloudNativePG's Pooler is told to in k8s/."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from socket import create_connection
from tempfile import mkdtemp
from urllib.parse import unquote, urlsplit

from benchmarks.loading.site import free_port

RESET = "DISCARD ALL"
# As CloudNativePG writes it, but for who signs in: here anybody on this machine.
CONFIGURATION = """
[databases]
{name} = host={host} port={port} dbname={name} user={user} password={password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listens}
auth_type = any
pool_mode = {mode}
server_reset_query = {reset}
max_client_conn = 500
default_pool_size = {connections}
max_db_connections = {connections}
ignore_startup_parameters = extra_float_digits,options
unix_socket_dir =
logfile = {folder}/pgbouncer.log
"""


def found() -> str | None:
    """Return where PgBouncer is on this machine; None where it isn't."""
    return shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


@contextmanager
def pgbouncer(
    url: str, *, mode: str = "session", connections: int = 100, reset: str = RESET
) -> Iterator[str]:
    """Run one; give the address at which it stands for the database.

    Raises
    ------
    FileNotFoundError
        This machine has none.
    """
    program = found()
    if program is None:
        raise FileNotFoundError("pgbouncer")
    parts = urlsplit(url)
    folder, port = Path(mkdtemp(prefix="lastgang-bouncer-")), free_port()
    name = parts.path.lstrip("/")
    (folder / "pgbouncer.ini").write_text(
        CONFIGURATION.format(
            name=name,
            host=parts.hostname,
            port=parts.port,
            user=parts.username,
            password=unquote(parts.password or ""),
            listens=port,
            mode=mode,
            reset=reset,
            connections=connections,
            folder=folder,
        )
    )
    command = [program, "--quiet", str(folder / "pgbouncer.ini")]
    if os.geteuid() == 0:
        # It does not run as root.
        shutil.chown(folder, "nobody")
        command[1:1] = ["--user", "nobody"]
    running = subprocess.Popen(command)
    try:
        deadline = time.monotonic() + 20
        while running.poll() is None and time.monotonic() < deadline:
            with suppress(OSError), create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.05)
        yield f"{parts.scheme}://{parts.username}:anything@127.0.0.1:{port}/{name}"
    finally:
        running.terminate()
        running.wait(20)
        shutil.rmtree(folder)
