"""People invited, given roles, let go and let back in, by page and command; each act on record."""

import io
import re
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.core.mail import EmailMultiAlternatives
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from accounts.models import Act, User
from accounts.people import PeopleError, change_role, deactivate
from accounts.roles import Role, put_role, role_of
from accounts.tokens import make_token
from tenants.models import Tenant
from tests.accounts.asking import bearer, person_of, signed_in
from tests.conftest import Customer

pytestmark = pytest.mark.django_db
PASSWORD = "an entirely good password"
LINK = re.compile(r"http://acme\.localhost(?::\d+)?(/(?:invitation|password)/[\w-]+/[\w-]+/)")
ADA = "ada@example.com"


@pytest.fixture(autouse=True)
def _sends_mail(settings: Any) -> None:
    settings.SENDS_MAIL = True


def invited(acme: Customer, **more: Any) -> Any:
    form = {"email": ADA, "role": "analyst", "language": "en"} | more
    return acme.client().post("/people/invite/", form, follow=True)


def ada(acme: Customer) -> User:
    with acme.tenant.entered():
        return User.objects.get(email=ADA)


def acts(customer: Customer) -> list[tuple[str, str, str]]:
    """What is on record, the first first: what, of whom, by whom."""
    with customer.tenant.entered():
        found = Act.objects.order_by("pk").exclude(what__startswith="token")
        return list(found.values_list("what", "about", "by"))


def link_in(text: str) -> str:
    found = set(LINK.findall(text))
    assert len(found) == 1, text
    return str(found.pop())


def opened(client: Client, link: str) -> str:
    """Follow a link to the page on which a password is chosen."""
    answer = client.get(link)
    assert answer.status_code == 302, answer.content
    where = str(answer.headers["Location"])
    assert where.endswith("/set-password/"), "the signature is not left in the address"
    return where


def choose(client: Client, where: str, password: str = PASSWORD) -> Any:
    return client.post(where, {"new_password1": password, "new_password2": password})


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


def test_the_list_says_who_there_is_and_how_they_stand(acme: Customer) -> None:
    invited(acme)
    person_of(acme, "own@example.com", "meters.add_meter", first_name="Olga", last_name="Own")
    person_of(acme, "gone@example.com", is_active=False)
    page = " ".join(acme.client().get("/people/").content.decode().split())
    for words in (ADA, "Analyst", "invited", "until", "Olga Own", "Own permissions"):
        assert words in page
    for words in ("deactivated", "active", "Admin", "(you)", "not yet"):
        assert words in page


def test_roles_are_changed_on_the_page(acme: Customer) -> None:
    person = person_of(acme, ADA)
    client = acme.client()
    for role in (Role.ADMIN, Role.ANALYST, Role.VIEWER):
        page = client.post(f"/people/{person.pk}/role/", {"role": role.value}, follow=True)
        assert f"{ADA} is now: {role.label}." in page.content.decode()
        with acme.tenant.entered():
            assert role_of(User.objects.get(pk=person.pk)) == role
    assert client.post(f"/people/{person.pk}/role/", {"role": "owner"}).status_code == 400
    assert [what for what, *_ in acts(acme)] == ["role changed"] * 3
    with acme.tenant.entered():
        assert Act.objects.filter(detail="from viewer to admin", by=acme.email).exists()


def test_the_last_admin_stays_one(acme: Customer) -> None:
    client = acme.client()
    with acme.tenant.entered():
        me = User.objects.get(email=acme.email)
        # None of these could do anything in my place.
        User.objects.create_superuser("pending@example.com")
        User.objects.create_superuser("gone@example.com", PASSWORD, is_active=False)
    only = "only admin who can sign in"
    for path, form in ((f"/people/{me.pk}/role/", {"role": "viewer"}),
                       (f"/people/{me.pk}/deactivate/", {})):  # fmt: skip
        assert only in client.post(path, form, follow=True).content.decode()
    form = {"email": me.email, "is_active": "on", "is_staff": "on"}
    assert only in client.post(f"/admin/accounts/user/{me.pk}/change/", form).content.decode()
    assert client.post(f"/admin/accounts/user/{me.pk}/delete/", {"post": "yes"}).status_code == 403
    assert client.get("/people/").status_code == 200
    other = person_of(acme, ADA)
    with acme.tenant.entered():
        put_role(other, Role.ADMIN)
    client.post(f"/people/{me.pk}/role/", {"role": "viewer"})
    assert client.get("/people/").status_code == 403
    with acme.tenant.entered(), pytest.raises(PeopleError, match="only admin"):
        deactivate(other, by="test")


def test_two_last_admins_are_not_deleted_together(acme: Customer) -> None:
    other = person_of(acme, ADA)
    with acme.tenant.entered():
        put_role(other, Role.ADMIN)
        both = list(User.objects.administrators().values_list("pk", flat=True))
    form = {"action": "delete_selected", "_selected_action": both, "post": "yes"}
    acme.client().post("/admin/accounts/user/", form)
    with acme.tenant.entered():
        assert User.objects.administrators().count() == 2


