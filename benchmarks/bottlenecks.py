"""What gives way first, seen happening, and what helps: docs/performance.md argues from these.

In an installation of the embedded server, whose superuser has its owner's password: one of these
changes a setting of PostgreSQL's, and sets it back.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta

import psycopg
from django.db import connection
from django.utils import timezone

from benchmarks.capacity import plant, schemas
from benchmarks.capacity.found import Size
from benchmarks.capacity.gauges import Gauges, backend
from benchmarks.capacity.requests import Site
from benchmarks.capacity.upstream import ZONE, Running, running
from benchmarks.pulling import processes
from benchmarks.report import Report
from ingestion.dispatching import with_work
from ingestion.models import Feed, Source
from meters.models import Meter
from monitoring.looking import Observer
from notices.tasks import watch_tenant
from tenants.models import Tenant
from tenants.onboarding import create_tenant
from tenants.schema import enter_public

METERS, LATE = 128, (0.0, 0.1)
# Processes, and meters that each asks for at a time.
WAYS = ((1, 1), (1, 2), (1, 4), (1, 8), (1, 16), (2, 1), (2, 4), (4, 1), (4, 4), (8, 1))
TENANTS = (40, 120)
BEHIND, JOBS = 8, (1, 2, 4)
SIZE = Size(tenants=1, single=100, double=0, days=1, reread=24)


def run(report: Report) -> None:
    gauges = Gauges()
    with gauges.vacuum_by_hand():
        many_tenants(report, gauges)
        connections(report, gauges)
        log(report, gauges)
        pace(report)


def told(report: Report, words: str) -> None:
    """Put a finding among the report's notes, and say it at once: all of it takes minutes."""
    report.notes.append(words)
    print(words, file=sys.stderr, flush=True)


# --- The upstream's pace, and workers' processors -------------------------------------------------


def pace(report: Report) -> None:
    """Sweep from a near upstream and a far one, by some processes, of some meters at a time."""
    for late in LATE:
        with running(METERS, 0, late) as upstream, _tenant("pace") as made:
            source = _source(made, upstream)
            stop = int(time.time()) // 900 * 900
            spans = stop - 72 * 3600, stop
            # What is read in the sweeps that are timed has been stored.
            processes(made.schema_name, source, *spans, [list(upstream.single)])
            alone = 0.0
            for count, at_once in WAYS:
                shares = [list(upstream.single[number::count]) for number in range(count)]
                done = processes(made.schema_name, source, *spans, shares, at_once=at_once)
                wall = max(one.wall for one in done)
                alone = alone or wall
                busy = sum(one.cpu for one in done) / (wall * count)
                told(
                    report,
                    f"Answers {late * 1e3:.0f} ms late, {count} processes, {at_once} at a time: "
                    f"{METERS / wall:.0f} meters/s ({alone / wall:.1f} times the first), each busy "
                    f"{busy:.0%} of its time.",
                )


@contextmanager
def _tenant(name: str) -> Iterator[Tenant]:
    enter_public()
    made = create_tenant(slug=f"bottleneck-{name}", timezone=ZONE).tenant
    try:
        yield made
    finally:
        enter_public()
        made.delete(force_drop=True)


def _source(tenant: Tenant, upstream: Running) -> int:
    with tenant.entered():
        source = Source.objects.create(
            name="Upstream",
            address=upstream.address,
            next_sweep_at=datetime.now(UTC) + timedelta(days=1000),
        )
        for muid in upstream.single:
            meter = Meter.objects.create(muid=muid, name=str(muid)[:30], timezone=ZONE)
            Feed.objects.create(meter=meter, source=source)
        return int(source.pk)


# --- The write-ahead log of sweeps ----------------------------------------------------------------


def log(report: Report, gauges: Gauges) -> None:
    """Sweep without a checkpoint between sweeps, with one, and with pages compressed besides."""
    with plant.plant(SIZE, gauges, "bottleneck") as made:
        made.run(made.begin - timedelta(days=1), made.begin)
        ways = (
            ("no checkpoint between sweeps", False, "off"),
            ("a checkpoint between sweeps", True, "off"),
            ("the same with wal_compression = on", True, "on"),
        )
        until, first = made.begin, 0.0
        for words, checkpoint, compression in ways:
            with gauges.setting("wal_compression", compression):
                log, count = 0.0, 0
                for _ in range(5):
                    until += plant.QUARTER
                    if checkpoint:
                        gauges.checkpoint()
                    spent, _ = made.run(until - timedelta(hours=SIZE.reread), until)
                    log, count = log + spent.wal, count + SIZE.registers
            first = first or log / count
            told(
                report,
                f"Write-ahead log, {words}: {log / count:,.0f} B per new reading "
                f"({log / count / first:.2f} times).",
            )


