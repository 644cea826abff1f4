"""`manage.py demo` as a process: however it was started, it can be ended."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.ingestion.workers import ROOT


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_job_of_a_shell_without_job_control_is_ended(
    tmp_path: Path, number: signal.Signals
) -> None:
    """Such a shell has its background jobs ignore SIGINT. `make browser` ends one that serves."""
    servers = ("DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE")
    environment = {name: value for name, value in os.environ.items() if name not in servers}
    with subprocess.Popen(
        ["/bin/sh", "-c", f'"{sys.executable}" manage.py demo & echo $!; wait $!; echo $?'],
        cwd=ROOT,
        env=environment | {"LASTGANG_HOME": str(tmp_path), "LASTGANG_EMBEDDED_FSYNC": "off"},
        text=True,
        stdout=subprocess.PIPE,
    ) as shell:
        assert shell.stdout
        demo = int(shell.stdout.readline())
        assert shell.stdout.readline() == "Preparing the database …\n"
        os.kill(demo, number)
        assert shell.stdout.read() == "\nStopped.\n0\n"
