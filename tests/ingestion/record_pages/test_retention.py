"""What is removed of the record, when, and that it is told."""

from datetime import datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.utils import timezone

from ingestion.models import (
    Feed,
    Keeping,
    Outcome,
    ReadingRevision,
    RejectedReading,
    Removal,
    Run,
)
from ingestion.retention import Kind, Removed, tidy
from ingestion.store import Context, store
from ingestion.tasks import tidy_record, upkeep
from meters.models import DailyProfile
from tenants.models import Tenant
from tests.conftest import Customer
from tests.ingestion.plant import JANUARY, batch, make_meter, make_source
from tests.ingestion.record_pages.plenty import make_outcome, make_run, refuse

NOW = timezone.now()
NAMES = ("outcomes", "runs", "rejections", "revisions", "gaps")


def ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def finished(days: float, **options: Any) -> Run:
    return make_run(finished_at=ago(days), created_at=ago(days), **options)


def rows(done: list[Removed]) -> dict[str, int]:
    return {one.kind.value: one.rows for one in done}


def test_each_kind_goes_at_its_own_time(in_acme: Customer) -> None:
    meter = make_meter()
    old, middle, recent = finished(366), finished(31), finished(29)
    for run in (old, middle, recent):
        make_outcome(run, meter)
    refuse(1, last_seen_at=ago(181), run=old)
    refuse(2, last_seen_at=ago(179), first_seen_at=ago(900), run=old)
    done = tidy(now=NOW)
    assert rows(done) == {"outcomes": 2, "runs": 1, "rejections": 1, "revisions": 0, "gaps": 0}
    assert set(Run.objects.all()) == {middle, recent}
    assert Outcome.objects.get().run == recent
    kept = RejectedReading.objects.get()
    assert (kept.digest, kept.run) == ("digest-2", None)
    assert rows(tidy(now=NOW)) == dict.fromkeys(NAMES, 0)


def test_readings_stay_and_so_do_revisions_by_default(in_acme: Customer) -> None:
    meter = make_meter()
    run = finished(1000)
    for value in (0.25, 0.5):
        store(batch(meter.muid, [(JANUARY, value)]), context=Context(run=run))
    ReadingRevision.objects.update(recorded_at=ago(1000))
    before = list(DailyProfile.objects.values())
    tidy(now=NOW)
    assert not Run.objects.exists()
    assert ReadingRevision.objects.get().run is None
    Keeping.objects.create(revisions=999)
    assert rows(tidy(now=NOW))["revisions"] == 1
    assert list(DailyProfile.objects.values()) == before


def test_zero_keeps_for_ever(in_acme: Customer) -> None:
    Keeping.objects.create(runs=0, outcomes=0, rejections=0, gaps=0)
    meter = make_meter()
    make_outcome(finished(10_000), meter)
    refuse(1, last_seen_at=ago(10_000))
    done = tidy(now=NOW)
    assert [one.before for one in done] == [None] * 5
    assert (Run.objects.count(), Outcome.objects.count()) == (1, 1)
    assert RejectedReading.objects.count() == 1


def test_outcomes_are_kept_no_longer_than_their_run(in_acme: Customer) -> None:
    Keeping.objects.create(runs=10, outcomes=0)
    make_outcome(finished(11), make_meter())
    assert rows(tidy(now=NOW, dry_run=True))["outcomes"] == 1
    assert rows(tidy(now=NOW)) == {
        "outcomes": 1,
        "runs": 1,
        "rejections": 0,
        "revisions": 0,
        "gaps": 0,
    }


@pytest.mark.parametrize("state", Run.OPEN)
def test_a_run_that_is_under_way_is_never_removed(in_acme: Customer, state: Run.State) -> None:
    meter = make_meter()
    old = make_run(state=state, created_at=ago(5000), finished_at=None)
    make_outcome(old, meter)
    make_outcome(make_run(state=state, created_at=ago(5000), finished_at=ago(4000)), meter)
    assert set(rows(tidy(now=NOW)).values()) == {0}
    assert Run.objects.count() == 2


def test_what_still_points_at_a_run_lives_on(in_acme: Customer) -> None:
    meter = make_meter()
    source = make_source("https://meters.example.com", meter)
    run = finished(400, source=source)
    Feed.objects.update(last_run=run)
    tidy(now=NOW)
    assert Feed.objects.get().last_run is None
    assert source.runs.count() == 0


def test_it_is_done_in_short_transactions_and_goes_on(in_acme: Customer) -> None:
    for number in range(7):
        refuse(number, last_seen_at=ago(200))
    done = tidy(now=NOW, batch=2, most_batches=2)
    assert done[2] == Removed(Kind.REJECTIONS, 180, ago(180), 4, is_all=False)
    # The oldest first.
    assert {one.digest for one in RejectedReading.objects.all()} == {
        f"digest-{n}" for n in (4, 5, 6)
    }
    assert tidy(now=NOW, batch=2, most_batches=2)[2].rows == 3
    told = Removal.objects.get(kind=Kind.REJECTIONS)
    assert told.rows == 7


