"""Dashboard, alerts and their documentation name what processes really tell."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings
from prometheus_client import REGISTRY, generate_latest, values
from prometheus_client.parser import text_string_to_metric_families

from config import measuring, workers
from monitoring.exporting import InstallationCollector
from tests.conftest import Customer
from tests.monitoring.exposed import Exposed

ROOT = Path(settings.BASE_DIR)
DASHBOARD = json.loads((ROOT / "deploy" / "grafana" / "dashboards" / "lastgang.json").read_text())
RULES = [
    rule
    for group in yaml.safe_load((ROOT / "deploy" / "prometheus" / "alerts.yml").read_text())[
        "groups"
    ]
    for rule in group["rules"]
]
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
QUERIES = [
    *(target["expr"] for panel in PANELS for target in panel["targets"]),
    *(rule["expr"] for rule in RULES),
]
# What each kind of metric is asked for by.
ENDINGS = {
    "counter": ("_total",),
    "histogram": ("_bucket", "_sum", "_count"),
    "gauge": ("",),
    "unknown": ("",),
}


def metrics_of(query: str) -> set[str]:
    """Return the names of the metrics in a query: what is neither label, function nor keyword."""
    query = re.sub(r'"(?:[^"\\]|\\.)*"', "", query)
    query = re.sub(r"\{[^}]*\}|\[[^\]]*\]", " ", query)
    query = re.sub(r"\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)", " ", query)
    names = set(re.findall(r"(?<![\w.])([a-zA-Z_:][\w:]*)(?!\w|\s*\()", query))
    return names - {"and", "or", "unless", "bool", "offset"}


def test_names_are_found_in_queries() -> None:
    query = (
        'sum by (tenant) (rate(one_total{of="a_b(c)"}[5m])) / on (le) two > bool 1e3 or vector(0)'
    )
    assert metrics_of(query) == {"one_total", "two"}
    assert all(metrics_of(query) for query in QUERIES)


def sample_names(text: str) -> Iterator[str]:
    for family in text_string_to_metric_families(text):
        yield from (f"{family.name}{ending}" for ending in ENDINGS[family.type])


@pytest.fixture
def told(acme: Customer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The name of every sample that web, worker and exporter can tell."""
    web = list(sample_names(generate_latest(REGISTRY).decode()))
    collected = (*measuring.pool_told({}), *measuring.replica_told(measuring.Standing(0, 0.0)))
    web += [f"{family.name}{ending}" for family in collected for ending in ENDINGS[family.type]]
    exporter = Exposed.of(InstallationCollector())
    installation = [f"{f.name}{e}" for f in exporter.families for e in ENDINGS[f.type]]
    # Counts of a worker are files; the library's choice for this process is given back.
    monkeypatch.setattr(values, "ValueClass", values.ValueClass)
    monkeypatch.setenv(workers.FOLDER, str(tmp_path))
    tally = workers.Tally(str(tmp_path))
    tally.ended("a task", "success", 0.1)
    worker = list(sample_names(generate_latest(tally.registry()).decode()))
    return {*web, *installation, *worker}


def test_dashboard_and_alerts_ask_for_what_is_told(told: set[str]) -> None:
    # Prometheus itself tells whether a scrape succeeded.
    for query in QUERIES:
        assert metrics_of(query) <= told | {"up"}, query


def test_labels_that_are_asked_for_are_told(acme: Customer) -> None:
    exporter = Exposed.of(InstallationCollector())
    of_exporter = {f.name: {k for s in f.samples for k in s.labels} for f in exporter.families}
    for query in QUERIES:
        for name, matchers in re.findall(r"\b(lastgang_\w+)\{([^}]*)\}", query):
            labels = of_exporter.get(name.removesuffix("_total"))
            if labels:
                assert set(re.findall(r"(\w+)\s*[!=]", matchers)) <= labels, query


def test_values_of_labels_that_are_asked_for_are_told(acme: Customer) -> None:
    exporter = Exposed.of(InstallationCollector())
    for query in QUERIES:
        for name, label, wanted in re.findall(
            r'\b(lastgang_\w+)\{[^}]*?\b(state|outcome)[!=]=?~?"([^"]*)"', query
        ):
            if found := exporter.labels(name, label):
                assert set(wanted.split("|")) <= found, query


def test_everything_of_ours_is_on_the_dashboard_or_in_an_alert(told: set[str]) -> None:
    asked = {name for query in QUERIES for name in metrics_of(query)}
    ours = {name for name in told if name.startswith("lastgang_")}
    # A histogram is asked for by one of its parts, not by each; the rest is for looking closer.
    rest = {name for name in ours - asked if not name.endswith(("_sum", "_count", "_bucket"))}
    assert rest <= {
        "lastgang_meter_reads_total",
        "lastgang_pool_queued_total",
        "lastgang_pool_waiting",
    }


def test_every_metric_and_alert_is_documented(told: set[str]) -> None:
    text = (ROOT / "docs" / "observability.md").read_text()
    documented = set(re.findall(r"`(lastgang_[a-z0-9_]+)`", text))
    ours = {name for name in told if name.startswith("lastgang_")}
    families = {re.sub(r"_(bucket|sum|count)$", "", name) for name in ours}
    assert documented == families
    alerts = {rule["alert"] for rule in RULES}
    assert set(re.findall(r"^\| `(Lastgang\w+)`", text, re.MULTILINE)) == alerts


def test_alerts_say_what_and_how_bad() -> None:
    for rule in RULES:
        assert rule["annotations"]["summary"].endswith("."), rule["alert"]
        assert rule["labels"]["severity"] in {"warning", "critical"}, rule["alert"]
    names = [rule["alert"] for rule in RULES]
    assert len(names) == len(set(names))


def test_panels_use_the_chosen_source_and_lie_side_by_side() -> None:
    variables = {one["name"]: one for one in DASHBOARD["templating"]["list"]}
    assert variables["datasource"]["type"] == "datasource"
    covered: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place: dict[str, Any] = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert covered.isdisjoint(cells), panel["title"]
        assert place["x"] + place["w"] <= 24, panel["title"]
        covered |= cells
    for panel in PANELS:
        assert panel["title"]
        for one in (panel, *panel["targets"]):
            assert one["datasource"]["uid"] == "${datasource}", panel["title"]
