"""Where an upstream is, and how much patience there is with it."""

import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit
from uuid import UUID

PATH = "/meterdata/measurement"
MASK = "…"
# What is shorter is no secret, and would be found in the middle of words.
SECRET = 6


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where and how an upstream is asked.

    Attributes
    ----------
    address
        Base address, or a whole one with ``{muid}`` in it.
    token
        Bearer token or API key, empty where none is needed.
    limit
        The most rows of one answer.
    key_header
        The header that carries the token as it is; empty where it is a bearer token.
    """

    address: str
    measurement: str = "energy"
    token: str = field(default="", repr=False)
    limit: int = 5000
    key_header: str = ""

    def url(self, muid: UUID) -> str:
        if "{muid}" in self.address:
            return self.address.replace("{muid}", str(muid))
        base = self.address.rstrip("/")
        return base if base.endswith(PATH) else base + PATH

    @property
    def host(self) -> str:
        """Name the host for people, without what may be secret in an address."""
        return host_of(self.address)

    @property
    def credentials(self) -> dict[str, str]:
        """Return the headers that say who asks."""
        if not self.token:
            return {}
        if self.key_header:
            return {self.key_header: self.token}
        return {"Authorization": f"Bearer {self.token}"}

    def masked(self, text: str) -> str:
        """Take the token out of what an upstream has written: it may repeat what it was sent."""
        return text.replace(self.token, MASK) if len(self.token) >= SECRET else text

    @property
    def is_sendable(self) -> bool:
        """Whether the token can stand in a header.

        What can't would be told, token and all, by the error of whoever tries to send it.
        """
        return re.fullmatch(r"[\x21-\x7e]*", self.token) is not None


def host_of(address: str) -> str:
    """Name the host of an address for people."""
    try:
        parts = urlsplit(address)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "The source"
    return f"{parts.hostname}{port}" if parts.hostname else "The source"


@dataclass(frozen=True, slots=True)
class Limits:
    """How much patience the client has.

    Attributes
    ----------
    connect, read, total
        The longest time until a connection stands, between two bytes, and for a whole answer, with
        all redirects that lead to it [s].
    size
        The largest answer, unpacked [B].
    rows, values
        The most rows of an answer, and the most values in all its rows.
    redirects
        How often one question may be sent on.
    attempts
        How often one question is asked.
    wait
        The longest pause between two attempts [s].
    patience
        After how long a question that failed is not asked again [s].
    """

    connect: float = 5.0
    read: float = 30.0
    total: float = 120.0
    size: int = 64 * 1024 * 1024
    rows: int = 500_000
    values: int = 3_000_000
    redirects: int = 3
    attempts: int = 4
    wait: float = 30.0
    patience: float = 120.0
