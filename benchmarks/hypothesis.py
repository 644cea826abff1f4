"""`python -m benchmarks hypothesis`: how often the hypothesis is right, on meters it has not seen.

Writes what it finds into docs/hypothesis.md. `--calibrate` learns the weights of the rules anew.
"""

import argparse
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np

from analytics.hypothesis import Argument, Kind, argue
from analytics.hypothesis.reasoning import KINDS
from benchmarks.hypothesis_meters import KINDS as MODELS
from benchmarks.hypothesis_meters import PROOF, Case, draw, noise, shuffled

PAGE = Path(__file__).parents[1] / "docs" / "hypothesis.md"
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
THREE_DAYS = 3.0


@dataclass
class Proof:
    """What came of a number of cases.

    Attributes
    ----------
    confusion
        How many meters of each kind (rows) were first taken for which (columns).
    brier
        Of each meter the sum over all statements of the squared distance between confidence and
        truth; 0 is perfect and 2 the worst.
    claims
        Confidence of each first statement, and whether it was right.
    longitudes
        How far the longitude of each feed-in was off [°].
    seconds
        How long each argument took.
    wrong
        What was taken for something else.
    """

    confusion: np.ndarray = field(default_factory=lambda: np.zeros((8, 8), np.int64))
    brier: list[float] = field(default_factory=list)
    claims: list[tuple[float, bool]] = field(default_factory=list)
    longitudes: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def add(self, case: Case) -> Argument:
        began = time.perf_counter()
        argument = argue(case.registers)
        self.seconds.append(time.perf_counter() - began)
        first = argument.first
        self.confusion[KINDS.index(case.kind), KINDS.index(first.kind)] += 1
        self.brier.append(
            sum((one.confidence - (one.kind is case.kind)) ** 2 for one in argument.statements)
        )
        self.claims.append((first.confidence, first.kind is case.kind))
        if first.kind is not case.kind:
            self.wrong.append(f"{case.name}: {first.kind} {first.confidence:.2f}")
        where = argument.remarks.longitude
        if case.kind is Kind.FEED_IN and where is not None:
            self.longitudes.append(where.degrees - case.longitude)
        return argument

    @property
    def right(self) -> float:
        """Share of which the first statement was right."""
        return float(np.trace(self.confusion) / self.confusion.sum())

    @property
    def abstained(self) -> float:
        """Share of which it said that it cannot tell."""
        return float(self.confusion[:, -1].sum() / self.confusion.sum())


def prove(cases: Iterable[Case]) -> Proof:
    """Argue about each case."""
    proof = Proof()
    for case in cases:
        proof.add(case)
    return proof


def meters(count: int) -> Iterator[Case]:
    """`count` unseen meters of each kind."""
    for kind in MODELS:
        for number in range(count):
            yield draw(PROOF, number, kind)


def noises(count: int) -> Iterator[Case]:
    """Unseen noise of all families but shuffled meters."""
    number, made = 0, 0
    while made < count:
        case = noise(PROOF, number)
        number += 1
        if not case.name.startswith("shuffled"):
            made += 1
            yield case


def shuffles(count: int) -> Iterator[Case]:
    """Unseen meters of all kinds but the constant load, their readings in any order."""
    kinds = [kind for kind in MODELS if kind is not Kind.CONSTANT]
    for number in range(count):
        rng = np.random.Generator(np.random.PCG64([number, 7]))
        yield shuffled(draw(PROOF, 10_000 + number, kinds[number % len(kinds)]), rng)


def glimpses(count: int) -> Iterator[Case]:
    """Three days of unseen meters of every kind."""
    kinds = list(MODELS)
    for number in range(count):
        yield draw(PROOF, 20_000 + number, kinds[number % len(kinds)], THREE_DAYS)


def main(arguments: list[str]) -> None:
    """Run the proof and write it down, or calibrate."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks hypothesis")
    parser.add_argument("--calibrate", action="store_true", help="learn the weights anew")
    parser.add_argument("--count", type=int, help="meters of each kind (160 to learn, 48 to prove)")
    options = parser.parse_args(arguments)
    if options.calibrate:
        from benchmarks.hypothesis_weights import calibrate

        calibrate(options.count or 160)
        return
    count = options.count or 48
    known = prove(meters(count))
    apart = {
        "noise (lognormal, pink, bursts, random walks)": prove(noises(2 * count)),
        "shuffled readings of all kinds but the constant load": prove(shuffles(2 * count)),
        "three days of each kind": prove(glimpses(2 * count)),
    }
    text = "\n".join(_report(known, apart))
    print(text)
    print("\n".join(["", "Wrong:", *known.wrong]))
    page = PAGE.read_text()
    before, _, rest = page.partition(BEGIN)
    after = rest.partition(END)[2]
    PAGE.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}")


def _report(known: Proof, apart: dict[str, Proof]) -> list[str]:
    total = int(known.confusion.sum())
    errors = np.array(known.longitudes)
    brier = np.mean(known.brier)
    lines = [
        f"{total} synthetic meters, {total // len(MODELS)} of each kind, 10 to 400 days of each.",
        "",
        f"- The first statement is right for {known.right:.1%}.",
        f"- For {known.abstained:.1%} it says that it cannot tell.",
        f"- Brier score {brier:.3f} (the sum over all eight statements, from 0 to 2).",
        f"- The longitude of {len(errors)} feed-ins strays by {errors.std():.1f}° (one standard",
        f"  deviation) and is {errors.mean():+.1f}° off on average.",
        "",
        "| it is \\ it is taken for | " + " | ".join(_short(kind) for kind in KINDS) + " |",
        "|---|" + "---:|" * len(KINDS),
    ]
    for kind, row in zip(KINDS[:-1], known.confusion, strict=False):
        cells = " | ".join(str(n) if n else "" for n in row.tolist())
        lines.append(f"| {_short(kind)} | {cells} |")
    lines += [
        "",
        "| confidence of the first statement | meters | of these right |",
        "|---|---:|---:|",
    ]
    lines += _reliability(known)
    lines += ["", "| it ought not to tell | series | it does not |", "|---|---:|---:|"]
    for name, proof in apart.items():
        lines.append(f"| {name} | {int(proof.confusion.sum())} | {proof.abstained:.1%} |")
    return lines


def _reliability(known: Proof) -> list[str]:
    edges = (0.5, 0.7, 0.8, 0.9, 0.95, 0.99, 1.01)
    lines = []
    # What it cannot tell it does not claim.
    claims = [claim for claim in known.claims if claim[0] >= edges[0]]
    for low, high in pairwise(edges):
        those = [right for confidence, right in claims if low <= confidence < high]
        if those:
            name = f"{low:g} to {min(high, 1):g}"
            lines.append(f"| {name} | {len(those)} | {np.mean(those):.0%} |")
    return lines


def _short(kind: Kind) -> str:
    return str(kind).replace("_", " ")
