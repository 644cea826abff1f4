"""`python -m config.embedded`: the embedded PostgreSQL and Redis by hand."""

import argparse
import os
import sys
from pathlib import Path
from typing import NoReturn

from config.embedded.accounts import postgres_binaries
from config.embedded.development import (
    default_home,
    durable,
    hand_down_leases,
    lease_for_environment,
)
from config.embedded.files import EmbeddedError, errors_in_words
from config.embedded.keeper import keep
from config.embedded.lease import Embedded, ServerStatus
from config.embedded.postgres import Postgres
from config.embedded.redis import Redis

EPILOG = """\
examples:
  python -m config.embedded run -- python manage.py migrate
  python -m config.embedded psql -c "SELECT version()"

The servers live in .lastgang of the checkout, or in the folder that LASTGANG_HOME names. They run
while somebody uses them. DATABASE_URL and REDIS_URL in the environment are used instead."""


def main(arguments: list[str]) -> int:
    """Run one command; returns the exit status."""
    if arguments[:1] == ["keep"]:
        return _keep(*arguments[1:])
    parser = argparse.ArgumentParser(
        prog="python -m config.embedded",
        description=__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="run a command with the servers at its service")
    run.add_argument("program", nargs=argparse.REMAINDER, metavar="-- COMMAND ...")
    commands.add_parser("status", help="what runs; exit status 3 if one of the two does not")
    commands.add_parser("stop", help="end the servers, whoever uses them")
    commands.add_parser("delete", help="end the servers and remove all their data and secrets")
    commands.add_parser("psql", help="open psql; -U postgres for the superuser", add_help=False)
    # psql's options are its own; argparse would refuse those that begin with a dash.
    psql = arguments[:1] == ["psql"]
    options = parser.parse_args(arguments[:1] if psql else arguments)
    try:
        with errors_in_words(default_home(os.environ)):
            return _psql(arguments[1:]) if psql else _command(options, parser)
    except EmbeddedError as error:
        _complain(error)
        return 1
    except KeyboardInterrupt:
        return 130


def _command(options: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    embedded = Embedded(default_home(os.environ))
    if options.command == "run":
        program = options.program[options.program[:1] == ["--"] :]
        if not program:
            parser.error("run: a command is missing")
        lease_for_environment(os.environ)
        hand_down_leases()
        return _become(program)
    if options.command == "delete":
        embedded.delete()
        _say(f"Removed the servers' data and the secrets in {embedded.home}.")
        return 0
    if options.command == "stop":
        stopped = embedded.stop()
        _say(f"Stopped {' and '.join(stopped)}." if stopped else "Nothing was running.")
        return 0
    servers = embedded.status()
    _say(f"{'Home':12}{embedded.home}")
    for server in servers:
        _say(f"{server.title:12}{_sentence(server)}")
    return 0 if all(server.port for server in servers) else 3


def _sentence(server: ServerStatus) -> str:
    if server.port is None:
        return f"{server.version}, not running, data in {server.data}"
    users = f"{len(server.users)} users" if len(server.users) != 1 else "1 user"
    pids = f" (processes {', '.join(map(str, server.users))})" if server.users else ""
    fsync = "" if server.durable else ", without fsync"
    kept = "" if server.kept else ", its keeper was killed"
    return (
        f"{server.version}, running on 127.0.0.1:{server.port}, process {server.pid}{fsync}{kept}, "
        f"{users}{pids}, data in {server.data}"
    )


def _psql(options: list[str]) -> int:
    home = default_home(os.environ)
    running = Postgres(home).state()
    embedded = Embedded(home, durable=running.durable if running else durable(os.environ))
    lease = embedded.lease(redis=False)
    lease.hand_down()
    state = embedded.postgres.state()
    port = str(state.port) if state else ""
    for name in [name for name in os.environ if name.startswith("PG")]:
        del os.environ[name]  # another server's PGHOST, PGSERVICE, PGSSLMODE
    # Not on the command line, which everybody on the machine can read
    os.environ["PGPASSWORD"] = embedded.postgres.password
    os.environ.update(PGHOST="127.0.0.1", PGPORT=port, PGUSER="lastgang", PGDATABASE="lastgang")
    return _become([str(postgres_binaries() / "psql"), *options])


def _become(program: list[str]) -> int:
    """Replace this process, so that signals, exit status and terminal are the command's own."""
    try:
        _exec(program)
    except FileNotFoundError:
        _complain(f"{program[0]}: there is no such command.")
        return 127
    except OSError as error:
        _complain(f"{program[0]}: {error.strerror}.")
        return 126


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def _complain(text: object) -> None:
    sys.stderr.write(f"{text}\n")


def _exec(program: list[str]) -> NoReturn:
    os.execvp(program[0], program)  # noqa: S606  (no shell is the point)


def _keep(name: str, home: str, ready: str, durability: str) -> int:
    kind = {Postgres.name: Postgres, Redis.name: Redis}[name]
    return keep(kind(Path(home), durable=durability == "durable"), int(ready))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
