"""What schemas can't see of manifests: whether what they name is there."""

import re
from collections.abc import Iterator
from typing import Any

from tests.deployment.rendering import (
    Document,
    config,
    environment,
    named,
    of_kind,
    pods,
    secrets,
    services,
)

# What each image of others listens on.
LISTENS = {"postgres": {5432}, "redis": {6379}}
PROBES = ("startupProbe", "livenessProbe", "readinessProbe")


def matches(selector: Document, labels: dict[str, str]) -> bool:
    for key, value in selector.get("matchLabels", {}).items():
        if labels.get(key) != value:
            return False
    for rule in selector.get("matchExpressions", []):
        held = labels.get(rule["key"])
        good = {
            "In": lambda rule=rule, held=held: held in rule["values"],
            "NotIn": lambda rule=rule, held=held: held not in rule["values"],
            "Exists": lambda held=held: held is not None,
            "DoesNotExist": lambda held=held: held is None,
        }[rule["operator"]]()
        if not good:
            return False
    return True


def faults(documents: list[Document], known: set[str], required: set[str]) -> list[str]:
    """Return in words what does not fit together.

    Parameters
    ----------
    documents
        All that is applied together.
    known, required
        Variables that the settings read, and those without which they do not start in production.
    """
    return [
        *_names(documents),
        *_references(documents),
        *_selectors(documents),
        *_targets(documents),
        *_ports(documents),
        *_variables(documents, known, required),
    ]


def _names(documents: list[Document]) -> Iterator[str]:
    seen = set()
    for document in documents:
        if named(document) in seen:
            yield f"{named(document)} is there twice"
        seen.add(named(document))
        inside = document["kind"] == "Namespace" or document["metadata"].get("namespace")
        if not inside:
            yield f"{named(document)} has no namespace"


def _references(documents: list[Document]) -> Iterator[str]:
    """Accounts, secrets and maps that are named anywhere, and objects of other kinds."""
    held, maps = secrets(documents), config(documents)
    accounts = {d["metadata"]["name"] for d in of_kind(documents, "ServiceAccount")}
    used = set()
    for document in documents:
        for path, value in walk(document):
            key = path[-1]
            if key in {"serviceAccountName", "serviceAccountRef"}:
                used.add(value if isinstance(value, str) else value["name"])
            if key == "configMapRef" and value["name"] not in maps:
                yield f"{named(document)}: there is no ConfigMap {value['name']}"
            if document["kind"] != "Certificate":
                yield from _secrets(document, key, value, held)
    for account in sorted(used - accounts):
        yield f"there is no account {account}"
    for account in sorted(accounts - used):
        yield f"the account {account} is nobody's"
    for look in (_databases, _sources, _volumes):
        yield from look(documents)


def _secrets(document: Document, key: str, value: Any, held: Any) -> Iterator[str]:
    for name, keys in _wanted(key, value):
        if name not in held:
            yield f"{named(document)}: there is no secret {name}"
        elif not keys <= set(held[name]):
            yield f"{named(document)}: the secret {name} has no {min(keys - set(held[name]))}"


# Fields of any kind that name a secret and one of its keys.
WITH_KEY = {"secretKeyRef", "accessKeyId", "secretAccessKey", "tsigSecretSecretRef"}
ACCOUNT = {"username", "password"}


def _wanted(key: str, value: Any) -> Iterator[tuple[str, set[str]]]:
    """Give each secret that a field names, and the keys that it has to have."""
    if key == "secretName":
        yield value, set()
    elif key == "secretTargetRef":
        for entry in value:
            yield entry["name"], {entry["key"]}
    elif not isinstance(value, dict):
        return
    elif key in WITH_KEY:
        yield value["name"], {value["key"]}
    elif key == "passwordSecret" or (key == "secret" and "name" in value):
        yield value["name"], ACCOUNT
    elif key == "secretRef" and not value.get("optional"):
        yield value["name"], set()
    elif key == "secret" and "secretName" in value:
        yield value["secretName"], {entry["key"] for entry in value.get("items", [])}


def _there(documents: list[Document], document: Document, wanted: str) -> Iterator[str]:
    if wanted not in {named(one) for one in documents}:
        yield f"{named(document)}: there is no {wanted}"


