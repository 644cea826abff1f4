"""How the same work looks when it is written as a Django tutorial would.

A row for each reading, `response.json()`, a model instance for each row, and `bulk_create` that
updates what is there: correct, and what most projects have.
"""

import contextlib
from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

import requests
from django.db import connection, models
from django.utils.dateparse import parse_datetime

from ingestion.endpoint import PATH


class Reading(models.Model):
    """One reading."""

    muid = models.UUIDField()
    obis = models.CharField(max_length=24)
    timestamp = models.DateTimeField()
    value = models.FloatField()
    quality = models.CharField(max_length=20)

    class Meta:
        app_label = "benchmarks"
        managed = False
        db_table = "textbook_reading"
        constraints = [
            models.UniqueConstraint(fields=["muid", "obis", "timestamp"], name="one_reading")
        ]

    def __str__(self) -> str:
        return f"{self.muid} {self.timestamp}"


@contextlib.contextmanager
def table() -> Iterator[None]:
    """Keep its table for a while, in the tenant that is entered."""
    Reading._meta.managed = True  # noqa: SLF001 - the schema editor asks
    with connection.schema_editor() as editor:
        editor.create_model(Reading)
    yield
    with connection.schema_editor() as editor:
        editor.delete_model(Reading)


def pull(session: requests.Session, address: str, muid: UUID, windows: list[list[str]]) -> int:
    """Ask for windows that each fit one page, and store what comes; return the number of rows."""
    stored = 0
    for start, stop in windows:
        parameters = {
            "muid": str(muid), "measurement": "energy", "limit": "5000",
            "start": start, "stop": stop,
        }  # fmt: skip
        response = session.get(address + PATH, params=parameters, timeout=60)
        response.raise_for_status()
        readings = [_reading(row) for row in response.json()["data"]]
        Reading.objects.bulk_create(
            readings,
            update_conflicts=True,
            unique_fields=["muid", "obis", "timestamp"],
            update_fields=["value", "quality"],
            batch_size=1000,
        )
        stored += len(readings)
    return stored


def _reading(row: dict[str, object]) -> Reading:
    tags = row["tags"]
    assert isinstance(tags, dict)
    obis = next(name for name in row if name not in {"measurement", "timestamp", "tags"})
    moment = parse_datetime(str(row["timestamp"]))
    assert isinstance(moment, datetime)
    return Reading(
        muid=tags["muid"], obis=obis, timestamp=moment, value=row[obis], quality=tags["quality"]
    )
