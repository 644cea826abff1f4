"""The pages of notices: what one is told, ending it by one click, and what needs attention."""

import json
import re
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client
from django.utils import timezone

from accounts.models import User
from ingestion.models import Feed, Run, Source
from meters.models import Meter
from notices.models import UNWANTED, Letter, Preference, Watch
from notices.unsubscribing import unsubscribe_path
from tests.conftest import Customer
from tests.notices.people import DAY, HOUR, meters_of, person, ran, upstream

MINE, ATTENTION = "/notices/", "/notices/attention/"


def words(response: Any) -> str:
    assert response.status_code == 200, response.content[:500]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def path_of(customer: Customer) -> str:
    with customer.tenant.entered():
        return unsubscribe_path(customer.tenant, User.objects.get(email=customer.email))


def chosen(customer: Customer) -> tuple[bool, bool]:
    with customer.tenant.entered():
        found = Preference.of(User.objects.get(email=customer.email))
        return found.silent_meters, found.failing_sources


# --- What one is told ---------------------------------------------------------------------------


def test_a_person_chooses_what_they_are_told(acme: Customer) -> None:
    client = acme.client()
    assert chosen(acme) == (True, True), "staff is told all, unless"
    assert words(client.get(MINE)).count("No mails yet") == 1
    answer = client.post(MINE, {"failing_sources": "on"})
    assert answer.status_code == 302
    assert chosen(acme) == (False, True)
    assert client.post(MINE, {}).status_code == 302
    assert chosen(acme) == (False, False)
    assert "from now on" in words(client.get(MINE))


def test_one_sees_ones_own_mails_alone(acme: Customer, nordwind: Customer) -> None:
    with acme.tenant.entered():
        reader = person("reader@example.com", password="a reader's password")
        admin = User.objects.get(email=acme.email)
        Letter.objects.create(user=admin, subject="For the admin", events=[], error="It is down.")
        Letter.objects.create(user=reader, subject="For the reader", events=[])
    text = words(acme.client().get(MINE))
    assert "For the admin" in text
    assert "It is down." in text
    assert "For the reader" not in text
    assert "For the" not in words(nordwind.client().get(MINE))


def test_it_says_where_no_mail_is_sent(acme: Customer, settings: Any) -> None:
    client = acme.client()
    assert "sends no mail" not in words(client.get(MINE))
    settings.SENDS_MAIL = False
    assert "sends no mail" in words(client.get(MINE))


# --- Ending it by one click ---------------------------------------------------------------------


def test_mails_end_by_one_click_without_signing_in(acme: Customer) -> None:
    path = path_of(acme)
    stranger = Client(HTTP_HOST=acme.domain, enforce_csrf_checks=True)
    page = stranger.get(path)
    assert "Get no more of these mails?" in words(page)
    assert acme.email not in page.content.decode()
    assert chosen(acme) == (True, True), "programs follow links; that ends nothing"
    assert "no-cache" in page.headers["cache-control"]
    # As RFC 8058 has mail programs do it.
    done = stranger.post(
        path, "List-Unsubscribe=One-Click", content_type="application/x-www-form-urlencoded"
    )
    assert "You will get no more" in words(done)
    assert chosen(acme) == (False, False)
    assert stranger.post(path).status_code == 200, "again is no error"


def test_a_link_is_good_in_its_own_tenant_alone(acme: Customer, nordwind: Customer) -> None:
    path = path_of(acme)
    for method in ("get", "post"):
        assert getattr(nordwind.client(), method)(path).status_code == 404
    assert chosen(nordwind) == (True, True)
    with nordwind.tenant.entered():
        Preference.objects.all().delete()


@pytest.mark.parametrize(
    "broken", [lambda t: t[:-1], lambda t: t[1:], lambda t: "x", lambda t: t.upper()]
)
def test_a_forged_link_does_nothing(acme: Customer, broken: Any) -> None:
    token = path_of(acme).split("/")[-2]
    client = Client(HTTP_HOST=acme.domain)
    assert client.post(f"/notices/end/{broken(token)}/").status_code == 404
    assert chosen(acme) == (True, True)


def test_a_link_of_somebody_who_is_gone_does_nothing(acme: Customer) -> None:
    with acme.tenant.entered():
        gone = person("gone@example.com")
        path = unsubscribe_path(acme.tenant, gone)
        gone.delete()
    assert Client(HTTP_HOST=acme.domain).post(path).status_code == 404


