"""A full ingestion of one tenant: a worker of one process that reads a year of many meters.

Run as a program it works inside the installation that the environment names: `plan ADDRESS METERS`
makes a source that is due, `readings` prints how many have been stored, `end` cancels what is open.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks.loading.site import ROOT, Site

SLUG = "ingests"
WORKER = "-m celery --quiet -A config.celery worker --loglevel WARNING --concurrency 1"
SCHEDULER = "-m celery --quiet -A config.celery beat --loglevel WARNING --schedule"


@dataclass(frozen=True)
class Ingestion:
    """One that is under way, and who does it."""

    site: Site
    pids: dict[str, list[int]]

    def readings(self) -> tuple[int, float]:
        """How many readings were stored, and when that was [s]."""
        stored, at = json.loads(self.site.call("-m", "benchmarks.loading.ingesting", "readings"))
        return stored, at


@contextmanager
def ingestion(site: Site, *, meters: int) -> Iterator[Ingestion]:
    """Have a year of so many meters read for as long as the block lasts."""
    serve = [sys.executable, "-m", "benchmarks.loading.upstream"]
    with subprocess.Popen(serve, cwd=ROOT, stdout=subprocess.PIPE) as upstream:
        assert upstream.stdout
        try:
            address = json.loads(upstream.stdout.readline())
            site.call("-m", "benchmarks.loading.ingesting", "plan", address, str(meters))
            schedule = str(site.home / "schedule")
            with (
                site.process("worker", ["python", *WORKER.split()]) as worker,
                site.process("scheduler", ["python", *SCHEDULER.split(), schedule]) as scheduler,
            ):
                pids = {"worker": [worker.process.pid], "upstream": [upstream.pid]}
                yield Ingestion(site, pids | {"scheduler": [scheduler.process.pid]})
                site.call("-m", "benchmarks.loading.ingesting", "end")
        finally:
            upstream.terminate()


def plan(address: str, meters: str) -> None:
    from django.utils import timezone

    from benchmarks.loading.crowd import ZONE, muid
    from benchmarks.loading.upstream import START
    from ingestion.models import Feed, Source
    from meters.models import Meter
    from tenants.models import Tenant
    from tenants.onboarding import create_tenant

    if not Tenant.objects.filter(schema_name=SLUG).exists():
        create_tenant(slug=SLUG)
    with Tenant.objects.get(schema_name=SLUG).entered():
        begun = Meter.objects.count()
        some = [
            Meter(muid=muid(1000, begun + n), name=f"Meter {begun + n}", timezone=ZONE)
            for n in range(int(meters))
        ]
        source = Source.objects.create(
            name=f"Upstream {begun}",
            address=address,
            backfill_from=START,
            sweep_minutes=100_000,
            next_sweep_at=timezone.now(),
        )
        Feed.objects.bulk_create(
            [Feed(meter=meter, source=source) for meter in Meter.objects.bulk_create(some)]
        )


def readings() -> None:
    from django.db.models import Sum

    from ingestion.models import Run
    from tenants.models import Tenant

    with Tenant.objects.get(schema_name=SLUG).entered():
        stored = Run.objects.aggregate(n=Sum("new"))["n"] or 0
        print(json.dumps([stored, time.time()]))


def end() -> None:
    from ingestion.models import Run
    from tenants.models import Tenant

    with Tenant.objects.get(schema_name=SLUG).entered():
        Run.objects.filter(state__in=Run.OPEN).update(state=Run.State.CANCELLED)


ORDERS = {one.__name__: one for one in (plan, readings, end)}

if __name__ == "__main__":
    import django

    django.setup()
    ORDERS[sys.argv[1]](*sys.argv[2:])
