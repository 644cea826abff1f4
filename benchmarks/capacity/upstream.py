"""The upstream of a plant, in a process of its own: so many meters of one register and of two.

`python -m benchmarks.capacity.upstream SINGLE DOUBLE LATE`, with how late each answer is [s].
"""

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from ingestion.simulator.catalogue import default_meters
from ingestion.simulator.meter import SyntheticMeter
from ingestion.simulator.server import SimulatorServer
from ingestion.simulator.upstream import Answer, Upstream

ZONE = "Europe/Zurich"


class Late(Upstream):
    """An upstream at the far end of a line."""

    seconds = 0.0

    def answer(self, *asked: Any, **options: Any) -> Answer:
        time.sleep(self.seconds)
        return super().answer(*asked, **options)


@dataclass(frozen=True, slots=True)
class Running:
    address: str
    single: tuple[UUID, ...]
    double: tuple[UUID, ...]


@contextlib.contextmanager
def running(single: int, double: int, late: float = 0.0) -> Iterator[Running]:
    command = [sys.executable, "-m", __name__, str(single), str(double), str(late)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            told = json.loads(process.stdout.readline())
            yield Running(
                told["address"],
                *(tuple(map(UUID, told["muids"][kind])) for kind in ("single", "double")),
            )
        finally:
            process.terminate()


def serve(single: int, double: int, late: float) -> None:
    made = default_meters(7, ZONE, 47.38, 8.54, single, double, 0)
    # The first household lacks some readings; all of these are whole.
    whole = [replace(meter, missing_share=0.0) for meter in made]
    pairs: list[SyntheticMeter] = [replace(meter, standby=5.0) for meter in whole[single:]]
    served = Late(meters=[*whole[:single], *pairs], compress=False)
    served.seconds = late
    with SimulatorServer(("127.0.0.1", 0), served, None) as server:
        muids = {"single": whole[:single], "double": pairs}
        told = {kind: [meter.muid for meter in found] for kind, found in muids.items()}
        print(json.dumps({"address": server.base_url, "muids": told}), flush=True)
        server.serve_forever()


if __name__ == "__main__":
    serve(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
