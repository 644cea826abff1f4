"""Meters in a tenant's admin: what is shown, what may be changed, and what it costs."""

import re
import time
from datetime import UTC, datetime

import pytest
from django.test.client import Client

from meters.models import DailyProfile, Meter, Register, Site
from tests.conftest import Customer
from tests.meters.stored import IMPORT, Readings, at, make_meter, make_register, statements, write

LIST = "/admin/meters/meter/"


@pytest.fixture
def client(acme: Customer) -> Client:
    return acme.client()


@pytest.fixture
def meter(acme: Customer) -> Meter:
    with acme.tenant.entered():
        meter = make_meter(name="Bakery")
        start = at("2023-02-01", "Europe/Zurich")
        write(make_register(meter), Readings.steady(start, start + 2 * 86_400))
    return meter


def form(meter: Meter, **changed: object) -> dict[str, object]:
    """What the browser would send from the meter's page, with something changed."""
    registers = list(Register.objects.filter(meter=meter))
    data: dict[str, object] = {
        "name": meter.name,
        "metering_point": meter.metering_point,
        "site": "",
        "timezone": meter.timezone,
        "registers-TOTAL_FORMS": len(registers),
        "registers-INITIAL_FORMS": len(registers),
    }
    for moment in ("commissioned_at", "removed_at"):
        data |= {f"{moment}_0": "", f"{moment}_1": ""}
    for i, register in enumerate(registers):
        data |= {
            f"registers-{i}-id": register.pk,
            f"registers-{i}-meter": meter.pk,
            f"registers-{i}-obis": register.obis,
            f"registers-{i}-measurement": register.measurement,
        }
    feed = {"feed-TOTAL_FORMS": 0, "feed-INITIAL_FORMS": 0}
    return {**data, **feed, **changed}


def errors(response) -> str:
    assert response.status_code == 200, "it was saved"
    return " ".join(
        re.findall(r'class="errorlist[^"]*"[^>]*>(.*?)</ul>', response.content.decode())
    )


def test_the_list_says_how_meters_are(acme: Customer, client: Client, meter: Meter) -> None:
    now = int(time.time()) // 900 * 900
    with acme.tenant.entered():
        make_meter(name="Bare")
        current = make_meter(
            name="Current", commissioned_at=datetime.fromtimestamp(now - 5 * 86_400, UTC)
        )
        write(make_register(current), Readings.steady(now - 5 * 86_400, now))
    text = client.get(LIST).content.decode()
    assert "until 3 Feb 2023, 00:00" in text
    assert "none yet" in text
    assert "100.0 %, 480 of 480 intervals" in text


@pytest.mark.parametrize("number", [1, 40])
def test_the_list_costs_the_same_for_any_number(
    acme: Customer, client: Client, number: int
) -> None:
    start = at("2023-02-01", "Europe/Zurich")
    with acme.tenant.entered():
        for i in range(number):
            write(
                make_register(make_meter(name=f"Meter {i}")), Readings.steady(start, start + 86_400)
            )
    client.get(LIST)
    with statements() as sent:
        assert client.get(LIST).status_code == 200
    assert len([one for one in sent if "daily_profile" in one]) == 2, sent
    assert len([one for one in sent if "meters_register" in one]) == 1, sent
    assert len(sent) < 20, "\n".join(sent)


def test_the_page_of_a_meter(client: Client, meter: Meter) -> None:
    text = client.get(f"{LIST}{meter.pk}/change/").content.decode()
    assert "Active energy import, per interval [kWh]" in text
    assert "15 min" in text
    # Who the meter is and what it has read stay: neither is a field, nor is there a way to delete.
    assert 'name="muid"' not in text
    assert f"{LIST}{meter.pk}/delete/" not in text
    assert "registers-0-DELETE" not in text


def test_nothing_is_deleted(client: Client, meter: Meter) -> None:
    assert client.post(f"{LIST}{meter.pk}/delete/", {"post": "yes"}).status_code == 403
    assert "delete_selected" not in client.get(LIST).content.decode()


def test_the_zone_of_stored_days_stays(acme: Customer, client: Client, meter: Meter) -> None:
    address = f"{LIST}{meter.pk}/change/"
    with acme.tenant.entered():
        data = form(meter, timezone="Europe/Berlin")
    assert "kept in local days of Europe/Zurich" in errors(client.post(address, data))
    with acme.tenant.entered():
        DailyProfile.objects.all().delete()
    assert client.post(address, data).status_code == 302
    with acme.tenant.entered():
        assert Meter.objects.get(pk=meter.pk).timezone == "Europe/Berlin"


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"timezone": "Europe/Zurch"}, "did you mean Europe/Zurich?"),
        ({"name": ""}, "required"),
        ({"registers-0-obis": "nonsense"}, "OBIS"),
        (
            {
                "commissioned_at_0": "2024-01-02",
                "commissioned_at_1": "00:00",
                "removed_at_0": "2024-01-01",
                "removed_at_1": "00:00",
            },
            "removed after it is commissioned",
        ),
    ],
)
def test_what_is_wrong_is_said(
    acme: Customer, client: Client, meter: Meter, changed: dict[str, object], words: str
) -> None:
    with acme.tenant.entered():
        data = form(meter, **changed)
    assert words in errors(client.post(f"{LIST}{meter.pk}/change/", data))


def test_codes_are_kept_in_one_notation(acme: Customer, client: Client, meter: Meter) -> None:
    with acme.tenant.entered():
        data = form(meter, **{"registers-TOTAL_FORMS": 2})
    data |= {
        "registers-1-id": "",
        "registers-1-meter": meter.pk,
        "registers-1-obis": "0100021D00FF",
        "registers-1-measurement": "energy",
    }
    address = f"{LIST}{meter.pk}/change/"
    assert client.post(address, data).status_code == 302
    with acme.tenant.entered():
        codes = list(Register.objects.filter(meter=meter).values_list("obis", flat=True))
        data = form(meter, **{"registers-TOTAL_FORMS": 3})
    assert codes == [IMPORT, "1-0:2.29.0*255"]
    # The same in another notation is the same.
    data |= {
        "registers-2-id": "",
        "registers-2-meter": meter.pk,
        "registers-2-obis": "2.29.0",
        "registers-2-measurement": "energy",
    }
    assert "duplicate" in errors(client.post(address, data))


def test_what_readings_mean_stays(acme: Customer, client: Client, meter: Meter) -> None:
    """A register's code says what its stored values are; with readings it is not to be changed."""
    with acme.tenant.entered():
        data = form(meter, **{"registers-0-obis": "1-0:1.8.0*255"})
    address = f"{LIST}{meter.pk}/change/"
    assert "already has readings, which came as 1-0:1.29.0*255" in errors(
        client.post(address, data)
    )
    with acme.tenant.entered():
        assert Register.objects.get(meter=meter).obis == IMPORT
        DailyProfile.objects.all().delete()
    assert client.post(address, data).status_code == 302


def test_a_site_with_meters_stays(acme: Customer, client: Client, meter: Meter) -> None:
    with acme.tenant.entered():
        site = Site.objects.create(name="Mill Street 4")
        Meter.objects.filter(pk=meter.pk).update(site=site)
    response = client.post(f"/admin/meters/site/{site.pk}/delete/", {"post": "yes"})
    assert response.status_code == 200
    with acme.tenant.entered():
        assert Site.objects.filter(pk=site.pk).exists()
