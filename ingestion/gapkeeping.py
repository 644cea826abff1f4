"""The record of gaps, kept in step with what is stored.

A gap that is partly filled stays the same gap and gets smaller; one that is filled in its middle
becomes two; one that has grown, or whose register has come back, is asked for as if it were found
today. A question that brings nothing of it is a try; one that the source didn't answer is none.
"""

import math
import time
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet

from ingestion.gapfinding import Found, find_gaps
from ingestion.models import Feed, Gap, Outcome, Run, Source
from ingestion.registers import held_meters
from meters.gaps import Stretch
from meters.models import Meter

# How long to wait before each try; after the last one a gap is given up.
PAUSES = (
    *(timedelta(0), timedelta(hours=6), timedelta(days=1)),
    *(timedelta(days=3), timedelta(days=7), timedelta(days=14)),
)
# How long to wait where the source didn't answer, and where somebody has cancelled the question.
UNANSWERED, CANCELLED = timedelta(hours=1), timedelta(days=1)
# So many meters are looked at in one transaction.
AT_ONCE = 100
# What two gaps have in common that were one.
SHARED = ("state", "tries", "next_try_at", "asking", "last_run", "found_at", "ended_at")
CHANGING = (
    *("start", "stop", "missing", "at_first", "goes_on", "state", "tries", "next_try_at"),
    *("asking", "last_run", "ended_at"),
)


@dataclass
class Looked:
    """What a look at stored readings has found.

    Attributes
    ----------
    meters
        How many were looked at.
    found, filled
        Gaps that are put on record, and those of which nothing is missing any more.
    gaps, missing
        All that lack something, and how many intervals that is.
    """

    meters: int = 0
    found: int = 0
    filled: int = 0
    gaps: int = 0
    missing: int = 0


def look(
    *, source: Source, now: datetime, only: Sequence[int] = (), seconds: float = math.inf
) -> Looked:
    """Put on record what a source's meters lack, and what has come of what they lacked.

    What is younger than the source's re-read window is left to the sweeps: each asks for all of it
    again.

    Parameters
    ----------
    only
        Primary keys of meters; all that the source feeds where empty.
    seconds
        After how long to stop [s]; the next look at all meters goes on from there.
    """
    looked, deadline = Looked(), time.monotonic() + seconds
    feeds = Feed.objects.filter(source=source, is_active=True)
    own = Source.objects.filter(pk=source.pk)
    if only:
        feeds = feeds.filter(meter__in=only)
    elif left_at := own.values_list("gaps_at", flat=True).get():
        feeds = feeds.filter(pk__gt=left_at)
    for meters in _in_pieces(feeds):
        _keep(source, meters, now, looked)
        if not only and time.monotonic() > deadline:
            own.update(gaps_at=meters[-1])
            return looked
    if not only:
        own.update(gaps_looked_at=now, gaps_at=None)
    return looked


def settle(*, now: datetime) -> int:
    """See what has come of gaps that were asked for, and decide when they are asked for again.

    Returns
    -------
    How many gaps that was.
    """
    answered = Gap.objects.answered()
    count = answered.count()
    sources = Source.objects.filter(pk__in=answered.values("register__meter__feed__source"))
    for source in sources:
        feeds = Feed.objects.filter(source=source, meter__in=answered.values("register__meter"))
        for meters in _in_pieces(feeds):
            _keep(source, meters, now, Looked())
    # Those alone: of others a question may just have ended, and is heard next time.
    answered.filter(register__meter__feed=None).update(asking=None)
    return count


def _in_pieces(feeds: QuerySet[Feed]) -> Iterator[list[int]]:
    keys = list(feeds.order_by("pk").values_list("meter_id", flat=True))
    for at in range(0, len(keys), AT_ONCE):
        yield keys[at : at + AT_ONCE]


def _keep(source: Source, keys: Sequence[int], now: datetime, looked: Looked) -> None:
    """Bring the record of some meters into step with what is stored."""
    with transaction.atomic():
        # One at a time: two that look at the same meters would both put down what they find.
        Source.objects.select_for_update(no_key=True).get(pk=source.pk)
        muids = Meter.objects.filter(pk__in=keys).values_list("muid", flat=True)
        # Whoever erases one of them waits, or has been waited for.
        keys = sorted(held_meters(set(muids)).values())
        meters = Meter.objects.filter(pk__in=keys).prefetch_related("registers")
        found = {one.register.pk: one for one in find_gaps(list(meters))}
        known: dict[int, list[Gap]] = {}
        rows = Gap.objects.lacking().filter(register__meter__in=keys)
        for gap in rows.select_related("asking", "register").order_by("start"):
            known.setdefault(gap.register_id, []).append(gap)
        before = {gap.pk: _content(gap) for gaps in known.values() for gap in gaps}
        keeping = _Keeping(now, _unanswered(rows), before)
        for register in sorted(found.keys() | known.keys()):
            horizon = timedelta(hours=source.reread_hours)
            keeping.register(found.get(register), known.get(register, []), horizon)
        keeping.write()
    looked.meters += len(keys)
    looked.found += len(keeping.made)
    looked.filled += sum(gap.state == Gap.State.FILLED for gap in keeping.changed)
    lacking = [gap for gap in (*keeping.made, *keeping.changed) if gap.state in Gap.LACKING]
    looked.gaps += len(lacking)
    looked.missing += sum(gap.missing for gap in lacking)


