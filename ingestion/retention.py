"""Remove what the record has been kept long enough. Readings are never touched."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from django.db import transaction
from django.db.models import F, QuerySet

from ingestion.models import Gap, Keeping, Outcome, ReadingRevision, RejectedReading, Removal, Run

log = structlog.get_logger(__name__)
Kind = Removal.Kind

# Rows of one transaction: short enough to keep nobody waiting.
BATCH = 1_000
# Batches of one kind in one call; the next call goes on. 2.4 million rows a day, if it must be.
MOST_BATCHES = 100


@dataclass(frozen=True, slots=True)
class Removed:
    """What was removed of one kind, or would be.

    Attributes
    ----------
    days
        How long it is kept; 0 for ever.
    before
        What is older goes; None where it is kept for ever.
    rows
        How many went.
    is_all
        False where more is left for the next call.
    """

    kind: Removal.Kind
    days: int
    before: datetime | None
    rows: int
    is_all: bool = True


def overdue(kind: Removal.Kind, before: datetime) -> QuerySet[Any]:
    """Return what is older than a moment; nothing that is still under way is."""
    match kind:
        case Kind.RUNS:
            return Run.objects.filter(finished_at__lt=before).exclude(state__in=Run.OPEN)
        case Kind.OUTCOMES:
            return Outcome.objects.filter(run__finished_at__lt=before).exclude(
                run__state__in=Run.OPEN
            )
        case Kind.REJECTIONS:
            return RejectedReading.objects.filter(last_seen_at__lt=before)
        case Kind.REVISIONS:
            return ReadingRevision.objects.filter(recorded_at__lt=before)
        case Kind.GAPS:
            return Gap.objects.exclude(state__in=Gap.LACKING).filter(ended_at__lt=before)


def cutoffs(keeping: Keeping, now: datetime) -> Iterator[tuple[Removal.Kind, int, datetime | None]]:
    """Say of each kind how long it is kept and what is too old.

    Outcomes come first, and are kept no longer than the runs that they belong to.
    """
    kept: dict[Removal.Kind, int] = {kind: getattr(keeping, kind.value) for kind in Kind}
    both = [days for days in (keeping.outcomes, keeping.runs) if days]
    kept[Kind.OUTCOMES] = min(both, default=0)
    for kind, days in kept.items():
        yield kind, days, now - timedelta(days=days) if days else None


def tidy(
    *, now: datetime, dry_run: bool = False, batch: int = BATCH, most_batches: int = MOST_BATCHES
) -> list[Removed]:
    """Remove what is too old in this tenant, in short transactions.

    Each transaction also counts what it removes in `Removal`: killed anywhere, what is gone is on
    record, and the next call goes on.

    Parameters
    ----------
    now
        The present.
    dry_run
        Only count.
    batch
        Rows of one transaction.
    most_batches
        Of one kind.
    """
    found: list[Removed] = []
    for kind, days, before in cutoffs(Keeping.current(), now):
        if before is None:
            one = Removed(kind, days, None, 0)
        elif dry_run:
            one = Removed(kind, days, before, overdue(kind, before).count())
        elif kind == Kind.RUNS and not found[0].is_all:
            # With each run all its outcomes would go at once, however many they are.
            one = Removed(kind, days, before, 0, is_all=False)
        else:
            rows, is_all = _remove_all(kind, before, now, batch, most_batches)
            one = Removed(kind, days, before, rows, is_all)
        found.append(one)
    return found


def _remove_all(
    kind: Removal.Kind, before: datetime, now: datetime, batch: int, most_batches: int
) -> tuple[int, bool]:
    """Remove batch by batch; return how many rows went, and whether that was all."""
    rows, last = 0, batch
    for _ in range(most_batches):
        last = _remove(kind, before, now, batch)
        rows += last
        if last < batch:
            break
    if rows:
        log.info("record tidied", kind=kind.value, rows=rows, before=before.isoformat())
    return rows, last < batch


def _remove(kind: Removal.Kind, before: datetime, now: datetime, batch: int) -> int:
    """Remove one batch, the oldest first, and count it in the same transaction."""
    with transaction.atomic():
        # Rows that another worker is removing or writing are left to it, or to the next call.
        locked = (
            overdue(kind, before).order_by("pk").select_for_update(skip_locked=True, of=("self",))
        )
        chosen = list(locked.values_list("pk", flat=True)[:batch])
        if not chosen:
            return 0
        model = locked.model
        model.objects.filter(pk__in=chosen).delete()
        day = now.astimezone(UTC).date()
        told, _ = Removal.objects.get_or_create(kind=kind, day=day, defaults={"before": before})
        Removal.objects.filter(pk=told.pk).update(
            rows=F("rows") + len(chosen), before=before, last_at=now
        )
    return len(chosen)
