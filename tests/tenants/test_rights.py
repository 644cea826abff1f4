"""Web processes serve with a role that owns nothing, and can do no harm to tables with it."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import ProgrammingError, connection, transaction
from django.test import Client
from django.urls import reverse

from accounts.models import User
from ingestion.models import Run
from tenants.onboarding import OnboardingError, create_tenant
from tenants.restoring import restore_tenant
from tenants.schema import in_public
from tests.conftest import Customer
from tests.ingestion.plant import JANUARY, make_meter, make_source, stored, sweep
from tests.ingestion.test_api_sending import ADDRESS, payload
from tests.ingestion.test_services import WINDOW, day_of
from tests.ingestion.upstreams import answering, rows


@contextmanager
def superuser() -> Iterator[psycopg.Connection[Any]]:
    """Connect as somebody who makes roles: whoever the tests are, or the embedded server's."""
    server = connection.settings_dict
    for user in (server["USER"], "postgres"):
        try:
            found = psycopg.connect(
                host=server["HOST"],
                port=server["PORT"],
                dbname=server["NAME"],
                user=user,
                password=server["PASSWORD"],
                autocommit=True,
            )
        except psycopg.OperationalError:
            continue
        with found:
            asked = found.execute(
                "SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user"
            )
            if asked.fetchone() == (True,):
                yield found
                return
    pytest.skip("nobody who may make roles is known of this PostgreSQL")


@pytest.fixture(scope="module")
def role(django_db_setup: None) -> Iterator[str]:
    """Make a role to serve with. What it is granted goes back with each test's transaction."""
    server = connection.settings_dict
    name = f"{server['NAME']}_web"
    with superuser() as boss:
        boss.execute(f'DROP ROLE IF EXISTS "{name}"')
        boss.execute(f'CREATE ROLE "{name}" NOLOGIN')
        # So that the test's own connection can become it.
        boss.execute(f'GRANT "{name}" TO "{server["USER"]}" WITH INHERIT FALSE')
    yield name
    with superuser() as boss:
        boss.execute(f'DROP ROLE "{name}"')


@pytest.fixture
def as_web(db: None, role: str) -> Callable[[], Any]:
    """Work as the role that has been granted what it needs to serve."""
    call_command("grant_serving", role, verbosity=0)

    @contextmanager
    def work() -> Iterator[None]:
        with connection.cursor() as cursor:
            cursor.execute(f'SET ROLE "{role}"')
            try:
                yield
            finally:
                cursor.execute("RESET ROLE")

    return work


def me() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        return str(cursor.fetchone()[0])


def test_pages_api_and_ingestion_work(in_acme: Customer, as_web: Any, role: str) -> None:
    meter = make_meter("Mine")
    with answering(rows({"data": day_of(meter.muid)})) as upstream:
        source = make_source(upstream.address, meter)
        with as_web():
            client = in_acme.client()
            for page in (
                "/",
                "/meters/",
                meter.get_absolute_url(),
                "/ingestion/",
                reverse("accounts:people"),
            ):
                assert client.get(page).status_code == 200, page
            api = Client(HTTP_HOST=in_acme.domain, **in_acme.bearer)
            sent = api.post(ADDRESS, json.dumps(payload(meter, 1, 2)), "application/json")
            assert (sent.status_code, sent.json()["new"]) == (200, 2), sent.content
            in_acme.tenant.enter()
            assert sweep(source, **WINDOW).run.state == Run.State.SUCCEEDED
            assert len(stored(meter.muid)) == 96
            made = api.post("/api/v1/sites/", json.dumps({"name": "Site"}), "application/json")
            assert made.status_code == 201, made.content
            assert api.delete(f"/api/v1/sites/{made.json()['id']}/").status_code == 204
            assert me() == role
    assert JANUARY in stored(meter.muid)


def test_operators_suspend_and_resume(acme: Customer, as_web: Any) -> None:
    User.objects.create_superuser("operator@example.com", "an operator's password")
    client = Client(HTTP_HOST="localhost")
    with as_web():
        client.force_login(User.objects.get(email="operator@example.com"))
        for action, words in (("suspend", "is suspended"), ("resume", "is served again")):
            data = {"action": f"{action}_chosen", "_selected_action": [acme.tenant.pk]}
            answer = client.post("/admin/tenants/tenant/", data, follow=True)
            assert words in answer.content.decode()


def test_what_the_owner_makes_later_is_served(acme: Customer, as_web: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA later CREATE TABLE thing (id serial PRIMARY KEY, name text)")
        with as_web():
            cursor.execute("INSERT INTO later.thing (name) VALUES ('first') RETURNING id")
            assert cursor.fetchone() == (1,)
            cursor.execute("UPDATE later.thing SET name = 'other'")
            cursor.execute("DELETE FROM later.thing")
            assert cursor.rowcount == 1


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE acme.meters_meter",
        "DROP SCHEMA acme CASCADE",
        "ALTER TABLE acme.meters_meter ADD COLUMN mine text",
        "ALTER TABLE acme.meters_meter DISABLE TRIGGER ALL",
        "TRUNCATE acme.accounts_act",
        "CREATE TABLE acme.mine (x int)",
        "CREATE TABLE public.mine (x int)",
        "CREATE SCHEMA mine",
        "CREATE FUNCTION acme.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE INDEX ON acme.meters_meter (name)",
        "SELECT setval('acme.reading_version', 1)",
        "ALTER ROLE CURRENT_USER SUPERUSER",
        "COPY acme.meters_meter TO PROGRAM 'cat'",
    ],
)
def test_it_can_do_no_harm_to_tables(statement: str, acme: Customer, as_web: Any) -> None:
    with (
        as_web(),
        pytest.raises(ProgrammingError, match=r"permission denied|must be owner"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)


def test_what_wants_the_owner_says_so(acme: Customer, as_web: Any) -> None:
    with as_web(), pytest.raises(OnboardingError, match="may not make schemas"):
        create_tenant(slug="not-by-web")
    with as_web(), pytest.raises(OnboardingError, match="may not make schemas"):
        restore_tenant(Path("never-read.zip"), by="test")


@pytest.mark.parametrize(
    ("name", "words"),
    [("nobody_of_this_name", "knows no role"), ("postgres", "is a superuser"), ("", "owner")],
)
def test_a_role_that_is_none_to_serve_with_is_refused(
    name: str, words: str, acme: Customer
) -> None:
    with in_public(), pytest.raises(CommandError, match=words):
        call_command("grant_serving", name or me())
