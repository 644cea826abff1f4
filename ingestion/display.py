"""Progress of a run for whoever sits before it: a bar on a terminal, plain lines elsewhere."""

import sys
from types import TracebackType
from uuid import UUID

from django.core.management.base import OutputWrapper
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from ingestion.closing import counts_in_words
from ingestion.results import MeterResult


class Display:
    """Shows how far a run is.

    Parameters
    ----------
    title
        What is run.
    stderr
        Where plain lines go.
    """

    def __init__(self, title: str, stderr: OutputWrapper) -> None:
        self.title, self.stderr = title, stderr
        self.bar: Progress | None = None
        self.readings: dict[UUID, int] = {}

    def __enter__(self) -> "Display":
        if sys.stderr.isatty():
            self.bar = Progress(
                TextColumn("{task.description}", markup=False),
                BarColumn(bar_width=None),
                TextColumn("{task.percentage:>3.0f} %  {task.fields[readings]:,} readings"),
                TimeElapsedColumn(),
                console=Console(stderr=True),
            )
            self.bar.start()
            self.task = self.bar.add_task(self.title, total=1.0, readings=0)
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        if self.bar:
            self.bar.stop()

    def show(self, result: MeterResult, share: float) -> None:
        """Take a step; see `ingestion.results.Progress`."""
        if self.bar:
            self.readings[result.muid] = result.counts.total
            self.bar.update(self.task, completed=share, readings=sum(self.readings.values()))
        elif result.is_done:
            what = "failed" if result.error else counts_in_words(result.counts)
            self.stderr.write(f"{self.title}: {share:4.0%}  {result.name}: {what}")
            self.stderr.flush()
