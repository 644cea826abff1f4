"""Faults of the times of single rows."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from ingestion.simulator.contract import EPOCH, MILLISECOND
from ingestion.simulator.faults.kinds import Fault, Parameter, Stage, kind
from ingestion.simulator.faults.rows import SHARE, Row, Rows, changed, instant, stamped

IMPOSSIBLE = (
    None,
    1_675_209_600,
    "yesterday",
    "",
    "2023-02-30T00:00:00.000Z",
    "1970-01-01T00:00:00.000Z",
    "9999-12-31T23:45:00.000Z",
    "2023-02-01T00:00:00.500Z",
    "0001-01-01T00:00:00+23:59",
    ["2023-02-01T00:00:00.000Z"],
)


@kind("naive-times", Stage.ROWS, {"share": SHARE})
def naive_times(rows: Rows, fault: Fault, now: int) -> Rows:
    """Some times have no offset."""
    return changed(rows, fault, lambda row: {**row, "timestamp": str(row["timestamp"])[:19]})


@kind("misaligned-times", Stage.ROWS, {"seconds": Parameter(437, -86_400), "share": SHARE})
def misaligned_times(rows: Rows, fault: Fault, now: int) -> Rows:
    """Some times lie between the beginnings of the day's intervals."""
    by = timedelta(seconds=fault["seconds"])

    def moved(row: dict[str, Any]) -> Row:
        when = instant(row)
        return stamped(row, when + by) if when else row

    return changed(rows, fault, moved)


@kind("impossible-times", Stage.ROWS, {"share": SHARE})
def impossible_times(rows: Rows, fault: Fault, now: int) -> Rows:
    """Some times are none: missing, numbers, words, dates that do not exist, another age."""

    def spoilt(row: dict[str, Any]) -> Row:
        when = instant(row)
        at = int(when.timestamp()) // 900 if when else 0
        return {**row, "timestamp": IMPOSSIBLE[at % len(IMPOSSIBLE)]}

    return changed(rows, fault, spoilt)


@kind("clock-ahead", Stage.ROWS, {"minutes": Parameter(600, 1), "rows": Parameter(3, 1)})
def clock_ahead(rows: Rows, fault: Fault, now: int) -> Rows:
    """The meter's clock is ahead: the newest rows lie in the future, whatever was asked for."""
    ahead = EPOCH + now * MILLISECOND + timedelta(minutes=fault["minutes"])
    ahead -= timedelta(seconds=ahead.timestamp() % 900)
    newest = [
        stamped(row, ahead - timedelta(minutes=15 * at)) if isinstance(row, dict) else row
        for at, row in enumerate(rows[: fault["rows"]])
    ]
    return newest + rows[fault["rows"] :]
