"""Figures of one run, as a table and as JSON."""

import json
import platform
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Line:
    """One comparison.

    Attributes
    ----------
    what
        What was measured.
    ours, baseline
        The two figures, in `unit`. The baseline is one row per reading where `what` names no other.
    ratio
        How many times better ours is.
    """

    what: str
    unit: str
    ours: float
    baseline: float
    ratio: float


@dataclass
class Report:
    lines: list[Line] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def rate(self, what: str, unit: str, ours: float, baseline: float) -> None:
        """Compare rates: more is better."""
        self.lines.append(Line(what, unit, ours, baseline, ours / baseline))

    def cost(self, what: str, unit: str, ours: float, baseline: float) -> None:
        """Compare costs: less is better."""
        self.lines.append(Line(what, unit, ours, baseline, baseline / ours))

    def show(self) -> None:
        table = Table(box=None, pad_edge=False)
        table.add_column("what")
        for title in ("ours", "baseline", "unit", "times better"):
            table.add_column(title, justify="right")
        for line in self.lines:
            table.add_row(
                line.what,
                f"{line.ours:,.4g}" if line.ours < 1000 else f"{line.ours:,.0f}",
                f"{line.baseline:,.4g}" if line.baseline < 1000 else f"{line.baseline:,.0f}",
                line.unit,
                f"{line.ratio:.2f}" if line.ratio < 2 else f"{line.ratio:.1f}",
            )
        console = Console(width=110, highlight=False)
        console.print(table)
        for note in self.notes:
            console.print(note)

    def save(self) -> None:
        RESULTS.mkdir(exist_ok=True)
        now = datetime.now(UTC)
        body = {
            "at": now.isoformat(timespec="seconds"),
            "python": platform.python_version(),
            "processor": platform.machine(),
            "lines": [asdict(line) for line in self.lines],
            "notes": self.notes,
        }
        path = RESULTS / f"{now:%Y%m%dT%H%M%S}.json"
        path.write_text(json.dumps(body, indent=2) + "\n")
