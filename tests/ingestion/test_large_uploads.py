"""Files too large for a request: their beginning is looked at, a worker stores them."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from ingestion.dispatching import offers
from ingestion.doors.brought import open_file
from ingestion.erasing import erase_meter
from ingestion.inbox import MOST_UPLOADS, Upload, UploadPart
from ingestion.lease import LostLeaseError
from ingestion.models import LEASE, RejectedReading, Run
from ingestion.services import MOST_ATTEMPTS, plan_run
from ingestion.tasks import ingest_run, tidy_record
from ingestion.waiting_uploads import GONE, store_waiting
from meters.models import Meter
from tests.conftest import Customer
from tests.ingestion.doors.test_workbooks import SHEET, altered, book
from tests.ingestion.doors.writing import Form, steady, write
from tests.ingestion.plant import make_meter, make_source, stored
from tests.ingestion.test_upload_page import bring, say, text_of
from tests.ingestion.upstreams import row

DAY = write(steady("2023-01-01T00:00+00:00", "2023-01-02T00:00+00:00"), Form())


@pytest.fixture
def client(in_acme: Customer, monkeypatch: pytest.MonkeyPatch) -> Client:
    # Half of what the file of a day holds.
    monkeypatch.setattr("ingestion.uploads.LOOKED_AT", 96)
    return in_acme.client()


@pytest.fixture
def meter(in_acme: Customer) -> Meter:
    return make_meter("Bäckerei")


def queued(client: Client, content: bytes = DAY, **choices: str) -> Run:
    """Have a file stored that is left to a worker."""
    address = bring(client, content)
    said = {"meter": "Bäckerei", "timezone": "Europe/Zurich"} | choices
    say(client, address, **said)
    page = text_of(client.post(f"{address}store/", follow=True))
    assert "is large, so a worker stores it" in page
    run = Run.objects.get(state=Run.State.QUEUED)
    # Nothing can be done with the file any more but to look at its run.
    assert client.get(address).headers["Location"] == run.get_absolute_url()
    again = client.post(f"{address}store/")
    assert again.headers["Location"] == run.get_absolute_url()
    assert Run.objects.filter(state=Run.State.QUEUED).count() == 1
    return run


def test_the_beginning_is_looked_at_and_all_of_it_is_stored(
    client: Client, in_acme: Customer, meter: Meter
) -> None:
    address = bring(client, DAY)
    page = say(client, address, meter="Bäckerei", timezone="Europe/Zurich")
    # A header and 47 readings of two cells each.
    assert "What is shown is about its first 48 rows." in page
    assert "Store the whole file" in page
    assert not Run.objects.exists()
    run = queued(client)
    assert (run.trigger, run.person, run.bytes) == ("upload", in_acme.email, len(DAY))
    assert not stored(meter.muid)
    assert ingest_run(run.pk) == Run.State.SUCCEEDED
    assert len(stored(meter.muid)) == 96
    run.refresh_from_db()
    assert (run.meters, run.new, run.rejected) == (1, 96, 0)
    assert not UploadPart.objects.filter(upload__run=run).exists()
    assert ingest_run(run.pk) == "taken"


def test_what_fits_is_stored_at_once_as_ever(client: Client, meter: Meter) -> None:
    few = b"".join(DAY.splitlines(keepends=True)[:40])
    address = bring(client, few)
    assert "Store 39 readings" in say(client, address, meter="Bäckerei", timezone="Europe/Zurich")
    client.post(f"{address}store/")
    assert Run.objects.get().state == Run.State.SUCCEEDED
    assert len(stored(meter.muid)) == 39


def test_refusals_behind_the_beginning_are_kept_with_their_rows(
    client: Client, meter: Meter
) -> None:
    run = queued(client, DAY + b"02.01.2023 01:00;drei\r\n")
    ingest_run(run.pk)
    run.refresh_from_db()
    assert (run.new, run.rejected) == (96, 1)
    assert RejectedReading.objects.get().row == 98


def test_a_file_that_turns_out_to_be_broken(client: Client, meter: Meter) -> None:
    run = queued(client, DAY + b'02.01.2023 01:00;"1')
    assert ingest_run(run.pk) == Run.State.FAILED
    run.refresh_from_db()
    assert "Line 98 can't be read as CSV" in run.error
    assert run.error.endswith("Nothing was stored.")
    assert not stored(meter.muid)
    assert not UploadPart.objects.exists()


def test_a_worker_that_dies_is_followed_by_another(client: Client, meter: Meter) -> None:
    run = queued(client)
    assert Run.objects.claim(run.pk, "dead", timezone.now() - 2 * LEASE)
    # The dispatcher finds it, and whoever takes it up begins anew.
    assert list(Run.objects.waiting(timezone.now())) == [run]
    result = store_waiting(run, worker="alive")
    assert result is not None
    assert result.counts.new == 96
    assert result.run.state == Run.State.SUCCEEDED


def test_it_counts_as_the_tenants_share_of_workers(client: Client, meter: Meter) -> None:
    run = queued(client)
    now = timezone.now()
    [(_, offered)] = offers(now, 1)
    assert offered == run.pk
    assert Run.objects.claim(run.pk, "one", now)
    source = make_source("https://meters.example.com")
    other = plan_run(source=source, trigger=Run.Trigger.ADMIN)
    assert offers(now, 1) == []
    assert [pk for _, pk in offers(now, 2)] == [other.pk]


def test_a_worker_that_was_thought_dead_stores_nothing(
    client: Client, meter: Meter, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = queued(client)
    real = Upload.content

    def slowly(upload: Upload) -> bytes:
        Run.objects.filter(pk=run.pk).update(worker="another")
        return real(upload)

    monkeypatch.setattr(Upload, "content", slowly)
    with pytest.raises(LostLeaseError):
        store_waiting(run, worker="one")
    assert not stored(meter.muid)
    assert UploadPart.objects.exists()


def test_a_file_over_which_workers_die_is_given_up(client: Client, meter: Meter) -> None:
    run = queued(client)
    Run.objects.update(attempts=MOST_ATTEMPTS)
    result = store_waiting(run, worker="w")
    assert result is not None
    assert result.run.error.startswith(f"{MOST_ATTEMPTS} workers have died over this file")


def test_a_file_that_waits_is_not_cleared_away(client: Client, meter: Meter) -> None:
    run = queued(client)
    for _ in range(MOST_UPLOADS + 1):
        bring(client, DAY)
    assert Upload.objects.filter(run=run).exists()
    Upload.objects.exclude(run=run).update(expires_at="2020-01-01T00:00Z")
    tidy_record()
    assert Upload.objects.get().run == run
    assert Upload.objects.get().expires_at > timezone.now() + timedelta(days=6)


def test_an_erasure_takes_the_file_that_waits(client: Client, meter: Meter) -> None:
    run = queued(client)
    other = make_meter("Other")
    erase_meter(muid=other.muid, person="P", reason="Request 1")
    assert ingest_run(run.pk) == Run.State.FAILED
    run.refresh_from_db()
    assert run.error == GONE


def rows_of_json(count: int) -> bytes:
    start = datetime(2023, 1, 1, tzinfo=UTC)
    muid = "95ce3367-cbce-4a4d-bbe3-da082831d7bd"
    times = [start + timedelta(minutes=15 * n) for n in range(count)]
    return json.dumps({"data": [row(muid, at.isoformat()) for at in times]}).encode()


@pytest.mark.parametrize(
    ("data", "read"),
    [
        (b"a;b\n" + b"1;2\n" * 20, 5),
        (book([["a", "b"], *[[1, 2]] * 20]), 5),
        (rows_of_json(20), 2),
        (b"a;b\n" + b"1;2\n" * 4, None),
        (book([["a", "b"], *[[1, 2]] * 4]), None),
        (rows_of_json(2), None),
    ],
)
def test_so_much_is_read_and_no_more(data: bytes, read: int | None) -> None:
    opened = open_file(data, most=10)
    assert opened.is_cut == (read is not None)
    found: Any = opened.table.rows if opened.table else opened.rows
    assert len(found) == (read or len(found))


def test_days_that_are_laid_out_stay_cut() -> None:
    hours = ";".join(f"{n:02}:00" for n in range(24))
    day = "01.01.2023;" + ";".join(["1"] * 24)
    opened = open_file("\n".join([f"Datum;{hours}", *[day] * 10]).encode(), most=100)
    assert opened.is_cut
    assert opened.table
    assert opened.table.numbers[-1] == 4


def test_a_sheet_that_says_nothing_of_its_size_is_not_read_for_it() -> None:
    """Nor is one believed that says something else than it holds."""
    whole = book([["a", "b"], *[[1, 2]] * 20])
    for size in (b"", b'<dimension ref="A1:A1"/>', b'<dimension ref="A1:ZZ900000"/>'):
        data = altered(whole, SHEET, lambda xml, size=size: _resized(xml, size))
        table = open_file(data).table
        assert table
        assert [len(table.rows), table.width] == [21, 2]


def _resized(xml: bytes, size: bytes) -> bytes:
    before, _, rest = xml.partition(b"<dimension")
    return before + size + rest.partition(b"/>")[2]
