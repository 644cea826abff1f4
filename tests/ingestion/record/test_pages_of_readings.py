"""The pages on which readings are looked at and corrected."""

import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

from accounts.models import User
from ingestion.corrections import Range, set_readings
from ingestion.models import ReadingRevision
from ingestion.store import store
from meters.models import Register
from tests.conftest import Customer
from tests.ingestion.plant import QUARTER, batch, make_meter, stored
from tests.pages.test_pages import text_of

# The day on which the clocks go back: 25 hours from 2023-10-29T00:00+02:00.
START = int(datetime(2023, 10, 28, 22, tzinfo=UTC).timestamp())


@pytest.fixture
def register(acme: Customer) -> Register:
    with acme.tenant.entered():
        meter = make_meter("Bakery")
        store(batch(meter.muid, [(START + i * QUARTER, 0.25) for i in range(90)]))
        return Register.objects.select_related("meter").get(meter=meter)


@pytest.fixture
def browser(acme: Customer) -> Client:
    return acme.client()


@pytest.fixture
def reader(acme: Customer) -> Client:
    """Somebody of the tenant who is no staff."""
    with acme.tenant.entered():
        User.objects.create_user("reader@example.com", "a password to read")
    client = Client(HTTP_HOST=acme.domain)
    client.post("/sign-in/", {"username": "reader@example.com", "password": "a password to read"})
    return client


def address(register: Register, what: str = "", **query: object) -> str:
    query = {"register": register.obis, **query}
    return f"/ingestion/meters/{register.meter.muid}/readings/{what}?{urlencode(query)}"


def local(slot: int) -> str:
    return datetime.fromtimestamp(START + slot * QUARTER, UTC).isoformat()


def form(**changed: object) -> dict[str, object]:
    return {
        "start": local(4),
        "end": local(6),
        "act": "set",
        "value": "0.5",
        "quality": "substituted",
        "reason": "The meter was exchanged.",
        **changed,
    }


def hidden(response: Any) -> dict[str, str]:
    """What the page for confirming would send."""
    # The menu above it has a form of its own.
    _menu, content = response.content.decode().split('id="content"')
    found = re.findall(r'<input type="hidden"\s+name="(\w+)"\s+value="([^"]*)"', content)
    return {name: value for name, value in found if name != "csrfmiddlewaretoken"}


def test_a_day_shows_every_interval(browser: Client, register: Register) -> None:
    assert (
        address(register).split("?")[0]
        in browser.get(f"/meters/{register.meter.muid}/").content.decode()
    )
    page = browser.get(address(register, day="2023-10-29"))
    intervals = page.context["day"].intervals
    assert len(intervals) == 100
    # The hour that comes twice is told apart by its offset.
    assert [one.label for one in intervals[8:17:4]] == [
        "02:00–02:15 +02:00",
        "02:00–02:15 +01:00",
        "03:00–03:15 +01:00",
    ]
    words = text_of(page)
    assert "90 of 100 intervals are there, 22.50 kWh in all" in words
    assert "Sunday, 29 October 2023" in words
    # Without a day, that of the latest reading.
    assert browser.get(address(register)).context["day"].day == page.context["day"].day


@pytest.mark.parametrize(
    "query",
    ["day=x", "day=0001-01-01", "day=9999-12-31", "register=%00", "day=%F0%9F%92%A5", "at=1"],
)
def test_odd_addresses_never_break_a_page(browser: Client, register: Register, query: str) -> None:
    base = f"/ingestion/meters/{register.meter.muid}/readings/"
    assert browser.get(f"{base}?{query}").status_code == 200
    assert browser.get(f"{base}interval/?{query}").status_code == 404
    assert browser.get(f"{base}correct/?{query}").status_code == 200


def test_a_meter_without_registers(acme: Customer, browser: Client) -> None:
    with acme.tenant.entered():
        meter = make_meter("Bare")
    base = f"/ingestion/meters/{meter.muid}/readings/"
    assert "No readings yet" in text_of(browser.get(base))
    for what in ("interval/", "correct/"):
        assert browser.get(base + what).status_code == 404


def test_a_correction_is_written_looked_at_and_confirmed(
    acme: Customer, browser: Client, register: Register
) -> None:
    where = address(register, "correct/")
    shown = browser.post(where, form())
    words = text_of(shown)
    assert "2 intervals would hold something else" in words
    assert "29 Oct 2023, 01:00" in words
    assert "Change 2 intervals" in words
    with acme.tenant.entered():
        assert not ReadingRevision.objects.exists(), "nothing is done before it is confirmed"
    sent = hidden(shown)
    assert set(sent) == {*form(), "seen"}
    done = browser.post(where, {**sent, "confirmed": "yes"}, follow=True)
    assert "2 intervals changed." in text_of(done)
    assert done.context["day"].intervals[4].value == 0.5
    with acme.tenant.entered():
        revision = ReadingRevision.objects.get()
        assert revision.author == User.objects.get(email=acme.email)
        assert stored(register.meter.muid)[START + 4 * QUARTER] == (0.5, 3)
    # The interval's own page tells it, and leads to its restoring.
    slot = browser.get(address(register, "interval/", at=local(4)))
    words = text_of(slot)
    assert "The meter was exchanged." in words
    assert acme.email in words
    assert "corrected by hand" in words
    assert "0.2500 kWh measured" in words
    assert "0.5000 kWh substituted" in words
    assert "missing" not in words
    back = f"/ingestion/revisions/{revision.pk}/restore/"
    assert back in slot.content.decode()
    shown = browser.get(back)
    assert "Restore 2 intervals" in text_of(shown)
    assert browser.post(back, {**hidden(shown), "reason": ""}).status_code == 400
    done = browser.post(back, {**hidden(shown), "reason": "It was right."}, follow=True)
    assert done.context["day"].intervals[4].value == 0.25
    assert "Nothing would change" in text_of(browser.get(back))


