"""Whether the policies let those speak who have to, and nobody else."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from tests.deployment.references import matches
from tests.deployment.rendering import Document, Pod, environment, of_kind, pods, services

LEAST = {"postgres": 5432, "redis": 6379}


def addresses(documents: list[Document]) -> Iterator[tuple[Pod, str, int]]:
    """Each server that a process of ours is given: who asks, its host, its port."""
    for pod in pods(documents):
        for container in (pod.spec or {}).get("containers", []):
            # Settings name servers, but it asks none.
            if "simulate_upstream" in container.get("command", []):
                continue
            for name in ("DATABASE_URL", "DATABASE_REPLICA_URL", "REDIS_URL"):
                value = environment(documents, container).get(name)
                if value and "image" in container and "lastgang" in container["image"]:
                    parts = urlsplit(value.replace("{{ .", "").replace(" }}", ""))
                    if parts.hostname != "127.0.0.1":
                        yield pod, str(parts.hostname), parts.port or LEAST[parts.scheme]


def unreachable(documents: list[Document]) -> Iterator[str]:
    """Tell of each server that is not there, or that policies keep from those who need it."""
    known = services(documents)
    for pod, host, port in addresses(documents):
        if host not in known:
            yield f"{pod.owner}: there is no Service {host}"
            continue
        selector, ports = known[host]
        if port not in ports:
            yield f"{pod.owner}: Service {host} has no port {port}"
            continue
        for target in pods(documents):
            if matches({"matchLabels": selector}, target.labels):
                inner = target.ports.get(ports[port], ports[port])
                if not allowed(documents, pod, target, inner):
                    yield f"{pod.owner} may not speak to {target.owner} at {inner}"


def allowed(documents: list[Document], source: Pod, target: Pod, port: int) -> bool:
    """Whether every policy that concerns the two lets the one open a connection to the other."""
    return _open(documents, "Egress", source, target, target, port) and _open(
        documents, "Ingress", target, source, target, port
    )


def _open(
    documents: list[Document], way: str, subject: Pod, peer: Pod, target: Pod, port: int
) -> bool:
    concerned = [
        policy["spec"]
        for policy in of_kind(documents, "NetworkPolicy")
        if way in policy["spec"]["policyTypes"]
        and matches(policy["spec"]["podSelector"], subject.labels)
    ]
    key, side = ("egress", "to") if way == "Egress" else ("ingress", "from")
    return not concerned or any(
        _names(rule.get(side), peer) and _has(rule.get("ports"), target, port)
        for spec in concerned
        for rule in spec.get(key, [])
    )


def _names(peers: list[Document] | None, pod: Pod) -> bool:
    return peers is None or any(
        "namespaceSelector" not in one
        and "podSelector" in one
        and matches(one["podSelector"], pod.labels)
        for one in peers
    )


def _has(ports: list[dict[str, Any]] | None, target: Pod, port: int) -> bool:
    return ports is None or any(
        one.get("protocol", "TCP") == "TCP" and target.ports.get(one["port"], one["port"]) == port
        for one in ports
    )