def test_runs_wait_until_their_outcomes_are_gone(in_acme: Customer) -> None:
    run = finished(400)
    for number in range(5):
        make_outcome(run, make_meter(f"Meter {number}"))
    first = tidy(now=NOW, batch=2, most_batches=1)
    assert (first[0].rows, first[1].rows, first[1].is_all) == (2, 0, False)
    assert Run.objects.count() == 1
    tidy(now=NOW, batch=2, most_batches=9)
    assert not Run.objects.exists()


def test_what_goes_and_what_is_told_go_together(in_acme: Customer, monkeypatch: Any) -> None:
    refuse(1, last_seen_at=ago(200))

    def fail(*_args: object, **_more: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(Removal.objects, "get_or_create", fail)
    with pytest.raises(RuntimeError), transaction.atomic():
        tidy(now=NOW)
    assert RejectedReading.objects.count() == 1


def test_rows_that_somebody_else_holds_are_left(committed: Tenant) -> None:
    """Another worker that tidies at the same time waits for nobody and doubles nothing."""
    refuse(1, last_seen_at=ago(200))
    refuse(2, last_seen_at=ago(200))
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute(f'SET search_path = "{committed.schema_name}"')
            cursor.execute("BEGIN")
            cursor.execute(
                "SELECT id FROM ingestion_rejectedreading WHERE digest = 'digest-1' FOR UPDATE"
            )
            assert rows(tidy(now=NOW))["rejections"] == 1
            cursor.execute("ROLLBACK")
    finally:
        other.close()
    assert RejectedReading.objects.get().digest == "digest-1"
    assert rows(tidy(now=NOW))["rejections"] == 1
    assert Removal.objects.get().rows == 2


def test_the_command_tells_and_a_dry_run_keeps_all(acme: Customer, nordwind: Customer) -> None:
    for customer in (acme, nordwind):
        with customer.tenant.entered():
            refuse(1, last_seen_at=ago(200))
    out = StringIO()
    call_command("tidy_record", "--all-tenants", "--dry-run", stdout=out)
    assert "acme: refused readings: 1 would be removed, older than 180 days" in out.getvalue()
    assert "nordwind: replaced readings are kept for ever" in out.getvalue()
    with acme.tenant.entered():
        assert RejectedReading.objects.count() == 1
        assert not Removal.objects.exists()
    out = StringIO()
    call_command("tidy_record", "--tenant", "acme", stdout=out)
    assert "acme: refused readings: 1 removed, older than 180 days" in out.getvalue()
    with acme.tenant.entered():
        assert not RejectedReading.objects.exists()
    with nordwind.tenant.entered():
        assert RejectedReading.objects.count() == 1


def test_the_queue_tidies_each_tenant(
    acme: Customer, nordwind: Customer, settings: Any, monkeypatch: Any
) -> None:
    sent: list[str] = []
    monkeypatch.setattr(tidy_record, "delay", lambda: sent.append(connection.schema_name))
    assert upkeep() == len(sent)
    assert {"acme", "nordwind"} <= set(sent)
    with acme.tenant.entered():
        refuse(1, last_seen_at=ago(200))
        assert tidy_record() == 1
    schedule = settings.CELERY_BEAT_SCHEDULE.values()
    assert "ingestion.upkeep" in {one["task"] for one in schedule}


def test_the_page_tells_how_long_and_what_went(acme: Customer) -> None:
    with acme.tenant.entered():
        Keeping.objects.create(runs=0, rejections=1)
        refuse(1, last_seen_at=ago(200))
        tidy(now=NOW)
    text = acme.client().get("/ingestion/retention/").content.decode()
    assert "How long this is kept" in text
    for words in ("for ever", "30 days, but no longer than the run", "one day after they last"):
        assert words in text
    assert "refused readings</td>" in text


def test_only_one_answer_to_how_long(acme: Customer) -> None:
    client = acme.client()
    made = client.post(
        "/admin/ingestion/keeping/add/",
        {"runs": "100", "outcomes": "10", "rejections": "5", "revisions": "0", "gaps": "9"},
    )
    assert made.status_code == 302
    with acme.tenant.entered():
        assert Keeping.current().runs == 100
    assert client.get("/admin/ingestion/keeping/add/").status_code == 403
    wrong = client.post(
        "/admin/ingestion/keeping/1/change/", {"runs": "-1", "outcomes": "x", "rejections": "5"}
    )
    assert wrong.status_code in {200, 302}
    with acme.tenant.entered():
        assert Keeping.current().runs == 100
