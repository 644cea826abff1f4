"""What `manage.py ingest` closes with: a table of what each meter got, and why what failed did."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field

from django.core.management.base import OutputWrapper

from ingestion.record import Counts
from ingestion.results import MeterResult, RunResult

COLUMNS = ("new", "corrected", "unchanged", "rejected")
# Of more meters than this, those to which nothing happened share a line.
MOST_LISTED = 40


@dataclass(frozen=True, slots=True)
class Told:
    """One run, and how long it took [s]."""

    tenant: str
    source: str
    result: RunResult
    seconds: float


def counts_in_words(counts: Counts) -> str:
    """Write ``3 new, 1 corrected``, without what there is none of."""
    parts = [f"{n:,} {name}" for name in COLUMNS if (n := getattr(counts, name))]
    return ", ".join(parts) or "nothing"


@dataclass
class Closing:
    """Gathers the runs of one command.

    Attributes
    ----------
    dry_run
        Whether nothing of them was kept.
    told
        The runs.
    errors
        What failed outside of them, in words.
    """

    dry_run: bool = False
    told: list[Told] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    @property
    def failed(self) -> bool:
        return bool(self.errors) or any(one.result.failed for one in self.told)

    def write(self, stdout: OutputWrapper, stderr: OutputWrapper) -> None:
        """Write the tables, and below them what was odd or failed."""
        for one in self.told:
            for line in table(one, _width(stdout), dry_run=self.dry_run):
                stdout.write(line)
        stdout.flush()
        for one in self.told:
            for line in _complaints(one):
                stderr.write(line)
        for line in self.errors:
            stderr.write(line)


def _width(stdout: OutputWrapper) -> int | None:
    """Return how wide the terminal is; elsewhere a line is as long as it must be."""
    return shutil.get_terminal_size().columns if stdout.isatty() else None


def table(one: Told, width: int | None, *, dry_run: bool = False) -> Iterator[str]:
    """Lay one run out in lines: names whole, numbers under each other.

    Parameters
    ----------
    one
        The run.
    width
        Of the terminal; a name that leaves no room for the numbers gets a line of its own. None
        where lines may be of any length.
    dry_run
        Whether nothing of it was kept.
    """
    rows = [(meter.name, meter.counts) for meter in _listed(one.result.meters)]
    rest = len(one.result.meters) - len(rows)
    if rest:
        unchanged = one.result.counts.unchanged - sum(c.unchanged for _, c in rows)
        rows.append((f"{rest:,} other meters", Counts(unchanged=unchanged)))
    if one.result.nameless.total:
        rows.append(("of no known meter", one.result.nameless))
    heading = f"{one.tenant} · {one.source}"
    total = f"{len(one.result.meters):,} meter{'s' * (len(one.result.meters) != 1)} in all"
    rows.append((total, one.result.counts))
    figures = [[f"{getattr(counts, name):,}" for name in COLUMNS] for _, counts in rows]
    widths = [
        max(len(title), *(len(row[at]) for row in figures)) for at, title in enumerate(COLUMNS)
    ]
    numbers = sum(widths) + 2 * len(widths)
    longest = max(len(heading), *(len(name) for name, _ in rows))
    room = longest if width is None else max(min(longest, width - numbers), 12)

    def line(name: str, cells: list[str]) -> Iterator[str]:
        if len(name) > room:
            yield name
            name = ""
        padded = (f"  {cell:>{wide}}" for cell, wide in zip(cells, widths, strict=True))
        yield f"{name:<{room}}{''.join(padded)}"

    yield ""
    yield from line(heading, list(COLUMNS))
    for (name, _), cells in zip(rows, figures, strict=True):
        yield from line(name, cells)
    rate = one.result.counts.total / one.seconds if one.seconds else 0.0
    kept = "dry run: nothing was kept" if dry_run else f"run {one.result.run.pk}"
    yield f"{kept}, {one.seconds:,.2f} seconds, {rate:,.0f} readings/s"


def _listed(meters: tuple[MeterResult, ...]) -> list[MeterResult]:
    if len(meters) <= MOST_LISTED:
        return list(meters)
    return [meter for meter in meters if meter.counts.is_news or meter.warnings or meter.error]


def _complaints(one: Told) -> Iterator[str]:
    result = one.result
    for meter in result.meters:
        for text in (*meter.warnings, meter.error):
            if text:
                yield f"{one.tenant} · {meter.name}: {text}"
    if result.run.error and result.run.error not in {meter.error for meter in result.meters}:
        yield f"{one.tenant} · {one.source}: {result.run.error}"
