"""A person's meter erased: nothing of it is left anywhere, and nobody writes it back."""

from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any
from uuid import UUID

import numpy as np
import orjson
import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from accounts.models import User
from ingestion.batch import Batch, Reason, RegisterKey, Rejection
from ingestion.corrections import Range, set_readings
from ingestion.erasing import ErasureError, erase_meter
from ingestion.models import (
    Erasure,
    Gap,
    KeptAnswer,
    Outcome,
    RejectedReading,
    Run,
    Upload,
)
from ingestion.registers import UnknownMeterError
from ingestion.services import execute_run, plan_run
from ingestion.simulator.server import running_simulator
from ingestion.simulator.synthetic import SyntheticMeter
from ingestion.store import Context, store
from meters.models import Meter, Register
from tenants.models import Tenant
from tests.conftest import Customer
from tests.ingestion.plant import (
    EXPORT,
    IMPORT,
    JANUARY,
    QUARTER,
    batch,
    check_days,
    make_meter,
    make_source,
    stored,
)
from tests.ingestion.record.waiting import in_a_thread, wait_for_a_lock

MUID = UUID("5ca1ab1e-0000-4000-8000-00000000feed")
NAME, POINT, RAW = "Haus Anna Beispiel", "CH1012501234500000000000000123456", "sixteen Kirchgasse"
REASON = "Request 17."
MARKS = (str(MUID), MUID.hex, NAME, POINT, RAW)


def quarter_hours(n: int, value: float = 0.25) -> list[tuple[int, float]]:
    return [(JANUARY + i * QUARTER, value) for i in range(n)]


def plant() -> Meter:
    """A meter of which something is kept in every place there is, and a neighbour beside it."""
    meter, neighbour = make_meter(NAME, muid=MUID), make_meter("Neighbour")
    Meter.objects.filter(pk=meter.pk).update(metering_point=POINT)
    source = make_source(f"http://x/{MUID}.json", meter, neighbour, note="")
    type(source).objects.filter(pk=source.pk).update(address="http://x/")
    run = Run.objects.create(
        source=source,
        trigger=Run.Trigger.FILE,
        name=f"Lastgang {POINT}.csv",
        only=[MUID, neighbour.muid],
        error=f"The source has no meter {str(MUID).upper()}.",
        worker="w",
    )
    store(batch(MUID, quarter_hours(96)))
    store(batch(MUID, quarter_hours(96), obis=EXPORT))
    store(batch(neighbour.muid, quarter_hours(96)))
    # Corrected by the source in a run that refuses things as well, and by hand.
    refused = [
        Rejection(Reason.VALUE, "no number", f'{{"value": "{RAW}"}}', str(MUID), IMPORT, "", 1),
        Rejection(Reason.METER, "another", f'{{"muid": "{MUID}"}}', "x", IMPORT, "", 2),
    ]
    store(
        batch(MUID, quarter_hours(4, 0.5)), rejections=refused, context=Context(run=run, asked=MUID)
    )
    foreign = Rejection(Reason.METER, "another's", f'["{MUID}", 3]', MUID.hex.upper(), "", "", 3)
    store(
        batch(neighbour.muid, quarter_hours(4, 0.5)),
        rejections=[foreign],
        context=Context(run=run, asked=neighbour.muid, remarks=[f"Row 3 is of {MUID}."]),
    )
    author = User.objects.get()
    register = Register.objects.get(meter=meter, obis=IMPORT)
    where = Range(register, JANUARY, JANUARY + QUARTER)
    set_readings(where=where, value=9.0, quality=None, author=author, reason=f"{NAME} said so.")
    KeptAnswer.objects.create(
        person=author,
        key="k",
        digest="d",
        status=200,
        body=orjson.dumps({"meters": [{"meter": str(MUID)}], "raw": RAW}),
        expires_at=timezone.now() + timedelta(hours=1),
    )
    Gap.objects.create(
        register=meter.registers.first(),
        start=datetime.fromtimestamp(JANUARY, UTC),
        stop=datetime.fromtimestamp(JANUARY + 4 * QUARTER, UTC),
        missing=4,
        at_first=4,
    )
    Upload.objects.keep(author.pk, f"{POINT}.csv", [f"{POINT};{RAW}\n".encode() * 100])
    LogEntry.objects.create(
        user=author,
        content_type=ContentType.objects.get_for_model(Meter),
        object_id=str(meter.pk),
        object_repr=NAME,
        action_flag=CHANGE,
        change_message=f'[{{"changed": {{"fields": ["{NAME}"]}}}}]',
    )
    return meter


