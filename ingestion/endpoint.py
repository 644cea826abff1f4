"""Where an upstream is, and how much patience there is with it."""

from dataclasses import dataclass, field
from urllib.parse import urlsplit
from uuid import UUID

PATH = "/meterdata/measurement"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where and how an upstream is asked.

    Attributes
    ----------
    address
        Base address, or a whole one with ``{muid}`` in it.
    token
        Bearer token, empty where none is needed.
    limit
        The most rows of one answer.
    """

    address: str
    measurement: str = "energy"
    token: str = field(default="", repr=False)
    limit: int = 5000

    def url(self, muid: UUID) -> str:
        if "{muid}" in self.address:
            return self.address.replace("{muid}", str(muid))
        base = self.address.rstrip("/")
        return base if base.endswith(PATH) else base + PATH

    @property
    def host(self) -> str:
        """Name the host for people, without what may be secret in an address."""
        try:
            parts = urlsplit(self.address)
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
        The longest time until a connection stands, between two bytes, and for a whole answer [s].
    size
        The largest answer, unpacked [B].
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
    attempts: int = 4
    wait: float = 30.0
    patience: float = 120.0
