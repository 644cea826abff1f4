"""People given roles, let go, let back in and signed out; each act on record."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import Act, User
from accounts.people import PeopleError, change_role, deactivate
from accounts.roles import Role, put_role, role_of
from accounts.tokens import make_token
from tests.accounts.asking import bearer, person_of, signed_in
from tests.accounts.inviting import ADA, PASSWORD, acts, ada, invited
from tests.conftest import Customer

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _sends_mail(settings: Any) -> None:
    settings.SENDS_MAIL = True


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


def test_a_role_that_somebody_has_is_no_act(in_acme: Customer) -> None:
    person = User.objects.create_user(ADA)
    change_role(person, Role.VIEWER, by="test")
    assert not Act.objects.filter(what=Act.What.ROLE_CHANGED).exists()
