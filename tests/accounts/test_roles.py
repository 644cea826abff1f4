"""What each role can and can't do: pages and operations of the API, asked by each of the three."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command
from django.db import transaction
from django.test import Client

from accounts.models import User
from accounts.roles import ANALYST, GROUP, Role, put_role, role_in_words, role_of
from accounts.scopes import Scope, scopes_of
from accounts.tokens import TokenError, make_token
from ingestion.models import Feed, Gap, ReadingRevision, Run, Source
from meters.models import Meter, Site
from tests.accounts.asking import bearer, person_of, signed_in
from tests.conftest import Customer
from tests.tenants.marks import Marked

pytestmark = pytest.mark.django_db

EVERYBODY, ANALYSTS, ADMINS = (set(Role), {Role.ANALYST, Role.ADMIN}, {Role.ADMIN})
MARKED = UUID("aaaaaaaa-0000-4000-8000-00000000000a")
# Method, address, and who may. What stands in braces is the number of one of that model.
PAGES = [
    ("get", "/", EVERYBODY),
    ("get", "/meters/", EVERYBODY),
    ("get", "/sites/", EVERYBODY),
    ("get", f"/meters/{MARKED}/", EVERYBODY),
    ("get", "/ingestion/", EVERYBODY),
    ("get", "/ingestion/rejections/", EVERYBODY),
    ("get", "/ingestion/revisions/", EVERYBODY),
    ("get", "/ingestion/gaps/", EVERYBODY),
    ("get", "/ingestion/retention/", EVERYBODY),
    ("get", "/ingestion/runs/{Run}/", EVERYBODY),
    ("get", "/notices/attention/", EVERYBODY),
    ("get", "/tokens/", EVERYBODY),
    ("get", "/password/", EVERYBODY),
    ("get", "/ingestion/upload/", ANALYSTS),
    ("get", "/ingestion/register/", ANALYSTS),
    ("get", f"/ingestion/meters/{MARKED}/readings/correct/", ANALYSTS),
    ("get", "/ingestion/revisions/{ReadingRevision}/restore/", ANALYSTS),
    ("post", "/ingestion/sources/{Source}/pause/", ANALYSTS),
    ("post", "/ingestion/sources/{Source}/resume/", ANALYSTS),
    ("post", "/ingestion/meters/{Feed}/retry/", ANALYSTS),
    ("post", "/ingestion/meters/retry/", ANALYSTS),
    ("post", "/ingestion/gaps/look/", ANALYSTS),
    ("post", "/ingestion/gaps/{Gap}/ask/", ANALYSTS),
    ("get", "/ingestion/erasures/", ANALYSTS),
    ("get", "/admin/", ANALYSTS),
    ("get", "/admin/meters/meter/add/", ANALYSTS),
    ("get", "/admin/meters/site/{Site}/change/", ANALYSTS),
    ("get", f"/ingestion/meters/{MARKED}/erase/", ADMINS),
    ("get", "/origins/", ADMINS),
    ("get", "/people/", ADMINS),
    ("get", "/people/invite/", ADMINS),
    ("get", "/people/{User}/", ADMINS),
    ("post", "/people/{User}/role/", ADMINS),
    ("post", "/people/{User}/link/", ADMINS),
    ("post", "/people/{User}/deactivate/", ADMINS),
    ("post", "/people/{User}/reactivate/", ADMINS),
    ("post", "/people/{User}/sign-out/", ADMINS),
    ("get", "/acts/", ADMINS),
    ("get", "/admin/accounts/user/", ADMINS),
    ("get", "/admin/accounts/user/{User}/change/", ADMINS),
    ("get", "/admin/accounts/act/", ADMINS),
    ("get", "/admin/accounts/apitoken/", ADMINS),
    ("get", "/admin/auth/group/add/", ADMINS),
    ("get", "/admin/ingestion/source/{Source}/change/", ANALYSTS),
    ("post", "/admin/ingestion/source/{Source}/change/", ADMINS),
    ("get", "/admin/ingestion/source/add/", ADMINS),
    ("get", "/admin/ingestion/keeping/", ADMINS),
]
OPERATIONS = [
    ("get", "meters/", EVERYBODY),
    ("get", f"meters/{MARKED}/", EVERYBODY),
    ("get", f"meters/{MARKED}/readings/?start=-P1D", EVERYBODY),
    ("get", "sites/", EVERYBODY),
    ("get", "runs/", EVERYBODY),
    ("get", "rejections/", EVERYBODY),
    ("get", "revisions/", EVERYBODY),
    ("post", "tokens/browser/", EVERYBODY),
    ("post", "readings/", ANALYSTS),
    ("post", "meters/", ANALYSTS),
    ("patch", f"meters/{MARKED}/", ANALYSTS),
    ("post", "sites/", ANALYSTS),
    ("patch", "sites/{Site}/", ANALYSTS),
    ("post", f"meters/{MARKED}/corrections/", ANALYSTS),
    ("post", "runs/", ANALYSTS),
    ("post", "runs/{Run}/retry/", ANALYSTS),
    ("post", "sources/{Source}/pause/", ANALYSTS),
    ("get", "sources/", ANALYSTS),
    ("get", "erasures/", ANALYSTS),
    ("delete", "sites/{Site}/", ADMINS),
    ("post", "sources/", ADMINS),
    ("patch", "sources/{Source}/", ADMINS),
    ("delete", "sources/{Source}/", ADMINS),
    ("put", f"meters/{MARKED}/source/", ANALYSTS),
    ("delete", f"meters/{MARKED}/source/", ADMINS),
    ("post", f"meters/{MARKED}/erasure/", ADMINS),
]
MODELS = {one.__name__: one for one in (Run, ReadingRevision, Source, Feed, Gap, Site, User)}


def given(customer: Customer, role: Role) -> User:
    user = person_of(customer, f"{role.value}@example.com")
    with customer.tenant.entered():
        put_role(user, role)
    return user


def filled(marked: Marked, path: str) -> str:
    numbers = {name: marked.objects[model].pk for name, model in MODELS.items()}
    return path.format(**numbers)


def undone(ask: Callable[..., Any], *args: Any, **more: Any) -> int:
    """Ask, and undo what the answer did; no answer may be an error of the server."""
    with transaction.atomic():
        status = int(ask(*args, **more).status_code)
        transaction.set_rollback(True)
    assert status < 500, args
    return status


@pytest.mark.parametrize("role", Role)
def test_pages_open_to_whom_the_roles_say(role: Role, marked: tuple[Marked, Marked]) -> None:
    mine = marked[0]
    given(mine.customer, role)
    client = signed_in(mine.customer, f"{role.value}@example.com")
    told = {}
    for method, path, who in PAGES:
        address = filled(mine, path)
        status = undone(getattr(client, method), address)
        assert status != 404, address
        # The admin sends who may not so much as look at it to its sign-in.
        allowed = status != 403 and not (status == 302 and path.startswith("/admin/"))
        if allowed != (role in who):
            told[f"{method} {path}"] = status
    assert not told


@pytest.mark.parametrize("role", Role)
def test_operations_are_open_to_whom_the_roles_say(
    role: Role, marked: tuple[Marked, Marked]
) -> None:
    mine = marked[0]
    user = given(mine.customer, role)
    with mine.customer.tenant.entered():
        secret = make_token(person=user, by="test").secret
    token, told = Client(HTTP_HOST=mine.customer.domain), {}
    session = signed_in(mine.customer, user.email)
    for method, path, who in OPERATIONS:
        address = f"/api/v1/{filled(mine, path)}"
        for client, more in ((token, bearer(secret)), (session, {})):
            ask = getattr(client, method)
            kind = {} if method == "get" else {"content_type": "application/json"}
            status = undone(ask, address, **kind, **more)
            assert status not in {401, 404, 405}, (method, address, status)
            if (status != 403) != (role in who):
                told[f"{method} {path}"] = status
    assert not told


def test_links_are_shown_to_whom_they_lead_somewhere(marked: tuple[Marked, Marked]) -> None:
    mine = marked[0]
    for role in Role:
        given(mine.customer, role)
        client = signed_in(mine.customer, f"{role.value}@example.com")
        page = client.get("/").content.decode()
        assert ('href="/people/"' in page) == (role == Role.ADMIN)
        assert ('href="/admin/"' in page) == (role != Role.VIEWER)
        assert 'href="/password/"' in page
        assert ('href="/origins/"' in client.get("/tokens/").content.decode()) == (
            role == Role.ADMIN
        )
        retention = client.get("/ingestion/retention/").content.decode()
        assert ("/admin/ingestion/keeping/" in retention) == (role == Role.ADMIN)


def test_a_role_is_what_an_account_may(acme: Customer) -> None:
    user = person_of(acme, "ada@example.com", "meters.delete_meter", is_staff=True)
    with acme.tenant.entered():
        assert role_of(user) is None
        assert role_in_words(user) == "Own permissions"
        for role in (Role.ANALYST, Role.VIEWER, Role.ADMIN, Role.ANALYST):
            put_role(user, role)
            user = User.objects.get(pk=user.pk)
            assert role_of(user) == role
            assert role_in_words(user) == role.label
        assert user.get_all_permissions() == ANALYST
        assert not user.has_perm("meters.delete_meter"), "what was given before is taken away"
        # Whatever is given on top makes it a role of its own.
        user.user_permissions.add(Permission.objects.get(codename="delete_meter"))
        assert role_of(User.objects.get(pk=user.pk)) is None
        user.user_permissions.clear()
        user.groups.add(Group.objects.create(name="Others"))
        assert role_of(User.objects.get(pk=user.pk)) is None
        assert role_of(User(is_superuser=True, pk=user.pk)) is None, "not staff"


def test_tokens_may_no_more_than_the_role(acme: Customer) -> None:
    user = person_of(acme, "ada@example.com")
    with acme.tenant.entered():
        for role, scopes in (
            (Role.VIEWER, [Scope.READ]),
            (Role.ANALYST, list(Scope)),
            (Role.ADMIN, list(Scope)),
        ):
            put_role(user, role)
            user = User.objects.get(pk=user.pk)
            assert scopes_of(user) == scopes
        put_role(user, Role.VIEWER)
        user = User.objects.get(pk=user.pk)
        for scope in ("push", "manage"):
            with pytest.raises(TokenError, match="may not use"):
                make_token(person=user, by="test", scopes=[scope])


def test_a_token_made_as_an_analyst_may_no_more_once_its_person_only_looks(
    acme: Customer,
) -> None:
    user = given(acme, Role.ANALYST)
    with acme.tenant.entered():
        secret = make_token(person=user, by="test").secret
    client = Client(HTTP_HOST=acme.domain)

    def post(path: str) -> int:
        answer = client.post(f"/api/v1/{path}", {}, "application/json", **bearer(secret))
        return int(answer.status_code)

    assert (post("readings/"), post("sites/")) == (400, 400)
    with acme.tenant.entered():
        put_role(user, Role.VIEWER)
    assert (post("readings/"), post("sites/")) == (403, 403)
    assert client.get("/api/v1/meters/", **bearer(secret)).status_code == 200


def test_a_migration_gives_analysts_what_this_release_says(acme: Customer) -> None:
    user = given(acme, Role.ANALYST)
    with acme.tenant.entered():
        group = Group.objects.get(name=GROUP)
        group.permissions.set(Permission.objects.filter(codename="delete_meter"))
    call_command("migrate_schemas", schema_name="acme", verbosity=0, interactive=False)
    with acme.tenant.entered():
        assert User.objects.get(pk=user.pk).get_all_permissions() == ANALYST


def test_who_may_look_at_a_source_does_not_see_its_token(marked: tuple[Marked, Marked]) -> None:
    mine = marked[0]
    given(mine.customer, Role.ANALYST)
    client = signed_in(mine.customer, "analyst@example.com")
    page = client.get(filled(mine, "/admin/ingestion/source/{Source}/change/")).content.decode()
    assert "kormoran-upstream" in page, "its address"
    assert "upstream-secret" not in page


def test_every_permission_of_analysts_is_one(in_acme: Customer) -> None:
    there = {
        f"{one.content_type.app_label}.{one.codename}"
        for one in Permission.objects.select_related("content_type")
    }
    assert there >= ANALYST
    assert Meter._meta.app_label in {name.split(".")[0] for name in ANALYST}
