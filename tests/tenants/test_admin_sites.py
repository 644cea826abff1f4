"""The tenants' admin and the operators' know nothing of each other."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.admin import AdminSite
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.test import Client

from accounts.models import User
from accounts.sites import operators_site, tenant_site
from tenants.models import Domain, Tenant
from tests.conftest import Customer

pytestmark = pytest.mark.django_db
OF_OPERATORS = ["tenants/", "tenants/tenant/", "tenants/tenant/1/change/", "tenants/domain/"]
OF_TENANTS = [
    "meters/",
    "meters/meter/",
    "meters/meter/1/change/",
    "meters/site/",
    "ingestion/",
    "ingestion/run/",
    "ingestion/source/",
    "ingestion/rejectedreading/",
    "ingestion/readingrevision/",
]


@pytest.fixture
def operator() -> User:
    return User.objects.create_superuser("operator@example.com", "an operator's password")


@pytest.fixture
def bare(operator: User) -> Client:
    """The bare domain, with an operator signed in."""
    client = Client(HTTP_HOST="localhost")
    answer = client.post(
        "/admin/login/", {"username": operator.email, "password": "an operator's password"}
    )
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")
    return client


def apps(site: AdminSite) -> set[str]:
    return {model._meta.app_label for model in site._registry}


def test_the_registries_have_people_alone_in_common() -> None:
    assert apps(tenant_site) == {"accounts", "auth", "meters", "ingestion", "notices"}
    assert apps(operators_site) == {"accounts", "auth", "tenants"}
    assert not {Tenant, Domain} & tenant_site._registry.keys()
    # Nor by way of a list, a search, a filter or a form that follows a relation to them.
    for model in tenant_site.models():
        related = {field.related_model for field in model._meta.get_fields()}
        assert not {Tenant, Domain} & related, model


@pytest.mark.parametrize("path", OF_OPERATORS)
def test_a_tenants_superuser_finds_no_operators_address(acme: Customer, path: str) -> None:
    client = acme.client()
    for method in ("get", "post"):
        assert getattr(client, method)(f"/admin/{path}").status_code == 404


@pytest.mark.parametrize("path", OF_TENANTS)
def test_an_operator_finds_no_tenants_address(bare: Client, path: str) -> None:
    for method in ("get", "post"):
        assert getattr(bare, method)(f"/admin/{path}").status_code == 404


def test_the_operators_admin_works(bare: Client, acme: Customer) -> None:
    for path in ("", "tenants/", "tenants/tenant/", "tenants/domain/", "accounts/user/"):
        assert bare.get(f"/admin/{path}").status_code == 200, path
    page = bare.get(f"/admin/tenants/tenant/{acme.tenant.pk}/change/")
    assert acme.domain in page.content.decode()
    for path in ("tenant/add/", f"tenant/{acme.tenant.pk}/delete/"):
        assert bare.get(f"/admin/tenants/{path}").status_code == 403, path
    assert bare.post("/admin/logout/").headers["Location"] == "/sign-in/"
    assert bare.get("/sign-in/?next=/admin/").headers["Location"] == "/admin/login/?next=/admin/"


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("Energy.ACME.example.", "energy.acme.example"),
        ("https://energy.acme.example", None),
        ("energy.acme.example:8000", None),
        ("LOCALHOST", None),
        ("ACME.localhost", None),
    ],
)
def test_a_domain_is_stored_as_hosts_are_compared(
    bare: Client, nordwind: Customer, written: str, kept: str | None
) -> None:
    answer = bare.post(
        "/admin/tenants/domain/add/", {"domain": written, "tenant": nordwind.tenant.pk}
    )
    assert answer.status_code == (302 if kept else 200)
    names = set(Domain.objects.filter(tenant=nordwind.tenant).values_list("domain", flat=True))
    assert names == {nordwind.domain, kept} - {None}


def test_accounts_do_not_cross(
    operator: User, acme: Customer, nordwind: Customer, bare: Client
) -> None:
    """The same address may sign in at both ends; its password counts at one of them."""
    attempts = [
        (acme.domain, operator.email, "an operator's password"),
        (nordwind.domain, acme.email, acme.password),
        ("localhost", acme.email, acme.password),
    ]
    for host, email, password in attempts:
        client = Client(HTTP_HOST=host)
        for path in ("/sign-in/", "/admin/login/"):
            if host == "localhost" and path == "/sign-in/":
                continue
            answer = client.post(path, {"username": email, "password": password})
            assert answer.status_code == 200, (host, path)
            assert not client.cookies.get("session"), (host, path)
    with acme.tenant.entered():
        User.objects.create_user(operator.email, "another password")
    client = Client(HTTP_HOST=acme.domain)
    wrong, right = (
        client.post("/sign-in/", {"username": operator.email, "password": password})
        for password in ("an operator's password", "another password")
    )
    assert (wrong.status_code, right.status_code) == (200, 302)


@pytest.mark.parametrize("site", ["tenant", "operators"])
def test_only_permissions_that_mean_something_are_offered(
    site: str, acme: Customer, bare: Client
) -> None:
    client, foreign = (acme.client(), "tenants |") if site == "tenant" else (bare, "ingestion |")
    for path in ("accounts/user/1/change/", "auth/group/add/"):
        page = (client if site == "tenant" else bare).get(f"/admin/{path}", follow=True)
        text = page.content.decode().lower()
        if page.redirect_chain:
            continue  # public's first account has another number
        assert "accounts | " in text, path
        assert foreign not in text, path


def test_no_number_of_a_model_leads_to_another_sites(acme: Customer) -> None:
    client = acme.client()
    client.raise_request_exception = False
    with acme.tenant.entered():
        kinds = list(ContentType.objects.all())
    assert {"tenant", "domain"} <= {kind.model for kind in kinds}, "Django knows of them here, too"
    for kind in kinds:
        with transaction.atomic():
            status = client.get(f"/admin/r/{kind.pk}/1/").status_code
        assert status == 404, kind
    for odd in ("0", "99999999999999999999", "x", "%00"):
        assert client.get(f"/admin/r/{odd}/1/").status_code == 404
    assert Client(HTTP_HOST=acme.domain).get("/admin/r/1/1/").status_code == 302


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("app_label=tenants&model_name=domain&field_name=tenant", 403),
        ("app_label=ingestion&model_name=feed&field_name=source", 200),
    ],
)
def test_autocompletion_stays_within_the_site(acme: Customer, query: str, status: int) -> None:
    assert acme.client().get(f"/admin/autocomplete/?{query}").status_code == status


def test_people_can_be_added_by_a_tenant_itself(acme: Customer) -> None:
    client = acme.client()
    password = "a rather long password"
    form: dict[str, Any] = {
        "email": "ada@acme.example",
        "usable_password": "true",
        "password1": password,
        "password2": password,
    }
    assert client.post("/admin/accounts/user/add/", form).status_code == 302
    again = client.post("/admin/accounts/user/add/", form | {"email": "ADA@acme.example"})
    assert "already signs in with this address" in again.content.decode()
    with acme.tenant.entered():
        ada = User.objects.get(email="ada@acme.example")
    assert not User.objects.filter(email="ada@acme.example").exists(), "an account in public"
    assert not ada.is_staff
    client = Client(HTTP_HOST=acme.domain)
    answer = client.post("/sign-in/", {"username": "Ada@acme.example", "password": password})
    assert answer.headers["Location"] == "/"
    assert client.get("/").status_code == 200
    assert client.get("/admin/").headers["Location"].startswith("/admin/login/")


def test_a_deleted_tenants_row_leaves_nobody_in(
    make_customer: Callable[[str], Customer],
) -> None:
    gone = make_customer("gone")
    client = gone.client()
    assert client.get("/").status_code == 200
    gone.tenant.delete()
    for more in ({}, gone.bearer):
        for path in ("/", "/api/v1/meters/", "/sign-in/", "/admin/"):
            assert client.get(path, **more).status_code == 404
