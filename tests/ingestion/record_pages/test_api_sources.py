"""Sources over the API: what staff sees of them, and what nobody does."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from ingestion.api.sources_serializers import SOURCE
from ingestion.models import Feed, Source
from ingestion.steering import pause_source
from tests.conftest import Customer
from tests.ingestion.plant import make_meter, make_source
from tests.meters.stored import Api
from tests.meters.test_api_schema import shape

TOKEN = "s3cr3t-t0ken-of-some-length"


@pytest.fixture
def source(acme: Customer) -> Source:
    with acme.tenant.entered():
        return make_source(
            "https://meters.example.com/{muid}.json?key=hidden#there",
            *(make_meter(f"Meter {n}") for n in range(3)),
            name="Grid operator",
            token=TOKEN,
            key_header="X-API-Key",
            requests_per_minute=120,
            concurrent_requests=2,
        )


def names(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [one["name"] for one in answer.json()["results"]]


def test_how_a_source_is_asked_and_how_it_is_doing(acme: Customer, source: Source) -> None:
    until = timezone.now() + timedelta(minutes=4)
    with acme.tenant.entered():
        Source.objects.update(failures=6, rests_until=until, last_failure="Nobody answered.")
        given_up, inactive = Feed.objects.all()[:2]
        Feed.objects.filter(pk=given_up.pk).update(given_up_at=until)
        Feed.objects.filter(pk=inactive.pk).update(given_up_at=until, is_active=False)
    answer = Api(acme).get(f"sources/{source.pk}/")
    found = answer.json()
    wanted = {
        "name": "Grid operator",
        "address": "https://meters.example.com/{muid}.json",
        "state": "resting",
        "measurement": "energy",
        "limit": 5000,
        "interval": 900,
        "sweep_minutes": 15,
        "reread_hours": 72,
        "requests_per_minute": 120,
        "concurrent_requests": 2,
        "paused_by": "",
        "failures": 6,
        "last_failure": "Nobody answered.",
        "meters": 3,
        "given_up": 1,
    }
    assert {name: found[name] for name in wanted} == wanted
    assert datetime.fromisoformat(found["rests_until"]) == until
    assert datetime.fromisoformat(found["next_sweep_at"]) == source.next_sweep_at
    assert shape(found | {"backfill_from": ""}) == shape(SOURCE)
    text = answer.content.decode()
    assert not [one for one in (TOKEN, TOKEN[:6], "hidden", "X-API-Key") if one in text]
    assert not {name for name in found if "token" in name or "key" in name}


def test_a_source_that_is_paused(acme: Customer, source: Source) -> None:
    with acme.tenant.entered():
        pause_source(source=source, person="ada@acme.localhost")
        # Longer ago than anybody rests.
        Source.objects.update(rests_until=datetime(2020, 1, 1, tzinfo=UTC))
    found = Api(acme).get(f"sources/{source.pk}/").json()
    assert (found["state"], found["paused_by"]) == ("paused", "ada@acme.localhost")
    assert found["next_sweep_at"] is None


def test_sources_are_narrowed_down_and_paged(acme: Customer, source: Source) -> None:
    with acme.tenant.entered():
        make_source("https://b.example.com", name="Area grid", is_active=False)
        later = timezone.now() + timedelta(hours=1)
        make_source("https://c.example.com", name="Water", rests_until=later)
    api = Api(acme)
    assert names(api.get("sources/")) == ["Area grid", "Grid operator", "Water"]
    for query, wanted in [
        ({"search": "gRID"}, ["Area grid", "Grid operator"]),
        ({"state": "paused"}, ["Area grid"]),
        ({"state": "resting"}, ["Water"]),
        ({"state": "swept"}, ["Grid operator"]),
        ({"page_size": "1", "page": "3"}, ["Water"]),
        ({"ordering": "-name"}, ["Water", "Grid operator", "Area grid"]),
        ({"ordering": "-meters,name"}, ["Grid operator", "Area grid", "Water"]),
        ({"search": "nothing like it"}, []),
    ]:
        assert names(api.get("sources/", query)) == wanted, query
    with acme.tenant.entered(), CaptureQueriesContext(connection) as asked:
        api.get("sources/")
    assert len([one for one in asked if 'FROM "ingestion_source"' in one["sql"]]) == 2


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ({"state": "off"}, "state"),
        ({"ordering": "token"}, "ordering"),
        ({"token": "x"}, "token"),
        ({"page": "0"}, "page"),
    ],
)
def test_what_can_not_be_taken_is_named(
    acme: Customer, query: dict[str, str], parameter: str
) -> None:
    answer = Api(acme).get("sources/", query)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["parameter"] == parameter


def test_nobody_but_the_tenants_own_staff(
    acme: Customer, nordwind: Customer, source: Source
) -> None:
    outsider = Api(nordwind)
    assert outsider.get(f"sources/{source.pk}/").status_code == 404
    assert names(outsider.get("sources/")) == []
    assert outsider.get(f"sources/{10**30}/").status_code == 404
    for path in ("sources/", f"sources/{source.pk}/"):
        anonymous = outsider.client.get(f"/api/v1/{path}", HTTP_AUTHORIZATION="")
        assert anonymous.status_code == 401
        for method in ("put", "post" if path != "sources/" else "delete"):
            assert outsider.send(method, path, {}).status_code == 405
    with acme.tenant.entered():
        User.objects.update(is_staff=False, is_superuser=False)
    for path in ("sources/", f"sources/{source.pk}/", "sources/7000000/"):
        answer = Api(acme).get(path)
        assert answer.status_code == 403
        assert answer.json()["detail"] == "Sources are shown to staff alone."
