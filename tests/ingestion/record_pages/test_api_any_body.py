"""No body that a program may send is answered with an error of ours."""

import json
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ingestion.api.feed_views import FeedBody
from ingestion.api.run_planning import RunBody
from ingestion.api.source_writing import SourceBody
from meters.api.meter_writing import MeterBody
from meters.api.site_views import SiteBody
from meters.models import Meter, Site
from tests.conftest import Customer
from tests.ingestion.plant import make_meter, make_source
from tests.meters.stored import Api
from tests.meters.test_api_meters import MUIDS

BODIES = (MeterBody, SiteBody, SourceBody, FeedBody, RunBody)
FIELDS = sorted({name for body in BODIES for name in body().fields})
TEXTS = [
    *MUIDS,
    *("Grid operator", "Mill Street 4", "Europe/Zurich", "UTC", "2023-02-01", "2099-12-31", "\0"),
    *("2023-02-01T00:00:00+01:00", "https://meters.example.com", "http://[::1", "http://a:99999"),
    *("https://é.example", "https://x.example/{muid}{", "0001-01-01", "9999-12-31", "", " "),
]
scalar = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False),
    st.sampled_from(TEXTS),
    st.text(max_size=300),
)
value = st.one_of(
    scalar, st.lists(scalar, max_size=4), st.dictionaries(st.text(max_size=5), scalar, max_size=2)
)
body = st.dictionaries(
    st.one_of(st.sampled_from(FIELDS), st.sampled_from(FIELDS), st.text(max_size=12)),
    value,
    max_size=6,
)


@pytest.fixture
def places(acme: Customer) -> list[tuple[str, str]]:
    """Where bodies are taken, and what is there already."""
    with acme.tenant.entered():
        site = Site.objects.create(name="Mill Street 4")
        meter: Meter = make_meter("Bakery", muid=MUIDS[0])  # type: ignore[arg-type]
        source = make_source("https://meters.example.com", meter, name="Grid operator", token="x")
    return [
        ("post", "meters/"),
        ("patch", f"meters/{MUIDS[0]}/"),
        ("put", f"meters/{MUIDS[0]}/source/"),
        ("post", "sites/"),
        ("patch", f"sites/{site.pk}/"),
        ("post", "sources/"),
        ("patch", f"sources/{source.pk}/"),
        ("post", f"sources/{source.pk}/pause/"),
        ("post", "runs/"),
    ]


def ask(api: Api, place: tuple[str, str], sent: str | bytes) -> None:
    """Send it, and undo what it did."""
    with transaction.atomic():
        response = api.send(*place, sent)
        transaction.set_rollback(True)
    assert response.status_code < 500
    if response.status_code >= 400:
        assert response.headers["content-type"] == "application/problem+json"
        problem = response.json()
        assert len(problem["detail"]) > 5
        for error in problem.get("errors", []):
            assert error["message"]


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(said=body)
@example(said={"name": "x", "address": "https://x.example", "limit": 10, "token": "\x7f"})
@example(said={"muid": MUIDS[0], "name": "x"})
@example(said={"name": "x", "commissioned_at": "2099-12-31", "removed_at": "1990-01-01"})
@example(said={"meters": [MUIDS[0]], "start": "2023-02-01", "stop": None})
@example(said={"source": "Grid operator", "is_active": True})
def test_any_object(acme: Customer, places: list[tuple[str, str]], said: dict[str, Any]) -> None:
    api = Api(acme)
    for place in places:
        ask(api, place, json.dumps(said))


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(sent=st.binary(max_size=60))
def test_any_bytes(acme: Customer, places: list[tuple[str, str]], sent: bytes) -> None:
    for place in places[:1] + places[-1:]:
        ask(Api(acme), place, sent.decode("latin-1"))
        ask(Api(acme), place, sent)
