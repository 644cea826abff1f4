"""Invitations: by mail or shown, by page or command, good once, for a while and in one tenant."""

from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.core.mail import EmailMultiAlternatives
from django.core.management import CommandError
from django.test import Client
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role, role_of
from tenants.models import Tenant
from tests.accounts.asking import person_of
from tests.accounts.inviting import (
    ADA,
    PASSWORD,
    acts,
    ada,
    choose,
    command,
    invited,
    link_in,
    opened,
)
from tests.conftest import Customer

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _sends_mail(settings: Any) -> None:
    settings.SENDS_MAIL = True


def test_an_invitation_comes_by_mail_and_makes_an_account(acme: Customer) -> None:
    page = invited(acme)
    assert page.redirect_chain
    assert f"on its way to {ADA}" in page.content.decode()
    [sent] = mail.outbox
    assert (sent.to, sent.subject) == ([ADA], "Invitation to Acme")
    assert isinstance(sent, EmailMultiAlternatives)
    [(html, kind)] = sent.alternatives
    assert kind == "text/html"
    for text in (str(sent.body), str(html)):
        assert acme.email in text, "who invites"
        assert "Europe/Zurich" in text
    link = link_in(str(sent.body))
    assert link_in(str(html)) == link
    person = ada(acme)
    assert not person.has_usable_password()
    with acme.tenant.entered():
        assert role_of(person) == Role.ANALYST
    client = Client(HTTP_HOST=acme.domain)
    where = opened(client, link)
    form = client.get(where).content.decode()
    assert "at least 12 characters" in form
    assert ADA in form
    assert "at least 12 characters" in choose(client, where, "short").content.decode()
    answer = choose(client, where)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")
    assert client.get("/ingestion/upload/").status_code == 200, "signed in, as an analyst"
    person = ada(acme)
    assert (person.invited_at, person.check_password(PASSWORD)) == (None, True)
    assert acts(acme) == [
        ("person invited", ADA, acme.email),
        ("invitation accepted", ADA, ADA),
    ]
    other = Client(HTTP_HOST=acme.domain)
    assert other.post("/sign-in/", {"username": ADA, "password": PASSWORD}).status_code == 302


def test_an_invitation_is_good_once(acme: Customer) -> None:
    invited(acme)
    link = link_in(str(mail.outbox[0].body))
    first, second = (Client(HTTP_HOST=acme.domain) for _ in range(2))
    where, same = opened(first, link), opened(second, link)
    choose(first, where)
    # Neither the link nor a page that was opened with it.
    for path in (link, same):
        assert "not good any more" in second.get(path).content.decode()
    assert "not good any more" in choose(second, same, "another good password").content.decode()
    assert ada(acme).check_password(PASSWORD)


def test_a_later_invitation_ends_the_one_before(acme: Customer) -> None:
    invited(acme)
    acme.client().post(f"/people/{ada(acme).pk}/link/")
    before, after = (link_in(str(one.body)) for one in mail.outbox)
    assert before != after
    client = Client(HTTP_HOST=acme.domain)
    assert "not good any more" in client.get(before).content.decode()
    choose(client, opened(client, after))
    assert client.get("/").status_code == 200
    assert [what for what, *_ in acts(acme)] == [
        "person invited",
        "invitation renewed",
        "invitation accepted",
    ]


