"""Asking again for what is missing between stored readings.

A sweep goes on from what is stored, with a look back of some days; a hole that is older, left by an
outage of the upstream or by readings that came by another door, it never sees. Such holes are on
record as gaps, and ordinary runs ask for them, window by window.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet

from ingestion.gapkeeping import look, settle
from ingestion.models import Gap, Run, Source
from ingestion.services import plan_run
from ingestion.windows import FILL

# So often all stored readings of a source's meters are looked at.
EVERY = timedelta(hours=24)
# A look hands over after so long [s], well before a worker's time limit.
SLICE = 120
# Of one source so many runs may ask for gaps at a time, for so many gaps.
MOST_RUNS = 20
MOST_GAPS = 5_000


@dataclass(frozen=True, slots=True)
class Repair:
    """One window to be asked for again, for all meters that lack something in it.

    Attributes
    ----------
    start, stop
        The window ``[start, stop)``.
    only
        The meters.
    gaps
        Primary keys of the gaps that lie in it.
    missing
        How many intervals are missing in them.
    """

    start: datetime
    stop: datetime
    only: tuple[UUID, ...]
    gaps: tuple[int, ...]
    missing: int


def windows_of(gaps: Sequence[Gap], source: Source) -> list[Repair]:
    """Put gaps of a source's meters into as few windows as its limit allows.

    Gaps that one answer can hold together are asked for together, and so are those of several
    meters: an outage leaves the same hole in all of them.

    Parameters
    ----------
    gaps
        With their registers and meters.

    Returns
    -------
    The windows, oldest first.
    """
    # What one answer holds. Windows begin on its multiples, so that those of all meters agree.
    reach = max(int((source.limit - 1) * FILL), 1) * source.interval
    windows: dict[tuple[int, int], list[Gap]] = {}
    for gap in gaps:
        first, last = int(gap.start.timestamp()), int(gap.stop.timestamp()) - 1
        windows.setdefault((first // reach, last // reach), []).append(gap)
    return [
        Repair(
            min(gap.start for gap in held),
            max(gap.stop for gap in held),
            tuple(dict.fromkeys(gap.register.meter.muid for gap in held)),
            tuple(gap.pk for gap in held),
            sum(gap.missing for gap in held),
        )
        for _, held in sorted(windows.items())
    ]


def lacking(
    source: Source,
    *,
    only: Sequence[UUID] = (),
    start: datetime | None = None,
    stop: datetime | None = None,
) -> QuerySet[Gap]:
    """Find gaps of a source's meters, also those given up; of some meters or in a range alone."""
    inside = Q(register__meter__feed__source=source, register__meter__feed__is_active=True)
    if only:
        inside &= Q(register__meter__muid__in=only)
    if start is not None:
        inside &= Q(stop__gt=start)
    if stop is not None:
        inside &= Q(start__lt=stop)
    return Gap.objects.lacking().filter(inside).select_related("register__meter").order_by("start")


def plan_repairs(
    *, source: Source, gaps: QuerySet[Gap], trigger: Run.Trigger, most: int = MOST_RUNS
) -> list[Run]:
    """Plan runs that ask for gaps of a source; those that are asked for already are left out.

    Parameters
    ----------
    gaps
        Which; the first `MOST_GAPS` of them.
    most
        The most runs.
    """
    with transaction.atomic():
        # One at a time, so that no gap is asked for twice.
        Source.objects.select_for_update(no_key=True).get(pk=source.pk)
        free = gaps.filter(asking__isnull=True).select_related("register__meter")[:MOST_GAPS]
        planned = []
        for repair in windows_of(list(free), source)[: max(most, 0)]:
            run = plan_run(
                source=source,
                trigger=trigger,
                only=repair.only,
                start=repair.start,
                stop=repair.stop,
            )
            Gap.objects.filter(pk__in=repair.gaps).update(asking=run)
            planned.append(run)
    return planned


def repair_due(*, now: datetime) -> list[Run]:
    """See what came of gaps that were asked for, look for others, and plan to ask for those due."""
    settle(now=now)
    planned = []
    for source in Source.objects.filter(is_active=True):
        if source.gaps_looked_at is None or source.gaps_looked_at <= now - EVERY:
            look(source=source, now=now, seconds=SLICE)
        if source.repairs_gaps:
            under_way = Run.objects.filter(
                source=source, state__in=Run.OPEN, trigger=Run.Trigger.REPAIR
            )
            due = Gap.objects.due(now).filter(register__meter__feed__source=source)
            planned += plan_repairs(
                source=source,
                gaps=due.order_by("next_try_at", "start", "pk"),
                trigger=Run.Trigger.REPAIR,
                most=MOST_RUNS - under_way.count(),
            )
    return planned


def ask_again(*, gaps: QuerySet[Gap], now: datetime) -> list[Run]:
    """Ask for gaps at once, also for those given up, as if they were found today.

    Returns
    -------
    The runs, none where the gaps are asked for already or their meters have no source any more.
    """
    lacks = Gap.objects.lacking().filter(pk__in=gaps.values("pk"))
    chosen = Gap.objects.filter(pk__in=list(lacks.values_list("pk", flat=True)))
    chosen.update(state=Gap.State.OPEN, tries=0, next_try_at=now, ended_at=None)
    planned = []
    for source in Source.objects.filter(
        pk__in=chosen.filter(register__meter__feed__is_active=True).values(
            "register__meter__feed__source"
        )
    ):
        own = chosen.filter(register__meter__feed__source=source).order_by("start", "pk")
        planned += plan_repairs(source=source, gaps=own, trigger=Run.Trigger.ADMIN)
    return planned
