"""Having web processes asked by processes of their own, and what came of it."""

import json
import subprocess
import sys
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks.loading.site import ROOT, Running, Site, Spent

QUESTIONS = {
    "overview": "/",
    "meter page": "/meters/{muid}/",
    "API month": "/api/v1/meters/{muid}/readings/?start=-P30D&resolution=PT15M&layout=columns",
    "API year": "/api/v1/meters/{muid}/readings/?start=-P365D&resolution=PT15M&layout=columns",
}
# As many at a time as there are threads that answer, on two processes of four each.
CLOSED = 8
# Enough for all that may be under way at a constant rate; who finds none free waits, and it counts.
OPEN = 64


@dataclass
class Outcome:
    """What came of asking: latencies [s] by kind, and what it cost each process [s]."""

    seconds: float
    latencies: dict[str, "np.ndarray[Any, Any]"]
    bytes: dict[str, int]
    spent: Spent
    wrong: list[str] = field(default_factory=list)

    @property
    def requests(self) -> int:
        return sum(map(len, self.latencies.values()))

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.requests / self.seconds

    def quantile(self, share: float, kind: str | None = None) -> float:
        """Within which time so large a share of the answers came [ms]."""
        some = self.latencies[kind] if kind else np.concatenate(list(self.latencies.values()))
        return float(np.quantile(some, share)) * 1e3 if len(some) else float("nan")

    def cost(self, of: str) -> float:
        """Processor time of a request [ms]."""
        return 1e3 * self.spent.seconds[of] / self.requests


def requests_of(site: Site, kind: str, *, encoding: str = "gzip") -> list[str]:
    """Write a request of this kind for each tenant and meter, as its administrator."""
    made = []
    for tenant in site.tenants:
        for muid in tenant["muids"]:
            path = QUESTIONS.get(kind, kind).format(muid=muid)
            is_api = path.startswith("/api/")
            who = f"Authorization: Bearer {tenant['token']}" if is_api else ""
            who = who or f"Cookie: {tenant['cookie']}"
            lines = [f"GET {path} HTTP/1.1", f"Host: {tenant['domain']}", who]
            accepted = [f"Accept-Encoding: {encoding}"] if encoding else []
            made.append("\r\n".join([*lines, *accepted, "", ""]))
    return made


def ask(
    site: Site,
    webs: list[Running],
    kinds: list[str],
    *,
    seconds: float,
    rate: float = 0.0,
    connections: int = 0,
    seed: int = 1,
    encoding: str = "gzip",
    others: dict[str, list[int]] | None = None,
) -> Outcome:
    """Have web processes asked for some kinds, each as often, and count what that costs.

    Parameters
    ----------
    rate
        So many requests a second, whatever is answered; 0 for as many as are answered.
    others
        Further processes whose time is counted, by name.
    """
    pids = {
        "web": [web.process.pid for web in webs],
        "PostgreSQL": [site.postgres],
        "Redis": [site.redis],
        **(others or {}),
    }
    orders = {
        "addresses": [web.address for web in webs],
        "questions": {kind: requests_of(site, kind, encoding=encoding) for kind in kinds},
        "connections": connections or (OPEN if rate else CLOSED),
        "seconds": seconds,
        "rate": rate,
        "seed": seed,
    }
    before = Spent.by(pids)
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.loading.asker"],
        cwd=ROOT,
        input=json.dumps(orders).encode(),
        stdout=subprocess.PIPE,
        check=True,
    )
    spent = Spent.by(pids) - before
    told = json.loads(done.stdout)
    found = told["kinds"]
    return Outcome(
        told["seconds"],
        {kind: np.array(one["seconds"]) for kind, one in found.items()},
        {kind: one["bytes"] for kind, one in found.items()},
        Spent(spent.seconds | {"asking": told["own"]}),
        [f"{kind}: {words}" for kind, one in found.items() for words in one["wrong"]],
    )
