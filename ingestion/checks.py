"""System checks on what sources may reach."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Tags, register
from django.core.checks import Warning as CheckWarning

from ingestion.addresses import METADATA, Guard


@register(Tags.security, deploy=True)
def upstreams_stay_outside(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    """Warn where what the operator allows leaves the guard of addresses little to guard."""
    found: list[CheckMessage] = []
    guard = Guard.of(settings.UPSTREAM_ALLOW)
    if any(network.is_loopback or network.prefixlen == 0 for network in guard.networks):
        found.append(
            CheckWarning(
                "UPSTREAM_ALLOW lets sources ask this machine itself.",
                hint="Whoever may set up a source can so reach what listens on loopback addresses. "
                "Name the networks or hosts that the upstreams are in.",
                id="ingestion.W001",
            )
        )
    if any(guard.objection(address) == "" for address in METADATA):
        found.append(
            CheckWarning(
                "UPSTREAM_ALLOW lets sources ask a cloud's metadata address.",
                hint="Such an address gives out the machine's own credentials. Take it off.",
                id="ingestion.W002",
            )
        )
    return found
