"""Sign-ins that fail too often are locked: whose, for how long, and whom that must not touch."""

from datetime import timedelta
from typing import Any

import pytest
from axes.models import AccessAttempt, AccessLog
from django.contrib.sessions.models import Session
from django.core import mail
from django.test import Client, RequestFactory
from django.utils import timezone

from accounts.links import reset_link
from accounts.models import User
from accounts.signin import KNOWN_FOR, LOCKED_FOR, NAME, NETWORK, PAIR, forget_old, network_of
from tenants.models import Tenant
from tenants.tasks import tidy, upkeep
from tests.accounts.asking import person_of
from tests.conftest import Customer

pytestmark = pytest.mark.django_db
ADA, RIGHT, WRONG = "ada@example.com", "a good password", "a wrong password"
HERE, THERE = "192.0.2.1", "198.51.100.7"


@pytest.fixture
def ada(acme: Customer) -> Customer:
    """Acme, where Ada has an account."""
    person_of(acme, ADA)
    return acme


def sign_in(
    customer: Customer,
    password: str,
    email: str = ADA,
    *,
    address: str = HERE,
    path: str = "/sign-in/",
    **more: Any,
) -> int:
    client = Client(HTTP_HOST=customer.domain)
    form = {"username": email, "password": password}
    return int(client.post(path, form, REMOTE_ADDR=address, **more).status_code)


def fail(customer: Customer, times: int, email: str = ADA, **more: Any) -> list[int]:
    return [sign_in(customer, WRONG, email, **more) for _ in range(times)]


def later(customer: Customer, by: timedelta) -> None:
    """Let time go by: what is on record happened that much earlier."""
    with customer.tenant.entered():
        for model in (AccessAttempt, AccessLog):
            for one in model.objects.all():
                model.objects.filter(pk=one.pk).update(attempt_time=one.attempt_time - by)


@pytest.mark.parametrize("path", ["/sign-in/", "/admin/login/"])
def test_the_fifth_failure_locks_the_name_from_there(ada: Customer, path: str) -> None:
    assert fail(ada, PAIR.most, path=path) == [200] * (PAIR.most - 1) + [429]
    for door in ("/sign-in/", "/admin/login/"):
        assert sign_in(ada, RIGHT, path=door) == 429, "not even the right one"
    assert sign_in(ada, RIGHT, address=THERE) == 302, "from elsewhere the person gets in"
    assert sign_in(ada, ada.password, ada.email) == 302, "and others from there"


def test_the_name_counts_however_it_is_written(ada: Customer) -> None:
    for name in (ADA, "ADA@example.com", " Ada@Example.com ", ADA.upper()):
        fail(ada, 1, name)
    assert fail(ada, 1) == [429]
    assert sign_in(ada, RIGHT, "ADA@EXAMPLE.COM") == 429
    assert fail(ada, PAIR.most, "\0" * 9 + "x" * 999)[-1] in {200, 429}


def test_another_browser_is_no_way_around(ada: Customer) -> None:
    told = [sign_in(ada, WRONG, HTTP_USER_AGENT=f"Browser {n}") for n in range(PAIR.most)]
    assert told[-1] == 429


def test_the_lock_ends_by_itself_and_is_not_drawn_out(ada: Customer) -> None:
    fail(ada, PAIR.most)
    later(ada, LOCKED_FOR - timedelta(minutes=1))
    assert sign_in(ada, RIGHT) == 429
    assert fail(ada, 3) == [429] * 3, "which does not begin it anew"
    later(ada, timedelta(minutes=1))
    assert sign_in(ada, RIGHT) == 302


def test_a_sign_in_forgets_the_failures_before_it(ada: Customer) -> None:
    for _ in range(3):
        assert fail(ada, PAIR.most - 1) == [200] * (PAIR.most - 1)
        assert sign_in(ada, RIGHT) == 302


