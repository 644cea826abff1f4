"""What Prometheus is told names tenants by their short names and tells nothing else of them.

All families that processes have are looked at. Whoever adds a label is told to say here what its
values may be.
"""

from typing import Any

import pytest
from django.test import Client
from prometheus_client import REGISTRY, CollectorRegistry, generate_latest

from monitoring.exporting import InstallationCollector
from tests.monitoring.exposed import Exposed
from tests.tenants.busy import busy
from tests.tenants.marks import SHARED, Marked
from tests.tenants.traces import assert_nothing
from tests.tenants.walk import PUBLIC, TENANT, addresses

pytestmark = pytest.mark.django_db
METHODS = {"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "other"}
# Labels whose values are numbers, or words of our own code.
OUR_OWN = {"status", "status_class", "le", "of", "state", "outcome", "server", "reason"}


def allowed(label: str, tenants: set[str]) -> set[str] | None:
    """Say what the values of a label may be; None where a number or a word of our own code."""
    routes = {one.name for conf in (TENANT, PUBLIC) for one in addresses(conf)}
    known = {
        "tenant": tenants | {"public"},
        "method": METHODS,
        "route": routes | {"none", "static", "healthz", "readyz"},
        **dict.fromkeys(OUR_OWN),
    }
    if label not in known:
        pytest.fail(f"Say in {__name__} what the values of the label “{label}” may be.")
    return known[label]


@pytest.fixture(autouse=True)
def _measured(settings: Any) -> None:
    """Have clients measure what they ask; nothing is served in the tests' own process."""
    settings.METRICS_PORT = 1


def ask_all_kinds(mine: Marked, others: Marked) -> None:
    client = mine.customer.client()
    for muid in (SHARED, mine.own, others.own):
        client.get(f"/meters/{muid}/?q={others.word}")
        client.get(f"/api/v1/meters/{muid}/readings/", **mine.customer.bearer)
    client.generic(others.word.upper(), f"/{others.word}/")
    Client(HTTP_HOST=f"{others.word}.localhost").get(f"/{others.word}/")


def test_figures_tell_nothing_of_a_tenant_but_its_short_name(
    marked: tuple[Marked, Marked],
) -> None:
    tenants = {one.customer.tenant.schema_name for one in marked}
    with busy(*marked):
        for mine, others in (marked, marked[::-1]):
            ask_all_kinds(mine, others)
        own = CollectorRegistry()
        own.register(InstallationCollector(every=0))
        text = generate_latest(REGISTRY).decode() + generate_latest(own).decode()
    for one in marked:
        assert_nothing(text, one, "what Prometheus is told")
        assert one.word.upper() not in text
        assert one.customer.tenant.name not in text
    seen: dict[str, set[str]] = {}
    for family in Exposed(text).families:
        if family.name.startswith("lastgang_"):
            for sample in family.samples:
                for label, value in sample.labels.items():
                    seen.setdefault(label, set()).add(value)
    for label, values in seen.items():
        known = allowed(label, tenants)
        assert known is None or values <= known, label
        # Few, and the same in every installation.
        assert len(values) < 40 or label == "route", label
    assert seen["tenant"] >= tenants, "each tenant was there to be told of"


def test_no_page_of_anybody_leads_to_the_figures(marked: tuple[Marked, Marked]) -> None:
    assert not [
        one.route for conf in (TENANT, PUBLIC) for one in addresses(conf) if "metrics" in one.route
    ]
    mine, _ = marked
    for client in (mine.customer.client(), Client(HTTP_HOST="localhost")):
        for path in ("/metrics", "/metrics/"):
            assert client.get(path).status_code == 404
