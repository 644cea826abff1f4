"""The model's figures as tables: Markdown, as they stand in the documentation."""

from collections.abc import Callable, Sequence

from benchmarks.capacity.assumptions import Assumptions, options
from benchmarks.capacity.coefficients import Coefficients
from benchmarks.capacity.model import Need, predict
from benchmarks.capacity.validation import Check

# Meters and tenants.
SIZES = (
    (10, 1),
    (1_000, 1),
    (1_000, 10),
    (10_000, 1),
    (10_000, 100),
    (100_000, 10),
    (100_000, 1_000),
    (1_000_000, 100),
    (1_000_000, 1_000),
    (1_000_000, 10_000),
)
Column = tuple[str, Callable[[Need], str]]
DATA: Sequence[Column] = (
    ("readings/s", lambda one: figure(one.readings)),
    ("asked/s", lambda one: figure(one.requests)),
    ("day rows", lambda one: large(one.day_rows)),
    ("disk GB", lambda one: figure(one.disk)),
    ("catalogue GB", lambda one: figure(one.catalogue)),
    ("relations", lambda one: large(one.relations)),
    ("log GB/day", lambda one: figure(one.wal)),
    ("first load h", lambda one: figure(one.history)),
    ("its log GB", lambda one: figure(one.history_wal)),
)
WORK: Sequence[Column] = (
    ("web/s", lambda one: figure(one.web_requests)),
    ("web", lambda one: f"{one.web:,}"),
    ("workers", lambda one: f"{one.workers:,}"),
    ("cores", lambda one: figure(one.cores)),
    ("connections", lambda one: f"{one.connections:,}"),
    ("memory GB", lambda one: figure(one.memory)),
    ("messages/s", lambda one: figure(one.messages)),
    ("Redis MB", lambda one: figure(one.redis)),
    ("nodes", lambda one: f"{one.nodes:,}"),
    ("cost", lambda one: figure(one.cost)),
)
LIMITS: Sequence[Column] = (
    ("binds first", lambda one: one.binds_first),
    ("at", lambda one: share(one.shares[one.binds_first])),
    ("then", lambda one: _following(one, 1)),
    ("and", lambda one: _following(one, 2)),
    ("sweep s", lambda one: figure(one.sweep)),
    ("tick s", lambda one: figure(one.tick)),
    ("look s", lambda one: figure(one.look)),
)


def _following(need: Need, rank: int) -> str:
    name = sorted(need.shares, key=need.shares.__getitem__, reverse=True)[rank]
    return f"{name} {share(need.shares[name])}"


def share(value: float) -> str:
    return f"{value:.0%}" if value < 10 else f"{value:.0f} times"


def figure(value: float) -> str:
    """Write two digits that count, and no more than a table needs."""
    if value >= 1_000_000:
        return large(value)
    if value >= 100:
        return f"{float(f'{value:.2g}'):,.0f}"
    return f"{float(f'{value:.2g}'):g}"


def large(value: float) -> str:
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if value >= size:
            return f"{float(f'{value / size:.3g}'):g} {unit}"
    return f"{value:.0f}"


def capacity(a: Assumptions, c: Coefficients, sizes: Sequence[tuple[int, int]] = SIZES) -> str:
    """Three tables: what is kept, what works, and what binds first."""
    needs = [(size, predict(a, c, meters=size[0], tenants=size[1])) for size in sizes]
    return "\n".join(_table(needs, columns) for columns in (DATA, WORK, LIMITS))


def _table(needs: Sequence[tuple[tuple[int, int], Need]], columns: Sequence[Column]) -> str:
    rows = [["meters", "tenants", *(title for title, _ in columns)]]
    rows += [
        [f"{meters:,}", f"{tenants:,}", *(write(need) for _, write in columns)]
        for (meters, tenants), need in needs
    ]
    return markdown(rows)


def markdown(rows: Sequence[Sequence[str]]) -> str:
    head, *body = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([head, "|---" * len(rows[0]) + "|", *body]) + "\n"


def assumptions(a: Assumptions) -> str:
    rows = [["option", "", "", "what"]]
    for one in options():
        name, value = one.name.replace("_", "-"), getattr(a, one.name)
        rows.append([f"`--{name}`", f"{value:,g}", one.metadata["unit"], one.metadata["words"]])
    return markdown(rows)


def validation(size: str, found: Sequence[Check]) -> str:
    rows = [[size, "predicted", "measured", "", "off by"]]
    rows += [
        [
            one.what,
            f"{one.predicted:,.3g}" if one.predicted < 1000 else f"{one.predicted:,.0f}",
            f"{one.measured:,.3g}" if one.measured < 1000 else f"{one.measured:,.0f}",
            one.unit,
            f"{one.off:+.0%}" + ("" if one.holds else " (too far)"),
        ]
        for one in found
    ]
    return markdown(rows)
