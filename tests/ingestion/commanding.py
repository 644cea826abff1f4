"""`manage.py ingest`, run here or as a process."""

import io
import subprocess
import sys
from typing import Any

from django.core.management import CommandError, call_command

from ingestion.models import Outcome, ReadingRevision, RejectedReading, Run
from meters.models import DailyProfile, Meter, Register
from tests.ingestion.workers import ROOT, environment

TABLES = (Run, Outcome, Meter, Register, DailyProfile, RejectedReading, ReadingRevision)


def ingest(*arguments: object, **options: Any) -> tuple[list[str], str]:
    """Run the command here; return the lines of its table and what it wrote beside."""
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command("ingest", *map(str, arguments), stdout=out, stderr=err, **options)
    except CommandError as error:
        error.args = (*error.args, out.getvalue(), err.getvalue())
        raise
    return out.getvalue().splitlines(), err.getvalue()


def held() -> list[int]:
    return [model.objects.count() for model in TABLES]


def manage(*arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", "ingest", *map(str, arguments)],
        cwd=ROOT,
        env=environment() | options,
        text=True,
        capture_output=True,
        timeout=60,
    )
