"""A process that asks many tenants at random, over many connections, and looks at each answer.

It takes its orders as JSON: the tenants, addresses of web processes, how often and with how many
threads to ask. It prints how many answers there were of which status, and what was wrong.
"""

import json
import random
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import urllib3

from tests.tenants.soak.crowd import foreign
from tests.tenants.unpacking import words_in

READINGS = [
    "/api/v1/meters/?page_size=50",
    "/api/v1/latest/",
    "/api/v1/meters/{muid}/",
    "/api/v1/meters/{muid}/latest/",
    "/api/v1/meters/{muid}/coverage/",
    "/api/v1/meters/{muid}/totals/?period=month",
    "/api/v1/meters/{muid}/readings/?start=-P2D&resolution=PT15M",
    "/api/v1/meters/{muid}/readings/?start=-P7D&resolution=PT1H",
    "/api/v1/meters/{muid}/readings/?start=-P2D&format=csv",
    "/api/v1/meters/{muid}/readings/?start=-P2D&format=parquet",
    "/api/v1/meters/{muid}/readings/?start=-P2D&format=arrow",
    "/api/v1/readings/?start=-P1D&format=csv",
    "/api/v1/runs/?page_size=20",
    "/api/v1/sources/",
    "/meterdata/measurement?muid={muid}&measurement=energy&limit=200&start=2020-01-01&stop=2100-01-01",
]
NOBODY = "nobody.example"


class Asker:
    """One thread's share."""

    def __init__(self, orders: dict[str, Any], seed: int) -> None:
        self.order = random.Random(seed)
        self.tenants: list[dict[str, Any]] = orders["tenants"]
        self.addresses: list[str] = orders["addresses"]
        self.http = urllib3.PoolManager(maxsize=2, retries=False, timeout=120)
        self.statuses: Counter[int] = Counter()
        self.wrong: list[str] = []

    def run(self, times: int) -> "Asker":
        kinds = [self.page, self.read, self.break_off, self.stranger, self.work]
        for _ in range(times):
            [kind] = self.order.choices(kinds, weights=[40, 45, 5, 8, 2])
            one, other = self.order.sample(self.tenants, 2)
            kind(one, other)
        return self

    def ask(
        self, one: dict[str, Any], path: str, *, host: str = "", method: str = "GET", **more: Any
    ) -> Any:
        headers = {"Host": host or one["domain"], "Accept-Encoding": "gzip"}
        headers |= more.pop("headers", {})
        address = self.order.choice(self.addresses) + path
        return self.http.request(method, address, headers=headers, redirect=False, **more)

    def look(self, one: dict[str, Any], path: str, answer: Any, expected: set[int]) -> None:
        self.statuses[answer.status] += 1
        text = str(dict(answer.headers)) + words_in(answer.data)
        if answer.status >= 500 or (expected and answer.status not in expected):
            self.wrong.append(f"{one['domain']}{path}: {answer.status} {text[-300:]}")
        if shown := foreign(text, one["number"]):
            self.wrong.append(f"{one['domain']}{path} shows {sorted(shown)}")

    def page(self, one: dict[str, Any], other: dict[str, Any]) -> None:
        """Ask for any address there is, as the tenant's administrator."""
        path = self.order.choice(one["paths"])
        answer = self.ask(one, path, headers={"Cookie": f"session={one['cookie']}"})
        self.look(one, path, answer, set())

    def read(self, one: dict[str, Any], other: dict[str, Any]) -> None:
        path = self.order.choice(READINGS).format(muid=one["muid"])
        self.look(one, path, self.ask(one, path, headers=bearer(one)), {200})

    def break_off(self, one: dict[str, Any], other: dict[str, Any]) -> None:
        """Read the beginning of one answer, another tenant's whole, and leave the first one."""
        path = "/api/v1/meters/{muid}/readings/?start=-P7D&format=csv"
        first = self.ask(
            one, path.format(muid=one["muid"]), headers=bearer(one), preload_content=False
        )
        begun = first.read(200)
        self.read(other, one)
        self.statuses[first.status] += 1
        if shown := foreign(begun.decode(), one["number"]):
            self.wrong.append(f"{one['domain']}{path} shows {sorted(shown)}")
        first.close()

    def stranger(self, one: dict[str, Any], other: dict[str, Any]) -> None:
        """Come with another tenant's token or session, or to a host that is nobody's."""
        path = "/api/v1/meters/"
        self.look(one, path, self.ask(one, path, headers=bearer(other)), {401})
        cookie = {"Cookie": f"session={other['cookie']}"}
        self.look(one, "/meters/", self.ask(one, "/meters/", headers=cookie), {302})
        theirs = f"/api/v1/meters/{other['muid']}/readings/?start=-P1D"
        self.look(one, theirs, self.ask(one, theirs, headers=bearer(one)), {404})
        self.look(one, "/", self.ask(one, "/", host=NOBODY), {404})

    def work(self, one: dict[str, Any], other: dict[str, Any]) -> None:
        """Have the tenant's source asked now, by a worker."""
        body = json.dumps({"source": one["source"]})
        headers = bearer(one) | {"Content-Type": "application/json"}
        answer = self.ask(one, "/api/v1/runs/", method="POST", body=body, headers=headers)
        # 409: it is under way already.
        self.look(one, "/api/v1/runs/", answer, {201, 202, 409})


def bearer(one: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {one['token']}"}


def main(orders: dict[str, Any]) -> dict[str, Any]:
    threads, times = orders["threads"], orders["times"]
    with ThreadPoolExecutor(threads) as pool:
        jobs = [
            pool.submit(Asker(orders, 1000 * orders["seed"] + number).run, times // threads)
            for number in range(threads)
        ]
        done = [job.result() for job in jobs]
    statuses = sum((one.statuses for one in done), Counter[int]())
    return {"statuses": statuses, "wrong": [words for one in done for words in one.wrong]}


if __name__ == "__main__":
    json.dump(main(json.load(sys.stdin)), sys.stdout)
