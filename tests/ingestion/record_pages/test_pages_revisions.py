"""The page of everything that was replaced, by sources and by hand."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from ingestion.corrections import Range, delete_readings, set_readings
from ingestion.models import ReadingRevision, Run
from ingestion.store import Context, store
from meters.models import Meter, Register
from tests.conftest import Customer
from tests.ingestion.plant import JANUARY, QUARTER, batch, make_meter
from tests.ingestion.record_pages.plenty import make_run
from tests.ingestion.record_pages.test_pages_rejections import words

PAGE = "/ingestion/revisions/"


def replaced(meter: Meter) -> tuple[Run, User]:
    """Let a run replace two readings, then somebody correct one and delete another."""
    run = make_run(state=Run.State.RUNNING, worker="w")
    author = User.objects.get()
    store(batch(meter.muid, [(JANUARY + n * QUARTER, 1.5 + n) for n in range(8)]))
    store(
        batch(meter.muid, [(JANUARY + n * QUARTER, 8.25) for n in range(2)]),
        context=Context(run=run),
    )
    register = Register.objects.get(meter=meter)
    fourth = JANUARY + 4 * QUARTER
    by: dict[str, Any] = {"author": author, "reason": "It <b>stood</b> still."}
    set_readings(where=Range(register, fourth, fourth + QUARTER), value=0.125, quality=None, **by)
    fifth = fourth + QUARTER
    delete_readings(where=Range(register, fifth, fifth + QUARTER), author=author, reason="Test.")
    return run, author


def test_nothing_replaced_is_told(acme: Customer) -> None:
    text = words(acme.client().get(PAGE))
    assert "Nothing has been replaced" in text
    assert "kept for ever" in text


def test_what_stood_where_and_who_replaced_it(acme: Customer) -> None:
    with acme.tenant.entered():
        meter = make_meter("Bakery")
        run, author = replaced(meter)
        # Whose account is gone.
        ReadingRevision.objects.filter(act="delete").update(author=None)
    client = acme.client()
    html = client.get(PAGE).content.decode()
    text = words(client.get(PAGE))
    # The latest first, in the meter's zone.
    order = [text.index(one) for one in ("02:15–02:30", "02:00–02:15", "2 within 01:00–01:30")]
    assert order == sorted(order)
    assert "6.5" in text
    assert "5.5" in text
    assert "01:00–01:15: 1.5000 kWh , measured" in text
    assert f"{author} corrected by hand" in text
    assert "somebody who has left deleted by hand" in text
    assert f'<a href="/ingestion/runs/{run.pk}/">Run {run.pk}</a>' in html
    assert "<b>stood" not in html
    assert f"/ingestion/meters/{meter.muid}/readings/?register=1-0%3A1.29.0%2A255" in html
    # The record's other pages lead here.
    assert PAGE in client.get("/ingestion/").content.decode()
    assert f"{PAGE}?run={run.pk}" in client.get(f"/ingestion/runs/{run.pk}/").content.decode()
    day = client.get(f"/ingestion/meters/{meter.muid}/readings/").content.decode()
    assert f"{PAGE}?meter={meter.muid}" in day


def test_the_page_is_filtered(acme: Customer) -> None:
    with acme.tenant.entered():
        meter, other = make_meter("Bakery"), make_meter("Mill")
        run, _ = replaced(meter)
        store(batch(other.muid, [(JANUARY, 1.0)]))
        store(batch(other.muid, [(JANUARY, 2.0)]))
        by_source, *_ = ReadingRevision.objects.filter(run=run)
        old = datetime(2023, 2, 1, 22, 59, tzinfo=UTC)
        ReadingRevision.objects.filter(pk=by_source.pk).update(recorded_at=old)
    client = acme.client()

    def shown(query: dict[str, str]) -> list[str]:
        text = words(client.get(PAGE, query))
        marks = ("2 within 01:00", "02:00–02:15", "02:15–02:30", "Mill")
        return [mark.split("–")[0] for mark in marks if mark in text]

    run_, set_, deleted, mill = "2 within 01:00", "02:00", "02:15", "Mill"
    for query, wanted in [
        ({}, [run_, set_, deleted, mill]),
        ({"by": "source"}, [run_, mill]),
        ({"by": "hand"}, [set_, deleted]),
        ({"by": "set"}, [set_]),
        ({"by": "delete"}, [deleted]),
        ({"by": "restore"}, []),
        ({"meter": str(other.muid)}, [mill]),
        ({"run": str(run.pk)}, [run_]),
        # Local days, both included: a minute before midnight in Zurich.
        ({"until": "2023-02-01"}, [run_]),
        ({"until": "2023-01-31"}, []),
        ({"since": "2023-02-02"}, [set_, deleted, mill]),
        ({"by": "source", "meter": str(meter.muid), "since": "2023-02-01"}, [run_]),
    ]:
        assert shown(query) == wanted, query


@pytest.mark.parametrize("name", ["by", "meter", "run", "since", "until"])
@pytest.mark.parametrize("text", ["\0", "x" * 300, "-1", "9999-99-99", "9999-12-31", "٣"])
def test_a_filter_that_can_not_be_read_is_named_and_left_out(
    acme: Customer, name: str, text: str
) -> None:
    response = acme.client().get(PAGE, {name: text})
    assert response.status_code == 200
    if (name, text) != ("since", "9999-12-31"):
        assert "left out" in words(response)


def test_the_hour_that_comes_twice_is_told_apart(acme: Customer) -> None:
    with acme.tenant.entered():
        meter = make_meter()
        autumn = 1_698_537_600  # 2023-10-29T00:00Z, 02:00 of summer time
        twice = [(autumn + n * QUARTER, 1.0 + n // 4) for n in range(8)]
        store(batch(meter.muid, twice))
        store(batch(meter.muid, [(at, value + 1) for at, value in twice]))
    text = words(acme.client().get(PAGE))
    assert "02:00–02:15 +02:00: 1.0000 kWh" in text
    assert "02:00–02:15 +01:00: 2.0000 kWh" in text


def test_pages_and_what_they_cost(acme: Customer) -> None:
    with acme.tenant.entered():
        meter = make_meter()
        replaced(meter)
        one = ReadingRevision.objects.first()
        assert one
        for n in range(60):
            one.pk, one.day = None, one.day + timedelta(days=n % 2)
            one.save(force_insert=True)
    client = acme.client()
    with CaptureQueriesContext(connection) as asked:
        first = client.get(PAGE)
    about = [q["sql"] for q in asked if 'FROM "ingestion_readingrevision"' in q["sql"]]
    assert len(about) == 2, "how many there are, and one page of them"
    assert "1–25 of 63" in words(first)
    assert "51–63 of 63" in words(client.get(PAGE, {"page": "3", "by": ""}))
    assert len(re.findall("<tr>", client.get(PAGE, {"page": "99"}).content.decode())) == 14


def test_an_outsider_gets_none_of_it(acme: Customer, nordwind: Customer) -> None:
    with acme.tenant.entered():
        meter = make_meter("Secret bakery")
        run, _ = replaced(meter)
    outsider = nordwind.client()
    for query in ({}, {"meter": str(meter.muid)}, {"run": str(run.pk)}):
        assert "Secret bakery" not in words(outsider.get(PAGE, query))
    assert nordwind.client(signed_in=False).get(PAGE).status_code == 302
    # Whoever may see refused readings may see this.
    with acme.tenant.entered():
        User.objects.update(is_staff=False, is_superuser=False)
    assert "Secret bakery" in words(acme.client().get(PAGE))
