"""How much each class of each rule weighs for each kind: learnt from the training meters."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from analytics.hypothesis import Kind, Observed
from analytics.hypothesis.reasoning import FULL_DAYS, KINDS, softmax
from analytics.hypothesis.rules import RULES, look
from benchmarks.hypothesis_meters import KINDS as MODELS
from benchmarks.hypothesis_meters import TRAINING, Case, draw, noise
from meters.days import Floats, Ints

FILE = Path(__file__).parents[1] / "analytics" / "hypothesis" / "weights.py"

MOST = 2.0
"""No finding alone weighs more [nat]: a class that was never seen with a kind may yet occur."""
ANYTHING = 0.4
"""Share of 'cannot tell' that is not the noise of the training, but anything at all."""
FOLDS = 5

Table = list[Floats]
"""Of each rule, the weights of its classes, shape ``(classes, kinds)``."""


def calibrate(count: int) -> None:
    """Learn weights and temper from `count` meters of each kind, and write them down."""
    cases: list[Case] = []
    truths: list[int] = []
    rows: list[Ints] = []
    days: list[float] = []
    for kind in Kind:
        for number in range(count):
            case = draw(TRAINING, number, kind) if kind in MODELS else noise(TRAINING, number)
            seen = Observed.of(case.registers)
            rows.append(classes(seen))
            days.append(seen.days)
            truths.append(KINDS.index(kind))
            cases.append(case)
        print(f"{kind}: {count} meters", flush=True)
    found, truth, lasting = np.array(rows), np.array(truths), np.array(days)
    temper = _temper(found, truth, lasting)
    FILE.write_text(_written(weigh(found, truth), temper, count))
    subprocess.run([sys.executable, "-m", "ruff", "format", "--quiet", str(FILE)], check=True)
    print(f"Written to {FILE.name}, temper {temper}.")


def classes(seen: Observed) -> Ints:
    """The class of each rule's figure; −1 where it could not be read."""
    return np.array([-1 if one.bin is None else one.bin for one in look(seen)])


def weigh(found: Ints, truth: Ints) -> Table:
    """Logarithm of how much likelier each class is with each kind than with the average of all."""
    table = []
    for number, rule in enumerate(RULES):
        size = len(rule.edges) + 1
        shares = np.empty((size, len(KINDS)))
        for kind in range(len(KINDS)):
            there = found[(truth == kind) & (found[:, number] >= 0), number]
            # One meter more in each class, so that nothing is impossible.
            counts = np.bincount(there, minlength=size) + 1.0
            shares[:, kind] = counts / counts.sum()
        shares[:, -1] = (1 - ANYTHING) * shares[:, -1] + ANYTHING / size
        weights = np.log(shares / shares.mean(axis=1, keepdims=True))
        table.append(np.clip(weights, -MOST, MOST).round(2))
    return table


def added(found: Ints, table: Table) -> Floats:
    """Sum of the weights of each meter's findings, shape ``(meters, kinds)``."""
    total = np.zeros((len(found), len(KINDS)))
    for number, weights in enumerate(table):
        read = found[:, number] >= 0
        total[read] += weights[found[read, number]]
    return total


def _temper(found: Ints, truth: Ints, days: Floats) -> float:
    """The factor on the sum that makes the meters of the other folds likeliest."""
    fold = np.arange(len(truth)) % FOLDS
    total = np.empty((len(truth), len(KINDS)))
    for number in range(FOLDS):
        total[fold == number] = added(
            found[fold == number], weigh(found[fold != number], truth[fold != number])
        )
    shorter = np.minimum(1.0, days / FULL_DAYS)[:, None] ** 0.5
    factors = np.arange(0.1, 1.01, 0.01)
    at = np.arange(len(truth))
    losses = [-np.log(softmax(total * factor * shorter)[at, truth]).mean() for factor in factors]
    return float(round(factors[int(np.argmin(losses))], 2))


def _written(table: Table, temper: float, count: int) -> str:
    lines = [
        '"""What each class of each rule weighs for each kind [nat]: above 0 it speaks for it.',
        "",
        "Logarithms of how much likelier the class is with the kind than with the average of all,",
        f"from {count} synthetic meters of each kind, none beyond ±{MOST:g}. Made by",
        "`python -m benchmarks hypothesis --calibrate`; change the rules or the meters, not this.",
        '"""',
        "",
        f"TEMPER = {temper}",
        '"""Factor on the sum of a meter\'s weights, for findings that depend on each other."""',
        "",
        f"# Columns: {', '.join(KINDS[:4])},",
        f"# {', '.join(KINDS[4:])}.",
        "WEIGHTS: dict[str, tuple[tuple[float, ...], ...]] = {",
    ]
    for rule, weights in zip(RULES, table, strict=True):
        lines.append(f'    "{rule.name}": (  # {rule.measures}')
        for number, row in enumerate(weights):
            lines.append(f"        ({_row(row)}),  # {_class_in_words(rule.edges, number)}")
        lines.append("    ),")
    return "\n".join([*lines, "}", ""])


def _row(row: Sequence[float] | Floats) -> str:
    return ", ".join(f"{float(value) + 0.0:.2f}" for value in row)


def _class_in_words(edges: tuple[float, ...], number: int) -> str:
    if number == 0:
        return f"below {edges[0]:g}"
    if number == len(edges):
        return f"{edges[-1]:g} and more"
    return f"{edges[number - 1]:g} to {edges[number]:g}"
