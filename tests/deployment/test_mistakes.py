"""That a mistake in the manifests is found: each is made, and has to be told of."""

from collections.abc import Callable
from typing import Any

import jsonschema
import kubernetes_validate
import pytest

from tests.deployment.checking import found, validate
from tests.deployment.rendering import Document, of_kind, one, render


def container(documents: list[Document], kind: str, name: str) -> Document:
    found: Document = one(documents, kind, name)["spec"]["template"]["spec"]["containers"][0]
    return found


MISSPELT: dict[str, Callable[[list[Document]], Any]] = {
    "a field of a pod": lambda d: container(d, "Deployment", "web").update(readynessProbe={}),
    "a field of a policy": lambda d: one(d, "NetworkPolicy", "web")["spec"].update(egres=[]),
    "a field of a cluster": lambda d: one(d, "Cluster", "postgres")["spec"].update(instance=3),
    "a field deep in a cluster": lambda d: one(d, "Cluster", "postgres")["spec"]["bootstrap"][
        "initdb"
    ].update(locale_provider="builtin"),
    "a mode that is none": lambda d: one(d, "Pooler", "pooler")["spec"]["pgbouncer"].update(
        poolMode="statement"
    ),
    "a field of a secret's source": lambda d: one(d, "ExternalSecret", "redis")["spec"].update(
        refresh="1h"
    ),
    "a field of a trigger": lambda d: one(d, "ScaledObject", "worker")["spec"]["triggers"][
        0
    ].update(meta={}),
    "a field of a solver": lambda d: one(d, "Issuer", "letsencrypt")["spec"]["acme"]["solvers"][0][
        "dns01"
    ].update(rfc=1),
    "a label that is no text": lambda d: one(d, "Certificate", "lastgang")["metadata"][
        "labels"
    ].update(x=1),
    "a kind that nobody knows": lambda d: d[0].update(kind="Names"),
}


@pytest.mark.parametrize("mistake", MISSPELT.values(), ids=MISSPELT.keys())
def test_a_misspelt_field_is_found(mistake: Callable[[list[Document]], Any]) -> None:
    documents = render("production")
    mistake(documents)
    [wrong] = [d for d, good in zip(documents, render("production"), strict=True) if d != good]
    with pytest.raises((jsonschema.ValidationError, kubernetes_validate.SchemaNotFoundError)):
        validate(wrong)


def drop(documents: list[Document], kind: str, name: str) -> None:
    documents.remove(one(documents, kind, name))


def without(documents: list[Document], secret: str, key: str) -> None:
    del one(documents, "ExternalSecret", secret)["spec"]["target"]["template"]["data"][key]


