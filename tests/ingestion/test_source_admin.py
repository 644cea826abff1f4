"""A source in the admin: its token goes nowhere but where it was given for."""

from typing import Any

import pytest

from ingestion.models import Source
from tests.conftest import Customer
from tests.ingestion.plant import make_source

TOKEN = "s3cr3t-of-the-upstream"
HOME = "https://meters.example.com"


def change(acme: Customer, source: Source, **said: str) -> Any:
    given = {
        "name": source.name,
        "address": source.address,
        "measurement": "energy",
        "limit": "5000",
        "interval": "900",
        "sweep_minutes": "15",
        "reread_hours": "72",
        "requests_per_minute": "0",
        "concurrent_requests": "0",
        "is_active": "on",
        "repairs_gaps": "on",
        **said,
    }
    return acme.client().post(f"/admin/ingestion/source/{source.pk}/change/", given)


@pytest.mark.parametrize(
    "address",
    ["https://elsewhere.example.com", "http://meters.example.com", f"{HOME}:8443"],
)
def test_another_host_is_not_sent_the_stored_token(acme: Customer, address: str) -> None:
    with acme.tenant.entered():
        source = make_source(HOME, token=TOKEN)
    refused = change(acme, source, address=address)
    assert "The address leads to another host. Give the token again" in refused.content.decode()
    with acme.tenant.entered():
        source.refresh_from_db()
        assert (source.address, source.token) == (HOME, TOKEN)
    assert change(acme, source, address=address, token="an0ther-token").status_code == 302
    with acme.tenant.entered():
        source.refresh_from_db()
        assert (source.address, source.token) == (address, "an0ther-token")


def test_the_same_host_keeps_it(acme: Customer) -> None:
    with acme.tenant.entered():
        source, bare = make_source(HOME, token=TOKEN), make_source(HOME)
    for address in (f"{HOME}/base", f"{HOME}:443", HOME):
        assert change(acme, source, address=address).status_code == 302
    assert change(acme, bare, address="https://elsewhere.example.com").status_code == 302
    with acme.tenant.entered():
        source.refresh_from_db()
        assert source.token == TOKEN
