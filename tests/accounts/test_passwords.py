"""Passwords that were lost, and passwords that are changed: by whom, and what ends with them."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.core.mail import EmailMultiAlternatives
from django.test import Client
from django.utils import timezone
from kombu.exceptions import OperationalError

from accounts import password_views
from accounts.mailing import MailError, send_reset_once
from accounts.models import Act, User
from accounts.tasks import send_reset_link
from tests.accounts.asking import person_of, signed_in
from tests.conftest import Customer

pytestmark = pytest.mark.django_db
ADA, OLD, NEW = "ada@example.com", "a good password", "quite another good one"
LINK = re.compile(r"http://acme\.localhost(?::\d+)?(/password/[\w-]+/[\w-]+/)")


@pytest.fixture(autouse=True)
def _sends_mail(settings: Any) -> None:
    settings.SENDS_MAIL = True


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """Keep what the queue would be sent. What it does with it is another test's."""
    found: list[tuple[Any, ...]] = []
    monkeypatch.setattr(send_reset_link, "delay", lambda *args: found.append(args))
    return found


def ask(customer: Customer, email: str = ADA, **more: Any) -> Any:
    client = Client(HTTP_HOST=customer.domain)
    return client.post("/password/forgotten/", {"email": email}, **more)


def work(customer: Customer, asked: list[tuple[Any, ...]]) -> list[bool]:
    """Do what the queue was sent, in the tenant that sent it."""
    with customer.tenant.entered():
        done = [send_reset_link(*args) for args in asked]
    asked.clear()
    return done


def link() -> str:
    found = LINK.search(str(mail.outbox[-1].body))
    assert found
    return found[1]


def choose(client: Client, path: str, password: str = NEW) -> Any:
    where = client.get(path).headers["Location"]
    return client.post(where, {"new_password1": password, "new_password2": password})


def test_a_link_comes_by_mail_and_ends_every_session(
    acme: Customer, asked: list[tuple[Any, ...]]
) -> None:
    person_of(acme, ADA)
    theirs = signed_in(acme, ADA)
    answer = ask(acme, "ADA@example.com")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/password/forgotten/sent/")
    assert work(acme, asked) == [True]
    [sent] = mail.outbox
    assert isinstance(sent, EmailMultiAlternatives)
    assert (sent.to, sent.subject) == ([ADA], "Choose another password for Acme")
    assert link() in str(sent.alternatives[0][0])
    client = Client(HTTP_HOST=acme.domain)
    assert choose(client, link()).headers["Location"] == "/"
    assert client.get("/").status_code == 200
    assert theirs.get("/").status_code == 302
    with acme.tenant.entered():
        assert User.objects.get(email=ADA).check_password(NEW)
        assert list(Act.objects.order_by("pk").values_list("what", "by")[1:]) == [
            ("password link sent", "sign-in page"),
            ("password reset", ADA),
        ]
    again = Client(HTTP_HOST=acme.domain).get(link()).content.decode()
    assert "not good any more" in again


def test_the_answer_is_the_same_whoever_asks_for_whom(
    acme: Customer, asked: list[tuple[Any, ...]]
) -> None:
    person_of(acme, ADA)
    person_of(acme, "gone@example.com", is_active=False)
    with acme.tenant.entered():
        User.objects.create_user("invited@example.com", invited_at=timezone.now())
    emails = [ADA, "gone@example.com", "invited@example.com", "nobody@example.com"]
    answers = [ask(acme, email) for email in emails]
    assert len({(one.status_code, one.content, one.headers["Location"]) for one in answers}) == 1
    # The work of the request is the same, too: all four are the queue's to look up.
    assert [args[0] for args in asked] == emails
    assert work(acme, asked) == [True, False, False, False]
    assert [one.to for one in mail.outbox] == [[ADA]]


def test_a_mailbox_is_not_filled(acme: Customer, asked: list[tuple[Any, ...]]) -> None:
    person_of(acme, ADA)
    for _ in range(3):
        ask(acme)
    assert work(acme, asked) == [True, False, False]
    with acme.tenant.entered():
        User.objects.filter(email=ADA).update(link_sent_at=timezone.now() - timedelta(minutes=3))
    ask(acme)
    assert work(acme, asked) == [True]


def test_many_links_asked_for_from_one_place_are_refused(
    acme: Customer, asked: list[tuple[Any, ...]], redis_cleared: None
) -> None:
    here, there = {"REMOTE_ADDR": "192.0.2.1"}, {"REMOTE_ADDR": "192.0.2.2"}
    told = [ask(acme, **here).status_code for _ in range(password_views.MOST_ASKED + 1)]
    assert told == [302] * password_views.MOST_ASKED + [429]
    assert ask(acme, **there).status_code == 302


