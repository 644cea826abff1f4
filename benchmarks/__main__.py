"""`make bench`: run every benchmark, print a table, write JSON."""

import os
import sys
from pathlib import Path

from config.embedded import lease_for_environment

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ.setdefault("LOG_LEVEL", "WARNING")
# Servers of its own, with PostgreSQL's own settings; the demo's data are left alone.
os.environ.setdefault("LASTGANG_HOME", str(Path(__file__).parent.parent / ".lastgang" / "bench"))
lease_for_environment(os.environ)

import django  # noqa: E402 - settings need the servers

django.setup()

from django.core.management import call_command  # noqa: E402

from benchmarks import prefetching, storing, sweeping  # noqa: E402
from benchmarks.report import Report  # noqa: E402


def main(arguments: list[str]) -> None:
    meters = int(arguments[0]) if arguments else 100
    call_command("migrate_schemas", shared=True, verbosity=0, interactive=False)
    report = Report()
    storing.run(report, meters=meters)
    sweeping.run(report, registers=10 * meters)
    prefetching.run(report)
    report.show()
    report.save()


if __name__ == "__main__":
    main(sys.argv[1:])