def places(*marks: str) -> dict[str, int]:
    """Search every table of the tenant for texts, also in what is stored as bytes."""
    wanted = [*marks, *(mark.encode().hex() for mark in marks)]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name FROM information_schema.tables "
            "WHERE table_schema = current_schema() AND table_type = 'BASE TABLE'"
        )
        found = {}
        for (table,) in cursor.fetchall():
            cursor.execute(
                f'SELECT count(*) FROM "{table}" AS one WHERE one::text ILIKE ANY(%s)',
                [[f"%{text}%" for text in wanted]],
            )
            if n := cursor.fetchone()[0]:
                found[table] = n
    return found


def rows_of_all_tables() -> dict[str, list[str]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name FROM information_schema.tables "
            "WHERE table_schema = current_schema() AND table_type = 'BASE TABLE'"
        )
        names = [name for (name,) in cursor.fetchall()]
        found = {}
        for name in names:
            cursor.execute(f'SELECT one::text FROM "{name}" AS one ORDER BY 1')
            found[name] = [text for (text,) in cursor.fetchall()]
    return found


def test_nothing_is_left_of_it_anywhere(acme: Customer, nordwind: Customer) -> None:
    with nordwind.tenant.entered():
        plant()
        theirs = rows_of_all_tables()
    with acme.tenant.entered():
        plant()
        assert {
            "meters_meter",
            "ingestion_run",
            "ingestion_rejectedreading",
            "ingestion_readingrevision",
            "ingestion_keptanswer",
            "ingestion_upload",
            "ingestion_outcome",
            "django_admin_log",
        } <= places(*MARKS).keys(), "the search finds what is there"
        others = stored(Meter.objects.get(name="Neighbour").muid)

        erasure = erase_meter(muid=MUID, person="ada@example.com", reason=f"  {REASON} ")

        assert places(*MARKS) == {}
        assert stored(Meter.objects.get(name="Neighbour").muid) == others
        check_days()
        assert not Upload.objects.exists()
        kept = Erasure.objects.get()
        assert kept == erasure
        assert (kept.person, kept.reason) == ("ada@example.com", REASON)
        assert kept.counts == {
            "readings": 192,
            "stored days": 4,
            "revisions": 2,
            "gaps": 1,
            "registers": 2,
            "rejections": 3,
            "outcomes of runs": 1,
            "feeds": 1,
            "mentions in runs": 2,
            "answers kept for repeats": 1,
            "files that waited to be looked at": 1,
            "entries of the admin's log": 1,
            "letters that told of it": 0,
        }
        run = Run.objects.get()
        assert run.name == "Lastgang [erased meter].csv"
        assert run.error == "The source has no meter [erased meter]."
        assert len(run.only) == 2, "a list that became empty would mean all meters"
        assert Outcome.objects.get().warnings == ["Row 3 is of [erased meter]."]
    with nordwind.tenant.entered():
        assert rows_of_all_tables() == theirs, "the other tenant's meter of the same MUID"


def test_a_rehearsal_counts_and_keeps_everything(in_acme: Customer) -> None:
    plant()
    before = rows_of_all_tables()
    erasure = erase_meter(muid=MUID, person="x", reason=REASON, keep=False)
    assert erasure.pk is None
    assert erasure.counts["readings"] == 192
    assert rows_of_all_tables() == before


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("  ", "Say why"),
        ("x" * 201, "at most 200"),
        (f"For {MUID}", "leave out"),
        (f"{NAME.upper()} wants it", "leave out"),
        (f"See {POINT}", "leave out"),
    ],
)
def test_the_reason_says_nothing_of_the_meter(in_acme: Customer, reason: str, words: str) -> None:
    plant()
    with pytest.raises(ErasureError, match=words):
        erase_meter(muid=MUID, person="x", reason=reason)
    assert stored(MUID)
    assert not Erasure.objects.exists()


def test_a_meter_of_which_nothing_is_kept(in_acme: Customer) -> None:
    meter = make_meter()
    assert erase_meter(muid=meter.muid, person="x", reason=REASON).told == "nothing else"
    with pytest.raises(UnknownMeterError):
        erase_meter(muid=meter.muid, person="x", reason=REASON)