def test_a_deletion(acme: Customer, browser: Client, register: Register) -> None:
    where = address(register, "correct/")
    shown = browser.post(where, form(act="delete", value="", end=local(96)))
    assert "Delete 86 readings" in text_of(shown)
    browser.post(where, {**hidden(shown), "confirmed": "yes"})
    with acme.tenant.entered():
        assert len(stored(register.meter.muid)) == 4


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"reason": " "}, "This field is required"),
        ({"start": "2023-10-29T02:00"}, "has no offset"),
        ({"start": local(6)}, "The end lies after the start."),
        ({"value": "much"}, "Enter a number"),
        ({"value": "1e12"}, "no number that a meter could have measured"),
        ({"value": "", "quality": ""}, "a value, a quality or both"),
        ({"start": "2031-01-01", "end": "2031-01-02"}, "not over yet"),
    ],
)
def test_what_is_wrong_is_said(
    browser: Client, register: Register, changed: dict[str, object], words: str
) -> None:
    for more in ({}, {"confirmed": "yes"}):
        response = browser.post(address(register, "correct/"), form(**changed, **more))
        assert response.status_code == 400
        assert words in text_of(response)
        assert "Nothing was saved yet" in text_of(response)


def test_what_changed_meanwhile_is_not_written_over(
    acme: Customer, browser: Client, register: Register
) -> None:
    where = address(register, "correct/")
    sent = hidden(browser.post(where, form()))
    with acme.tenant.entered():
        store(batch(register.meter.muid, [(START + 5 * QUARTER, 9.0)]))
    response = browser.post(where, {**sent, "confirmed": "yes"})
    assert response.status_code == 400
    assert "have changed since you looked at them" in text_of(response)
    with acme.tenant.entered():
        assert stored(register.meter.muid)[START + 5 * QUARTER] == (9.0, 1)


def test_readers_look_and_change_nothing(
    acme: Customer, reader: Client, register: Register
) -> None:
    with acme.tenant.entered():
        where = Range(register, START, START + QUARTER)
        more = {"author": User.objects.get(email=acme.email), "reason": "x"}
        done = set_readings(where=where, value=1.0, quality=None, **more)
    page = reader.get(address(register, day="2023-10-29"))
    assert page.status_code == 200
    assert "Correct a range" not in text_of(page)
    slot = reader.get(address(register, "interval/", at=local(0)))
    assert "Restore" not in text_of(slot)
    for path in (
        address(register, "correct/"),
        f"/ingestion/revisions/{done.revisions[0].pk}/restore/",
    ):
        assert reader.get(path).status_code == 403
        assert reader.post(path, form(confirmed="yes")).status_code == 403
    with acme.tenant.entered():
        assert ReadingRevision.objects.count() == 1


def test_the_other_tenant_finds_nothing(
    acme: Customer, nordwind: Customer, register: Register
) -> None:
    with acme.tenant.entered():
        where = Range(register, START, START + QUARTER)
        more = {"author": User.objects.get(), "reason": "x"}
        done = set_readings(where=where, value=1.0, quality=None, **more)
    client = nordwind.client()
    for path in (
        address(register),
        address(register, "interval/", at=local(0)),
        address(register, "correct/"),
        f"/ingestion/revisions/{done.revisions[0].pk}/restore/",
    ):
        assert client.get(path).status_code == 404
        assert client.post(path, form(confirmed="yes")).status_code in {404, 405}


def test_the_admin_shows_who_did_it(acme: Customer, browser: Client, register: Register) -> None:
    with acme.tenant.entered():
        where = Range(register, START + 89 * QUARTER, START + 92 * QUARTER)
        more = {"author": User.objects.get(), "reason": "Stood still."}
        done = set_readings(where=where, value=1.0, quality=None, **more)
    listed = text_of(browser.get("/admin/ingestion/readingrevision/"))
    assert f"{acme.email}, corrected by hand" in listed
    assert "1 readings" in listed
    shown = browser.get(f"/admin/ingestion/readingrevision/{done.revisions[0].pk}/change/")
    words = text_of(shown)
    assert "Stood still." in words
    assert "0.25 kWh measured" in words
    assert "missing" in words