def test_an_invitation_ends_after_three_days(
    acme: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    invited(acme)
    link = link_in(str(mail.outbox[0].body))
    really = timezone.now()
    for hours, good in ((71, True), (73, False)):
        later = (really + timedelta(hours=hours)).astimezone().replace(tzinfo=None)
        monkeypatch.setattr("accounts.links.LinkTokens._now", lambda self, at=later: at)
        status = Client(HTTP_HOST=acme.domain).get(link).status_code
        assert (status == 302) is good, hours
    person = ada(acme)
    with acme.tenant.entered():
        User.objects.filter(pk=person.pk).update(invited_at=really - timedelta(days=4))
    assert "invitation expired" in acme.client().get("/people/").content.decode()


def test_an_invitation_is_written_in_the_persons_language(acme: Customer) -> None:
    invited(acme, language="de")
    [sent] = mail.outbox
    assert sent.subject == "Einladung zu Acme"
    assert "lädt Sie zu Acme ein" in str(sent.body)
    client = Client(HTTP_HOST=acme.domain)
    choose(client, opened(client, link_in(str(sent.body))))
    assert client.get("/").headers["Content-Language"] == "de"


@pytest.mark.parametrize("fails", [False, True])
def test_without_mail_the_link_is_shown_once(
    acme: Customer, settings: Any, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    def refuse(message: EmailMultiAlternatives) -> int:
        raise ConnectionRefusedError("no server there")

    settings.SENDS_MAIL = fails
    monkeypatch.setattr(EmailMultiAlternatives, "send", refuse)
    client = acme.client()
    answer = client.post("/people/invite/", {"email": ADA, "role": "viewer", "language": "en"})
    page = answer.content.decode()
    assert ("no server there" in page) is fails
    assert "no-store" in answer.headers["Cache-Control"]
    link = link_in(page)
    signature = link.split("/")[-2]
    for path in ("/people/", f"/people/{ada(acme).pk}/", "/acts/"):
        assert signature not in client.get(path).content.decode()
    guest = Client(HTTP_HOST=acme.domain)
    choose(guest, opened(guest, link))
    assert guest.get("/").status_code == 200


@pytest.mark.parametrize(
    ("email", "words"),
    [
        ("", "This field is required"),
        ("no address", "Enter a valid email address"),
        ("ADMIN@acme.localhost", "admin@acme.localhost signs in here already."),
        ("waits@example.com", "is invited already"),
        ("gone@example.com", "was deactivated"),
    ],
)
def test_nobody_is_invited_twice(acme: Customer, email: str, words: str) -> None:
    person_of(acme, "gone@example.com", is_active=False)
    waits = person_of(acme, "waits@example.com", invited_at=timezone.now())
    with acme.tenant.entered():
        waits.set_unusable_password()
        waits.save()
        before = User.objects.count()
    page = invited(acme, email=email)
    assert page.status_code == 400
    assert words in page.content.decode()
    with acme.tenant.entered():
        assert User.objects.count() == before
    assert mail.outbox == []


def test_a_link_of_one_tenant_is_good_in_no_other(acme: Customer, nordwind: Customer) -> None:
    """Not even where the same person has the same number, as after a restore."""
    invited(acme)
    link = link_in(str(mail.outbox[0].body))
    person = ada(acme)
    with nordwind.tenant.entered():
        person.save(force_insert=True)
    assert "not good any more" in Client(HTTP_HOST=nordwind.domain).get(link).content.decode()
    assert Client(HTTP_HOST=acme.domain).get(link).status_code == 302


def test_who_was_let_go_can_take_up_no_invitation(acme: Customer) -> None:
    invited(acme)
    acme.client().post(f"/people/{ada(acme).pk}/deactivate/")
    answer = Client(HTTP_HOST=acme.domain).get(link_in(str(mail.outbox[0].body)))
    assert "not good any more" in answer.content.decode()


def test_a_command_invites(acme: Customer, settings: Any) -> None:
    Tenant.objects.filter(pk=acme.tenant.pk).update(language="de")
    told = command("invite", "--tenant", "acme", ADA, "--role", "analyst")
    assert told == f"The invitation is on its way to {ADA}.\n"
    assert mail.outbox[0].subject == "Einladung zu Acme"
    with pytest.raises(CommandError, match="invited already"):
        command("invite", "--tenant", "acme", ADA)
    settings.SENDS_MAIL = False
    told = command("invite", "--tenant", "acme", ADA, "--again")
    client = Client(HTTP_HOST=acme.domain)
    choose(client, opened(client, link_in(told)))
    assert client.get("/ingestion/upload/").status_code == 200
    told = command("invite", "--tenant", "acme", "bob@example.com", "--language", "en", "--link")
    assert "good until" in told
    with pytest.raises(CommandError, match="no open invitation"):
        command("invite", "--tenant", "acme", ADA, "--again")
    with pytest.raises(CommandError, match="Nobody here has the address"):
        command("invite", "--tenant", "acme", "carl@example.com", "--again")
    with pytest.raises(CommandError, match="is not an e-mail address"):
        command("invite", "--tenant", "acme", "carl")
    assert [by.split(" ")[0] for what, _, by in acts(acme) if what == "person invited"] == [
        "invite",
        "invite",
    ]