WRONG: dict[str, tuple[Callable[[list[Document]], Any], str]] = {
    "another port of the process": (
        lambda d: container(d, "Deployment", "web")["env"][0].update(value="8080"),
        "Deployment web: ports [8000, 9464], but it listens on [8080, 9464]",
    ),
    "a port of a Service": (
        lambda d: one(d, "Service", "web")["spec"]["ports"][0].update(targetPort="pages"),
        "Service web: Deployment web has no port pages",
    ),
    "a port of the Ingress": (
        lambda d: one(d, "Ingress", "web")["spec"]["rules"][1]["http"]["paths"][0]["backend"][
            "service"
        ].update(port={"name": "https"}),
        "Ingress web: no Service web has https",
    ),
    "a port of a probe": (
        lambda d: container(d, "Deployment", "exporter")["livenessProbe"]["tcpSocket"].update(
            port="figures"
        ),
        "Deployment exporter: its livenessProbe asks figures, which is no port of its",
    ),
    "a port of a policy": (
        lambda d: one(d, "NetworkPolicy", "pooler")["spec"]["ingress"][0]["ports"][0].update(
            port=6432
        ),
        "Deployment web may not speak to Pooler pooler at 5432",
    ),
    "a variable that is required": (
        lambda d: without(d, "lastgang", "FIELD_ENCRYPTION_KEYS"),
        "Deployment web: FIELD_ENCRYPTION_KEYS is required and not given",
    ),
    "a variable of the map": (
        lambda d: [m["data"].pop("PUBLIC_DOMAIN") for m in of_kind(d, "ConfigMap")],
        "Deployment scheduler: PUBLIC_DOMAIN is required and not given",
    ),
    "a variable that nobody reads": (
        lambda d: container(d, "Deployment", "worker").update(
            env=[{"name": "LOGLEVEL", "value": "INFO"}]
        ),
        "Deployment worker: LOGLEVEL is given, and read by nobody",
    ),
    "a Service's selector": (
        lambda d: one(d, "Service", "web")["spec"]["selector"].update(app="web"),
        "Service web: {'matchLabels': {",
    ),
    "a budget's selector": (
        lambda d: one(d, "PodDisruptionBudget", "worker")["spec"]["selector"].update(
            matchLabels={"app": "worker"}
        ),
        "PodDisruptionBudget worker: {'matchLabels': {'app': 'worker'}} matches no pod",
    ),
    "a policy's selector": (
        lambda d: one(d, "NetworkPolicy", "upstreams")["spec"]["podSelector"].update(
            matchLabels={"app.kubernetes.io/component": "workers"}
        ),
        "NetworkPolicy upstreams: ",
    ),
    "a secret's key": (
        lambda d: container(d, "StatefulSet", "redis")["env"][0]["valueFrom"][
            "secretKeyRef"
        ].update(key="pass"),
        "StatefulSet redis: the secret redis has no pass",
    ),
    "a secret": (
        lambda d: drop(d, "ExternalSecret", "postgres-web"),
        "Cluster postgres: there is no secret postgres-web",
    ),
    "the certificate": (
        lambda d: drop(d, "Certificate", "lastgang"),
        "Ingress web: there is no secret lastgang-tls",
    ),
    "an account": (
        lambda d: drop(d, "ServiceAccount", "worker"),
        "there is no account worker",
    ),
    "the store of the backups": (
        lambda d: drop(d, "ObjectStore", "backups"),
        "Cluster postgres: there is no ObjectStore backups",
    ),
    "what is scaled": (
        lambda d: one(d, "ScaledObject", "worker")["spec"]["scaleTargetRef"].update(name="workers"),
        "ScaledObject worker: there is no Deployment workers",
    ),
    "where KEDA asks": (
        lambda d: one(d, "ScaledObject", "worker")["spec"]["triggers"][0]["metadata"].update(
            address="redis.lastgang.svc:6380"
        ),
        "ScaledObject worker: no Service answers at redis.lastgang.svc:6380",
    ),
    "replicas of what is scaled": (
        lambda d: one(d, "Deployment", "web")["spec"].update(replicas=2),
        "HorizontalPodAutoscaler web: each roll-out would set replicas of Deployment web back",
    ),
    "a server's host": (
        lambda d: one(d, "ExternalSecret", "lastgang-web")["spec"]["target"]["template"][
            "data"
        ].update(DATABASE_URL="postgres://lastgang_web:{{ .password }}@bouncer:5432/lastgang"),
        "Deployment web: there is no Service bouncer",
    ),
    "the way to Redis": (
        lambda d: drop(d, "NetworkPolicy", "redis"),
        "Deployment web may not speak to StatefulSet redis at 6379",
    ),
    "a volume": (
        lambda d: container(d, "Deployment", "web")["volumeMounts"].clear(),
        "Deployment web: volumes ['tmp'], mounted []",
    ),
}


@pytest.mark.parametrize(("mistake", "words"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_name_is_found(mistake: Callable[[list[Document]], Any], words: str) -> None:
    documents = render("production")
    mistake(documents)
    told = found(documents)
    assert any(line.startswith(words) for line in told), told
