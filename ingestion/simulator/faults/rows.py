"""Faults of the rows as a whole: which there are, in which order, whose they are.

Each is a function of rows, fault and the present [ms since 1970-01-01T00:00Z]; rows are decoded
JSON, and an earlier fault may have left some that are no objects.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from ingestion.simulator.contract import DAY, milliseconds
from ingestion.simulator.faults.kinds import Fault, Parameter, Stage, kind

Row = Any
Rows = list[Row]

FRAME = {"measurement", "timestamp", "tags"}
SHARE = Parameter(0.1, 0, 1)
OTHER = str(uuid5(NAMESPACE_URL, "https://lastgang.example/simulator/another-meter"))
MORE_CODES = ("0100021D00FF", "0100031D00FF", "0100041D00FF", "0100051D00FF", "0100061D00FF")


def is_chosen(row: Row, fault: Fault) -> bool:
    """Whether a row is one of the share that a fault hits.

    It depends on the row's time alone, so that the same rows are hit in whatever window they come.
    """
    if not isinstance(row, dict):
        return False
    text = f"{fault.name}/{row.get('timestamp')}"
    return bool(zlib.crc32(text.encode(errors="replace")) < fault["share"] * 2**32)


def changed(rows: Rows, fault: Fault, change: Callable[[dict[str, Any]], Row]) -> Rows:
    """Change the rows that the fault hits, and leave the others as they are."""
    return [change(row) if is_chosen(row, fault) else row for row in rows]


def with_tags(row: dict[str, Any], **tags: object) -> dict[str, Any]:
    held = row.get("tags")
    return {**row, "tags": {**(held if isinstance(held, dict) else {}), **tags}}


def codes(row: Row) -> list[str]:
    """The keys of a row that hold its values."""
    return [key for key in row if key not in FRAME] if isinstance(row, dict) else []


def instant(row: Row) -> datetime | None:
    """When a row's interval begins, where that can still be read."""
    try:
        when = datetime.fromisoformat(row["timestamp"])
    except (TypeError, KeyError, ValueError):
        return None
    return when if when.tzinfo else None


def calculated(row: dict[str, Any], change: Callable[[float], float]) -> Row:
    """The row with other values, where they are numbers."""
    numbers = {code: row[code] for code in codes(row) if type(row[code]) in (int, float)}
    return row | {code: round(change(value), 6) for code, value in numbers.items()}


def stamped(row: dict[str, Any], when: datetime) -> dict[str, Any]:
    return {**row, "timestamp": f"{when.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.000Z"}


def _aged(rows: Rows, days: float, now: int) -> Iterator[tuple[Row, bool]]:
    """Each row, and whether so many days have passed since its time."""
    for row in rows:
        when = instant(row)
        yield row, when is None or now >= milliseconds(when) + days * DAY


@kind("missing", Stage.ROWS, {"share": SHARE})
def missing(rows: Rows, fault: Fault, now: int) -> Rows:
    """Some readings are left out."""
    return [row for row in rows if not is_chosen(row, fault)]


@kind("late", Stage.ROWS, {"days": Parameter(2.0), "share": SHARE})
def late(rows: Rows, fault: Fault, now: int) -> Rows:
    """Some readings arrive days late."""
    aged = _aged(rows, fault["days"], now)
    return [row for row, is_old in aged if is_old or not is_chosen(row, fault)]


@kind("corrected", Stage.ROWS, {"days": Parameter(2.0), "share": SHARE, "by": Parameter(0.5)})
def corrected(rows: Rows, fault: Fault, now: int) -> Rows:
    """Some readings are estimates [kWh too much] at first; days later they are measured values."""

    def estimated(row: dict[str, Any]) -> Row:
        return with_tags(calculated(row, lambda value: value + fault["by"]), quality="estimated")

    aged = _aged(rows, fault["days"], now)
    return [row if is_old or not is_chosen(row, fault) else estimated(row) for row, is_old in aged]


@kind("wrong-muid", Stage.ROWS, {"share": SHARE})
def wrong_muid(rows: Rows, fault: Fault, now: int) -> Rows:
    """Some rows name another meter."""
    return changed(rows, fault, lambda row: with_tags(row, muid=OTHER))


@kind("unsorted", Stage.ROWS, {"seed": Parameter(1)})
def unsorted(rows: Rows, fault: Fault, now: int) -> Rows:
    """The rows come in no order."""
    return random.Random(fault["seed"]).sample(rows, len(rows))  # noqa: S311 - no secret


@kind("oldest-first", Stage.ROWS)
def oldest_first(rows: Rows, fault: Fault, now: int) -> Rows:
    """The oldest rows come first, and a limit cuts the newest off."""
    return rows[::-1]


@kind("repeated", Stage.ROWS, {"share": SHARE})
def repeated(rows: Rows, fault: Fault, now: int) -> Rows:
    """Some rows come twice."""
    return [row for one in rows for row in [one] * (1 + is_chosen(one, fault))]


@kind("contradicting", Stage.ROWS, {"share": SHARE})
def contradicting(rows: Rows, fault: Fault, now: int) -> Rows:
    """Some readings come twice, with another value the first time."""
    found: Rows = []
    for row in rows:
        if is_chosen(row, fault):
            found.append(calculated(row, lambda value: value + 1))
        found.append(row)
    return found


@kind("rows-at-one-instant", Stage.ROWS, {"rows": Parameter(3, 1, 1 + len(MORE_CODES))})
def rows_at_one_instant(rows: Rows, fault: Fault, now: int) -> Rows:
    """Each instant has several rows, one for each register."""
    more = MORE_CODES[: fault["rows"] - 1]
    return [
        one for row in rows for one in (row, *(_moved(row, code) for code in more if codes(row)))
    ]


def _moved(row: dict[str, Any], code: str) -> Row:
    """The same row, as that of another register."""
    old = codes(row)[0]
    return {key: value for key, value in row.items() if key != old} | {code: row[old]}


@kind("several-registers", Stage.ROWS, {"codes": Parameter(2, 1, 1 + len(MORE_CODES))})
def several_registers(rows: Rows, fault: Fault, now: int) -> Rows:
    """Each row holds the values of several registers."""
    more = MORE_CODES[: fault["codes"] - 1]
    return [row | dict.fromkeys(more, row[codes(row)[0]]) if codes(row) else row for row in rows]


@kind("power-beside-energy", Stage.ROWS)
def power_beside_energy(rows: Rows, fault: Fault, now: int) -> Rows:
    """Beside each row of energy [kWh] comes one of power [W], under the same code."""

    def power(row: dict[str, Any]) -> Row:
        return calculated(row, lambda value: value * 4000) | {"measurement": "power"}

    return [one for row in rows for one in ([row, power(row)] if codes(row) else [row])]


@kind("odd-rows", Stage.ROWS, {"share": SHARE})
def odd_rows(rows: Rows, fault: Fault, now: int) -> Rows:
    """Between the rows stand things that are no rows."""
    odd: list[Row] = [None, 7, "row", [], {}, True]
    return [
        one
        for at, row in enumerate(rows)
        for one in ([odd[at % len(odd)], row] if is_chosen(row, fault) else [row])
    ]


@kind("shifted", Stage.ROWS, {"minutes": Parameter(60, -100_000)})
def shifted(rows: Rows, fault: Fault, now: int) -> Rows:
    """All times are too late by some minutes, such as a zone's offset."""
    by = timedelta(minutes=fault["minutes"])
    return [stamped(row, when + by) if (when := instant(row)) else row for row in rows]
