"""Several meters as one: their energy added up by direction, or import less export."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from meters.days import Floats, Ints
from meters.obis_meaning import Direction
from meters.readings import RegisterReadings
from meters.series import Buckets, Statistic

SUMMED = (Statistic.SUM, Statistic.MEAN)


class Combine(StrEnum):
    """How the registers of several meters are put together."""

    SUM = "sum"
    NET = "net"


class CombineError(ValueError):
    """Registers that can't be put together; the text says why."""


@dataclass(frozen=True, slots=True)
class Combined:
    """What several registers tell together.

    Attributes
    ----------
    direction
        Import, export, or import less export.
    registers
        How many registers that is.
    buckets
        A bucket is empty where none of them has a reading; where only some have, `count` lies below
        `expected`.
    unit
        In which the values are given.
    """

    direction: Direction
    registers: int
    buckets: Buckets
    unit: str


def combined(found: Sequence[RegisterReadings], how: Combine) -> list[Combined]:
    """Put registers on one grid together.

    Only registers that count all active energy of their direction are, for those of one phase,
    quadrant or tariff count parts of what the main one counts.

    Raises
    ------
    CombineError
        They are given as something that does not add up.
    """
    parts: dict[Direction, list[RegisterReadings]] = {}
    for one in found:
        if not one.register.is_main_energy:
            continue
        if one.buckets.statistic not in SUMMED or not one.unit.endswith(("W", "Wh")):
            raise CombineError("Only sums of energy and mean power add up over several meters.")
        if one.buckets.statistic is Statistic.MEAN and one.unit.endswith("Wh"):
            raise CombineError("Means of intervals don't add up; ask for their sum.")
        parts.setdefault(one.register.code.direction, []).append(one)
    sums = {
        direction: Combined(direction, len(some), _added(some), some[0].unit)
        for direction, some in parts.items()
        if direction in {Direction.IMPORT, Direction.EXPORT}
    }
    both = [sums[one] for one in (Direction.IMPORT, Direction.EXPORT) if one in sums]
    return both if how is Combine.SUM or not both else [net(both)]


def net(both: Sequence[Combined]) -> Combined:
    """Take export from import; of one direction alone it is that one, with its sign."""
    signs = [1.0 if one.direction is Direction.IMPORT else -1.0 for one in both]
    buckets = _joined([one.buckets for one in both], signs)
    registers = sum(one.registers for one in both)
    return Combined(Direction.NET, registers, buckets, both[0].unit)


def _added(some: Sequence[RegisterReadings]) -> Buckets:
    return _joined([one.buckets for one in some], [1.0] * len(some))


def _joined(parts: Sequence[Buckets], signs: Sequence[float]) -> Buckets:
    values: Floats = np.zeros(len(parts[0]), dtype=np.float64)
    count: Ints = np.zeros(len(values), dtype=np.int64)
    expected: Ints = np.zeros(len(values), dtype=np.int64)
    qualities: dict[str, Ints] = {}
    exact = np.zeros(len(values), dtype=np.longdouble)
    for one, sign in zip(parts, signs, strict=True):
        exact += sign * np.nan_to_num(one.values).astype(np.longdouble)
        count += one.count
        expected += one.expected
        for name, numbers in one.qualities.items():
            qualities[name] = qualities.get(name, np.zeros(len(values), dtype=np.int64)) + numbers
    values = np.where(count > 0, exact.astype(np.float64), np.nan)
    return Buckets(
        edges=parts[0].edges,
        values=values,
        count=count,
        expected=expected,
        qualities=qualities,
        statistic=parts[0].statistic,
        straddling=sum(one.straddling for one in parts),
        is_computed=any(one.is_computed for one in parts),
    )
