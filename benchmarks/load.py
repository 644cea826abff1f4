"""`python -m benchmarks load [--minutes 10]`: what an installation sustains, and at what cost.

Fifty tenants with three meters and a year each, two web processes as the image starts them, all
with production's settings; who asks stands on the same machine and is told with the rest. In turn:

1. each kind of question alone, as fast as answers come: how many a second, and what each costs
2. all kinds alike, as fast as answers come: the capacity
3. all kinds alike at 70 % of that, for so many minutes: latencies, errors, memory
4. at 40 % of it, for a while: what there is to compare with
5. a full ingestion alone, for a while
6. the ingestion and the 40 % together, for seven tenths of the minutes

With ten minutes all of it takes 23.
"""

import argparse
import json
import platform
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.loading.asking import QUESTIONS, Outcome, ask
from benchmarks.loading.ingesting import ingestion
from benchmarks.loading.site import Running, Site, memory, site
from benchmarks.report import RESULTS

TENANTS, METERS, WEBS = 50, 3, 2
# More than are read meanwhile.
INGESTED = 5_000
SUSTAINED, BESIDE = 0.7, 0.4


@dataclass
class Trial:
    site: Site
    webs: list[Running]
    seconds: float
    console: Console = field(
        default_factory=lambda: Console(width=118, highlight=False, markup=False)
    )
    told: dict[str, Any] = field(default_factory=dict)

    def run(self) -> None:
        kinds = list(QUESTIONS)
        self._ask("warm-up", kinds, 5 + self.seconds / 60)
        alone = {kind: self._ask(f"{kind} alone", [kind], self.seconds / 40) for kind in kinds}
        self._show_alone(alone)
        most = self._ask("all alike, as fast as answers come", kinds, self.seconds / 30).rate
        before = self._memory()
        sustained = self._ask("all alike, 70 %", kinds, self.seconds, rate=SUSTAINED * most, seed=2)
        self._show_rate("70 % of what is answered at most", sustained)
        self.told["memory"] = {"before": before, "after": self._memory()}
        self.console.print(f"Memory of web processes [MB]: {before} before, {self._memory()} after")
        quiet = self._ask("all alike, 40 %", kinds, 0.15 * self.seconds, rate=BESIDE * most, seed=3)
        self._show_rate("40 %", quiet)
        self._ingest(kinds, BESIDE * most)

    def _ingest(self, kinds: list[str], rate: float) -> None:
        with ingestion(self.site, meters=INGESTED) as under_way:
            while not (begun := under_way.readings())[0]:
                time.sleep(0.5)
            time.sleep(0.1 * self.seconds)
            between = under_way.readings()
            both = self._ask(
                "all alike, 40 %, beside an ingestion",
                kinds,
                0.7 * self.seconds,
                rate=rate,
                seed=4,
                others=under_way.pids,
            )
            ended = under_way.readings()
        alone, beside = pace(begun, between), pace(between, ended)
        self._show_rate("40 %, while a full ingestion runs", both)
        self.told["ingestion"] = {"alone": alone, "beside": beside}
        self.console.print(
            f"Ingestion [readings/s]: {alone:,.0f} alone, {beside:,.0f} beside the requests"
        )

    def _ask(self, name: str, kinds: list[str], seconds: float, **options: Any) -> Outcome:
        found = ask(self.site, self.webs, kinds, seconds=seconds, **options)
        self.told[name] = {
            "rate": found.rate,
            "requests": found.requests,
            "errors": found.wrong[:20],
            "asked_rate": options.get("rate", 0),
            "cpu_seconds": found.spent.seconds,
            "kinds": {
                kind: {
                    "requests": len(found.latencies[kind]),
                    "bytes": found.bytes[kind],
                    "ms": {str(share): found.quantile(share, kind) for share in (0.5, 0.99, 0.999)},
                }
                for kind in kinds
            },
        }
        if found.wrong:
            self.console.print(f"{len(found.wrong)} errors: {found.wrong[:5]}")
        return found

    def _memory(self) -> list[float]:
        return [round(memory(web.process.pid), 1) for web in self.webs]

    def _show_alone(self, alone: dict[str, Outcome]) -> None:
        rows = [
            [
                kind,
                f"{one.rate:,.1f}",
                f"{one.quantile(0.5):,.0f}",
                f"{one.quantile(0.99):,.0f}",
                *(f"{one.cost(of):.2f}" for of in ("web", "PostgreSQL", "Redis", "asking")),
                f"{one.bytes[kind] / one.requests / 1e3:,.1f}",
                str(len(one.wrong)),
            ]
            for kind, one in alone.items()
        ]
        titles = ["p50 ms", "p99 ms", "web ms", "PG ms", "Redis ms", "asking ms", "kB", "errors"]
        self._show("each alone, as fast as answers come", ["answers/s", *titles], rows)

    def _show_rate(self, title: str, found: Outcome) -> None:
        rows = [
            [
                kind,
                f"{len(some) / found.seconds:,.1f}",
                *(f"{found.quantile(share, kind):,.0f}" for share in (0.5, 0.99, 0.999)),
                f"{found.bytes[kind] / max(len(some), 1) / 1e3:,.1f}",
                str(sum(one.startswith(f"{kind}:") for one in found.wrong)),
            ]
            for kind, some in found.latencies.items()
        ]
        titles = ["answers/s", "p50 ms", "p99 ms", "p99.9 ms", "kB", "errors"]
        self._show(f"{title}: {found.rate:,.1f} answers/s for {found.seconds:,.0f} s", titles, rows)
        used = {name: f"{spent / found.seconds:.2f}" for name, spent in found.spent.seconds.items()}
        self.console.print(f"Processors in use: {used}")

    def _show(self, title: str, titles: list[str], rows: list[list[str]]) -> None:
        table = Table(title=title, title_justify="left", box=None, pad_edge=False)
        table.add_column("kind")
        for one in titles:
            table.add_column(one, justify="right")
        for row in rows:
            table.add_row(*row)
        self.console.print(table)


def pace(begun: tuple[int, float], ended: tuple[int, float]) -> float:
    """Return how many readings were stored in a second."""
    return (ended[0] - begun[0]) / (ended[1] - begun[1])


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks load", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--tenants", type=int, default=TENANTS)
    given = parser.parse_args(arguments)
    began = datetime.now(UTC)
    with ExitStack() as stack:
        made = stack.enter_context(site(tenants=given.tenants, meters=METERS))
        webs = [stack.enter_context(made.web()) for _ in range(WEBS)]
        trial = Trial(made, webs, 60 * given.minutes)
        trial.run()
    RESULTS.mkdir(exist_ok=True)
    body = {
        "at": began.isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "minutes": given.minutes,
        "tenants": given.tenants,
        "phases": trial.told,
    }
    (RESULTS / f"{began:%Y%m%dT%H%M%S}-load.json").write_text(json.dumps(body, indent=2) + "\n")
