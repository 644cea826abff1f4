"""compose.yaml: as its specification has it, and true of the product."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from django.core.management import get_commands

from tests.deployment import product
from tests.deployment.crds import FOLDER
from tests.deployment.rendering import ROOT

Compose = dict[str, Any]
# Those of ours, and those of others.
OURS = {"migrate", "web", "worker", "scheduler", "exporter", "simulator"}
OTHERS = {"postgres", "redis", "prometheus", "grafana"}


def compose() -> Compose:
    found: Compose = yaml.safe_load((ROOT / "compose.yaml").read_text())
    return found


def validate(document: Compose) -> None:
    schema = json.loads((FOLDER / "compose-spec.json").read_text())
    jsonschema.Draft7Validator(schema).validate(document)


def test_every_field_is_known() -> None:
    validate(compose())
    assert set(compose()["services"]) == OURS | OTHERS


@pytest.mark.parametrize(
    "mistake",
    [
        lambda d: d["services"]["web"].update(enviroment={}),
        lambda d: d["services"]["postgres"]["healthcheck"].update(tests=[]),
        lambda d: d["services"]["worker"].update(stop_grace_period=60),
        lambda d: d.update(service={}),
    ],
)
def test_a_misspelt_field_is_found(mistake: Callable[[Compose], None]) -> None:
    document = compose()
    mistake(document)
    with pytest.raises(jsonschema.ValidationError):
        validate(document)


def test_variables_are_those_that_settings_read() -> None:
    known = product.read_by_settings() | product.OF_THE_COMMAND
    for name in OURS:
        given = set(compose()["services"][name]["environment"])
        assert given <= known, name
        assert given >= product.required(), name


def test_processes_of_ours_are_closed_in() -> None:
    for name in OURS:
        service = compose()["services"][name]
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert [entry.partition(":")[0] for entry in service["tmpfs"]] == ["/tmp"], name  # noqa: S108
        assert "privileged" not in service


def test_health_is_asked_of_each_as_it_can_answer() -> None:
    """The image's own check asks for pages, which the web process alone has."""
    services = compose()["services"]
    assert "healthcheck" not in services["web"]
    for name in OURS - {"web"}:
        check = services[name]["healthcheck"]
        assert check.get("disable") or "healthz" not in str(check["test"]), name
    assert services["migrate"]["healthcheck"] == {"disable": True}
    for name in OTHERS:
        assert services[name]["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}, name


def test_commands_exist() -> None:
    for name in OURS - {"web"}:
        command = compose()["services"][name]["command"]
        if command[1] == "manage.py":
            assert command[2] in get_commands(), name
        else:
            assert command[:5] == ["python", "-m", "celery", "-A", "config.celery"], name


def test_images_are_pinned() -> None:
    for name in OTHERS:
        image = compose()["services"][name]["image"]
        assert re.search(r":v?\d", image), image


def test_ports_are_open_to_this_machine_alone() -> None:
    published = {
        port for service in compose()["services"].values() for port in service.get("ports", [])
    }
    assert published == {"127.0.0.1:8000:8000", "127.0.0.1:9090:9090", "127.0.0.1:3000:3000"}
    assert compose()["services"]["web"]["ports"] == ["127.0.0.1:8000:8000"]


def test_volumes_are_named_and_mounted_files_exist() -> None:
    document = compose()
    mounts = [m for s in document["services"].values() for m in s.get("volumes", [])]
    sources = {mount.split(":")[0] for mount in mounts}
    paths = {source for source in sources if source.startswith("./")}
    assert sources - paths == set(document["volumes"])
    assert len(paths) == 3
    for path in paths:
        assert (ROOT / path).is_dir(), path


def test_what_is_waited_for_is_there() -> None:
    services = compose()["services"]
    for name, service in services.items():
        for other, how in service.get("depends_on", {}).items():
            assert other in services, name
            if how["condition"] == "service_healthy":
                assert "test" in services[other]["healthcheck"]


def test_what_is_scraped_is_what_listens() -> None:
    text = Path(ROOT / "deploy" / "prometheus" / "prometheus.yml").read_text()
    jobs = yaml.safe_load(text)["scrape_configs"]
    names = {n for job in jobs for target in job["dns_sd_configs"] for n in target["names"]}
    assert names == {"web", "worker", "exporter"}
    ports = {target["port"] for job in jobs for target in job["dns_sd_configs"]}
    for name in names:
        assert ports == {int(compose()["services"][name]["environment"]["METRICS_PORT"])}


def test_the_simulator_is_allowed_and_answers_where_docs_say() -> None:
    services = compose()["services"]
    assert services["worker"]["environment"]["UPSTREAM_ALLOW"] == "simulator"
    command = services["simulator"]["command"]
    assert command[command.index("--port") + 1] == "8100"
    assert "http://simulator:8100" in (ROOT / "docs" / "deployment.md").read_text()
