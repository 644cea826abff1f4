"""A tenant is suspended, resumed, moved and deleted by its operators, whole and on record."""

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.models import Act, User
from accounts.throttling import counter
from ingestion.tasks import repair_gaps
from tenants.fanout import in_each_tenant
from tenants.lifecycle import (
    LifecycleError,
    call_off_deletion,
    change_domain,
    delete,
    delete_due,
    order_deletion,
    resume,
    suspend,
)
from tenants.models import Domain, Tenant
from tenants.onboarding import create_tenant
from tests.conftest import Customer

pytestmark = pytest.mark.django_db


def run(*arguments: str, **options: Any) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out, stderr=out, **options)
    return out.getvalue()


def acts(about: str) -> list[tuple[str, str]]:
    return list(Act.objects.filter(about=about).order_by("pk").values_list("what", "by"))


def anew(tenant: Tenant) -> Tenant:
    return Tenant.objects.get(pk=tenant.pk)


PATHS = ("/", "/sign-in/", "/meters/", "/admin/", "/no/such/page/")


def test_a_suspended_tenant_answers_that_it_is(acme: Customer, nordwind: Customer) -> None:
    signed_in, program = acme.client(), acme.client(signed_in=False)
    suspend(acme.tenant, by="ada", why="unpaid <b>bill</b>")

    for client in (signed_in, program):
        for path in PATHS:
            response = client.get(path)
            text = response.content.decode()
            assert response.status_code == 403, path
            assert "suspended" in text
            assert "unpaid &lt;b&gt;bill" in text
    answer = program.post("/api/v1/readings/", {}, "application/json", **acme.bearer)  # type: ignore[arg-type]
    assert answer.status_code == 403
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert "suspended" in answer.json()["detail"]
    assert "unpaid" in answer.json()["detail"]
    assert nordwind.client().get("/").status_code == 200
    assert Client(HTTP_HOST="localhost").get("/").status_code == 200

    resume(acme.tenant, by="ada")
    assert signed_in.get("/").status_code == 200, "and the session is still good"
    assert acts("acme")[-2:] == [("tenant suspended", "ada"), ("tenant resumed", "ada")]


def test_a_suspended_tenants_tasks_rest(acme: Customer, nordwind: Customer) -> None:
    reached: list[str] = []
    suspend(acme.tenant, by="ada")
    in_each_tenant(lambda: reached.append(connection.schema_name))  # type: ignore[attr-defined]
    assert "nordwind" in reached
    assert "acme" not in reached
    assert run("list_tenants").count("suspended since") == 1


def test_a_message_on_its_way_is_left_undone(acme: Customer) -> None:
    suspend(acme.tenant, by="ada")
    # As a worker enters it, which has read the tenant anew.
    with anew(acme.tenant).entered():
        told = repair_gaps.apply(headers={"_schema_name": "acme"})
    assert told.result is None


def test_what_is_not_so_is_said(acme: Customer) -> None:
    with pytest.raises(LifecycleError, match="at work; nothing to resume"):
        resume(acme.tenant, by="ada")
    with pytest.raises(LifecycleError, match="not to be deleted"):
        call_off_deletion(acme.tenant, by="ada")
    with pytest.raises(LifecycleError, match="Suspend it before"):
        delete(acme.tenant, by="ada")
    suspend(acme.tenant, by="ada")
    with pytest.raises(LifecycleError, match="has been suspended since"):
        suspend(acme.tenant, by="ada")
    order_deletion(acme.tenant, by="ada")
    with pytest.raises(LifecycleError, match="already"):
        order_deletion(acme.tenant, by="ada")
    with pytest.raises(LifecycleError, match="--call-off"):
        resume(acme.tenant, by="ada")
    call_off_deletion(acme.tenant, by="ada")
    assert anew(acme.tenant).is_suspended, "until somebody resumes it"


def test_a_domain_is_changed_and_changed_back(acme: Customer) -> None:
    change_domain(acme.tenant, "Energy.Acme.Example.", by="ada")
    assert Client(HTTP_HOST="energy.acme.example").get("/sign-in/").status_code == 200
    assert Client(HTTP_HOST="acme.localhost").get("/sign-in/").status_code == 404
    change_domain(acme.tenant, "acme.localhost", by="ada", keep_others=True)
    primary = {one.domain: one.is_primary for one in Domain.objects.filter(tenant=acme.tenant)}
    assert primary == {"energy.acme.example": False, "acme.localhost": True}
    assert Client(HTTP_HOST="energy.acme.example").get("/sign-in/").status_code == 200


