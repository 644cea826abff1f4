"""A simulated upstream that misbehaves, a meter that it feeds, and what must come of it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from ingestion.models import Outcome, RejectedReading, Run, Source
from ingestion.results import RunResult
from ingestion.services import execute_run, plan_run
from ingestion.simulator.catalogue import default_meters
from ingestion.simulator.faults import Plan, read_plan
from ingestion.simulator.server import RunningSimulator, running_simulator
from ingestion.simulator.synthetic import SyntheticMeter, readings
from meters.models import Meter
from meters.qualities import BY_NAME
from tests.ingestion.plant import IMPORT, Readings, check_rows, make_meter, make_source, stored

# Two days are asked for, and the first of them is stored before anything goes wrong.
START, NOON, STOP = (datetime(2023, 2, day, tzinfo=UTC) for day in (1, 2, 3))
DAY = 96


@dataclass
class Plant:
    """One meter, its source, and the upstream behind it."""

    simulator: RunningSimulator
    served: SyntheticMeter
    meter: Meter
    source: Source
    waits: list[float] = field(default_factory=list)

    @property
    def muid(self) -> UUID:
        return self.meter.muid

    @property
    def host(self) -> str:
        return self.simulator.base_url.removeprefix("http://")

    def sweep(
        self, *faults: str, start: datetime | None = START, stop: datetime | None = STOP
    ) -> RunResult:
        """Sweep once while these faults hold, and then no more."""
        self.simulator.plan = read_plan(faults)
        self.waits.clear()
        run = plan_run(source=self.source, trigger=Run.Trigger.COMMAND, start=start, stop=stop)
        result = execute_run(run, worker="tester", sleep=self.waits.append)
        self.simulator.plan = Plan()
        assert result is not None
        check_rows()
        return result

    @property
    def stored(self) -> Readings:
        return stored(self.muid)

    def truth(self, start: datetime = START, stop: datetime = STOP) -> Readings:
        """What the upstream holds, from its generator."""
        return truth(self.served, start, stop)

    def refused(self, run: Run) -> list[RejectedReading]:
        return list(RejectedReading.objects.filter(run=run).order_by("pk"))

    def outcome(self, run: Run) -> Outcome:
        return Outcome.objects.get(run=run, meter=self.meter)


def truth(served: SyntheticMeter, start: datetime, stop: datetime) -> Readings:
    made = readings(served, start, stop)
    return {
        at: (round(value, served.decimals), int(BY_NAME[("measured", "estimated")[quality]]))
        for at, value, quality in zip(
            made.instants.tolist(), made.values.tolist(), made.qualities.tolist(), strict=True
        )
    }


def catalogue(constants: int = 1) -> Sequence[SyntheticMeter]:
    return default_meters(
        1, "Europe/Zurich", 47.38, 8.54, households=0, photovoltaics=0, constants=constants
    )


@contextmanager
def plant(*, first_day: bool = True, **options: Any) -> Iterator[Plant]:
    """Run an upstream with one meter, whose first day is stored already."""
    served = catalogue()[0]
    now = options.pop("now", None)
    with running_simulator(meters=[served], now=now) as simulator:
        meter = make_meter(muid=UUID(served.muid))
        source = make_source(simulator.base_url, meter, **options)
        made = Plant(simulator, served, meter, source)
        if first_day:
            assert made.sweep(stop=NOON).counts.new == DAY
        yield made


@contextmanager
def plant_again(made: Plant, now: datetime) -> Iterator[Plant]:
    """Run the same upstream at another time, under another address."""
    with running_simulator(meters=[made.served], now=now) as simulator:
        made.source.address = simulator.base_url
        made.source.save()
        yield Plant(simulator, made.served, made.meter, made.source)


def same(have: Readings, expected: Readings) -> bool:
    """Whether two sets of readings are equal to the last digit that is served."""
    return have.keys() == expected.keys() and all(
        abs(have[at][0] - value) < 1e-9 and have[at][1] == quality
        for at, (value, quality) in expected.items()
    )


__all__ = [
    "DAY",
    "IMPORT",
    "NOON",
    "START",
    "STOP",
    "Plant",
    "catalogue",
    "plant",
    "plant_again",
    "same",
    "truth",
]
