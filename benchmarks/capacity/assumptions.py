"""What the load model takes for granted, each by name: change one by an option of its own."""

import argparse
from collections.abc import Sequence
from dataclasses import Field, dataclass, field, fields
from typing import Any


def given(default: float, unit: str, words: str) -> Any:
    return field(default=default, metadata={"unit": unit, "words": words})


@dataclass(frozen=True, kw_only=True)
class Assumptions:
    """How an installation is used, and what it stands on.

    Prices are of no vendor's: they are there to weigh processors against memory and disk.
    """

    registers: float = given(1, "per meter", "registers that a meter has")
    interval: float = given(15, "min", "length of an interval")
    sweep: float = given(15, "min", "how often each meter is asked")
    sources: float = given(1, "per tenant", "sources whose sweeps go on side by side")
    reread: float = given(72, "h", "how far back each sweep reads again")
    latency: float = given(0.1, "s", "what an upstream takes to answer, beyond what it sends")
    at_once: float = given(4, "per run", "meters that are asked for at a time")
    corrected: float = given(0.01, "of readings", "share that is replaced later, in whole days")
    corrected_days: float = given(1, "d", "of a register that are replaced together")
    years: float = given(3, "a", "how long readings have been kept")
    outcome_days: float = given(30, "d", "how long outcomes of meters are kept")
    run_days: float = given(365, "d", "how long runs are kept")
    users: float = given(10, "per tenant", "people who look at pages")
    pages: float = given(40, "per person and day", "pages that each of them opens")
    overviews: float = given(0.3, "of pages", "share that is the overview; the others are meters'")
    feeding: float = given(1, "of tenants", "share in which some meter feeds in")
    calls: float = given(2, "per meter and day", "requests to the API")
    years_called: float = given(0.1, "of calls", "share that asks for a year by day, not a month")
    peak: float = given(4, "times the mean", "requests in the busiest hour of the day")
    utilisation: float = given(0.6, "", "share of its time for which a process is to be busy")
    pool: float = given(8, "per web process", "connections that a web process holds")
    lifetime: float = given(1800, "s", "after which a connection of a pool is made anew")
    shared_buffers: float = given(4, "GB", "PostgreSQL's own cache")
    web_limit: float = given(12, "processes", "web processes at most")
    worker_limit: float = given(24, "processes", "worker processes at most")
    connection_limit: float = given(220, "", "PostgreSQL's max_connections")
    core_limit: float = given(16, "cores", "of the machine of PostgreSQL")
    memory_limit: float = given(64, "GB", "of the machine of PostgreSQL")
    disk_limit: float = given(2000, "GB", "of the machine of PostgreSQL")
    wal_limit: float = given(50, "MB/s", "of write-ahead log that disk and archive take")
    dispatch: float = given(15, "s", "how often all tenants are asked what is due")
    scrape: float = given(30, "s", "how often the exporter is asked")
    look: float = given(10, "s", "within which the exporter has to have asked all tenants")
    node_cores: float = given(4, "cores", "of a machine for web and workers")
    node_memory: float = given(16, "GB", "of a machine for web and workers")
    core_hour: float = given(0.04, "per core and hour", "price of a processor with its memory")
    disk_month: float = given(0.12, "per GB and month", "price of disk, backups included")

    @property
    def sweeps_per_second(self) -> float:
        return 1 / (60 * self.sweep)

    @property
    def readings_per_day(self) -> float:
        """Of one register."""
        return 1440 / self.interval


def options() -> Sequence[Field[Any]]:
    return fields(Assumptions)


def parsed(arguments: Sequence[str], parser: argparse.ArgumentParser) -> argparse.Namespace:
    """Read the command line; `assumptions` of what is returned holds them."""
    for one in options():
        unit = f" [{one.metadata['unit']}]" if one.metadata["unit"] else ""
        parser.add_argument(
            f"--{one.name.replace('_', '-')}",
            type=float,
            default=one.default,
            metavar="N",
            help=f"{one.metadata['words']}{unit}; {one.default:g}",
        )
    found = parser.parse_args(arguments)
    found.assumptions = Assumptions(**{one.name: getattr(found, one.name) for one in options()})
    return found