# --- Whoever works on it at that moment ----------------------------------------------------------


@pytest.mark.usefixtures("piece_by_piece")
def test_a_sweep_does_not_write_it_back(in_acme: Customer) -> None:
    """It is erased between two pieces of a backfill; the run goes on with the other meter."""
    meter, other = make_meter(NAME, muid=MUID), make_meter("Other")
    served = [SyntheticMeter(str(one.muid), "household", "H") for one in (meter, other)]
    start = datetime(2023, 1, 1, tzinfo=UTC)
    pieces = 0

    def progress(result: Any, _share: float) -> None:
        nonlocal pieces
        if result.muid == MUID and not result.is_done:
            pieces += 1
            if pieces == 2:
                assert stored(MUID)
                erase_meter(muid=MUID, person="x", reason=REASON)

    with running_simulator(meters=served) as simulator:
        source = make_source(simulator.base_url, meter, other, limit=500)
        run = plan_run(
            source=source,
            trigger=Run.Trigger.COMMAND,
            start=start,
            stop=start + timedelta(days=30),
        )
        result = execute_run(run, worker="w", progress=progress, sleep=lambda _: None)
    assert result is not None
    assert pieces == 2
    assert places(str(MUID), MUID.hex, NAME) == {}
    assert len(stored(other.muid)) == 30 * 96
    run.refresh_from_db()
    assert run.state == Run.State.SUCCEEDED
    assert Meter.objects.count() == 1


def nothing(muid: UUID) -> Batch:
    """An answer of which every row was refused."""
    none = np.zeros(0, dtype=np.int64)
    return Batch(
        (RegisterKey(muid, IMPORT, "energy"),)[:0],
        none,
        none,
        none.astype(np.float64),
        none.astype(np.int16),
        none,
    )


def test_what_was_refused_is_not_written_back_either(in_acme: Customer) -> None:
    make_meter(NAME, muid=MUID)
    erase_meter(muid=MUID, person="x", reason=REASON)
    refused = Rejection(Reason.VALUE, "no number", RAW, str(MUID), IMPORT, "", 1)
    with pytest.raises(UnknownMeterError):
        store(nothing(MUID), rejections=[refused], context=Context(asked=MUID))
    assert not RejectedReading.objects.exists()


@pytest.mark.parametrize("known", [True, False], ids=["known register", "first reading"])
def test_a_writer_that_waited_finds_no_meter(committed: Tenant, known: bool) -> None:
    make_meter(NAME, muid=MUID)
    if known:
        store(batch(MUID, quarter_hours(96)))
    with transaction.atomic():
        erase_meter(muid=MUID, person="x", reason=REASON)
        thread, told = in_a_thread(committed, lambda: store(batch(MUID, quarter_hours(192))))
        wait_for_a_lock()
    thread.join()
    [error] = told
    assert isinstance(error, UnknownMeterError), error
    assert places(str(MUID), MUID.hex, NAME) == {}
    assert not Register.objects.exists()


def test_erasure_waits_for_a_writer_and_takes_what_it_wrote(committed: Tenant) -> None:
    make_meter(NAME, muid=MUID)
    with transaction.atomic():
        store(batch(MUID, quarter_hours(192)))
        thread, told = in_a_thread(
            committed, lambda: erase_meter(muid=MUID, person="x", reason=REASON)
        )
        wait_for_a_lock()
    thread.join()
    [erasure] = told
    assert isinstance(erasure, Erasure), erasure
    assert (erasure.counts["readings"], erasure.counts["registers"]) == (192, 1)
    assert places(str(MUID), MUID.hex, NAME) == {}


# --- Doors ---------------------------------------------------------------------------------------


def reader(customer: Customer) -> Client:
    """Somebody of the tenant who is no staff."""
    with customer.tenant.entered():
        User.objects.create_user("reader@example.com", "a password to read")
    client = Client(HTTP_HOST=customer.domain)
    client.post("/sign-in/", {"username": "reader@example.com", "password": "a password to read"})
    return client