def test_who_is_deactivated_is_out_and_comes_back_as_they_were(acme: Customer) -> None:
    person = person_of(acme, ADA)
    with acme.tenant.entered():
        put_role(person, Role.ANALYST)
        secret = make_token(person=User.objects.get(pk=person.pk), by="test").secret
    theirs, program, admin = signed_in(acme, ADA), Client(HTTP_HOST=acme.domain), acme.client()
    sign_in = {"username": ADA, "password": "a good password"}
    assert program.get("/api/v1/meters/", **bearer(secret)).status_code == 200
    admin.post(f"/people/{person.pk}/deactivate/")
    assert theirs.get("/").status_code == 302
    assert program.get("/api/v1/meters/", **bearer(secret)).status_code == 401
    assert Client(HTTP_HOST=acme.domain).post("/sign-in/", sign_in).status_code == 200
    admin.post(f"/people/{person.pk}/reactivate/")
    assert theirs.get("/").status_code == 302, "a session that ended has ended"
    assert program.get("/api/v1/meters/", **bearer(secret)).status_code == 200
    assert signed_in(acme, ADA).get("/ingestion/upload/").status_code == 200
    assert [what for what, *_ in acts(acme)] == ["person deactivated", "person reactivated"]


def test_an_admin_signs_somebody_out_everywhere(acme: Customer, nordwind: Customer) -> None:
    person = person_of(acme, ADA)
    theirs, more, admin = signed_in(acme, ADA), signed_in(acme, ADA), acme.client()
    with nordwind.tenant.entered():
        person.save(force_insert=True)
    elsewhere = signed_in(nordwind, ADA)
    admin.post(f"/people/{person.pk}/sign-out/")
    assert [one.get("/").status_code for one in (theirs, more)] == [302, 302]
    assert [one.get("/").status_code for one in (admin, elsewhere)] == [200, 200]
    assert signed_in(acme, ADA).get("/").status_code == 200
    assert acts(acme) == [("sessions ended", ADA, acme.email)]


def test_sessions_from_before_the_number_go_on(acme: Customer) -> None:
    """Web processes of the version before sign sessions by the password alone."""
    with acme.tenant.entered():
        person = User.objects.get(email=acme.email)
        ours = person.get_session_auth_hash()
        assert ours == super(User, person).get_session_auth_hash()
        person.sessions_ended = 1
        first = person.get_session_auth_hash()
        person.sessions_ended = 2
        assert len({ours, first, person.get_session_auth_hash()}) == 3


def test_what_is_done_in_the_admin_is_on_record(acme: Customer) -> None:
    client = acme.client()
    new = {"email": ADA, "usable_password": "true", "password1": PASSWORD, "password2": PASSWORD}
    client.post("/admin/accounts/user/add/", new)
    person = ada(acme)
    change = f"/admin/accounts/user/{person.pk}/change/"
    client.post(change, {"email": ADA, "is_active": "on", "is_staff": "on", "is_superuser": "on"})
    client.post(f"/admin/accounts/user/{person.pk}/password/", new)
    theirs = Client(HTTP_HOST=acme.domain)
    theirs.post("/sign-in/", {"username": ADA, "password": PASSWORD})
    client.post(change, {"email": ADA, "is_staff": "on", "is_superuser": "on"})
    client.post(change, {"email": ADA, "is_active": "on", "is_staff": "on", "is_superuser": "on"})
    assert theirs.get("/").status_code == 302
    client.post(f"/admin/accounts/user/{person.pk}/delete/", {"post": "yes"})
    assert acts(acme) == [
        (what, ADA, acme.email)
        for what in (
            "person added",
            "role changed",
            "password reset",
            "person deactivated",
            "person reactivated",
            "person deleted",
        )
    ]


def test_acts_are_told_newest_first_by_kind_and_person(acme: Customer, nordwind: Customer) -> None:
    with acme.tenant.entered():
        for number in range(60):
            Act.objects.create(what="token made", about=f"lg_{number:03}", by="ada@example.com")
        Act.objects.create(
            what="role changed", about="bob@example.com", by=acme.email, detail="to viewer"
        )
    client = acme.client()
    page = client.get("/acts/").content.decode()
    assert page.index("Role changed") < page.index("lg_059") < page.index("lg_058")
    assert "lg_000" not in page
    assert "lg_000" in client.get("/acts/?page=2").content.decode()
    only = client.get("/acts/?what=role+changed").content.decode()
    assert ("bob@example.com" in only, "lg_0" in only) == (True, False)
    for who in ("bob", "BOB@example.com"):
        assert "bob@example.com" in client.get("/acts/", {"who": who}).content.decode()
    assert "Nothing of that kind" in client.get("/acts/?who=nobody").content.decode()
    for odd in (
        "?what=x",
        "?page=x",
        "?who=%00",
        "?page=99999999999999999999",
        "?who=" + "x" * 400,
    ):
        assert client.get(f"/acts/{odd}").status_code == 200, odd
    client.cookies["lastgang_language"] = "de"
    german = client.get("/acts/").content.decode()
    assert "Rolle geändert" in german
    assert "Role changed" not in german
    assert "lg_0" not in nordwind.client().get("/acts/").content.decode()


def command(*args: str) -> str:
    out = io.StringIO()
    call_command(*args, stdout=out, stderr=out)
    return out.getvalue()


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


def test_a_role_that_somebody_has_is_no_act(in_acme: Customer) -> None:
    person = User.objects.create_user(ADA)
    change_role(person, Role.VIEWER, by="test")
    assert not Act.objects.filter(what=Act.What.ROLE_CHANGED).exists()
