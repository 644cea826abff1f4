"""Processes of their own that ingest, for tests that kill them or let them race.

One process has loaded Django and forks a worker for each line that it reads, so that a worker costs
milliseconds. Run as a program it is that process; imported it is the other end of the line.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Stable:
    """Starts workers. Each works in one tenant and does one job."""

    process: subprocess.Popen[str]

    def start(self, **job: Any) -> int:
        """Start a worker; return its process id."""
        assert self.process.stdin
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        return int(self._line())

    def wait(self) -> dict[int, int]:
        """Wait for all that were started; return how each ended."""
        assert self.process.stdin
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        ended: dict[str, int] = json.loads(self._line())
        return {int(pid): status for pid, status in ended.items()}

    def _line(self) -> str:
        assert self.process.stdout
        line = self.process.stdout.readline()
        assert line, "the process that starts workers has ended"
        return line

    @staticmethod
    def kill(pid: int) -> None:
        os.kill(pid, signal.SIGKILL)


def environment() -> dict[str, str]:
    """Return the environment of a process that works in the test's database."""
    from django.db import connection

    address = os.environ["DATABASE_URL"].rsplit("/", 1)[0]
    return {
        **os.environ,
        "DATABASE_URL": f"{address}/{connection.settings_dict['NAME']}",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "LOG_LEVEL": "ERROR",
    }


@contextmanager
def stable() -> Iterator[Stable]:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.ingestion.workers"],
        cwd=ROOT,
        env=environment(),
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        try:
            yield Stable(process)
        finally:
            assert process.stdin
            process.stdin.close()
            process.wait(20)


# --- In the process of its own --------------------------------------------------------------------


def main() -> None:
    import django

    django.setup()
    import ingestion.services  # noqa: F401 - all is loaded before the first fork

    children: set[int] = set()
    for line in sys.stdin:
        if line.strip():
            job = json.loads(line)
            pid = os.fork()
            if not pid:
                os._exit(_work(job))
            children.add(pid)
            print(pid, flush=True)  # noqa: T201
        else:
            ended = {pid: os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children}
            children.clear()
            print(json.dumps(ended), flush=True)  # noqa: T201


def _work(job: dict[str, Any]) -> int:
    """Do one job: a run that is planned, or sweeps of a source."""
    import traceback

    from ingestion.lease import LostLeaseError, worker_name
    from ingestion.models import Run, Source
    from ingestion.services import execute_run, plan_run
    from tenants.models import Tenant

    try:
        with Tenant.objects.get(schema_name=job["schema"]).entered():
            if "run" in job:
                runs = [Run.objects.get(pk=job["run"])]
            else:
                source = Source.objects.get(pk=job["source"])
                window = {
                    name: datetime.fromisoformat(job[name])
                    for name in ("start", "stop")
                    if name in job
                }
                runs = [
                    plan_run(source=source, trigger=Run.Trigger.COMMAND, only=job["only"], **window)
                    for _ in range(job["times"])
                ]
            for run in runs:
                result = execute_run(run, worker=worker_name())
                if result is None:
                    return 3
                if result.failed:
                    return 4
    except LostLeaseError:
        return 5
    except Exception:  # noqa: BLE001 - told, and then the process ends
        traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    main()
