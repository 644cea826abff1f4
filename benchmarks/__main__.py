"""`make bench`: run every benchmark, print a table, write JSON.

`python -m benchmarks 40` takes 40 meters instead of 100, `python -m benchmarks pages drawing` runs
these two alone.
`python -m benchmarks hypothesis` asks how often the hypothesis is right, without any server.
`python -m benchmarks load` and `… servers` ask a whole installation of their own.
`python -m benchmarks capacity` tells what an installation of any size needs (benchmarks/capacity).
"""

import sys
from collections.abc import Callable

if sys.argv[1:2] == ["hypothesis"]:
    from benchmarks.hypothesis import main as ask

    ask(sys.argv[2:])
    sys.exit()

if sys.argv[1:2] == ["load"]:
    from benchmarks.load import main as load

    load(sys.argv[2:])
    sys.exit()

if sys.argv[1:2] == ["servers"]:
    from benchmarks.servers import main as compare

    compare()
    sys.exit()

if sys.argv[1:2] == ["capacity"]:
    from benchmarks.capacity.command import main as predict

    sys.exit(predict(sys.argv[2:]))

from benchmarks.setting import set_up

set_up()

from django.core.management import call_command  # noqa: E402 - settings need the servers

from benchmarks import (  # noqa: E402
    analysis,
    bottlenecks,
    contract,
    counting,
    drawing,
    gaps,
    pages,
    prefetching,
    pulling,
    replicas,
    roles,
    serving,
    storing,
    sweeping,
    watching,
)
from benchmarks.report import Report  # noqa: E402


def main(arguments: list[str]) -> None:
    numbers = [int(one) for one in arguments if one.isdecimal()]
    chosen = [one for one in arguments if not one.isdecimal()]
    meters = numbers[0] if numbers else 100
    report = Report()
    parts: dict[str, Callable[[], None]] = {
        "storing": lambda: storing.run(report, meters=meters),
        "pulling": lambda: pulling.run(report, meters=max(meters // 10, 2)),
        "prefetching": lambda: prefetching.run(report),
        "sweeping": lambda: sweeping.run(report, registers=100 * meters),
        "gaps": lambda: gaps.run(report, meters=meters),
        "serving": lambda: serving.run(report, meters=meters),
        "pages": lambda: pages.run(report, meters=10 * meters),
        "drawing": lambda: drawing.run(report),
        "contract": lambda: contract.run(report),
        "counting": lambda: counting.run(report),
        "analysis": lambda: analysis.run(report),
        "watching": lambda: watching.run(report),
        "roles": lambda: roles.run(report),
        "replicas": lambda: replicas.run(report),
        "bottlenecks": lambda: bottlenecks.run(report),
    }
    if unknown := set(chosen) - set(parts):
        sys.exit(f"No benchmark is called {', '.join(sorted(unknown))}: {', '.join(parts)}.")
    call_command("migrate_schemas", shared=True, verbosity=0, interactive=False)
    for name in chosen or parts:
        parts[name]()
    report.show()
    report.save()


if __name__ == "__main__":
    main(sys.argv[1:])
