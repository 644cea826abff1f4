"""Answers of the upstream's shape, spoilt at random: as rows, and as the bytes they are written in.

Everything is drawn from the generator handed in, so that a seed gives the same answers again.
"""

import json
import random
from collections.abc import Callable
from typing import Any
from uuid import UUID

import numpy as np
import orjson

IMPORT, EXPORT, VOLTAGE = "0100011D00FF", "0100021D00FF", "1-0:32.7.0*255"
CODES = (IMPORT, EXPORT, VOLTAGE, "1-0:1.29.0*255", "0100011d00ff", "0100010800FF")
QUALITIES = ("measured", "estimated", "substituted", " Measured ", None)
DAY = 86_400

Rows = list[Any]
Dice = random.Random

# What nobody means, or what one program means and another does not understand.
ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 10**9, -(10**9) + 1, 10**18, 10**400, 1e308, 5e-324, -0.0,
    float("nan"), float("inf"), "", "0", "0,5", "NaN", "\0", "\ud800", "x" * 5_000, "💡",
    [], {}, [[]], [None] * 50, {"": {}}, {"value": 1}, "2023-03-26T01:00:00.000Z", 1_679_800_000,
)  # fmt: skip
NAMES = ("measurement", "timestamp", "tags", "muid", "quality", "", "\0", "data", *CODES)
TIMES = (
    "{:.10}", "{}+01:00", "{}", "{}Z", "{}.500Z", "{}z", "{}-00:00", "{}+14:00", " {}Z",
    "{}.000Z\n", "{}.123456789Z",
)  # fmt: skip
TOKENS = (
    b"NaN", b"-Infinity", b"null", b"1e999", b"-", b"1.", b".5", b"00", b'"', b"\\", b"\\u0000",
    b"\\ud83d", b"{", b"}", b"[", b"]", b",", b":", b"\0", b"\xff", b"\xef\xbb\xbf", b"\r\n",
    b"[" * 2_000, b'{"a":' * 500, b"9" * 5_000, b"/* no */", b"'", b"undefined", b"T24:00", b"Z",
)  # fmt: skip


def stamp(instant: int, form: str = "{}.000Z") -> str:
    return form.format(np.datetime64(instant, "s"))


def answer(dice: Dice, muid: UUID, first: int) -> bytes:
    """Write an answer for a meter of readings from around an instant [s], most often spoilt."""
    rows = _rows(dice, muid, first)
    spoil = dice.random()
    if 0.15 < spoil < 0.75:
        for _ in range(dice.randint(1, 3)):
            rows = dice.choice(OF_ROWS)(dice, rows)
    body = _written(dice, rows)
    if spoil > 0.6:
        for _ in range(dice.randint(1, 3)):
            body = dice.choice(OF_BYTES)(dice, body)
    return body