def test_a_link_is_good_for_two_hours(
    acme: Customer, asked: list[tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    person_of(acme, ADA)
    ask(acme)
    work(acme, asked)
    for minutes, status in ((119, 302), (121, 200)):
        later = (timezone.now() + timedelta(minutes=minutes)).astimezone().replace(tzinfo=None)
        monkeypatch.setattr("accounts.links.LinkTokens._now", lambda self, at=later: at)
        assert Client(HTTP_HOST=acme.domain).get(link()).status_code == status, minutes


def test_a_link_is_in_the_readers_language(acme: Customer, asked: list[tuple[Any, ...]]) -> None:
    person_of(acme, ADA, language="de")
    ask(acme)
    work(acme, asked)
    assert mail.outbox[0].subject == "Anderes Passwort für Acme wählen"


def test_a_mail_server_that_is_down_may_be_asked_again_at_once(
    in_acme: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    User.objects.create_user(ADA, OLD)
    told = {"name": "Acme", "address": "http://acme.localhost", "language": "en"}

    def refuse(message: EmailMultiAlternatives) -> int:
        raise TimeoutError("no answer")

    with monkeypatch.context() as patch:
        patch.setattr(EmailMultiAlternatives, "send", refuse)
        with pytest.raises(MailError, match="no answer"):
            send_reset_once(ADA, **told)
    assert not Act.objects.filter(what=Act.What.PASSWORD_LINK_SENT).exists()
    assert send_reset_once(ADA, **told)


def test_without_queue_or_mail_that_is_said(
    acme: Customer, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*args: Any) -> None:
        raise OperationalError("no broker")

    monkeypatch.setattr(send_reset_link, "delay", gone)
    answer = ask(acme)
    assert answer.status_code == 503
    assert "No mail can be sent at the moment" in answer.content.decode()
    client = Client(HTTP_HOST=acme.domain)
    assert "/password/forgotten/" in client.get("/sign-in/").content.decode()
    settings.SENDS_MAIL = False
    assert client.get("/password/forgotten/").status_code == 404
    assert "/password/forgotten/" not in client.get("/sign-in/").content.decode()


@pytest.mark.parametrize("number", ["x", "", "MA", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5", "%00", "_w"])
@pytest.mark.parametrize("kind", ["password", "invitation"])
def test_links_that_nobody_wrote_are_no_good(acme: Customer, kind: str, number: str) -> None:
    client = Client(HTTP_HOST=acme.domain)
    for token in ("x", "set-password", "d0c2bj-" + "0" * 32, "-", "%00"):
        answer = client.get(f"/{kind}/{number or 'MQ'}/{token}/")
        assert answer.status_code == 200
        assert "not good any more" in answer.content.decode()


def test_an_admin_has_a_link_sent(acme: Customer) -> None:
    person = person_of(acme, ADA)
    page = acme.client().post(f"/people/{person.pk}/link/", follow=True).content.decode()
    assert f"on its way to {ADA}" in page
    client = Client(HTTP_HOST=acme.domain)
    choose(client, link())
    assert client.get("/").status_code == 200


def test_who_is_signed_in_changes_the_password(acme: Customer) -> None:
    person_of(acme, ADA)
    here, there = signed_in(acme, ADA), signed_in(acme, ADA)
    form = {"old_password": "wrong", "new_password1": NEW, "new_password2": NEW}
    assert "entered incorrectly" in here.post("/password/", form).content.decode()
    common = form | {"old_password": OLD, "new_password1": "password1234"}
    common["new_password2"] = "password1234"
    assert "too common" in here.post("/password/", common).content.decode()
    page = here.post("/password/", form | {"old_password": OLD}, follow=True).content.decode()
    assert "The password is changed" in page
    assert (here.get("/").status_code, there.get("/").status_code) == (200, 302)
    with acme.tenant.entered():
        assert list(Act.objects.values_list("what", "about", "by")[:1]) == [
            ("password changed", ADA, ADA)
        ]


def test_one_signs_oneself_out_everywhere(acme: Customer) -> None:
    person_of(acme, ADA)
    here, there = signed_in(acme, ADA), signed_in(acme, ADA)
    assert here.get("/sign-out/everywhere/").status_code == 405
    assert here.post("/sign-out/everywhere/").headers["Location"] == "/sign-in/"
    assert (here.get("/").status_code, there.get("/").status_code) == (302, 302)
    assert acme.client().get("/").status_code == 200


def test_a_session_has_another_key_once_somebody_signs_in(acme: Customer) -> None:
    """Whoever planted the key of a session before has nothing of it afterwards."""
    client = Client(HTTP_HOST=acme.domain)
    for path in ("/sign-in/", "/admin/login/"):
        planted = client.session
        planted["planted"] = True
        planted.save()
        client.cookies["session"] = planted.session_key or ""
        client.post(path, {"username": acme.email, "password": acme.password})
        assert client.cookies["session"].value != planted.session_key
        other = Client(HTTP_HOST=acme.domain)
        other.cookies["session"] = planted.session_key or ""
        assert other.get("/").status_code == 302
        client.post("/sign-out/")
