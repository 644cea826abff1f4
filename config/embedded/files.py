"""Private folders and files, locks, and errors in words."""

import errno
import fcntl
import os
import pwd
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

LOG_LIMIT = 8 * 1024 * 1024  # bytes; one older log of this size is kept beside it
POLL = 0.01  # seconds between two looks at a lock or a server


class EmbeddedError(RuntimeError):
    """Something that a person can mend; the text says what and how."""


def is_root() -> bool:
    """Whether this process runs as root, as which PostgreSQL refuses to run."""
    return os.geteuid() == 0


def user_name(uid: int) -> str:
    """The name of a user, or its number where it has none (containers)."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


@contextmanager
def errors_in_words(folder: Path) -> Iterator[None]:
    """Turn the system's errors about files in `folder` into an EmbeddedError."""
    try:
        yield
    except OSError as error:
        raise EmbeddedError(_explained(error, folder)) from error


def disk_full(folder: Path) -> str:
    """The sentence for a full disk."""
    return (
        f"The disk that holds {folder} is full. Free some space, or set LASTGANG_HOME to a folder "
        "on another disk. Fresh data needs about 100 MB."
    )


def _explained(error: OSError, folder: Path) -> str:
    path = Path(os.fsdecode(error.filename)) if isinstance(error.filename, str | bytes) else folder
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return disk_full(folder)
    if error.errno == errno.EROFS:
        return f"{path} is on a read-only disk. Set LASTGANG_HOME to a folder on another."
    if error.errno in (errno.EACCES, errno.EPERM):
        return (
            f"{user_name(os.geteuid())} cannot use {path} ({error.strerror}{_owned_by(path)}). "
            "Change its owner, or set LASTGANG_HOME to a folder that you can write."
        )
    if error.errno in (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS):
        return (
            f"Files in {folder} cannot be locked ({error.strerror}), as on some network disks. "
            "Set LASTGANG_HOME to a folder on a local disk."
        )
    if error.errno in (errno.ENOTDIR, errno.EEXIST):
        return f"{path} is in the way: a folder is wanted there. Move it or set LASTGANG_HOME."
    return f"{error.strerror or error}: {path}"


def _owned_by(path: Path) -> str:
    for candidate in (path, *path.parents):
        with suppress(OSError):
            return f"; {candidate} belongs to {user_name(candidate.stat().st_uid)}"
    return ""


def hand_over(path: Path) -> None:
    """Give what root made to the owner of the folder it is in.

    So `sudo make demo` in somebody's checkout leaves nothing behind that they cannot use.
    """
    if is_root():
        above = path.parent.stat()
        if above.st_uid != path.stat().st_uid:
            os.chown(path, above.st_uid, above.st_gid)


def private_folder(path: Path, *, passage: bool = True) -> None:
    """Make a folder that nobody else can list, unless it is there; the mode of one that is stays.

    With `passage`, others can reach by name what is below it where root makes it, for there
    PostgreSQL runs as another user.
    """
    if path.is_dir():
        return
    if not path.parent.is_dir():
        private_folder(path.parent)
    path.mkdir(exist_ok=True)
    path.chmod(
        0o711 if passage and is_root() else 0o700
    )  # not mkdir's mode, which the umask would cut
    hand_over(path)


def write_private(path: Path, content: bytes) -> None:
    """Write a file of mode 0600 whole or not at all."""
    new = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        hand_over(new)
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)


def open_log(path: Path) -> int:
    """A descriptor that appends to a log of mode 0600."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    hand_over(path)
    return descriptor


def bound_log(path: Path) -> None:
    """Move a log that grew too large aside, under the hands of who writes it.

    Copied and cut, not renamed: the server keeps its descriptor, also when its keeper is gone.
    """
    if path.stat().st_size > LOG_LIMIT:
        shutil.copyfile(path, path.with_name(path.name + ".1"))
        path.with_name(path.name + ".1").chmod(0o600)
        os.truncate(path, 0)


def tail(path: Path, start: int = 0, lines: int = 12) -> str:
    """The last lines of a log, of what was written from byte `start` on."""
    try:
        with path.open("rb") as stream:
            stream.seek(max(start, path.stat().st_size - 16_384))
            text = stream.read().decode(errors="replace")
    except OSError:
        return ""
    return "\n".join(f"  {line}" for line in text.splitlines()[-lines:])


def above_standard(descriptor: int) -> int:
    """The same file under a number above 2.

    Where a process begins without standard streams, the files that it opens get their numbers, and
    a program it starts would take a lock for its input.
    """
    if descriptor > 2:
        return descriptor
    moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 3)
    os.close(descriptor)
    return moved


class Lock:
    """A lock on a file. It belongs to this opening of it, which children may inherit.

    Never unlocked where it is shared with children, only closed: unlocking would take it from
    them, closing leaves it to the last one who has it open.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        new = not path.exists()
        self.descriptor = above_standard(
            os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        )
        if new:
            hand_over(path)

    def take(self, *, shared: bool = False, timeout: float = 0) -> bool:
        """Take the lock within `timeout` seconds; false if others hold it."""
        mode = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        deadline = time.monotonic() + timeout
        while True:
            try:
                fcntl.flock(self.descriptor, mode | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    return False
                time.sleep(POLL)
            else:
                return True

    def drop(self) -> None:
        """Unlock, also for every child that inherited this opening."""
        fcntl.flock(self.descriptor, fcntl.LOCK_UN)

    def close(self) -> None:
        """Let go of this opening; the lock stays with children that inherited it."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def orphaned(self) -> bool:
        """Whether the file has been removed or replaced since it was opened."""
        try:
            return not os.path.samestat(self.path.stat(), os.fstat(self.descriptor))
        except OSError:
            return True


@contextmanager
def exclusive(path: Path, *, timeout: float) -> Iterator[None]:
    """Hold a lock file alone."""
    lock = Lock(path)
    try:
        if not lock.take(timeout=timeout):
            raise EmbeddedError(f"{path} has been locked by another process for {timeout:.0f} s.")
        yield
    finally:
        lock.close()
