"""Tokens made, seen and revoked: by page, admin and command; all of it on record, none in clear."""

import io
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone
from structlog.testing import capture_logs

from accounts.models import ApiToken, User
from tests.accounts.asking import bearer, person_of, row_of, signed_in, token_of
from tests.conftest import Customer

pytestmark = pytest.mark.django_db
SECRET = re.compile(r"lg_[0-9a-f]{64}")


def make_on_page(client: Client, **more: Any) -> Any:
    return client.post("/tokens/", {"name": "Office", "scopes": ["read"], "expires": 90} | more)


def secret_in(response: Any) -> str:
    found = set(SECRET.findall(response.content.decode()))
    assert len(found) == 1, found
    return str(found.pop())


def test_a_token_is_made_on_the_page_and_shown_once(acme: Customer) -> None:
    client = acme.client()
    with capture_logs() as logs:
        answer = make_on_page(client)
    secret = secret_in(answer)
    assert answer.status_code == 200
    assert "no-store" in answer.headers["Cache-Control"]
    assert f"curl -H &quot;Authorization: Bearer {secret}" in answer.content.decode() or (
        f'curl -H "Authorization: Bearer {secret}" "http://acme.localhost/api/v1/meters/"'
        in answer.content.decode()
    )
    token = row_of(acme, secret)
    assert (token.name, token.scopes) == ("Office", ["read"])
    assert token.expiry is not None
    assert abs(token.expiry - timezone.now() - timedelta(days=90)) < timedelta(minutes=1)
    later = client.get("/tokens/").content.decode()
    assert not SECRET.search(later)
    assert token.token_key in later
    # Neither kept in the session nor in the table, nor told in the log.
    assert secret not in str(dict(client.session))
    assert secret not in str(vars(token))
    [line] = [one for one in logs if one["event"] == "API token made"]
    assert (line["person"], line["by"], line["token"]) == (acme.email, acme.email, token.token_key)
    assert not SECRET.search(str(logs))
    assert token.digest not in str(logs)
    asked = Client(HTTP_HOST=acme.domain).get("/api/v1/meters/", **bearer(secret))
    assert asked.status_code == 200


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"name": ""}, "This field is required"),
        ({"scopes": []}, "Choose at least one."),
        ({"scopes": ["write"]}, "Select a valid choice"),
        ({"expires": "7"}, "Select a valid choice"),
        ({"name": "x" * 101}, "at most 100"),
    ],
)
def test_what_is_wrong_in_the_form_makes_none(
    acme: Customer, wrong: dict[str, Any], words: str
) -> None:
    client = acme.client()
    answer = make_on_page(client, **wrong)
    assert words in answer.content.decode()
    assert not SECRET.search(answer.content.decode())
    with acme.tenant.entered():
        assert ApiToken.objects.count() == 1, "the one from the fixture"


def test_a_reader_is_offered_no_more_than_the_account_may(acme: Customer) -> None:
    person_of(acme, "reader@example.com")
    client = signed_in(acme, "reader@example.com")
    page = client.get("/tokens/").content.decode()
    assert 'value="read"' in page
    assert 'value="push"' not in page
    assert "Other people" not in page
    assert "/origins/" not in page
    assert not SECRET.search(make_on_page(client, scopes=["manage"]).content.decode())
    assert secret_in(make_on_page(client, expires=0))


def test_a_token_is_revoked_after_it_was_asked(acme: Customer) -> None:
    secret, client = token_of(acme, "read", name="Old dashboard"), acme.client()
    path = f"/tokens/{secret[:15]}/revoke/"
    page = client.get(path)
    assert "Revoke Old dashboard?" in page.content.decode()
    assert row_of(acme, secret), "looking revokes nothing"
    with capture_logs() as logs:
        answer = client.post(path, follow=True)
    assert "Old dashboard is revoked" in answer.content.decode()
    asked = Client(HTTP_HOST=acme.domain).get("/api/v1/meters/", **bearer(secret))
    assert asked.status_code == 401
    assert client.post(path).status_code == 404, "there is none any more"
    [line] = [one for one in logs if one["event"] == "API token revoked"]
    assert (line["by"], line["token"], line["ended"]) == (acme.email, secret[:15], 1)
    assert secret not in str(logs)


def test_who_may_revokes_others_and_nobody_else_does(acme: Customer, nordwind: Customer) -> None:
    person_of(acme, "reader@example.com")
    may = ("accounts.view_apitoken", "accounts.delete_apitoken")
    person_of(acme, "staff@example.com", *may, is_staff=True)
    reader, staff = (signed_in(acme, f"{one}@example.com") for one in ("reader", "staff"))
    of_reader, of_admin = secret_in(make_on_page(reader)), token_of(acme)
    assert of_admin[:15] not in reader.get("/tokens/").content.decode()
    for method in ("get", "post"):
        assert getattr(reader, method)(f"/tokens/{of_admin[:15]}/revoke/").status_code == 404
    # Another tenant's staff finds none of them.
    outsider = nordwind.client()
    for key in (of_reader[:15], of_admin[:15]):
        assert outsider.post(f"/tokens/{key}/revoke/").status_code == 404
        assert key not in outsider.get("/tokens/").content.decode()
    page = staff.get("/tokens/").content.decode()
    assert of_reader[:15] in page
    assert "reader@example.com" in page
    with capture_logs() as logs:
        assert staff.post(f"/tokens/{of_reader[:15]}/revoke/").status_code == 302
    [line] = [one for one in logs if one["event"] == "API token revoked"]
    assert (line["by"], line["person"]) == ("staff@example.com", "reader@example.com")
    assert row_of(acme, of_admin)