def _rows(dice: Dice, muid: UUID, first: int) -> Rows:
    step = dice.choice((900, 900, 900, 900, 1800, 3600, 300))
    begin = first + step * dice.randrange(3 * DAY // step)
    codes = dice.sample(CODES[:2], dice.choice((1, 1, 2)))
    quality = dice.choice(QUALITIES[:2])
    return [
        {
            "measurement": "energy",
            "timestamp": stamp(begin + step * at),
            "tags": {"muid": str(muid), "quality": quality},
            **{code: round(dice.random(), 4) for code in codes},
        }
        for at in reversed(range(dice.randint(1, 30)))
    ]


def _written(dice: Dice, rows: Rows) -> bytes:
    payload: Any = rows if dice.random() < 0.1 else {"data": rows}
    try:
        return orjson.dumps(payload)
    except TypeError:  # numbers past 64 bits, halves of characters
        return json.dumps(payload).encode()


# --- Rows


def _some(dice: Dice, rows: Rows) -> list[int]:
    """Choose one row, a few, or all."""
    n = dice.choice((1, 1, 2, len(rows)))
    return dice.sample(range(len(rows)), min(n, len(rows)))


def _each(
    change: Callable[[Dice, dict[str, Any]], Any],
) -> Callable[[Dice, Rows], Rows]:
    """Make a change of one row one of some rows."""

    def changed(dice: Dice, rows: Rows) -> Rows:
        found = list(rows)
        for at in _some(dice, rows):
            if isinstance(rows[at], dict):
                found[at] = change(dice, dict(rows[at]))
        return found

    return changed


def _drop_key(dice: Dice, row: dict[str, Any]) -> Any:
    if row:
        del row[dice.choice(list(row))]
    return row


def _odd_value(dice: Dice, row: dict[str, Any]) -> Any:
    key = dice.choice([*row, *row, dice.choice(NAMES)])
    return row | {key: dice.choice(ODD)}


def _odd_tag(dice: Dice, row: dict[str, Any]) -> Any:
    tags = row.get("tags")
    held = tags if isinstance(tags, dict) else {}
    return row | {"tags": held | {dice.choice(("muid", "quality", "x")): dice.choice(ODD)}}


def _rename(dice: Dice, row: dict[str, Any]) -> Any:
    old = dice.choice([*row, ""])
    return {dice.choice(NAMES) if key == old else key: value for key, value in row.items()}


def _more_registers(dice: Dice, row: dict[str, Any]) -> Any:
    return row | {code: round(dice.random(), 3) for code in dice.sample(CODES, 3)}


def _quality(dice: Dice, row: dict[str, Any]) -> Any:
    tags = row.get("tags")
    held = tags if isinstance(tags, dict) else {}
    return row | {"tags": held | {"quality": dice.choice(QUALITIES)}}


def _power(dice: Dice, row: dict[str, Any]) -> Any:
    return row | {"measurement": dice.choice(("power", "Energy", "", "a b", "x" * 30, "energy"))}


def _retime(dice: Dice, row: dict[str, Any]) -> Any:
    try:
        instant = int(np.datetime64(str(row["timestamp"])[:19], "s").astype(np.int64))
    except (KeyError, ValueError):
        return row
    if abs(instant) > 10**13:
        # What stands there is no time any more but a huge number, or nothing.
        return row
    by = dice.choice((0, 1, 437, 900, -900, 3600, DAY, -DAY, 400 * DAY, 10**10, -(10**9)))
    return row | {"timestamp": stamp(instant + by, dice.choice(TIMES))}


def _odd_row(dice: Dice, rows: Rows) -> Rows:
    found = list(rows)
    found.insert(dice.randint(0, len(rows)), dice.choice(ODD))
    return found


def _twice(dice: Dice, rows: Rows) -> Rows:
    return rows + [rows[at] for at in _some(dice, rows)]


def _contradicted(dice: Dice, rows: Rows) -> Rows:
    again = [rows[at] for at in _some(dice, rows) if isinstance(rows[at], dict)]
    return rows + [
        {key: dice.random() if type(one) is float else one for key, one in row.items()}
        for row in again
    ]


def _shuffled(dice: Dice, rows: Rows) -> Rows:
    return dice.sample(rows, len(rows))


def _thinned(dice: Dice, rows: Rows) -> Rows:
    return rows[:: dice.randint(2, 5)]


OF_ROWS: tuple[Callable[[Dice, Rows], Rows], ...] = (
    *map(_each, (_drop_key, _odd_value, _odd_value, _odd_tag, _rename, _more_registers)),
    *map(_each, (_quality, _power, _retime, _retime)),
    _odd_row, _twice, _contradicted, _shuffled, _thinned,
)  # fmt: skip


# --- Bytes


def _place(dice: Dice, body: bytes) -> int:
    return dice.randint(0, len(body))


def _flip(dice: Dice, body: bytes) -> bytes:
    if not body:
        return body
    at = dice.randrange(len(body))
    return body[:at] + bytes((body[at] ^ 1 << dice.randrange(8),)) + body[at + 1 :]


def _cut_out(dice: Dice, body: bytes) -> bytes:
    at = _place(dice, body)
    return body[:at] + body[at + dice.choice((1, 2, 10, 100)) :]


def _repeat(dice: Dice, body: bytes) -> bytes:
    at = _place(dice, body)
    return body[:at] + body[at : at + dice.choice((1, 5, 150))] * 2 + body[at:]


def _token(dice: Dice, body: bytes) -> bytes:
    at = _place(dice, body)
    return body[:at] + dice.choice(TOKENS) + body[at + dice.choice((0, 0, 1, 4)) :]


def _digit(dice: Dice, body: bytes) -> bytes:
    places = [at for at, byte in enumerate(body) if 48 <= byte <= 57]
    if not places:
        return body
    at = dice.choice(places)
    return (
        body[:at] + dice.choice((b"0", b"3", b"9", b"e", b".", b"-", b"", b"11")) + body[at + 1 :]
    )


def _value(dice: Dice, body: bytes) -> bytes:
    """Put a token in the place of what stands between a colon and the next comma."""
    places = [at for at, byte in enumerate(body) if byte == 58]
    if not places:
        return body
    at = dice.choice(places) + 1
    ends = [end for end in (body.find(b",", at), body.find(b"}", at)) if end >= 0]
    return body[:at] + dice.choice(TOKENS) + body[min(ends, default=len(body)) :]


def _end(dice: Dice, body: bytes) -> bytes:
    return body[: _place(dice, body)]


def _encode(dice: Dice, body: bytes) -> bytes:
    text = body.decode("utf-8", "replace")
    return text.encode(dice.choice(("utf-16", "utf-8-sig", "utf-32-be", "cp500")), "replace")


OF_BYTES: tuple[Callable[[Dice, bytes], bytes], ...] = (
    _flip, _cut_out, _repeat, _token, _digit, _digit, _value, _value, _value, _end, _encode,
)  # fmt: skip
