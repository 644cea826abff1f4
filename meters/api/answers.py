"""Readings as the API writes them."""

from typing import Any

import numpy as np

from meters.api.query import ReadingsQuery
from meters.days import Floats, Ints
from meters.localtime import iso
from meters.models import Meter
from meters.readings import RegisterReadings
from meters.series import Buckets
from meters.zones import Zone

# Of a computed value; a year of float sums is good to more.
DIGITS = 12
# Of the times at which a meter reading fell.
MOST_NAMED = 3


def readings_answer(
    meter: Meter, asked: ReadingsQuery, found: list[RegisterReadings]
) -> dict[str, Any]:
    """Shape the answer for one meter, in rows or in columns."""
    query = asked.query
    start, end = iso(np.array([query.start, query.end]), query.zone)
    return {
        "meter": str(meter.muid),
        "timezone": query.zone.name,
        "resolution": str(query.resolution),
        "start": start,
        "end": end,
        "series": [_series(one, asked) for one in found],
    }


def _series(one: RegisterReadings, asked: ReadingsQuery) -> dict[str, Any]:
    code, buckets = one.register.code, one.buckets
    series: dict[str, Any] = {
        "register": one.register.obis,
        "direction": str(code.direction),
        "unit": code.unit,
        "statistic": str(buckets.statistic),
        "count": int(buckets.count.sum()),
        "expected": int(buckets.expected.sum()),
    }
    if notes := _notes(one, asked.query.zone):
        series["notes"] = notes
    columns = _columns(buckets, asked)
    if asked.layout == "columns":
        series["columns"] = columns
        return series
    # Written out, for a year of quarter-hours takes less than half as long as by `dict`.
    series["rows"] = [
        {
            "start": start,
            "end": end,
            "value": value,
            "count": count,
            "expected": expected,
            "quality": quality,
        }
        for start, end, value, count, expected, quality in zip(*columns.values(), strict=True)
    ]
    return series


def _notes(one: RegisterReadings, zone: Zone) -> list[str]:
    notes = []
    if (number := one.buckets.straddling) == 1:
        notes.append(
            "1 interval reaches beyond the bucket in which it starts; it is counted where it "
            "starts."
        )
    elif number:
        notes.append(
            f"{number} intervals reach beyond the bucket in which they start; each is counted "
            "where it starts."
        )
    if one.resets:
        # A register that falls at every other reading needs no list of all the times.
        times = ", ".join(iso(np.array(one.resets[:MOST_NAMED]), zone))
        more = len(one.resets) - MOST_NAMED
        notes.append(
            f"The meter reading fell, as after a reset or an exchange, at {times}"
            + (f" and {more} times more" if more > 0 else "")
            + "; nothing is counted across that."
        )
    return notes


def _columns(buckets: Buckets, asked: ReadingsQuery) -> dict[str, list[Any]]:
    edges = iso(buckets.edges, asked.query.zone)
    empty = buckets.count == 0
    values: list[float | None] = _tidy(buckets.values, buckets.count).tolist()
    fill = 0.0 if asked.fill == "zero" else None
    for at in np.flatnonzero(empty):
        values[at] = fill
    columns = {
        "start": edges[:-1],
        "end": edges[1:],
        "value": values,
        "count": buckets.count.tolist(),
        "expected": buckets.expected.tolist(),
        "quality": _qualities(buckets),
    }
    if asked.fill == "none" and empty.any():
        kept = np.flatnonzero(~empty).tolist()
        columns = {name: [column[at] for at in kept] for name, column in columns.items()}
    return columns


def _tidy(values: Floats, count: Ints) -> Floats:
    """Round what was computed to twelve significant digits: 1.8299, not 1.8298999999999999.

    A reading that stands alone in its bucket goes out as it came in.
    """
    several = (count > 1) & (values != 0)
    if not several.any():
        return values
    computed = values[several]
    digits = DIGITS - 1 - np.floor(np.log10(np.abs(computed)))
    # Beyond these powers of ten a float would gain errors instead of losing them.
    scale = 10.0 ** np.clip(digits, 0, 22)
    tidy = values.copy()
    tidy[several] = np.where(
        (digits > 0) & (digits <= 22), np.rint(computed * scale) / scale, computed
    )
    return tidy


def _qualities(buckets: Buckets) -> list[dict[str, int]]:
    counts = {name: number.tolist() for name, number in buckets.qualities.items()}
    if len(counts) == 1:
        [(name, numbers)] = counts.items()
        # Few numbers occur, so few objects are made; nobody changes them.
        made = {number: {name: number} if number else {} for number in set(numbers)}
        return [made[number] for number in numbers]
    return [
        {name: numbers[at] for name, numbers in counts.items() if numbers[at]}
        for at in range(len(buckets))
    ]
