"""The API's answers: through the product, against textbook Django, and against the bare floor.

Textbook is a row per reading, a ModelSerializer and TruncHour or TruncDay in the meter's zone. The
floor fetches the same day rows and writes what it got with orjson, checking and computing nothing.
Ours answers through the whole of Django's request cycle, called as a server calls it; the others
are spared that.
"""

import contextlib
import gc
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode
from wsgiref.util import setup_testing_defaults
from zoneinfo import ZoneInfo

import numpy as np
import orjson
from django.core.wsgi import get_wsgi_application
from django.db import connection, models
from django.db.models import Count, Sum
from django.db.models.functions import TruncDay, TruncHour
from rest_framework import serializers
from rest_framework.renderers import JSONRenderer

from accounts.models import ApiToken, User
from benchmarks.report import Report
from benchmarks.storing import END, OBIS, SLUG, START, ZONE, as_rows, store_rows, tenant
from ingestion.batch import Batch, RegisterKey
from ingestion.store import store
from meters.models import Meter, Register
from meters.profiles import read_days
from tenants.models import Domain
from tenants.schema import in_public

TURNS = 9
YEAR = {"start": "2024-01-01", "end": "2025-01-01"}


class ReadingRow(models.Model):
    """The textbook's table, filled by `benchmarks.storing`."""

    pk = models.CompositePrimaryKey("register_id", "instant")
    register_id = models.BigIntegerField()
    instant = models.DateTimeField()
    value = models.FloatField()
    quality = models.SmallIntegerField()

    class Meta:
        app_label = "benchmarks"
        managed = False
        db_table = "reading_row"

    def __str__(self) -> str:
        return str(self.instant)


class ReadingRowSerializer(serializers.ModelSerializer):  # type: ignore[type-arg]
    class Meta:
        model = ReadingRow
        fields = ["instant", "value", "quality"]


def run(report: Report, *, meters: int) -> None:
    with tenant():
        muids = [fill(number) for number in range(meters)]
        with connection.cursor() as cursor:
            cursor.execute("VACUUM (ANALYZE) daily_profile, reading_row")
        api = Api()
        with as_served():
            _year(report, api, muids[0])
            _many(report, api, meters)


@contextlib.contextmanager
def as_served() -> Iterator[None]:
    """Have a pool of connections and a collector of garbage as the web process has them."""
    options = connection.settings_dict["OPTIONS"]
    connection.close()
    options["pool"] = {"min_size": 1, "max_size": 2}
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
        connection.close()
        connection.close_pool()  # type: ignore[attr-defined]
        del options["pool"]


class Api:
    """Asks as a server does, from the environment of WSGI to the bytes of the body."""

    def __init__(self) -> None:
        user = User.objects.create_superuser("bench@example.com", "a long password 1")
        _, token = ApiToken.objects.create(user=user, name="bench")
        with in_public():
            host = Domain.objects.get(tenant__schema_name=SLUG).domain
        self.headers = {"HTTP_HOST": host, "HTTP_AUTHORIZATION": f"Bearer {token}"}
        self.application = get_wsgi_application()
        self.tenant = connection.tenant  # type: ignore[attr-defined]

    def get(self, path: str, query: dict[str, str], **headers: str) -> dict[str, str]:
        """Ask, and return the answer's headers."""
        environ: dict[str, Any] = {
            "PATH_INFO": f"/api/v1/{path}",
            "QUERY_STRING": urlencode(query),
            **self.headers,
            **headers,
        }
        setup_testing_defaults(environ)
        told: list[Any] = []
        answer: Any = self.application(environ, lambda *head: told.append(head))
        body = b"".join(answer)
        answer.close()
        [(status, found)] = told
        assert status[:3] == ("304" if "HTTP_IF_NONE_MATCH" in headers else "200"), body
        # The middleware leaves the tenant.
        self.tenant.enter()
        return dict(found)


def fill(number: int) -> str:
    """Make a meter with a year of readings; return its MUID."""
    muid = uuid.uuid5(uuid.NAMESPACE_URL, f"serving/{number}")
    Meter.objects.create(muid=muid, name=f"Meter {number:03}", timezone=ZONE)
    rng = np.random.default_rng(number)
    instants = np.arange(START - 3600, END - 3600, 900, dtype=np.int64)
    n = len(instants)
    batch = Batch(
        keys=(RegisterKey(muid, OBIS, "energy"),),
        index=np.zeros(n, dtype=np.int64),
        instants=instants,
        values=np.round(rng.gamma(2.0, 0.05, n), 4),
        qualities=np.ones(n, dtype=np.int16),
        row=np.arange(n, dtype=np.int64),
    )
    store(batch)
    store_rows(as_rows(batch, number))
    return str(muid)


