"""Readings as the API writes them."""

from typing import Any

import numpy as np

from meters.api.query import ReadingsQuery
from meters.localtime import iso
from meters.models import Meter
from meters.readings import RegisterReadings
from meters.series import Buckets


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
    if buckets.straddling:
        words = (
            f"{buckets.straddling} intervals reach beyond the bucket in which they start; each is "
            "counted where it starts."
        )
        series["notes"] = [words]
    columns = _columns(buckets, asked)
    if asked.layout == "columns":
        series["columns"] = columns
        return series
    rows = zip(*columns.values(), strict=True)
    series["rows"] = [dict(zip(columns, row, strict=True)) for row in rows]
    return series


def _columns(buckets: Buckets, asked: ReadingsQuery) -> dict[str, list[Any]]:
    edges = iso(buckets.edges, asked.query.zone)
    values: list[float | None] = buckets.values.tolist()
    empty = buckets.count == 0
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


def _qualities(buckets: Buckets) -> list[dict[str, int]]:
    counts = {name: number.tolist() for name, number in buckets.qualities.items()}
    if len(counts) == 1:
        [(name, numbers)] = counts.items()
        return [{name: number} if number else {} for number in numbers]
    return [
        {name: numbers[at] for name, numbers in counts.items() if numbers[at]}
        for at in range(len(buckets))
    ]