def test_one_place_may_not_try_many_names(ada: Customer) -> None:
    told = [
        fail(ada, PAIR.most - 1, f"person{number}@example.com")[-1]
        for number in range(NETWORK.most // (PAIR.most - 1))
    ]
    assert set(told) == {200}
    # Signing in to an account of one's own there does not begin the count anew.
    with ada.tenant.entered():
        person_of(ada, "mallory@example.com")
    assert sign_in(ada, RIGHT, "mallory@example.com") == 302
    assert fail(ada, NETWORK.most % (PAIR.most - 1), "more@example.com")[-1] == 429
    assert sign_in(ada, RIGHT) == 429, "who was never seen there waits"
    assert sign_in(ada, RIGHT, address=THERE) == 302


def test_a_neighbour_does_not_lock_out_who_signs_in_there(ada: Customer) -> None:
    assert sign_in(ada, RIGHT) == 302
    for number in range(NETWORK.most // PAIR.most + 1):
        fail(ada, PAIR.most, f"person{number}@example.com")
    assert fail(ada, 1, "another@example.com") == [429]
    assert sign_in(ada, RIGHT) == 302
    assert fail(ada, PAIR.most)[-1] == 429, "guessing at a known name has its own limit"


def test_many_places_may_not_try_one_name_but_lock_nobody_out_at_home(ada: Customer) -> None:
    assert sign_in(ada, RIGHT) == 302
    for number in range(NAME.most // (PAIR.most - 1)):
        fail(ada, PAIR.most - 1, address=f"203.0.113.{number}")
    assert sign_in(ada, RIGHT, address="203.0.113.200") == 429
    assert sign_in(ada, RIGHT, address=HERE) == 302, "where Ada has signed in before"


def test_the_answer_is_the_same_for_a_name_that_there_is_not(ada: Customer) -> None:
    def page(email: str, address: str) -> tuple[int, str]:
        fail(ada, PAIR.most, email, address=address)
        client = Client(HTTP_HOST=ada.domain)
        answer = client.post(
            "/sign-in/", {"username": email, "password": WRONG}, REMOTE_ADDR=address
        )
        return answer.status_code, answer.content.decode().split("<main")[1].split("</main>")[0]

    assert page(ADA, HERE) == page("nobody@example.com", THERE)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ("Too many attempts to sign in", "Try again in 15 minutes", "Europe/Zurich")),
        ("de", ("Zu viele Anmeldeversuche", "in 15 Minuten erneut", "Passwort vergessen")),
    ],
)
def test_the_page_says_when_to_try_again(
    ada: Customer, settings: Any, language: str, words: tuple[str, ...]
) -> None:
    settings.SENDS_MAIL = True
    client = Client(HTTP_HOST=ada.domain, HTTP_ACCEPT_LANGUAGE=language)
    for _ in range(PAIR.most):
        answer = client.post("/sign-in/?next=/meters/", {"username": ADA, "password": WRONG})
    page = answer.content.decode()
    for word in words:
        assert word in page
    assert 'href="/sign-in/?next=/meters/"' in page
    assert 800 < int(answer.headers["Retry-After"]) <= 900
    assert "no-store" in answer.headers["Cache-Control"]


def test_a_link_to_another_password_ends_the_lock(ada: Customer) -> None:
    fail(ada, PAIR.most)
    with ada.tenant.entered():
        link = reset_link(User.objects.get(email=ADA), "")
    client = Client(HTTP_HOST=ada.domain)
    where = client.get(link, REMOTE_ADDR=HERE).headers["Location"]
    new = "quite another good one"
    client.post(where, {"new_password1": new, "new_password2": new}, REMOTE_ADDR=HERE)
    assert sign_in(ada, new) == 302
    assert mail.outbox == []


