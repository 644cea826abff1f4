"""The examples of the guides: fenced blocks, which are all to be run.

`console` holds commands after `$ ` and what they print, `html` a page, `js` a script, and `text`
what the script before it logs. In what is shown `…` stands for anything, and white space for
nothing, so that an answer can be laid out to be read.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

DOCS = Path(__file__).resolve().parents[2] / "docs"
GUIDE, WRITING = DOCS / "api.md", DOCS / "api-writing.md"
HOST = "https://acme.example.com"
TOKEN = "lg_…"
KINDS = {"console", "html", "js", "text"}
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """One fenced block.

    Attributes
    ----------
    place
        File and line, to be found by.
    """

    place: str
    kind: str
    text: str

    def steps(self) -> list[tuple[str, str]]:
        """Pair each command of a console with what it is shown to print."""
        found = re.split(r"^\$ ", self.text, flags=re.MULTILINE)
        assert not found[0], f"{self.place} does not begin with a command"
        steps = []
        for step in found[1:]:
            command = re.match(r"(?:.*\\\n)*.*\n?", step)
            assert command
            steps.append((command[0], step[command.end() :]))
        return steps


def blocks(path: Path) -> Sequence[Block]:
    """Read every fenced block of a document."""
    text = path.read_text()
    return [
        Block(f"docs/{path.name}:{text.count(chr(10), 0, one.start()) + 1}", one[1], one[2])
        for one in BLOCK.finditer(text)
    ]


def matches(shown: str, real: str) -> bool:
    """Tell whether that was printed: `…` is anything, white space nothing."""
    bare = ["".join(part.split()) for part in shown.split("…")]
    return re.fullmatch(".*".join(map(re.escape, bare)), "".join(real.split())) is not None
