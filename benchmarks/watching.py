"""What watching costs: a request counted and named, and a look at many tenants.

The baseline of the one is the cheapest answer there is, a probe's; of the other, asking twenty
tenants in one query, as the dispatcher does with its short question. Tenants are made cheaply: of
one that is whole the others have the tables that are asked.
"""

import time
from collections.abc import Callable
from datetime import timedelta
from statistics import median
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.utils import timezone

from benchmarks.report import Report
from config.measuring import MeasureMiddleware
from config.request_ids import RequestIdMiddleware
from ingestion import dispatching
from ingestion.models import Feed, Run, Source
from meters.models import Meter
from monitoring import questions
from monitoring.looking import Observer
from tenants.models import Tenant
from tenants.onboarding import create_tenant

REQUESTS, TURNS, TENANTS, RUNS, FEEDS = 5_000, 7, 200, 1_000, 100
WHOLE = "bench_watched"
TABLES = (
    "meters_meter",
    "ingestion_source",
    "ingestion_feed",
    "ingestion_run",
    "ingestion_gap",
    "notices_letter",
    "notices_watch",
)


def run(report: Report) -> None:
    settings.METRICS_PORT = settings.METRICS_PORT or 1
    bare, both = _each(_chain(False)), _each(_chain(True))
    settings.METRICS_PORT = 0
    probe = Client(HTTP_HOST="127.0.0.1")
    probed = _each(lambda: probe.get("/healthz"), 500)
    report.cost(
        "count and name a request, against a probe", "µs", (both - bare) * 1e6, probed * 1e6
    )
    try:
        _make()
        _compare(report)
    finally:
        _remove()


def _chain(is_watched: bool) -> Callable[[], object]:
    def answer(request: HttpRequest) -> HttpResponse:
        return HttpResponse()

    request = RequestFactory().get("/", HTTP_X_REQUEST_ID="bench-0123456789")
    chain: Any = MeasureMiddleware(RequestIdMiddleware(answer)) if is_watched else answer
    return lambda: chain(request)


def _each(work: Callable[[], object], count: int = REQUESTS) -> float:
    """Return what one of many costs, the median of some turns [s]."""
    found = []
    for _ in range(TURNS):
        before = time.perf_counter()
        for _ in range(count):
            work()
        found.append((time.perf_counter() - before) / count)
    return median(found)


def _compare(report: Report) -> None:
    usual = questions.AT_ONCE
    found = {}
    for at_once in (usual, dispatching.AT_ONCE):
        questions.AT_ONCE = at_once
        observer = Observer()
        observer.look(timezone.now())
        found[at_once] = median(observer.look(timezone.now()).seconds for _ in range(TURNS))
    questions.AT_ONCE = usual
    words = f"look at {TENANTS} tenants, against 20 in a query"
    report.cost(words, "ms", found[usual] * 1e3, found[dispatching.AT_ONCE] * 1e3)


def _make() -> None:
    _remove()
    with create_tenant(slug=WHOLE.replace("_", "-")).tenant.entered():
        _fill()
    names = [f"{WHOLE}_{number}" for number in range(1, TENANTS)]
    with connection.cursor() as cursor:
        for name in names:
            cursor.execute(f"CREATE SCHEMA {name}")
            for table in TABLES:
                ours, whole = f"{name}.{table}", f"{WHOLE}.{table}"
                cursor.execute(f"CREATE TABLE {ours} (LIKE {whole} INCLUDING ALL)")
                cursor.execute(f"INSERT INTO {ours} SELECT * FROM {whole}")
                cursor.execute(f"ANALYZE {ours}")
    Tenant.objects.bulk_create(Tenant(schema_name=name, name=name) for name in names)


def _fill() -> None:
    """Give the tenant that we are in a source, meters that were just read, and ten days of runs."""
    now = timezone.now()
    source = Source.objects.create(name="Source", address="https://upstream.example")
    meters = Meter.objects.bulk_create(
        Meter(name=f"Meter {n}", muid=uuid4(), timezone="Europe/Zurich") for n in range(FEEDS)
    )
    Feed.objects.bulk_create(
        Feed(meter=meter, source=source, last_success_at=now - timedelta(seconds=n))
        for n, meter in enumerate(meters)
    )
    runs = Run.objects.bulk_create(
        Run(source=source, trigger=Run.Trigger.SCHEDULE, state=Run.State.SUCCEEDED, new=400)
        for _ in range(RUNS)
    )
    for n, run in enumerate(reversed(runs)):
        run.created_at = now - n * timedelta(minutes=15)
    Run.objects.bulk_update(runs, ["created_at"])
    Run.objects.create(source=source, trigger=Run.Trigger.SCHEDULE)


def _remove() -> None:
    names = list(
        Tenant.objects.filter(schema_name__startswith=WHOLE).values_list("schema_name", flat=True)
    )
    with connection.cursor() as cursor:
        cursor.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE %s", [f"{WHOLE}%"])
        for name in {*names, *(row[0] for row in cursor.fetchall())}:
            cursor.execute(f'DROP SCHEMA IF EXISTS "{name}" CASCADE')
    Tenant.objects.filter(schema_name__in=names).delete()