# --- What needs attention -----------------------------------------------------------------------


def trouble() -> tuple[Source, list[Meter], Run]:
    now = timezone.now()
    source = upstream()
    for number in range(3):
        ran(source, Run.State.FAILED, now - number * HOUR, "It answers 503.")
    meters = meters_of(source, 25, now - 10 * DAY)
    waiting = Run.objects.create(source=source, trigger=Run.Trigger.SCHEDULE)
    Run.objects.filter(pk=waiting.pk).update(created_at=now - timedelta(minutes=12))
    user = User.objects.first()
    for error in ("SMTPException: no", UNWANTED):
        Letter.objects.create(user=user, subject="x", events=[], given_up_at=now, error=error)
    Watch.objects.create(looked_at=now - HOUR)
    return source, meters, waiting


def test_nothing_needs_attention(acme: Customer) -> None:
    assert "Nothing needs attention" in words(acme.client().get(ATTENTION))
    out = StringIO()
    call_command("attention", "--tenant", "acme", stdout=out)
    assert out.getvalue() == "acme: ok\n"


def test_all_that_needs_attention_the_worst_first(acme: Customer, nordwind: Customer) -> None:
    with acme.tenant.entered():
        _, meters, waiting = trouble()
    client = acme.client()
    text = words(client.get(ATTENTION))
    wanted = [
        "One run waits for a worker",
        "The oldest for 12 minutes.",
        "Source Grid operator keeps failing",
        "Its last 3 runs failed. It answers 503.",
        "The schedule stands still",
        "Meter Meter 00 is silent",
        "5 more meters are silent",
        "1 mail could not be sent",
    ]
    places = [text.index(one) for one in wanted]
    assert places == sorted(places)
    html = client.get(ATTENTION).content.decode()
    assert waiting.get_absolute_url() in html
    assert meters[0].get_absolute_url() in html
    # Nobody else's.
    assert "Nothing needs attention" in words(nordwind.client().get(ATTENTION))
    assert nordwind.client(signed_in=False).get(ATTENTION).status_code == 302


def test_meters_that_were_given_up_need_it(acme: Customer) -> None:
    with acme.tenant.entered():
        meters_of(upstream(), 2, timezone.now())
        Feed.objects.update(given_up_at=timezone.now())
    assert "2 meters are given up" in words(acme.client().get(ATTENTION))


def told(*arguments: str) -> tuple[int, list[str]]:
    out = StringIO()
    try:
        call_command("attention", *arguments, stdout=out)
    except SystemExit as ended:
        return int(str(ended.code)), out.getvalue().splitlines()
    return 0, out.getvalue().splitlines()


def test_the_command_tells_monitoring_by_its_exit_code(acme: Customer, nordwind: Customer) -> None:
    with nordwind.tenant.entered():
        meters_of(upstream(), 1, timezone.now() - 10 * DAY)
    code, lines = told("--tenant", "nordwind")
    assert code == 1
    assert len(lines) == 1
    assert lines[0].startswith("nordwind: warning: Meter Meter 00 is silent. Its latest reading")
    with acme.tenant.entered():
        trouble()
    code, lines = told("--all-tenants")
    assert code == 2
    assert lines[0].startswith("acme: critical: One run waits for a worker.")
    assert lines[-1].startswith("nordwind: warning:")
    code, lines = told("--tenant", "acme", "--json")
    assert code == 2
    assert json.loads(lines[0])["kind"] == "backlog"
    assert {json.loads(line)["level"] for line in lines} == {"critical", "warning"}


def test_a_tenant_that_is_not_there_is_unknown_to_monitoring(acme: Customer) -> None:
    with pytest.raises(CommandError) as error:
        call_command("attention", "--tenant", "nobody")
    assert error.value.returncode == 3


def test_a_paused_source_needs_none(acme: Customer) -> None:
    with acme.tenant.entered():
        source, _, waiting = trouble()
        Source.objects.filter(pk=source.pk).update(is_active=False)
        waiting.delete()
        Letter.objects.all().delete()
        Watch.objects.update(looked_at=timezone.now())
    assert "Nothing needs attention" in words(acme.client().get(ATTENTION))
