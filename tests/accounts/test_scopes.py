"""What a token may do: its scopes, its person, its tenant, its time."""

from collections import defaultdict
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone
from drf_spectacular.generators import SchemaGenerator

from accounts.models import ApiToken, User
from accounts.scopes import Scope
from accounts.tokens import TokenError, make_token
from tests.accounts.asking import (
    admin_of,
    bearer,
    person_of,
    problem_of,
    row_of,
    signed_in,
    token_of,
)
from tests.conftest import Customer

pytestmark = pytest.mark.django_db
MUID = "00000000-0000-4000-8000-000000000000"
SAFE = {"get", "head", "options"}


def operations() -> list[tuple[str, str, Scope]]:
    """Each operation of the schema itself, with the scope that it says it needs."""
    schema = SchemaGenerator().get_schema(request=None, public=True)
    arguments = defaultdict(lambda: "1", muid=MUID)
    return [
        (method, path.format_map(arguments), Scope(operation["x-required-scope"]))
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
    ]


def ask(client: Client, method: str, path: str, **more: Any) -> Any:
    with transaction.atomic():
        return getattr(client, method)(path, content_type="application/json", **more)


def test_every_operation_is_closed_to_a_token_without_its_scope(acme: Customer) -> None:
    """An operation that is added tomorrow is tried here the day it is."""
    client = Client(HTTP_HOST=acme.domain)
    tokens = {
        scope: token_of(acme, *(other for other in Scope if other != scope)) for scope in Scope
    }
    tried = operations()
    assert {scope for _, _, scope in tried} == set(Scope)
    for method, path, scope in tried:
        assert (scope == Scope.READ) >= (method in SAFE), path
        answer = ask(client, method, path, **bearer(tokens[scope]))
        words = problem_of(answer, 403)
        assert words.startswith(f"This token lacks the scope “{scope}”; it has "), (method, path)
        assert f"create_token --scope {scope}" in words
        assert answer.headers["WWW-Authenticate"] == (
            f'Bearer error="insufficient_scope", scope="{scope}"'
        )


def test_every_operation_is_open_to_a_token_with_its_scope_alone(acme: Customer) -> None:
    client = Client(HTTP_HOST=acme.domain)
    tokens = {scope: token_of(acme, scope) for scope in Scope}
    for method, path, scope in operations():
        answer = ask(client, method, path, **bearer(tokens[scope]))
        # There is no such meter, and the body is empty: but somebody looked.
        assert answer.status_code not in {401, 403}, (method, path, answer.content)
        assert answer.status_code < 500, (method, path, answer.content)


def test_browsing_and_the_schema_need_read(acme: Customer) -> None:
    client = Client(HTTP_HOST=acme.domain)
    for path in ("/api/v1/", "/api/v1/schema/", "/api/v1/meters/"):
        for method in ("get", "head", "options"):
            pushes = getattr(client, method)(path, **bearer(token_of(acme, "push", "manage")))
            assert pushes.status_code == 403, (method, path)
            reads = getattr(client, method)(path, **bearer(token_of(acme, "read")))
            assert reads.status_code == 200, (method, path)


def test_a_method_that_is_not_there_needs_manage_before_it_is_told(acme: Customer) -> None:
    client = Client(HTTP_HOST=acme.domain)
    assert client.delete("/api/v1/meters/", **bearer(token_of(acme, "read"))).status_code == 403
    assert client.delete("/api/v1/meters/", **bearer(token_of(acme, "manage"))).status_code == 405


def test_a_session_is_not_limited_by_scopes(acme: Customer) -> None:
    client = acme.client()
    for method, path, _ in operations():
        assert ask(client, method, path).status_code not in {401, 403}, path


def test_a_token_never_may_more_than_its_person(acme: Customer) -> None:
    """Whatever its scopes are, also those that it has from before its person lost a right."""
    reader = person_of(acme, "reader@example.com")
    with acme.tenant.entered():
        _, secret = ApiToken.objects.create(user=reader)
        assert row_of(acme, secret).scopes == ["read", "push", "manage"]
    client = Client(HTTP_HOST=acme.domain)
    assert client.get("/api/v1/meters/", **bearer(secret)).status_code == 200
    for path in ("readings/", f"meters/{MUID}/corrections/", f"meters/{MUID}/erasure/"):
        answer = ask(client, "post", f"/api/v1/{path}", **bearer(secret))
        assert "scope" not in problem_of(answer, 403), path


def test_scopes_are_offered_as_far_as_the_person_may(acme: Customer) -> None:
    reader = person_of(acme, "reader@example.com")
    sender = person_of(acme, "sender@example.com", "ingestion.add_run")
    with acme.tenant.entered():
        assert make_token(person=reader, by="test").token.scopes == ["read"]
        assert make_token(person=sender, by="test").token.scopes == ["read", "push", "manage"]
        for wanted, words in (
            (["push"], "may not use “push”"),
            (["manage", "read"], "may not use “manage”"),
            (["write"], "“write” is not a scope; there are read, push, manage"),
            ([], "at least one scope"),
        ):
            with pytest.raises(TokenError, match=words):
                make_token(person=reader, by="test", scopes=wanted)
        with pytest.raises(TokenError, match="This expiry is past"):
            make_token(person=reader, by="test", expires_at=timezone.now())
        assert ApiToken.objects.filter(user=reader).count() == 1


