"""An operator's mistakes, each undone: what docs/operations.md says about them holds."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client

from accounts.models import User
from accounts.sites import operators_site
from ingestion.corrections import Range, delete_readings, restore_readings
from ingestion.models import Erasure, ReadingRevision
from ingestion.store import store
from meters.models import DailyProfile, Meter, Register
from tenants.models import Domain, Tenant
from tests.conftest import Customer
from tests.ingestion.plant import EXPORT, JANUARY, QUARTER, batch, make_meter, stored

pytestmark = pytest.mark.django_db
DAY = 86_400


def run(*arguments: str, **options: Any) -> str:
    connection.set_schema_to_public()  # type: ignore[attr-defined]
    told = StringIO()
    call_command(*arguments, stdout=told, stderr=told, **options)
    return told.getvalue()


def days(acme: Customer) -> list[Any]:
    """All that is stored of readings, but for the rows' versions and digests."""
    fields = ("register_id", "day", "first", "interval", "values", "qualities", "total", "count")
    with acme.tenant.entered():
        return list(DailyProfile.objects.order_by("register_id", "day").values_list(*fields))


@pytest.fixture
def meter(acme: Customer) -> Meter:
    """Acme's, with four days of readings."""
    with acme.tenant.entered():
        made = make_meter("Mill Street 4")
        store(batch(made.muid, [(JANUARY + i * QUARTER, i / 4) for i in range(4 * 96)]))
    return made


def test_a_mistyped_domain_is_changed_back_and_sessions_hold(acme: Customer) -> None:
    client = acme.client()
    run("change_domain", "acme", "enrgy.acme.example")
    assert client.get("/meters/").status_code == 404
    # The short name leads to the tenant, whatever its domain.
    assert "acme.localhost" in run("change_domain", "acme", "acme.localhost")
    assert client.get("/meters/").status_code == 200
    assert Client(HTTP_HOST="enrgy.acme.example").get("/sign-in/").status_code == 404


def test_another_tenants_domain_is_refused_and_nothing_changed(
    acme: Customer, nordwind: Customer
) -> None:
    before = set(Domain.objects.values_list("tenant", "domain"))
    with pytest.raises(CommandError, match="belongs to another tenant"):
        run("change_domain", "acme", nordwind.domain)
    assert set(Domain.objects.values_list("tenant", "domain")) == before


def operator(client: Client) -> Client:
    connection.set_schema_to_public()  # type: ignore[attr-defined]
    client.force_login(User.objects.create_superuser("op@example.com", "a-long-password-1"))
    return client


def test_the_only_domain_is_not_deleted_in_the_admin(acme: Customer) -> None:
    client = operator(Client(HTTP_HOST="localhost"))
    only = Domain.objects.get(tenant=acme.tenant)
    delete = f"/admin/tenants/domain/{only.pk}/delete/"
    assert client.post(delete, {"post": "yes"}).status_code == 403
    page = client.get(f"/admin/tenants/tenant/{acme.tenant.pk}/change/")
    fields = page.context["adminform"].form.initial
    data = {name: value or "" for name, value in fields.items()} | {
        "domains-TOTAL_FORMS": "1",
        "domains-INITIAL_FORMS": "1",
        "domains-MIN_NUM_FORMS": "1",
        "domains-0-id": str(only.pk),
        "domains-0-tenant": str(acme.tenant.pk),
        "domains-0-domain": only.domain,
        "domains-0-DELETE": "on",
    }
    answer = client.post(f"/admin/tenants/tenant/{acme.tenant.pk}/change/", data)
    assert "Please submit at least 1 form." in answer.content.decode()
    assert Domain.objects.filter(pk=only.pk).exists()
    assert "delete_selected" not in operators_site._registry[Domain].get_actions(
        answer.wsgi_request
    )
    # With a second one it goes.
    Domain.objects.create(tenant=acme.tenant, domain="second.example")
    assert client.post(delete, {"post": "yes"}).status_code == 302
    assert not Domain.objects.filter(pk=only.pk).exists()


