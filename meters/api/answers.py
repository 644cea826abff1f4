"""Readings as the API writes them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from meters.api.buckettext import BucketText
from meters.api.query import ReadingsQuery
from meters.api.renderers import Written
from meters.combining import Combined, combined
from meters.days import Floats, Ints
from meters.localtime import Texts, iso, quoted
from meters.models import Meter
from meters.readings import RegisterReadings
from meters.series import Buckets
from meters.zones import Zone

# Of a computed value; a year of float sums is good to more.
DIGITS = 12
# Of the times at which a meter reading fell.
MOST_NAMED = 3


@dataclass(frozen=True)
class Marks:
    """The edges of the grid that all series of an answer share, written once."""

    edges: Ints
    zone: Zone

    @cached_property
    def texts(self) -> Texts:
        return quoted(self.edges, self.zone)


class BucketsBody(Written):
    """Buckets in an answer, in rows or in columns."""

    # No dataclass, which orjson would take apart by itself.
    def __init__(self, buckets: Buckets, marks: Marks, asked: ReadingsQuery) -> None:
        self.buckets, self.marks = buckets, marks
        self.fill, self.layout = asked.fill, asked.layout

    def plain(self) -> Any:
        columns = columns_of(self.buckets, self.marks.zone, self.fill)
        if self.layout == "columns":
            return columns
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]

    def json(self) -> bytes:
        text = self._text()
        return text.columns() if self.layout == "columns" else text.rows()

    def _text(self) -> BucketText:
        buckets, edges = self.buckets, self.marks.texts
        empty = buckets.count == 0
        values = np.where(empty, 0.0 if self.fill == "zero" else np.nan, _tidy(buckets))
        shown: slice | Ints = slice(None)
        if self.fill == "none" and empty.any():
            shown = np.flatnonzero(~empty)
        return BucketText(
            edges[:-1][shown],
            edges[1:][shown],
            values[shown],
            buckets.count[shown],
            buckets.expected[shown],
            {name: numbers[shown] for name, numbers in buckets.qualities.items()},
        )


def readings_answer(
    meter: Meter, asked: ReadingsQuery, found: Sequence[RegisterReadings]
) -> dict[str, Any]:
    """Shape the answer for one meter, in rows or in columns."""
    marks = Marks(asked.query.grid.edges, asked.query.zone)
    return {"meter": str(meter.muid), **_frame(asked), "series": _all_series(asked, marks, found)}


def many_answer(
    meters: Sequence[Meter], asked: ReadingsQuery, found: Sequence[RegisterReadings]
) -> dict[str, Any]:
    """Shape the answer for several meters: each by itself, or all put together.

    Raises
    ------
    CombineError
        They can't be put together.
    """
    marks = Marks(asked.query.grid.edges, asked.query.zone)
    if asked.combine is not None:
        together = combined(found, asked.combine)
        return {
            **_frame(asked),
            "combined_meters": [str(meter.muid) for meter in meters],
            "combined": [_together(one, marks, asked) for one in together],
        }
    own: dict[int, list[RegisterReadings]] = {}
    for one in found:
        own.setdefault(one.register.meter_id, []).append(one)
    return {
        **_frame(asked),
        "meters": [
            {
                "meter": str(meter.muid),
                "name": meter.name,
                "site": meter.site.name if meter.site else None,
                "series": _all_series(asked, marks, own.get(meter.pk, [])),
            }
            for meter in meters
        ],
    }


def _frame(asked: ReadingsQuery) -> dict[str, Any]:
    query = asked.query
    start, end = iso(np.array([query.start, query.end]), query.zone)
    return {
        "timezone": query.zone.name,
        "resolution": str(query.resolution),
        "start": start,
        "end": end,
    }


def _all_series(
    asked: ReadingsQuery, marks: Marks, found: Sequence[RegisterReadings]
) -> list[dict[str, Any]]:
    series = []
    for one in found:
        head = {"register": one.register.obis, "direction": str(one.register.code.direction)}
        notes = _notes(one.buckets, one.resets, asked.query.zone)
        series.append(_series(head, one.unit, BucketsBody(one.buckets, marks, asked), notes))
    return series


def _together(one: Combined, marks: Marks, asked: ReadingsQuery) -> dict[str, Any]:
    head = {"direction": str(one.direction), "registers": one.registers}
    notes = _notes(one.buckets, (), asked.query.zone)
    return _series(head, one.unit, BucketsBody(one.buckets, marks, asked), notes)


def _series(head: dict[str, Any], unit: str, body: BucketsBody, notes: list[str]) -> dict[str, Any]:
    buckets = body.buckets
    series: dict[str, Any] = {
        **head,
        "unit": unit,
        "statistic": str(buckets.statistic),
        "count": int(buckets.count.sum()),
        "expected": int(buckets.expected.sum()),
    }
    if notes:
        series["notes"] = notes
    series[body.layout] = body
    return series


def _notes(buckets: Buckets, resets: Sequence[int], zone: Zone) -> list[str]:
    notes = []
    if (number := buckets.straddling) == 1:
        notes.append(
            "1 interval reaches beyond the bucket in which it starts; it is counted where it "
            "starts."
        )
    elif number:
        notes.append(
            f"{number} intervals reach beyond the bucket in which they start; each is counted "
            "where it starts."
        )
    if resets:
        notes.append(reset_note(resets, zone))
    return notes


def reset_note(resets: Sequence[int], zone: Zone) -> str:
    """Say at what times the states of a cumulative register fell [s]."""
    # A register that falls at every other reading needs no list of all the times.
    times = ", ".join(iso(np.array(resets[:MOST_NAMED]), zone))
    more = len(resets) - MOST_NAMED
    return (
        f"The meter reading fell, as after a reset or an exchange, at {times}"
        + (f" and {more} times more" if more > 0 else "")
        + "; nothing is counted across that."
    )


def columns_of(buckets: Buckets, zone: Zone, fill: str) -> dict[str, list[Any]]:
    """Write buckets as columns: local times, values, how many intervals, of which qualities.

    Parameters
    ----------
    fill
        What stands for an empty bucket: ``null``, ``none`` (it is left out) or ``zero``.
    """
    edges = iso(buckets.edges, zone)
    empty = buckets.count == 0
    values: list[float | None] = _tidy(buckets).tolist()
    nothing = 0.0 if fill == "zero" else None
    for at in np.flatnonzero(empty):
        values[at] = nothing
    columns = {
        "start": edges[:-1],
        "end": edges[1:],
        "value": values,
        "count": buckets.count.tolist(),
        "expected": buckets.expected.tolist(),
        "quality": _qualities(buckets),
    }
    if fill == "none" and empty.any():
        kept = np.flatnonzero(~empty).tolist()
        columns = {name: [column[at] for at in kept] for name, column in columns.items()}
    return columns


def _tidy(buckets: Buckets) -> Floats:
    """Round what was computed to twelve significant digits: 1.8299, not 1.8298999999999999.

    A reading that stands alone in its bucket goes out as it came in, unless its unit is another.
    """
    values = buckets.values
    several = (buckets.count > (0 if buckets.is_computed else 1)) & (values != 0)
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