def refused(customer: Customer, secret: str) -> tuple[str, str]:
    answer = Client(HTTP_HOST=customer.domain).get("/api/v1/meters/", **bearer(secret))
    return problem_of(answer, 401), answer.headers["WWW-Authenticate"]


def test_what_is_told_of_a_refused_token_tells_an_attacker_nothing(
    acme: Customer, nordwind: Customer
) -> None:
    """Revoked, of another tenant, of a deactivated person or made up: the same words."""
    gone, leavers = token_of(acme), None
    with acme.tenant.entered():
        ApiToken.objects.filter(token_key=gone[:15]).delete()
    leaver = person_of(acme, "leaver@example.com")
    with acme.tenant.entered():
        leavers = make_token(person=leaver, by="test").secret
        User.objects.filter(pk=leaver.pk).update(is_active=False)
        operators = User.objects.create_superuser("operator@example.com", "x")
    connection.set_schema_to_public()
    operators = User.objects.create_superuser("operator@example.com", "x")
    _, of_operator = ApiToken.objects.create(user=operators)
    good = token_of(acme)
    told = {
        refused(acme, secret)
        for secret in (
            gone,
            leavers,
            nordwind.token,
            of_operator,
            "lg_" + 64 * "0",
            good[:-1] + ("0" if good[-1] != "0" else "1"),
            good[:15],
            "x",
        )
    }
    assert len(told) == 1
    [(words, header)] = told
    assert words.startswith("This token is not good here: it may be mistyped, revoked or made for")
    assert header == 'Bearer error="invalid_token"'
    # Asked without any, the answer says how; no error was made.
    answer = Client(HTTP_HOST=acme.domain).get("/api/v1/meters/")
    assert "Authorization: Bearer" in problem_of(answer, 401)
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_whoever_holds_an_expired_token_is_told(acme: Customer) -> None:
    secret = token_of(acme, expires_at=timezone.now() + timedelta(days=1))
    client = Client(HTTP_HOST=acme.domain)
    assert client.get("/api/v1/meters/", **bearer(secret)).status_code == 200
    with acme.tenant.entered():
        ApiToken.objects.filter(token_key=secret[:15]).update(expiry="2026-03-01T10:30:00Z")
    words, header = refused(acme, secret)
    assert words.startswith("This token expired at 2026-03-01T10:30:00Z. Make another one")
    assert header == 'Bearer error="invalid_token"'
    # A guess that shares its first characters learns nothing of it.
    assert refused(acme, secret[:15] + 52 * "0")[0].startswith("This token is not good here")


def test_the_last_use_is_noted_once_a_minute(acme: Customer) -> None:
    secret = token_of(acme, "read")
    client = Client(HTTP_HOST=acme.domain)

    def used() -> Any:
        assert client.get("/api/v1/meters/", **bearer(secret)).status_code == 200
        return row_of(acme, secret).last_used_at

    assert row_of(acme, secret).last_used_at is None
    first = used()
    assert timezone.now() - first < timedelta(seconds=30)
    assert used() == first, "not again within the minute"
    before = first - timedelta(seconds=61)
    with acme.tenant.entered():
        ApiToken.objects.filter(token_key=secret[:15]).update(last_used_at=before)
    assert used() > first
    # What is refused was no use.
    with acme.tenant.entered():
        ApiToken.objects.filter(token_key=secret[:15]).update(expiry=before, last_used_at=None)
    assert client.get("/api/v1/meters/", **bearer(secret)).status_code == 401
    assert row_of(acme, secret).last_used_at is None


def test_tokens_from_before_scopes_go_on(acme: Customer) -> None:
    reader = person_of(acme, "reader@example.com")
    sender = person_of(acme, "sender@example.com", "ingestion.add_run")
    staff = person_of(acme, "staff@example.com", is_staff=True)
    narrow = import_module(
        "accounts.migrations.0002_scopes_and_origins"
    ).what_their_person_could_use
    with acme.tenant.entered():
        made = {
            person.email: ApiToken.objects.create(user=person)[0]
            for person in (reader, sender, staff, admin_of(acme))
        }
        narrow(apps, None)
        scopes = {email: ApiToken.objects.get(pk=one.pk).scopes for email, one in made.items()}
    everything = ["read", "push", "manage"]
    assert scopes == {
        reader.email: ["read"],
        sender.email: everything,
        staff.email: everything,
        acme.email: everything,
    }
    assert Client(HTTP_HOST=acme.domain).get("/api/v1/", **acme.bearer).status_code == 200


def test_a_page_of_another_site_can_change_nothing_with_a_session(acme: Customer) -> None:
    person_of(acme, "staff@example.com", is_staff=True)
    client = signed_in(acme, "staff@example.com")
    client.handler.enforce_csrf_checks = True
    for path in ("tokens/browser/", f"meters/{MUID}/corrections/"):
        assert "CSRF" in problem_of(ask(client, "post", f"/api/v1/{path}"), 403)