def test_a_tenant_that_lost_all_domains_gets_one_by_its_short_name(acme: Customer) -> None:
    Domain.objects.filter(tenant=acme.tenant).delete()
    run("change_domain", "acme", acme.domain)
    assert acme.client().get("/meters/").status_code == 200


def test_a_tenants_zone_is_presentation(acme: Customer, meter: Meter) -> None:
    before = days(acme)
    Tenant.objects.filter(pk=acme.tenant.pk).update(timezone="America/New_York")
    assert days(acme) == before
    path = f"/api/v1/meters/{meter.muid}/readings/?start=2023-01-02&end=2023-01-03&resolution=P1D"
    told = Client(HTTP_HOST=acme.domain).get(path, **acme.bearer).json()
    assert (told["timezone"], told["series"][0]["count"]) == ("Europe/Zurich", 96)


@pytest.mark.parametrize("wrong", ["America/New_York", "Asia/Kathmandu"])
def test_a_meters_zone_cut_wrongly_is_cut_back_bit_for_bit(
    acme: Customer, meter: Meter, wrong: str
) -> None:
    before = days(acme)
    with acme.tenant.entered():
        readings = stored(meter.muid)
    run("recut", "--tenant", "acme", "--meter", str(meter.muid), "--timezone", wrong)
    assert days(acme) != before
    with acme.tenant.entered():
        assert stored(meter.muid) == readings, "at the same instants, whatever the day"
    run("recut", "--tenant", "acme", "--meter", str(meter.muid), "--timezone", "Europe/Zurich")
    assert days(acme) == before


def test_a_deletion_ordered_of_the_wrong_tenant_is_called_off(acme: Customer, meter: Meter) -> None:
    before, client = days(acme), acme.client()
    run("delete_tenant", "acme")
    assert client.get("/meters/").status_code == 403
    run("delete_tenant", "acme", call_off=True)
    run("resume_tenant", "acme")
    assert client.get("/meters/").status_code == 200
    assert days(acme) == before


def test_a_wrong_file_is_taken_back(acme: Customer, meter: Meter) -> None:
    """What it wrote over is restored from its revisions, what it added is deleted by range."""
    with acme.tenant.entered():
        author, register = User.objects.get(email=acme.email), Register.objects.get(meter=meter)
        before = stored(meter.muid)
        wrong = [(JANUARY + 2 * DAY + i * QUARTER, 999.0) for i in range(4 * 96)]
        store(batch(meter.muid, wrong))
        assert stored(meter.muid) != before
        for revision in ReadingRevision.objects.order_by("-version"):
            restore_readings(revision=revision, author=author, reason="The wrong file")
        where = Range(register, JANUARY + 4 * DAY, JANUARY + 6 * DAY)
        delete_readings(where=where, author=author, reason="The wrong file")
        assert stored(meter.muid) == before


def test_a_wrong_register_leaves_nothing_in_sums_once_it_is_deleted(
    acme: Customer, meter: Meter
) -> None:
    """Feed-in that came under the code of consumption, say, and comes again as what it is."""
    readings = [(JANUARY + i * QUARTER, 0.25) for i in range(96)]
    with acme.tenant.entered():
        author = User.objects.get(email=acme.email)
        store(batch(meter.muid, readings, obis=EXPORT))
        register = Register.objects.get(meter=meter, obis=EXPORT)
        where = Range(register, JANUARY, JANUARY + DAY)
        delete_readings(where=where, author=author, reason="Wrong direction")
        assert stored(meter.muid, EXPORT) == {}
        assert len(stored(meter.muid)) == 4 * 96, "the right register is as it was"


def test_a_meter_with_a_mistyped_muid_is_erased_and_registered_anew(
    acme: Customer, meter: Meter
) -> None:
    wrong = str(meter.muid)
    run("erase_meter", tenant="acme", meter=meter.muid, reason="Mistyped", yes=True)
    with acme.tenant.entered():
        assert not Meter.objects.filter(muid=wrong).exists()
        assert Erasure.objects.count() == 1
        right = make_meter("Mill Street 4")
        store(batch(right.muid, [(JANUARY, 1.0)]))
        assert stored(right.muid) == {JANUARY: (1.0, 1)}
    assert len(days(acme)) == 1
