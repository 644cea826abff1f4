"""From the upstream's HTTP answer to the commit: against orjson alone, and textbook Django.

Measured per second of the ingesting process's own processor time, for that is what a worker has to
give: the simulated upstream and PostgreSQL are other processes.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any
from unittest import mock
from uuid import UUID

import numpy as np
import orjson
import requests

from benchmarks import textbook
from benchmarks.puller import Pulled, pull
from benchmarks.report import Report
from benchmarks.storing import SLUG, ZONE, tenant
from benchmarks.upstream import Running, upstream
from ingestion import client, jobs, windows
from ingestion.collector import collected_between
from ingestion.endpoint import PATH
from ingestion.models import Feed, Source
from meters.models import Meter

START = int(datetime(2024, 1, 1, tzinfo=UTC).timestamp())
YEAR = 366 * 86_400
# Fits 5,000 rows at 15 minutes.
WINDOW = 46 * 86_400
# So many meters are asked for in one run, and so many runs are made of each way.
SHARE, TURNS = 5, 3


def run(report: Report, *, meters: int) -> None:
    with upstream(2 * meters) as running, tenant():
        source = _plant(running)
        _rates(report, running, source, running.muids[: SHARE * TURNS])
        _shares(report, source, running.muids[:meters])
        _memory(report, source, running.muids[-1])
        _workers(report, source, running.muids, meters)


def _plant(running: Running) -> int:
    source = Source.objects.create(name="Simulator", address=running.address)
    for muid in running.muids:
        meter = Meter.objects.create(muid=muid, name=str(muid)[:30], timezone=ZONE)
        Feed.objects.create(meter=meter, source=source)
    return source.pk


def _windows(start: int, stop: int) -> list[list[str]]:
    edges = [*range(start, stop, WINDOW), stop]
    return [
        [datetime.fromtimestamp(edge, UTC).isoformat() for edge in pair] for pair in pairwise(edges)
    ]


def _rates(report: Report, running: Running, source: int, muids: tuple[UUID, ...]) -> None:
    """Pull a year of each meter in three ways, in turn; the median turn counts."""
    stop, parts = START + YEAR, _windows(START, START + YEAR)
    ways = ("ours", "again", "parsing", "bare parsing", "textbook", "textbook again")
    # Seconds of each turn.
    spent: dict[str, list[float]] = {way: [] for way in ways}
    clock: dict[str, list[float]] = {way: [] for way in ways}
    readings: list[int] = []

    def measured(name: str, work: Callable[[], object]) -> object:
        wall, cpu = time.perf_counter(), time.process_time()
        result = work()
        spent[name].append(time.process_time() - cpu)
        clock[name].append(time.perf_counter() - wall)
        return result

    def median_rate(seconds: list[float]) -> float:
        return float(np.median(np.array(readings) / seconds))

    with textbook.table(), requests.Session() as session:
        for begin in range(0, len(muids), SHARE):
            some = list(muids[begin : begin + SHARE])
            # Rendered by now, for all ways.
            pages = [page for muid in some for page in _pages(session, running, muid, parts)]
            pulled = measured("ours", lambda some=some: pull(source, START, stop, some))
            assert isinstance(pulled, Pulled)
            readings.append(pulled.readings)
            measured("parsing", lambda pages=pages: _each_parsed(pages))
            with collected_between():
                measured("bare parsing", lambda pages=pages: _each_parsed(pages))
            measured("again", lambda some=some: pull(source, START, stop, some))
            for name in ("textbook", "textbook again"):
                measured(
                    name,
                    lambda some=some: [
                        textbook.pull(session, running.address, muid, parts) for muid in some
                    ],
                )
    rate = {name: median_rate(seconds) for name, seconds in spent.items()}
    per_second = "readings per CPU-second"
    report.rate("HTTP to commit, beside orjson alone", per_second, rate["ours"], rate["parsing"])
    report.rate(
        "HTTP to commit, beside orjson with the collector off", per_second,
        rate["ours"], rate["bare parsing"],
    )  # fmt: skip
    report.rate(
        "the same again, beside orjson with the collector off", per_second,
        rate["again"], rate["bare parsing"],
    )  # fmt: skip
    report.rate("HTTP to commit, beside textbook", per_second, rate["ours"], rate["textbook"])
    report.rate(
        "the same again, beside textbook", per_second, rate["again"], rate["textbook again"]
    )
    report.rate(
        "HTTP to commit, on the clock", "readings/s",
        median_rate(clock["ours"]), median_rate(clock["textbook"]),
    )  # fmt: skip


def _each_parsed(pages: list[bytes]) -> None:
    for page in pages:
        orjson.loads(page)


def _pages(
    session: requests.Session, running: Running, muid: UUID, windows: list[list[str]]
) -> list[bytes]:
    common = {"muid": str(muid), "measurement": "energy", "limit": "5000"}
    return [
        session.get(
            running.address + PATH, params=common | {"start": start, "stop": stop}, timeout=60
        ).content
        for start, stop in windows
    ]


def _shares(report: Report, source: int, muids: tuple[UUID, ...]) -> None:
    """Tell where the time goes of a year that is pulled again, unchanged."""
    spent: dict[str, float] = {}

    def watched(module: Any, name: str, what: str) -> Any:
        original = getattr(module, name)

        def timed(*args: Any, **options: Any) -> Any:
            began = time.thread_time()
            try:
                return original(*args, **options)
            finally:
                spent[what] = spent.get(what, 0.0) + time.thread_time() - began

        return mock.patch.object(module, name, timed)

    with (
        watched(client, "read_rows", "parsing JSON"),
        watched(windows, "parse", "turning rows into columns"),
        watched(jobs, "store", "storing"),
        watched(client.Client, "page", "HTTP"),
    ):
        whole = pull(source, START, START + YEAR, list(muids)).cpu
    spent["HTTP"] -= spent["parsing JSON"]
    told = ", ".join(f"{what} {seconds / whole:.0%}" for what, seconds in spent.items())
    report.notes.append(f"Of what pulling a year again costs the process: {told}.")


def _memory(report: Report, source: int, muid: UUID) -> None:
    """Pull one year and ten years of a meter, each in a process of its own."""
    [year] = processes(SLUG, source, START - YEAR, START, [[muid]])
    [decade] = processes(SLUG, source, START - 9 * YEAR, START + YEAR, [[muid]])
    report.cost("peak memory of a worker: ten years, beside one", "MB", decade.peak, year.peak)


def _workers(report: Report, source: int, muids: tuple[UUID, ...], each: int) -> None:
    """Pull the same meters with one process and with two, before the first year that is stored."""
    start, stop = START - 2 * YEAR, START - YEAR
    processes(SLUG, source, start, stop, [list(muids)])  # so that all is rendered and stored
    one = processes(SLUG, source, start, stop, [list(muids)])
    two = processes(SLUG, source, start, stop, [list(muids[:each]), list(muids[each:])])
    rates = [sum(p.readings for p in ps) / sum(p.cpu for p in ps) for ps in (two, one)]
    report.rate("two workers, beside one", "readings per CPU-second", *rates)
    walls = [max(p.wall for p in ps) for ps in (two, one)]
    report.cost("two workers, on the clock", "s", *walls)


def processes(
    schema: str, source: int, start: int, stop: int, shares: list[list[UUID]], *, at_once: int = 4
) -> list[Pulled]:
    """Pull each share of meters by a process of its own, all at one time.

    Parameters
    ----------
    at_once
        Meters that each process asks for at a time.
    """
    env = os.environ | {"INGESTION_AT_ONCE": str(at_once)}
    started = [
        subprocess.Popen(
            [
                sys.executable, "-m", "benchmarks.puller", schema,
                *map(str, [source, start, stop, *muids]),
            ],
            stdout=subprocess.PIPE,
            text=True,
            env=env,
        )
        for muids in shares
    ]  # fmt: skip
    told = [process.communicate()[0] for process in started]
    return [Pulled(**json.loads(text.splitlines()[-1])) for text in told]
