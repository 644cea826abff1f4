"""Sessions and tokens end when they should, and nobody learns who has an account."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.hashers import ScryptPasswordHasher
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from accounts.models import ApiToken, User
from accounts.people import change_role, deactivate, reactivate
from accounts.roles import Role
from tenants.lifecycle import delete, order_deletion, suspend
from tests.accounts.asking import person_of, signed_in
from tests.conftest import Customer

pytestmark = pytest.mark.django_db
ADA, PASSWORD = "ada@example.com", "a good password"
PLANTED = "attackerschosenkey0123456789abcd"


@pytest.mark.parametrize("path", ["/sign-in/", "/admin/login/"])
def test_a_key_that_somebody_chose_is_never_a_session(acme: Customer, path: str) -> None:
    """Planted in the browser before the sign-in, also where it is a row already."""
    with acme.tenant.entered():
        Session.objects.create(
            session_key=PLANTED,
            session_data="",
            expire_date=timezone.now() + timedelta(days=1),
        )
    victim, attacker = (Client(HTTP_HOST=acme.domain) for _ in range(2))
    for client in (victim, attacker):
        client.cookies["session"] = PLANTED
    victim.get(path)
    form = {"username": acme.email, "password": acme.password}
    assert victim.post(path, form).status_code == 302
    assert victim.cookies["session"].value != PLANTED
    assert victim.get("/").status_code == 200
    assert attacker.get("/").status_code == 302
    with acme.tenant.entered():
        assert not Session.objects.filter(session_key=PLANTED).exists()


def test_what_was_kept_before_the_sign_in_is_not_anothers(acme: Customer) -> None:
    """One browser, two people: the session of the first holds nothing for the second."""
    person_of(acme, ADA)
    client = signed_in(acme, ADA)
    first = client.cookies["session"].value
    client.post("/sign-in/", {"username": acme.email, "password": acme.password})
    client.post("/sign-out/")
    assert not client.cookies["session"].value
    client.cookies["session"] = first
    assert client.get("/").status_code == 302


def test_who_is_let_go_is_out_at_once_and_stays_out_of_old_sessions(acme: Customer) -> None:
    person = person_of(acme, ADA)
    browser = signed_in(acme, ADA)
    with acme.tenant.entered():
        _, token = ApiToken.objects.create(user=person)
        deactivate(person, by="test")
    program = {"HTTP_AUTHORIZATION": f"Bearer {token}"}
    assert browser.get("/").status_code == 302
    assert browser.get("/api/v1/meters/").status_code == 401
    assert Client(HTTP_HOST=acme.domain).get("/api/v1/meters/", **program).status_code == 401
    with acme.tenant.entered():
        reactivate(person, by="test")
    assert browser.get("/").status_code == 302, "the old session is over"
    assert Client(HTTP_HOST=acme.domain).get("/api/v1/meters/", **program).status_code == 200


def test_another_role_counts_from_the_next_request_on(acme: Customer) -> None:
    person = person_of(acme, ADA)
    with acme.tenant.entered():
        change_role(person, Role.ADMIN, by="test")
    browser = signed_in(acme, ADA)
    assert browser.get("/people/").status_code == 200
    with acme.tenant.entered():
        change_role(person, Role.VIEWER, by="test")
    assert browser.get("/people/").status_code == 403
    assert browser.get("/admin/accounts/user/").status_code in {302, 403}


def test_another_password_ends_every_other_session(acme: Customer) -> None:
    person_of(acme, ADA)
    here, there = signed_in(acme, ADA), signed_in(acme, ADA)
    form = {
        "old_password": PASSWORD,
        "new_password1": "quite another good one",
        "new_password2": "quite another good one",
    }
    before = here.cookies["session"].value
    assert here.post("/password/", form).status_code == 302
    assert here.get("/").status_code == 200
    assert here.cookies["session"].value != before, "and this one has another key"
    assert there.get("/").status_code == 302


def test_keys_of_a_suspended_tenant_open_nothing(
    make_customer: Callable[[str], Customer], acme: Customer
) -> None:
    """Nor of one that waits for its deletion, and none of them anything at another tenant."""
    resting, ending = make_customer("resting"), make_customer("ending")
    browsers = [one.client() for one in (resting, ending)]
    suspend(resting.tenant, by="test")
    order_deletion(ending.tenant, by="test")
    for customer, browser in zip((resting, ending), browsers, strict=True):
        for path in ("/", "/api/v1/meters/", "/meterdata/measurement"):
            assert browser.get(path).status_code == 403
            assert browser.get(path, **customer.bearer).status_code == 403
        elsewhere = Client(HTTP_HOST=acme.domain)
        elsewhere.cookies = browser.cookies
        assert elsewhere.get("/").status_code == 302
        assert elsewhere.get("/api/v1/meters/", **customer.bearer).status_code == 401
    delete(ending.tenant, by="test")
    assert browsers[1].get("/api/v1/meters/", **ending.bearer).status_code == 404


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch, settings: Any) -> list[str]:
    """Count how often the slow part of a sign-in is done, whoever signs in."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.ScryptPasswordHasher"]
    monkeypatch.setattr(ScryptPasswordHasher, "work_factor", 2**4)
    done: list[str] = []
    whole = ScryptPasswordHasher.encode

    def counted(self: Any, password: str, *more: Any, **named: Any) -> str:
        done.append(password)
        return str(whole(self, password, *more, **named))

    monkeypatch.setattr(ScryptPasswordHasher, "encode", counted)
    return done


@pytest.mark.parametrize("path", ["/sign-in/", "/admin/login/"])
def test_a_sign_in_takes_as_long_whether_there_is_such_a_person(
    acme: Customer, hashed: list[str], path: str
) -> None:
    person_of(acme, ADA)
    person_of(acme, "gone@example.com", is_active=False)
    with acme.tenant.entered():
        User.objects.create_user("invited@example.com", invited_at=timezone.now())
    pages = set()
    for name in (ADA, "gone@example.com", "invited@example.com", "nobody@example.com", "nobody"):
        hashed.clear()
        told = Client(HTTP_HOST=acme.domain).post(path, {"username": name, "password": "wrong one"})
        assert len(hashed) == 1, name
        page = told.content.decode().replace(name, "NAME")
        pages.add((told.status_code, page.split("<form")[-1].split("csrfmiddlewaretoken")[0]))
    assert len(pages) == 1, "and says the same"


def test_a_token_is_compared_by_its_digest(acme: Customer) -> None:
    """What a table of tokens or a slow comparison could tell is the digest of a random text."""
    with acme.tenant.entered():
        [kept] = ApiToken.objects.all()
    assert acme.token not in str(vars(kept))
    assert kept.digest != acme.token
    for wrong in (acme.token[:-1], acme.token[:-1] + "x", acme.token + "x", kept.digest):
        client = Client(HTTP_HOST=acme.domain)
        assert client.get("/api/v1/meters/", HTTP_AUTHORIZATION=f"Bearer {wrong}").status_code == (
            401
        )
