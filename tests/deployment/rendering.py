"""The manifests as kustomize renders them, and what operators make of them in a cluster."""

import base64
import copy
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
OVERLAYS = ("development", "production", "restore-drill")
Document = dict[str, Any]


@cache
def _rendered(overlay: str) -> list[Document]:
    kubectl = Path(sys.executable).parent / "kubectl"
    folder = ROOT / "k8s" / "overlays" / overlay
    found = subprocess.run([kubectl, "kustomize", folder], capture_output=True, text=True)
    assert found.returncode == 0, found.stderr
    # The quick parser, which PyYAML has where its wheel does.
    return list(yaml.load_all(found.stdout, yaml.CSafeLoader))


def render(overlay: str) -> list[Document]:
    """Return an overlay's documents; those of the drill stand beside production's."""
    documents = copy.deepcopy(_rendered(overlay))
    return [*render("production"), *documents] if overlay == "restore-drill" else documents


def named(document: Document) -> str:
    return f"{document['kind']} {document['metadata']['name']}"


def of_kind(documents: list[Document], *kinds: str) -> list[Document]:
    return [one for one in documents if one["kind"] in kinds]


def one(documents: list[Document], kind: str, name: str) -> Document:
    [found] = [d for d in of_kind(documents, kind) if d["metadata"]["name"] == name]
    return found


@dataclass(frozen=True)
class Pod:
    """A kind of pod: whose it is, its labels, its ports by name, and its specification.

    Those that an operator makes have no specification here, and their ports by number alone.
    """

    owner: str
    labels: dict[str, str]
    ports: dict[str, int]
    spec: Document | None = None


OURS = ("Deployment", "StatefulSet", "Job")


def pods(documents: list[Document]) -> list[Pod]:
    found = []
    for document in of_kind(documents, *OURS):
        template = document["spec"]["template"]
        ports = {
            port["name"]: port["containerPort"]
            for container in template["spec"]["containers"]
            for port in container.get("ports", [])
        }
        found.append(Pod(named(document), template["metadata"]["labels"], ports, template["spec"]))
    # As CloudNativePG labels them.
    for document in of_kind(documents, "Cluster"):
        labels = {"cnpg.io/cluster": document["metadata"]["name"], "cnpg.io/podRole": "instance"}
        found.append(Pod(named(document), labels, {"postgresql": 5432, "status": 8000}))
    for document in of_kind(documents, "Pooler"):
        labels = {
            "cnpg.io/cluster": document["spec"]["cluster"]["name"],
            "cnpg.io/poolerName": document["metadata"]["name"],
            "cnpg.io/podRole": "pooler",
        }
        found.append(Pod(named(document), labels, {"pgbouncer": 5432}))
    return found


def secrets(documents: list[Document]) -> dict[str, dict[str, str]]:
    """What each secret holds, be it written here, templated, or made by an operator."""
    found: dict[str, dict[str, str]] = {}
    for document in of_kind(documents, "Secret"):
        held = {k: base64.b64decode(v).decode() for k, v in document.get("data", {}).items()}
        found[document["metadata"]["name"]] = held | document.get("stringData", {})
    for document in of_kind(documents, "ExternalSecret"):
        target = document["spec"]["target"]
        found[target["name"]] = target.get("template", {}).get("data") or {
            entry["secretKey"]: "{{ . }}" for entry in document["spec"]["data"]
        }
    for document in of_kind(documents, "Certificate"):
        found[document["spec"]["secretName"]] = {"tls.crt": "", "tls.key": ""}
    return found


def config(documents: list[Document]) -> dict[str, dict[str, str]]:
    return {d["metadata"]["name"]: d["data"] for d in of_kind(documents, "ConfigMap")}


def environment(documents: list[Document], container: Document) -> dict[str, str]:
    """What a container finds in its environment; what comes later counts.

    Raises
    ------
    KeyError
        It refers to something that is not there.
    """
    found: dict[str, str] = {}
    for source in container.get("envFrom", []):
        for kind, held in (("configMapRef", config), ("secretRef", secrets)):
            if kind in source:
                there = held(documents)
                if source[kind].get("optional") and source[kind]["name"] not in there:
                    continue
                found |= there[source[kind]["name"]]
    for entry in container.get("env", []):
        if "value" in entry:
            found[entry["name"]] = entry["value"]
        elif "secretKeyRef" in entry["valueFrom"]:
            ref = entry["valueFrom"]["secretKeyRef"]
            found[entry["name"]] = secrets(documents)[ref["name"]][ref["key"]]
        else:
            ref = entry["valueFrom"]["configMapKeyRef"]
            found[entry["name"]] = config(documents)[ref["name"]][ref["key"]]
    return found


def services(documents: list[Document]) -> dict[str, tuple[dict[str, str], dict[int, Any]]]:
    """The selector and ports, outer to inner, of each Service, operators' included."""
    found: dict[str, tuple[dict[str, str], dict[int, Any]]] = {}
    for document in of_kind(documents, "Service"):
        spec = document["spec"]
        ports = {port["port"]: port["targetPort"] for port in spec["ports"]}
        found[document["metadata"]["name"]] = (spec["selector"], ports)
    for document in of_kind(documents, "Cluster"):
        name = document["metadata"]["name"]
        for role in ("rw", "ro", "r"):
            selector = {"cnpg.io/cluster": name, "cnpg.io/podRole": "instance"}
            found[f"{name}-{role}"] = (selector, {5432: 5432})
    for document in of_kind(documents, "Pooler"):
        name = document["metadata"]["name"]
        found[name] = ({"cnpg.io/poolerName": name}, {5432: 5432})
    return found
