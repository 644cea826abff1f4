"""Faults of the values, codes, qualities and tags of single rows."""

from __future__ import annotations

import json
import re
from typing import Any

from ingestion.simulator.faults.kinds import Fault, Parameter, Stage, kind
from ingestion.simulator.faults.rows import SHARE, Row, Rows, changed, codes, instant, with_tags

# What JSON can't say stands between these in a text until it is written.
_OPEN, _CLOSE = "\ue000", "\ue001"


def literal(text: str) -> str:
    """A text that is written into the answer as it stands, without quotes."""
    return f"{_OPEN}{text}{_CLOSE}"


def written(rows: Rows) -> bytes:
    """Write rows as JSON, joined by commas, and as what is none where a fault wants it."""
    text = json.dumps(rows, separators=(",", ":"), ensure_ascii=False)
    text = re.sub(f'"{_OPEN}([^{_CLOSE}]*){_CLOSE}"', r"\1", text)
    return text[1:-1].encode(errors="surrogatepass")


def _values(rows: Rows, fault: Fault, *choices: object) -> Rows:
    """Replace the values of the rows that are hit, by one choice after the other."""

    def spoilt(row: dict[str, Any]) -> Row:
        when = instant(row)
        at = int(when.timestamp()) // 900 if when else 0
        return {**row, **dict.fromkeys(codes(row), choices[at % len(choices)])}

    return changed(rows, fault, spoilt)


@kind("nan", Stage.ROWS, {"share": SHARE})
def nan(rows: Rows, fault: Fault, now: int) -> Rows:
    """Some values are NaN, which is no JSON but what many programs write."""
    return _values(rows, fault, literal("NaN"))


@kind("infinity", Stage.ROWS, {"share": SHARE})
def infinity(rows: Rows, fault: Fault, now: int) -> Rows:
    """Some values are Infinity or -Infinity, which are no JSON either."""
    return _values(rows, fault, literal("Infinity"), literal("-Infinity"))


@kind("texts", Stage.ROWS, {"share": SHARE})
def texts(rows: Rows, fault: Fault, now: int) -> Rows:
    """Some values are texts."""
    return _values(rows, fault, "0.25", "0,25", "n/a", "", "\x00", "1e3")


@kind("booleans", Stage.ROWS, {"share": SHARE})
def booleans(rows: Rows, fault: Fault, now: int) -> Rows:
    """Some values are true or false."""
    return _values(rows, fault, True, False)


@kind("nulls", Stage.ROWS, {"share": SHARE})
def nulls(rows: Rows, fault: Fault, now: int) -> Rows:
    """Some values are null."""
    return _values(rows, fault, None)


@kind("absurd-values", Stage.ROWS, {"share": SHARE})
def absurd_values(rows: Rows, fault: Fault, now: int) -> Rows:
    """Some values are larger than anything that a meter measures."""
    return _values(rows, fault, 1e12, -4e9, 10**15)


@kind("huge-numbers", Stage.ROWS, {"share": SHARE})
def huge_numbers(rows: Rows, fault: Fault, now: int) -> Rows:
    """Some values are numbers that no float holds."""
    return _values(rows, fault, literal("1e400"), literal("-1e999"), literal("7" * 5_000))


@kind("nested-values", Stage.ROWS, {"depth": Parameter(300, 1), "share": SHARE})
def nested_values(rows: Rows, fault: Fault, now: int) -> Rows:
    """Some values are lists in lists in lists."""
    depth = fault["depth"]
    return _values(rows, fault, literal("[" * depth + "]" * depth))


@kind("unknown-codes", Stage.ROWS, {"share": SHARE})
def unknown_codes(rows: Rows, fault: Fault, now: int) -> Rows:
    """Some values stand under names that are no OBIS codes."""

    def renamed(row: dict[str, Any]) -> Row:
        names = {code: f"kWh {at}" for at, code in enumerate(codes(row))}
        return {names.get(key, key): value for key, value in row.items()}

    return changed(rows, fault, renamed)


@kind("unknown-qualities", Stage.ROWS, {"share": SHARE})
def unknown_qualities(rows: Rows, fault: Fault, now: int) -> Rows:
    """Some qualities are words that nobody knows."""
    return changed(rows, fault, lambda row: with_tags(row, quality="splendid"))


@kind("no-quality", Stage.ROWS, {"share": SHARE})
def no_quality(rows: Rows, fault: Fault, now: int) -> Rows:
    """Some rows name no quality."""

    def without(row: dict[str, Any]) -> Row:
        tags = with_tags(row)["tags"]
        return {**row, "tags": {key: tag for key, tag in tags.items() if key != "quality"}}

    return changed(rows, fault, without)


@kind("no-tags", Stage.ROWS, {"share": SHARE})
def no_tags(rows: Rows, fault: Fault, now: int) -> Rows:
    """Some rows have no tags at all."""

    def without(row: dict[str, Any]) -> Row:
        return {key: value for key, value in row.items() if key != "tags"}

    return changed(rows, fault, without)
