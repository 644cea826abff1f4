"""What ingestion tells of itself: to the command that prints it and to whoever watches."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from ingestion.batch import Rejection
from ingestion.models import Run
from ingestion.record import NOTHING, Counts


@dataclass(frozen=True, slots=True)
class MeterResult:
    """What a run did to one meter.

    Attributes
    ----------
    counts, warnings, error
        As in `Outcome`; the error is empty where all went well.
    is_done
        Whether nothing more will come.
    """

    muid: UUID
    name: str
    counts: Counts = NOTHING
    warnings: tuple[str, ...] = ()
    error: str = ""
    is_done: bool = False


@dataclass(frozen=True, slots=True)
class RunResult:
    """What a run did.

    Attributes
    ----------
    run
        Not in the database where it was a rehearsal.
    meters
        Each meter of this attempt at the run.
    nameless
        Rows that no meter of the tenant can be put down to.
    refused
        Every reading that was refused, where the run was brought to us.
    """

    run: Run
    meters: tuple[MeterResult, ...] = ()
    nameless: Counts = NOTHING
    refused: tuple[Rejection, ...] = ()

    @property
    def counts(self) -> Counts:
        return sum((meter.counts for meter in self.meters), start=self.nameless)

    @property
    def failed(self) -> bool:
        return self.run.state != Run.State.SUCCEEDED


# Told after each piece that is stored: the meter so far, and the share of the whole run [0, 1].
Progress = Callable[[MeterResult, float], None]


def no_progress(_result: MeterResult, _share: float) -> None:
    """Nobody watches."""