def _databases(documents: list[Document]) -> Iterator[str]:
    for d in of_kind(documents, "Pooler", "ScheduledBackup"):
        yield from _there(documents, d, f"Cluster {d['spec']['cluster']['name']}")
    for d in of_kind(documents, "Cluster"):
        for path, value in walk(d):
            if path[-1] == "barmanObjectName":
                yield from _there(documents, d, f"ObjectStore {value}")
            if path[-1] == "serverName":
                yield from _there(documents, d, f"Cluster {value}")


def _sources(documents: list[Document]) -> Iterator[str]:
    """Where secrets, certificates and figures come from."""
    for d in of_kind(documents, "ExternalSecret"):
        ref = d["spec"]["secretStoreRef"]
        yield from _there(documents, d, f"{ref['kind']} {ref['name']}")
        read = {entry["secretKey"] for entry in d["spec"]["data"]}
        template = d["spec"]["target"].get("template", {}).get("data", {})
        asked = set(re.findall(r"{{ \.(\w+) }}", "".join(template.values())))
        if template and asked != read:
            yield f"{named(d)}: reads {sorted(read)} and writes {sorted(asked)}"
    for d in of_kind(documents, "Certificate"):
        ref = d["spec"]["issuerRef"]
        yield from _there(documents, d, f"{ref['kind']} {ref['name']}")
    for d in of_kind(documents, "ScaledObject"):
        for trigger in d["spec"]["triggers"]:
            if "authenticationRef" in trigger:
                wanted = f"TriggerAuthentication {trigger['authenticationRef']['name']}"
                yield from _there(documents, d, wanted)
        asked = [t["metadata"]["address"] for t in d["spec"]["triggers"] if t["type"] == "redis"]
        for address in asked:
            name, _, port = address.partition(":")
            service, _, namespace = name.partition(".")
            there = services(documents).get(service)
            if (
                there is None
                or int(port) not in there[1]
                or not namespace.startswith(d["metadata"]["namespace"] + ".")
            ):
                yield f"{named(d)}: no Service answers at {address}"


def _volumes(documents: list[Document]) -> Iterator[str]:
    for d in of_kind(documents, "StatefulSet"):
        yield from _there(documents, d, f"Service {d['spec']['serviceName']}")
    for d in of_kind(documents, "Deployment", "StatefulSet", "Job"):
        spec = d["spec"]["template"]["spec"]
        volumes = {volume["name"] for volume in spec.get("volumes", [])}
        volumes |= {v["metadata"]["name"] for v in d["spec"].get("volumeClaimTemplates", [])}
        mounted = {m["name"] for c in spec["containers"] for m in c.get("volumeMounts", [])}
        if volumes != mounted:
            yield f"{named(d)}: volumes {sorted(volumes)}, mounted {sorted(mounted)}"


def _selectors(documents: list[Document]) -> Iterator[str]:
    made = pods(documents)
    for d in documents:
        spec = d.get("spec", {})
        found: list[Document] = []
        if d["kind"] == "Service":
            found = [{"matchLabels": spec["selector"]}]
        elif d["kind"] == "PodDisruptionBudget":
            found = [spec["selector"]]
        elif d["kind"] in {"Deployment", "StatefulSet"}:
            own = spec["template"]["metadata"]["labels"]
            found = [
                spec["selector"],
                *(c["labelSelector"] for c in _spread(spec)),
            ]
            if not all(matches(selector, own) for selector in found):
                yield f"{named(d)}: its selector does not match its own pods"
            others = [p for p in made if matches(spec["selector"], p.labels)]
            if len(others) > 1:
                yield f"{named(d)}: its selector matches pods of others"
        elif d["kind"] == "NetworkPolicy":
            found = [
                value
                for path, value in walk(spec)
                if path[-1] == "podSelector" and _inside(path, d)
            ]
        for selector in found:
            if not any(matches(selector, pod.labels) for pod in made):
                yield f"{named(d)}: {selector} matches no pod"


def _spread(spec: Document) -> list[Document]:
    found: list[Document] = spec["template"]["spec"].get("topologySpreadConstraints", [])
    return found


