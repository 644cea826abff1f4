"""What work has cost, read from the kernel and from PostgreSQL: processor time, log, memory."""

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import psutil
import psycopg
from django.conf import settings
from django.db import connection

from benchmarks.capacity.found import Spent


class Gauges:
    """Reads what this process and PostgreSQL have spent; as a superuser, who may checkpoint.

    The embedded server's superuser has the password of its owner.
    """

    def __init__(self) -> None:
        server = settings.DATABASES["default"]
        self.boss: psycopg.Connection[Any] = psycopg.connect(
            host=server["HOST"],
            port=server["PORT"],
            dbname=server["NAME"],
            user="postgres",
            password=server["PASSWORD"],
            autocommit=True,
        )
        self.own = psutil.Process()
        self.server = psutil.Process(self.number("SELECT pg_backend_pid()")).parent()

    def number(self, query: str) -> int:
        row = self.boss.execute(query).fetchone()
        assert row is not None
        return int(row[0])

    @contextmanager
    def spending(self) -> Iterator[Spent]:
        """Put down what the block spends."""
        spent = Spent()
        before = self._read()
        yield spent
        after = self._read()
        spent.wall, spent.own, spent.database, spent.wal = (
            late - early for late, early in zip(after, before, strict=True)
        )

    def _read(self) -> tuple[float, float, float, float]:
        return (
            time.perf_counter(),
            time.process_time(),
            self._database(),
            self.number("SELECT pg_current_wal_insert_lsn() - '0/0'"),
        )

    def _database(self) -> float:
        """Processor time of PostgreSQL's processes, those that have ended included [s]."""
        assert self.server is not None
        while True:
            try:
                times = self.server.cpu_times()
                total = times.user + times.system + times.children_user + times.children_system
                for child in self.server.children():
                    of_child = child.cpu_times()
                    total += of_child.user + of_child.system
                return float(total)
            except psutil.NoSuchProcess:
                # One has just ended: from now on its time is the server's.
                continue

    @contextmanager
    def setting(self, name: str, value: str) -> Iterator[None]:
        """Have a setting of PostgreSQL's be another one for as long as the block lasts."""
        self.boss.execute(f"ALTER SYSTEM SET {name} = '{value}'")
        self.boss.execute("SELECT pg_reload_conf()")
        time.sleep(0.2)
        connection.close()
        try:
            yield
        finally:
            self.boss.execute(f"ALTER SYSTEM RESET {name}")
            self.boss.execute("SELECT pg_reload_conf()")
            connection.close()

    def vacuum_by_hand(self) -> AbstractContextManager[None]:
        """Have nothing vacuumed but by the plant: when autovacuum's minute is over is chance."""
        return self.setting("autovacuum", "off")

    def checkpoint(self) -> None:
        self.boss.execute("CHECKPOINT")

    def memory(self, pid: int | None = None) -> float:
        """Return what a process, this one by default, holds for itself [B].

        Not what it shares with nobody: of PostgreSQL's own cache that is whatever no other process
        has touched yet.
        """
        status = Path(f"/proc/{pid or self.own.pid}/status").read_text()
        return int(status.partition("RssAnon:")[2].split()[0]) * 1024.0

    def catalogue(self) -> float:
        """Size of PostgreSQL's own tables in this database [B]."""
        return self.number(
            "SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c "
            "WHERE c.relnamespace = 'pg_catalog'::regnamespace AND c.relkind = 'r'"
        )


def backend() -> int:
    """Return the process of PostgreSQL's that serves Django's connection."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])
