"""Mails and what needs attention, in the language of whom they are for."""

from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone, translation

from accounts.models import User
from ingestion.erasing import erase_meter
from ingestion.models import Run
from notices.events import Event, subject, write_letters
from notices.models import Letter, Preference, Trouble
from notices.sending import Sent
from tenants.models import Tenant
from tenants.schema import in_public
from tests.conftest import Customer
from tests.notices.people import DAY, NOW, meters_of, person, ran, send, subjects, upstream

KIND = Trouble.Kind


@pytest.fixture
def tenant(in_acme: Customer, monkeypatch: pytest.MonkeyPatch) -> Tenant:
    # The object is one for all tests; what is saved goes back by itself.
    monkeypatch.setattr(in_acme.tenant, "language", "de")
    with in_public():
        in_acme.tenant.save()
    return in_acme.tenant


def event(number: int, kind: str = KIND.SILENT, *, is_over: bool = False, **more: Any) -> Event:
    return Event(kind, number, f"Z{number}", is_over=is_over, path=f"/meters/{number}/", **more)


@pytest.mark.parametrize(
    ("events", "line"),
    [
        ([event(1)], "Zähler Z1 ist verstummt"),
        ([event(1), event(2)], "2 Zähler sind verstummt"),
        ([event(1, is_over=True)], "Zähler Z1 liefert wieder"),
        ([event(1, is_over=True), event(2, is_over=True)], "2 Zähler liefern wieder"),
        ([event(1, KIND.FAILING)], "Quelle Z1 schlägt wiederholt fehl"),
        (
            [event(1), event(2, KIND.FAILING), event(3, KIND.FAILING)],
            "2 Quellen schlagen wiederholt fehl, Zähler Z1 ist verstummt",
        ),
        ([event(1, KIND.FAILING, is_over=True)], "Quelle Z1 arbeitet wieder"),
    ],
)
def test_a_subject_counts_in_german(events: list[Event], line: str) -> None:
    with translation.override("de"):
        assert subject("Nordwind", events) == f"[Nordwind] {line}"


def test_each_is_written_to_in_their_own_language(tenant: Tenant) -> None:
    for email, language in (("de@example.com", "de"), ("en@example.com", "en")):
        user = person(email, language=language)
        Preference.objects.create(user=user)
    events = [event(1, last_end=int(NOW.timestamp())), event(2, KIND.FAILING, words="It says 503.")]
    # Whoever is at work speaks another language.
    with translation.override("en"):
        assert write_letters(tenant, events, NOW) == 3
        assert send(tenant, NOW) == Sent(sent=3)
        assert translation.get_language() == "en"
    sent = {one.to[0]: one for one in mail.outbox}
    german = "[Acme] Quelle Z2 schlägt wiederholt fehl, Zähler Z1 ist verstummt"
    assert {email: one.subject for email, one in sent.items()} == {
        "admin@acme.localhost": german,
        "de@example.com": german,
        "en@example.com": "[Acme] source Z2 keeps failing, meter Z1 fell silent",
    }
    html = sent["de@example.com"].alternatives[0][0]  # type: ignore[attr-defined]
    assert '<html lang="de">' in html
    assert '<span class="soft" lang="en">It says 503.</span>' in html
    for words in (sent["de@example.com"].body, html):
        assert "Verstummte Zähler" in words
        assert "letzter Messwert 15. Juni 2024, 14:00" in words
        assert "weil Sie ein Konto bei Acme haben." in words
        assert "latest" not in words
    assert "latest reading 15 Jun 2024, 14:00" in sent["en@example.com"].body


def test_an_erasure_leaves_each_letter_in_its_language(tenant: Tenant) -> None:
    first, second = meters_of(upstream(), 2, NOW)
    Preference.objects.create(user=person("en@example.com", language="en"))
    events = [
        Event(KIND.SILENT, meter.pk, meter.name, path=meter.get_absolute_url())
        for meter in (first, second)
    ]
    write_letters(tenant, events, NOW)
    erase_meter(muid=first.muid, person="ada@example.com", reason="moved out")
    assert sorted(subjects()) == [
        f"[Acme] Zähler {second.name} ist verstummt",
        f"[Acme] meter {second.name} fell silent",
    ]


def test_the_page_of_mails_is_german_and_the_record_is_not(acme: Customer) -> None:
    with acme.tenant.entered():
        user = User.objects.get(email=acme.email)
        for more in (
            {"sent_at": NOW},
            {"given_up_at": NOW, "error": "TimeoutError: no answer"},
            {"given_up_at": NOW, "error": "No longer wanted."},
            {},
        ):
            Letter.objects.create(user=user, subject="[Acme] …", events=[], created_at=NOW, **more)
    client = acme.client()
    client.post("/language/", {"language": "de"})
    html = client.get("/notices/").content.decode()
    for word in ("verschickt", "aufgegeben", "wartet", "Nicht mehr gewünscht.", "15. Juni 2024"):
        assert word in html
    assert '<span class="table__sub" lang="en">TimeoutError: no answer</span>' in html


def test_what_needs_attention_counts_in_german(acme: Customer) -> None:
    now = timezone.now()
    with acme.tenant.entered():
        source = upstream()
        meters_of(source, 1, now - 10 * DAY)
        for hours in (3, 2, 1):
            ran(source, Run.State.FAILED, now - timedelta(hours=hours), "It says 503.")
        for minutes in (90, 80):
            run = Run.objects.create(source=source, trigger=Run.Trigger.SCHEDULE)
            Run.objects.filter(pk=run.pk).update(created_at=now - timedelta(minutes=minutes))
    client = acme.client()
    client.post("/language/", {"language": "de"})
    html = client.get("/notices/attention/").content.decode()
    assert "2 Abrufe warten auf einen Worker" in html
    assert "Der älteste seit 90 Minuten." in html
    assert "Quelle Grid operator schlägt wiederholt fehl" in html
    assert "Die letzten 3 Abrufe sind fehlgeschlagen." in html
    assert '<span lang="en">It says 503.</span>' in html
    assert "Zähler Meter 00 ist verstummt" in html
    assert "kritisch" in html