def test_the_page_wants_the_name_typed(acme: Customer) -> None:
    with acme.tenant.entered():
        plant()
    client, page = acme.client(), f"/ingestion/meters/{MUID}/erase/"
    assert "Erase for good" in client.get(page).content.decode()
    assert page in client.get(f"/ingestion/meters/{MUID}/readings/").content.decode()
    wrong = client.post(page, {"name": NAME.lower(), "reason": REASON})
    assert wrong.status_code == 400
    assert "That is not its name" in wrong.content.decode()
    telling = client.post(page, {"name": NAME, "reason": f"{NAME} wants it"})
    assert telling.status_code == 400
    assert "leave out" in telling.content.decode()
    with acme.tenant.entered():
        assert stored(MUID)
    done = client.post(page, {"name": NAME, "reason": REASON}, follow=True)
    text = done.content.decode()
    assert "The meter is erased. With it went readings: 192, stored days: 4, rejections: 3" in text
    assert REASON in text
    assert acme.email in text
    assert client.get(page).status_code == 404
    assert client.get("/admin/ingestion/erasure/").status_code == 200
    with acme.tenant.entered():
        assert places(*MARKS) == {}


def test_only_staff_who_may(acme: Customer, nordwind: Customer) -> None:
    with acme.tenant.entered():
        plant()
    page, api = f"/ingestion/meters/{MUID}/erase/", f"/api/v1/meters/{MUID}/erasure/"
    body = {"confirm": str(MUID), "reason": REASON}
    client = reader(acme)
    assert client.get(page).status_code == 403
    assert client.post(page, {"name": NAME, "reason": REASON}).status_code == 403
    assert client.get("/ingestion/erasures/").status_code == 403
    assert client.get("/api/v1/erasures/").status_code == 403
    assert "erase" not in client.get(f"/ingestion/meters/{MUID}/readings/").content.decode()
    outsider = nordwind.client()
    assert outsider.get(page).status_code == 404
    assert outsider.post(page, {"name": NAME, "reason": REASON}).status_code == 404
    answer = Client(HTTP_HOST=nordwind.domain).post(
        api, body, content_type="application/json", **nordwind.bearer
    )
    assert answer.status_code == 404
    with acme.tenant.entered():
        assert len(stored(MUID)) == 96
        assert not Erasure.objects.exists()


def test_over_the_api(acme: Customer) -> None:
    with acme.tenant.entered():
        plant()

    def post(body: Any) -> Any:
        return Client(HTTP_HOST=acme.domain).post(
            f"/api/v1/meters/{MUID}/erasure/", body, content_type="application/json", **acme.bearer
        )

    for body, parameter in [
        ({"reason": REASON}, "confirm"),
        ({"confirm": str(UUID(int=7)), "reason": REASON}, "confirm"),
        ({"confirm": str(MUID)}, "reason"),
        ({"confirm": str(MUID), "reason": 7}, "reason"),
        ({"confirm": str(MUID), "reason": f"of {POINT}"}, "reason"),
        ({"confirm": str(MUID), "reason": REASON, "force": True}, "force"),
        ([], "confirm"),
    ]:
        answer = post(body)
        assert answer.status_code == 400, body
        assert parameter in {error["parameter"] for error in answer.json()["errors"]}, body
    done = post({"confirm": str(MUID), "reason": REASON})
    assert done.status_code == 200, done.content
    assert done.json()["counts"]["readings"] == 192
    assert post({"confirm": str(MUID), "reason": REASON}).status_code == 404
    listed = Client(HTTP_HOST=acme.domain).get("/api/v1/erasures/", **acme.bearer).json()
    assert listed["results"] == [done.json()]
    with acme.tenant.entered():
        assert places(*MARKS) == {}


def test_by_command(acme: Customer, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*arguments: str) -> str:
        told = StringIO()
        connection.set_schema_to_public()
        call_command(
            "erase_meter",
            *("--tenant", acme.tenant.slug, "--meter", str(MUID), "--reason", REASON, *arguments),
            stdout=told,
        )
        return told.getvalue()

    with pytest.raises(CommandError, match="has no meter"):
        run("--yes")
    with acme.tenant.entered():
        plant()
    assert "readings: 192" in run("--dry-run")
    monkeypatch.setattr("builtins.input", lambda _: "Somebody else's")
    with pytest.raises(CommandError, match="not its name"):
        run()
    with acme.tenant.entered():
        assert len(stored(MUID)) == 96
    monkeypatch.setattr("builtins.input", lambda _: NAME)
    assert "acme: a meter and with it readings: 192" in run()
    with acme.tenant.entered():
        assert places(*MARKS) == {}
        assert Erasure.objects.get().person == "command line"