def _unanswered(gaps: QuerySet[Gap]) -> frozenset[tuple[int, int]]:
    """Say of which meters a run could get no answer: run and meter."""
    runs = gaps.filter(asking__isnull=False).values("asking")
    failed = Outcome.objects.filter(run__in=runs).exclude(error="")
    return frozenset(failed.values_list("run_id", "meter_id"))


@dataclass
class _Keeping:
    """Compares what is missing with what is on record, and gathers what to write."""

    now: datetime
    unanswered: frozenset[tuple[int, int]]
    before: dict[int, tuple[object, ...]]
    made: list[Gap] = field(default_factory=list)
    changed: list[Gap] = field(default_factory=list)
    merged: list[Gap] = field(default_factory=list)

    def register(self, found: Found | None, known: Sequence[Gap], horizon: timedelta) -> None:
        """Do it for one register.

        Parameters
        ----------
        found
            None where it holds no readings any more.
        known
            What is on record of it as lacking, oldest first.
        horizon
            How much of the latest time the sweeps see to.
        """
        if found is None:
            for gap in known:
                self._end(gap, Gap.State.DROPPED)
            return
        until = found.latest - int(horizon.total_seconds())
        starts = [int(gap.start.timestamp()) for gap in known]
        stops = [int(gap.stop.timestamp()) for gap in known]
        used: set[int] = set()
        met: set[int] = set()
        for stretch in found.stretches:
            over = known[bisect_right(stops, stretch.start) : bisect_left(starts, stretch.end)]
            if not over and stretch.start >= until:
                continue
            met |= {gap.pk for gap in over}
            own = next((gap for gap in over if gap.pk not in used), None)
            if own is not None:
                used.add(own.pk)
                self._go_on(own, stretch, goes_on=found.goes_on(stretch))
            else:
                self._make(found, stretch, split_off=over[0] if over else None)
        for gap, start, stop in zip(known, starts, stops, strict=True):
            if gap.pk in met - used:
                self.merged.append(gap)
            elif gap.pk not in used:
                is_filled = found.expects(start, stop)
                self._end(gap, Gap.State.FILLED if is_filled else Gap.State.DROPPED)

    def _make(self, found: Found, stretch: Stretch, split_off: Gap | None) -> None:
        made = Gap(
            register=found.register,
            start=_moment(stretch.start),
            stop=_moment(stretch.end),
            missing=stretch.missing,
            at_first=stretch.missing,
            goes_on=found.goes_on(stretch),
            next_try_at=self.now,
            found_at=self.now,
        )
        if split_off is not None:
            # What has come is told of the first part; what was tried, of both.
            split_off.at_first = max(split_off.at_first - stretch.missing, split_off.missing)
            for name in SHARED:
                setattr(made, name, getattr(split_off, name))
        self.made.append(made)

    def _go_on(self, gap: Gap, stretch: Stretch, *, goes_on: bool) -> None:
        """Note what is missing of a gap now, and when it is asked for again."""
        before = gap.missing
        is_back = gap.goes_on and not goes_on
        gap.start, gap.stop = _moment(stretch.start), _moment(stretch.end)
        gap.missing, gap.goes_on = stretch.missing, goes_on
        gap.at_first = max(gap.at_first, gap.missing)
        self._hear(gap, came=gap.missing < before)
        if is_back or (gap.missing > before and not goes_on):
            gap.state, gap.tries, gap.next_try_at, gap.ended_at = Gap.State.OPEN, 0, self.now, None
        self.changed.append(gap)

    def _hear(self, gap: Gap, *, came: bool) -> None:
        """Draw the consequence where the run that asked for it is over."""
        run = gap.asking
        if run is None or run.state in Run.OPEN:
            return
        gap.asking, gap.last_run = None, run
        answered = run.state in {Run.State.SUCCEEDED, Run.State.PARTIAL}
        if run.state == Run.State.CANCELLED:
            gap.next_try_at = self.now + CANCELLED
        elif not answered or (run.pk, gap.register.meter_id) in self.unanswered:
            gap.next_try_at = self.now + UNANSWERED
        elif came:
            gap.next_try_at = self.now + PAUSES[1]
        elif gap.tries + 1 < len(PAUSES):
            gap.tries += 1
            gap.next_try_at = self.now + PAUSES[gap.tries]
        else:
            gap.tries, gap.state, gap.ended_at = len(PAUSES), Gap.State.GIVEN_UP, self.now

    def _end(self, gap: Gap, state: Gap.State) -> None:
        if gap.asking is not None and gap.asking.state not in Run.OPEN:
            gap.asking, gap.last_run = None, gap.asking
        gap.state, gap.ended_at = state, self.now
        if state == Gap.State.FILLED:
            gap.missing = 0
        self.changed.append(gap)

    def write(self) -> None:
        # As an upsert: one statement of plain values, a hundredth of the time of `bulk_update`.
        Gap.objects.bulk_create(
            [gap for gap in self.changed if _content(gap) != self.before[gap.pk]],
            batch_size=500,
            update_conflicts=True,
            unique_fields=["id"],
            update_fields=CHANGING,
        )
        Gap.objects.bulk_create(self.made, batch_size=500)
        Gap.objects.filter(pk__in=[gap.pk for gap in self.merged]).delete()


def _content(gap: Gap) -> tuple[object, ...]:
    return tuple(getattr(gap, name) for name in CHANGING)


def _moment(instant: int) -> datetime:
    return datetime.fromtimestamp(instant, UTC)
