"""The manifests: every field is known, what they name is there, and it is true of the product."""

import os
import re
import subprocess
import sys
from typing import Any

import pytest
import yaml
from django.core.management import get_commands
from redis import Redis

from config.celery import app
from ingestion.lease import PATIENCE
from ingestion.prefetch import LOOK
from tests.deployment.checking import found, validate
from tests.deployment.network import addresses
from tests.deployment.references import PROBES, walk
from tests.deployment.rendering import (
    OURS,
    OVERLAYS,
    ROOT,
    environment,
    named,
    of_kind,
    one,
    pods,
    render,
)
from tests.security.test_server import HEAD_IN

each_overlay = pytest.mark.parametrize("overlay", OVERLAYS)


@each_overlay
def test_every_field_is_known(overlay: str) -> None:
    there = render("production") if overlay == "restore-drill" else []
    for document in render(overlay)[len(there) :]:
        validate(document)


@each_overlay
def test_everything_that_is_named_is_there(overlay: str) -> None:
    assert found(render(overlay)) == []
    assert len(list(addresses(render(overlay)))) >= 10


@each_overlay
def test_pods_hold_to_the_restricted_standard(overlay: str) -> None:
    for document in of_kind(render(overlay), *OURS):
        spec = document["spec"]["template"]["spec"]
        assert spec["securityContext"]["runAsNonRoot"], named(document)
        assert spec["securityContext"]["runAsUser"] > 0
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert spec["automountServiceAccountToken"] is False
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec)
        for volume in spec.get("volumes", []):
            assert {"emptyDir", "secret", "configMap"} & set(volume), named(document)
            assert "sizeLimit" in volume.get("emptyDir", {"sizeLimit": ""}), named(document)
        for container in spec["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            resources = container["resources"]
            assert {"cpu", "memory"} <= set(resources["requests"]), named(document)
            assert "memory" in resources["limits"], named(document)
    for account in of_kind(render(overlay), "ServiceAccount"):
        assert account["automountServiceAccountToken"] is False
    for namespace in of_kind(render(overlay), "Namespace"):
        level = namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"]
        assert level == "restricted"


@each_overlay
def test_images_are_of_one_version(overlay: str, settings: Any) -> None:
    images = {
        str(value)
        for document in render(overlay)
        for path, value in walk(document)
        if path[-1] in {"image", "imageName"}
    }
    for image in images:
        tag = image.rpartition(":")[2]
        assert tag != "latest"
        assert re.match(r"\d|development$", tag), image
    if overlay != "development":
        assert f"registry.example.com/lastgang:{settings.VERSION}" in images


@pytest.mark.django_db
@each_overlay
def test_probes_ask_what_answers_by_ip(overlay: str, client: Any) -> None:
    paths = set()
    for document in of_kind(render(overlay), "Deployment", "StatefulSet"):
        for container in document["spec"]["template"]["spec"]["containers"]:
            asked = {probe for probe in PROBES if probe in container}
            assert "livenessProbe" in asked, named(document)
            paths |= {container[p]["httpGet"]["path"] for p in asked if "httpGet" in container[p]}
    assert paths == {"/healthz", "/readyz"}
    for path in paths:
        assert client.get(path, headers={"host": "10.1.2.3:8000"}).status_code == 200, path


@each_overlay
def test_commands_exist(overlay: str) -> None:
    for document in of_kind(render(overlay), *OURS):
        for container in document["spec"]["template"]["spec"]["containers"]:
            command = container.get("command")
            if "lastgang" not in container["image"] or command is None:
                continue
            if command[1] == "manage.py":
                assert command[2] in get_commands(), named(document)
            else:
                assert command[:5] == ["python", "-m", "celery", "-A", "config.celery"]


def test_only_the_ingress_leads_to_pages_and_nothing_to_the_figures() -> None:
    for overlay in OVERLAYS:
        for service in of_kind(render(overlay), "Service"):
            targets = {port["targetPort"] for port in service["spec"]["ports"]}
            assert targets.isdisjoint({"metrics", 9464}), named(service)
            assert service["spec"].get("type", "ClusterIP") == "ClusterIP"
        closed = one(render(overlay), "NetworkPolicy", "closed")["spec"]
        assert closed == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_what_the_product_leaves_to_the_proxy_is_asked_of_it(settings: Any) -> None:
    documents = render("production")
    ingress = one(documents, "Ingress", "web")
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
    [tls] = ingress["spec"]["tls"]
    assert tls["hosts"] == [rule["host"] for rule in ingress["spec"]["rules"]]
    certificate = one(documents, "Certificate", "lastgang")["spec"]
    assert (certificate["secretName"], certificate["dnsNames"]) == (tls["secretName"], tls["hosts"])
    # A wildcard is certified by DNS alone.
    for solver in one(documents, "Issuer", "letsencrypt")["spec"]["acme"]["solvers"]:
        assert "dns01" in solver


def test_what_is_scraped_is_what_listens() -> None:
    scraped = {}
    for document in of_kind(render("production"), *OURS):
        template = document["spec"]["template"]
        annotations = template["metadata"].get("annotations", {})
        if annotations.get("prometheus.io/scrape") == "true":
            [container] = template["spec"]["containers"]
            ports = {port["name"]: port["containerPort"] for port in container["ports"]}
            assert annotations["prometheus.io/port"] == str(ports["metrics"])
            scraped[container["name"]] = template["metadata"]["labels"]
    assert set(scraped) == {"web", "worker", "exporter"}


def test_servers_have_room_for_all_connections() -> None:
    """What web and workers may open passes PgBouncer, and what that may open PostgreSQL."""
    documents = render("production")
    web = one(documents, "HorizontalPodAutoscaler", "web")["spec"]["maxReplicas"]
    worker = one(documents, "ScaledObject", "worker")["spec"]["maxReplicaCount"]
    given = {pod.owner: pod.spec["containers"][0] for pod in pods(documents) if pod.spec}
    size = int(environment(documents, given["Deployment web"])["DATABASE_POOL_SIZE"])
    command = given["Deployment worker"]["command"]
    processes = int(command[command.index("--concurrency") + 1])
    # A worker's process has two, its parent one; scheduler, exporter and migrations a few.
    wanted = web * size + worker * (2 * processes + 1) + 10
    pooler = one(documents, "Pooler", "pooler")["spec"]
    assert pooler["pgbouncer"]["poolMode"] == "session"
    limits = pooler["pgbouncer"]["parameters"]
    opened = pooler["instances"] * int(limits["max_db_connections"])
    assert wanted <= opened
    assert int(limits["default_pool_size"]) <= int(limits["max_db_connections"])
    cluster = one(documents, "Cluster", "postgres")["spec"]
    most = int(cluster["postgresql"]["parameters"]["max_connections"])
    assert opened + 10 <= most
    # Of the copies one may be all that is left.
    assert web * size + 10 <= most


def test_web_alone_reads_from_the_copies() -> None:
    documents = render("production")
    reads = {
        pod.owner: environment(documents, pod.spec["containers"][0]).get("DATABASE_REPLICA_URL")
        for pod in pods(documents)
        if pod.spec
    }
    address = str(reads.pop("Deployment web"))
    assert "@postgres-ro:5432/" in address
    assert one(documents, "Cluster", "postgres")["spec"]["instances"] > 1
    assert set(reads.values()) == {None}


def test_workers_grow_with_the_list_that_messages_wait_in(settings: Any) -> None:
    trigger = one(render("production"), "ScaledObject", "worker")["spec"]["triggers"][0]["metadata"]
    secret = one(render("production"), "ExternalSecret", "lastgang")["spec"]["target"]
    assert secret["template"]["data"]["REDIS_URL"].endswith("/" + trigger["databaseIndex"])
    with Redis.from_url(settings.REDIS_URL) as redis, app.connection_for_write() as broker:
        name = trigger["listName"]
        before = redis.llen(name)
        queue = broker.SimpleQueue(app.conf.task_default_queue)
        queue.put({"a": "message"}, priority=app.tasks["ingestion.ingest_run"].priority)
        assert redis.llen(name) == before + 1
        redis.rpop(name)


def test_what_a_run_is_given_to_end_in_is_enough(settings: Any) -> None:
    worker = one(render("production"), "Deployment", "worker")["spec"]["template"]["spec"]
    assert worker["terminationGracePeriodSeconds"] > settings.INGESTION_SLICE
    # What it waits for, what it looks for, and the storing of a piece.
    assert worker["terminationGracePeriodSeconds"] > PATIENCE + LOOK + 30
    web = one(render("production"), "Deployment", "web")["spec"]["template"]["spec"]
    assert web["terminationGracePeriodSeconds"] >= pause_of(web) + 30


def pause_of(web: dict[str, Any]) -> int:
    """Return how long a web pod that has to go still answers [s]."""
    shell, option, words = web["containers"][0]["lifecycle"]["preStop"]["exec"]["command"]
    assert (shell, option) == ("sh", "-c")
    pause = re.fullmatch(r'touch "\$LEAVING_FILE"; sleep (\d+)', words)
    assert pause, words
    return int(pause[1])


def test_a_web_pod_that_goes_says_so_for_longer_than_connections_lie_idle() -> None:
    """By then no connection is kept open to it, on which a request could get lost."""
    web = one(render("production"), "Deployment", "web")["spec"]["template"]["spec"]
    assert pause_of(web) > HEAD_IN


def test_the_settings_start_with_what_the_manifests_give() -> None:
    """Django's own checks find nothing in what web is given, with values in place of secrets."""
    documents = render("production")
    web = one(documents, "Deployment", "web")["spec"]["template"]["spec"]["containers"][0]
    values = {
        "field_keys": "bm90LWEtc2VjcmV0LW9ubHktZm9yLXRoZS1saW50ZXI=",
        "secret_key": "only-for-this-test-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFG",
        "email_url": "",
    }
    given = {
        name: re.sub(r"{{ \.(\w+) }}", lambda match: values.get(match[1], "letters1"), value)
        for name, value in environment(documents, web).items()
    }
    result = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **given},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr


def test_no_manifest_is_left_out() -> None:
    """Each file below k8s/ is a kustomization, or listed in the one beside it."""
    for path in (ROOT / "k8s").rglob("kustomization.yaml"):
        listed = yaml.safe_load(path.read_text())
        names = {name for name in listed["resources"] if name.endswith(".yaml")}
        there = {p.name for p in path.parent.glob("*.yaml")} - {"kustomization.yaml"}
        assert names == there, path.parent.name
