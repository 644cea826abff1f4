"""Pages as the server makes them, against what a textbook asks of the database for the same.

Textbook is a row per reading and TruncDay in the meter's zone, summed by meter: the query alone.
Ours is the whole page, through Django's request cycle, from a tenant of many meters with a year of
readings each that ends now.
"""

import time
import uuid
from collections.abc import Callable
from datetime import timedelta
from zoneinfo import ZoneInfo

import numpy as np
from django.db import connection
from django.db.models import Count, Sum
from django.db.models.functions import TruncDay
from django.test import Client
from django.utils import timezone

from accounts.models import User
from benchmarks.report import Report
from benchmarks.serving import ReadingRow
from benchmarks.storing import OBIS, SLUG, ZONE, tenant
from ingestion.batch import Batch, RegisterKey
from ingestion.store import store
from meters.models import Meter
from tenants.models import Domain
from tenants.schema import in_public

TURNS = 5
YEAR = 365 * 86_400
EXPORT = OBIS.replace("1.29", "2.29")
# The textbook has rows of so many days alone: a month, and the month before.
ROWS_DAYS = 60


def run(report: Report, *, meters: int) -> None:
    with tenant():
        fill(meters)
        browser = Browser()
        muid = Meter.objects.order_by("name").values_list("muid", flat=True)[0]
        cases: list[tuple[str, str, Callable[[], object]]] = [
            (f"overview of {meters:,} meters, 28 days", "/", lambda: _textbook(28)),
            (f"overview of {meters:,} meters, 7 days", "/?range=week", lambda: _textbook(7)),
            ("page of a meter, 28 days", f"/meters/{muid}/", lambda: _textbook(28, str(muid))),
        ]
        for title, path, theirs in cases:
            ours, textbook = medians([lambda path=path: browser.get(path), theirs])  # type: ignore[misc]
            report.cost(f"{title}, beside textbook's query", "ms", ours, textbook)
        for title, path in (
            (f"overview of {meters:,} meters, a year", "/?range=year"),
            ("page of a meter, a year", f"/meters/{muid}/?range=year"),
        ):
            month = path.partition("?")[0]
            year, usual = medians(
                [lambda path=path: browser.get(path), lambda path=month: browser.get(path)]  # type: ignore[misc]
            )
            report.cost(f"{title}, beside its month", "ms", year, usual)


class Browser:
    """Asks for pages as a signed-in person."""

    def __init__(self) -> None:
        user = User.objects.create_superuser("pages@example.com", "a long password 1")
        with in_public():
            host = Domain.objects.get(tenant__schema_name=SLUG).domain
        self.tenant = connection.tenant  # type: ignore[attr-defined]
        self.client = Client(HTTP_HOST=host)
        self.client.force_login(user)

    def get(self, path: str) -> bytes:
        answer = self.client.get(path)
        assert answer.status_code == 200, answer.content
        # The middleware leaves the tenant.
        self.tenant.enter()
        return bytes(answer.content)


def fill(meters: int) -> None:
    """Store a year of each meter, and of every third one what it feeds in as well."""
    end = int(time.time()) // 900 * 900
    instants = np.arange(end - YEAR, end, 900, dtype=np.int64)
    for number in range(meters):
        muid = uuid.uuid5(uuid.NAMESPACE_URL, f"pages/{number}")
        Meter.objects.create(muid=muid, name=f"Meter {number:04}", timezone=ZONE)
        store(_year(muid, (OBIS, EXPORT)[: 1 + (number % 3 == 0)], instants, number))
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO reading_row SELECT register_id, first + (i - 1) * make_interval("
            'secs => "interval"), value, quality FROM daily_profile, '
            "unnest(values) WITH ORDINALITY AS slot(value, i) "
            "WHERE value IS NOT NULL AND day >= CURRENT_DATE - %s",
            [ROWS_DAYS],
        )
        cursor.execute("VACUUM (ANALYZE) daily_profile, reading_row")


def _year(muid: uuid.UUID, codes: tuple[str, ...], instants: np.ndarray, number: int) -> Batch:
    rng = np.random.default_rng(number)
    n, k = len(instants), len(codes)
    return Batch(
        keys=tuple(RegisterKey(muid, code, "energy") for code in codes),
        index=np.repeat(np.arange(k), n),
        instants=np.tile(instants, k),
        values=np.round(rng.gamma(2.0, 0.05, n * k), 4),
        qualities=np.ones(n * k, dtype=np.int16),
        row=np.arange(n * k, dtype=np.int64),
    )


def medians(works: list[Callable[[], object]]) -> list[float]:
    """Do each in turn, a few times; return the median of each [ms]."""
    spent: list[list[float]] = [[] for _ in works]
    for turn in range(TURNS + 1):
        for took, work in zip(spent, works, strict=True):
            began = time.perf_counter()
            work()
            if turn:  # the first one warms up
                took.append(time.perf_counter() - began)
    return [1e3 * float(np.median(took)) for took in spent]


def _textbook(days: int, muid: str = "") -> list[object]:
    """Sum days of the period and of the one before, by register."""
    rows = ReadingRow.objects.filter(instant__gte=timezone.now() - timedelta(days=2 * days))
    if muid:
        meter = Meter.objects.prefetch_related("registers").get(muid=muid)
        rows = rows.filter(register_id__in=[one.pk for one in meter.registers.all()])
    return list(
        rows.annotate(day=TruncDay("instant", tzinfo=ZoneInfo(ZONE)))
        .values("register_id", "day")
        .annotate(value=Sum("value"), count=Count("*"))
        .order_by("register_id", "day")
    )