def _inside(path: tuple[Any, ...], document: Document) -> bool:
    """Whether a selector of a policy is for pods of our own namespace."""
    place: Any = document["spec"]
    for step in path[:-1]:
        place = place[step]
    return "namespaceSelector" not in place


def _targets(documents: list[Document]) -> Iterator[str]:
    there = {(d["apiVersion"], d["kind"], d["metadata"]["name"]): d for d in documents}
    scaled = []
    for d in of_kind(documents, "HorizontalPodAutoscaler", "ScaledObject"):
        ref = d["spec"]["scaleTargetRef"]
        target = there.get((ref["apiVersion"], ref["kind"], ref["name"]))
        if target is None:
            yield f"{named(d)}: there is no {ref['kind']} {ref['name']}"
        elif "replicas" in target["spec"]:
            yield f"{named(d)}: each roll-out would set replicas of {named(target)} back"
        scaled.append((ref["kind"], ref["name"]))
    for kind, name in {one for one in scaled if scaled.count(one) > 1}:
        yield f"{kind} {name} is scaled by two"


def _ports(documents: list[Document]) -> Iterator[str]:
    made = pods(documents)
    for name, (selector, ports) in services(documents).items():
        for target in ports.values():
            for pod in made:
                if not matches({"matchLabels": selector}, pod.labels):
                    continue
                if target not in pod.ports and target not in pod.ports.values():
                    yield f"Service {name}: {pod.owner} has no port {target}"
    for d in of_kind(documents, "Ingress"):
        for rule in d["spec"]["rules"]:
            for path in rule["http"]["paths"]:
                service = path["backend"]["service"]
                offered = {
                    port["name"]
                    for s in of_kind(documents, "Service")
                    if s["metadata"]["name"] == service["name"]
                    for port in s["spec"]["ports"]
                }
                if service["port"]["name"] not in offered:
                    yield f"{named(d)}: no Service {service['name']} has {service['port']['name']}"
    for d in of_kind(documents, "Deployment", "StatefulSet", "Job"):
        for container in d["spec"]["template"]["spec"]["containers"]:
            yield from _container_ports(documents, d, container)


def _container_ports(documents: list[Document], d: Document, container: Document) -> Iterator[str]:
    ports = {port["name"]: port["containerPort"] for port in container.get("ports", [])}
    for probe in PROBES:
        how = container.get(probe, {})
        asked = (how.get("httpGet") or how.get("tcpSocket") or {}).get("port")
        if asked is not None and asked not in ports:
            yield f"{named(d)}: its {probe} asks {asked}, which is no port of its"
    try:
        listening = listens(container, environment(documents, container))
    except KeyError:
        return  # Told by whoever looks at references.
    if set(ports.values()) != listening:
        yield f"{named(d)}: ports {sorted(ports.values())}, but it listens on {sorted(listening)}"


def listens(container: Document, given: dict[str, str]) -> set[int]:
    """Return the ports that a container's process opens, told by its command."""
    image = container["image"].rpartition("/")[2].partition(":")[0]
    if image != "lastgang":
        return LISTENS[image]
    command = container.get("command")
    metrics = int(given.get("METRICS_PORT", 0))
    if command is None:
        return {int(given.get("PORT", 8000)), metrics} - {0}
    if "simulate_upstream" in command:
        return {int(command[command.index("--port") + 1])}
    if "worker" in command or "export_metrics" in command:
        return {metrics} - {0}
    return set()


def _variables(documents: list[Document], known: set[str], required: set[str]) -> Iterator[str]:
    for d in of_kind(documents, "Deployment", "Job"):
        for container in d["spec"]["template"]["spec"]["containers"]:
            try:
                given = environment(documents, container)
            except KeyError:
                continue
            for name in sorted(required - set(given)):
                yield f"{named(d)}: {name} is required and not given"
            for name in sorted(set(given) - known):
                yield f"{named(d)}: {name} is given, and read by nobody"


def walk(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Give each value within, with the way to it."""
    if path:
        yield path, value
    if isinstance(value, dict | list):
        steps = value.items() if isinstance(value, dict) else enumerate(value)
        for step, inner in steps:
            yield from walk(inner, (*path, step))
