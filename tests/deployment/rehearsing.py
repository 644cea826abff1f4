"""The image's steps without a container engine: in order, in an empty root, as its users.

A root is a folder entered by `chroot` in mounts of its own. In place of the base image stand this
machine's Debian and its Python, closed to writing. What is not rehearsed: the base
image itself, its layers, and the limits of a container.
"""

import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.deployment.dockerfile import command, context, stages, variables

BASE = "python:3.11-slim-bookworm"
PREFIX = Path(sys.base_prefix).resolve()
MOUNTS = """
set -e
root=$1; shift
mount --make-rprivate /
mount --bind "$root" "$root"
mount --bind -o ro /usr "$root/usr"
mount --bind -o ro "$PREFIX" "$root$PREFIX"
mount --rbind /dev "$root/dev"
mount -t proc proc "$root/proc"
if [ "$CLOSED" = yes ]; then
  mount -o remount,bind,ro "$root"
  mount -t tmpfs -o size=512m,mode=1777 tmpfs "$root/tmp"
fi
exec chroot "--userspec=$OWNER" "$root" "$@"
"""


def why_not() -> str:
    """Return why nothing can be rehearsed here; empty where it can."""
    if os.geteuid() != 0:
        return "only root may mount and enter another root"
    found = subprocess.run(["unshare", "--mount", "true"], capture_output=True)
    return "" if found.returncode == 0 else "mounts of one's own are not to be had"


@dataclass
class Root:
    """A file system that begins empty but for the base image's stand-in."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    workdir: str = "/"
    user: str = "0:0"
    entry: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        for name in ("usr", "dev", "proc", "tmp", "var/tmp", "root", "run"):
            (self.folder / name).mkdir(parents=True)
        # Python looks for its library where it was built for.
        if not PREFIX.is_relative_to("/usr"):
            (self.folder / str(PREFIX).lstrip("/")).mkdir(parents=True)
        (self.folder / "tmp").chmod(0o1777)
        for name in ("bin", "sbin", "lib", "lib64"):
            (self.folder / name).symlink_to(f"usr/{name}")
        shutil.copytree("/etc", self.folder / "etc", symlinks=True, ignore_dangling_symlinks=True)
        # Debian's own accounts, not this machine's.
        for name in ("passwd", "group"):
            shutil.copy(f"/usr/share/base-passwd/{name}.master", self.folder / "etc" / name)
        for name in ("shadow", "gshadow"):
            (self.folder / "etc" / name).write_text("")
        self.environment = {"PATH": f"{PREFIX}/bin:/usr/sbin:/usr/bin"}

    def inside(self, place: str) -> Path:
        return self.folder / str(Path(self.workdir) / place).lstrip("/")

    def call(self, arguments: list[str], more: dict[str, str], *, closed: bool) -> list[str]:
        """The command that runs another one within, with the environment of the image alone."""
        given = [f"{name}={value}" for name, value in {**self.environment, **more}.items()]
        within = f"cd {shlex.quote(self.workdir)} && exec {shlex.join(arguments)}"
        script = ["unshare", "--mount", "sh", "-c", MOUNTS, "sh", str(self.folder)]
        outer = {
            "PREFIX": str(PREFIX),
            "CLOSED": "yes" if closed else "no",
            "OWNER": self.user,
        }
        named = [f"{name}={value}" for name, value in outer.items()]
        return ["env", *named, *script, "/usr/bin/env", "-i", *given, "sh", "-c", within]

    def run(
        self, arguments: list[str], more: dict[str, str] | None = None, *, closed: bool = True
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.call(arguments, more or {}, closed=closed), capture_output=True, text=True
        )

    @contextmanager
    def process(
        self, log: Path, arguments: list[str], more: dict[str, str]
    ) -> Iterator[subprocess.Popen[bytes]]:
        """Run a process within, its root closed to writing, until the block ends."""
        with log.open("wb") as out:
            running = subprocess.Popen(
                self.call(arguments, more, closed=True), stdout=out, stderr=subprocess.STDOUT
            )
            try:
                yield running
            finally:
                running.send_signal(signal.SIGTERM)
                try:
                    running.wait(60)
                except subprocess.TimeoutExpired:
                    running.kill()
                    running.wait()


class Transcript:
    """What was done, for people: no path of this machine is in it."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, line: str) -> None:
        self.lines.append(line)

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        began = time.monotonic()
        yield
        self.say(f"{step}   [{time.monotonic() - began:.1f} s]")


def build(project: Path, place: Path, transcript: Transcript) -> Root:
    """Do every step of the Dockerfile; return the last stage's root.

    Raises
    ------
    AssertionError
        A step failed; it says which, and what it wrote.
    """
    done: dict[str, Root] = {}
    root: Root | None = None
    for stage in stages((project / "Dockerfile").read_text()):
        assert stage.base == BASE, stage.base
        transcript.say(f"FROM {stage.base} AS {stage.name}   (its stand-in)")
        root = done[stage.name] = Root(place / stage.name)
        for word, text in stage.steps:
            with transcript.timed(f"{word} {text}"[:150]):
                _step(project, root, done, word, text)
    assert root
    return root


def _step(project: Path, root: Root, done: dict[str, Root], word: str, text: str) -> None:
    if word == "RUN":
        # How the registry is reached is the machine's affair, as it is a build's.
        index = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
        result = root.run(["sh", "-e", "-c", text], index, closed=False)
        assert result.returncode == 0, f"{text}\n{result.stdout}\n{result.stderr}"
    elif word == "COPY":
        _copy(project, root, done, text)
    elif word == "WORKDIR":
        root.workdir = text
        root.inside(".").mkdir(parents=True, exist_ok=True)
    elif word == "ENV":
        for name, value in variables(text).items():
            root.environment[name] = value.replace("$PATH", root.environment["PATH"])
    elif word == "USER":
        root.user = text
    elif word == "CMD":
        root.entry = command(text)
    elif word == "HEALTHCHECK":
        root.health = command(text)
    else:
        assert word == "EXPOSE", word


def _copy(project: Path, root: Root, done: dict[str, Root], text: str) -> None:
    first, *rest = text.split()
    if first.startswith("--from="):
        source = done[first.removeprefix("--from=")].folder / rest[0].lstrip("/")
        shutil.copytree(source, root.inside(rest[1]), symlinks=True)
        return
    *sources, target = [first, *rest]
    for name in context(project):
        if sources == ["."] or str(name) in sources:
            there = root.inside(target) / name
            there.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(project / name, there)
