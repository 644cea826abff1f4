"""A web process that is about to go says so with each answer, while it still answers all of them.

Who takes it out of service makes the file that `LEAVING_FILE` names, waits, and ends the process
then. Meanwhile each answer closes its connection: clients and proxies that keep connections open
come back over another one, which leads to a process that stays. Otherwise the next request of each
would meet a connection that is just being closed, and what is no mere question can't be sent again.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings


def is_leaving() -> bool:
    """Whether this process is about to go."""
    return bool(settings.LEAVING_FILE) and Path(settings.LEAVING_FILE).exists()


def stay() -> None:
    """Begin anew: where a container was started again its files are those of the one before."""
    if settings.LEAVING_FILE:
        Path(settings.LEAVING_FILE).unlink(missing_ok=True)


def closing(start: Callable[..., Any]) -> Callable[..., Any]:
    """Have an answer's head close the connection after it; the server does as it says."""

    def start_and_close(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
        return start(status, [*headers, ("Connection", "close")], *rest)

    return start_and_close
