"""What a Dockerfile says, and what of a folder goes into its context."""

import json
import re
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

# All that ours says. Another word is an error: it would not be rehearsed.
WORDS = {"FROM", "RUN", "COPY", "WORKDIR", "ENV", "USER", "EXPOSE", "HEALTHCHECK", "CMD"}


@dataclass
class Stage:
    name: str
    base: str
    steps: list[tuple[str, str]] = field(default_factory=list)


def stages(text: str) -> list[Stage]:
    """Read a Dockerfile.

    Raises
    ------
    ValueError
        It says something that is not rehearsed.
    """
    found: list[Stage] = []
    joined = re.sub(r"\\\n", " ", re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE))
    for line in filter(None, map(str.strip, joined.splitlines())):
        word, _, rest = line.partition(" ")
        if word not in WORDS:
            raise ValueError(f"{word} is not rehearsed")
        if word == "FROM":
            base, _, name = rest.partition(" AS ")
            found.append(Stage(name or str(len(found)), base))
        else:
            found[-1].steps.append((word, " ".join(rest.split())))
    return found


def variables(text: str) -> dict[str, str]:
    """Read what an ENV step sets."""
    return dict(entry.split("=", 1) for entry in shlex.split(text))


def command(text: str) -> list[str]:
    """Read a command that is written as JSON, behind the options of a HEALTHCHECK or alone."""
    return [str(part) for part in json.loads(text[text.index("[") :])]


def context(folder: Path) -> Iterator[Path]:
    """Give the files that a build is sent: those git knows or would, less .dockerignore's."""
    ignored = (folder / ".dockerignore").read_text().split()
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=folder,
        capture_output=True,
        check=True,
        text=True,
    )
    for name in sorted(set(listed.stdout.split("\0")) - {""}):
        parts = name.split("/")
        above = ["/".join(parts[:depth]) for depth in range(1, len(parts) + 1)]
        if (folder / name).is_file() and not any(
            fnmatch(one, pattern.removeprefix("**/"))
            if not pattern.startswith("**/")
            else fnmatch(one.rpartition("/")[2], pattern.removeprefix("**/"))
            for one in above
            for pattern in ignored
        ):
            yield Path(name)
