"""The record of who did what."""

import getpass
from contextlib import suppress

from accounts.models import Act


def record(what: Act.What, about: str, *, by: str, detail: str = "") -> Act:
    """Put an act on record in the current schema, within the transaction that does it.

    Parameters
    ----------
    about
        What it was done to: a tenant's short name, a person's address, a token's key, an origin.
    by
        Who did it; `from_command` names whoever runs a command.
    """
    return Act.objects.create(what=what, about=about[:254], by=by[:254], detail=detail)


def from_command(name: str) -> str:
    """Name whoever runs a command, as far as the machine knows: ``export_tenant (ada)``."""
    with suppress(OSError, KeyError):
        return f"{name} ({getpass.getuser()})"
    return name