# --- Connections ----------------------------------------------------------------------------------


def connections(report: Report, gauges: Gauges) -> None:
    """Take all connections that PostgreSQL has, and ask for a page."""
    with running(1, 0) as upstream, _tenant("connections") as made, ExitStack() as held:
        _source(made, upstream)
        site = Site(made)
        site.get("overview")
        connection.close()
        server, count = connection.settings_dict, 0
        while True:
            try:
                held.enter_context(
                    psycopg.connect(
                        host=server["HOST"],
                        port=server["PORT"],
                        dbname=server["NAME"],
                        user=server["USER"],
                        password=server["PASSWORD"],
                    )
                )
                count += 1
            except psycopg.OperationalError as error:
                words = str(error).strip().splitlines()[-1].rpartition("FATAL:")[2].strip()
                break
        status = site.status("overview")
        held.close()
        connection.close()
        most = gauges.number("SELECT current_setting('max_connections')::int")
        told(
            report,
            f"With {count} of {most} connections taken PostgreSQL says “{words}”, and a page is "
            f"answered with {status}; when they are free again, with {site.status('overview')}.",
        )
        opened = _mean(lambda: (connection.close(), backend()), 50)
        kept = _mean(backend, 50)
        report.cost("a query on a new connection, beside a kept one", "ms", opened, kept)


def _mean(work: Callable[[], object], times: int) -> float:
    began = time.perf_counter()
    for _ in range(times):
        work()
    return (time.perf_counter() - began) / times * 1e3


# --- Many tenants ---------------------------------------------------------------------------------


def many_tenants(report: Report, gauges: Gauges) -> None:
    """Ask few tenants and many what is due and how they are; migrate some that are behind."""
    for count in TENANTS:
        with schemas.tenants(gauges, count) as (_, names, _):
            for words, work in (
                ("asked what is due", lambda names=names: list(with_work(names, timezone.now()))),
                ("looked at by the exporter", lambda: Observer().look(timezone.now())),
            ):
                cold = _mean(lambda work=work: _anew(work), 3)  # type: ignore[misc]
                warm = _mean(work, 3)
                told(
                    report,
                    f"{count} tenants {words}: {cold:.0f} ms on a new connection "
                    f"({cold / count:.2f} each), {warm:.0f} ms on one that has asked before "
                    f"({warm / count:.2f}).",
                )
            if count == max(TENANTS):
                _memory(report, gauges, names)
                _migrations(report, names[:BEHIND])


def _anew(work: Callable[[], object]) -> None:
    connection.close()
    work()


def _memory(report: Report, gauges: Gauges, names: Sequence[str]) -> None:
    """Work in tenant after tenant on one connection, and see what its process holds."""
    known = {one.schema_name: one for one in Tenant.objects.filter(schema_name__in=names)}
    connection.close()
    pid, held = backend(), []
    for number, name in enumerate(names, 1):
        with known[name].entered():
            watch_tenant.apply(headers={"_schema_name": name}, throw=True)
        if number in (1, *TENANTS):
            held.append(f"{gauges.memory(pid) / 1e6:.1f} MB after {number}")
    connection.close()
    fresh = gauges.memory(backend()) / 1e6
    told(
        report,
        f"A process of PostgreSQL's holds {', '.join(held)} tenants; a new one {fresh:.1f} MB.",
    )


def _migrations(report: Report, names: Sequence[str]) -> None:
    """Put tenants back to before an app's tables were made, and have them migrated again."""
    for jobs in JOBS:
        for name in names:
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT string_agg(format('%%I.%%I', schemaname, tablename), ', ') "
                    "FROM pg_tables WHERE schemaname = %s AND tablename LIKE 'notices\\_%%'",
                    [name],
                )
                (tables,) = cursor.fetchone()
                cursor.execute(f"DROP TABLE {tables}")
                cursor.execute(f"DELETE FROM {name}.django_migrations WHERE app = 'notices'")
        began = time.perf_counter()
        subprocess.run(
            [sys.executable, "manage.py", "migrate_schemas", "--tenant", "--parallel", str(jobs)],
            check=True,
            env=dict(os.environ),
            stdout=subprocess.DEVNULL,
        )
        took = time.perf_counter() - began
        told(
            report,
            f"{len(names)} of {max(TENANTS)} tenants migrated by {jobs} processes: {took:.1f} s.",
        )