def test_each_tenant_and_the_operators_count_for_themselves(
    ada: Customer, nordwind: Customer
) -> None:
    person_of(nordwind, ADA)
    User.objects.create_superuser(ADA, RIGHT)
    fail(ada, PAIR.most)
    assert sign_in(nordwind, RIGHT) == 302
    bare = Client(HTTP_HOST="localhost")
    form = {"username": ADA, "password": WRONG}
    assert (
        bare.post("/admin/login/", form | {"password": RIGHT}, REMOTE_ADDR=HERE).status_code == 302
    )
    told = [bare.post("/admin/login/", form, REMOTE_ADDR=THERE) for _ in range(PAIR.most)]
    assert told[-1].status_code == 429
    assert "Too many attempts to sign in" in told[-1].content.decode()
    assert "forgotten" not in told[-1].content.decode(), "operators have no such page"
    with nordwind.tenant.entered():
        assert not AccessAttempt.objects.exists()


def test_no_password_is_kept(ada: Customer) -> None:
    fail(ada, 2)
    with ada.tenant.entered():
        [one] = AccessAttempt.objects.all()
    assert WRONG not in str(vars(one))
    assert one.username == ADA


def test_upkeep_removes_what_no_rule_looks_at(ada: Customer, nordwind: Customer) -> None:
    fail(ada, 1)
    sign_in(ada, RIGHT)
    fail(ada, 1)
    now = timezone.now()
    with ada.tenant.entered():
        assert forget_old(now) == 0
        later(ada, KNOWN_FOR)
        Session.objects.update(expire_date=now)
        Session.objects.create(
            session_key="b" * 32, session_data="", expire_date=now + timedelta(days=1)
        )
        assert tidy() > 0
        left = [AccessAttempt, AccessLog, Session]
        assert [model.objects.count() for model in left] == [0, 0, 1]


def test_upkeep_is_sent_into_each_tenant_at_work(
    acme: Customer, nordwind: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.db import connection

    Tenant.objects.filter(pk=nordwind.tenant.pk).update(suspended_at=timezone.now())
    sent: list[str] = []
    monkeypatch.setattr(tidy, "delay", lambda: sent.append(connection.schema_name))  # type: ignore[attr-defined]
    Session.objects.create(session_key="a" * 32, session_data="", expire_date=timezone.now())
    upkeep()
    assert sent == ["acme"]
    assert not Session.objects.exists(), "the operators', too"


@pytest.mark.parametrize(
    ("proxies", "sent", "peer", "network"),
    [
        (0, "203.0.113.9", HERE, HERE),
        (1, "203.0.113.9", HERE, "203.0.113.9"),
        (1, "6.6.6.6, 203.0.113.9", HERE, "203.0.113.9"),
        (2, "6.6.6.6, 203.0.113.9, 10.0.0.1", HERE, "203.0.113.9"),
        (2, "203.0.113.9", HERE, HERE),
        (1, "", HERE, HERE),
        (1, "no address", HERE, HERE),
        (1, "2001:db8:1:2:3:4:5:6", HERE, "2001:db8:1:2::"),
        (1, "[2001:db8:1:2::7]", HERE, "2001:db8:1:2::"),
        (1, "::ffff:203.0.113.9", HERE, "203.0.113.9"),
        (0, "", "::1", "::"),
        (0, "", "", None),
    ],
)
def test_where_a_request_comes_from_is_the_proxys_word(
    settings: Any, proxies: int, sent: str, peer: str, network: str | None
) -> None:
    settings.TRUSTED_PROXIES = proxies
    head = {"HTTP_X_FORWARDED_FOR": sent} if sent else {}
    assert network_of(RequestFactory().get("/", REMOTE_ADDR=peer, **head)) == network


def test_a_client_that_makes_addresses_up_is_locked_all_the_same(
    ada: Customer, settings: Any
) -> None:
    settings.TRUSTED_PROXIES = 1
    told = [
        sign_in(ada, WRONG, HTTP_X_FORWARDED_FOR=f"203.0.113.{n}, {HERE}") for n in range(PAIR.most)
    ]
    assert told[-1] == 429
