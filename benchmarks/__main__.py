"""`make bench`: run every benchmark, print a table, write JSON.

`python -m benchmarks hypothesis` asks how often the hypothesis is right, without any server.
"""

import sys

if sys.argv[1:2] == ["hypothesis"]:
    from benchmarks.hypothesis import main as ask

    ask(sys.argv[2:])
    sys.exit()

from benchmarks.setting import set_up

set_up()

from django.core.management import call_command  # noqa: E402 - settings need the servers

from benchmarks import (  # noqa: E402
    analysis,
    contract,
    counting,
    gaps,
    pages,
    prefetching,
    pulling,
    serving,
    storing,
    sweeping,
)
from benchmarks.report import Report  # noqa: E402


def main(arguments: list[str]) -> None:
    meters = int(arguments[0]) if arguments else 100
    call_command("migrate_schemas", shared=True, verbosity=0, interactive=False)
    report = Report()
    storing.run(report, meters=meters)
    pulling.run(report, meters=max(meters // 10, 2))
    prefetching.run(report)
    sweeping.run(report, registers=100 * meters)
    gaps.run(report, meters=meters)
    serving.run(report, meters=meters)
    pages.run(report, meters=10 * meters)
    contract.run(report)
    counting.run(report)
    analysis.run(report)
    report.show()
    report.save()


if __name__ == "__main__":
    main(sys.argv[1:])
