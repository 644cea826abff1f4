"""An installation of a size: tenants with meters and history, swept, corrected and looked at."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
from django.db import connection

from benchmarks.capacity.found import CORRECTED, LATE, SWEEPS, Found, Size, Spent
from benchmarks.capacity.gauges import Gauges
from benchmarks.capacity.upstream import ZONE, Running, running
from ingestion.batch import Batch, RegisterKey
from ingestion.models import Feed, ReadingRevision, Run, Source
from ingestion.services import execute_run
from ingestion.store import store
from meters.models import DailyProfile, Meter, Register
from tenants.models import Tenant
from tenants.onboarding import create_tenant
from tenants.schema import enter_public

QUARTER = timedelta(minutes=15)
# Sweeps before the record's size is looked at, and then.
LONG = (80, 320)
TABLES = (
    "SELECT relname, pg_total_relation_size(oid) FROM pg_class "
    "WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'"
)


def table_sizes() -> dict[str, float]:
    """Tables of the tenant that is entered, with their indexes and what is stored apart [B]."""
    with connection.cursor() as cursor:
        cursor.execute(TABLES)
        return {table: float(size) for table, size in cursor.fetchall()}


# Tables that PostgreSQL's autovacuum would see to, by its usual thresholds.
WORN = (
    "SELECT quote_ident(relname), n_dead_tup > 50 + 0.2 * size "
    "OR n_ins_since_vacuum > 1000 + 0.2 * size "
    "FROM pg_stat_user_tables JOIN "
    "(SELECT oid, greatest(reltuples, 0) AS size FROM pg_class) c ON c.oid = relid "
    "WHERE schemaname = current_schema() AND (n_dead_tup > 50 + 0.2 * size "
    "OR n_ins_since_vacuum > 1000 + 0.2 * size OR n_mod_since_analyze > 50 + 0.1 * size)"
)


class Plant:
    """Tenants of a size with their sources, to be worked on in turn."""

    def __init__(self, size: Size, gauges: Gauges, upstream: Running, name: str) -> None:
        self.size, self.gauges, self.upstream = size, gauges, upstream
        enter_public()
        self.tenants: list[Tenant] = [
            create_tenant(slug=f"{name}-{number}", timezone=ZONE).tenant
            for number in range(size.tenants)
        ]
        self.sources = [self._source(number) for number in range(size.tenants)]
        evening = datetime.now(ZoneInfo(ZONE)).replace(hour=16, minute=0, second=0, microsecond=0)
        # The sweeps go on from here, through the middle of a day.
        self.begin = (evening - timedelta(days=1)).astimezone(UTC) - SWEEPS * QUARTER

    def _source(self, number: int) -> int:
        single, double = self.size.single, self.size.double
        muids: list[UUID] = [
            *self.upstream.single[number * single : (number + 1) * single],
            *self.upstream.double[number * double : (number + 1) * double],
        ]
        with self.tenants[number].entered():
            source = Source.objects.create(
                name="Upstream",
                address=self.upstream.address,
                # Nobody else is to sweep it.
                next_sweep_at=datetime.now(UTC) + timedelta(days=1000),
            )
            for muid in muids:
                meter = Meter.objects.create(muid=muid, name=str(muid)[:30], timezone=ZONE)
                Feed.objects.create(meter=meter, source=source)
            return int(source.pk)

    def found(self, *, far_too: bool = False) -> Found:
        """Fill, sweep and correct it; return what that has cost.

        Parameters
        ----------
        far_too
            Whether to sweep it from an upstream far away as well.
        """
        found = Found(self.size)
        before = self.begin - timedelta(days=1)
        found.backfill, found.backfill_readings = self.run(
            before - timedelta(days=self.size.days - 1), before
        )
        # A history lies meter by meter. What comes from then on, all meters' days side by side.
        self.run(before, self.begin)
        self._vacuum()
        for number in range(1, SWEEPS + 1):
            # A quarter of an hour lies between sweeps, in which PostgreSQL makes three checkpoints.
            self.gauges.checkpoint()
            until = self.begin + number * QUARTER
            spent, readings = self.run(until - timedelta(hours=self.size.reread), until)
            found.sweep, found.sweep_readings = found.sweep + spent, readings
            with self.gauges.spending() as tidied:
                self._autovacuum()
            found.sweep += replace(tidied, own=0.0, wall=0.0)
        if far_too:
            found.far = self._far(self.begin + (SWEEPS + 1) * QUARTER)
        # What autovacuum would write at some time or other is not the corrections'.
        self._vacuum()
        self.gauges.checkpoint()
        with self.gauges.spending() as found.correction:
            found.correction_readings = sum(self._each(self._correct))
        self._vacuum()
        self._count(found)
        return found

    def _far(self, until: datetime) -> float:
        """Sweep from an upstream that serves the same, late; return how long that takes [s].

        It is swept twice, for the first time it works out what it serves.
        """
        size = self.size
        with running(size.tenants * size.single, size.tenants * size.double, LATE) as upstream:
            for number, tenant in enumerate(self.tenants):
                with tenant.entered():
                    Source.objects.filter(pk=self.sources[number]).update(address=upstream.address)
            for turn in range(2):
                end = until + turn * QUARTER
                spent, _ = self.run(end - timedelta(hours=size.reread), end)
        return spent.wall

    def record_bytes(self) -> tuple[float, float]:
        """Sweep one tenant's meters again and again; return what a run and an outcome take [B].

        Of a few rows each table and index has a page that is nearly empty, so growth counts.
        """
        held, until = [], self.begin - timedelta(days=5)
        tables = ("ingestion_run", "ingestion_outcome")
        for count in LONG:
            for _ in range(count):
                until += QUARTER
                self.run(until - 4 * QUARTER, until)
            self._vacuum()
            with self.tenants[0].entered():
                sizes = table_sizes()
                held.append([sizes[name] for name in tables])
        run, outcome = (
            (late - early) / LONG[-1] for early, late in zip(held[0], held[1], strict=True)
        )
        return run, outcome / self.size.meters

    def _each(self, work: Callable[[int], int]) -> Iterator[int]:
        for number, tenant in enumerate(self.tenants):
            with tenant.entered():
                yield work(number)
            # A task begins with a connection of its own.
            connection.close()

    def run(self, start: datetime, stop: datetime) -> tuple[Spent, int]:
        """Have every tenant's source asked for a window by a run each."""
        done: list[Run] = []

        def work(number: int) -> int:
            run = Run.objects.create(
                source_id=self.sources[number],
                trigger=Run.Trigger.SCHEDULE,
                start=start,
                stop=stop,
            )
            result = execute_run(run, worker=f"capacity {run.pk}")
            assert result is not None
            assert result.run.state == Run.State.SUCCEEDED, result.run.error
            done.append(result.run)
            return 0

        with self.gauges.spending() as spent:
            list(self._each(work))
        return spent, sum(run.readings for run in done)

    def _correct(self, number: int) -> int:
        """Replace whole days of each register, some time ago."""
        days = max(round(self.size.days * CORRECTED), 1)
        rng = np.random.default_rng(number)
        count = 0
        for register in Register.objects.select_related("meter"):
            end = self.begin - timedelta(days=self.size.days // 3)
            midnight = end.astimezone(ZoneInfo(ZONE)).replace(hour=0, minute=0)
            last = int(midnight.timestamp())
            instants = np.arange(last - days * 86_400, last, 900, dtype=np.int64)
            n = len(instants)
            store(
                Batch(
                    keys=(RegisterKey(register.meter.muid, register.obis, register.measurement),),
                    index=np.zeros(n, dtype=np.int64),
                    instants=instants,
                    values=np.round(rng.gamma(2.0, 0.05, n) + 1, 4),
                    qualities=np.ones(n, dtype=np.int16),
                    row=np.arange(n, dtype=np.int64),
                )
            )
            count += n
        return count

    def _autovacuum(self) -> None:
        """Do what PostgreSQL does by itself, once a minute, between sweeps of 15."""
        for tenant in self.tenants:
            with tenant.entered(), connection.cursor() as cursor:
                cursor.execute(WORN)
                for table, is_worn in cursor.fetchall():
                    cursor.execute(f"{'VACUUM (ANALYZE)' if is_worn else 'ANALYZE'} {table}")

    def _vacuum(self) -> None:
        for tenant in self.tenants:
            with tenant.entered(), connection.cursor() as cursor:
                cursor.execute(
                    "VACUUM (ANALYZE) daily_profile, ingestion_run, ingestion_outcome, "
                    "ingestion_feed, meters_register"
                )

    def _count(self, found: Found) -> None:
        for tenant in self.tenants:
            with tenant.entered():
                for table, size in table_sizes().items():
                    found.tables[table] = found.tables.get(table, 0) + size
                found.day_rows += DailyProfile.objects.count()
                found.revisions += ReadingRevision.objects.count()

    def remove(self) -> None:
        enter_public()
        for tenant in self.tenants:
            tenant.delete(force_drop=True)


@contextmanager
def plant(size: Size, gauges: Gauges, name: str) -> Iterator[Plant]:
    """Set a plant up; it is gone afterwards."""
    single, double = size.tenants * size.single, size.tenants * size.double
    with running(single, double) as upstream:
        made = Plant(size, gauges, upstream, name)
        try:
            yield made
        finally:
            made.remove()
