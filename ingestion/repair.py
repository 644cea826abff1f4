"""Asking again for what is missing between stored readings.

A sweep goes on from what is stored, with a look back of some days; a hole that is older, left by an
outage of the upstream or by readings that came by another door, it never sees. Here it is found.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import numpy as np

from ingestion.models import Feed, ReadingRevision, Source
from ingestion.services import ENDED
from ingestion.windows import FILL
from meters.days import Ints
from meters.gaps import Gap, gaps
from meters.models import Meter, Register
from meters.profiles import first_reading, last_reading_ends, read_series


@dataclass(frozen=True, slots=True)
class Repair:
    """One window to be asked for again, for all meters that lack something in it.

    Attributes
    ----------
    start, stop
        The window ``[start, stop)``.
    only
        The meters.
    missing
        How many intervals of them are missing in it.
    """

    start: datetime
    stop: datetime
    only: tuple[UUID, ...]
    missing: int


def find_gaps(meter: Meter, start: int | None = None, stop: int | None = None) -> list[Gap]:
    """Find what is missing between a meter's first and latest reading, over all its registers.

    What somebody has deleted by hand is not missing.

    Parameters
    ----------
    start, stop
        Look no further than this [s].
    """
    registers = list(meter.registers.select_related("meter"))
    ends = last_reading_ends([one.pk for one in registers]) if registers else {}
    found: list[Gap] = []
    for register in registers:
        first = first_reading([register.pk])
        if first is None:
            continue
        latest = max(ends.values())
        until = latest if ends[register.pk] > latest - ENDED else ends[register.pk]
        begin = max(first, start or 0, meter.validity.since)
        until = min(until, stop or until, meter.validity.until)
        if begin < until:
            series = read_series(register, begin, until)
            found += gaps(series, begin, until, _deleted(register))
    return sorted(found, key=lambda gap: (gap.start, gap.end))


def _deleted(register: Register) -> Ints:
    acts = ReadingRevision.objects.filter(register=register, act=ReadingRevision.Act.DELETE)
    instants = [int(when.timestamp()) for one in acts for when, _, _ in one.readings()]
    return np.array(instants, dtype=np.int64)


def find_repairs(
    *,
    source: Source,
    only: Sequence[UUID] = (),
    start: datetime | None = None,
    stop: datetime | None = None,
) -> list[Repair]:
    """Find what is missing of a source's meters, in as few windows as its limit allows.

    Gaps that one answer can hold together are asked for together, and so are those of several
    meters: an outage leaves the same hole in all of them.

    Parameters
    ----------
    only
        The meters; all that the source feeds where empty.
    start, stop
        Look no further than this.

    Returns
    -------
    The windows, oldest first.
    """
    feeds = Feed.objects.filter(source=source, is_active=True).select_related("meter")
    if only:
        feeds = feeds.filter(meter__muid__in=only)
    # What one answer holds. Windows begin on its multiples, so that those of all meters agree.
    reach = max(int((source.limit - 1) * FILL), 1) * source.interval
    windows: dict[int, list[tuple[UUID, Gap]]] = {}
    edges = [int(moment.timestamp()) if moment else None for moment in (start, stop)]
    for feed in feeds.order_by("pk"):
        for gap in find_gaps(feed.meter, *edges):
            windows.setdefault(gap.start // reach, []).append((feed.meter.muid, gap))
    return [
        Repair(
            datetime.fromtimestamp(min(gap.start for _, gap in held), UTC),
            datetime.fromtimestamp(max(gap.end for _, gap in held), UTC),
            tuple(dict.fromkeys(muid for muid, _ in held)),
            sum(gap.missing for _, gap in held),
        )
        for _, held in sorted(windows.items())
    ]
