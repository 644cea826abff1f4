"""One process that ingests: `python -m benchmarks.puller SCHEMA SOURCE START STOP MUID…`.

Prints what it took, as JSON: readings, seconds of its own processor time, and its peak memory.
"""

import json
import sys
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from benchmarks.setting import set_up


@dataclass(frozen=True, slots=True)
class Pulled:
    """What one pull took.

    Attributes
    ----------
    readings
        How many it brought.
    wall, cpu
        Seconds on the clock, and of this process's processor time.
    peak
        The most memory that this process has held so far [MB].
    """

    readings: int
    wall: float
    cpu: float
    peak: float


def pull(source: int, start: int, stop: int, muids: list[UUID]) -> Pulled:
    """Ingest meters over HTTP, in the tenant that is entered."""
    from ingestion.models import Run, Source
    from ingestion.services import execute_run, plan_run

    run = plan_run(
        source=Source.objects.get(pk=source),
        trigger=Run.Trigger.COMMAND,
        only=muids,
        start=datetime.fromtimestamp(start, UTC),
        stop=datetime.fromtimestamp(stop, UTC),
    )
    wall, cpu = time.perf_counter(), time.process_time()
    done = execute_run(run, worker=f"benchmark {run.pk}")
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    assert done is not None
    assert done.run.state == Run.State.SUCCEEDED, done.run.error
    return Pulled(done.run.readings, wall, cpu, _peak())


def _peak() -> float:
    # What getrusage tells counts from before this program was begun: it knows the parent's size.
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024 / 1e6


def main(schema: str, source: str, start: str, stop: str, *muids: str) -> None:
    set_up()
    from tenants.models import Tenant

    with Tenant.objects.get(schema_name=schema).entered():
        done = pull(int(source), int(start), int(stop), [UUID(muid) for muid in muids])
    print(json.dumps(asdict(done)))


if __name__ == "__main__":
    main(*sys.argv[1:])