@pytest.mark.parametrize(
    ("domain", "words"),
    [
        ("https://acme.example", "not a host name"),
        ("localhost", "bare domain"),
        ("nordwind.localhost", "another tenant"),
        ("", "not a host name"),
    ],
)
def test_a_domain_that_is_none_changes_nothing(acme: Customer, domain: str, words: str) -> None:
    with pytest.raises(LifecycleError, match=words):
        change_domain(acme.tenant, domain, by="ada")
    assert list(Domain.objects.filter(tenant=acme.tenant).values_list("domain", flat=True)) == [
        "acme.localhost"
    ]


def test_after_its_grace_nothing_is_left_of_a_tenant(db: None, redis_cleared: None) -> None:
    made = create_tenant(slug="short-lived")
    with made.tenant.entered():
        cache.set("some", "thing")
    requests = counter(settings.CACHES["default"]["LOCATION"])
    for schema in ("short_lived", "short"):
        requests.count(schema, "token:1", (10, 100))
    other = create_tenant(slug="short")
    with other.tenant.entered():
        cache.set("some", "thing else")
    due = order_deletion(made.tenant, by="ada", grace=timedelta(days=3))
    assert anew(made.tenant).is_suspended
    assert delete_due(due - timedelta(seconds=1), by="upkeep") == []
    assert delete_due(due, by="upkeep") == ["short-lived"]

    assert not Tenant.objects.filter(schema_name="short_lived").exists()
    assert not Domain.objects.filter(domain=made.domain).exists()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_namespace WHERE nspname = 'short_lived'")
        assert cursor.fetchone() is None
    again = create_tenant(slug="short-lived")
    with again.tenant.entered():
        assert cache.get("some") is None
        assert User.objects.count() == 1
    with other.tenant.entered():
        assert cache.get("some") == "thing else"
    for schema, used in (("short_lived", 1), ("short", 2)):
        counted = requests.count(schema, "token:1", (10, 100))
        assert counted is not None
        assert {one.used for one in counted.allowances} == {used}, schema
    assert acts("short-lived")[:3] == [
        ("tenant made", acts("short-lived")[0][1]),
        ("deletion ordered", "ada"),
        ("tenant deleted", "upkeep"),
    ]


def test_the_commands_say_what_they_did(acme: Customer) -> None:
    assert "resume_tenant acme" in run("suspend_tenant", "acme", why="moving house")
    with pytest.raises(CommandError, match="suspended since"):
        run("suspend_tenant", "acme")
    assert "moving house" in run("list_tenants")
    assert "served again" in run("resume_tenant", "acme.localhost")
    with pytest.raises(CommandError, match="1 to 3650 days"):
        run("delete_tenant", "acme", "--in", "0")
    assert "--call-off" in run("delete_tenant", "acme", "--in", "7")
    assert anew(acme.tenant).delete_at > timezone.now() + timedelta(days=6)  # type: ignore[operator]
    assert "to be deleted on" in run("list_tenants")
    with pytest.raises(CommandError, match="names “nordwind”, not acme"):
        run("delete_tenant", "acme", "--now", "nordwind")
    assert "is kept" in run("delete_tenant", "acme", "--call-off")
    assert "answers at acme.example" in run("change_domain", "acme", "acme.example")
    with pytest.raises(CommandError, match="no tenant “nobody”"):
        run("suspend_tenant", "nobody")


def test_operators_do_it_in_the_admin(acme: Customer) -> None:
    User.objects.create_superuser("operator@example.com", "an operator's password")
    client = Client(HTTP_HOST="localhost")
    client.force_login(User.objects.get(email="operator@example.com"))

    def do(action: str) -> str:
        data = {"action": action, "_selected_action": [acme.tenant.pk]}
        return client.post("/admin/tenants/tenant/", data, follow=True).content.decode()

    assert "is suspended." in do("suspend_chosen")
    assert "suspended since" in do("suspend_chosen")
    assert "to be deleted in 30 days" in do("order_deletion_of_chosen")
    assert "is kept" in do("call_off_of_chosen")
    assert "is served again" in do("resume_chosen")
    listed = client.get("/admin/accounts/act/").content.decode()
    assert listed.count("operator@example.com") >= 4
    act = Act.objects.latest("pk")
    assert client.post(f"/admin/accounts/act/{act.pk}/change/", {"by": "x"}).status_code == 403
    assert client.post(f"/admin/accounts/act/{act.pk}/delete/", {"post": "yes"}).status_code == 403
