"""A web process between a primary and a replica, and what each of the two was asked."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import requests

from tests.conftest import CUSTOMERS
from tests.monitoring.exposed import Exposed
from tests.replica.servers import Copy
from tests.tenants.processes import wait_until

# Every meter of a trial has this one; what tells the tenants apart are its readings and its name.
MUID = UUID("3f0b6d0e-0a53-4e0c-9a5e-52f0a6a7c0de")
# Another one, which a trial does away with.
LEAVING = UUID("7d1f4a52-6a6f-4a3d-8f7e-6d0c4f9b1e11")
DAY = "2023-02-01"
PAGE = f"/meters/{MUID}/"
READINGS = f"/api/v1/meters/{MUID}/readings/?start={DAY}&end=2023-02-02&timezone=UTC"
# What is asked of the table of readings names it.
OF_READINGS = "daily_profile"


@dataclass(frozen=True)
class Pair:
    """Two servers and the web process that uses them."""

    primary: Copy
    replica: Copy
    address: str
    metrics: str
    log: Path
    cookies: dict[str, str]

    def ask(
        self, path: str, slug: str = "acme", method: str = "get", **options: Any
    ) -> requests.Response:
        """Ask a page as who is signed in, the API with a token."""
        customer = CUSTOMERS[slug]
        headers = {"Host": customer.domain} | options.pop("headers", {})
        if path.startswith("/api/"):
            headers["Authorization"] = f"Bearer {customer.token}"
        else:
            headers.setdefault("Cookie", f"session={self.cookies[slug]}")
        return requests.request(
            method,
            self.address + path,
            headers=headers,
            timeout=30,
            allow_redirects=False,
            **options,
        )

    def send(self, *values: float, slug: str = "acme") -> None:
        """Take in readings of the meter's first quarter-hours, over the API."""
        rows = [
            {
                "timestamp": f"{DAY}T{at // 4:02}:{at % 4 * 15:02}:00Z",
                "measurement": "energy",
                "tags": {"muid": str(MUID), "quality": "measured"},
                "0100011D00FF": value,
            }
            for at, value in enumerate(values)
        ]
        answer = self.ask("/api/v1/readings/", slug, "post", json={"data": rows})
        assert answer.status_code == 200, (answer.text, self.log.read_text()[-3000:])
        assert answer.json()["rejected"] == 0

    def shown(self, slug: str = "acme", **options: Any) -> list[float]:
        """What the API shows of the meter's day."""
        answer = self.ask(READINGS, slug, **options)
        assert answer.status_code == 200, (answer.text, self.log.read_text()[-3000:])
        rows = answer.json()["series"][0]["rows"]
        return [row["value"] for row in rows if row["value"] is not None]

    def figures(self) -> Exposed:
        """What the web process tells Prometheus."""
        return Exposed(requests.get(self.metrics, timeout=20).text)

    def reads(self) -> dict[str, float]:
        """How many requests read where, by the reason."""
        told = self.figures()
        return {
            reason: told.value("lastgang_reads_total", server=server, reason=reason) or 0
            for server, reason in (
                ("replica", "current"),
                ("primary", "behind"),
                ("primary", "lost"),
            )
        }

    def told(self, words: str) -> int:
        """Count the lines of the log that say so."""
        return self.log.read_text().count(words)

    def in_use(self) -> None:
        """Wait until requests are answered from the replica."""

        def is_read() -> bool:
            with heard(self.replica) as statements:
                self.shown()
            return bool(statements)

        wait_until(is_read, "the replica is read from", 20)


@contextmanager
def heard(server: Copy, words: str = OF_READINGS) -> Iterator[list[str]]:
    """Fill a list with the statements of some words that a server is given meanwhile.

    As the server itself has written them down.
    """
    found: list[str] = []
    began = server.log.stat().st_size
    yield found
    with server.log.open("rb") as log:
        log.seek(began)
        text = log.read().decode()
    found += [line for line in re.split(r"\n(?=\d{4}-)", text) if words in line]
