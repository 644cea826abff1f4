"""Where a tenant lacks a table the door is shut: nothing falls through to public."""

from typing import Any

import pytest
from django.core.management import call_command
from django.db import ProgrammingError, connection, transaction
from django.test import Client

from accounts.models import ApiToken, User
from ingestion.models import Source
from meters.models import Meter
from tenants.models import Tenant
from tenants.schema import current_schema
from tests.conftest import Customer

pytestmark = pytest.mark.django_db


def drop(customer: Customer, table: str) -> None:
    """Take a table away, as a migration that failed half-way would; the test undoes it."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f'DROP TABLE "{customer.tenant.schema_name}"."{table}" CASCADE')


def ask(client: Client, method: str, path: str, **more: Any) -> Any:
    client.raise_request_exception = False
    with transaction.atomic():
        answer = getattr(client, method)(path, **more)
        transaction.set_rollback(True)
    return answer


@pytest.fixture
def publics() -> tuple[User, str]:
    """An operator with a token, in public, where a tenant's lookup must not end up."""
    operator = User.objects.create_superuser("operator@example.com", "an operator's password")
    return operator, ApiToken.objects.create(user=operator)[1]


def test_without_accounts_nobody_signs_in(acme: Customer, publics: tuple[User, str]) -> None:
    signed_in = acme.client()
    drop(acme, "accounts_user")
    credentials = {"username": "operator@example.com", "password": "an operator's password"}
    for path in ("/sign-in/", "/admin/login/"):
        answer = ask(Client(HTTP_HOST=acme.domain), "post", path, data=credentials)
        assert answer.status_code == 500
        assert "session" not in answer.cookies
    for path in ("/", "/meters/", "/admin/", "/api/v1/meters/"):
        answer = ask(signed_in, "get", path)
        assert answer.status_code == 500
        assert "operator@" not in answer.content.decode()


def test_without_tokens_no_operators_token_counts(
    acme: Customer, publics: tuple[User, str]
) -> None:
    drop(acme, "accounts_apitoken")
    answer = ask(
        Client(HTTP_HOST=acme.domain),
        "get",
        "/api/v1/meters/",
        HTTP_AUTHORIZATION=f"Bearer {publics[1]}",
    )
    assert answer.status_code == 500
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert "what is stored is safe" in answer.json()["detail"]


def test_without_sessions_no_operators_session_counts(
    acme: Customer, publics: tuple[User, str]
) -> None:
    operator = Client(HTTP_HOST="localhost")
    operator.force_login(publics[0])
    assert operator.get("/admin/").status_code == 200
    drop(acme, "django_session")
    operator.defaults["HTTP_HOST"] = acme.domain
    for path in ("/", "/admin/", "/api/v1/meters/"):
        assert ask(operator, "get", path).status_code == 500


def test_without_meters_the_page_says_so_and_the_other_tenant_goes_on(
    acme: Customer, nordwind: Customer
) -> None:
    client, other = acme.client(), nordwind.client()
    drop(acme, "meters_meter")
    for path in ("/", "/meters/", "/api/v1/meters/", "/admin/meters/meter/"):
        answer = ask(client, "get", path)
        assert answer.status_code == 500, path
        assert "went wrong on our side" in answer.content.decode()
        assert "meters_meter" not in answer.content.decode()
        assert ask(other, "get", path).status_code == 200
    assert current_schema() == "public"


def test_a_schema_that_is_gone_shows_nothing_of_public(
    acme: Customer, publics: tuple[User, str]
) -> None:
    client = acme.client()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("DROP SCHEMA acme CASCADE")
    for path in ("/", "/sign-in/", "/admin/", "/api/v1/meters/"):
        answer = ask(client, "get", path)
        # The sign-in page asks the database for nothing as long as nobody signs in.
        assert answer.status_code == (500 if "session" in client.cookies else 200), path
        assert "operator@" not in answer.content.decode()


def test_inside_a_tenant_public_can_not_be_seen_by_accident(in_acme: Customer) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SHOW search_path")
        assert cursor.fetchone() == ("acme",)
        cursor.execute("SELECT current_schemas(true)")
        assert set(cursor.fetchone()[0]) <= {"acme", "pg_catalog", "pg_temp_1"} | {
            f"pg_temp_{i}" for i in range(1000)
        }
        cursor.execute("SELECT to_regclass('tenants_tenant'), to_regclass('accounts_user')::text")
        assert cursor.fetchone() == (None, "accounts_user")
        cursor.execute(
            "SELECT relnamespace::regnamespace::text FROM pg_class "
            "WHERE oid = to_regclass('accounts_user')"
        )
        assert cursor.fetchone() == ("acme",)
    with pytest.raises(ProgrammingError), transaction.atomic():
        Tenant.objects.count()
    with pytest.raises(ProgrammingError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT * FROM tenants_domain")


def test_in_public_no_tenants_table_can_be_seen_by_accident(acme: Customer) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SHOW search_path")
        assert cursor.fetchone() == ("public",)
    for model in (Meter, Source):
        with pytest.raises(ProgrammingError), transaction.atomic():
            model.objects.count()


def test_whoever_asks_for_public_as_well_does_not_get_it(acme: Customer) -> None:
    """The library's own ways of entering a tenant, some of which add public."""
    for enter in (
        lambda: connection.set_tenant(acme.tenant),
        lambda: connection.set_tenant(acme.tenant, include_public=True),
        lambda: connection.set_schema("acme"),
        lambda: connection.set_schema("acme", include_public=True),
    ):
        enter()
        with connection.cursor() as cursor:
            cursor.execute("SHOW search_path")
            assert cursor.fetchone() == ("acme",)
        connection.set_schema_to_public()


def test_the_search_path_survives_what_undoes_it(acme: Customer) -> None:
    """A rollback takes back a search path that was set inside of it."""
    with transaction.atomic():
        with acme.tenant.entered():
            assert User.objects.get().email == acme.email
        transaction.set_rollback(True)
    with acme.tenant.entered():
        for fails in (True, False):
            try:
                with transaction.atomic():
                    Meter.objects.create(name="kept" if not fails else "undone")
                    if fails:
                        Tenant.objects.count()
            except ProgrammingError:
                assert fails
            assert User.objects.get().email == acme.email
        assert [meter.name for meter in Meter.objects.all()] == ["kept"]


def test_no_tenants_table_refers_to_another_schema(acme: Customer) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conrelid::regclass::text, confrelid::regclass::text FROM pg_constraint "
            "JOIN pg_class r ON r.oid = conrelid JOIN pg_class f ON f.oid = confrelid "
            "WHERE contype = 'f' AND r.relnamespace <> f.relnamespace"
        )
        assert cursor.fetchall() == []
        cursor.execute(
            "SELECT table_name, column_default FROM information_schema.columns "
            "WHERE table_schema = 'acme' AND column_default LIKE '%%public.%%'"
        )
        assert cursor.fetchall() == []


def test_models_and_migrations_agree(db: None) -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)
