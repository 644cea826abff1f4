"""What a tenant costs that has nothing in it: the schema, the dispatcher's question, its chores."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.conf import settings
from django.db import connection
from django.utils import timezone
from django_tenants.utils import schema_context
from redis import Redis

from benchmarks.capacity.gauges import Gauges, backend
from benchmarks.capacity.plant import table_sizes
from config.celery import app
from ingestion.dispatching import with_work
from ingestion.tasks import repair_gaps, tidy_record
from monitoring.looking import Observer
from notices.tasks import watch_tenant
from tenants.blueprint import make_schema
from tenants.models import Tenant
from tenants.schema import enter_public, in_public

TENANTS, TURNS, TO_WAKE = 80, 2, 20
RELATIONS = (
    "SELECT count(*) FROM pg_class "
    "WHERE relnamespace = %s::regnamespace AND relkind IN ('r', 'i', 'S')"
)
Work = Callable[[], object]


@dataclass(frozen=True)
class Each:
    """Processor time for each of some tenants, of this process and of PostgreSQL's [s]."""

    own: float
    database: float


@dataclass(frozen=True)
class Empty:
    """What a tenant costs, beyond its meters: see `coefficients`."""

    tenant_bytes: float
    catalogue_bytes: float
    relations: float
    made: Each
    tick: Each
    look: Each
    chore: Each
    send: float
    message_bytes: float
    backend_memory: float
    backend_tenant: float


def measure(gauges: Gauges) -> tuple[Empty, dict[str, float]]:
    """Return what a tenant costs that has nothing in it, and the size of each of its tables [B]."""
    with tenants(gauges) as (made, names, catalogue):
        with schema_context(names[0]):
            tables = table_sizes()
            with connection.cursor() as cursor:
                cursor.execute(RELATIONS, [names[0]])
                relations = float(cursor.fetchone()[0])
        memory = _memory(gauges, names)
        send, message = _messages()
        found = Empty(
            tenant_bytes=sum(tables.values()),
            catalogue_bytes=catalogue,
            relations=relations,
            made=made,
            tick=_each(gauges, lambda: list(with_work(names, timezone.now())), kept=False),
            look=_each(gauges, lambda: Observer().look(timezone.now()), kept=True),
            chore=_chores(gauges, names),
            send=send,
            message_bytes=message,
            backend_memory=memory[0],
            backend_tenant=memory[1],
        )
        return found, tables


@contextmanager
def tenants(gauges: Gauges, count: int = TENANTS) -> Iterator[tuple[Each, list[str], float]]:
    """Make tenants without people or domains; they are gone afterwards.

    Yields
    ------
    What making one costs, their schemas, and what PostgreSQL's catalogue grows by for each [B].
    """
    enter_public()
    names = [f"capacity_empty_{number}" for number in range(count)]
    # The first one of a release has the migrations run.
    make_schema("capacity_first")
    before = gauges.catalogue()
    try:
        with gauges.spending() as spent:
            for name in names:
                make_schema(name)
        Tenant.objects.bulk_create(Tenant(schema_name=name, name=name) for name in names)
        grown = (gauges.catalogue() - before) / count
        yield Each(spent.own / count, spent.database / count), names, grown
    finally:
        enter_public()
        Tenant.objects.filter(schema_name__in=names).delete()
        with connection.cursor() as cursor:
            for name in [*names, "capacity_first"]:
                cursor.execute(f'DROP SCHEMA IF EXISTS "{name}" CASCADE')


def _each(gauges: Gauges, work: Work, *, kept: bool) -> Each:
    """Do it a few times over all tenants.

    Parameters
    ----------
    kept
        Whether one connection serves all of these times, as the exporter's does; a task has one of
        its own.
    """
    connection.close()
    if kept:
        work()
    with gauges.spending() as spent:
        for _ in range(TURNS):
            with in_public():
                work()
            if not kept:
                connection.close()
    connection.close()
    count = TURNS * TENANTS
    return Each(spent.own / count, spent.database / count)


def _chores(gauges: Gauges, names: list[str]) -> Each:
    """Do each task of a tenant's that the schedule sends, where there is nothing to do."""
    tasks = (repair_gaps, tidy_record, watch_tenant)
    some = list(Tenant.objects.filter(schema_name__in=names[:TO_WAKE]))
    connection.close()
    with gauges.spending() as spent:
        for tenant in some:
            for task in tasks:
                with tenant.entered():
                    task.apply(headers={"_schema_name": tenant.schema_name}, throw=True)
                connection.close()
    count = len(some) * len(tasks)
    return Each(spent.own / count, spent.database / count)


def _messages(count: int = 2_000) -> tuple[float, float]:
    """Send messages that nobody takes; return what sending one costs [s] and what it holds [B]."""
    redis = Redis.from_url(settings.REDIS_URL)
    queue = "capacity"
    before, began = redis.info("memory")["used_memory"], time.process_time()
    for number in range(count):
        app.send_task(
            "ingestion.ingest_run", (number,), queue=queue, headers={"_schema_name": "capacity"}
        )
    spent = time.process_time() - began
    grown = redis.info("memory")["used_memory"] - before
    for key in redis.scan_iter("lastgang:capacity*"):
        redis.delete(key)
    return spent / count, grown / count


def _memory(gauges: Gauges, names: list[str]) -> tuple[float, float]:
    """Tell what a process of PostgreSQL's holds at first, and how that grows by tenant [B].

    In each tenant the watch has its look, which asks for meters, feeds, sources and letters.
    """
    some = {one.schema_name: one for one in Tenant.objects.filter(schema_name__in=names)}
    connection.close()
    pid = backend()
    held = []
    for count, name in enumerate(names, 1):
        with some[name].entered():
            watch_tenant.apply(headers={"_schema_name": name}, throw=True)
            repair_gaps.apply(headers={"_schema_name": name}, throw=True)
        if count in (1, len(names)):
            held.append(gauges.memory(pid))
    connection.close()
    return held[0], (held[1] - held[0]) / (len(names) - 1)
