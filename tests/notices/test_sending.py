"""Letters: what they hold, that each goes out, and what happens where the mail server does not."""

import smtplib
from datetime import timedelta
from email.message import Message
from typing import Any

import pytest
from django.core import mail
from django.core.mail import EmailMultiAlternatives
from django.db import connection

from accounts.models import User
from notices.events import Event, write_letters
from notices.models import CLAIM, UNWANTED, Letter, Preference, Trouble
from notices.sending import WAITS, Sent, send_due
from notices.tasks import send_letters, watch_all, watch_tenant
from tenants.links import tenant_address
from tenants.models import Domain, Tenant
from tests.conftest import Customer
from tests.notices.people import DAY, HOUR, NOW, person, send

KIND = Trouble.Kind


@pytest.fixture
def tenant(in_acme: Customer) -> Tenant:
    return in_acme.tenant


def event(number: int = 1, **more: Any) -> dict[str, Any]:
    given = {"kind": KIND.SILENT, "number": number, "name": f"Meter {number}", **more}
    one = Event(**{"path": f"/meters/{number}/", **given})
    return {name: getattr(one, name) for name in Event.__slots__}


def letter(user: User | None = None, *events: dict[str, Any], **more: Any) -> Letter:
    return Letter.objects.create(
        user=user or User.objects.get(),
        subject=more.pop("subject", "[Acme] meter Meter 1 fell silent"),
        events=list(events) or [event()],
        created_at=NOW,
        due_at=more.pop("due_at", NOW),
        **more,
    )


def parts(sent: EmailMultiAlternatives) -> tuple[Message, str, str]:
    made = sent.message()
    text, html = (part.get_payload(decode=True).decode() for part in made.get_payload())
    return made, text, html


