"""Commands enter the schema that is asked for, come back, and say in words what is not there."""

import io
from collections.abc import Callable

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from accounts.models import ApiToken, User
from ingestion.models import Run
from tenants.commands import TenantCommand
from tenants.models import Domain, Tenant
from tenants.schema import current_schema
from tests.conftest import Customer

pytestmark = pytest.mark.django_db


class Where(TenantCommand):
    """Tells where it works; breaks off where it is told to."""

    all_tenants_allowed = True

    def __init__(self, *, fail_in: str = "") -> None:
        super().__init__(stdout=io.StringIO(), stderr=io.StringIO())
        self.fail_in, self.seen = fail_in, list[tuple[str, str, str]]()

    def handle_tenant(self, tenant: Tenant, options: dict[str, object]) -> None:
        if tenant.slug == self.fail_in:
            with connection.cursor() as cursor:
                cursor.execute("SAVEPOINT before")
                try:
                    cursor.execute("SELECT * FROM no_such_table")
                finally:
                    cursor.execute("ROLLBACK TO before")
        self.seen.append((tenant.slug, current_schema(), User.objects.get().email))


def seen(*customers: Customer) -> list[tuple[str, str, str]]:
    return [(one.tenant.slug, one.tenant.schema_name, one.email) for one in customers]


@pytest.mark.parametrize("name", ["acme", "acme.localhost", "ACME.localhost."])
def test_a_command_enters_the_tenant_and_comes_back(
    acme: Customer, nordwind: Customer, name: str
) -> None:
    for outside, schema in ((None, "public"), (nordwind, "nordwind")):
        command = Where()
        if outside:
            outside.tenant.enter()
        call_command(command, "--tenant", name)
        assert command.seen == seen(acme)
        assert current_schema() == schema


def test_all_tenants_are_done_in_turn(
    acme: Customer, nordwind: Customer, make_customer: Callable[[str], Customer]
) -> None:
    other = make_customer("solar-village")
    command = Where()
    call_command(command, "--all-tenants")
    assert command.seen == seen(acme, nordwind, other)
    assert current_schema() == "public"


def test_one_tenants_trouble_does_not_keep_the_others_waiting(
    acme: Customer, nordwind: Customer
) -> None:
    command = Where(fail_in="acme")
    with pytest.raises(CommandError, match="Not done for acme; done for the other tenants"):
        call_command(command, "--all-tenants")
    assert command.seen == seen(nordwind)
    assert "acme: relation" in command.stderr._out.getvalue()  # type: ignore[attr-defined]
    assert current_schema() == "public"


@pytest.mark.parametrize(
    "command",
    [
        lambda name: call_command("ingest", "--tenant", name),
        lambda name: call_command("create_token", "--tenant", name, "x@y.example"),
        lambda name: call_command("reset_password", "--tenant", name, "x@y.example"),
    ],
    ids=["ingest", "create_token", "reset_password"],
)
@pytest.mark.parametrize("name", ["nowhere", "", "public", "Acme", "acme; DROP", "pg_catalog"])
def test_an_unknown_tenant_is_named_in_words(
    acme: Customer, nordwind: Customer, command: Callable[[str], object], name: str
) -> None:
    for outside in (None, nordwind):
        if outside:
            outside.tenant.enter()
        with pytest.raises(CommandError) as refused:
            command(name)
        assert str(refused.value) == (f"There is no tenant “{name}”. There are: acme, nordwind.")
        assert current_schema() == (outside.tenant.schema_name if outside else "public")


def test_without_any_tenant_the_words_say_how_to_make_one(db: None) -> None:
    Domain.objects.all().delete()
    Tenant.objects.all().delete()
    with pytest.raises(CommandError, match=r"Make one with: manage\.py create_tenant NAME"):
        call_command("ingest", "--tenant", "acme")


def test_which_tenant_must_be_said(acme: Customer) -> None:
    for command in (["ingest"], ["create_token", "a@b.example"], ["reset_password", "a@b.example"]):
        with pytest.raises(CommandError, match="one of the arguments --tenant"):
            call_command(*command)
    with pytest.raises(CommandError, match="not allowed with argument"):
        call_command("ingest", "--tenant", "acme", "--all-tenants")


def test_a_name_that_is_also_anothers_domain_is_the_tenants(
    acme: Customer, nordwind: Customer
) -> None:
    Domain.objects.create(tenant=nordwind.tenant, domain="acme", is_primary=False)
    assert Tenant.objects.named("acme") == acme.tenant


def test_operators_and_tenants_people_are_apart(
    acme: Customer, nordwind: Customer, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same address in three places; each command touches one of them."""
    email = "same@example.com"
    User.objects.create_user(email, "the first password")
    for customer in (acme, nordwind):
        with customer.tenant.entered():
            User.objects.create_user(email, "the first password")
    acme.tenant.enter()
    call_command("reset_password", "--operators", email, "--password", "of the operators")
    call_command("reset_password", "--tenant", "nordwind", email, "--password", "of nordwind 123")
    call_command("create_token", "--operators", email)
    call_command("create_token", "--tenant", "nordwind", email, "--name", "one")
    assert current_schema() == "acme"
    capsys.readouterr()
    connection.set_schema_to_public()
    for entered, password, tokens in (
        (None, "of the operators", 1),
        (acme, "the first password", 0),
        (nordwind, "of nordwind 123", 1),
    ):
        if entered:
            entered.tenant.enter()
        user = User.objects.get(email=email)
        assert user.check_password(password)
        assert ApiToken.objects.filter(user=user).count() == tokens
    connection.set_schema_to_public()
    with pytest.raises(CommandError, match="Nobody among the operators signs in as"):
        call_command("create_token", "--operators", acme.email)


def test_a_tenant_is_made_from_wherever(acme: Customer) -> None:
    acme.tenant.enter()
    call_command("create_tenant", "fresh", stdout=io.StringIO())
    assert current_schema() == "acme"
    assert Run.objects.count() == 0
    connection.set_schema_to_public()
    assert Tenant.objects.named("fresh").name == "Fresh"
