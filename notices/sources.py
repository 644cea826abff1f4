"""Whether a source keeps failing, as its runs tell."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ingestion.models import Run, Source

# Runs further back say nothing of today.
LOOK_BACK = timedelta(days=14)
RUNS = 20
# So many runs in a row over so long a time: either pair is enough.
STREAKS = ((3, timedelta(minutes=30)), (2, timedelta(hours=12)))
DONE = (Run.State.SUCCEEDED, Run.State.PARTIAL, Run.State.FAILED)


@dataclass(frozen=True, slots=True)
class SourceHealth:
    """How one source is doing.

    Attributes
    ----------
    streak
        How many runs in a row have failed altogether, up to the last one.
    since
        When the first of them was planned; None without any.
    error
        What the last one said.
    keeps_failing
        Whether that is long enough to be trouble.
    works
        Whether the last run reached any meter.
    """

    streak: int
    since: datetime | None
    error: str
    keeps_failing: bool
    works: bool


def source_health(source: Source, now: datetime) -> SourceHealth:
    """Say how a source is doing. Runs of single meters tell of those alone, and don't count."""
    runs = Run.objects.filter(
        source=source, only=[], state__in=DONE, created_at__gte=now - LOOK_BACK
    ).order_by("-created_at", "-pk")[:RUNS]
    return judged(list(runs.values_list("state", "created_at", "error")), now)


def judged(runs: Sequence[tuple[str, datetime, str]], now: datetime) -> SourceHealth:
    """Judge by state, time and error of the last runs, the latest first."""
    streak = 0
    while streak < len(runs) and runs[streak][0] == Run.State.FAILED:
        streak += 1
    if not streak:
        return SourceHealth(0, None, "", keeps_failing=False, works=bool(runs))
    since = runs[streak - 1][1]
    lasting = any(streak >= least and now - since >= time for least, time in STREAKS)
    return SourceHealth(streak, since, runs[0][2], keeps_failing=lasting, works=False)