def test_a_mail_says_what_where_and_when_and_how_to_end_it(tenant: Tenant) -> None:
    last_end = int(NOW.timestamp())
    one = letter(
        None,
        event(1, source="Grid operator", last_end=last_end),
        event(2, kind=KIND.FAILING, name="Other source", path="/ingestion/", words="It says 503."),
        event(3, is_over=True, last_end=last_end),
    )
    assert send(tenant, NOW) == Sent(sent=1)
    [sent] = mail.outbox
    made, text, html = parts(sent)
    assert sent.to == ["admin@acme.localhost"]
    assert made["Message-ID"] == f"<{one.key}@acme.localhost>"
    assert made["Auto-Submitted"] == "auto-generated"
    assert made["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    link = made["List-Unsubscribe"].replace("\n", "").replace(" ", "").strip("<>")
    address = tenant_address(tenant)
    assert link.startswith(f"{address}/notices/end/")
    assert link in text.replace("\n", "")
    for body in (text, html):
        assert "Meter 1" in body
        assert "Grid operator" in body
        assert "15 Jun 2024, 14:00" in body, "in the tenant's zone"
        assert "It says 503." in body
        assert f"{address}/meters/1/" in body
        assert f"{address}/notices/attention/" in body
    order = ["Sources that keep failing", "Meters that fell silent", "Meters that deliver again"]
    assert [text.index(words) for words in order] == sorted(text.index(w) for w in order)
    assert "<" not in text.replace(link, "")


def test_hostile_names_stay_names(tenant: Tenant) -> None:
    name = "<script>alert(1)</script>\u202e"
    letter(None, event(1, name=name, source=name), event(2, kind=KIND.FAILING, words=name))
    send(tenant, NOW)
    _, text, html = parts(mail.outbox[0])
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert "<script>alert(1)</script>\\u202e" in text
    assert "\u202e" not in html + text


def test_many_are_counted_and_not_all_named(tenant: Tenant) -> None:
    letter(None, *(event(number) for number in range(50)))
    send(tenant, NOW)
    _, text, html = parts(mail.outbox[0])
    assert "and 30 more" in text
    assert "and 30 more" in html
    assert text.count("- Meter ") == html.count("<li>") - 1 == 20


def test_a_whole_grid_makes_no_huge_letter(tenant: Tenant) -> None:
    events = [
        Event(KIND.SILENT, number, f"Meter {number:04}", path="/meters/") for number in range(4321)
    ]
    assert write_letters(tenant, events, NOW) == 1
    one = Letter.objects.get()
    assert one.subject == "[Acme] 4321 meters fell silent"
    assert len(one.events) == 101
    send(tenant, NOW)
    _, text, _ = parts(mail.outbox[0])
    assert "Meter 0019" in text
    assert "and 4\u2009301 more" in text


@pytest.mark.parametrize(
    ("https", "port", "address"),
    [
        (True, 0, "https://acme.localhost"),
        (True, 443, "https://acme.localhost"),
        (False, 0, "http://acme.localhost"),
        (False, 8000, "http://acme.localhost:8000"),
    ],
)
def test_links_lead_to_the_tenants_own_domain(
    tenant: Tenant, settings: Any, https: bool, port: int, address: str
) -> None:
    settings.HTTPS, settings.PUBLIC_PORT = https, port
    assert tenant_address(tenant) == address
    connection.set_schema_to_public()
    Domain.objects.update(is_primary=False)
    Domain.objects.create(tenant=tenant, domain="energy.acme.example", is_primary=True)
    assert "://energy.acme.example" in tenant_address(tenant)


# --- At least once ------------------------------------------------------------------------------


class Refusing:
    """A mail server that fails so many times."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *errors: Exception) -> None:
        self.errors, self.asked, really = list(errors), 0, EmailMultiAlternatives.send

        def answer(message: EmailMultiAlternatives, *args: Any, **more: Any) -> int:
            self.asked += 1
            if self.errors:
                raise self.errors.pop(0)
            return really(message, *args, **more)

        monkeypatch.setattr(EmailMultiAlternatives, "send", answer)


DOWN = smtplib.SMTPServerDisconnected("Connection unexpectedly closed")


def test_a_mail_server_that_is_down_is_tried_again(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Refusing(monkeypatch, DOWN, ConnectionRefusedError("refused"))
    one = letter()
    assert send(tenant, NOW) == Sent(failed=1)
    one.refresh_from_db()
    assert one.error == "SMTPServerDisconnected: Connection unexpectedly closed"
    assert one.due_at == NOW + WAITS[0]
    assert send(tenant, NOW + WAITS[0] - timedelta(seconds=1)) == Sent()
    assert send(tenant, NOW + WAITS[0]) == Sent(failed=1)
    assert send(tenant, NOW + HOUR) == Sent(sent=1)
    assert server.asked == 3
    one.refresh_from_db()
    assert (one.state, one.error, one.attempts) == ("sent", "", 3)
    assert send(tenant, NOW + DAY) == Sent()


def test_it_is_given_up_after_a_day(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    Refusing(monkeypatch, *[DOWN] * 99)
    one, at = letter(), NOW
    for wait in WAITS:
        assert send(tenant, at) == Sent(failed=1)
        at += wait
    assert send(tenant, at) == Sent(given_up=1)
    assert at - NOW > timedelta(hours=20)
    one.refresh_from_db()
    assert one.state == "given up"
    assert send(tenant, at + DAY) == Sent()


def test_one_bad_address_keeps_nobody_waiting(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    Refusing(monkeypatch, smtplib.SMTPRecipientsRefused({"x": (550, b"no such person")}))
    letter(due_at=NOW - HOUR)
    letter(person("second@example.com", is_staff=True))
    assert send(tenant, NOW) == Sent(sent=1, failed=1)
    assert mail.outbox[0].to == ["second@example.com"]


def test_a_worker_killed_before_it_sent_loses_nothing(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_args: object) -> None:
        raise KeyboardInterrupt

    one = letter()
    with monkeypatch.context() as patch:
        patch.setattr(EmailMultiAlternatives, "send", die)
        with pytest.raises(KeyboardInterrupt):
            send_due(tenant, clock=lambda: NOW)
    assert send(tenant, NOW + CLAIM / 2) == Sent(), "its claim still holds"
    assert send(tenant, NOW + CLAIM + HOUR) == Sent(sent=1)
    one.refresh_from_db()
    assert one.attempts == 2
    assert len(mail.outbox) == 1


def test_a_worker_killed_after_it_sent_sends_the_same_message_again(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At least once: the second bears the first one's Message-ID and date."""
    really = EmailMultiAlternatives.send

    def send_and_die(message: EmailMultiAlternatives, *args: Any) -> None:
        really(message)
        raise KeyboardInterrupt

    letter()
    with monkeypatch.context() as patch:
        patch.setattr(EmailMultiAlternatives, "send", send_and_die)
        with pytest.raises(KeyboardInterrupt):
            send_due(tenant, clock=lambda: NOW)
    assert send(tenant, NOW + CLAIM + HOUR) == Sent(sent=1)
    first, second = (one.message() for one in mail.outbox)
    for header in ("Message-ID", "Date", "Subject", "List-Unsubscribe"):
        assert first[header] == second[header]


def test_a_claimed_letter_is_nobody_elses(tenant: Tenant) -> None:
    one = letter()
    assert Letter.objects.claim(one.pk, NOW)
    assert not Letter.objects.claim(one.pk, NOW)
    assert send(tenant, NOW) == Sent()
    assert Letter.objects.claim(one.pk, NOW + CLAIM + HOUR)


def test_what_nobody_wants_any_more_is_not_sent(tenant: Tenant) -> None:
    tired, gone = person("tired@example.com", is_staff=True), person("gone@example.com")
    letter(tired)
    letter(gone)
    Preference.objects.create(user=tired, silent_meters=False, failing_sources=True)
    User.objects.filter(pk=gone.pk).update(is_active=False)
    assert send(tenant, NOW) == Sent(given_up=2)
    assert set(Letter.objects.values_list("error", flat=True)) == {UNWANTED}
    assert mail.outbox == []


# --- The queue ----------------------------------------------------------------------------------


def test_the_watch_sends_what_an_earlier_message_should_have(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    sent: list[str] = []
    monkeypatch.setattr(send_letters, "delay", lambda: sent.append(connection.schema_name))
    with django_capture_on_commit_callbacks(execute=True):
        watch_tenant()
    assert sent == []
    letter()
    with django_capture_on_commit_callbacks(execute=True):
        watch_tenant()
    assert sent == ["acme"]
    assert send_letters() == 1
    assert len(mail.outbox) == 1


def test_every_tenant_is_watched_and_the_schedule_says_when(
    acme: Customer, nordwind: Customer, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    entered: list[str] = []
    monkeypatch.setattr(watch_tenant, "delay", lambda: entered.append(connection.schema_name))
    assert watch_all() == len(entered)
    assert {"acme", "nordwind"} <= set(entered)
    schedule = {one["task"] for one in settings.CELERY_BEAT_SCHEDULE.values()}
    assert watch_all.name in schedule
    with acme.tenant.entered():
        letter()
    with nordwind.tenant.entered():
        assert send_letters() == 0
    assert mail.outbox == []
