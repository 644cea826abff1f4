"""Disks that are full: PostgreSQL's, that of uploads, and that of an exported tenant."""

import json
import resource
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.models import Act
from ingestion.models import Feed, Run, Source
from ingestion.services import MOST_ATTEMPTS
from ingestion.tasks import ingest_run
from meters.models import DailyProfile, Meter, Register
from tests.conftest import CUSTOMERS, Customer
from tests.ingestion.queue.test_processes import START, serving
from tests.ingestion.upstreams import answering

FULL = "The disk of the database is full: it stores nothing until there is room"
# PostgreSQL's own words and code; a disk that is really full takes root (`test_disk_really_full`).
TRIGGER = """
CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
RAISE EXCEPTION 'could not extend file "base/1": No space left on device' USING ERRCODE = '53100';
END $$;
CREATE TRIGGER no_room BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION no_room();
"""


@contextmanager
def no_room_in(table: str) -> Iterator[None]:
    """Have the current tenant's table refuse rows as PostgreSQL does on a full disk."""
    with connection.cursor() as cursor:
        cursor.execute(TRIGGER.format(table=table))
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP FUNCTION no_room CASCADE")


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Let this process write no file larger than that [bytes], whoever it is."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture
def run(django_db_setup: None, django_db_blocker: Any) -> Iterator[Run]:
    """A run of acme's that waits, outside of any transaction; its upstream serves three days."""
    with (
        django_db_blocker.unblock(),
        answering(serving(3)) as upstream,
        CUSTOMERS["acme"].tenant.entered(),
    ):
        meter = Meter.objects.create(name="on a full disk")
        source = Source.objects.create(
            name="Full",
            address=upstream.address,
            backfill_from=START,
            next_sweep_at=timezone.now() + timedelta(days=1000),
        )
        Feed.objects.create(meter=meter, source=source)
        try:
            yield Run.objects.create(source=source, trigger=Run.Trigger.ADMIN)
        finally:
            Run.objects.filter(source=source).delete()
            Feed.objects.filter(source=source).delete()
            source.delete()
            DailyProfile.objects.filter(register__meter=meter).delete()
            Register.objects.filter(meter=meter).delete()
            meter.delete()
            connection.close()


def test_a_run_without_room_waits_in_words_and_goes_on_when_there_is_some(run: Run) -> None:
    with no_room_in("daily_profile"):
        # More often than a worker may die over a run, or over one meter of it.
        for _ in range(MOST_ATTEMPTS + 2):
            assert ingest_run(run.pk) == "waits"
            run.refresh_from_db()
            assert (run.state, run.attempts, run.worker) == (Run.State.QUEUED, 0, "")
            assert run.error == f"{FULL}. It goes on by itself."
        assert run.new == 0
        assert not DailyProfile.objects.filter(register__meter__name="on a full disk").exists()
    assert ingest_run(run.pk) == "succeeded"
    run.refresh_from_db()
    assert (run.error, run.new) == ("", 3 * 96)
    stored = DailyProfile.objects.filter(register__meter__name="on a full disk")
    assert sum(stored.values_list("count", flat=True)) == 3 * 96


def test_a_run_that_waits_for_room_says_so_on_its_page(run: Run) -> None:
    with no_room_in("daily_profile"):
        ingest_run(run.pk)
    page = CUSTOMERS["acme"].client().get(f"/ingestion/runs/{run.pk}/").content.decode()
    assert "This run waits; what was stored before is as it was." in page
    assert FULL in page
    assert "This run failed" not in page


@pytest.mark.django_db
def test_reading_goes_on_and_writing_is_refused_in_words(in_acme: Customer) -> None:
    with connection.cursor() as cursor:
        cursor.execute(TRIGGER.format(table="meters_meter"))
    client = Client(HTTP_HOST=in_acme.domain, raise_request_exception=False)
    assert client.get("/api/v1/meters/", **in_acme.bearer).status_code == 200
    body = {"name": "One more"}
    answer = client.post(
        "/api/v1/meters/", json.dumps(body), content_type="application/json", **in_acme.bearer
    )
    assert answer.status_code == 503, answer.content
    assert answer.json()["detail"].startswith(FULL)
    assert answer.headers["Retry-After"] == "60"


@pytest.mark.django_db
def test_an_upload_without_room_on_the_web_process_disk_is_told(
    acme: Customer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    large = SimpleUploadedFile("large.csv", b"2023-03-01T00:00:00Z;1.0\n" * 150_000, "text/csv")
    client = acme.client()
    with files_of_at_most(1_000_000):
        answer = client.post("/ingestion/upload/", {"file": large})
    assert answer.status_code == 422
    assert "The server has no room for the file at the moment" in answer.content.decode()
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def committed(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    with django_db_blocker.unblock():
        yield
        connection.set_schema_to_public()  # type: ignore[attr-defined]
        Act.objects.filter(what=Act.What.TENANT_EXPORTED, about="acme").delete()
        connection.close()


@pytest.mark.parametrize("size", [0, 10_000])
def test_an_export_that_finds_no_room_leaves_no_file(
    committed: None, tmp_path: Path, size: int
) -> None:
    file = tmp_path / "acme.zip"
    with files_of_at_most(size), pytest.raises(CommandError) as told:
        call_command("export_tenant", "acme", file)
    assert "acme.zip can't be written: " in str(told.value)
    assert list(tmp_path.iterdir()) == []
    connection.set_schema_to_public()  # type: ignore[attr-defined]
    assert not Act.objects.filter(what=Act.What.TENANT_EXPORTED, about="acme").exists()
    call_command("export_tenant", "acme", file)
    assert file.stat().st_size > size
