"""The names of hosts that tenants answer on."""

import re

from django.conf import settings

HOST = re.compile(
    r"(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*"
)


def checked_host(name: str) -> str:
    """Return the name as requests are compared with it: small letters, without a closing dot.

    Raises
    ------
    ValueError
        It can't be a tenant's; the text says why.
    """
    name = name.strip().lower().rstrip(".")
    if not HOST.fullmatch(name):
        raise ValueError(
            f"“{name}” is not a host name: write it without https:// and without a port; "
            "for example energy.acme.example."
        )
    if name == settings.PUBLIC_DOMAIN:
        raise ValueError(f"{name} is the bare domain of this installation.")
    return name
