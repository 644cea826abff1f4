"""The files a deployment is made of: valid against their schemas, and true about the product."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
MANIFESTS = sorted(path for path in (ROOT / "k8s").glob("*.yaml"))


def documents() -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{path.name}:{document['kind']}", document)
        for path in MANIFESTS
        if path.name != "kustomization.yaml"
        for document in yaml.safe_load_all(path.read_text())
    ]


DOCUMENTS = documents()


@pytest.mark.parametrize(("name", "document"), DOCUMENTS, ids=[name for name, _ in DOCUMENTS])
def test_kubernetes_knows_every_field(name: str, document: dict[str, Any]) -> None:
    kubernetes_validate.validate(document, "1.34", strict=True)


def test_kustomize_lists_every_file() -> None:
    listed = yaml.safe_load((ROOT / "k8s" / "kustomization.yaml").read_text())["resources"]
    assert sorted(listed) == [p.name for p in MANIFESTS if p.name != "kustomization.yaml"]


def pod_specs() -> list[tuple[str, dict[str, Any]]]:
    return [
        (name, document["spec"]["template"]["spec"])
        for name, document in DOCUMENTS
        if "template" in document.get("spec", {})
    ]


def test_pods_hold_to_the_restricted_standard() -> None:
    for name, spec in pod_specs():
        assert spec["securityContext"]["runAsNonRoot"], name
        assert spec["automountServiceAccountToken"] is False, name
        for container in spec["containers"]:
            context = container["securityContext"]
            assert context["readOnlyRootFilesystem"], name
            assert context["allowPrivilegeEscalation"] is False, name
            assert context["capabilities"]["drop"] == ["ALL"], name


@pytest.mark.django_db
def test_probes_ask_addresses_that_answer_by_ip(client: Any) -> None:
    paths = {
        container[probe]["httpGet"]["path"]
        for _, spec in pod_specs()
        for container in spec["containers"]
        for probe in ("startupProbe", "livenessProbe", "readinessProbe")
        if "httpGet" in container.get(probe, {})
    }
    assert paths == {"/healthz", "/readyz"}
    for path in paths:
        assert client.get(path, HTTP_HOST="10.1.2.3:8000").status_code == 200, path


def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
    return found


def read_by_settings() -> set[str]:
    """Every variable that the settings read, each of which they name once where it is read."""
    text = (ROOT / "config" / "settings.py").read_text()
    return set(re.findall(r'(?:\benv\.\w+|(?<![\w.])[a-z_]+)\(\s*"([A-Z][A-Z_]+)"', text))


def test_settings_know_every_variable_of_the_manifests() -> None:
    known = read_by_settings()
    config = next(d for _, d in DOCUMENTS if d["kind"] == "ConfigMap")
    given = set(config["data"])
    for _, spec in pod_specs():
        for container in spec["containers"]:
            given |= {one["name"] for one in container.get("env", [])}
    given |= set(compose()["x-product"]["environment"])
    for service in compose()["services"].values():
        if "build" in service:
            given |= set(service["environment"])
    # PORT is the web server's, not the settings'.
    assert given - {"PORT"} <= known


def test_every_variable_is_documented_and_every_documented_one_is_read() -> None:
    text = (ROOT / "docs" / "configuration.md").read_text()
    documented = set(re.findall(r"^\| `([A-Z_]+)`", text, re.MULTILINE))
    # The embedded servers of a development machine read theirs before there are settings.
    assert documented - {"LASTGANG_HOME"} == read_by_settings() - {"PORT"}


def test_compose_and_manifests_start_modules_that_exist() -> None:
    commands = [c["command"] for _, s in pod_specs() for c in s["containers"] if "command" in c]
    commands += [
        s["command"] for s in compose()["services"].values() if "build" in s and "command" in s
    ]
    for command in commands:
        assert command[0] == "python"
        assert command[1:3] in (
            ["manage.py", "migrate_schemas"],
            ["manage.py", "export_metrics"],
            ["-m", "celery"],
        )


def test_no_service_and_no_ingress_leads_to_the_metrics() -> None:
    """Only who scrapes pods reaches them: their port is in no Service and published nowhere."""
    config = next(d for _, d in DOCUMENTS if d["kind"] == "ConfigMap")
    port = int(config["data"]["METRICS_PORT"])
    for name, document in DOCUMENTS:
        if document["kind"] == "Service":
            targets = {one["targetPort"] for one in document["spec"]["ports"]}
            assert targets.isdisjoint({"metrics", port}), name
        if document["kind"] == "Ingress":
            backends = re.findall(r"'port': {('\w+': '?\w+'?)}", str(document))
            assert set(backends) == {"'name': 'http'"}, name
    published = [
        one for s in compose()["services"].values() if "build" in s for one in s.get("ports", [])
    ]
    assert published == ["127.0.0.1:8000:8000"]


def test_what_the_product_leaves_to_the_proxy_is_asked_of_it(settings: Any) -> None:
    ingress = next(d for _, d in DOCUMENTS if d["kind"] == "Ingress")
    asked = {
        name.partition("/")[2]: value
        for name, value in ingress["metadata"]["annotations"].items()
        if name.startswith("nginx.ingress.kubernetes.io/")
    }
    assert asked["proxy-request-buffering"] == "on"
    size = re.fullmatch(r"(\d+)m", asked["proxy-body-size"])
    assert size
    room = int(size[1]) * 1_048_576 - settings.UPLOAD_MAX_BYTES
    assert 0 < room <= 1_048_576
    assert int(asked["limit-connections"]) > 0
    assert ingress["spec"]["tls"]


def test_web_processes_are_started_alike_everywhere() -> None:
    """By Procfile and image, and by the tests that say what a slow or large request meets."""
    kept = []
    for name in ("Procfile", "Dockerfile", "tests/tenants/processes.py"):
        text = (ROOT / name).read_text()
        kept.append(re.findall(r"--http1-[a-z-]+ \d+|--interface \w+|--workers \d+", text))
    assert kept[0] == kept[1]
    assert sorted(kept[0]) == sorted(kept[2])
    assert len(kept[0]) == 4


def test_what_is_scraped_is_what_listens() -> None:
    scraped = set()
    for _, document in DOCUMENTS:
        template = document.get("spec", {}).get("template", {})
        annotations = template.get("metadata", {}).get("annotations", {})
        if annotations.get("prometheus.io/scrape") == "true":
            [container] = template["spec"]["containers"]
            ports = {one["name"]: one["containerPort"] for one in container["ports"]}
            assert annotations["prometheus.io/port"] == str(ports["metrics"])
            scraped.add(container["name"])
    assert scraped == {"web", "worker", "exporter"}
    jobs = yaml.safe_load((ROOT / "deploy" / "prometheus" / "prometheus.yml").read_text())
    names = {
        name
        for job in jobs["scrape_configs"]
        for target in job["dns_sd_configs"]
        for name in target["names"]
    }
    assert names == scraped
    assert names <= set(compose()["services"])
    ports = {t["port"] for job in jobs["scrape_configs"] for t in job["dns_sd_configs"]}
    assert ports == {int(compose()["x-product"]["environment"]["METRICS_PORT"])}


def test_compose_mounts_files_that_exist() -> None:
    mounted = [
        one.split(":")[0]
        for service in compose()["services"].values()
        for one in service.get("volumes", [])
        if one.startswith("./")
    ]
    assert len(mounted) == 3
    for path in mounted:
        assert (ROOT / path).is_dir(), path


def test_the_image_can_collect_its_static_files(tmp_path: Path) -> None:
    """Run the step of the build that starts Django, with the values the Dockerfile gives it."""
    step = re.search(
        r"RUN (.*?)manage.py collectstatic", (ROOT / "Dockerfile").read_text(), re.DOTALL
    )
    assert step
    given = dict(re.findall(r"([A-Z_]+)=(\S+)", step.group(1)))
    found = subprocess.run(
        [sys.executable, "manage.py", "collectstatic", "--noinput", "--dry-run"],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "LASTGANG_ENV": "production", **given},
        capture_output=True,
        text=True,
    )
    assert found.returncode == 0, found.stderr
    assert "static files copied" in found.stdout


def test_the_dockerfile_passes_its_linter() -> None:
    linter = Path(sys.executable).parent / "hadolint"
    found = subprocess.run([linter, ROOT / "Dockerfile"], capture_output=True, text=True)
    assert found.returncode == 0, found.stdout