def test_states_are_told_in_words(acme: Customer) -> None:
    leaver = person_of(acme, "leaver@example.com")
    old = token_of(acme, name="Old one")
    with acme.tenant.entered():
        ApiToken.objects.filter(token_key=old[:15]).update(expiry="2026-01-01T00:00:00Z")
        ApiToken.objects.create(user=leaver, name="Left behind")
        User.objects.filter(pk=leaver.pk).update(is_active=False)
    page = acme.client().get("/tokens/").content.decode()
    assert "expired" in page
    assert "its person is deactivated" in page


def test_the_admin_leads_to_the_page_and_revokes(acme: Customer) -> None:
    client, secret = acme.client(), token_of(acme, "read", name="In admin")
    assert client.get("/admin/accounts/apitoken/add/").headers["Location"] == "/tokens/"
    digest = row_of(acme, secret).digest
    page = client.get(f"/admin/accounts/apitoken/{digest}/change/").content.decode()
    assert 'name="scopes"' not in page, "scopes are for good"
    with capture_logs() as logs:
        saved = client.post(
            f"/admin/accounts/apitoken/{digest}/change/",
            {"name": "Renamed", "expiry_0": "2030-01-01", "expiry_1": "00:00:00"},
        )
        assert saved.status_code == 302
        client.post(f"/admin/accounts/apitoken/{digest}/delete/", {"post": "yes"})
        kept = token_of(acme, name="In bulk")
        client.post(
            "/admin/accounts/apitoken/",
            {
                "action": "delete_selected",
                "_selected_action": [row_of(acme, kept).digest],
                "post": "yes",
            },
        )
    told = [(one["event"], one["name"], one["by"]) for one in logs if "token" in one]
    assert told == [
        ("API token changed", "Renamed", acme.email),
        ("API token revoked", "Renamed", acme.email),
        ("API token made", "In bulk", "test"),
        ("API token revoked", "In bulk", acme.email),
    ]
    with acme.tenant.entered():
        assert ApiToken.objects.count() == 1


def command(*arguments: str) -> str:
    out = io.StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def test_commands_make_list_and_revoke(acme: Customer, nordwind: Customer) -> None:
    made = command(
        *("create_token", "--tenant", "acme", acme.email, "--name", "Exporter"),
        *("--scope", "read", "--scope", "push", "--expires", "2099-07-01"),
    )
    [secret] = SECRET.findall(made)
    assert "scopes     read, push" in made
    assert "good until 2099-07-01 00:00 UTC" in made
    token = row_of(acme, secret)
    assert (token.scopes, token.expiry) == (["read", "push"], datetime(2099, 7, 1, tzinfo=UTC))
    listed = command("list_tokens", "--tenant", "acme")
    assert f"{secret[:15]}  {acme.email}  “Exporter”" in listed
    assert "scopes read, push; made" in listed
    assert "last used never, expires 2099-07-01 00:00 UTC" in listed
    assert not SECRET.search(listed)
    assert secret[:15] not in command("list_tokens", "--tenant", "nordwind")
    with pytest.raises(CommandError, match="Nordwind has no token"):
        command("revoke_token", "--tenant", "nordwind", secret[:15])
    assert row_of(acme, secret)
    # The whole token names it too, and is not printed.
    told = command("revoke_token", "--tenant", "acme", secret)
    assert told == f"Revoked {secret[:15]}… Exporter of {acme.email}.\n"
    assert secret[:15] not in command("list_tokens", "--tenant", "acme", acme.email)


def test_revoking_is_all_or_nothing(acme: Customer) -> None:
    secret = token_of(acme)
    with pytest.raises(CommandError, match="has no token lg_nothing"):
        command("revoke_token", "--tenant", "acme", secret[:15], "lg_nothing")
    assert row_of(acme, secret)


def test_commands_for_operators(acme: Customer) -> None:
    User.objects.create_superuser("operator@example.com", "x")
    made = command("create_token", "--operators", "operator@example.com", "--expires", "30d")
    [secret] = SECRET.findall(made)
    assert "scopes     read, push, manage" in made
    assert secret[:15] in command("list_tokens", "--operators")
    assert command("revoke_token", "--operators", secret[:15]).startswith("Revoked ")
    assert "There are no tokens" in command("list_tokens", "--operators")


@pytest.mark.parametrize("wrong", ["tomorrow", "90", "-5d", "2026-02-30", "99999d", ""])
def test_an_expiry_that_is_none_is_refused_in_words(acme: Customer, wrong: str) -> None:
    if not wrong:
        with pytest.raises(CommandError, match="expiry is past"):
            command("create_token", "--tenant", "acme", acme.email, "--expires", "2020-01-01")
        return
    with pytest.raises(CommandError, match="is no expiry: write a number of days such as 90d"):
        command("create_token", "--tenant", "acme", acme.email, f"--expires={wrong}")


def test_a_reader_gets_no_other_scope_by_command(acme: Customer) -> None:
    person_of(acme, "reader@example.com")
    assert "scopes     read\n" in command("create_token", "--tenant", "acme", "reader@example.com")
    with pytest.raises(CommandError, match="may not use “manage”"):
        command("create_token", "--tenant", "acme", "reader@example.com", "--scope", "manage")
