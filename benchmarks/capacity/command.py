"""`python -m benchmarks capacity`: predict, or measure anew and check."""

import argparse
import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

from benchmarks.capacity import tables
from benchmarks.capacity.assumptions import parsed
from benchmarks.capacity.coefficients import MEASURED, load, save

HOME = Path(__file__).parents[2] / ".lastgang" / "capacity"


def main(arguments: Sequence[str]) -> int:
    """Return the exit status: 1 where a prediction is too far off."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks capacity",
        description="What an installation needs, from 10 meters to a million.",
    )
    parser.add_argument(
        "what",
        nargs="?",
        choices=("predict", "assumptions", "measure", "check"),
        default="predict",
        help="measure: anew, in an installation of its own; check: against two other sizes",
    )
    parser.add_argument("--meters", type=int, help="of one size instead of the table's")
    parser.add_argument("--tenants", type=int, default=1)
    found = parsed(arguments, parser)
    if found.what in ("measure", "check"):
        return _in_an_installation(found.what)
    if found.what == "assumptions":
        print(tables.assumptions(found.assumptions), end="")
        return 0
    sizes = ((found.meters, found.tenants),) if found.meters else tables.SIZES
    print(tables.capacity(found.assumptions, load(), sizes), end="")
    return 0


def _in_an_installation(what: str) -> int:
    from config.embedded import Embedded

    # Servers that have never held anything: what is left of others would change the sizes.
    Embedded(HOME).delete()
    os.environ["LASTGANG_HOME"] = str(HOME)
    # That no static files are collected, and that root starts a worker, is of no matter here.
    os.environ["PYTHONWARNINGS"] = "ignore"
    warnings.simplefilter("ignore")
    from benchmarks.setting import set_up

    set_up()
    from benchmarks.capacity import measuring

    if what == "measure":
        save(measuring.measure(), f"{os.cpu_count()} cores")
        print(f"Written to {MEASURED.name}.")
        return 0
    failed = 0
    for size, checks in measuring.check(load()).items():
        print(tables.validation(size, checks))
        failed += sum(not one.holds for one in checks)
    if failed:
        print(f"{failed} predictions are too far off.", file=sys.stderr)
    return 1 if failed else 0