def _year(report: Report, api: Api, muid: str) -> None:
    path = f"meters/{muid}/readings/"
    raw = {**YEAR, "resolution": "PT15M", "layout": "columns"}
    in_rows = {**raw, "layout": "rows"}
    tag, row_tag = api.get(path, raw)["ETag"], api.get(path, in_rows)["ETag"]
    cases: list[tuple[str, Callable[[], object], Callable[[], object]]] = [
        (
            "a meter-year raw, in columns, beside textbook",
            lambda: api.get(path, raw),
            _textbook_raw,
        ),
        ("a meter-year raw, in columns, beside the floor", lambda: api.get(path, raw), _floor),
        (
            "a meter-year raw, in rows, beside textbook",
            lambda: api.get(path, in_rows),
            _textbook_raw,
        ),
        (
            "a meter-year by hour, beside textbook",
            lambda: api.get(path, {**raw, "resolution": "PT1H"}),
            lambda: _textbook(TruncHour),
        ),
        (
            "a meter-year by day, beside textbook",
            lambda: api.get(path, {**raw, "resolution": "P1D"}),
            lambda: _textbook(TruncDay),
        ),
        (
            "304 of a meter-year raw, beside its answer in columns",
            lambda: api.get(path, raw, HTTP_IF_NONE_MATCH=tag),
            lambda: api.get(path, raw),
        ),
        (
            "304 of a meter-year raw, beside its answer in rows",
            lambda: api.get(path, in_rows, HTTP_IF_NONE_MATCH=row_tag),
            lambda: api.get(path, in_rows),
        ),
    ]
    for title, ours, theirs in cases:
        report.cost(title, "ms", *(1e3 * one for one in _medians(ours, theirs)))


def _many(report: Report, api: Api, meters: int) -> None:
    query = {**YEAR, "resolution": "P1D", "layout": "columns"}
    ours, theirs = _medians(
        lambda: api.get("readings/", query), lambda: _textbook(TruncDay, list(range(meters)))
    )
    report.cost(
        f"{meters} meters by day for a year, beside textbook", "ms", 1e3 * ours, 1e3 * theirs
    )


def _medians(ours: Callable[[], object], theirs: Callable[[], object]) -> tuple[float, float]:
    """Do both in turn, a few times; return the median of each [s]."""
    spent: tuple[list[float], list[float]] = ([], [])
    for turn in range(TURNS + 1):
        for took, work in zip(spent, (ours, theirs), strict=True):
            began = time.perf_counter()
            work()
            if turn:  # the first one warms up
                took.append(time.perf_counter() - began)
    return float(np.median(spent[0])), float(np.median(spent[1]))


def _bounds() -> dict[str, datetime]:
    return {
        "instant__gte": datetime.fromtimestamp(START - 3600, UTC),
        "instant__lt": datetime.fromtimestamp(END - 3600, UTC),
    }


def _textbook_raw() -> bytes:
    rows = ReadingRow.objects.filter(register_id=0, **_bounds()).order_by("instant")
    return bytes(JSONRenderer().render(ReadingRowSerializer(rows, many=True).data))


def _textbook(trunc: type[TruncHour | TruncDay], registers: list[int] | None = None) -> bytes:
    rows = (
        ReadingRow.objects.filter(register_id__in=registers or [0], **_bounds())
        .annotate(bucket=trunc("instant", tzinfo=ZoneInfo(ZONE)))
        .values("register_id", "bucket")
        .annotate(value=Sum("value"), count=Count("*"))
        .order_by("register_id", "bucket")
    )
    return bytes(JSONRenderer().render(list(rows)))


def _floor() -> bytes:
    register = Register.objects.order_by("pk").values_list("pk", flat=True).first()
    assert register is not None
    table = read_days([register], START // 86_400 - 1, END // 86_400 + 1)
    return orjson.dumps(
        {"instants": table.instants, "values": table.values, "qualities": table.qualities},
        option=orjson.OPT_SERIALIZE_NUMPY,
    )
