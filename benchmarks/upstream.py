"""An upstream to pull from, in a process of its own: `python -m benchmarks.upstream METERS`."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from uuid import UUID

from ingestion.simulator.catalogue import default_meters
from ingestion.simulator.server import SimulatorServer
from ingestion.simulator.upstream import Upstream

MISSING = 0.02


@dataclass(frozen=True, slots=True)
class Running:
    """The simulator's address, and the meters that it serves."""

    address: str
    muids: tuple[UUID, ...]


@contextlib.contextmanager
def upstream(meters: int) -> Iterator[Running]:
    """Serve so many meters, of which 2 % of the readings are missing, without compression."""
    command = [sys.executable, "-m", "benchmarks.upstream", str(meters)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            told = json.loads(process.stdout.readline())
            yield Running(told["address"], tuple(map(UUID, told["muids"])))
        finally:
            process.terminate()


def serve(meters: int) -> None:
    made = [
        replace(meter, missing_share=MISSING)
        for meter in default_meters(1, "Europe/Zurich", 47.38, 8.54, meters, 0, 0)
    ]
    with SimulatorServer(("127.0.0.1", 0), Upstream(meters=made, compress=False), None) as server:
        told = {"address": server.base_url, "muids": [meter.muid for meter in made]}
        print(json.dumps(told), flush=True)
        server.serve_forever()


if __name__ == "__main__":
    serve(int(sys.argv[1]))
