"""Measure plants of several sizes, fit what one more costs, hold that against two larger ones."""

import time
from dataclasses import dataclass

from django.core.management import call_command

from benchmarks.capacity import fitting, overviews, processes, schemas
from benchmarks.capacity.coefficients import Coefficients
from benchmarks.capacity.found import Cost, Found, Size
from benchmarks.capacity.gauges import Gauges
from benchmarks.capacity.plant import plant
from benchmarks.capacity.requests import Site, costs
from benchmarks.capacity.validation import Check, checks

FITTED = (
    Size(tenants=2, single=10, double=0, days=240, reread=600),
    Size(tenants=5, single=12, double=8, days=60, reread=24),
    Size(tenants=12, single=5, double=0, days=120, reread=300),
    Size(tenants=3, single=0, double=40, days=30, reread=48),
    Size(tenants=1, single=80, double=0, days=90, reread=96),
    Size(tenants=1, single=150, double=50, days=45, reread=48),
    Size(tenants=2, single=110, double=30, days=75, reread=48),
    Size(tenants=8, single=0, double=6, days=200, reread=480),
    Size(tenants=20, single=8, double=4, days=50, reread=36),
)
# Its record is made long.
RECORD = Size(tenants=1, single=3, double=0, days=1, reread=1)
# Not used to fit: the tenants of one are larger, the other has more of them.
CHECKED = (
    Size(tenants=2, single=70, double=40, days=65, reread=72),
    Size(tenants=16, single=10, double=5, days=100, reread=24),
)


@dataclass(frozen=True)
class Look:
    """What one plant has cost: its work, and its requests and memory [B] where those were asked."""

    found: Found
    pages: dict[str, Cost]
    memory: tuple[float, float] | None


def measure() -> Coefficients:
    """Measure in the installation that Django is set up for, and fit; it takes some minutes."""
    call_command("migrate_schemas", shared=True, verbosity=0, interactive=False)
    gauges = Gauges()
    with gauges.vacuum_by_hand():
        return _measured(gauges)


def _measured(gauges: Gauges) -> Coefficients:
    began = time.perf_counter()
    empty, tables = schemas.measure(gauges)
    print(f"Tenants with nothing in them: {time.perf_counter() - began:.0f} s", flush=True)
    run_bytes, outcome_bytes = record(gauges)
    looks = [look(size, gauges, processes_too=not number) for number, size in enumerate(FITTED)]
    plants = [one.found for one in looks]
    of_web, of_worker = looks[0].memory or (0.0, 0.0)
    return Coefficients(
        tenant_bytes=empty.tenant_bytes,
        catalogue_bytes=empty.catalogue_bytes,
        tenant_relations=empty.relations,
        worker_tick=empty.tick.own,
        database_tick=empty.tick.database,
        worker_look=empty.look.own,
        database_look=empty.look.database,
        worker_chore=empty.chore.own,
        database_chore=empty.chore.database,
        send=empty.send,
        message_bytes=empty.message_bytes,
        backend_memory=empty.backend_memory,
        backend_tenant=empty.backend_tenant,
        web_memory=of_web,
        worker_memory=of_worker,
        run_bytes=run_bytes,
        outcome_bytes=outcome_bytes,
        **fitting.storage(plants, tables),
        **fitting.log(plants),
        **fitting.processors(plants),
        **fitting.pages(overviews.by_size(gauges)),
    )


def check(coefficients: Coefficients) -> dict[str, list[Check]]:
    """Measure the sizes that were not fitted, and hold predictions against them."""
    call_command("migrate_schemas", shared=True, verbosity=0, interactive=False)
    gauges = Gauges()
    found = {}
    with gauges.vacuum_by_hand():
        for size in CHECKED:
            one = look(size, gauges, all_too=True)
            found[str(size)] = list(checks(coefficients, one.found, one.pages))
    return found


def record(gauges: Gauges) -> tuple[float, float]:
    """Return what a run and what it did to a meter take on disk [B]."""
    with plant(RECORD, gauges, "capacity") as made:
        return made.record_bytes()


def look(size: Size, gauges: Gauges, *, processes_too: bool = False, all_too: bool = False) -> Look:
    """Set a plant up and have it work.

    Parameters
    ----------
    processes_too
        Whether to look at the memory of processes.
    all_too
        Whether to sweep it from far away and to ask for pages, which the fit needs not.
    """
    began = time.perf_counter()
    with plant(size, gauges, "capacity") as made:
        found = made.found(far_too=all_too)
        site = Site(made.tenants[0])
        pages = costs(site, gauges) if all_too else {}
        memory = processes.memory(site.host, site.pages()) if processes_too else None
    print(f"{size}: {time.perf_counter() - began:.0f} s", flush=True)
    return Look(found, pages, memory)
