"""What asking ahead is worth: one backfill from a slow upstream, in three ways.

The upstream waits before each answer, as one at the far end of a line does. Without asking ahead a
run waits for it, then stores, then waits again. A piece ahead, it waits for the next one while the
last is stored; and with several meters at a time, for theirs as well.
"""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TypeVar
from unittest import mock
from uuid import UUID

from django.conf import settings

from benchmarks.report import Report
from benchmarks.storing import ZONE, tenant
from ingestion import jobs
from ingestion.client import Client, Page
from ingestion.models import Feed, Run, Source
from ingestion.services import execute_run, plan_run
from ingestion.simulator.catalogue import default_meters
from ingestion.simulator.server import running_simulator
from meters.models import DailyProfile, Meter

T = TypeVar("T")
START, STOP = datetime(2023, 1, 1, tzinfo=UTC), datetime(2024, 1, 1, tzinfo=UTC)
# Before each answer [s].
WAITS = (0.02, 0.1)
ROUNDS = 3


class OneAfterTheOther(Iterator[T]):
    """Stands in for `Ahead`, and asks for a piece only when the one before is stored."""

    def __init__(self, items: Iterator[T], **_options: object) -> None:
        self._items = items

    def __next__(self) -> T:
        return next(self._items)

    def close(self) -> None:
        """Nothing is under way."""


def run(report: Report) -> None:
    """Compare wall times, the better of some rounds in turn."""
    served = default_meters(1, ZONE, 47.38, 8.54, 6, 2, 0)
    with tenant(), running_simulator(meters=served) as simulator:
        source = Source.objects.create(name="Slow", address=simulator.base_url)
        for one in served:
            meter = Meter.objects.create(muid=one.muid, name=one.name, timezone=ZONE)
            Feed.objects.create(meter=meter, source=source)
        for wait in WAITS:
            several, ahead, plain = [], [], []
            for _ in range(ROUNDS):
                several.append(_backfill(source, wait, at_once=4))
                ahead.append(_backfill(source, wait, at_once=1))
                with mock.patch.object(jobs, "Ahead", OneAfterTheOther):
                    plain.append(_backfill(source, wait, at_once=1))
            what = f"A year of {len(served)} meters, each answer {wait * 1000:g} ms late"
            best = min(several)
            report.notes.append(
                f"{what}: {best:.2f} s with four meters at a time; {min(ahead):.2f} s with one, a "
                f"piece ahead ({min(ahead) / best:.2f} times as long); {min(plain):.2f} s with "
                f"nothing asked ahead ({min(plain) / best:.2f} times)."
            )


def _backfill(source: Source, wait: float, *, at_once: int) -> float:
    """Ask for a year of each meter and store it anew; return how long it took [s]."""
    settings.INGESTION_AT_ONCE = at_once
    DailyProfile.objects.all().delete()
    right = Client.page

    def slow(client: Client, muid: UUID, start: int, stop: int) -> Page:
        time.sleep(wait)
        return right(client, muid, start, stop)

    planned = plan_run(source=source, trigger=Run.Trigger.COMMAND, start=START, stop=STOP)
    began = time.perf_counter()
    with mock.patch.object(Client, "page", slow):
        result = execute_run(planned, worker=f"bench {planned.pk}")
    assert result is not None
    assert not result.failed, result.run.error
    return time.perf_counter() - began
